"""Recurring rules: RFC 5545 recurrence in wall-clock time, by python-dateutil, with what a broadcast schedule adds.

The parts that are taken are FREQ (DAILY to YEARLY), INTERVAL, COUNT or UNTIL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, BYHOUR, BYMINUTE and
WKST. Shorter periods than a day are no schedule of a commune's station; week and year-day numbers nobody asks for.
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schedules.named_days import NamedDay, is_named
from schedules.unfit import UnfitError
from schedules.zones import Zone, instant_of

_PARTS = {
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "BYMONTH",
    "BYMONTHDAY",
    "BYDAY",
    "BYSETPOS",
    "BYHOUR",
    "BYMINUTE",
    "WKST",
}
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MAX_COUNT = 10_000
NAMED_WITHIN = timedelta(days=3 * 366)
FIRST_WITHIN = timedelta(days=30 * 366)
"""A rule that airs nothing within thirty years of its start is a mistake; some such rules would be searched for minutes."""


def _naive(value: datetime) -> datetime:
    if value.tzinfo is not None:
        raise UnfitError(
            "giờ địa phương không kèm độ lệch múi giờ; múi giờ nằm ở zone",
            "a wall-clock time carries no offset; the zone says it",
        )
    return value.replace(microsecond=0)


WallClock = Annotated[datetime, AfterValidator(_naive)]


def parts_of(text: str) -> dict[str, str]:
    """The parts of an RRULE value by name. Raises ValueError, naming what is wrong."""
    parts: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, sign, value = part.partition("=")
        if name not in _PARTS or not sign or not value:
            raise UnfitError(
                f"'{part}' không phải phần của quy tắc dùng được ở đây; các phần dùng được: {', '.join(sorted(_PARTS))}",
                f"'{part}' is no part of a rule that is taken here; these are: {', '.join(sorted(_PARTS))}",
            )
        if name in parts:
            raise UnfitError(f"{name} xuất hiện hai lần", f"{name} stands twice")
        parts[name] = value
    if parts.get("FREQ") not in _FREQUENCIES:
        raise UnfitError(
            f"FREQ phải là một trong {', '.join(_FREQUENCIES)}", f"FREQ must be one of {', '.join(_FREQUENCIES)}"
        )
    if "COUNT" in parts and "UNTIL" in parts:
        raise UnfitError(
            "COUNT và UNTIL không đi cùng nhau (RFC 5545, 3.3.10)",
            "COUNT and UNTIL exclude each other (RFC 5545, 3.3.10)",
        )
    if "COUNT" in parts and not (parts["COUNT"].isdigit() and 1 <= int(parts["COUNT"]) <= MAX_COUNT):
        raise UnfitError(f"COUNT phải từ 1 đến {MAX_COUNT}", f"COUNT must lie between 1 and {MAX_COUNT}")
    if not (parts.get("INTERVAL", "1").isdigit() and 1 <= int(parts.get("INTERVAL", "1")) <= 1000):
        raise UnfitError("INTERVAL phải từ 1 đến 1000", "INTERVAL must lie between 1 and 1000")
    if parts["FREQ"] in ("DAILY", "WEEKLY") and re.search(r"\d", parts.get("BYDAY", "")):
        raise UnfitError(
            "thứ kèm số, ví dụ 1MO, cần FREQ là MONTHLY hoặc YEARLY (RFC 5545, 3.3.10)",
            "a numbered weekday, such as 1MO, needs FREQ MONTHLY or YEARLY (RFC 5545, 3.3.10)",
        )
    if parts["FREQ"] == "WEEKLY" and "BYMONTHDAY" in parts:
        raise UnfitError(
            "BYMONTHDAY không đi với FREQ=WEEKLY (RFC 5545, 3.3.10)",
            "BYMONTHDAY does not go with FREQ=WEEKLY (RFC 5545, 3.3.10)",
        )
    if "BYSETPOS" in parts and parts["FREQ"] in ("DAILY", "WEEKLY"):
        raise UnfitError("BYSETPOS ở đây cần FREQ là MONTHLY hoặc YEARLY", "BYSETPOS needs FREQ MONTHLY or YEARLY here")
    return parts


@lru_cache(maxsize=4096)
def _parsed(text: str, start: datetime, zone: str) -> rrule:
    parts = parts_of(text)
    until = parts.get("UNTIL", "")
    if until.endswith("Z"):  # RFC 5545 wants UNTIL in UTC where DTSTART has a zone; dateutil works in wall-clock here
        local = datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        parts["UNTIL"] = local.strftime("%Y%m%dT%H%M%S")
    elif until and "T" not in until:
        parts["UNTIL"] = f"{until}T235959"  # the whole last day
    try:
        made = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=start)
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        raise UnfitError(
            f"'{text}' không phải quy tắc theo RFC 5545", f"'{text}' is no rule of RFC 5545: {error}"
        ) from error
    if not isinstance(made, rrule):
        raise UnfitError(f"'{text}' gồm nhiều quy tắc", f"'{text}' is more than one rule")
    return made


class Moved(BaseModel):
    """One occurrence that airs at another time; both in wall-clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    original: WallClock
    to: WallClock


class Recurring(BaseModel):
    """A rule with its exceptions, all in the wall-clock time of `zone`.

    `start` is DTSTART: the first day and the time of day. `skipped` are dates on which nothing airs; `extra` are additional times (RDATE);
    `moved` are occurrences that air at another time, on the same day or another. Of the rule's own occurrences only those on one of the named
    days `on` (none: all) and on none of `not_on` air.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["recurring"] = "recurring"
    zone: Zone = "Asia/Ho_Chi_Minh"
    start: WallClock
    rrule: Annotated[str, Field(max_length=500)]
    skipped: Annotated[tuple[date, ...], Field(max_length=1000)] = ()
    extra: Annotated[tuple[WallClock, ...], Field(max_length=1000)] = ()
    moved: Annotated[tuple[Moved, ...], Field(max_length=1000)] = ()
    on: Annotated[tuple[NamedDay, ...], Field(max_length=30)] = ()
    not_on: Annotated[tuple[NamedDay, ...], Field(max_length=30)] = ()

    @model_validator(mode="after")
    def _airs_something(self) -> "Recurring":
        rule, parts = _parsed(self.rrule, self.start, self.zone), parts_of(self.rrule)
        if "COUNT" in parts and (self.on or self.not_on):
            raise UnfitError(
                "COUNT không đi với ngày lễ, vì chúng cũng bị đếm; hãy dùng UNTIL",
                "COUNT does not go with named days, which would be counted too; say UNTIL",
            )
        if not self.extra and not _ever(rule, parts, self.start):
            raise UnfitError(
                "quy tắc này không có lượt phát nào; xem lại ngày, tháng và ngày cuối",
                "the rule airs nothing; look at its days, months and last day",
            )
        if not self.extra and self.on and next(self.instants(*self._years(NAMED_WITHIN)), None) is None:
            raise UnfitError(
                "trong ba năm tới quy tắc này không có lượt phát nào vào những ngày lễ đó",
                "the rule airs nothing on those named days in the next three years",
            )
        return self

    def _years(self, length: timedelta) -> tuple[datetime, datetime]:
        first = self.start.replace(tzinfo=UTC)
        return first - timedelta(days=2), first + length

    def instants(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The instants in [start, end), in UTC, in order, each once."""
        zone = ZoneInfo(self.zone)
        # A day more on either side: a gap in the clock moves an occurrence, and so may a person.
        low = start.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
        high = end.astimezone(zone).replace(tzinfo=None) + timedelta(days=1)
        start, end = (
            start.astimezone(UTC),
            end.astimezone(UTC),
        )  # compared with thousands: instants of one zone compare faster
        times: Iterable[datetime] = self._walk(low, high)
        if self.skipped or self.extra or self.moved:
            times = self._with_exceptions(times)
        instants = [instant for time in times if start <= (instant := instant_of(time, zone)) < end]
        yield from sorted(set(instants))

    def _with_exceptions(self, times: Iterable[datetime]) -> set[datetime]:
        moved = {change.original: change.to for change in self.moved}
        skipped = set(self.skipped)
        found = {time for time in times if time.date() not in skipped and time not in moved}
        found.update(time for time in self.extra if time.date() not in skipped)
        found.update(to for original, to in moved.items() if self._has(original))
        return found

    def _has(self, time: datetime) -> bool:
        return time.date() not in self.skipped and time in self._walk(time, time)

    def _walk(self, low: datetime, high: datetime) -> list[datetime]:
        """The rule's own times in [low, high]."""
        rule, parts = _parsed(self.rrule, self.start, self.zone), parts_of(self.rrule)
        period = {"DAILY": 1, "WEEKLY": 7}.get(parts["FREQ"])
        if period is not None and "COUNT" not in parts and low > self.start:
            # dateutil walks from the start; whole periods of the interval lead nearer without changing what follows.
            step = period * int(parts.get("INTERVAL", "1"))
            whole = max(0, (low - self.start).days // step - 1)
            rule = rule.replace(dtstart=self.start + timedelta(days=whole * step))
        found: list[datetime] = rule.between(low, high, inc=True)
        return [time for time in found if self._named(time.date())] if self.on or self.not_on else found

    def _named(self, day: date) -> bool:
        return (not self.on or is_named(day, self.on)) and not is_named(day, self.not_on)

    def without(self, day: date) -> "Recurring":
        """The same, but nothing airs on that date."""
        return Recurring.model_validate({**self.model_dump(), "skipped": tuple(sorted({*self.skipped, day}))})

    def with_week_copied(self, monday: date, to: date) -> "Recurring | None":
        """The same, and what airs in the week that begins on `monday` also in the week that begins on `to`; None if nothing does."""
        zone = ZoneInfo(self.zone)
        first, last = (instant_of(datetime.combine(day, time()), zone) for day in (monday, monday + timedelta(days=7)))
        times = [found.astimezone(zone).replace(tzinfo=None) + (to - monday) for found in self.instants(first, last)]
        if not times:
            return None
        # What the rule airs there anyway is no addition.
        extra = {*self.extra, *(at for at in times if not self._has(at) and at.date() not in self.skipped)}
        return Recurring.model_validate({**self.model_dump(), "extra": tuple(sorted(extra))})


def _ever(rule: rrule, parts: dict[str, str], start: datetime) -> bool:
    """Whether the rule has any occurrence within FIRST_WITHIN."""
    months = {int(value) for value in parts.get("BYMONTH", "").split(",") if value}
    month_days = {int(value) for value in parts.get("BYMONTHDAY", "").split(",") if value}
    if parts["FREQ"] in ("MONTHLY", "YEARLY"):
        step = int(parts.get("INTERVAL", "1"))
        # Without these, dateutil would look for a month or a day that never comes until the year 9999.
        reached = (
            {(start.month - 1 + turn * step) % 12 + 1 for turn in range(12)} if parts["FREQ"] == "MONTHLY" else months
        )
        if (months and not months & reached) or not _day_exists(months, month_days):
            return False
        first = next(iter(rule), None)
        return first is not None and first - start <= FIRST_WITHIN
    weekdays = {_WEEKDAYS.index(value) for value in parts.get("BYDAY", "").split(",") if value}
    step = 1 if parts["FREQ"] == "WEEKLY" else int(parts.get("INTERVAL", "1"))
    for offset in range(0, FIRST_WITHIN.days, step):
        day = start.date() + timedelta(days=offset)
        left = -((day.replace(day=28) + timedelta(days=4)).replace(day=1) - day).days  # -1 on the last day of a month
        if (
            (not months or day.month in months)
            and (not month_days or day.day in month_days or left in month_days)
            and (not weekdays or day.weekday() in weekdays)
        ):
            return next(iter(rule), None) is not None
    return False


def _day_exists(months: set[int], month_days: set[int]) -> bool:
    """Whether any of the months has any of the days; no months or no days means all."""
    if not month_days:
        return True
    return any(abs(day) <= monthrange(2024, month)[1] for month in months or range(1, 13) for day in month_days)
