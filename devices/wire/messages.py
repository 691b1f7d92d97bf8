"""The documents of receiver protocol version 1.

Every document is one JSON object, signed as a compact JWS (`devices.wire.signing`). Types are strict; unknown
fields are ignored, so that a receiver of version N reads a document in which a later minor version added a field.
Instants are RFC 3339 in UTC with milliseconds; durations are integers whose unit stands in the name.
"""

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, model_validator

VERSION = 1
"""Major version of the protocol: the `v` of every document and of every topic."""


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC the instant lies outside of the years 1 to 9999") from None


def _rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[AwareDatetime, AfterValidator(_utc), PlainSerializer(_rfc3339, return_type=str, when_used="json")]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""What databases and small devices hold in 32 bits."""
Ordinal = Annotated[int, Field(ge=1, le=2**31 - 1)]
Large = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""Bytes and microseconds: up to what all readers of JSON tell apart (RFC 8259, 6)."""
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""Any text without U+0000, which not every database and no C library keeps."""
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""Names an area, receiver, order, airing or key; safe as one level of an MQTT topic and as a file name."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Kind = Literal["loudspeaker", "screen"]
Priority = Literal["routine", "priority", "emergency"]
Interrupted = Literal["resume", "restart", "drop"]
"""What an item does after one of a higher class took its place."""
MediaType = Annotated[str, Field(pattern=r"^audio/[a-z0-9][a-z0-9.+-]{0,40}$")]
Gain = Annotated[float, Field(ge=-60, le=0)]
"""Decibels below the clip as it was mastered; 0 is as loud as the receiver was set up to be."""
WallClock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Value(BaseModel):
    """A frozen, strict value; unknown fields of later minor versions are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", allow_inf_nan=False)


class Signed(Value):
    """What is signed and sent. `TYP` is the JWS `typ`: a document of one kind never passes for another."""

    TYP: ClassVar[str]
    v: Literal[1] = 1


class Document(Signed):
    """What a station signs, or what is signed for it."""

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
    """A clip to play, addressed by what it holds: fetched at `{media_url}/{sha256}`, with HTTP Range."""

    sha256: Sha256
    size: Annotated[Large, Field(gt=0)]  # bytes
    duration_ms: Ordinal
    media_type: MediaType = "audio/mpeg"  # or "audio/ogg": Opus in Ogg (RFC 7845)


class Tone(Value):
    """A self-test: a sine, well below speech, that the receiver makes itself."""

    hertz: Annotated[int, Field(ge=100, le=8000)] = 1000
    duration_ms: Annotated[int, Field(ge=100, le=10_000)] = 2000
    level_dbfs: Annotated[float, Field(ge=-60, le=-20)] = -30.0  # RMS


class Image(Value):
    """A picture for a screen, addressed by what it holds and fetched as clips are."""

    sha256: Sha256
    size: Annotated[int, Field(gt=0, le=4 * 1024 * 1024)]  # bytes
    media_type: Literal["image/png", "image/jpeg"]


File = Sound | Image
"""What is fetched from the station's media store by its SHA-256."""


class Card(Value):
    """What an LED screen shows, for `duration_ms` from the order's instant; longer where a text needs it to pass once.

    `text` is always there: a screen that does not know a kind shows it.
    """

    kind: Annotated[Text, Field(max_length=20)] = "text"  # or "slogan", "image", "clock"
    text: Annotated[Text, Field(min_length=1, max_length=2000)]
    style: Literal["static", "scroll"] = "scroll"
    duration_ms: Ordinal
    image: Image | None = None  # of the kind "image"


class Order(Document):
    """One airing, for an audience, at an instant (decision 0003: a dated document, not a command).

    `id` stays the same when an order is renewed; `revision` grows. A receiver keeps the highest revision only, and
    plays an order at most once. Playback may begin from `play_at` until `play_at + late_limit_s`, never before.
    """

    TYP: ClassVar[str] = "order+jws"
    id: Identifier
    revision: Ordinal
    airing: Identifier
    audience: Audience
    priority: Priority
    title: Annotated[Text, Field(max_length=300)]
    issued_at: Instant
    play_at: Instant
    late_limit_s: Annotated[int, Field(ge=0, le=86400)]
    expires_at: Instant
    sound: Sound | None = None
    alternatives: Annotated[tuple[Sound, ...], Field(max_length=4)] = ()  # the same recording, encoded otherwise
    card: Card | None = None
    tone: Tone | None = None  # a self-test, where there is no sound
    gain_db: Gain = 0.0  # of the sound; the configuration's ceilings hold besides
    interrupted: Interrupted = "drop"
    is_drill: ClassVar[bool] = False

    @property
    def latest_start(self) -> datetime:
        """After this instant the order may no longer begin."""
        return self.play_at + timedelta(seconds=self.late_limit_s)

    @model_validator(mode="after")
    def _consistent(self) -> "Order":
        if self.expires_at < self.latest_start:
            raise ValueError("expires_at lies before play_at + late_limit_s")
        if self.sound is None and self.card is None and self.tone is None:
            raise ValueError("an order needs a sound, a card or a tone")
        return self


class Drill(Order):
    """An order in every respect but one: nothing of it is heard or shown (decision 0010).

    A type of its own, not a field: a receiver that does not know drills refuses one, and does not sound it live.
    """

    TYP: ClassVar[str] = "drill+jws"
    is_drill: ClassVar[bool] = True


class Cancellation(Document):
    """Takes an order back. Retained in the order's place until the order would have expired (decision 0004)."""

    TYP: ClassVar[str] = "cancellation+jws"
    order: Identifier
    revision: Ordinal  # higher than the order's that it takes back
    audience: Audience
    issued_at: Instant
    expires_at: Instant
    reason: Annotated[Text, Field(max_length=300)]


class Stop(Document):
    """Silence for an audience ("dừng tất cả"), from its arrival until it expires or is lifted.

    Retained until it expires. It is lifted by the same `id` in a higher revision with `lifted`; the highest revision
    holds. It bars every order but emergencies that were issued after it.
    """

    TYP: ClassVar[str] = "stop+jws"
    id: Identifier
    revision: Ordinal
    audience: Audience
    issued_at: Instant
    expires_at: Instant
    reason: Annotated[Text, Field(max_length=300)]
    lifted: bool = False

    def bars(self, order: Order, now: datetime) -> bool:
        """Whether this order may not sound or be shown at this instant."""
        if self.lifted or now >= self.expires_at:
            return False
        return order.priority != "emergency" or order.issued_at <= self.issued_at


class Hours(Value):
    """A range of the wall clock, on days of the week on which it begins. `end` not after `start`: into the next day."""

    days: Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(min_length=1)] = (1, 2, 3, 4, 5, 6, 7)
    start: WallClock  # 1 is Monday (ISO 8601)
    end: WallClock

    def includes(self, local: datetime) -> bool:
        """Whether a wall-clock time lies within; the start belongs to the range, the end does not."""
        at, start, end = local.time().replace(tzinfo=None), time.fromisoformat(self.start), time.fromisoformat(self.end)
        today, yesterday = local.isoweekday() in self.days, (local.isoweekday() - 2) % 7 + 1 in self.days
        if start < end:
            return today and start <= at < end
        return (today and at >= start) or (yesterday and at < end)


class GainCeiling(Hours):
    """How loud a receiver may be in these hours."""

    gain_db: Gain
    emergencies: bool = False  # whether it holds for emergencies as well


class Configuration(Document):
    """What a receiver is: its place, its limits, where clips are. Retained; the highest revision holds."""

    TYP: ClassVar[str] = "configuration+jws"
    receiver: Identifier
    revision: Ordinal
    issued_at: Instant
    expires_at: Instant
    kind: Kind
    name: Annotated[Text, Field(max_length=200)]
    areas: Annotated[tuple[Identifier, ...], Field(min_length=1)]  # its line, from the root to its own area
    media_urls: Annotated[tuple[str, ...], Field(min_length=1)]  # bases; the first that answers serves
    zone: str = "Asia/Ho_Chi_Minh"
    health_every_s: Annotated[int, Field(ge=5, le=86400)] = 60
    quiet_hours: Annotated[tuple[Hours, ...], Field(max_length=50)] = ()  # in `zone`; emergencies alone may sound
    gain_ceilings: Annotated[tuple[GainCeiling, ...], Field(max_length=50)] = ()  # the lowest that applies holds
    amplifier_lead_ms: Annotated[int, Field(ge=0, le=10_000)] = 500  # switched on so long before the first sample
    amplifier_tail_ms: Annotated[int, Field(ge=0, le=60_000)] = 1000  # and off so long after the last


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
    """Why a receipt's state is not the one hoped for. A reader takes a word that it does not know as `other`."""

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
    QUIET_HOURS = "quiet_hours"  # it would have sounded where the configuration asks for quiet
    STOPPED = "stopped"  # a stop was in force
    DRILL = "drill"  # it went as ordered, and nothing was heard or shown
    OTHER = "other"  # a reason of a later minor version

    @classmethod
    def _missing_(cls, value: object) -> "Reason | None":
        return cls.OTHER if isinstance(value, str) else None


class Position(Value):
    """How far into the clip it was at an instant."""

    at: Instant
    position_ms: Number


class Evidence(Value):
    """What the receiver measured of what it really played; every field is optional."""

    clip_sha256: Sha256 | None = None
    from_ms: Number | None = None  # where in the clip it began, if not at its beginning
    played_ms: Number | None = None  # of the clip, from its beginning
    expected_ms: Number | None = None
    late_ms: Annotated[float, Field(ge=0)] | None = None  # start behind the order's instant, receiver's clock
    level_dbfs: float | None = None  # RMS of the samples handed to the sink
    gain_db: float | None = None  # that was applied: the order's, or a lower ceiling
    positions: Annotated[tuple[Position, ...], Field(max_length=12)] = ()  # samples taken while it played
    sink: Annotated[Text, Field(max_length=100)] | None = None
    viewers: Number | None = None  # pages connected to a screen's page server


class Receipt(Value):
    """What a receiver states about one order: a state, an instant, evidence. `id` makes every write idempotent."""

    id: Identifier
    sequence: Ordinal  # grows by one per receipt of this receiver: gaps can be seen
    order: Identifier
    revision: Number  # 0 where the document could not be read
    state: ReceiptState
    at: Instant
    reason: Reason | None = None
    detail: Annotated[Text, Field(max_length=300)] | None = None
    document_sha256: Sha256 | None = None  # of a refused document's bytes as they arrived
    evidence: Evidence | None = None
    then: Literal["resume", "restart"] | None = None  # of `interrupted`: it will go on, or begin anew; else it is over


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
    arrived_us: Annotated[Large, Field(gt=0)]
    left_us: Annotated[Large, Field(gt=0)]


class Presence(Statement):
    """Online or offline, retained. The last will is signed when the receiver connects; `session` tells which."""

    TYP: ClassVar[str] = "presence+jws"
    state: Literal["online", "offline"]
    session: Identifier
    at: Instant  # of the connection, also in its last will
    software: Annotated[Text, Field(max_length=100)]
    supports: Annotated[tuple[Annotated[Text, Field(max_length=50)], ...], Field(max_length=32)] = ()
    # media types, and what was added to version 1: "drills", "gain", "quiet-hours", "resume", "self-tests", "stops"


class Health(Statement):
    """A receiver's own account of its state, every `health_every_s`."""

    TYP: ClassVar[str] = "health+jws"
    at: Instant
    uptime_s: Number
    clock_offset_ms: float | None = None  # the station's clock less the receiver's own
    clock_uncertainty_ms: Annotated[float, Field(ge=0)] | None = None
    cache_bytes: Large
    disk_free_bytes: Large
    outbox: Number  # receipts not yet acknowledged
    orders: Number  # orders that are still to play
    problems: tuple[Annotated[Text, Field(max_length=200)], ...] = ()
    conditions: tuple[Annotated[Text, Field(max_length=50)], ...] = ()  # the same in words for machines
    stops: tuple[Identifier, ...] = ()  # that are in force here
    temperature_c: float | None = None
