"""One receiver: how it is, where it stands, how loud it is there, and what becomes of it."""

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.area_tree import tree_of
from api.web.fields import SureDep, require_sure
from api.web.standing import conditions_of, standing_of
from broadcaster.errors import BroadcasterError, InvalidError, NotFoundError
from broadcaster.people import Actor, Right
from broadcaster.positions import Position
from broadcaster.station import Station
from broadcaster.storage.models import Receiver
from schedules.policy_rules import SpecialPlace

router = pages.router()
Step = Literal["renewal", "revocation", "wipe"]
PLACES: tuple[SpecialPlace, ...] = get_args(SpecialPlace)
LOUDEST_DBA, QUIETEST_DBA = 140, 30


@dataclass(frozen=True)
class Typed:
    """What somebody typed and what was wrong with it, to be shown again."""

    problem: BroadcasterError | None = None
    name: str | None = None
    area: str | None = None
    special_place: str | None = None
    full_volume_dba: str | None = None
    position: str | None = None


@router.get("/receivers/{receiver}")
def show(request: Request, station: StationDep, actor: ActorDep, receiver: str) -> Response:
    """The page of one receiver."""
    actor.need(Right.READ)
    return _shown(request, station, actor, receiver, Typed())


@router.post("/receivers/{receiver}/place")
def move(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    receiver: str,
    name: Annotated[str, Form(max_length=200)] = "",
    area: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Another name, another area; the receiver is told at once."""
    actor.need(Right.OPERATE)
    try:
        if not name.strip():
            raise InvalidError("Nhập tên thiết bị.", "Enter the receiver's name.", field="name")
        station.lifecycle.move(actor, receiver, name=name.strip(), area=area or None)
    except BroadcasterError as error:
        return _shown(request, station, actor, receiver, Typed(error, name=name, area=area))
    station.place_changed(receiver)
    return RedirectResponse(f"/receivers/{receiver}?done=receiver_moved", 303)


@router.post("/receivers/{receiver}/loudness")
def loudness(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    receiver: str,
    special_place: Annotated[str, Form(max_length=20)] = "",
    full_volume_dba: Annotated[str, Form(max_length=10)] = "",
    position: Annotated[str, Form(max_length=60)] = "",
) -> Response:
    """Where it stands and how loud it is there, from which its volume ceilings follow."""
    actor.need(Right.OPERATE)
    special = next((place for place in PLACES if place == special_place), None)
    try:
        station.policies.place(
            actor,
            receiver,
            special=special,
            full_volume_dba=_dba(full_volume_dba),
            position=Position.read(position) if position.strip() else None,
        )
    except BroadcasterError as error:
        typed = Typed(error, special_place=special_place, full_volume_dba=full_volume_dba, position=position)
        return _shown(request, station, actor, receiver, typed)
    return RedirectResponse(f"/receivers/{receiver}?done=receiver_placed", 303)


@router.get("/receivers/{receiver}/{step}")
def ask(request: Request, station: StationDep, actor: ActorDep, receiver: str, step: Step) -> Response:
    """What would follow, before it is done."""
    actor.need(Right.OPERATE)
    row = _row(station, receiver)
    actor.need(Right.OPERATE, row.area_id)
    return pages.page(request, "receiver_step.html", actor=actor, row=row, step=step)


@router.post("/receivers/{receiver}/{step}")
def take(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    receiver: str,
    step: Step,
    sure: SureDep = "",
) -> Response:
    """Do it, if whoever asks has said to know what follows."""
    actor.need(Right.OPERATE)
    row = _row(station, receiver)
    try:
        if step != "renewal":
            require_sure(sure)
        match step:
            case "renewal":
                station.lifecycle.renew_secret(actor, receiver)
            case "revocation":
                station.lifecycle.revoke(actor, receiver)
            case "wipe":
                station.lifecycle.ask_wipe(actor, receiver)
    except BroadcasterError as error:
        return pages.page(request, "receiver_step.html", actor=actor, row=row, step=step, problem=error)
    station.place_changed(receiver)
    return RedirectResponse(f"/receivers/{receiver}?done=receiver_{step}", 303)


def _row(station: Station, receiver: str) -> Receiver:
    with station.database.reading() as session:
        row = session.get(Receiver, receiver)
    if row is None:
        raise NotFoundError(
            f"Không có thiết bị '{receiver}'. Tìm trong trang Địa bàn và thiết bị.",
            f"There is no receiver '{receiver}'. Look for it among the areas and receivers.",
        )
    return row


def _shown(request: Request, station: Station, actor: Actor, receiver: str, typed: Typed) -> Response:
    row = _row(station, receiver)
    history = station.lifecycle.history(actor, receiver)
    tree = tree_of(station)
    return pages.page(
        request,
        "receiver.html",
        actor=actor,
        problem=typed.problem,
        typed=typed,
        row=row,
        standing=standing_of(row),
        conditions=conditions_of(row),
        tree=tree,
        history=list(reversed(history)),
        may_operate=actor.may(Right.OPERATE, row.area_id),
        areas=tree.options(actor.within(Right.OPERATE)),
        position="" if row.latitude is None or row.longitude is None else Position(row.latitude, row.longitude),
        places=PLACES,
    )


def _dba(text: str) -> int | None:
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        value = round(float(text))
    except ValueError:
        value = 0
    if not QUIETEST_DBA <= value <= LOUDEST_DBA:
        raise InvalidError(
            f"Độ to phải là số từ {QUIETEST_DBA} đến {LOUDEST_DBA} dBA, hoặc để trống nếu chưa đo.",
            f"The loudness is a number from {QUIETEST_DBA} to {LOUDEST_DBA} dBA, or empty if it was not measured.",
            field="full_volume_dba",
        )
    return value
