"""The page on which an operator types the code that a device shows; the device's QR code leads here."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.area_tree import tree_of
from broadcaster.enrolment import Acceptance
from broadcaster.errors import BroadcasterError, InvalidError, NotFoundError
from broadcaster.people import Actor, Right
from broadcaster.receivers import Place
from broadcaster.station import Station
from broadcaster.storage.models import Receiver
from devices.wire.messages import Kind

router = pages.router()
PLACE_KNOWN = "place"
"""What the form of a replacement says, on which name and area are not typed."""


def _form(
    request: Request,
    station: Station,
    actor: Actor,
    *,
    code: str = "",
    typed: Mapping[str, str] | None = None,
    replaces: str = "",
    problem: BroadcasterError | None = None,
    done: str = "",
    refused: bool = False,
) -> Response:
    with station.database.reading() as session:
        replaced, made = (session.get(Receiver, name) if name else None for name in (replaces, done))
    return pages.page(
        request,
        "enrolments.html",
        actor=actor,
        problem=problem,
        waiting=station.enrolments.waiting(),
        areas=tree_of(station).options(actor.within(Right.OPERATE)),
        replaced=replaced,
        typed=typed or {},
        code=code,
        done=made,
        refused=refused,
    )


@router.get("/enrolments")
def enrolments(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    code: str = "",
    receiver: str = "",
    done: str = "",
    refused: str = "",
) -> Response:
    """Devices that wait, and the form; `receiver` is one that is to be replaced."""
    actor.need(Right.OPERATE)
    digits = "".join(c for c in code if c.isdigit())[:6]
    return _form(request, station, actor, code=digits, replaces=receiver, done=done[:64], refused=bool(refused))


@router.post("/enrolments")
def accept(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    code: Annotated[str, Form(max_length=12)],
    fingerprint: Annotated[str, Form(max_length=20)],
    receiver: Annotated[str, Form(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")],
    kind: Annotated[Kind, Form()],
    name: Annotated[str, Form(max_length=200)] = "",
    area: Annotated[str, Form(max_length=64)] = "",
    replace: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """Take the device into service, or say what is wrong and keep the code."""
    actor.need(Right.OPERATE)
    digits = "".join(c for c in code if c.isdigit())
    try:
        if not fingerprint.strip():
            raise InvalidError("Nhập dấu nhận dạng trên thiết bị.", "Enter the fingerprint that the device shows.")
        place = Place(receiver, kind, name or None, area or None, replace=bool(replace))
        station.accept(actor, Acceptance(digits, place, fingerprint))
    except BroadcasterError as error:
        typed = {
            "fingerprint": fingerprint,
            "receiver": receiver,
            "kind": kind,
            "name": name,
            "area": area,
            "replace": replace,
        }
        replaces = receiver if replace == PLACE_KNOWN else ""
        return _form(request, station, actor, code=digits, typed=typed, replaces=replaces, problem=error)
    return RedirectResponse(f"/enrolments?done={receiver}", 303)


@router.post("/enrolments/{enrolment}/refusal")
def refuse(request: Request, station: StationDep, actor: ActorDep, enrolment: str) -> Response:
    """Send a device away that nobody here knows."""
    actor.need(Right.OPERATE)
    try:
        station.enrolments.refuse(actor, enrolment)
    except NotFoundError as error:
        return _form(request, station, actor, problem=error)
    station.changes.notify()
    return RedirectResponse("/enrolments?refused=yes", 303)
