"""The page on which an operator types the code that a device shows; the device's QR code leads here."""

from typing import Annotated

from fastapi import Form, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from broadcaster.areas import areas_on
from broadcaster.enrolment import Acceptance
from broadcaster.errors import BroadcasterError, InvalidError
from broadcaster.people import Actor, Right
from broadcaster.receivers import Place
from broadcaster.station import Station
from broadcaster.storage.models import Receiver
from devices.wire.messages import Kind

router = pages.router()


def _form(
    request: Request,
    station: Station,
    actor: Actor,
    *,
    code: str = "",
    problem: BroadcasterError | None = None,
    done: str = "",
) -> Response:
    with station.database.reading() as session:
        areas = sorted(
            ((name, area.name) for name, area in areas_on(session, station.today()).items()), key=lambda pair: pair[1]
        )
        receivers = session.execute(
            select(Receiver.id, Receiver.name).where(Receiver.revoked_at.is_(None)).order_by(Receiver.name)
        ).all()
    return pages.page(
        request,
        "enrolments.html",
        actor=actor,
        problem=problem,
        waiting=station.enrolments.waiting(),
        areas=areas,
        receivers=receivers,
        code=code,
        done=done,
    )


@router.get("/enrolments")
def enrolments(*, request: Request, station: StationDep, actor: ActorDep, code: str = "", done: str = "") -> Response:
    """Devices that wait, and the form."""
    actor.need(Right.OPERATE)
    return _form(request, station, actor, code="".join(c for c in code if c.isdigit())[:6], done=done[:64])


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
    replace: Annotated[str, Form(max_length=3)] = "",
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
        return _form(request, station, actor, code=digits, problem=error)
    return RedirectResponse(f"/enrolments?done={receiver}", 303)
