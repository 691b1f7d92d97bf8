"""Enrolment: the device's side in signed documents over HTTP, and the operator's side."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.auth import ActorDep, StationDep, address_of
from api.v1.receivers import Receiver
from broadcaster.enrolment import Acceptance
from broadcaster.errors import InvalidError
from broadcaster.guesses import line_of
from broadcaster.people import Right
from broadcaster.receivers import Place
from devices.wire.messages import Identifier, Kind
from devices.wire.signing import MAX_SIZE

router = APIRouter(tags=["enrolments"])
MEDIA_TYPE = "application/jose"
HELD_S = 20.0
"""How long a question is held open for an answer; proxies cut at 30 s and more."""
SIGNED = {
    "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}},
    "responses": {"200": {"description": "A compact JWS.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
}


class WaitingDevice(BaseModel):
    """A device that shows a code now. The code itself is read at the device and nowhere else."""

    id: str
    name: str = Field(description="What the device proposes to be called.")
    kind: str
    software: str
    address: str
    fingerprint: str = Field(description="To be compared with what the device shows beneath its code.")
    key_thumbprint: str
    requested_at: AwareDatetime
    expires_at: AwareDatetime


class AcceptanceInput(BaseModel):
    """The code that a device shows, and the place that it is to take."""

    model_config = ConfigDict(extra="forbid")
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$", description="Six digits, as the device shows them.")]
    fingerprint: Annotated[str, Field(max_length=20)] | None = Field(
        None, description="What the device shows beneath the code; if given it must fit."
    )
    receiver: Identifier
    kind: Kind
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Needed but for a replacement."
    )
    area: Identifier | None = Field(None, description="Needed but for a replacement.")
    replace: bool = Field(False, description="The device takes the place of the one that is called so now.")


async def signed_body(request: Request) -> bytes:
    """The body, at most as long as a document may be. Raises InvalidError."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_SIZE:
            raise InvalidError("Yêu cầu quá dài.", f"The document is longer than {MAX_SIZE} bytes.")
    return data.strip()


@router.post("/enrolments", status_code=201, response_class=Response, openapi_extra=SIGNED)
async def ask(station: StationDep, request: Request) -> Response:
    """A device asks: an enrolment request for an enrolment offer. No log-in: the device has nothing yet but its key."""
    data, address = await signed_body(request), line_of(address_of(request)) or "unknown"
    offer = await run_in_threadpool(lambda: station.enrolments.ask(data, address=address))
    return Response(offer, 201, media_type=MEDIA_TYPE)


@router.post("/enrolments/{enrolment}/poll", response_class=Response, openapi_extra=SIGNED)
async def poll(station: StationDep, enrolment: str, request: Request) -> Response:
    """The device asks what became of it. An answer is held back for some seconds while there is nothing to tell."""
    data = await signed_body(request)
    until = asyncio.get_running_loop().time() + HELD_S
    while True:
        seen = station.changes.version
        answer, final = await run_in_threadpool(station.enrolments.poll, enrolment, data)
        left = until - asyncio.get_running_loop().time()
        if final or left <= 0 or station.changes.closed or request.query_params.get("wait") == "0":
            return Response(answer, media_type=MEDIA_TYPE)
        await station.changes.wait(seen, left)


@router.get("/enrolments")
def list_waiting(station: StationDep, actor: ActorDep) -> list[WaitingDevice]:
    """Devices that wait for somebody to type their code."""
    actor.need(Right.OPERATE)
    rows = station.enrolments.waiting()
    return [WaitingDevice(**{name: getattr(row, name) for name in WaitingDevice.model_fields}) for row in rows]


@router.post("/enrolments/acceptance", status_code=201)
def accept(station: StationDep, actor: ActorDep, body: AcceptanceInput) -> Receiver:
    """Take the device that shows this code into service. The device then fetches its provision itself."""
    actor.need(Right.OPERATE)
    place = Place(body.receiver, body.kind, body.name, body.area, replace=body.replace)
    row = station.accept(actor, Acceptance(body.code, place, body.fingerprint))
    return Receiver(**{name: getattr(row, name) for name in Receiver.model_fields})


@router.post("/enrolments/{enrolment}/refusal", status_code=204)
def refuse(station: StationDep, actor: ActorDep, enrolment: str) -> Response:
    """Send a device away."""
    actor.need(Right.OPERATE)
    station.enrolments.refuse(actor, enrolment)
    station.changes.notify()
    return Response(status_code=204)
