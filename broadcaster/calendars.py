"""The plan of an area as iCalendar, and an external programme's calendar as rules."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import line
from broadcaster.errors import InvalidError
from broadcaster.places import PlacesByDay
from broadcaster.storage.models import Airing, Release
from broadcaster.targets import Targets
from schedules.icalendar import CalendarError, FeedEntry, Reading, feed, read

BEFORE = timedelta(days=1)


def plan_feed(session: Session, area: str, *, now: datetime, zone: str, ahead: timedelta) -> bytes:
    """What is heard by any receiver in the area, or is addressed to it. Raises NotFoundError for an area that does not stand."""
    places = PlacesByDay(session, zone)
    line(places.at(now).areas, area)
    query = (
        select(Airing, Release.released_at)
        .join(Release, Release.id == Airing.release_id)
        .where(
            Airing.due_at >= now - BEFORE,
            Airing.due_at < now + ahead,
            Airing.drill.is_(False),
            Airing.targets.is_not(None),
        )
        .order_by(Airing.due_at, Airing.id)
    )
    parsed: dict[str, Targets] = {}
    entries: list[FeedEntry] = []
    for airing, changed_at in session.execute(query):
        key = repr(airing.targets)
        if key not in parsed:
            parsed[key] = Targets.model_validate(airing.targets)
        there = places.at(airing.due_at)
        resolution = there.resolve(parsed[key])
        if not there.concerns(resolution, area):
            continue
        names = [there.areas[name].name for name in resolution.audience.areas]
        names += [there.receivers[name].name for name in resolution.audience.receivers]
        entries.append(
            FeedEntry(
                uid=airing.id,
                title=airing.title,
                start=airing.starts_at or airing.due_at,
                duration=timedelta(milliseconds=airing.duration_ms),
                changed_at=changed_at,
                place=", ".join(names),
                description=airing.state_reason or "",
                cancelled=airing.state in ("cancelled", "missed"),
            )
        )
    return feed(entries, name=places.at(now).areas[area].name)


def import_calendar(data: bytes, *, zone: str) -> Reading:
    """The file's events as rules. Raises InvalidError for a file that is no calendar or too large."""
    try:
        return read(data, zone=zone)
    except CalendarError as error:
        raise InvalidError(error.vi, error.en) from error
