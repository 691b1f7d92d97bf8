"""One airing of the plan: when, where, what it clashes with; not airing it, moving it, putting clashing ones in order."""

from dataclasses import dataclass
from itertools import permutations
from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep
from api.web import page as pages
from api.web.days import instant_of_text
from api.web.step_up import asks_code, proved
from broadcaster.area_plan import Clash, clashes_of
from broadcaster.errors import BroadcasterError, InvalidError, NotFoundError
from broadcaster.groups import areas_in
from broadcaster.people import Actor, Right
from broadcaster.places import PlacesByDay
from broadcaster.station import Station
from broadcaster.storage.models import Airing, Bulletin
from broadcaster.targets import Targets
from broadcaster.whereabouts import need_sight

router = pages.router()
FEW = 3
"""Airings of which every order is offered."""
Reason = Annotated[str, Form(max_length=300)]


@dataclass(frozen=True)
class Typed:
    """What somebody typed into which form and what was wrong with it."""

    problem: BroadcasterError | None = None
    form: str = ""
    reason: str = ""
    to: str = ""


@router.get("/schedule/airings/{airing_id}")
def airing(request: Request, station: StationDep, actor: ActorDep, airing_id: str) -> Response:
    """One airing."""
    actor.need(Right.READ)
    return _shown(request, station, actor, airing_id, Typed())


@router.post("/schedule/airings/{airing_id}/skip")
def skip(*, request: Request, station: StationDep, actor: ActorDep, airing_id: str, reason: Reason = "") -> Response:
    """It does not air; the others of its rule do."""
    try:
        station.overrides.skip(actor, airing_id, reason=_said(reason))
    except BroadcasterError as error:
        return _refused(request, station, actor, airing_id, Typed(error, "skip", reason))
    return RedirectResponse(f"/schedule/airings/{airing_id}?done=airing_skipped", 303)


@router.post("/schedule/airings/{airing_id}/move")
def move(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    airing_id: str,
    to: Annotated[str, Form(max_length=30)] = "",
    reason: Reason = "",
    code: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """It begins at another time."""
    try:
        actor.need(Right.RELEASE)
        at = instant_of_text(to, station.settings.zone, field="to")
        actor = proved(station, actor, token, code, address=address)
        station.overrides.move(actor, airing_id, to=at, reason=_said(reason))
    except BroadcasterError as error:
        return _refused(request, station, actor, airing_id, Typed(error, "move", reason, to))
    return RedirectResponse(f"/schedule/airings/{airing_id}?done=airing_moved", 303)


@router.post("/schedule/airings/{airing_id}/precedence")
def decide(
    request: Request,
    station: StationDep,
    actor: ActorDep,
    airing_id: str,
    order: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Clashing priority airings air in the order that was chosen: their ids with commas between."""
    try:
        if not order:
            raise InvalidError("Chọn thứ tự phát.", "Choose an order.", field="order")
        station.overrides.decide(actor, order.split(","))
    except BroadcasterError as error:
        return _refused(request, station, actor, airing_id, Typed(error, "order"))
    return RedirectResponse(f"/schedule/airings/{airing_id}?done=clash_decided", 303)


def _orders(row: Airing, clashes: list[Clash]) -> list[list[tuple[str, str]]]:
    """The orders to choose from, each as ids and titles: all of a few airings, of more those that differ in which is first."""
    held = [
        (row.id, row.title),
        *((each.item.id, each.item.title) for each in clashes if each.item.priority == "priority"),
    ]
    if row.priority != "priority" or len(held) < 2:
        return []
    if len(held) <= FEW:
        return [list(order) for order in permutations(held)]
    return [[first, *(other for other in held if other != first)] for first in held]


def _said(reason: str) -> str:
    if not reason.strip():
        raise InvalidError("Hãy ghi lý do; lý do được lưu lại.", "Say why; the reason is kept.", field="reason")
    return reason.strip()


def _refused(request: Request, station: Station, actor: Actor, airing_id: str, typed: Typed) -> Response:
    """The page again, unless there is nothing that this person may see."""
    if isinstance(typed.problem, NotFoundError):
        raise typed.problem
    return _shown(request, station, actor, airing_id, typed)


def _shown(request: Request, station: Station, actor: Actor, airing_id: str, typed: Typed) -> Response:
    zone, now = station.settings.zone, station.clock.now()
    with station.database.reading() as session:
        row = session.get(Airing, airing_id)
        if row is None:
            raise NotFoundError(
                "Không có lượt phát này. Có thể bản tin vừa được sửa và duyệt lại; hãy xem lại lịch tuần.",
                "There is no such airing. The bulletin may just have been released anew; look at the week again.",
            )
        bulletin = session.get_one(Bulletin, row.bulletin_id)
        need_sight(session, actor, bulletin)
        starts_at = row.starts_at or row.due_at
        open_ = row.state in ("planned", "dispatched") and starts_at > now
        clashes: list[Clash] = list(clashes_of(session, row, zone=zone)) if open_ else []
        there = PlacesByDay(session, zone).at(starts_at)
        found = there.resolve(Targets.model_validate(row.targets)) if row.targets else None
        areas = areas_in(session, [row.targets]) if row.targets else set[str]()
    say = actor.may(Right.OPERATE, *areas) or actor.may(Right.RELEASE, *areas)
    orders = _orders(row, clashes) if say else []
    may = {
        "skip": open_ and say,
        "move": open_ and actor.may(Right.RELEASE, *areas) and bulletin.author_id != actor.id,
        "order": bool(orders),
    }
    return pages.page(
        request,
        "schedule_airing.html",
        actor=actor,
        problem=typed.problem,
        refused=typed.form if may.get(typed.form) else "",
        typed=typed,
        row=row,
        starts_at=starts_at,
        open=open_,
        clashes=clashes,
        orders=orders,
        places=[there.areas[name].name for name in found.audience.areas] if found else [],
        receivers=found.receivers if found else (),
        may_skip=may["skip"],
        may_move=may["move"],
        own=bulletin.author_id == actor.id,
        asks_code=asks_code(actor, typed.problem),
    )
