"""What is tried, and which section of docs/reference/protocol.md demands it."""

from dataclasses import dataclass, field
from typing import Literal

from devices.wire.messages import Kind

Result = Literal["pass", "fail", "not tried"]
BOTH: tuple[Kind, ...] = ("loudspeaker", "screen")
SOUND: tuple[Kind, ...] = ("loudspeaker",)


@dataclass(frozen=True, slots=True)
class Point:
    """One demand of the protocol on a receiver."""

    id: str
    section: int
    demand: str
    required: bool = True
    kinds: tuple[Kind, ...] = BOTH
    supports: str | None = None
    """Tried only where the receiver's presence says this word, or where it subscribes to what ends so; then it must pass."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a receiver did on one point, and what was seen."""

    point: Point
    result: Result
    seen: str = ""


@dataclass(slots=True)
class Note:
    """What a case saw, in words, while it judges a point."""

    seen: str = field(default="")


POINTS = tuple(
    Point(*values)
    for values in (
        ("connect.session", 4, "MQTT 3.1.1, clean session off, the client id equal to the user name"),
        ("connect.will", 10, "a last will: presence `offline`, QoS 1, retained, signed, of the session that begins"),
        ("connect.presence", 10, "presence `online`, retained, with the session of the last will"),
        ("connect.subscriptions", 4, "its own configuration, acknowledgements, clock-answers and orders at QoS 1"),
        ("configuration.taken", 5, "the orders of each area of the configuration's line are subscribed"),
        ("configuration.renewed", 5, "a higher revision takes the place of a lower one"),
        ("configuration.refused", 5, "a forged, foreign, expired or older configuration changes nothing"),
        ("health.at-once", 10, "health after the connection and the configuration"),
        ("health.repeated", 10, "health every `health_every_s` seconds"),
        ("clock.probe", 9, "probes are signed, and the offset in health agrees with the station's clock", False),
        ("order.received", 6, "a good order is on disk: `received`"),
        ("order.ready", 6, "its clip is on disk and verified: `ready`"),
        ("order.started", 6, "`started`, soon after `play_at` where nothing else plays"),
        ("order.punctual", 6, "no order ever begins before its `play_at` or after its latest start"),
        ("order.finished", 8, "`finished` with evidence: clip_sha256, played_ms at least 98 % of expected_ms"),
        ("order.once", 6, "copies of an order that is known are played once, and are no replay"),
        ("order.own-topic", 4, "an order on the receiver's own topic is taken"),
        ("order.others", 6, "an order of its area that excludes it is passed over without a receipt"),
        ("order.unknown-fields", 2, "fields of a later minor version are ignored, at every level"),
        ("order.null-fields", 2, "a field that is null is as if it were absent"),
        ("order.offset", 2, "an instant with another offset than Z is read", False),
        ("renew.later", 6, "a higher revision takes the place of one that has not begun; it begins at its own instant"),
        ("renew.older", 6, "the older revision is then `replayed`"),
        ("replay.played", 6, "an order that was played is `replayed`, in any revision, and not played again"),
        ("late.waits", 6, "of equal priority the one that plays goes on; the other begins after it"),
        ("late.missed", 6, "what may no longer begin is `missed`, `too_late`"),
        ("preempt.interrupted", 6, "an emergency ends a routine order: `interrupted`, `preempted`"),
        ("preempt.plays", 6, "the emergency begins at its instant and finishes"),
        ("cancel.before", 7, "what has not begun is `cancelled`, and is not played"),
        ("cancel.during", 7, "what plays stops: `interrupted`, `cancelled`"),
        ("cancel.remembered", 7, "a copy of the cancelled order is `replayed`"),
        ("cancel.renewed", 7, "an order with a higher revision than the cancellation stands"),
        (
            "drill.silent",
            6,
            "a drill: `started` and `finished` say `drill`; or `wrong_type`, where drills are not known",
        ),
        ("stop.silences", 7, "what plays falls silent within 3 s: `interrupted`, `stopped`", False, BOTH, "stops"),
        ("stop.bars", 7, "what is due while a stop is in force is `missed`, `stopped`", False, BOTH, "stops"),
        ("stop.emergency", 7, "an emergency that was issued after the stop plays", False, BOTH, "stops"),
        (
            "stop.told",
            7,
            "health names the stop while it is in force, and no more when it is lifted",
            False,
            BOTH,
            "stops",
        ),
        ("clip.mismatch", 6, "a clip of which one byte differs: `refused`, `clip_mismatch`", True, SOUND),
        ("clip.longer", 6, "a body that is longer than `size` is broken off: `clip_mismatch`", True, SOUND),
        ("clip.resume", 6, "a download that broke off goes on with Range", True, SOUND),
        ("clip.no-range", 6, "status 200 to a Range request: it begins anew", True, SOUND),
        ("clip.second-source", 5, "where the first of `media_urls` fails, the next is tried", True, SOUND),
        ("clip.shared", 6, "orders that share a clip fetch it once", True, SOUND),
        ("clip.unavailable", 6, "a clip that cannot be fetched: `missed`, `clip_unavailable`", True, SOUND),
        ("refuse.not-jws", 3, "what is no compact JWS: `malformed`"),
        ("refuse.too-long", 3, "more than 65,536 bytes: `malformed`"),
        ("refuse.critical", 3, "a header with `crit`: `malformed`"),
        ("refuse.unencoded", 3, "a header with `b64`: `malformed`"),
        ("refuse.no-algorithm", 3, "`alg` none: `bad_signature`"),
        ("refuse.other-algorithm", 3, "`alg` HS256, keyed with the public key: `bad_signature`"),
        ("refuse.unknown-key", 3, "a key id that is not pinned: `unknown_key`"),
        ("refuse.stranger", 3, "a stranger's signature under a pinned key id: `bad_signature`"),
        ("refuse.changed", 3, "one character of the payload changed: `bad_signature`"),
        ("refuse.wrong-type", 3, "a configuration where orders stand: `wrong_type`"),
        ("refuse.disguised", 3, "an order whose `typ` says something else: `wrong_type`"),
        ("refuse.missing-field", 3, "a required field is absent: `malformed`"),
        ("refuse.number-as-text", 2, "a number as text: `malformed`"),
        ("refuse.no-zone", 2, "an instant without a zone: `malformed`"),
        ("refuse.version", 3, "another major version: `malformed`"),
        ("refuse.inconsistent", 6, "`expires_at` before the latest start: `malformed`"),
        ("refuse.wrong-station", 6, "another station's order: `wrong_station`"),
        ("refuse.wrong-audience", 6, "an order for another area on this one's topic: `wrong_audience`"),
        ("refuse.wrong-topic", 6, "an order under another order's name: `wrong_topic`"),
        ("refuse.expired", 6, "an order that has expired: `expired`"),
        ("refuse.unsupported", 6, "nothing in it for this kind of receiver: `unsupported`"),
        ("refuse.not-played", 6, "nothing that is refused is played"),
        ("refuse.once", 8, "a refused document is told of once, though the broker hands it out again"),
        ("refuse.flood", 8, "at most 30 refusals a minute, and the order that follows is taken"),
        (
            "receipt.again",
            8,
            "a receipt without the station's acknowledgement is sent again, forged ones notwithstanding",
        ),
        ("receipt.reconnection", 8, "and after each connection, with the same id and sequence"),
        ("receipt.freed", 8, "a receipt that was acknowledged is not sent again"),
        ("keys.refused", 17, "a stranger's keys are not believed"),
        ("keys.followed", 17, "the key that the present one announces is believed beside it"),
        (
            "rehoming.followed",
            5,
            "the orders of the area that it is to move to are taken in before it moves",
            False,
            BOTH,
            "rehomings",
        ),
        ("wipe.refused", 18, "a forged wipe, or one for another key, changes nothing", False, BOTH, "wipe"),
        ("wipe.done", 18, "told to forget, it delivers its receipts and says `wiped`", False, BOTH, "wipe"),
        ("receipt.sequence", 8, "ids are unique; sequences grow by one"),
        ("alone.plays", 6, "an order plays at its instant while the line is cut; its receipts follow"),
        ("alone.innocent", 6, "what the broker hands out again after a connection is no replay"),
        ("alone.subscribes", 4, "after every connection it subscribes and publishes its presence anew"),
        (
            "restart.interrupted",
            6,
            "what played when the power went is `interrupted`, `restarted`, and not played again",
        ),
        ("restart.plays", 5, "after a power cut and without the broker it plays what it holds"),
        ("restart.receipts", 8, "receipts survive a power cut with their ids"),
        ("restart.goodbye", 10, "at a clean end it publishes `offline` and disconnects"),
        ("documents.signed", 3, "everything that it publishes is rightly signed and fits its schema"),
        ("documents.limits", 12, "at most 65,536 bytes and 100 receipts in a document"),
        ("topics.own", 4, "it writes and reads its own topics only, with the QoS and the retain flag of the table"),
    )
)
