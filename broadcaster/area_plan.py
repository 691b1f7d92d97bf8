"""What airs in an area or on a receiver: what is planned, what no longer stands, and what releases in force will air behind that."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import line
from broadcaster.errors import NotFoundError
from broadcaster.identity import id_of
from broadcaster.lawful import planned
from broadcaster.places import PlacesByDay
from broadcaster.slots import RESERVED, Columns
from broadcaster.storage.models import Airing, Release
from broadcaster.targets import Resolution, Targets
from schedules.priorities import Item
from schedules.rules import RULE

LONGEST = timedelta(hours=2)
"""No airing lasts longer: so far around one others may overlap it."""


@dataclass(frozen=True)
class PlanEntry:
    """One airing. `state` is its row's, `foreseen` where it has none yet, or `slot` for a programme's slot that nothing fills yet.

    `where` names the places; `moved_from` is its rule's time.
    """

    id: str
    bulletin: str
    title: str
    priority: str
    starts_at: datetime
    duration: timedelta
    state: str
    where: str
    changed_at: datetime
    reason: str | None = None
    programme: str | None = None
    moved_from: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether it has aired or is to air."""
        return self.state not in ("cancelled", "missed")


@dataclass
class _Heard:
    """Whether targets concern an area or a receiver, and how the places are called."""

    places: PlacesByDay
    area: str | None
    receiver: str | None
    parsed: dict[str, Targets] = field(default_factory=dict)

    def where(self, targets: dict[str, Any], at: datetime) -> str | None:
        """The names of the places; None if nothing of it is heard there."""
        key = repr(targets)
        if key not in self.parsed:
            self.parsed[key] = Targets.model_validate(targets)
        there = self.places.at(at)
        resolution = there.resolve(self.parsed[key])
        if not self._concerned(resolution, at):
            return None
        names = [there.areas[name].name for name in resolution.audience.areas]
        names += [there.receivers[name].name for name in resolution.audience.receivers]
        return ", ".join(names)

    def _concerned(self, resolution: Resolution, at: datetime) -> bool:
        if self.receiver is not None:
            return any(place.id == self.receiver for place in resolution.receivers)
        return self.area is None or self.places.at(at).concerns(resolution, self.area)


def plan_of(
    session: Session,
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    zone: str,
    area: str | None = None,
    receiver: str | None = None,
    slots: bool = False,
) -> list[PlanEntry]:
    """What airs in [start, end) and is heard by some receiver of the area or addressed to it, or is heard by the receiver, in the order of instants.

    `slots`: with those of programmes that have no airings yet. Drills, which never sound, are left out. Raises NotFoundError for an area or receiver that does not stand.
    """
    places = PlacesByDay(session, zone)
    if area is not None:
        line(places.at(now).areas, area)
    if receiver is not None and receiver not in places.at(now).receivers:
        raise NotFoundError(f"Không có thiết bị '{receiver}'.", f"There is no receiver '{receiver}'.")
    heard = _Heard(places, area, receiver)
    entries = [*_planned(session, heard, start, end), *_foreseen(session, heard, max(now, start), end)]
    if slots and end > now:
        entries += _slots(session, heard, max(now, start), end)
    return sorted(entries, key=lambda entry: (entry.starts_at, entry.id))


def _planned(session: Session, heard: _Heard, start: datetime, end: datetime) -> Iterator[PlanEntry]:
    """Airings that have their rows; those that stand no more say so."""
    query = (
        select(Airing, Release.released_at)
        .join(Release, Release.id == Airing.release_id)
        .where(Airing.due_at >= start, Airing.due_at < end, Airing.drill.is_(False), Airing.targets.is_not(None))
    )
    for airing, changed_at in session.execute(query):
        where = heard.where(airing.targets or {}, airing.due_at)
        if where is not None:
            yield PlanEntry(
                id=airing.id,
                bulletin=airing.bulletin_id,
                title=airing.title,
                priority=airing.priority,
                starts_at=airing.starts_at or airing.due_at,
                duration=timedelta(milliseconds=airing.duration_ms),
                state=airing.state,
                where=where,
                changed_at=changed_at,
                reason=airing.state_reason,
                programme=airing.programme_id,
                moved_from=airing.due_at if airing.starts_at not in (None, airing.due_at) else None,
            )


def _foreseen(session: Session, heard: _Heard, start: datetime, end: datetime) -> Iterator[PlanEntry]:
    """What releases in force will air behind the days that are planned, under the ids that those airings will have."""
    query = select(Release).where(Release.voided_at.is_(None), Release.planned_until < end)
    for release in session.scalars(query):
        content = json.loads(release.content)
        if content.get("drill", False):
            continue
        for schedule in content["schedules"]:
            for due in RULE.validate_python(schedule["rule"]).instants(max(start, release.planned_until or start), end):
                where = heard.where(schedule["targets"], due)
                if where is not None:
                    yield PlanEntry(
                        id=id_of("airing", release.id, schedule["id"], due.isoformat()),
                        bulletin=release.bulletin_id,
                        title=content["title"],
                        priority=content["priority"],
                        starts_at=due,
                        duration=timedelta(milliseconds=content["clip"]["duration_ms"]),
                        state="foreseen",
                        where=where,
                        changed_at=release.released_at,
                    )


def _slots(session: Session, heard: _Heard, start: datetime, end: datetime) -> Iterator[PlanEntry]:
    columns = Columns(session)
    for name, at, length in columns.open(start, end, taken=columns.taken(start)):
        row = columns.records[name]
        where = heard.where(row.targets, at)
        if where is not None:
            yield PlanEntry(
                id=f"{RESERVED}{name}@{at.isoformat()}",
                bulletin="",
                title=row.name,
                priority="routine",
                starts_at=at,
                duration=length,
                state="slot",
                where=where,
                changed_at=row.changed_at,
                programme=name,
            )


@dataclass(frozen=True)
class Clash:
    """Another airing that sounds at the same time on `receivers` of the same receivers."""

    item: Item
    receivers: int


def clashes_of(session: Session, airing: Airing, *, zone: str) -> Sequence[Clash]:
    """What overlaps an airing on some receiver, in the order of instants."""
    if airing.targets is None:
        return []
    start = airing.starts_at or airing.due_at
    end = start + timedelta(milliseconds=airing.duration_ms)
    places = PlacesByDay(session, zone)
    mine = {place.id for place in places.at(start).resolve(Targets.model_validate(airing.targets)).receivers}
    found = [
        Clash(item, len(mine & item.receivers))
        for item in planned(session, places, start - LONGEST, end + LONGEST)
        if item.id != airing.id and item.due_at < end and start < item.ends_at and mine & item.receivers
    ]
    return sorted(found, key=lambda clash: (clash.item.due_at, clash.item.id))
