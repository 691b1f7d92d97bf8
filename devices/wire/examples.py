"""One example of each document, and the keys of the test vectors: what docs/reference shows and the tests check.

The keys are derived from published phrases, so that anybody can make the same signatures (Ed25519 is deterministic)
and no private key is kept anywhere. They are for tests and nothing else.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.jwk import OKPKey

from devices.wire import topics
from devices.wire.areas import Rehoming, Rehomings
from devices.wire.messages import (
    Acknowledgement,
    Audience,
    Cancellation,
    Card,
    ClockAnswer,
    ClockProbe,
    Configuration,
    Document,
    Drill,
    Evidence,
    GainCeiling,
    Health,
    Hours,
    Order,
    Position,
    Presence,
    Reason,
    Receipt,
    Receipts,
    ReceiptState,
    Sound,
    Stop,
    Tone,
)
from devices.wire.signing import SigningKey
from devices.wire.trust_examples import STATION_KEYS, WIPE, WIPED

STATION = "dai-tan-an"
RECEIVER = "loa-thon-dong"
AREAS = ("tinh-long-an", "xa-tan-an", "thon-dong")
AREA = "xa-tan-an"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""The instant at which the vectors are to be judged."""
PHRASES = {
    "station-2026": "commune-broadcaster test vector: station",
    RECEIVER: "commune-broadcaster test vector: receiver",
    "intruder": "commune-broadcaster test vector: intruder",
}


def key(kid: str, phrase: str | None = None) -> SigningKey:
    """The key of a published phrase: its seed is the phrase's SHA-256."""
    seed = hashlib.sha256((phrase or PHRASES[kid]).encode()).digest()
    return SigningKey(OKPKey.import_key(_private(seed)), kid)


def _private(seed: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - vectors alone

    return Ed25519PrivateKey.from_private_bytes(seed)


CONFIGURATION = Configuration(
    station=STATION,
    receiver=RECEIVER,
    revision=4,
    issued_at=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=364),
    kind="loudspeaker",
    name="Cụm loa thôn Đông, xã Tân An",
    areas=AREAS,
    media_urls=("https://dai.tan-an.example/api/v1/media",),
    health_every_s=60,
    quiet_hours=(Hours(start="21:00", end="06:00"), Hours(days=(6, 7), start="11:30", end="13:30")),
    gain_ceilings=(GainCeiling(start="06:00", end="07:00", gain_db=-10.0),),
    amplifier_lead_ms=500,
    amplifier_tail_ms=1000,
)
ORDER = Order(
    station=STATION,
    id="2026-11-23-1700-x7k2",
    revision=1,
    airing="2026-11-23-1700",
    audience=Audience(areas=(AREA,), excluded=("loa-tram-y-te",)),
    priority="routine",
    title="Chuyển đổi số ở xã Tân An",
    issued_at=NOW - timedelta(hours=3),
    play_at=NOW + timedelta(minutes=30),
    late_limit_s=120,
    expires_at=NOW + timedelta(hours=2),
    sound=Sound(
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", size=161280, duration_ms=20160
    ),
    card=Card(text="Chuyển đổi số: mỗi người dân một tài khoản dịch vụ công", style="scroll", duration_ms=20160),
    gain_db=-3.0,
    interrupted="resume",
)
DRILL = Drill(
    station=STATION,
    id="dien-tap-2026-11-24",
    revision=1,
    airing="dien-tap-2026-11-24",
    audience=Audience(areas=(AREA,)),
    priority="emergency",
    title="Diễn tập phòng chống thiên tai",
    issued_at=NOW - timedelta(hours=1),
    play_at=NOW + timedelta(hours=1),
    late_limit_s=120,
    expires_at=NOW + timedelta(hours=2),
    sound=ORDER.sound,
    card=Card(text="Bão cấp 12 đổ bộ lúc 20 giờ", style="static", duration_ms=20160),
)
SELF_TEST = Order(
    station=STATION,
    id="thu-loa-2026-11-24",
    revision=1,
    airing="thu-loa-2026-11-24",
    audience=Audience(receivers=(RECEIVER,)),
    priority="routine",
    title="Thử loa",
    issued_at=NOW - timedelta(minutes=1),
    play_at=NOW + timedelta(minutes=5),
    late_limit_s=60,
    expires_at=NOW + timedelta(minutes=10),
    tone=Tone(hertz=1000, duration_ms=2000, level_dbfs=-30.0),
)
STOP = Stop(
    station=STATION,
    id="dung-2026-11-23-1",
    revision=1,
    audience=Audience(areas=(AREA,)),
    issued_at=NOW - timedelta(minutes=1),
    expires_at=NOW + timedelta(hours=24),
    reason="Phát nhầm bản tin.",
)
CANCELLATION = Cancellation(
    station=STATION,
    order=ORDER.id,
    revision=2,
    audience=ORDER.audience,
    issued_at=NOW - timedelta(minutes=5),
    expires_at=ORDER.expires_at,
    reason="Bản tin được thay bằng bản có đính chính.",
)
REHOMINGS = Rehomings(
    station=STATION,
    area="tinh-long-an",
    revision=1,
    issued_at=NOW,
    expires_at=NOW + timedelta(days=400),
    rehomings=(
        Rehoming(
            area="xa-tan-an",
            line=("tinh-long-an", "xa-tan-binh"),
            at=datetime(2026, 11, 24, 17, tzinfo=UTC),
        ),
    ),
)
RECEIPTS = Receipts(
    station=STATION,
    receiver=RECEIVER,
    sent_at=NOW + timedelta(minutes=31),
    receipts=(
        Receipt(
            id="6f1c0a52b7d94d0e8a3c51f0e2d4b6a8",
            sequence=117,
            order=ORDER.id,
            revision=1,
            state=ReceiptState.STARTED,
            at=ORDER.play_at + timedelta(milliseconds=1),
            evidence=Evidence(late_ms=0.412, gain_db=-3.0),
        ),
        Receipt(
            id="b0a9d6c34e5f41728394a5b6c7d8e9f0",
            sequence=118,
            order=ORDER.id,
            revision=1,
            state=ReceiptState.FINISHED,
            at=ORDER.play_at + timedelta(milliseconds=20165),
            evidence=Evidence(
                clip_sha256=ORDER.sound.sha256 if ORDER.sound else None,
                played_ms=20160,
                expected_ms=20160,
                late_ms=0.412,
                level_dbfs=-18.4,
                gain_db=-3.0,
                positions=(
                    Position(at=ORDER.play_at + timedelta(milliseconds=5040), position_ms=5039),
                    Position(at=ORDER.play_at + timedelta(milliseconds=15120), position_ms=15118),
                ),
                sink="soundcard",
            ),
        ),
    ),
)
REFUSAL = Receipts(
    station=STATION,
    receiver=RECEIVER,
    sent_at=NOW,
    receipts=(
        Receipt(
            id="c9a8b7d6e5f44a3b9c2d1e0f9a8b7c6d",
            sequence=119,
            order=ORDER.id,
            revision=0,
            state=ReceiptState.REFUSED,
            at=NOW,
            reason=Reason.BAD_SIGNATURE,
            detail="The signature does not belong to this document.",
            document_sha256=hashlib.sha256(b"the refused bytes as they arrived").hexdigest(),
        ),
    ),
)
ACKNOWLEDGEMENT = Acknowledgement(
    station=STATION,
    receiver=RECEIVER,
    at=NOW + timedelta(minutes=31),
    receipts=tuple(receipt.id for receipt in RECEIPTS.receipts),
)
CLOCK_PROBE = ClockProbe(station=STATION, receiver=RECEIVER, id="d41f6a0c9b8e4f7a")
CLOCK_ANSWER = ClockAnswer(
    station=STATION,
    receiver=RECEIVER,
    probe=CLOCK_PROBE.id,
    arrived_us=round(NOW.timestamp() * 1_000_000) + 120,
    left_us=round(NOW.timestamp() * 1_000_000) + 310,
)
PRESENCE = Presence(
    station=STATION,
    receiver=RECEIVER,
    state="online",
    session="4b1d9c0e7f2a4c6d8e0f1a2b3c4d5e6f",
    at=NOW - timedelta(hours=5),
    software="commune-broadcaster 0.1.0",
    supports=("audio/mpeg", "audio/ogg", "drills", "gain", "quiet-hours", "resume", "self-tests", "stops"),
)
HEALTH = Health(
    station=STATION,
    receiver=RECEIVER,
    at=NOW,
    uptime_s=18000,
    clock_offset_ms=-3.418,
    clock_uncertainty_ms=0.6,
    cache_bytes=2_096_640,
    disk_free_bytes=5_368_709_120,
    outbox=0,
    orders=3,
    problems=("Only 90 MiB of the disk are free.",),
    conditions=("storage_low",),
    temperature_c=51.5,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A document of the protocol: where it stands, who signs it, an example."""

    name: str
    example: Document
    topics: tuple[str, ...]
    signer: str
    retained: bool
    sends: str  # "station" or "receiver"


KINDS = (
    Kind(
        "order",
        ORDER,
        (topics.area_order("{area}", "{order}"), topics.receiver_order("{receiver}", "{order}")),
        "station-2026",
        True,
        "station",
    ),
    Kind(
        "drill",
        DRILL,
        (topics.area_order("{area}", "{order}"), topics.receiver_order("{receiver}", "{order}")),
        "station-2026",
        True,
        "station",
    ),
    Kind(
        "cancellation",
        CANCELLATION,
        (topics.area_order("{area}", "{order}"), topics.receiver_order("{receiver}", "{order}")),
        "station-2026",
        True,
        "station",
    ),
    Kind(
        "stop",
        STOP,
        (topics.area_stop("{area}", "{stop}"), topics.receiver_stop("{receiver}", "{stop}")),
        "station-2026",
        True,
        "station",
    ),
    Kind(
        "configuration",
        CONFIGURATION,
        (topics.of_receiver("{receiver}", "configuration"),),
        "station-2026",
        True,
        "station",
    ),
    Kind("rehomings", REHOMINGS, (topics.area_rehomings("{area}"),), "station-2026", True, "station"),
    Kind(
        "acknowledgement",
        ACKNOWLEDGEMENT,
        (topics.of_receiver("{receiver}", "acknowledgements"),),
        "station-2026",
        False,
        "station",
    ),
    Kind(
        "clock-answer",
        CLOCK_ANSWER,
        (topics.of_receiver("{receiver}", "clock-answers"),),
        "station-2026",
        False,
        "station",
    ),
    Kind(
        "clock-probe",
        CLOCK_PROBE,
        (topics.of_receiver("{receiver}", "clock-probes"),),
        RECEIVER,
        False,
        "receiver",
    ),
    Kind("receipts", RECEIPTS, (topics.of_receiver("{receiver}", "receipts"),), RECEIVER, False, "receiver"),
    Kind("presence", PRESENCE, (topics.of_receiver("{receiver}", "presence"),), RECEIVER, True, "receiver"),
    Kind("health", HEALTH, (topics.of_receiver("{receiver}", "health"),), RECEIVER, False, "receiver"),
    Kind("station-keys", STATION_KEYS, (topics.keys("{kid}"),), "station-2026", True, "station"),
    Kind("wipe", WIPE, (topics.of_receiver("{receiver}", "wipe"),), "station-2026", True, "station"),
    Kind("wiped", WIPED, (topics.of_receiver("{receiver}", "wiped"),), RECEIVER, False, "receiver"),
)


def payload(document: Document) -> dict[str, Any]:
    """The document as the JSON object that is signed."""
    found: dict[str, Any] = json.loads(document.model_dump_json(exclude_none=True))
    return found
