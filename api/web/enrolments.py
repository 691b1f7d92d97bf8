"""The page on which an operator types the code that a device shows; the device's QR code leads here."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.auth import AddressDep, StationDep, TokenDep, same_origin
from api.web.pages import LanguageDep, render
from broadcaster.areas import areas_on
from broadcaster.enrolment import Acceptance
from broadcaster.errors import BroadcasterError, InvalidError, NotLoggedInError
from broadcaster.people import Actor, Right
from broadcaster.receivers import Place
from broadcaster.station import Station
from broadcaster.storage.models import Receiver
from devices.wire.messages import Kind

router = APIRouter(include_in_schema=False)


def _form(
    request: Request,
    station: Station,
    actor: Actor,
    tongue: LanguageDep,
    *,
    code: str = "",
    problem: BroadcasterError | None = None,
    done: str = "",
) -> Response:
    with station.database.reading() as session:
        areas = sorted((area.name, name) for name, area in areas_on(session, station.today()).items())
        receivers = session.execute(
            select(Receiver.id, Receiver.name).where(Receiver.revoked_at.is_(None)).order_by(Receiver.name)
        ).all()
    return render(
        request,
        "enrolments.html",
        tongue,
        200 if problem is None else 422,
        actor=actor,
        station_name=station.settings.station_name,
        waiting=station.enrolments.waiting(),
        areas=areas,
        receivers=receivers,
        code=code,
        done=done,
        problem=None if problem is None else problem.en if tongue == "en" else problem.vi,
    )


@router.get("/enrolments")
def enrolments(
    *,
    request: Request,
    station: StationDep,
    token: TokenDep,
    address: AddressDep,
    tongue: LanguageDep,
    code: str = "",
    done: str = "",
) -> Response:
    """Devices that wait, and the form."""
    try:
        actor = station.log_ins.recognise(token, address=address)
    except NotLoggedInError:
        return RedirectResponse("/login", 303)
    actor.need(Right.OPERATE)
    return _form(request, station, actor, tongue, code="".join(c for c in code if c.isdigit())[:6], done=done[:64])


@router.post("/enrolments")
def accept(
    *,
    request: Request,
    station: StationDep,
    token: TokenDep,
    address: AddressDep,
    tongue: LanguageDep,
    code: Annotated[str, Form(max_length=12)],
    fingerprint: Annotated[str, Form(max_length=20)],
    receiver: Annotated[str, Form(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")],
    kind: Annotated[Kind, Form()],
    name: Annotated[str, Form(max_length=200)] = "",
    area: Annotated[str, Form(max_length=64)] = "",
    replace: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Take the device into service, or say what is wrong and keep the code."""
    same_origin(request)
    actor = station.log_ins.recognise(token, address=address)
    actor.need(Right.OPERATE)
    digits = "".join(c for c in code if c.isdigit())
    try:
        if not fingerprint.strip():
            raise InvalidError("Nhập dấu nhận dạng trên thiết bị.", "Enter the fingerprint that the device shows.")
        place = Place(receiver, kind, name or None, area or None, replace=bool(replace))
        station.accept(actor, Acceptance(digits, place, fingerprint))
    except BroadcasterError as error:
        return _form(request, station, actor, tongue, code=digits, problem=error)
    return RedirectResponse(f"/enrolments?done={receiver}", 303)
