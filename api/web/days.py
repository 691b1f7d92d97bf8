"""Days and wall-clock times that come with an address or a form."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.errors import InvalidError
from schedules.zones import instant_of


def day_of_text(text: str, default: date, *, field: str = "day") -> date:
    """2026-11-25; without any the default. Raises InvalidError."""
    if not text.strip():
        return default
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidError(f"'{text[:20]}' không phải là ngày.", f"'{text[:20]}' is no date.", field=field) from error


def monday_of(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def instant_of_text(text: str, zone: str, *, field: str) -> datetime:
    """The instant of a wall-clock time, as a form of the browser has it: 2026-11-25T17:00. Raises InvalidError."""
    try:
        return instant_of(datetime.fromisoformat(text.strip()).replace(tzinfo=None), ZoneInfo(zone))
    except ValueError as error:
        raise InvalidError("Nhập ngày và giờ.", "Enter a date and a time.", field=field) from error
