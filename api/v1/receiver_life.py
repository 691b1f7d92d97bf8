"""The life of a receiver's place: moved, renewed, revoked, wiped; and what happened to it."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.auth import ActorDep, StationDep
from api.v1.enrolments import MEDIA_TYPE, SIGNED, signed_body
from api.v1.receivers import Receiver
from devices.wire.messages import Identifier

router = APIRouter(tags=["receivers"])


class ReceiverMove(BaseModel):
    """What is to change; the rest stays."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    area: Identifier | None = None


class PlaceEvent(BaseModel):
    """Something that happened to a receiver's place; the key tells which device stood there."""

    at: AwareDatetime
    event: str = Field(description="enrolled, replaced, moved, renewed, revoked, wipe-asked or wiped")
    actor_name: str | None = Field(description="Who decided it; null for the receiver itself.")
    name: str
    area_id: str
    key_thumbprint: str
    detail: dict[str, Any] | None


@router.patch("/receivers/{receiver}")
def move(station: StationDep, actor: ActorDep, receiver: str, body: ReceiverMove) -> Receiver:
    """Give a receiver another name or area; its rights at the broker and its configuration follow at once."""
    row = station.lifecycle.move(actor, receiver, name=body.name, area=body.area)
    station.place_changed(receiver)
    return Receiver(**{name: getattr(row, name) for name in Receiver.model_fields})


@router.post("/receivers/{receiver}/revocation", status_code=204)
def revoke(station: StationDep, actor: ActorDep, receiver: str) -> Response:
    """Take a receiver out of service: its account is gone, its connection cut, nothing is expected of it any more."""
    station.lifecycle.revoke(actor, receiver)
    station.place_changed(receiver)
    return Response(status_code=204)


@router.post("/receivers/{receiver}/wipe", status_code=202, response_class=Response)
def wipe(station: StationDep, actor: ActorDep, receiver: str) -> Response:
    """Have a receiver deliver its receipts and forget everything. It is revoked once it says that it has."""
    station.lifecycle.ask_wipe(actor, receiver)
    station.place_changed(receiver)
    return Response(status_code=202)


@router.post("/receivers/{receiver}/secret-renewal", status_code=204)
def renew_secret(station: StationDep, actor: ActorDep, receiver: str) -> Response:
    """Make a receiver's secret at the broker worthless. The receiver fetches another with its key, within some minutes."""
    station.lifecycle.renew_secret(actor, receiver)
    station.place_changed(receiver)
    return Response(status_code=204)


@router.get("/receivers/{receiver}/history")
def history(station: StationDep, actor: ActorDep, receiver: str) -> list[PlaceEvent]:
    """What happened to a place, oldest first: which devices stood there, and who decided it."""
    rows = station.lifecycle.history(actor, receiver)
    return [PlaceEvent(**{name: getattr(row, name) for name in PlaceEvent.model_fields}) for row in rows]


@router.post("/receivers/{receiver}/renewal", response_class=Response, openapi_extra=SIGNED)
async def renewal(station: StationDep, receiver: str, request: Request) -> Response:
    """A receiver fetches its provision, or has its secret changed: a renewal request for a provision. No log-in but its key."""
    data = await signed_body(request)
    answer, changed = await run_in_threadpool(station.lifecycle.renewal, receiver, data)
    if changed:
        await run_in_threadpool(station.place_changed, receiver)
    return Response(answer, media_type=MEDIA_TYPE)
