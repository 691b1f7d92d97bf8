"""Enrolment, renewal, station keys and wiping: the documents of protocol version 1 that are about trust itself.

Enrolment goes over HTTP, before the receiver has an account at the broker. Device and station each show what they
believe was said as six digits (`comparison`): a person who carries the digits from one to the other proves that
nobody stood between, as with Bluetooth's numeric comparison. The device commits to its nonce before it knows the
station's, so that nobody in the middle can search for a conversation whose digits fit.
"""

import hashlib
from base64 import b32encode
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from devices.wire.messages import (
    Document,
    Identifier,
    Instant,
    Kind,
    Number,
    Ordinal,
    Sha256,
    Signed,
    Statement,
    Text,
    Value,
)
from devices.wire.sealing import check_seal_jwk
from devices.wire.signing import PublicKey

CODE_DIGITS = 6
PREFIX = b"commune-broadcaster enrolment v1\0"
Jwk = dict[str, str]


def _signing_jwk(value: Jwk) -> Jwk:
    PublicKey.from_jwk(value)
    return value


def _seal_jwk(value: Jwk) -> Jwk:
    check_seal_jwk(value)
    return value


SigningJwk = Annotated[Jwk, Field(max_length=8), AfterValidator(_signing_jwk)]
SealJwk = Annotated[Jwk, Field(max_length=8), AfterValidator(_seal_jwk)]
Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""32 random bytes in hexadecimal."""


class EnrolmentRequest(Signed):
    """A device asks to be taken in; signed with the key that it made and names here."""

    TYP: ClassVar[str] = "enrolment-request+jws"
    public_key: SigningJwk
    seal_key: SealJwk  # X25519: the account's secret comes sealed for it
    commitment: Sha256  # of the 32 bytes of a nonce that is told with the first poll
    kind: Kind
    name: Annotated[Text, Field(min_length=1, max_length=200)]  # a proposal; the operator decides
    software: Annotated[Text, Field(max_length=100)]


class EnrolmentOffer(Document):
    """The station's answer to a request: its keys, to be pinned once the code was accepted, and its own nonce."""

    TYP: ClassVar[str] = "enrolment-offer+jws"
    enrolment: Identifier
    station_name: Annotated[Text, Field(max_length=200)]
    station_keys: Annotated[tuple[SigningJwk, ...], Field(min_length=1, max_length=8)]
    nonce: Nonce
    issued_at: Instant
    expires_at: Instant


class EnrolmentPoll(Document):
    """The device tells its nonce, and asks what became of its enrolment."""

    TYP: ClassVar[str] = "enrolment-poll+jws"
    enrolment: Identifier
    nonce: Nonce


class EnrolmentState(Document):
    """What became of an enrolment that was not accepted, or not yet."""

    TYP: ClassVar[str] = "enrolment-state+jws"
    enrolment: Identifier
    state: Literal["waiting", "refused", "expired"]


class BrokerAddress(Value):
    """Where the broker is. The user name and the client id are the receiver's id."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(gt=0, lt=65536)]
    tls: bool = False
    ca_pem: Annotated[str, Field(max_length=20_000)] | None = None  # trusted for this broker; none: the system's


class ProvisionDocument(Document):
    """What a receiver is given at enrolment and at each renewal; of use to the holder of its key alone."""

    TYP: ClassVar[str] = "provision+jws"
    receiver: Identifier
    key_thumbprint: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]  # RFC 7638, of the receiver's own key
    generation: Ordinal  # of the secret; grows with each renewal
    sealed_secret: Annotated[str, Field(max_length=1000)]  # compact JWE for the `seal_key` of the request
    broker: BrokerAddress
    station_keys: Annotated[tuple[SigningJwk, ...], Field(min_length=1, max_length=8)]
    media_urls: tuple[str, ...] = ()
    issued_at: Instant


class RenewalRequest(Statement):
    """A receiver asks for its secret, or with `change` for a new one; and may bring a new key then.

    Signed with its present key. The secret changes only if `generation` is the one in force, so that a request that
    is sent twice, by anybody, changes nothing twice.
    """

    TYP: ClassVar[str] = "renewal-request+jws"
    generation: Number  # that it has
    change: bool = False
    seal_key: SealJwk
    new_key: SigningJwk | None = None
    new_key_proof: Annotated[str, Field(max_length=4000)] | None = None  # a KeyProof signed with the new key


class KeyProof(Statement):
    """Shows that whoever brings a new key holds its private half."""

    TYP: ClassVar[str] = "key-proof+jws"
    generation: Number


class StationKey(Value):
    """One key of the station and how long it may be believed."""

    jwk: SigningJwk
    until: Instant | None = None  # at this instant it is believed no more


class StationKeys(Document):
    """All keys that the station signs with now or next. Retained on `cb/v1/keys/{kid of its signature}`."""

    TYP: ClassVar[str] = "station-keys+jws"
    revision: Ordinal
    issued_at: Instant
    keys: Annotated[tuple[StationKey, ...], Field(min_length=1, max_length=8)]


class Wipe(Document):
    """A receiver is to deliver its receipts and then to forget everything. Retained on `…/wipe` until it has."""

    TYP: ClassVar[str] = "wipe+jws"
    receiver: Identifier
    id: Identifier
    key_thumbprint: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]  # of the key that is to be forgotten
    issued_at: Instant
    expires_at: Instant
    deadline: Instant  # from then on it forgets also what could not be delivered


class Wiped(Statement):
    """A receiver's last word: it forgets everything now. `undelivered` receipts are lost with it."""

    TYP: ClassVar[str] = "wiped+jws"
    wipe: Identifier
    at: Instant
    undelivered: Number


@dataclass(frozen=True, slots=True)
class Comparison:
    """What device and station show alike if, and only if, they had one conversation."""

    code: str  # six digits, typed by the operator
    fingerprint: str  # eight letters in two groups, compared by eye


def commitment(nonce: str) -> str:
    """The SHA-256, in hexadecimal, of the nonce's 32 bytes."""
    return hashlib.sha256(bytes.fromhex(nonce)).hexdigest()


def transcript(request: bytes, offer: bytes) -> bytes:
    """The SHA-256 of the request and that of the offer, as the bytes went over the line: 64 bytes."""
    return hashlib.sha256(request).digest() + hashlib.sha256(offer).digest()


def comparison(transcript_: bytes, nonce: str) -> Comparison:
    """Code and fingerprint of a conversation (RFC 4648 base32 for the fingerprint's 40 bits)."""
    digest = hashlib.sha256(PREFIX + transcript_ + bytes.fromhex(nonce)).digest()
    code = int.from_bytes(digest[:8], "big") % 10**CODE_DIGITS
    letters = b32encode(digest[8:13]).decode("ascii")
    return Comparison(f"{code:0{CODE_DIGITS}d}", f"{letters[:4]}-{letters[4:]}")
