"""Times as an editor chooses them: the two usual sessions of a day, at once, or plain repeats; made into rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from broadcaster.errors import InvalidError
from schedules.recurrence import Moved, Recurring
from schedules.rules import Once, Rule
from schedules.zones import instant_of

MORNING, EVENING = time(5), time(17)
Repeat = Literal["once", "daily", "weekdays", "weekly", "monthly"]
REPEATS: tuple[Repeat, ...] = get_args(Repeat)
_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def next_at(at: time, now: datetime, zone: str) -> Once:
    """The next time that it is so late at the station."""
    local = now.astimezone(ZoneInfo(zone))
    day = local.date() if local.time() < at else local.date() + timedelta(days=1)
    return Once(at=instant_of(datetime.combine(day, at), ZoneInfo(zone)))


@dataclass(frozen=True, slots=True)
class Plain:
    """When something airs, in plain words: from a day on, at one or more times of day, until a day."""

    repeat: Repeat
    day: date
    times: tuple[time, ...]
    until: date | None = None
    weekdays: tuple[int, ...] = ()
    """From Monday, 0; of a weekly repeat."""

    def rules(self, zone: str) -> list[Rule]:
        """One rule for each time of day. Raises InvalidError for what is missing."""
        if not self.times:
            raise InvalidError("Chọn giờ phát.", "Choose a time of day.", field="time")
        if self.repeat == "once":
            local = ZoneInfo(zone)
            return [Once(at=instant_of(datetime.combine(self.day, at), local)) for at in self.times]
        if self.repeat == "weekly" and not self.weekdays:
            raise InvalidError("Chọn ít nhất một thứ trong tuần.", "Choose at least one weekday.", field="weekday")
        if self.until is not None and self.until < self.day:
            raise InvalidError("Ngày cuối đứng trước ngày đầu.", "The last day lies before the first.", field="until")
        rrule = {
            "daily": "FREQ=DAILY",
            "weekdays": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            "weekly": f"FREQ=WEEKLY;BYDAY={','.join(_CODES[day] for day in sorted(set(self.weekdays)))}",
            "monthly": f"FREQ=MONTHLY;BYMONTHDAY={self.day.day}",
        }[self.repeat]
        until = f";UNTIL={self.until:%Y%m%d}" if self.until is not None else ""
        try:
            return [
                Recurring(zone=zone, start=datetime.combine(self.day, at), rrule=f"{rrule}{until}") for at in self.times
            ]
        except ValueError as error:
            raise InvalidError(
                "Lịch này không có ngày phát nào. Kiểm tra ngày đầu và ngày cuối.",
                "This never airs. Look at the first and the last day.",
                field="until",
            ) from error


def instead(rule: Rule, due: datetime, at: datetime) -> Rule:
    """The rule with what is due at one instant at another: for an airing that clashes, or that a policy refuses."""
    if not isinstance(rule, Recurring):
        return Once(at=at)
    local = ZoneInfo(rule.zone)
    original, to = (instant.astimezone(local).replace(tzinfo=None) for instant in (due, at))
    kept = tuple(change for change in rule.moved if change.to != original)
    first = next((change.original for change in rule.moved if change.to == original), original)
    moved: Sequence[Moved] = (*kept, Moved(original=first, to=to))
    return Recurring.model_validate({**rule.model_dump(), "moved": tuple(each.model_dump() for each in moved)})
