"""Signed documents: compact JWS (RFC 7515) with `alg` EdDSA (RFC 8037), keys Ed25519, several at once for rotation.

Protected header: `alg`, `kid`, `typ`; nothing else counts. Whoever reads a document first checks its size, then the
algorithm against a constant list, the key against the keys that are pinned, the signature, the type, and only then
looks at what it says.
"""

import json
import re
import string
from binascii import Error as BinasciiError
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, TypeVar, overload

from joserfc import jws
from joserfc.errors import BadSignatureError as JoseBadSignatureError
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from nacl.exceptions import BadSignatureError as NaclBadSignatureError
from nacl.signing import VerifyKey
from pybase64 import b64decode
from pydantic import ValidationError

from devices.files import write_private
from devices.wire.messages import Reason, Signed

ALGORITHM = "EdDSA"
MAX_SIZE = 64 * 1024
"""Bytes of the longest document that is looked at, signature included."""

_KID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BASE64URL = (string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_").encode()
_ENDINGS = (_BASE64URL, b"", _BASE64URL[::16], _BASE64URL[::4])
"""What the last letter can be, by the number of letters beyond whole fours: the bits that it has too many are zero."""
D = TypeVar("D", bound=Signed)
E = TypeVar("E", bound=Signed)
F = TypeVar("F", bound=Signed)
G = TypeVar("G", bound=Signed)


class KeyFileError(Exception):
    """A key could not be stored or read; the message says which file, why, and what to do."""


class RefusedError(Exception):
    """A document that must not be acted on. `reason` is what a refusal receipt says."""

    reason: ClassVar[Reason]


class MalformedError(RefusedError):
    """Not a compact JWS of this protocol, too long, or its content does not fit the model."""

    reason = Reason.MALFORMED


class UnknownKeyError(RefusedError):
    """Signed with a key that is not pinned here."""

    reason = Reason.UNKNOWN_KEY


class BadSignatureError(RefusedError):
    """The signature does not belong to these bytes, or another algorithm is claimed."""

    reason = Reason.BAD_SIGNATURE


class WrongTypeError(RefusedError):
    """Rightly signed, but a document of another kind than may stand here."""

    reason = Reason.WRONG_TYPE


def decoded(segment: bytes) -> bytes:
    """What a part of a compact JWS stands for (RFC 7515, section 2: base64url without padding). Raises binascii.Error, a ValueError.

    There is one text for one value (RFC 4648, section 3.5): otherwise a signature could be written otherwise and still be right.
    By vector instructions: a station decodes thousands of documents of some kilobytes a second.
    """
    if segment.translate(None, _BASE64URL):
        raise BinasciiError("these are not letters of base64url alone")
    if segment and segment[-1] not in _ENDINGS[len(segment) % 4]:
        raise BinasciiError("bits are left over")
    return b64decode(segment + b"=" * (-len(segment) % 4), b"-_", validate=True)


class _Registry(jws.JWSRegistry):
    """One algorithm and no other.

    joserfc warns that RFC 9864 renames "EdDSA" to "Ed25519"; protocol version 1 names it as RFC 8037 does, which
    every JOSE library knows, and the list of algorithms is closed, so that the warning tells nothing here.
    """

    max_payload_length = MAX_SIZE

    def get_alg(self, name: str) -> Any:  # its model of an algorithm is not public
        if name != ALGORITHM:
            raise JoseBadSignatureError
        return self.algorithms[ALGORITHM]


_REGISTRY = _Registry(algorithms=[ALGORITHM], strict_check_header=False)


class PublicKey:
    """An Ed25519 public key with its id."""

    __slots__ = ("_key", "_verifier", "kid")

    def __init__(self, key: OKPKey, kid: str) -> None:
        if key.curve_name != "Ed25519" or key.is_private:
            raise ValueError("An Ed25519 public key is needed.")
        if not _KID.fullmatch(kid):
            raise ValueError(f"The key id {kid!r} is not an identifier of this protocol.")
        self._key = key
        # libsodium checks a signature in half the time that OpenSSL takes, and lets other threads run meanwhile:
        # a station verifies thousands a second.
        self._verifier = VerifyKey(key.public_key.public_bytes_raw())
        self.kid = kid

    def __repr__(self) -> str:
        return f"PublicKey(kid={self.kid!r})"

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) of `content` was made with this key (RFC 8032)."""
        try:
            self._verifier.verify(content, signature)
        except (NaclBadSignatureError, ValueError, TypeError):
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.to_jwk() == other.to_jwk()

    def __hash__(self) -> int:
        return hash(self.kid)

    def to_jwk(self) -> dict[str, str]:
        """The key as a JSON Web Key (RFC 7517, RFC 8037): `kty`, `crv`, `x`, `kid`."""
        jwk = self._key.as_dict(private=False)
        return {"kty": "OKP", "crv": "Ed25519", "x": str(jwk["x"]), "kid": self.kid}

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "PublicKey":
        """Raises ValueError for anything but an Ed25519 public key with a `kid`."""
        if jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519" or "d" in jwk:
            raise ValueError("An Ed25519 public JWK is needed (kty OKP, crv Ed25519, no private part).")
        try:
            key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": jwk["x"]})
            return cls(key, jwk["kid"])
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"The JWK {jwk.get('kid')!r} is no key with an id: {error}") from error


class SigningKey:
    """An Ed25519 private key with its id. It is never shown, pickled or logged."""

    __slots__ = ("_key", "kid")

    def __init__(self, key: OKPKey, kid: str) -> None:
        if key.curve_name != "Ed25519" or not key.is_private:
            raise ValueError("An Ed25519 private key is needed.")
        if not _KID.fullmatch(kid):
            raise ValueError(f"The key id {kid!r} is not an identifier of this protocol.")
        self._key = key
        self.kid = kid

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r})"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("A signing key is not copied or pickled.")

    @classmethod
    def generate(cls, kid: str | None = None) -> "SigningKey":
        """A new key. The id defaults to the RFC 7638 thumbprint, drawn anew until it is an identifier."""
        while True:
            key = OKPKey.generate_key("Ed25519")
            name = kid or key.thumbprint()
            if kid is not None or _KID.fullmatch(name):
                return cls(key, name)

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read what `save` wrote. Raises KeyFileError."""
        try:
            jwk = json.loads(path.read_bytes())
            return cls(OKPKey.import_key({k: jwk[k] for k in ("kty", "crv", "x", "d")}), jwk["kid"])
        except OSError as error:
            raise KeyFileError(f"The key file {path} cannot be read: {error.strerror}.") from error
        except (JoseError, ValueError, KeyError, TypeError):
            # What was read is a private key: it must not travel in a chained exception.
            raise KeyFileError(f"The key file {path} holds no Ed25519 key; restore it from a copy.") from None

    def save(self, path: Path, *, overwrite: bool = False) -> None:
        """Store as a JWK, readable for the owner only, whole or not at all. Raises KeyFileError if it exists."""
        jwk = self._key.as_dict(private=True)
        data = json.dumps({"kty": "OKP", "crv": "Ed25519", "x": jwk["x"], "d": jwk["d"], "kid": self.kid}).encode()
        try:
            write_private(path, data, overwrite=overwrite)
        except FileExistsError:
            raise KeyFileError(f"The key file {path} exists and is not overwritten; move it away first.") from None
        except OSError as error:
            raise KeyFileError(f"The key file {path} cannot be written: {error.strerror}.") from error

    def public(self) -> PublicKey:
        """The half that others may have."""
        return PublicKey(OKPKey.import_key(self._key.public_key), self.kid)

    def sign_bytes(self, payload: bytes, typ: str) -> bytes:
        """Compact JWS of any payload; documents are signed by `sign`."""
        header = {"alg": ALGORITHM, "kid": self.kid, "typ": typ}
        return jws.serialize_compact(header, payload, self._key, registry=_REGISTRY).encode("ascii")


class Keyring(Mapping[str, PublicKey]):
    """The public keys that are trusted, by id; several at once while keys rotate. Frozen."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[PublicKey] = ()) -> None:
        found: dict[str, PublicKey] = {}
        for key in keys:
            if found.setdefault(key.kid, key) != key:
                raise ValueError(f"Two different keys are named {key.kid!r}.")
        self._keys = found

    def __getitem__(self, kid: str) -> PublicKey:
        return self._keys[kid]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"Keyring({sorted(self._keys)})"


def sign(document: Signed, key: SigningKey) -> bytes:
    """The document as a compact JWS in ASCII. Raises ValueError if it is longer than receivers read."""
    data = key.sign_bytes(document.model_dump_json(exclude_none=True).encode(), document.TYP)
    if len(data) > MAX_SIZE:
        raise ValueError(f"A document of {len(data)} bytes is longer than the {MAX_SIZE} that receivers read.")
    return data


_HEADER_KEPT = 256
"""Bytes of the longest protected header that is remembered: all documents of one signer and kind have the same."""


def _header(segment: bytes) -> object:
    """The protected header, whatever JSON it is; raises what joserfc raises."""
    return jws.extract_compact(segment + b".e30.AA", registry=_REGISTRY).protected


_known_header = lru_cache(maxsize=16384)(_header)


class _Sealed:
    """A compact JWS with a key that is pinned, its signature not yet checked: so that many can be checked at once."""

    __slots__ = ("_content", "_key", "_payload", "_signature", "_typ")

    def __init__(self, data: bytes, keys: Keyring) -> None:
        """Raises MalformedError, UnknownKeyError, or BadSignatureError where another algorithm is claimed."""
        if len(data) > MAX_SIZE:
            raise MalformedError(f"{len(data)} bytes are more than the {MAX_SIZE} of the longest document.")
        if (
            data.translate(None, _BASE64URL) != b".."
        ):  # the library passes over padding and other characters here and there
            raise MalformedError("Not a compact JWS: these are not three parts in base64url without padding.")
        first, second, last = data.split(b".")
        try:
            header = _known_header(first) if len(first) <= _HEADER_KEPT else _header(first)
            self._signature = decoded(last)
        except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise MalformedError(f"Not a compact JWS: {error}") from error
        if not isinstance(header, dict) or "crit" in header or "b64" in header:
            raise MalformedError("The protected header asks for extensions that this protocol does not have.")
        if header.get("alg") != ALGORITHM:
            raise BadSignatureError("Another algorithm than EdDSA is claimed.")
        kid = header.get("kid")
        key = keys.get(kid) if isinstance(kid, str) else None
        if key is None:
            raise UnknownKeyError(f"The key {str(kid)[:64]!r} is not pinned here.")
        self._key = key
        self._typ = header.get("typ")
        self._payload = second
        self._content = data[: -len(last) - 1]

    def is_signed(self) -> bool:
        """Whether the signature belongs to these bytes. Nearly all of its time is spent without Python's lock."""
        return self._key.signed(self._content, self._signature)

    def document(self, *expected: type[D]) -> D:
        """What it says, once `is_signed` was true. Raises MalformedError or WrongTypeError."""
        for kind in expected:
            if self._typ == kind.TYP:
                try:
                    return kind.model_validate_json(decoded(self._payload))
                except BinasciiError as error:
                    raise MalformedError(f"Not a compact JWS: {error}") from error
                except ValidationError as error:
                    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
                    where = ".".join(str(part) for part in fault["loc"]) or "document"
                    raise MalformedError(f"{where}: {fault['msg']}") from error
        raise WrongTypeError(f"A {str(self._typ)[:64]!r} may not stand here.")


@overload
def verify(data: bytes, keys: Keyring, expected: type[D], /) -> D: ...
@overload
def verify(data: bytes, keys: Keyring, expected: type[D], other: type[E], /) -> D | E: ...
@overload
def verify(data: bytes, keys: Keyring, expected: type[D], other: type[E], third: type[F], /) -> D | E | F: ...
@overload
def verify(
    data: bytes, keys: Keyring, expected: type[D], other: type[E], third: type[F], fourth: type[G], /
) -> D | E | F | G: ...
def verify(data: bytes, keys: Keyring, *expected: type[Signed]) -> Signed:
    """The document, if one of `keys` signed it and it is one of the `expected` types.

    Raises MalformedError, UnknownKeyError, BadSignatureError or WrongTypeError, all RefusedError.
    """
    sealed = _Sealed(data, keys)
    said = _said(sealed, sealed.is_signed(), expected)
    if isinstance(said, RefusedError):
        raise said
    return said


_PIECE = 250
"""Signatures that one thread checks at a time."""


def verify_all(
    signed: Iterable[tuple[bytes, Keyring]], threads: Executor, *expected: type[D]
) -> list[D | RefusedError]:
    """What `verify` says of each of these, or the error that it raises, in their order; signatures are checked in `threads`.

    Only they: whatever else a document needs holds Python's lock, and threads that wait for it are slower than one.
    """
    return [
        sealed if isinstance(sealed, RefusedError) else _said(sealed, is_signed, expected)
        for sealed, is_signed in _checked(signed, threads)
    ]


def are_signed(signed: Iterable[tuple[bytes, Keyring]], threads: Executor) -> list[bool]:
    """Of each of these whether one of its keys signed it, whatever it says; signatures are checked in `threads`."""
    return [is_signed for _, is_signed in _checked(signed, threads)]


def _checked(
    signed: Iterable[tuple[bytes, Keyring]], threads: Executor
) -> Iterator[tuple["_Sealed | RefusedError", bool]]:
    found: list[_Sealed | RefusedError] = []
    for data, keys in signed:
        try:
            found.append(_Sealed(data, keys))
        except RefusedError as error:
            found.append(error)
    sealed = [each for each in found if isinstance(each, _Sealed)]
    pieces = [sealed[start : start + _PIECE] for start in range(0, len(sealed), _PIECE)]
    good = chain.from_iterable(threads.map(_checks, pieces) if len(pieces) > 1 else map(_checks, pieces))
    return ((each, isinstance(each, _Sealed) and next(good)) for each in found)


def _checks(sealed: Sequence[_Sealed]) -> list[bool]:
    return [each.is_signed() for each in sealed]


def _said(sealed: _Sealed, is_signed: bool, expected: tuple[type[D], ...]) -> D | RefusedError:
    if not is_signed:
        return BadSignatureError("The signature does not belong to this document.")
    try:
        return sealed.document(*expected)
    except RefusedError as error:
        return error


def unverified(data: bytes, kind: type[D]) -> D:
    """What a document claims, before anything of it is proved: only to find the key that it must then be verified with.

    Raises MalformedError.
    """
    if len(data) > MAX_SIZE:
        raise MalformedError(f"{len(data)} bytes are more than the {MAX_SIZE} of the longest document.")
    try:
        return kind.model_validate_json(jws.extract_compact(data, registry=_REGISTRY).payload)
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedError(f"Not a compact JWS of this kind: {str(error).splitlines()[0][:200]}") from None


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of an Ed25519 key (RFC 7638), base64url: what it is, whatever its `kid`."""
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": jwk["x"]}).thumbprint()


def signed_with(data: str | bytes) -> str | None:
    """The `kid` that a document claims, unproved."""
    try:
        header: object = jws.extract_compact(
            data.encode() if isinstance(data, str) else data, registry=_REGISTRY
        ).protected
    except (JoseError, ValueError, TypeError, AttributeError):
        return None
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else None
