"""The plan of an area as iCalendar, and an external programme's calendar as rules."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from broadcaster.area_plan import plan_of
from broadcaster.areas import areas_on, day_of
from broadcaster.errors import InvalidError
from schedules.icalendar import CalendarError, FeedEntry, Reading, feed, read

BEFORE = timedelta(days=1)


def plan_feed(session: Session, area: str, *, now: datetime, zone: str, ahead: timedelta) -> bytes:
    """What is heard by any receiver in the area, or is addressed to it. Raises NotFoundError for an area that does not stand."""
    entries = [
        FeedEntry(
            uid=entry.id,
            title=entry.title,
            start=entry.starts_at,
            duration=entry.duration,
            changed_at=entry.changed_at,
            place=entry.where,
            description=entry.reason or "",
            cancelled=not entry.stands,
        )
        for entry in plan_of(session, now - BEFORE, now + ahead, now=now, zone=zone, area=area)
    ]
    return feed(entries, name=areas_on(session, day_of(now, zone))[area].name)


def import_calendar(data: bytes, *, zone: str) -> Reading:
    """The file's events as rules. Raises InvalidError for a file that is no calendar or too large."""
    try:
        return read(data, zone=zone)
    except CalendarError as error:
        raise InvalidError(error.vi, error.en) from error
