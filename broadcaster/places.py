"""Places on several days: read once for all days between which nothing changes."""

from collections.abc import Set as AbstractSet
from datetime import date, datetime
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster import policies
from broadcaster.areas import day_of
from broadcaster.storage.models import Area, AreaMove, AreaSuccessor, ReceiverMove
from broadcaster.targets import Places
from schedules.policies import Policies


class PlacesByDay:
    """`Places` of each day of the station that is asked for, and the policies of the areas."""

    def __init__(self, session: Session, zone: str) -> None:
        self._session = session
        self.zone = zone
        self._days: dict[date, Places] = {}
        self._by_day: dict[date, Places] = {}

    def at(self, instant: datetime) -> Places:
        """As they are on the station's day of an instant."""
        day = day_of(instant, self.zone)
        found = self._by_day.get(day)
        if found is None:
            # From one change to the next all days are alike.
            since = max((change for change in self._changes if change <= day), default=date.min)
            found = self._days.get(since)
            if found is None:
                found = self._days[since] = Places(self._session, day)
            self._by_day[day] = found
        return found

    def following(self, session: Session, names: AbstractSet[str]) -> "PlacesByDay":
        """As they are now, if since these were read nothing has changed but policies and the receivers of these names."""
        found = PlacesByDay(session, self.zone)
        found._changes = self._changes
        found._days = {since: places.following(session, names) for since, places in self._days.items()}
        return found

    @cached_property
    def policies(self) -> Policies:
        """Of all areas that stand or have stood."""
        return policies.load(self._session, dict(self._session.execute(select(Area.id, Area.name)).all()), self.zone)

    @cached_property
    def _changes(self) -> list[date]:
        columns = (Area.valid_from, Area.valid_to, AreaMove.day, AreaSuccessor.day, ReceiverMove.day)
        days = {day for column in columns for day in self._session.scalars(select(column).distinct())}
        return sorted(day for day in days if day is not None)
