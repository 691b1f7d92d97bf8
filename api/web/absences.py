"""Being away: on one's own page, and on that of a person for administrators."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep
from api.web import page as pages
from api.web.area_tree import AreaTree, tree_of
from api.web.days import day_of_text
from api.web.fields import Fields, FieldsDep
from api.web.step_up import asks_code, proved
from broadcaster.absences import Away
from broadcaster.errors import BroadcasterError, InvalidError
from broadcaster.people import Actor, Grant, Right
from broadcaster.station import Station
from schedules.zones import instant_of

router = pages.router()


@dataclass(frozen=True)
class Standing:
    """What pages show of a person: absences to come, and those whose deputy the person is."""

    own: Sequence[Away]
    deputed: Sequence[Away]

    @classmethod
    def of(cls, station: Station, person: str) -> "Standing":
        """Of one person."""
        found = station.absences.coming(person)
        return cls(
            [each for each in found if each.row.person_id == person],
            [each for each in found if each.row.deputy_id == person],
        )


@router.get("/me/absences")
def show_own(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """When one is away and who releases meanwhile, with the form for another absence."""
    return _shown(request, station, actor, actor.id, Fields())


@router.post("/me/absences")
def say_own(
    *, request: Request, station: StationDep, actor: ActorDep, token: TokenDep, address: AddressDep, fields: FieldsDep
) -> Response:
    """Note an absence from the morning of one day until the end of another."""
    return _said(request, station, actor, token, address=address, person_id=actor.id, fields=fields)


@router.post("/me/absences/{absence_id}/ending")
def end_own(station: StationDep, actor: ActorDep, absence_id: str) -> Response:
    """One is back."""
    return _ended(station, actor, actor.id, absence_id)


@router.get("/people/{person_id}/absences")
def show(request: Request, station: StationDep, actor: ActorDep, person_id: str) -> Response:
    """The same of somebody else, for administrators."""
    actor.need(Right.ADMINISTER)
    return _shown(request, station, actor, person_id, Fields())


@router.post("/people/{person_id}/absences")
def say(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    person_id: str,
    fields: FieldsDep,
) -> Response:
    """Note somebody else's absence."""
    actor.need(Right.ADMINISTER)
    return _said(request, station, actor, token, address=address, person_id=person_id, fields=fields)


@router.post("/people/{person_id}/absences/{absence_id}/ending")
def end(station: StationDep, actor: ActorDep, person_id: str, absence_id: str) -> Response:
    """Whoever was away is back."""
    actor.need(Right.ADMINISTER)
    return _ended(station, actor, person_id, absence_id)


def _said(
    request: Request,
    station: Station,
    actor: Actor,
    token: str | None,
    *,
    address: str,
    person_id: str,
    fields: Fields,
) -> Response:
    try:
        actor = proved(station, actor, token, fields.one("code"), address=address)
        begins, ends = _period(station, fields)
        station.absences.say(
            actor,
            person=person_id,
            begins_at=begins,
            ends_at=ends,
            deputy=fields.one("deputy")[:64] or None,
            area=fields.one("area")[:64] or None,
            reason=fields.one("reason")[:500],
        )
    except BroadcasterError as error:
        return _shown(request, station, actor, person_id, fields, problem=error)
    return RedirectResponse(f"{_page(actor, person_id)}?done=absence_noted", 303)


def _ended(station: Station, actor: Actor, person_id: str, absence_id: str) -> Response:
    station.absences.end(actor, absence_id, person=person_id)
    return RedirectResponse(f"{_page(actor, person_id)}?done=absence_ended", 303)


def _page(actor: Actor, person_id: str) -> str:
    return "/me/absences" if person_id == actor.id else f"/people/{person_id}/absences"


def _period(station: Station, fields: Fields) -> tuple[datetime, datetime]:
    today = station.today()
    first = day_of_text(fields.one("begins"), today)
    last = day_of_text(fields.one("ends"), first)
    if last < max(first, today):
        raise InvalidError(
            "Ngày cuối không thể trước ngày đầu hoặc đã qua.",
            "The last day is before the first, or over.",
            field="ends",
        )
    zone = ZoneInfo(station.settings.zone)
    return tuple(instant_of(datetime.combine(day, time()), zone) for day in (first, last + timedelta(days=1)))  # type: ignore[return-value]  # two of them


def _places(tree: AreaTree, grants: Iterable[Grant]) -> list[tuple[str, str]]:
    reaches = [grant.reach for grant in grants if Right.RELEASE in grant.rights]
    within = None if None in reaches else {area for reach in reaches if reach is not None for area in reach.under}
    return tree.options(within)


def _shown(
    request: Request,
    station: Station,
    actor: Actor,
    person_id: str,
    fields: Fields,
    *,
    problem: BroadcasterError | None = None,
) -> Response:
    person, grants = station.absences.person(actor, person_id)
    tree = tree_of(station)
    typed: dict[str, Any] = {name: fields.one(name) for name in ("deputy", "area", "begins", "ends", "reason")}
    return pages.page(
        request,
        "absences.html",
        actor=actor,
        person=person,
        own=person_id == actor.id,
        here=_page(actor, person_id),
        tree=tree,
        standing=Standing.of(station, person_id),
        candidates=station.absences.candidates(person_id),
        places=_places(tree, grants),
        typed=typed,
        today=station.today(),
        asks_code=asks_code(actor, problem),
        problem=problem,
    )
