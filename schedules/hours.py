"""What is in force at a receiver: its rules with the areas whose rules they are, and the hours that they close."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.named_days import is_named
from schedules.policy_rules import (
    ClosedDays,
    DaysAWeek,
    PolicyRule,
    QuietHours,
    SessionMinutes,
    SessionsADay,
    VolumeCeiling,
    Weekdays,
)
from schedules.zones import instant_of

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """A rule in force, and the area whose rule it is."""

    rule: PolicyRule
    area: str
    area_name: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing may air in [start, end), in UTC, by this rule."""

    start: datetime
    end: datetime
    standing: Standing


class InForce:
    """The rules that bind a receiver. Shared by all receivers of the same standing, so that days are looked up once."""

    def __init__(self, standing: tuple[Standing, ...], zone: str) -> None:
        self.standing = standing
        self.zone = ZoneInfo(zone)
        self._times = [each for each in standing if isinstance(each.rule, QuietHours | Weekdays | ClosedDays)]
        self._ceilings = [each for each in standing if isinstance(each.rule, VolumeCeiling)]
        self.sessions_a_day = [(each.rule.most, each) for each in standing if isinstance(each.rule, SessionsADay)]
        self.session_minutes = [(each.rule.most, each) for each in standing if isinstance(each.rule, SessionMinutes)]
        self.days_a_week = [(each.rule.most, each) for each in standing if isinstance(each.rule, DaysAWeek)]
        self._closed: dict[date, tuple[Closed, ...]] = {}

    def day_of(self, instant: datetime) -> date:
        """The local date."""
        return instant.astimezone(self.zone).date()

    def closed(self, start: datetime, end: datetime) -> Iterator[Closed]:
        """The closed times that touch [start, end)."""
        if not self._times:
            return
        day, last = self.day_of(start) - _DAY, self.day_of(end)
        while day <= last:
            for found in self._closed_from(day):
                if found.start < end and start < found.end:
                    yield found
            day += _DAY

    def ceiling(self, start: datetime, end: datetime) -> tuple[int, Standing] | None:
        """The lowest ceiling, in dBA, that touches [start, end), and whose it is."""
        day, last = self.day_of(start) - _DAY, self.day_of(end)
        found: list[tuple[int, Standing]] = []
        while day <= last:
            for each in self._ceilings:
                rule = each.rule
                if isinstance(rule, VolumeCeiling):
                    low, high = self._span(day, rule.begins, rule.ends)
                    if low < end and start < high:
                        found.append((rule.dba, each))
            day += _DAY
        return min(found, key=lambda pair: pair[0], default=None)

    def _closed_from(self, day: date) -> tuple[Closed, ...]:
        if day not in self._closed:
            if len(self._closed) > 4000:
                self._closed.clear()
            self._closed[day] = tuple(self._begin_on(day))
        return self._closed[day]

    def _begin_on(self, day: date) -> Iterator[Closed]:
        """The closed times that begin on a local day."""
        for each in self._times:
            rule = each.rule
            if isinstance(rule, QuietHours):
                if not rule.weekdays or day.weekday() in rule.weekdays:
                    yield Closed(*self._span(day, rule.begins, rule.ends), each)
            elif isinstance(rule, Weekdays):
                if day.weekday() not in rule.days:
                    yield Closed(*self._span(day, time(0), time(0)), each)
            elif isinstance(rule, ClosedDays) and (day in rule.dates or is_named(day, rule.days)):
                yield Closed(*self._span(day, time(0), time(0)), each)

    def _span(self, day: date, begins: time, ends: time) -> tuple[datetime, datetime]:
        """From the one time to the other, which lies on the next day if it is not later."""
        following = day if ends > begins else day + _DAY
        return (
            instant_of(datetime.combine(day, begins), self.zone),
            instant_of(datetime.combine(following, ends), self.zone),
        )
