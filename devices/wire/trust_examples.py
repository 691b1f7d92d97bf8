"""Examples and vectors of enrolment, renewal, station keys and wiping; with the keys of `devices.wire.examples`."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import OKPKey

from devices.wire.enrolment import (
    BrokerAddress,
    EnrolmentOffer,
    EnrolmentPoll,
    EnrolmentRequest,
    EnrolmentState,
    KeyProof,
    ProvisionDocument,
    RenewalRequest,
    StationKey,
    StationKeys,
    Wipe,
    Wiped,
    commitment,
    comparison,
    transcript,
)
from devices.wire.messages import Signed
from devices.wire.sealing import SealKey
from devices.wire.signing import SigningKey, sign, thumbprint

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
STATION, RECEIVER = "dai-tan-an", "loa-thon-dong"
SEAL_PHRASE = "commune-broadcaster test vector: seal"
SECRET = "the-secret-of-the-test-vector-and-of-nothing-else"  # noqa: S105 - published
SEALED = (
    "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTI1NkdDTSIsImVwayI6eyJjcnYiOiJYMjU1MTkiLCJ4IjoiYjZzNGZvVj"
    "lwekdTSXc1SFFsd3ZiWnZwcFNybnNpZzFMQnlWakVjRVVrVSIsImt0eSI6Ik9LUCJ9fQ..SeP7ZQZwD1D-dsQo.sh1"
    "chTK05eXlkS-632YgztzPIigX-8mvxgumV9eQiH6MnTLVzhqd5oCPimQ9TOiTow.0r9DlkusjzrCzwpySKvclQ"
)
"""`SECRET`, sealed once for the key of `SEAL_PHRASE`: every sealing of it differs, as its ephemeral key does."""


def _key(kid: str, phrase: str) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - vectors alone

    seed = hashlib.sha256(phrase.encode()).digest()
    private: Any = Ed25519PrivateKey.from_private_bytes(seed)
    return SigningKey(OKPKey.import_key(private), kid)


def seal_key() -> SealKey:
    """The key pair of the published phrase: its private half is the phrase's SHA-256."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # noqa: PLC0415 - vectors alone

    private = X25519PrivateKey.from_private_bytes(hashlib.sha256(SEAL_PHRASE.encode()).digest())
    x = base64.urlsafe_b64encode(private.public_key().public_bytes_raw()).rstrip(b"=").decode()
    d = base64.urlsafe_b64encode(private.private_bytes_raw()).rstrip(b"=").decode()
    return SealKey(OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": x, "d": d}))


STATION_KEY = _key("station-2026", "commune-broadcaster test vector: station")
NEXT_PHRASE = "commune-broadcaster test vector: next station"
NEXT_KEY = _key("station-2027", NEXT_PHRASE)
DEVICE_KEY = _key(RECEIVER, "commune-broadcaster test vector: receiver")
NEW_DEVICE_KEY = _key("loa-thon-dong-2", "commune-broadcaster test vector: next receiver")
DEVICE_NONCE = hashlib.sha256(b"commune-broadcaster test vector: device nonce").hexdigest()
STATION_NONCE = hashlib.sha256(b"commune-broadcaster test vector: station nonce").hexdigest()
ENROLMENT = "b7c1f8de-5a0e-4b7c-9a53-2f6f0f0c1d11"

REQUEST = EnrolmentRequest(
    public_key=DEVICE_KEY.public().to_jwk(),
    seal_key=seal_key().to_jwk(),
    commitment=commitment(DEVICE_NONCE),
    kind="loudspeaker",
    name="Cụm loa nhà văn hóa",
    software="acme-loa 2.4.1",
)
OFFER = EnrolmentOffer(
    station=STATION,
    enrolment=ENROLMENT,
    station_name="Đài truyền thanh xã Tân An",
    station_keys=(STATION_KEY.public().to_jwk(),),
    nonce=STATION_NONCE,
    issued_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
)
POLL = EnrolmentPoll(station=STATION, enrolment=ENROLMENT, nonce=DEVICE_NONCE)
STATE = EnrolmentState(station=STATION, enrolment=ENROLMENT, state="waiting")
PROVISION = ProvisionDocument(
    station=STATION,
    receiver=RECEIVER,
    key_thumbprint=thumbprint(DEVICE_KEY.public().to_jwk()),
    generation=1,
    sealed_secret=SEALED,
    broker=BrokerAddress(host="mqtt.tan-an.example", port=8883, tls=True),
    station_keys=(STATION_KEY.public().to_jwk(),),
    media_urls=("https://dai.tan-an.example/api/v1/media",),
    issued_at=NOW + timedelta(minutes=2),
)
PROOF = KeyProof(station=STATION, receiver=RECEIVER, generation=1)
RENEWAL = RenewalRequest(
    station=STATION,
    receiver=RECEIVER,
    generation=1,
    change=True,
    seal_key=seal_key().to_jwk(),
    new_key=NEW_DEVICE_KEY.public().to_jwk(),
    new_key_proof=sign(PROOF, NEW_DEVICE_KEY).decode("ascii"),
)
STATION_KEYS = StationKeys(
    station=STATION,
    revision=1,
    issued_at=NOW,
    keys=(
        StationKey(jwk=STATION_KEY.public().to_jwk(), until=NOW + timedelta(days=90)),
        StationKey(jwk=NEXT_KEY.public().to_jwk()),
    ),
)
WIPE = Wipe(
    station=STATION,
    receiver=RECEIVER,
    id="0d8f3f6a-1f0c-4a55-8f4e-7c0b8a6e5d21",
    key_thumbprint=thumbprint(DEVICE_KEY.public().to_jwk()),
    issued_at=NOW,
    expires_at=NOW + timedelta(days=400),
    deadline=NOW + timedelta(days=3),
)
WIPED = Wiped(station=STATION, receiver=RECEIVER, wipe=WIPE.id, at=NOW + timedelta(minutes=1), undelivered=0)

OVER_HTTP: tuple[tuple[str, Signed, SigningKey], ...] = (
    ("enrolment-request", REQUEST, DEVICE_KEY),
    ("enrolment-offer", OFFER, STATION_KEY),
    ("enrolment-poll", POLL, DEVICE_KEY),
    ("enrolment-state", STATE, STATION_KEY),
    ("provision", PROVISION, STATION_KEY),
    ("renewal-request", RENEWAL, DEVICE_KEY),
    ("key-proof", PROOF, NEW_DEVICE_KEY),
)
"""Name, example and signer of each document that goes over HTTP."""


def enrolment_vectors() -> dict[str, Any]:
    """One whole conversation, with what both sides show."""
    documents = {name: sign(document, key) for name, document, key in OVER_HTTP}
    shown = comparison(transcript(documents["enrolment-request"], documents["enrolment-offer"]), DEVICE_NONCE)
    return {
        "note": "Private halves are the SHA-256 of the phrases: Ed25519 for keys, X25519 for the seal.",
        "seal": {"phrase": SEAL_PHRASE, "jwk": seal_key().to_jwk()},
        "device_nonce": DEVICE_NONCE,
        "documents": [
            {
                "name": name,
                "payload": json.loads(document.model_dump_json(exclude_none=True)),
                "jws": documents[name].decode(),
            }
            for name, document, _ in OVER_HTTP
        ],
        "code": shown.code,
        "fingerprint": shown.fingerprint,
        "secret": SECRET,
    }
