"""A week's plan once more: what aired in an area in one week becomes drafts with the same times of another week.

Drafts, because times are part of what is approved: a second person listens and releases as always.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import line
from broadcaster.bulletins import Bulletins, Draft
from broadcaster.clock import Clock
from broadcaster.errors import InvalidError
from broadcaster.groups import areas_in
from broadcaster.people import Actor, Right
from broadcaster.places import PlacesByDay
from broadcaster.sound import Sound
from broadcaster.speech import Version
from broadcaster.storage.database import Database
from broadcaster.storage.models import Airing, Bulletin, Release
from broadcaster.targets import Targets
from schedules.recurrence import Recurring
from schedules.rules import RULE, Once
from schedules.zones import instant_of

WEEK = timedelta(days=7)
FURTHEST = timedelta(days=366)


@dataclass(frozen=True)
class Copy:
    """A draft that was made, and of which bulletin."""

    bulletin: str
    of: str


class WeekCopies:
    """Copies weeks."""

    def __init__(self, database: Database, clock: Clock, bulletins: Bulletins, *, zone: str) -> None:
        self._database = database
        self._clock = clock
        self._bulletins = bulletins
        self._zone = zone

    def copy(self, actor: Actor, monday: date, to: date, *, area: str | None = None) -> list[Copy]:
        """A draft of each bulletin that aired from `monday` on (in `area`, if given), for the same wall-clock times from `to` on.

        Left out: programmes, which fill their slots themselves; emergencies and drills; what was withdrawn; what airs then anyway; what would be over;
        and what this person may not edit where it airs.
        """
        actor.need(Right.EDIT)
        now = self._clock.now()
        if monday.weekday() != 0 or to.weekday() != 0:
            raise InvalidError("Tuần bắt đầu từ thứ Hai.", "A week begins on a Monday.", field="monday")
        if not timedelta() < to - monday <= FURTHEST or self._at(to + WEEK) <= now:
            raise InvalidError(
                "Tuần chép tới phải sau tuần được chép, chưa qua, và trong vòng một năm.",
                "The week that is copied to must come after the other one, within a year, and not be over.",
                field="to",
            )
        with self._database.reading() as session:
            drafts = [
                (self._draft(session, bulletin, plan), bulletin)
                for bulletin, plan in self._plans(session, monday, to, area, now).items()
                # What airs beyond one's own areas is for others to copy.
                if actor.may(Right.EDIT, *areas_in(session, [targets.model_dump(mode="json") for targets in plan]))
            ]
        made = self._bulletins.write_all(actor, drafts)
        return [Copy(bulletin, of) for bulletin, (_, of) in zip(made, drafts, strict=True)]

    def _plans(
        self, session: Session, monday: date, to: date, area: str | None, now: datetime
    ) -> dict[str, dict[Targets, list[datetime]]]:
        """Of each bulletin, its wall-clock times of the other week by targets."""
        places, zone = PlacesByDay(session, self._zone), ZoneInfo(self._zone)
        if area is not None:
            line(places.at(now).areas, area)
        query = (
            select(Airing)
            .join(Bulletin, Bulletin.id == Airing.bulletin_id)
            .where(
                Airing.due_at >= self._at(monday),
                Airing.due_at < self._at(monday + WEEK),
                Airing.state != "cancelled",
                Airing.priority != "emergency",
                Airing.drill.is_(False),
                Airing.schedule_id.is_not(None),
                Airing.targets.is_not(None),
                Bulletin.state != "withdrawn",
            )
            .order_by(Airing.due_at, Airing.id)
        )
        found: dict[str, dict[Targets, list[datetime]]] = defaultdict(lambda: defaultdict(list))
        for airing in session.scalars(query):
            targets = Targets.model_validate(airing.targets)
            there = places.at(airing.due_at)
            if area is not None and not there.concerns(there.resolve(targets), area):
                continue
            then = self._then(places, targets, self._at(to))
            if then is None:
                continue
            wall = (airing.starts_at or airing.due_at).astimezone(zone).replace(tzinfo=None) + (to - monday)
            if instant_of(wall, zone) > now:
                found[airing.bulletin_id][then].append(wall)
        anyway = self._anyway(session, list(found), to)
        left: dict[str, dict[Targets, list[datetime]]] = {}
        for bulletin, plan in found.items():
            fresh = {
                targets: kept
                for targets, times in plan.items()
                if (kept := [at for at in times if instant_of(at, zone) not in anyway[bulletin]])
            }
            if fresh:
                left[bulletin] = fresh
        return left

    @staticmethod
    def _then(places: PlacesByDay, targets: Targets, day: datetime) -> Targets | None:
        """With the areas that stand by that day: communes may have merged between. None if none does."""
        there = places.at(day)
        areas = tuple(there.standing(targets.areas))
        if not areas and not targets.receivers:
            return None
        without = tuple(there.standing(targets.excluded_areas))
        return targets.model_copy(update={"areas": areas, "excluded_areas": without})

    def _anyway(self, session: Session, bulletins: list[str], to: date) -> dict[str, set[datetime]]:
        """What the releases of these bulletins air in the week anyway."""
        found: dict[str, set[datetime]] = defaultdict(set)
        rows = session.execute(
            select(Release.bulletin_id, Release.content).where(
                Release.voided_at.is_(None), Release.bulletin_id.in_(bulletins)
            )
        )
        for bulletin, content in rows:
            for schedule in json.loads(content)["schedules"]:
                rule = RULE.validate_python(schedule["rule"])
                found[bulletin].update(rule.instants(self._at(to), self._at(to + WEEK)))
        return found

    def _draft(self, session: Session, bulletin: str, plan: dict[Targets, list[datetime]]) -> Draft:
        row = session.get_one(Bulletin, bulletin)
        return Draft(
            title=row.title,
            text=row.text,
            card_text=row.card_text,
            field=row.field,
            priority="priority" if row.priority == "priority" else "routine",
            plan=tuple((self._rule(times), targets) for targets, times in plan.items()),
            recording=row.recording_sha256,
            versions=tuple(Version(**version) for version in row.versions),
            sound=Sound.model_validate(row.sound),
            interrupted=row.interrupted,  # type: ignore[arg-type]  # one of the four
            campaign=row.campaign_id,
            content_group=row.content_group,
        )

    def _rule(self, times: list[datetime]) -> Once | Recurring:
        first, *others = times
        if not others:
            return Once(at=instant_of(first, ZoneInfo(self._zone)))
        return Recurring(zone=self._zone, start=first, rrule="FREQ=DAILY;COUNT=1", extra=tuple(others))

    def _at(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self._zone)).astimezone(UTC)
