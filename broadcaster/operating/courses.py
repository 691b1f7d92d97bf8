"""Courses: how far each receiver got with each airing of the last day and the next hours, kept up with the log as it grows.

The log is append-only, so that what was read once stays true: after the first look only new rows are read. A course that is
over is judged once, and again only where a late receipt changes it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.storage.models import Airing, AiringReceiver, AsRun, LogHead, OrderRecord
from devices.wire.messages import Reason

BACK = timedelta(hours=24)
AHEAD = timedelta(hours=3)
GRACE = timedelta(minutes=2)
"""How long after its end an airing's last receipts are waited for before it is judged."""
_AT_ONCE = 400
_STANDING = ("planned", "dispatched", "closed")


@dataclass(slots=True)
class Mark:
    """What one receiver said of one airing."""

    states: set[str] = field(default_factory=set)
    reason: str | None = None  # of the state that ended it otherwise than hoped for
    clip_refused: bool = False
    drill: bool = False
    level_dbfs: float | None = None
    gain_db: float = 0.0

    def take(self, state: str, reason: str | None, evidence: dict[str, object] | None) -> None:
        """Add a row of the log."""
        self.states.add(state)
        if state in ("missed", "failed", "interrupted", "refused") and reason is not None:
            self.reason = reason
            self.clip_refused |= state == "refused" and reason == Reason.CLIP_MISMATCH
        self.drill |= reason == Reason.DRILL
        if evidence:
            level, gain = evidence.get("level_dbfs"), evidence.get("gain_db")
            if isinstance(level, float | int):
                self.level_dbfs = float(level)
            if isinstance(gain, float | int):
                self.gain_db = float(gain)


@dataclass(frozen=True, slots=True)
class Expected:
    """A receiver that was to play, as it was called and where it stood when the order went out."""

    name: str
    kind: str
    area: str


@dataclass(slots=True)
class Course:
    """One airing."""

    id: str
    title: str
    priority: str
    bulletin: str
    due_at: datetime
    duration: timedelta
    drill: bool
    state: str
    sent_at: datetime | None
    revision: int
    receivers: dict[str, Expected] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    changed: bool = True

    @property
    def end(self) -> datetime:
        """When it is over for a receiver that began in time."""
        return self.due_at + self.duration

    def settled(self, now: datetime) -> bool:
        """Whether it can be judged for good."""
        return now >= self.end + GRACE


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that a receiver refused: somebody may be forging."""

    receiver: str
    name: str
    area: str
    reason: str
    at: datetime


FORGED = frozenset(
    reason.value
    for reason in (
        Reason.BAD_SIGNATURE,
        Reason.UNKNOWN_KEY,
        Reason.MALFORMED,
        Reason.WRONG_TYPE,
        Reason.WRONG_STATION,
        Reason.WRONG_TOPIC,
    )
)
"""What no document of the station's own causes. That one was replayed is not counted: a broker that comes back does it."""


class Courses:
    """The airings of a window, up to date after each `look`."""

    def __init__(self) -> None:
        self.by_id: dict[str, Course] = {}
        self.refusals: list[Refusal] = []
        self._seq: int | None = None

    def look(self, session: Session, now: datetime) -> None:
        """Read what is new since the last look."""
        head = session.scalar(select(LogHead.seq).where(LogHead.id == 1)) or 0
        fresh = self._airings(session, now)
        if self._seq is None or head < self._seq:  # the first look, or the log is another one since a restore
            self.refusals = []
            self._load_refusals(session, now - BACK, head)
        else:
            self._follow(session, head, skipping=fresh)
        self._load(session, fresh, head)
        self._seq = head
        self.refusals = [each for each in self.refusals if each.at >= now - BACK]

    def _airings(self, session: Session, now: datetime) -> set[str]:
        """Bring the list up to date; returns the airings whose receivers and marks are still to be read."""
        rows = session.execute(
            select(
                Airing.id,
                Airing.title,
                Airing.priority,
                Airing.bulletin_id,
                Airing.due_at,
                Airing.starts_at,
                Airing.duration_ms,
                Airing.drill,
                Airing.state,
                OrderRecord.published_at,
                OrderRecord.revision,
            )
            .outerjoin(OrderRecord, OrderRecord.airing_id == Airing.id)
            .where(Airing.state.in_(_STANDING), Airing.due_at >= now - BACK, Airing.due_at <= now + AHEAD)
        )
        seen, fresh = set[str](), set[str]()
        for name, title, priority, bulletin, due_at, starts_at, length, drill, state, sent_at, revision in rows:
            seen.add(name)
            at, known = starts_at or due_at, self.by_id.get(name)
            if known is None or (known.revision, known.due_at) != (revision or 0, at):
                duration = timedelta(milliseconds=length)
                self.by_id[name] = Course(
                    name, title, priority, bulletin, at, duration, drill, state, sent_at, revision or 0
                )
                fresh.add(name)
            else:
                known.state, known.sent_at = state, sent_at
        for gone in self.by_id.keys() - seen:
            del self.by_id[gone]
        return fresh

    def _load(self, session: Session, airings: Iterable[str], head: int) -> None:
        names = sorted(airings)
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            found = session.execute(
                select(
                    AiringReceiver.airing_id,
                    AiringReceiver.receiver_id,
                    AiringReceiver.receiver_name,
                    AiringReceiver.kind,
                    AiringReceiver.area_id,
                ).where(AiringReceiver.airing_id.in_(some))
            )
            for airing, receiver, name, kind, area in found:
                self.by_id[airing].receivers[receiver] = Expected(name, kind, area)
            rows = session.execute(
                select(AsRun.airing_id, AsRun.receiver_id, AsRun.state, AsRun.reason, AsRun.evidence)
                .where(AsRun.airing_id.in_(some), AsRun.seq <= head)
                .order_by(AsRun.airing_id, AsRun.seq)
            )
            for of, receiver, state, reason, evidence in rows:
                self._take(str(of), receiver, state, reason, evidence)

    def _load_refusals(self, session: Session, since: datetime, head: int) -> None:
        rows = session.execute(
            select(AsRun.receiver_id, AsRun.receiver_name, AsRun.area_id, AsRun.reason, AsRun.at).where(
                AsRun.at >= since, AsRun.seq <= head, AsRun.state == "refused", AsRun.reason.in_(sorted(FORGED))
            )
        )
        self.refusals = [Refusal(receiver, name, area, reason or "", at) for receiver, name, area, reason, at in rows]

    def _follow(self, session: Session, head: int, *, skipping: set[str]) -> None:
        rows = session.execute(
            select(
                AsRun.airing_id,
                AsRun.receiver_id,
                AsRun.state,
                AsRun.reason,
                AsRun.evidence,
                AsRun.receiver_name,
                AsRun.area_id,
                AsRun.at,
            ).where(AsRun.seq > (self._seq or 0), AsRun.seq <= head)
        )
        for airing, receiver, state, reason, evidence, name, area, at in rows:
            if state == "refused" and reason in FORGED:
                self.refusals.append(Refusal(receiver, name, area, reason, at))
            if airing in self.by_id and airing not in skipping:
                self._take(airing, receiver, state, reason, evidence)

    def _take(
        self, airing: str, receiver: str, state: str, reason: str | None, evidence: dict[str, object] | None
    ) -> None:
        course = self.by_id[airing]
        course.marks.setdefault(receiver, Mark()).take(state, reason, evidence)
        course.changed = True

    def between(self, start: datetime, end: datetime) -> Sequence[Course]:
        """Those that begin after `start`, and at `end` at the latest; the soonest first."""
        found = [course for course in self.by_id.values() if start < course.due_at <= end]
        return sorted(found, key=lambda course: (course.due_at, course.id))
