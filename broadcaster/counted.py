"""Counted rules (sessions a day, minutes a session, days a week) for what its release was too early to judge.

Who releases sees the airings of two weeks judged. Those after them are counted when their orders are made, in the order of their instants, against
what was judged before: what an earlier yes has promised is not pushed out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.lawful import CHECKED_AHEAD, REFUSED, item_of, planned, spot_of
from broadcaster.places import PlacesByDay
from broadcaster.storage.models import Airing, ProgrammeRecord, Release
from broadcaster.targets import Resolution
from schedules.day_plan import DayPlan, plan_day
from schedules.hours import InForce
from schedules.policies import Spot


class Counted:
    """The airings of one batch of orders, judged one after the other."""

    def __init__(
        self, session: Session, places: PlacesByDay, batch: Sequence[Airing], released: Mapping[str, datetime]
    ) -> None:
        """`released`: when the releases of the batch were made."""
        self._session = session
        self._places = places
        self._programmes = dict(session.execute(select(ProgrammeRecord.id, ProgrammeRecord.changed_at)).all())
        self._late = {airing.id: airing for airing in batch if self._is_late(airing, released[airing.release_id])}
        self._plan: DayPlan | None = None

    def without_refused(self, airing: Airing, resolution: Resolution) -> tuple[Resolution, str | None]:
        """The resolution without the receivers whose counts it would exceed, and why nobody may play it if none is left."""
        if airing.id not in self._late:
            return resolution, None
        there = self._places.at(airing.due_at)
        counted = {place.id for place in resolution.receivers if _counts(self._in_force(spot_of(place, there.lines)))}
        if not counted:
            return resolution, None
        plan = self._plan or self._standing()
        item = item_of(airing, frozenset(place.id for place in resolution.receivers))
        refused: set[str] = set()
        why: str | None = None
        for name in sorted(counted):
            refusals = next(iter(plan.airtimes([name]))).refusals(item)
            if refusals:
                refused.add(name)
                why = why or f"{REFUSED}{refusals[0].said('vi')} / {refusals[0].said('en')}"
        kept = item.receivers - refused
        self._plan = plan.changed(added=[replace(item, receivers=kept)]) if kept else plan
        return resolution.without(refused), None if kept else why

    def _standing(self) -> DayPlan:
        """What was judged on all receivers with counted rules, in the weeks around the batch."""
        dues = [airing.due_at for airing in self._late.values()]
        start, end = min(dues) - timedelta(days=7), max(dues) + timedelta(days=1)
        there = self._places.at(min(dues))
        spots = [spot_of(place, there.lines) for place in there.receivers.values()]
        spots = [spot for spot in spots if _counts(self._in_force(spot))]
        unjudged = set(self._unjudged(start, end)) | self._late.keys()
        items = [item for item in planned(self._session, self._places, start, end) if item.id not in unjudged]
        return plan_day(items, spots, self._places.policies)

    def _unjudged(self, start: datetime, end: datetime) -> Iterable[str]:
        rows = self._session.execute(
            select(Airing, Release.released_at)
            .join(Release, Release.id == Airing.release_id)
            .where(Airing.state == "planned", Airing.due_at >= start, Airing.due_at < end)
        )
        return [airing.id for airing, released_at in rows if self._is_late(airing, released_at)]

    def _is_late(self, airing: Airing, released_at: datetime) -> bool:
        """Whether it was too far ahead to be judged at its release; of a slot, when its programme was saved."""
        if airing.drill or airing.priority == "emergency":
            return False
        if airing.slot_at is not None and airing.programme_id is not None:
            return airing.slot_at >= self._programmes[airing.programme_id] + CHECKED_AHEAD
        # What was moved behind a session has no schedule: it was judged when it was moved.
        return airing.schedule_id is not None and airing.due_at >= released_at + CHECKED_AHEAD

    def _in_force(self, spot: Spot) -> InForce:
        return self._places.policies.in_force(spot)


def _counts(in_force: InForce) -> bool:
    return bool(in_force.sessions_a_day or in_force.session_minutes or in_force.days_a_week)
