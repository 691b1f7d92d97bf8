"""A day of a receiver: what plays from when to when, why, and what loses."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.responses import Response

from api.auth import ActorDep, StationDep
from api.problems import page_language
from api.web import page as pages
from api.web.area_tree import AreaTree, by_name
from api.web.days import day_of_text
from broadcaster.errors import NotFoundError
from broadcaster.foresight import SimulatedDay, simulation
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.targets import Place, Places
from schedules.simulation import Fate

router = pages.router()
MOST = 200
"""Receivers in the list to choose from; of a larger station those near the chosen one."""
SLIVER = 6
"""Minutes: what plays shorter is drawn as wide as this, to be seen at all."""


@dataclass(frozen=True)
class Bar:
    """Something that plays, on the strip of 24 hours; in minutes from midnight."""

    start: int
    width: int
    kind: str


@router.get("/schedule/simulation")
def simulate(*, request: Request, station: StationDep, actor: ActorDep, receiver: str = "", day: str = "") -> Response:
    """Any day of any receiver; the first receiver of the person's own area unless another is asked for."""
    actor.need(Right.READ)
    when = day_of_text(day, station.today())
    tongue, zone = page_language(request), station.settings.zone
    with station.database.reading() as session:
        places = Places(session, station.today())
    tree = AreaTree(places.areas)
    own = actor.within()
    mine = [place for place in places.receivers.values() if own is None or place.area_id in own]
    chosen = places.receivers.get(receiver) if receiver else _first(mine, tree, actor)
    if receiver and chosen is None:
        raise NotFoundError(f"Không có thiết bị '{receiver}'.", f"There is no receiver '{receiver}'.")
    found: SimulatedDay | None = None
    if chosen is not None:
        actor.need(Right.READ, chosen.area_id)
        found = _simulated(station, chosen, when)
    zero = datetime.combine(when, datetime.min.time(), ZoneInfo(zone))
    fates = [(fate, found.explained(fate, tongue)) for fate in found.fates] if found else []
    return pages.page(
        request,
        "simulation.html",
        actor=actor,
        chosen=chosen,
        tree=tree,
        receivers=_choices(mine, chosen, tree),
        day=when,
        before=when - timedelta(days=1),
        after=when + timedelta(days=1),
        fates=fates,
        lost=found.lost if found else (),
        bars=[bar for fate, _ in fates for bar in _bars(fate, zero)],
    )


def _simulated(station: Station, chosen: Place, when: date) -> SimulatedDay:
    with station.database.reading() as session:
        return simulation(
            session,
            receiver=chosen.id,
            day=when,
            now=station.clock.now(),
            zone=station.settings.zone,
            planned_to=station.settings.plan_horizon,
        )


def _first(mine: list[Place], tree: AreaTree, actor: Actor) -> Place | None:
    area = tree.first(actor)
    near = [place for place in mine if any(above.id == area for above in tree.way(place.area_id))]
    return min(near or mine, key=lambda place: by_name(place.name), default=None)


def _choices(mine: list[Place], chosen: Place | None, tree: AreaTree) -> list[tuple[str, str]]:
    if len(mine) > MOST and chosen is not None:
        near = tree.way(chosen.area_id)[:-1][-1:] or tree.way(chosen.area_id)
        mine = [place for place in mine if any(above.id == near[0].id for above in tree.way(place.area_id))]
    named = [(place.id, f"{place.name} ({tree.said(place.area_id)})") for place in mine]
    return sorted(named, key=lambda pair: by_name(pair[1]))[: MOST * 5]


def _bars(fate: Fate, zero: datetime) -> list[Bar]:
    found = []
    for play in fate.plays:
        start, end = (round((at - zero) / timedelta(minutes=1)) for at in (play.start, play.end))
        start = max(0, min(start, 24 * 60 - SLIVER))
        found.append(Bar(start, max(SLIVER, min(end, 24 * 60) - start), fate.item.priority))
    return found
