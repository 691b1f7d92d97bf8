"""Receivers: what is in service, and taking one into service."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_

from api.auth import ActorDep, StationDep
from api.idempotency import Idempotent
from api.paging import link_next
from broadcaster.errors import InvalidError, NotFoundError
from broadcaster.people import Right
from broadcaster.storage.models import Receiver as ReceiverRow
from devices.receiver.provision import Provision
from devices.wire.messages import Identifier, Kind
from devices.wire.signing import PublicKey

router = APIRouter(tags=["receivers"], route_class=Idempotent)


class Receiver(BaseModel):
    """A receiver in service or revoked."""

    id: str
    name: str
    kind: str
    area_id: str
    latitude: float | None = Field(description="WGS 84, in degrees; null where it is not known.")
    longitude: float | None
    enrolled_at: AwareDatetime
    revoked_at: AwareDatetime | None
    presence: str | None = Field(description="online, offline, or null while it was never heard of.")
    presence_at: AwareDatetime | None
    health: dict[str, Any] | None
    health_at: AwareDatetime | None


class EnrolmentInput(BaseModel):
    """A receiver's public key, and its place. The private key never leaves the receiver."""

    model_config = ConfigDict(extra="forbid")
    receiver: Identifier
    name: Annotated[str, Field(min_length=1, max_length=200)]
    kind: Kind
    area: Identifier
    public_key: dict[str, str] = Field(description="Ed25519 JWK (RFC 8037) with a `kid`.")


@router.get("/receivers")
def list_receivers(
    request: Request,
    response: Response,
    station: StationDep,
    actor: ActorDep,
    *,
    after: Annotated[str | None, Query(description="From behind this receiver on, as the Link header says.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> list[Receiver]:
    """Receivers where one serves, by area and name."""
    actor.need(Right.READ)
    own = actor.within()
    with station.database.reading() as session:
        query = select(ReceiverRow).order_by(ReceiverRow.area_id, ReceiverRow.name, ReceiverRow.id)
        if own is not None:
            query = query.where(ReceiverRow.area_id.in_(own))
        if after is not None:
            last = session.get(ReceiverRow, after)
            if last is None:
                raise NotFoundError(f"Không có thiết bị '{after}'.", f"There is no receiver '{after}'.")
            key = tuple_(ReceiverRow.area_id, ReceiverRow.name, ReceiverRow.id)
            query = query.where(key > (last.area_id, last.name, last.id))
        rows = session.scalars(query.limit(limit + 1)).all()
    if len(rows) > limit:
        link_next(request, response, after=rows[limit - 1].id)
    return [Receiver(**{name: getattr(row, name) for name in Receiver.model_fields}) for row in rows[:limit]]


@router.post("/receivers", status_code=201)
def enrol(station: StationDep, actor: ActorDep, body: EnrolmentInput) -> Provision:
    """Take a receiver into service. The answer is its `provision.json`; the secret in it is shown this once."""
    actor.need(Right.OPERATE)
    try:
        key = PublicKey.from_jwk(body.public_key)
    except ValueError as error:
        raise InvalidError(
            "Khóa công khai không đúng định dạng. Lấy lại tệp đăng ký từ thiết bị.",
            f"The public key is no Ed25519 JWK: {error}. Take the enrolment file from the receiver again.",
            field="public_key",
        ) from error
    secret = station.enrol(
        receiver=body.receiver, name=body.name, kind=body.kind, area=body.area, public_key=key, actor=actor
    )
    return station.provision(body.receiver, secret)
