"""The plan of an area as iCalendar, and an external programme's calendar as rules."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import line
from broadcaster.errors import InvalidError
from broadcaster.identity import id_of
from broadcaster.places import PlacesByDay
from broadcaster.storage.models import Airing, Release
from broadcaster.targets import Targets
from schedules.icalendar import CalendarError, FeedEntry, Reading, feed, read
from schedules.rules import RULE

BEFORE = timedelta(days=1)


def plan_feed(session: Session, area: str, *, now: datetime, zone: str, ahead: timedelta) -> bytes:
    """What is heard by any receiver in the area, or is addressed to it. Raises NotFoundError for an area that does not stand."""
    places = PlacesByDay(session, zone)
    line(places.at(now).areas, area)
    heard = _Heard(places, area)
    entries = [*_planned(session, heard, now - BEFORE, now + ahead), *_foreseen(session, heard, now, now + ahead)]
    entries.sort(key=lambda entry: (entry.start, entry.uid))
    return feed(entries, name=places.at(now).areas[area].name)


class _Heard:
    """Whether targets concern the area, and how the places are called."""

    def __init__(self, places: PlacesByDay, area: str) -> None:
        self._places = places
        self._area = area
        self._parsed: dict[str, Targets] = {}

    def where(self, targets: dict[str, Any], at: datetime) -> str | None:
        """The names of the places; None if the area hears nothing of it."""
        key = repr(targets)
        if key not in self._parsed:
            self._parsed[key] = Targets.model_validate(targets)
        there = self._places.at(at)
        resolution = there.resolve(self._parsed[key])
        if not there.concerns(resolution, self._area):
            return None
        names = [there.areas[name].name for name in resolution.audience.areas]
        names += [there.receivers[name].name for name in resolution.audience.receivers]
        return ", ".join(names)


def _planned(session: Session, heard: _Heard, start: datetime, end: datetime) -> Iterator[FeedEntry]:
    """Airings that have their rows; those that stand no more say so."""
    query = (
        select(Airing, Release.released_at)
        .join(Release, Release.id == Airing.release_id)
        .where(Airing.due_at >= start, Airing.due_at < end, Airing.drill.is_(False), Airing.targets.is_not(None))
    )
    for airing, changed_at in session.execute(query):
        where = heard.where(airing.targets or {}, airing.due_at)
        if where is not None:
            yield FeedEntry(
                uid=airing.id,
                title=airing.title,
                start=airing.starts_at or airing.due_at,
                duration=timedelta(milliseconds=airing.duration_ms),
                changed_at=changed_at,
                place=where,
                description=airing.state_reason or "",
                cancelled=airing.state in ("cancelled", "missed"),
            )


def _foreseen(session: Session, heard: _Heard, now: datetime, end: datetime) -> Iterator[FeedEntry]:
    """What releases in force will air behind the days that are planned, under the ids that those airings will have."""
    query = select(Release).where(Release.voided_at.is_(None), Release.planned_until < end)
    for release in session.scalars(query):
        content = json.loads(release.content)
        if content.get("drill", False):
            continue
        for schedule in content["schedules"]:
            for due in RULE.validate_python(schedule["rule"]).instants(max(now, release.planned_until or now), end):
                where = heard.where(schedule["targets"], due)
                if where is not None:
                    yield FeedEntry(
                        uid=id_of("airing", release.id, schedule["id"], due.isoformat()),
                        title=content["title"],
                        start=due,
                        duration=timedelta(milliseconds=content["clip"]["duration_ms"]),
                        changed_at=release.released_at,
                        place=where,
                    )


def import_calendar(data: bytes, *, zone: str) -> Reading:
    """The file's events as rules. Raises InvalidError for a file that is no calendar or too large."""
    try:
        return read(data, zone=zone)
    except CalendarError as error:
        raise InvalidError(error.vi, error.en) from error
