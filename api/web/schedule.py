"""The week of an area or of a receiver: what airs when, and last week's plan once more as drafts."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.area_tree import AreaTree, by_name
from api.web.days import day_of_text, monday_of
from broadcaster.area_plan import PlanEntry, plan_of
from broadcaster.errors import BroadcasterError, NotFoundError
from broadcaster.people import Actor, Right
from broadcaster.reorganisation.rehoming import beginning
from broadcaster.station import Station
from broadcaster.targets import Place, Places

router = pages.router()
WEEK = timedelta(days=7)
MOST = 1000
"""Airings of a week that are drawn; of a province one commune is looked at."""


@dataclass(frozen=True)
class Day:
    """A day with what airs on it, in the order of instants."""

    day: date
    entries: tuple[PlanEntry, ...]


@dataclass(frozen=True)
class Whose:
    """The area or the receiver whose week it is; neither: the whole station's."""

    tree: AreaTree
    area: str | None
    receiver: Place | None
    devices: tuple[Place, ...]

    def address(self, day: date) -> str:
        """Of the week of a day."""
        named = {"receiver": self.receiver.id} if self.receiver else {"area": self.area} if self.area else {}
        return f"/schedule?{urlencode({**named, 'week': monday_of(day).isoformat()})}"


def whose(station: Station, actor: Actor, *, area: str = "", receiver: str = "") -> Whose:
    """What was asked for, or the person's own area. Raises NotFoundError, and ForbiddenError for what is not theirs to see."""
    with station.database.reading() as session:
        places = Places(session, station.today())
    tree = AreaTree(places.areas)
    if receiver:
        place = places.receivers.get(receiver)
        if place is None:
            raise NotFoundError(f"Không có thiết bị '{receiver}'.", f"There is no receiver '{receiver}'.")
        actor.need(Right.READ, place.area_id)
        return Whose(tree, place.area_id, place, ())
    chosen = area or tree.first(actor)
    if chosen is None:
        return Whose(tree, None, None, ())
    if chosen not in places.areas:
        raise NotFoundError(f"Không có địa bàn '{chosen}'.", f"There is no area '{chosen}'.")
    actor.need_sight([chosen])
    there = (place for place in places.under(chosen) if place.area_id == chosen and actor.may(Right.READ, chosen))
    return Whose(tree, chosen, None, tuple(sorted(there, key=lambda place: by_name(place.name))))


@router.get("/schedule")
def schedule(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: str = "",
    receiver: str = "",
    week: str = "",
    made: int = -1,
) -> Response:
    """A week; `made` drafts have just come of a copy."""
    actor.need(Right.READ)
    monday = monday_of(day_of_text(week, station.today()))
    return _week(request, station, actor, whose(station, actor, area=area, receiver=receiver), monday, made=made)


@router.post("/schedule/copies")
def copy(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    monday: Annotated[str, Form(max_length=10)],
    to: Annotated[str, Form(max_length=10)],
    area: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """What aired in a week as drafts for another one."""
    actor.need(Right.EDIT)
    if area:
        actor.need_sight([area])
    week = monday_of(day_of_text(monday, station.today()))
    try:
        target = monday_of(day_of_text(to, week + WEEK))
        drafts = station.week_copies.copy(actor, week, target, area=area or None)
    except BroadcasterError as error:
        return _week(request, station, actor, whose(station, actor, area=area), week, to=to, problem=error)
    named = {"area": area} if area else {}
    return RedirectResponse(f"/schedule?{urlencode({**named, 'week': target.isoformat(), 'made': len(drafts)})}", 303)


def _week(
    request: Request,
    station: Station,
    actor: Actor,
    of: Whose,
    monday: date,
    *,
    made: int = -1,
    to: str = "",
    problem: BroadcasterError | None = None,
) -> Response:
    zone = station.settings.zone
    start, end = beginning(monday, zone), beginning(monday + WEEK, zone)
    now = station.clock.now()
    with station.database.reading() as session:
        receiver = of.receiver.id if of.receiver else None
        area = None if receiver else of.area
        entries = plan_of(session, start, end, now=now, zone=zone, area=area, receiver=receiver, slots=True)
    local = ZoneInfo(zone)
    days = [
        Day(day, tuple(entry for entry in entries[:MOST] if entry.starts_at.astimezone(local).date() == day))
        for day in (monday + timedelta(days=number) for number in range(7))
    ]
    hours = sorted({entry.starts_at.astimezone(local).hour for day in days for entry in day.entries})
    rows = [
        (hour, [[each for each in day.entries if each.starts_at.astimezone(local).hour == hour] for day in days])
        for hour in hours
    ]
    return pages.page(
        request,
        "schedule.html",
        actor=actor,
        problem=problem,
        of=of,
        tree=of.tree,
        area=of.tree.areas.get(of.area or ""),
        monday=monday,
        sunday=monday + timedelta(days=6),
        before=of.address(monday - WEEK),
        after=of.address(monday + WEEK),
        today=station.today(),
        days=days,
        rows=rows,
        cut=max(0, len(entries) - MOST),
        to=to or monday_of(max(monday, station.today())) + WEEK,
        may_copy=actor.may(Right.EDIT) and of.receiver is None,
        made=made,
    )
