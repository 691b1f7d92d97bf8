"""When a report is due, for which period, and how pressing it is."""

from dataclasses import dataclass
from datetime import date, timedelta

REMINDERS = (30, 7, 1)
"""Days before a deadline at which somebody has to know."""


@dataclass(frozen=True)
class Deadline:
    """The day of each year by which reports are owed."""

    month: int
    day: int

    def of(self, year: int) -> date:
        """The deadline in a year."""
        return date(year, self.month, self.day)

    def next(self, today: date) -> date:
        """The first deadline that is not over."""
        this = self.of(today.year)
        return this if today <= this else self.of(today.year + 1)

    def period(self, due_on: date) -> tuple[date, date]:
        """First and last day of what is reported by then: it begins behind the deadline before, so that nothing falls between two reports."""
        return self.of(due_on.year - 1) + timedelta(days=1), due_on


def deadline(text: str) -> Deadline:
    """From a month and a day, such as 12-10. Raises ValueError for a day that not every year has."""
    month, _, day = text.partition("-")
    date(2025, int(month), int(day))
    return Deadline(int(month), int(day))


def level_of(due_on: date, today: date) -> int | None:
    """The lowest reminder that has been passed, 0 when the deadline is over, None while there is time."""
    left = (due_on - today).days
    if left < 0:
        return 0
    return min((days for days in REMINDERS if left <= days), default=None)
