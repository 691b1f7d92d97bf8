"""The documents of receiver protocol version 1.

Every document is one JSON object, signed as a compact JWS (`devices.wire.signing`). Types are strict; unknown
fields are ignored, so that a receiver of version N reads a document in which a later minor version added a field.
Instants are RFC 3339 in UTC with milliseconds; durations are integers whose unit stands in the name.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

VERSION = 1
"""Major version of the protocol: the `v` of every document and of every topic."""


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[AwareDatetime, AfterValidator(_utc), PlainSerializer(_rfc3339, return_type=str, when_used="json")]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""Names an area, receiver, order, airing or key; safe as one level of an MQTT topic and as a file name."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Kind = Literal["loudspeaker", "screen"]
Priority = Literal["routine", "priority", "emergency"]


class Value(BaseModel):
    """A frozen, strict value; unknown fields of later minor versions are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Document(Value):
    """What is signed and sent. `TYP` is the JWS `typ`: a document of one kind never passes for another."""

    TYP: ClassVar[str]
    v: Literal[1] = 1
    station: Identifier


class Audience(Value):
    """Who an order is for: receivers of `kinds` in one of `areas`, or named in `receivers`, except `excluded`."""

    areas: tuple[Identifier, ...] = ()
    receivers: tuple[Identifier, ...] = ()
    excluded: tuple[Identifier, ...] = ()
    kinds: tuple[Kind, ...] = ("loudspeaker", "screen")

    def includes(self, *, receiver: str, kind: Kind, areas: tuple[str, ...]) -> bool:
        """Whether the receiver with this line of areas (root first) is addressed."""
        if receiver in self.excluded or kind not in self.kinds:
            return False
        return receiver in self.receivers or not set(self.areas).isdisjoint(areas)


class Sound(Value):
    """The clip to play, addressed by what it holds: fetched at `{media_url}/{sha256}`, with HTTP Range."""

    sha256: Sha256
    size: Annotated[int, Field(gt=0)]  # bytes
    duration_ms: Annotated[int, Field(gt=0)]
    media_type: Literal["audio/mpeg"] = "audio/mpeg"


class Card(Value):
    """What an LED screen shows, for `duration_ms` from the order's instant."""

    text: Annotated[str, Field(min_length=1, max_length=2000)]
    style: Literal["static", "scroll"] = "scroll"
    duration_ms: Annotated[int, Field(gt=0)]


class Order(Document):
    """One airing, for an audience, at an instant (decision 0003: a dated document, not a command).

    `id` stays the same when an order is renewed; `revision` grows. A receiver keeps the highest revision only, and
    plays an order at most once. Playback may begin from `play_at` until `play_at + late_limit_s`, never before.
    """

    TYP: ClassVar[str] = "order+jws"
    id: Identifier
    revision: Annotated[int, Field(ge=1)]
    airing: Identifier
    audience: Audience
    priority: Priority
    title: Annotated[str, Field(max_length=300)]
    issued_at: Instant
    play_at: Instant
    late_limit_s: Annotated[int, Field(ge=0, le=86400)]
    expires_at: Instant
    sound: Sound | None = None
    card: Card | None = None

    @property
    def latest_start(self) -> datetime:
        """After this instant the order may no longer begin."""
        return self.play_at + timedelta(seconds=self.late_limit_s)

    @model_validator(mode="after")
    def _consistent(self) -> "Order":
        if self.expires_at < self.latest_start:
            raise ValueError("expires_at lies before play_at + late_limit_s")
        if self.sound is None and self.card is None:
            raise ValueError("an order needs a sound or a card")
        return self


class Cancellation(Document):
    """Takes an order back. Retained in the order's place until the order would have expired (decision 0004)."""

    TYP: ClassVar[str] = "cancellation+jws"
    order: Identifier
    revision: Annotated[int, Field(ge=1)]  # higher than the order's that it takes back
    audience: Audience
    issued_at: Instant
    expires_at: Instant
    reason: Annotated[str, Field(max_length=300)]


class Configuration(Document):
    """What a receiver is: its place, its limits, where clips are. Retained; the highest revision holds."""

    TYP: ClassVar[str] = "configuration+jws"
    receiver: Identifier
    revision: Annotated[int, Field(ge=1)]
    issued_at: Instant
    expires_at: Instant
    kind: Kind
    name: Annotated[str, Field(max_length=200)]
    areas: Annotated[tuple[Identifier, ...], Field(min_length=1)]  # its line, from the root to its own area
    media_urls: Annotated[tuple[str, ...], Field(min_length=1)]  # bases; the first that answers serves
    zone: str = "Asia/Ho_Chi_Minh"
    health_every_s: Annotated[int, Field(ge=5, le=86400)] = 60


class ReceiptState(StrEnum):
    """The rungs of the ladder of proof that a receiver can speak of, and the ways off it."""

    RECEIVED = "received"  # verified and in the journal
    READY = "ready"  # clip on the device, its SHA-256 verified
    STARTED = "started"
    FINISHED = "finished"  # at least 98 % played
    REFUSED = "refused"  # never entered the journal, or its clip was not the released one
    CANCELLED = "cancelled"
    MISSED = "missed"  # the latest start passed before it could begin
    INTERRUPTED = "interrupted"  # began and did not finish
    FAILED = "failed"  # the sink or the store broke


class Reason(StrEnum):
    """Why a receipt's state is not the one hoped for."""

    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_KEY = "unknown_key"
    MALFORMED = "malformed"
    WRONG_TYPE = "wrong_type"
    WRONG_STATION = "wrong_station"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_TOPIC = "wrong_topic"
    EXPIRED = "expired"
    REPLAYED = "replayed"  # an older revision, or an order that was already played
    UNSUPPORTED = "unsupported"  # nothing in the order that this kind of receiver can play
    CLIP_MISMATCH = "clip_mismatch"  # the SHA-256 or size differs from the order's
    CLIP_UNAVAILABLE = "clip_unavailable"
    TOO_LATE = "too_late"
    RESTARTED = "restarted"  # the process or the power went away while playing
    SINK_FAILED = "sink_failed"
    CANCELLED = "cancelled"
    PREEMPTED = "preempted"  # an order of higher priority took its place
    DISK_FULL = "disk_full"


class Evidence(Value):
    """What the receiver measured of what it really played; every field is optional."""

    clip_sha256: Sha256 | None = None
    played_ms: Annotated[int, Field(ge=0)] | None = None
    expected_ms: Annotated[int, Field(ge=0)] | None = None
    late_ms: Annotated[float, Field(ge=0)] | None = None  # start behind the order's instant, receiver's clock
    level_dbfs: float | None = None  # RMS of the samples handed to the sink
    sink: Annotated[str, Field(max_length=100)] | None = None
    viewers: Annotated[int, Field(ge=0)] | None = None  # pages connected to a screen's page server


class Receipt(Value):
    """What a receiver states about one order: a state, an instant, evidence. `id` makes every write idempotent."""

    id: Identifier
    sequence: Annotated[int, Field(ge=1)]  # grows by one per receipt of this receiver: gaps can be seen
    order: Identifier
    revision: Annotated[int, Field(ge=0)]  # 0 where the document could not be read
    state: ReceiptState
    at: Instant
    reason: Reason | None = None
    detail: Annotated[str, Field(max_length=300)] | None = None
    document_sha256: Sha256 | None = None  # of a refused document's bytes as they arrived
    evidence: Evidence | None = None


class Statement(Document):
    """What a receiver says, signed with its own key."""

    receiver: Identifier


class Receipts(Statement):
    """One or more receipts under one signature: an outbox sends what it has, in order of `sequence`."""

    TYP: ClassVar[str] = "receipts+jws"
    sent_at: Instant
    receipts: Annotated[tuple[Receipt, ...], Field(min_length=1, max_length=100)]


class Acknowledgement(Document):
    """The station has these receipts on disk: only now may the receiver drop them."""

    TYP: ClassVar[str] = "acknowledgement+jws"
    receiver: Identifier
    at: Instant
    receipts: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=100)]


class ClockProbe(Statement):
    """Asks the station what time it is. The receiver remembers when it sent which probe."""

    TYP: ClassVar[str] = "clock-probe+jws"
    id: Identifier  # unguessable and never used again: an answer to another probe tells nothing


class ClockAnswer(Document):
    """The station's clock when a probe arrived and when this answer left, in microseconds since 1970 (UTC)."""

    TYP: ClassVar[str] = "clock-answer+jws"
    receiver: Identifier
    probe: Identifier
    arrived_us: Annotated[int, Field(gt=0)]
    left_us: Annotated[int, Field(gt=0)]


class Presence(Statement):
    """Online or offline, retained. The last will is signed when the receiver connects; `session` tells which."""

    TYP: ClassVar[str] = "presence+jws"
    state: Literal["online", "offline"]
    session: Identifier
    at: Instant  # of the connection, also in its last will
    software: Annotated[str, Field(max_length=100)]


class Health(Statement):
    """A receiver's own account of its state, every `health_every_s`."""

    TYP: ClassVar[str] = "health+jws"
    at: Instant
    uptime_s: Annotated[int, Field(ge=0)]
    clock_offset_ms: float | None = None  # the station's clock less the receiver's own
    clock_uncertainty_ms: Annotated[float, Field(ge=0)] | None = None
    cache_bytes: Annotated[int, Field(ge=0)]
    disk_free_bytes: Annotated[int, Field(ge=0)]
    outbox: Annotated[int, Field(ge=0)]  # receipts not yet acknowledged
    orders: Annotated[int, Field(ge=0)]  # orders that are still to play
    problems: tuple[Annotated[str, Field(max_length=200)], ...] = ()
