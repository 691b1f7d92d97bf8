"""Vận hành hôm nay: for the areas that somebody serves, what stands on the page; a hundred rows at most, however many receivers."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import AreaOn
from broadcaster.clock import Clock
from broadcaster.operating.courses import Course
from broadcaster.operating.exceptions import RANK, Trouble, grouped
from broadcaster.operating.picture import Picture, Seen
from broadcaster.operating.rows import Alarm, Coming, Light, More, PlaceRow, Playing, Today, Totals, Waiting
from broadcaster.operating.spots import Spot, spots_of
from broadcaster.people import Actor, Right
from broadcaster.storage.database import Database
from broadcaster.storage.models import Bulletin, Emergency, StopRecord
from broadcaster.whereabouts import areas_of_audience, visible_to

PLAYING, EXCEPTIONS, COMING, PLACES, WAITING, ALARMS = 10, 30, 15, 20, 5, 5
"""The most rows of each part: with the lights, five alerts and five bulletins that are held back, a hundred in all."""
HOURS = 24
LINGER = timedelta(seconds=30)
STATION_CLOCK_MS = 2000.0


Lights = Callable[[], Sequence[Light]]


class Operating:
    """One picture for all who look; each sees the areas that are theirs. Safe for several threads."""

    def __init__(self, database: Database, clock: Clock, *, zone: str, lights: Lights = tuple) -> None:
        """`lights`: those of the station itself, its broker and its speech."""
        self._database = database
        self._clock = clock
        self._lights = lights
        self._lock = threading.Lock()
        self._picture = Picture(zone=zone)
        self._looked: tuple[int, datetime] | None = None

    def troubles(self) -> tuple[list[Trouble], dict[str, AreaOn], tuple[Light, ...]]:
        """For the alerts: every receiver's worst trouble now, the areas, and the lights that receivers tell of."""
        now = self._clock.now()
        with self._lock, self._database.reading() as session:
            self._picture.look(session, now)
            return list(self._picture.troubles), self._picture.areas, _receivers_lights(self._picture, now)

    def today(self, actor: Actor, area: str | None = None, *, version: int | None = None) -> Today:
        """What this person's page shows, of one area and what is under it, or of all that is theirs.

        `version` is that of the station's changes: a picture of that version that is not a second old serves again.
        """
        now = self._asked(actor, area)
        with self._lock, self._database.reading() as session:
            old = self._looked is None or version is None or self._looked[0] != version
            if old or self._looked is None or not timedelta() <= now - self._looked[1] < timedelta(seconds=1):
                self._picture.look(session, now)
                self._looked = (version or 0, now)
            return self._of(session, actor, area, now)

    def spots(self, actor: Actor, area: str | None = None) -> Sequence[Spot]:
        """The same receivers for the map, the worst first."""
        now = self._asked(actor, area)
        with self._lock, self._database.reading() as session:
            self._picture.look(session, now)
            return spots_of(session, self._picture, _scope(self._picture, actor, area))

    def _asked(self, actor: Actor, area: str | None) -> datetime:
        """Now, if this person may see the area."""
        actor.need(Right.READ)
        if area is not None:
            actor.need_sight([area])
        return self._clock.now()

    def _of(self, session: Session, actor: Actor, area: str | None, now: datetime) -> Today:
        picture = self._picture
        scope = _scope(picture, actor, area)
        mine = {name: seen for name, seen in picture.receivers.items() if scope is None or seen.area in scope}
        troubles = [trouble for trouble in picture.troubles if trouble.receiver in mine]
        sizes = _sizes(picture, mine)
        parents = {name: each.parent_id for name, each in picture.areas.items()}
        names = {name: each.name for name, each in picture.areas.items()}
        lines = grouped(troubles, names=names, sizes=sizes, parents=parents, most=EXCEPTIONS)
        playing = _playing(picture, mine, troubles, now)
        coming = _coming(picture, mine, now)
        places = _places(picture, mine, troubles, scope, now)
        waiting, waiting_more = _waiting(session, actor)
        return Today(
            at=now,
            area=area,
            area_name=names.get(area, area) if area is not None else None,
            alarms=_alarms(session, scope, now),
            lights=(*self._lights(), *_receivers_lights(picture, now)),
            playing=tuple(playing[:PLAYING]),
            exceptions=tuple(lines[:EXCEPTIONS]),
            coming=tuple(coming[:COMING]),
            places=tuple(places[:PLACES]),
            waiting=waiting,
            totals=_totals(picture, mine, scope, now),
            more=More(
                playing=max(0, len(playing) - PLAYING),
                exceptions=sum(line.size for line in lines[EXCEPTIONS:]),
                coming=max(0, len(coming) - COMING),
                places=max(0, len(places) - PLACES),
                waiting=waiting_more,
            ),
            hour=picture.hour_of(now),
        )


def _scope(picture: Picture, actor: Actor, area: str | None) -> frozenset[str] | None:
    """The areas of which this page is; None: of all."""
    own = actor.within()
    if area is None:
        return own
    under = frozenset(name for name, line in picture.lines.items() if area in line)
    return under if own is None else under & own


def _sizes(picture: Picture, mine: Mapping[str, Seen]) -> dict[str, int]:
    """How many receivers in service are under each area."""
    direct: dict[str, int] = {}
    for seen in mine.values():
        direct[seen.area] = direct.get(seen.area, 0) + 1
    found: dict[str, int] = {}
    for area, count in direct.items():
        for above in picture.lines.get(area, (area,)):
            found[above] = found.get(above, 0) + count
    return found


def _alarms(session: Session, scope: frozenset[str] | None, now: datetime) -> tuple[Alarm, ...]:
    found = []
    rows = session.execute(
        select(Emergency, Bulletin.title)
        .join(Bulletin, Bulletin.id == Emergency.bulletin_id)
        .where(Emergency.state.in_(("preparing", "issued")), Emergency.until > now)
        .order_by(Emergency.asked_at.desc())
    )
    for row, title in rows:
        if scope is None or not scope.isdisjoint(row.targets.get("areas", ())) or not row.targets.get("areas"):
            found.append(Alarm("drill" if row.drill else "emergency", row.id, title, row.asked_at, row.until))
    stops = select(StopRecord).where(
        StopRecord.lifted_at.is_(None), StopRecord.expires_at > now, StopRecord.cleared_at.is_(None)
    )
    for stop in session.scalars(stops.order_by(StopRecord.issued_at.desc())):
        if scope is None or not scope.isdisjoint(areas_of_audience(session, stop.audience)):
            found += [Alarm("stop", stop.id, stop.reason, stop.issued_at, stop.expires_at)]
    return tuple(found[:ALARMS])


def _receivers_lights(picture: Picture, now: datetime) -> tuple[Light, ...]:
    """What receivers tell of the station itself: whether its clock agrees with theirs, and how old its data are."""
    offsets = [
        float(seen.troubles["clock"])
        for seen in picture.receivers.values()
        if seen.online and seen.troubles and isinstance(seen.troubles.get("clock"), float | int)
    ]
    online = [seen for seen in picture.receivers.values() if seen.online]
    # Of receivers most of which are wrong by the same amount it is the station that is wrong.
    wrong = len(offsets) >= 3 and len(offsets) * 2 > len(online) and abs(median(offsets)) >= STATION_CLOCK_MS
    clock = (
        Light("clock", "bad", "differs", round(median(offsets) / 1000, 1))
        if wrong
        else Light("clock", "good", "agrees")
    )
    heard = max((seen.heard_at for seen in online), default=None)
    if heard is None:
        return clock, Light("data", "good", "nobody")
    at = heard.replace(second=heard.second // 10 * 10, microsecond=0)
    age = (now - heard).total_seconds()
    state: Literal["good", "warn", "bad"] = "good" if age < 180 else "warn" if age < 600 else "bad"
    return clock, Light("data", state, "heard", at=at)


def _playing(picture: Picture, mine: Mapping[str, Seen], troubles: Sequence[Trouble], now: datetime) -> list[Playing]:
    found = []
    longest = timedelta(hours=2)
    lost = {trouble.receiver for trouble in troubles if trouble.cause == "lost"}
    for course in picture.courses.between(now - longest, now):
        if now >= course.end + LINGER or course.state == "planned":
            continue
        receivers = [name for name in picture.in_service(course) if name in mine]
        if not receivers:
            continue
        marks = [(name, course.marks.get(name)) for name in receivers]
        finished = sum(mark is not None and "finished" in mark.states for _, mark in marks)
        started = sum(mark is not None and bool(mark.states & {"started", "finished"}) for _, mark in marks)
        failing = sum(
            (mark is None and name in lost)
            or (
                mark is not None
                and "finished" not in mark.states
                and bool(mark.states & {"failed", "missed", "interrupted"})
            )
            for name, mark in marks
        )
        found.append(
            Playing(
                course.id, course.title, course.priority, course.drill, course.due_at, course.end, started, finished,
                len(receivers), failing,
            )
        )  # fmt: skip
    order = {"emergency": 0, "priority": 1, "routine": 2}
    return sorted(found, key=lambda each: (order.get(each.priority, 3), -each.failing, each.due_at, each.airing))


def _coming(picture: Picture, mine: Mapping[str, Seen], now: datetime) -> list[Coming]:
    found = []
    for course in picture.coming(now):
        receivers = [name for name in picture.in_service(course) if name in mine]
        if receivers:
            found.append(
                Coming(
                    course.id,
                    course.title,
                    course.priority,
                    course.drill,
                    course.due_at,
                    course.sent_at is not None,
                    sum(_has_it(course, name) for name in receivers),
                    len(receivers),
                    sum(not mine[name].online for name in receivers),
                )
            )
    if len(found) > COMING:  # then those that lack something come first
        found.sort(key=lambda each: (each.ready == each.all, each.due_at, each.airing))
    return found


def _has_it(course: Course, receiver: str) -> bool:
    mark = course.marks.get(receiver)
    return mark is not None and bool(mark.states & {"ready", "started", "finished"})


def _places(
    picture: Picture, mine: Mapping[str, Seen], troubles: Sequence[Trouble], scope: frozenset[str] | None, now: datetime
) -> list[PlaceRow]:
    held = {seen.area for seen in mine.values()} | {
        area for area in picture.waiting if scope is None or area in scope
    }  # fmt: skip
    level = {area: area for area in held}
    if len(held) > 2 * PLACES:  # villages of a whole province: their communes instead
        level = {area: _commune(picture, area) for area in held}
    counts: dict[str, list[int]] = {place: [0, 0, 0] for place in level.values()}
    for seen in mine.values():
        counts[level[seen.area]][0] += 1
    for area, waiting in picture.waiting.items():
        if area in level:
            counts[level[area]][2] += waiting
    by_place: dict[str, str] = {}
    for trouble in troubles:
        place = level[trouble.area]
        counts[place][1] += 1
        if place not in by_place or RANK[trouble.cause] < RANK[by_place[place]]:
            by_place[place] = trouble.cause
    first = picture.hour_of(now) - timedelta(hours=HOURS - 1)
    cells: dict[str, list[list[int]]] = {}
    for area, hour, turns in picture.turns(frozenset(held), first):
        place = level[area]
        if place not in cells:
            cells[place] = [[0, 0] for _ in range(HOURS)]
        cell = cells[place][int((hour - first) / timedelta(hours=1))]
        cell[0] += turns.well
        cell[1] += turns.ill
    rows = [
        PlaceRow(
            place,
            picture.areas[place].name if place in picture.areas else place,
            picture.areas[place].kind if place in picture.areas else "village",
            receivers,
            troubled,
            by_place.get(place),
            waiting,
            tuple(_cell(*cell) for cell in cells.get(place, [[0, 0]] * HOURS)),
        )
        for place, (receivers, troubled, waiting) in counts.items()
    ]
    return sorted(
        rows, key=lambda row: (RANK[row.worst] if row.worst else len(RANK), -row.troubled, row.name, row.area)
    )


def _commune(picture: Picture, area: str) -> str:
    for above in picture.lines.get(area, ()):
        if picture.areas[above].kind == "commune":
            return above
    return area


def _cell(well: int, ill: int) -> str:
    if not well and not ill:
        return "none"
    if not ill:
        return "well"
    return "some" if well > ill else "ill"


def _waiting(session: Session, actor: Actor) -> tuple[tuple[Waiting, ...], int]:
    query = (
        select(Bulletin.id, Bulletin.title, Bulletin.priority, Bulletin.updated_at)
        .where(Bulletin.state == "submitted", *visible_to(actor))
        .order_by(Bulletin.updated_at, Bulletin.id)
    )
    rows = session.execute(query.limit(WAITING * 10 + 1)).all()
    return tuple(Waiting(*row) for row in rows[:WAITING]), max(0, len(rows) - WAITING)


def _totals(picture: Picture, mine: Mapping[str, Seen], scope: frozenset[str] | None, now: datetime) -> Totals:
    midnight = picture.hour_of(now).replace(hour=0)
    well = ill = played = 0
    for _, _, turns in picture.turns(scope, midnight):
        well, ill, played = well + turns.well, ill + turns.ill, played + turns.played_ms
    over = [
        course
        for course in picture.courses.between(midnight - timedelta(microseconds=1), now)
        if not course.drill and course.end <= now
    ]
    if scope is not None:
        over = [course for course in over if any(each.area in scope for each in course.receivers.values())]
    return Totals(
        airings=sum(course.state != "planned" for course in over),
        turns_well=well,
        turns_ill=ill,
        played_minutes=round(played / 60_000, 1),
        receivers=len(mine),
        online=sum(seen.online for seen in mine.values()),
        not_in_service=sum(n for area, n in picture.waiting.items() if scope is None or area in scope),
    )
