"""Slots of programmes: what is queued fills them, as sessions with a call, items by class and a closing; what stays empty warns, then falls back."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import ColumnElement, insert, or_, select
from sqlalchemy.orm import Session

from broadcaster.identity import Signatory, id_of
from broadcaster.orders import take_back
from broadcaster.places import PlacesByDay
from broadcaster.storage import bulk
from broadcaster.storage.database import HELD
from broadcaster.storage.models import Airing, Bulletin, OrderRecord, ProgrammeRecord, ProgrammeWarning, Release
from broadcaster.targets import Targets
from schedules.priorities import Item
from schedules.programmes import Filling, Programme, Queued, plan_slots, warning
from schedules.refusals import clock as said_time
from schedules.sessions import Entry, RunningOrder, SessionForm, run

WARNED_AHEAD = timedelta(hours=24)
"""So long before an empty slot its editor is told."""
FALLBACK_AHEAD = timedelta(hours=6)
"""So long before an empty slot its fallback goes out; until then it waits for a bulletin."""
RESERVED = "slot:"
"""Begins the id of an item that stands for a slot whose airings are not planned yet."""
NOTHING_LEFT = "buổi phát không còn bản tin nào / nothing is left in the session"
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class SlotSession:
    """What airs, or would air by what is queued now, in a slot. No `order`: nothing does."""

    filling: Filling
    order: RunningOrder | None

    def bulletin(self, entry: Entry, programme: Programme) -> str:
        """Whose clip is heard in a part of it."""
        framing = programme.call if entry.kind == "call" else programme.closing
        return entry.item or framing or ""


class Columns:
    """The programmes that have not ended, with their queues. `hold` their releases where slots are filled, so that one that is being voided fills none."""

    def __init__(self, session: Session, *, hold: bool = False) -> None:
        self._session = session
        rows = session.scalars(
            select(ProgrammeRecord).where(ProgrammeRecord.ended_at.is_(None)).order_by(ProgrammeRecord.id)
        ).all()
        self.records: dict[str, ProgrammeRecord] = {}
        self.programmes: dict[str, Programme] = {}
        self.unreadable: list[str] = []
        """Programmes whose rules this version cannot read: all others have their slots."""
        for row in rows:
            try:
                self.programmes[row.id] = Programme.model_validate({**row.rules, "id": row.id})
                self.records[row.id] = row
            except ValidationError:
                self.unreadable.append(row.id)
        self.framing = {name for programme in self.programmes.values() for name in programme.frame}
        self._hold = hold
        self.queues: dict[str, list[Queued]] = {}
        self.releases: dict[str, Release] = {}
        self.contents: dict[str, dict[str, Any]] = {}

    def only(self, names: Iterable[str]) -> Self:
        """The same programmes, of which only these have slots; the others are there for those that fall back on them."""
        some = copy(self)
        without = self.programmes.keys() - set(names)
        some.programmes = {
            name: programme.model_copy(update={"slots": ()}) if name in without else programme
            for name, programme in self.programmes.items()
        }
        some.queues, some.releases, some.contents = {}, {}, {}
        return some

    def taken(self, after: datetime) -> set[tuple[str, datetime]]:
        """Slots after an instant that have their airings; a call and a closing alone are none."""
        rows = self._session.execute(
            select(Airing.programme_id, Airing.slot_at).where(
                Airing.programme_id.in_(self.programmes),
                Airing.slot_at > after,
                Airing.state != "cancelled",
                Airing.bulletin_id.not_in(self.framing),
            )
        )
        return {(name, at) for name, at in rows if name is not None and at is not None}

    def open(
        self, start: datetime, end: datetime, *, taken: set[tuple[str, datetime]]
    ) -> Iterator[tuple[str, datetime, timedelta]]:
        """Slots in (start, end) that have no airings yet, with the most that may air in them."""
        for name, programme in self.programmes.items():
            for slot in programme.slots:
                for at in slot.rule.instants(start + _TICK, end):
                    if (name, at) not in taken:
                        yield name, at, timedelta(seconds=slot.seconds)

    def read_queues(self, slots: Iterable[tuple[str, datetime, timedelta]] | None = None) -> None:
        """What is released for each programme, with when it aired there. With open `slots`, only what can air in one of them: the
        bulletins of a year of a province's programmes are hundreds of megabytes."""
        there = None if slots is None else self._openings(slots)
        names = self.programmes.keys() if there is None else there.keys()
        framing = self.framing if there is None else {each for name in there for each in self.programmes[name].frame}
        aired: dict[str, set[datetime]] = defaultdict(set)
        for name, at in self._session.execute(
            select(Airing.bulletin_id, Airing.slot_at)
            .join(Bulletin, Bulletin.id == Airing.bulletin_id)
            .where(
                Bulletin.programme_id.in_(names),
                Airing.programme_id.in_(self.programmes),
                *(Airing.state != "cancelled", Airing.slot_at.is_not(None)),
            )
        ):
            aired[name].add(at)  # type: ignore[arg-type]  # not null
        self.queues = {name: [] for name in self.programmes}
        standing = [Release.voided_at.is_(None), or_(Bulletin.programme_id.in_(names), Bulletin.id.in_(framing))]
        query = (
            select(Release, Bulletin.programme_id)
            .join(Bulletin, Bulletin.id == Release.bulletin_id)
            .where(*standing)
            .order_by(Release.id)  # the order in which all hold releases, so that none waits for another for ever
        )
        if there is not None:
            rows = self._session.execute(
                select(Release.id, Release.bulletin_id, Release.released_at, Bulletin.programme_id)
                .join(Bulletin, Bulletin.id == Release.bulletin_id)
                .where(*standing)
            ).all()
            able = bulk.listed(self._session, [(name,) for name in self._able(rows, there, aired, framing)], "id")
            query = query.join(able, able.c.id == Release.id)
        found = self._session.execute(query.with_for_update(of=Release, **HELD) if self._hold else query)
        for release, programme in sorted(found, key=lambda row: (row[0].released_at, row[0].id)):
            content = json.loads(release.content)
            self.releases[release.bulletin_id] = release
            self.contents[release.bulletin_id] = content
            if release.bulletin_id in self.framing or programme is None:
                continue
            self.queues[programme].append(
                Queued(
                    bulletin=release.bulletin_id,
                    released_at=release.released_at,
                    duration=_duration(content),
                    priority=content["priority"],
                    expires_at=_expiry(content),
                    aired=tuple(sorted(aired[release.bulletin_id])),
                )
            )

    def _openings(
        self, slots: Iterable[tuple[str, datetime, timedelta]]
    ) -> dict[str, list[tuple[datetime, timedelta]]]:
        """The programmes whose bulletins may be wanted: with their open slots, and without one those that others fall back on."""
        found: dict[str, list[tuple[datetime, timedelta]]] = defaultdict(list)
        for name, at, length in slots:
            found[name].append((at, length))
        for other in [self.programmes[name].fallback_programme for name in found]:
            if other in self.programmes:
                found.setdefault(other, [])
        return found

    def _able(
        self,
        rows: Iterable[Any],
        there: Mapping[str, Sequence[tuple[datetime, timedelta]]],
        aired: Mapping[str, set[datetime]],
        framing: set[str],
    ) -> Iterator[str]:
        """Of these releases (id, bulletin, released_at, programme) those whose bulletins can air in the open slots."""
        first = min(at for openings in there.values() for at, _ in openings)
        spent: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            if row.bulletin_id in framing:
                yield row.id
                continue
            programme, times = self.programmes[row.programme_id], aired.get(row.bulletin_id, set())
            days = programme.fresh_days
            fresh = days is None or first - row.released_at <= timedelta(days=days)
            if fresh and len(times) < programme.airings:
                yield row.id
            elif times and programme.fallback == "repeat_last":
                spent[programme.id].append(row)
        for name, found in spent.items():
            if there[name]:
                yield from self._repeatable(self.programmes[name], there[name], found, aired)

    def _repeatable(
        self,
        programme: Programme,
        openings: Sequence[tuple[datetime, timedelta]],
        spent: Iterable[Any],
        aired: Mapping[str, set[datetime]],
    ) -> Iterator[str]:
        """Of what has aired as often as it may, whatever can be the last that fits a slot: from the latest back to one that surely does."""
        first, last = min(at for at, _ in openings), max(at for at, _ in openings)
        frame = (self._content(Release.bulletin_id == name) for name in programme.frame)
        room = min(length for _, length in openings) - sum((_duration(each) for each in frame if each), timedelta())
        earlier = []
        for row in spent:
            if max(aired[row.bulletin_id]) < first:
                earlier.append(row)
            else:
                yield row.id
        for row in sorted(earlier, key=lambda row: (max(aired[row.bulletin_id]), row.bulletin_id), reverse=True):
            yield row.id
            content = self._content(Release.id == row.id)
            if content is not None and _duration(content) <= room:
                expiry = _expiry(content)
                if expiry is None or last + _duration(content) <= expiry:
                    return

    def _content(self, which: ColumnElement[bool]) -> dict[str, Any] | None:
        found = self._session.scalar(select(Release.content).where(which, Release.voided_at.is_(None)))
        return None if found is None else json.loads(found)

    def sessions(
        self, start: datetime, end: datetime, *, taken: set[tuple[str, datetime]], now: datetime | None = None
    ) -> list[SlotSession]:
        """What is queued now put into the open slots in (start, end). With `now`, empty slots that still wait for a bulletin take nothing yet."""
        forms = {name: self._form(programme) for name, programme in self.programmes.items()}
        fillings = plan_slots(
            self.programmes.values(),
            self.queues,
            start + _TICK,
            end,
            taken=taken,
            framed={name: timedelta(milliseconds=form.call_ms + form.closing_ms) for name, form in forms.items()},
            settled=lambda filling: now is None or _settled(filling, now),
        )
        return [
            SlotSession(filling, run(forms[filling.programme], filling.at, _items(filling))) for filling in fillings
        ]

    def _form(self, programme: Programme) -> SessionForm:
        """With the lengths of those call and closing that are released."""

        def length(bulletin: str | None) -> int:
            content = self.contents.get(bulletin or "")
            return 0 if content is None else int(content["clip"]["duration_ms"])

        return SessionForm(call_ms=length(programme.call), closing_ms=length(programme.closing))


def fill_slots(
    session: Session,
    now: datetime,
    signatory: Signatory,
    programmes: Columns,
    names: Sequence[str],
    *,
    zone: str,
    ahead: timedelta,
) -> None:
    """What the planner does for these programmes: slots within the horizon take what is queued; empty ones warn, then fall back."""
    columns = programmes.only(names)
    taken = columns.taken(now)
    frames = Airing.bulletin_id.in_(columns.framing), Airing.programme_id.in_(names)
    _take_back(session, now, signatory, frames, around=taken)
    open_slots = list(columns.open(now, now + ahead, taken=taken))
    if not open_slots:
        return
    columns.read_queues(open_slots)
    for found in columns.sessions(now, now + ahead, taken=taken, now=now):
        if found.filling.fallback is not None and found.filling.at - now <= WARNED_AHEAD:
            _warn(session, found.filling, columns.records[found.filling.programme].name, now, zone)
        if _settled(found.filling, now):
            _air(session, found, columns)


def reserved(
    session: Session,
    places: PlacesByDay,
    start: datetime,
    end: datetime,
    *,
    receivers: frozenset[str],
    without: str | None = None,
) -> list[Item]:
    """The slots in (start, end) that programmes own on some of `receivers` and that have no airings yet, as items of their full length."""
    columns = Columns(session)
    columns.programmes.pop(without or "", None)
    asked = {name: Targets.model_validate(columns.records[name].targets) for name in columns.programmes}

    def reached(name: str, at: datetime) -> frozenset[str]:
        return frozenset(place.id for place in places.at(at).resolve(asked[name]).receivers)

    # Rules cost more to expand than targets to look up, and most programmes air elsewhere.
    for name in asked:
        if not any(reached(name, at) & receivers for at in (start, end)):
            del columns.programmes[name]
    if not columns.programmes:
        return []
    return [
        Item(
            id=f"{RESERVED}{name}@{at.isoformat()}",
            due_at=at,
            duration=length,
            receivers=there,
            title=f"Chuyên mục {columns.records[name].name}",
        )
        for name, at, length in columns.open(start, end, taken=columns.taken(start))
        if (there := reached(name, at)) & receivers
    ]


def expected(
    session: Session, places: PlacesByDay, now: datetime, start: datetime, end: datetime, *, receiver: str
) -> list[Item]:
    """What would air on a receiver in slots in [start, end) that have no airings yet, by what is queued now."""
    columns = Columns(session)
    there = places.at(start)
    mine = {
        name
        for name, row in columns.records.items()
        if any(place.id == receiver for place in there.resolve(Targets.model_validate(row.targets)).receivers)
    }
    if not mine:
        return []
    columns.read_queues()
    found = []
    for planned in columns.sessions(now, end, taken=columns.taken(now)):
        name = planned.filling.programme
        if planned.order is None or planned.filling.at < start or name not in mine:
            continue
        for entry in planned.order.entries:
            bulletin = planned.bulletin(entry, columns.programmes[name])
            content = columns.contents[bulletin]
            found.append(
                Item(
                    id=f"{name}@{entry.start.isoformat()}",
                    due_at=entry.start,
                    duration=entry.duration,
                    priority=content["priority"],
                    receivers=frozenset([receiver]),
                    title=content["title"],
                    interrupted=content.get("interrupted", "drop"),
                )
            )
    return found


def _duration(content: Mapping[str, Any]) -> timedelta:
    return timedelta(milliseconds=content["clip"]["duration_ms"])


def _expiry(content: Mapping[str, Any]) -> datetime | None:
    expiry = content.get("expires_at")
    return None if expiry is None else datetime.fromisoformat(expiry)


def _settled(filling: Filling, now: datetime) -> bool:
    return filling.fallback is None or filling.at - now <= FALLBACK_AHEAD


def _items(filling: Filling) -> list[Item]:
    return [
        Item(
            id=queued.bulletin,
            due_at=filling.at,
            duration=queued.duration,
            priority=queued.priority,
            issued_at=queued.released_at,
        )
        for queued in filling.bulletins
    ]


def _take_back(
    session: Session,
    now: datetime,
    signatory: Signatory,
    frames: Iterable[ColumnElement[bool]],
    *,
    around: set[tuple[str, datetime]],
) -> None:
    """A call and a closing do not air around nothing, as when the session's bulletins were withdrawn."""
    query = select(Airing).where(*frames, Airing.slot_at > now, Airing.state.in_(("planned", "dispatched")))
    for airing in session.scalars(query).all():
        if (airing.programme_id, airing.slot_at) in around:
            continue
        order = session.scalar(select(OrderRecord).where(OrderRecord.airing_id == airing.id))
        if order is not None and not order.cancelled:
            take_back(order, now=now, signatory=signatory, reason=NOTHING_LEFT)
        airing.state, airing.state_reason = "cancelled", NOTHING_LEFT
    session.flush()


def _air(session: Session, found: SlotSession, columns: Columns) -> None:
    """One airing for each part of the session, each at its own instant."""
    record = columns.records[found.filling.programme]
    rows: list[dict[str, Any]] = []
    for entry in found.order.entries if found.order is not None else ():
        bulletin = found.bulletin(entry, columns.programmes[record.id])
        release, content = columns.releases[bulletin], columns.contents[bulletin]
        # A call that was taken back with its session is another airing when others fill the slot.
        around = () if entry.kind == "item" else (entry.kind, *(queued.bulletin for queued in found.filling.bulletins))
        rows.append(
            {
                "id": id_of("airing", release.id, record.id, entry.start.isoformat(), *around),
                "schedule_id": None,
                "release_id": release.id,
                "bulletin_id": bulletin,
                "due_at": entry.start,
                "state": "planned",
                "title": content["title"],
                "priority": content["priority"],
                "clip_sha256": content["clip"]["sha256"],
                "duration_ms": content["clip"]["duration_ms"],
                "targets": record.targets,
                "drill": False,
                "programme_id": record.id,
                "slot_at": found.filling.at,
                "campaign_id": content.get("campaign"),
                "content_group": content.get("content_group"),
                "interrupted": content.get("interrupted", "drop"),
            }
        )
    known = set(session.scalars(select(Airing.id).where(Airing.id.in_([row["id"] for row in rows]))))
    if fresh := [row for row in rows if row["id"] not in known]:
        session.execute(insert(Airing), fresh)


def _warn(session: Session, filling: Filling, name: str, now: datetime, zone: str) -> None:
    if session.get(ProgrammeWarning, (filling.programme, filling.at)) is not None:
        return
    local = ZoneInfo(zone)
    session.add(
        ProgrammeWarning(
            programme_id=filling.programme,
            slot_at=filling.at,
            warned_at=now,
            vi=warning(filling, name, said_time(filling.at, local, "vi"), "vi"),
            en=warning(filling, name, said_time(filling.at, local, "en"), "en"),
        )
    )
