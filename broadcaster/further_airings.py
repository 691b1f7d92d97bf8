"""Further airings: in which an interrupted airing airs again, in full, behind a later session, for some of its receivers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from broadcaster.identity import id_of
from broadcaster.lawful import item_of, plan_with, planned
from broadcaster.places import PlacesByDay
from broadcaster.slots import reserved
from broadcaster.storage.models import Airing
from broadcaster.targets import Place, Places, Targets
from schedules.airtime import SESSION_PAUSE, nearest
from schedules.priorities import Item

BREATH = timedelta(seconds=1)
"""Between the session and what airs behind it, as between the parts of a session."""


class FurtherAirings:
    """Those of one airing, in the order in which they were made. Nothing but its id says of which airing one is, so they are counted through."""

    def __init__(self, session: Session, places: PlacesByDay, airing: Airing) -> None:
        self._session = session
        self._places = places
        self._airing = airing
        self._targets = Targets.model_validate(airing.targets)
        self.rows: list[Airing] = []
        while (row := session.get(Airing, _id_of(airing.id, len(self.rows) + 1))) is not None:
            self.rows.append(row)

    def reached(self, now: datetime) -> Sequence[Place]:
        """The receivers of the airing itself."""
        return self._places.at(now).resolve(self._targets).receivers

    def served(self, now: datetime) -> frozenset[str]:
        """The receivers that stand in one of them."""
        there = self._places.at(now)
        found = (there.resolve(Targets.model_validate(row.targets)).receivers for row in self.rows)
        return frozenset(place.id for receivers in found for place in receivers)

    def times(self) -> list[datetime]:
        """When those air that neither were cancelled nor missed."""
        return sorted({_at(row) for row in self.rows if row.state not in ("cancelled", "missed")})

    def add(
        self, receivers: frozenset[str], now: datetime, *, ahead: timedelta, last: datetime | None
    ) -> frozenset[str]:
        """Let these hear it again, where and when it is lawful and free: in one that has not gone out yet, else in one more, behind their next
        session that begins within `ahead`; it begins at `last` at the latest. Returns who does. The release is held.
        """
        joined = self._join(receivers, now, last)
        return joined | self._make(receivers - joined, now, ahead, last)

    def _join(self, receivers: frozenset[str], now: datetime, last: datetime | None) -> frozenset[str]:
        joined = frozenset[str]()
        for row in self.rows:
            self._session.refresh(row)  # as it is since its release is held
            at, names = _at(row), receivers - joined
            if not names or row.state != "planned" or at <= now or (last is not None and at > last):
                continue
            item = item_of(row, names)
            plan = plan_with(self._session, self._places, [(item, self._targets)], now=now)
            fitting = frozenset(
                name
                for name in names
                if all(air.free(item) and not air.refusals(item) for air in plan.airtimes([name]))
            )
            if fitting:
                wider = _and(Targets.model_validate(row.targets), fitting, self._places.at(at))
                row.targets = wider.model_dump(mode="json")
                self._session.flush()
                joined |= fitting
        return joined

    def _make(
        self, receivers: frozenset[str], now: datetime, ahead: timedelta, last: datetime | None
    ) -> frozenset[str]:
        if not receivers:
            return receivers
        airing = self._airing
        item = item_of(airing, receivers)
        at = _behind(self._session, self._places, item, self._targets, now=now, ahead=ahead)
        if at is None or (last is not None and at > last):
            return frozenset()
        values: dict[str, Any] = {column.key: getattr(airing, column.key) for column in Airing.__mapper__.columns}
        values |= {
            "id": _id_of(airing.id, len(self.rows) + 1),
            "schedule_id": None,
            "due_at": at,
            "starts_at": None,
            "position": 0,
            "state": "planned",
            "state_reason": None,
            "targets": _only(self._targets, self.reached(now), receivers).model_dump(mode="json"),
        }
        row = Airing(**values)
        self._session.add(row)
        self._session.flush()
        self.rows.append(row)
        return receivers


def _at(airing: Airing) -> datetime:
    return airing.starts_at or airing.due_at


def _id_of(airing: str, number: int) -> str:
    """Of a further airing: by its number and not by its receivers, so that a station restored from a backup, which hears of them in another
    order, gives it the name by which whoever has played it knows it."""
    return id_of("airing", airing, "moved", *([str(number)] if number > 1 else []))


def _behind(
    session: Session, places: PlacesByDay, item: Item, targets: Targets, *, now: datetime, ahead: timedelta
) -> datetime | None:
    """When it may begin: right behind the first session that begins after now on any of its receivers, or as soon after that as it may."""
    coming = planned(session, places, now, now + ahead, receivers=item.receivers)
    coming += reserved(session, places, now, now + ahead, receivers=item.receivers)
    end: datetime | None = None
    for other in sorted(coming, key=lambda each: each.due_at):
        if other.priority == "emergency" or other.due_at <= now or other.id == item.id:
            continue
        if end is not None and other.due_at - end >= SESSION_PAUSE:
            break
        end = max(end or other.ends_at, other.ends_at)
    if end is None:
        return None
    there = replace(item, due_at=end + BREATH)
    plan = plan_with(session, places, [(there, targets)], now=now)
    _, after = nearest(there, plan.airtimes(there.receivers, without=item.id), not_before=there.due_at)
    return after if after is not None and after < now + ahead else None


def _only(targets: Targets, reached: Sequence[Place], again: frozenset[str]) -> Targets:
    """The same targets, for these of their receivers only, said in the shorter way."""
    others = [place.id for place in reached if place.id not in again]
    if len(others) > len(again):
        return Targets(receivers=tuple(sorted(again)), kinds=targets.kinds)
    return targets.model_copy(update={"excluded": tuple(sorted({*targets.excluded, *others}))})


def _and(targets: Targets, names: frozenset[str], there: Places) -> Targets:
    """The same targets, and these receivers."""
    wider = targets.model_copy(update={"excluded": tuple(name for name in targets.excluded if name not in names)})
    named = names - {place.id for place in there.resolve(wider).receivers}
    return wider.model_copy(update={"receivers": tuple(sorted({*wider.receivers, *named}))})
