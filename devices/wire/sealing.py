"""A secret for one reader: compact JWE (RFC 7516), ECDH-ES with X25519 (RFC 8037) and A256GCM, and no other choice."""

from collections.abc import Mapping
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ALGORITHM, ENCRYPTION = "ECDH-ES", "A256GCM"
_REGISTRY = jwe.JWERegistry(algorithms=[ALGORITHM, ENCRYPTION])


class SealError(Exception):
    """It was not sealed for this key, or was changed on the way."""


class SealKey:
    """A key pair for one secret; the private half stays in memory."""

    __slots__ = ("_key",)

    def __init__(self, key: OKPKey) -> None:
        if key.curve_name != "X25519" or not key.is_private:
            raise ValueError("An X25519 private key is needed.")
        self._key = key

    def __repr__(self) -> str:
        return "SealKey()"

    @classmethod
    def generate(cls) -> "SealKey":
        """A new pair."""
        return cls(OKPKey.generate_key("X25519"))

    def to_jwk(self) -> dict[str, str]:
        """The public half: `kty`, `crv`, `x`."""
        return {"kty": "OKP", "crv": "X25519", "x": str(self._key.as_dict(private=False)["x"])}

    def open(self, sealed: str) -> bytes:
        """What was sealed for this key. Raises SealError."""
        try:
            plaintext = jwe.decrypt_compact(sealed, self._key, registry=_REGISTRY).plaintext
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise SealError(f"The sealed secret cannot be opened: {error}") from None
        if plaintext is None:
            raise SealError("The sealed secret is empty.")
        return plaintext


def check_seal_jwk(jwk: Mapping[str, Any]) -> None:
    """Raises ValueError for anything but an X25519 public key."""
    _imported(jwk)


def seal(plaintext: bytes, jwk: Mapping[str, Any]) -> str:
    """Seal for the holder of the private half of `jwk`. Raises ValueError."""
    return jwe.encrypt_compact({"alg": ALGORITHM, "enc": ENCRYPTION}, plaintext, _imported(jwk), registry=_REGISTRY)


def _imported(jwk: Mapping[str, Any]) -> OKPKey:
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "X25519" or "d" in jwk or not isinstance(jwk.get("x"), str):
        raise ValueError("An X25519 public JWK is needed (kty OKP, crv X25519, no private part).")
    try:
        return OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": jwk["x"]})
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"The JWK is no X25519 key: {error}") from error
