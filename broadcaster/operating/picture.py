"""The picture: the whole station at one instant, judged once for everybody who looks."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import AreaOn, areas_on, day_of, lines_of
from broadcaster.operating.courses import AHEAD, BACK, Course, Courses
from broadcaster.operating.exceptions import Trouble, worst
from broadcaster.operating.verdicts import WELL, Verdict, verdicts
from broadcaster.storage.models import Json, Receiver

READY_BY = timedelta(minutes=15)
"""So long before an airing a clip that is not there becomes somebody's work."""
PATIENCE = timedelta(minutes=1)
"""How long after its order went out a receiver may need to fetch a clip before it is called late."""
MAP_LASTS = timedelta(seconds=15)
"""So long the tree of areas serves: a province has thousands, and they change once in years."""
MUTE = timedelta(minutes=5)
"""A receiver that says nothing so long while others are heard is lost, whatever its connection says."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A receiver in service, as it was last heard of."""

    id: str
    name: str
    kind: str
    area: str
    online: bool
    heard_at: datetime
    health_at: datetime | None
    troubles: Json | None


@dataclass(slots=True)
class Turns:
    """What became of receivers' turns in one hour of one area."""

    well: int = 0
    ill: int = 0
    played_ms: int = 0

    def add(self, well: int, ill: int, played_ms: int) -> None:
        """Count these too; negative figures take back."""
        self.well += well
        self.ill += ill
        self.played_ms += played_ms


@dataclass(frozen=True, slots=True)
class Last:
    """The last airing that is over, for one receiver."""

    due_at: datetime
    airing: str
    title: str
    verdict: Verdict


class Picture:
    """Kept up to date by `look`. Not for several threads at once."""

    def __init__(self, *, zone: str) -> None:
        self._zone = zone
        self.courses = Courses()
        self.receivers: dict[str, Seen] = {}
        self.waiting: dict[str, int] = {}  # by area: receivers that were never heard of, so not yet in service
        self.areas: dict[str, AreaOn] = {}
        self.lines: dict[str, tuple[str, ...]] = {}
        self.troubles: list[Trouble] = []
        self.heard_at: datetime | None = None
        self._mapped_at: datetime | None = None
        self._pruned_at: datetime | None = None
        self._last: dict[str, Last] = {}
        self._judged: dict[str, dict[str, tuple[int, int, int]]] = {}  # by airing: what it gave to `_turns`, by area
        self._turns: dict[tuple[str, datetime], Turns] = defaultdict(Turns)

    def look(self, session: Session, now: datetime) -> None:
        """Read what is new and judge it."""
        if self._mapped_at is None or not timedelta() <= now - self._mapped_at < MAP_LASTS:
            self.areas = areas_on(session, day_of(now, self._zone))
            self.lines = lines_of(self.areas)
            self._mapped_at = now
        self._receivers(session)
        self.courses.look(session, now)
        self._judge(now)
        self.troubles = worst(self._find(now))

    def turns(self, areas: frozenset[str] | None, start: datetime) -> Iterator[tuple[str, datetime, Turns]]:
        """What became of turns since `start`, by area and hour; None: of all areas."""
        for (area, hour), turns in self._turns.items():
            if hour >= start and (areas is None or area in areas):
                yield area, hour, turns

    def hour_of(self, at: datetime) -> datetime:
        """The hour of the station's clock in which an instant lies."""
        return at.astimezone(ZoneInfo(self._zone)).replace(minute=0, second=0, microsecond=0)

    def in_service(self, course: Course) -> list[str]:
        """The receivers of an airing that are in service."""
        return [receiver for receiver in course.receivers if receiver in self.receivers]

    def _receivers(self, session: Session) -> None:
        rows = session.execute(
            select(
                Receiver.id,
                Receiver.name,
                Receiver.kind,
                Receiver.area_id,
                Receiver.presence,
                Receiver.presence_at,
                Receiver.health_at,
                Receiver.troubles,
                Receiver.wipe_id,
            ).where(Receiver.revoked_at.is_(None))
        )
        found: dict[str, Seen] = {}
        waiting: dict[str, int] = defaultdict(int)
        for name, title, kind, area, presence, presence_at, health_at, troubles, wipe in rows:
            if presence_at is None or wipe is not None:
                waiting[area] += presence_at is None
                continue
            heard = presence_at if health_at is None else max(presence_at, health_at)
            found[name] = Seen(name, title, kind, area, presence == "online", heard, health_at, troubles)
        self.receivers, self.waiting = found, dict(waiting)
        self.heard_at = max((seen.heard_at for seen in found.values()), default=None)

    def _judge(self, now: datetime) -> None:
        for airing in self._judged.keys() - self.courses.by_id.keys():
            self._take_back(airing, None)
        for course in self.courses.by_id.values():
            if not course.changed or not course.settled(now) or course.state == "planned":
                continue
            course.changed = False
            self._take_back(course.id, course)
            by_area: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
            length = round(course.duration.total_seconds() * 1000)
            for receiver, verdict in verdicts(course).items():
                if receiver not in self.receivers:
                    continue
                mark = course.marks.get(receiver)
                if not course.drill:
                    cell = by_area[course.receivers[receiver].area]
                    played = mark is not None and "finished" in mark.states
                    cell[0] += played
                    cell[1] += verdict is not WELL
                    cell[2] += length if played else 0
                last = self._last.get(receiver)
                if last is None or last.due_at <= course.due_at:
                    self._last[receiver] = Last(course.due_at, course.id, course.title, verdict)
            hour = self.hour_of(course.due_at)
            given = {area: (cell[0], cell[1], cell[2]) for area, cell in by_area.items()}
            for area, figures in given.items():
                self._turns[area, hour].add(*figures)
            self._judged[course.id] = given
        hour = self.hour_of(now)
        if hour != self._pruned_at:
            self._pruned_at = hour
            for key in [key for key in self._turns if key[1] < hour - BACK]:
                del self._turns[key]

    def _take_back(self, airing: str, course: Course | None) -> None:
        """Forget what an airing was judged to be: it is judged anew, or it has left the window."""
        given = self._judged.pop(airing, {})
        if course is not None:
            for area, cell in given.items():
                self._turns[area, self.hour_of(course.due_at)].add(*(-figure for figure in cell))

    def _find(self, now: datetime) -> Iterator[Trouble]:
        for refusal in self.courses.refusals:
            seen = self.receivers.get(refusal.receiver)
            if seen is not None:
                yield Trouble(seen.id, seen.name, seen.area, "forged", refusal.at, refusal.reason)
        for seen in self.receivers.values():
            mute = seen.health_at is not None and self.heard_at is not None and self.heard_at - seen.heard_at > MUTE
            if not seen.online or mute:
                yield Trouble(seen.id, seen.name, seen.area, "lost", seen.heard_at)
            if seen.online:  # of one that is away nobody knows how it is now
                for trouble, figure in (seen.troubles or {}).items():
                    yield Trouble(seen.id, seen.name, seen.area, trouble, figure=figure)
            last = self._last.get(seen.id)
            if last is not None and last.due_at < now - BACK:
                del self._last[seen.id]
            elif last is not None and last.verdict.code:
                code = last.verdict.code
                if code == "no_word" and not seen.online:
                    continue  # that it is away says why
                yield Trouble(
                    seen.id, seen.name, seen.area, code, last.due_at, last.verdict.reason, last.verdict.figure,
                    last.airing, last.title,
                )  # fmt: skip
        yield from self._not_ready(now)

    def _not_ready(self, now: datetime) -> Iterator[Trouble]:
        for course in self.courses.between(now, now + READY_BY):
            if course.sent_at is None or now - course.sent_at < PATIENCE:
                continue
            for receiver in course.receivers:
                seen = self.receivers.get(receiver)
                if seen is None or not seen.online or (seen.troubles is not None and "disk_full" in seen.troubles):
                    continue
                mark = course.marks.get(receiver)
                if mark is None or not mark.states & {"ready", "started", "finished", "cancelled"}:
                    got = "received" if mark is not None and "received" in mark.states else "unheard"
                    reason = mark.reason if mark is not None and mark.reason else got
                    yield Trouble(
                        seen.id, seen.name, seen.area, "not_ready", course.due_at, reason, None, course.id, course.title
                    )

    def coming(self, now: datetime) -> Sequence[Course]:
        """The airings of the next hours."""
        return self.courses.between(now, now + AHEAD)
