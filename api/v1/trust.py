"""The station's signing keys, and what expires."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.auth import ActorDep, StationDep
from broadcaster.people import Right

router = APIRouter(tags=["trust"])


class StationKeyOut(BaseModel):
    """One signing key of the station."""

    kid: str
    created_at: AwareDatetime
    signs_from: AwareDatetime
    retires_at: AwareDatetime | None = Field(description="From then on no receiver believes it.")
    renew_by: AwareDatetime


class Rotation(BaseModel):
    """When the next key begins to sign, and how long the one before is believed after that."""

    model_config = ConfigDict(extra="forbid")
    signs_in_days: Annotated[int, Field(ge=1, le=365)] = 30
    overlap_days: Annotated[int, Field(ge=7, le=730)] = 60
    stolen: bool = Field(
        False,
        description="The keys may be in foreign hands: a new one signs at once, no other is believed, and every receiver has to "
        "be enrolled anew.",
    )


class Expiry(BaseModel):
    """Something that ends."""

    subject: str = Field(
        description="station-key, retiring-station-key, configuration, certificate or unreadable-certificate"
    )
    name: str
    expires_at: AwareDatetime
    days: int = Field(description="Whole days that are left; negative when it is over.")
    level: int | None = Field(description="The threshold in days that was passed last: 60, 30, 7; 0 when it is over.")


@router.get("/station-keys")
def list_keys(station: StationDep, actor: ActorDep) -> list[StationKeyOut]:
    """The station's signing keys, the newest last."""
    actor.need(Right.READ)
    return [StationKeyOut(**{n: getattr(key, n) for n in StationKeyOut.model_fields}) for key in station.keys.times]


@router.post("/station-keys", status_code=201)
def rotate(station: StationDep, actor: ActorDep, body: Rotation) -> StationKeyOut:
    """Announce the next signing key. For administrators, with a one-time code if they have one."""
    key = station.rotate_keys(
        actor,
        signs_in=timedelta(days=body.signs_in_days),
        overlap=timedelta(days=body.overlap_days),
        stolen=body.stolen,
    )
    return StationKeyOut(**{name: getattr(key, name) for name in StationKeyOut.model_fields})


@router.get("/expiries")
def list_expiries(station: StationDep, actor: ActorDep) -> list[Expiry]:
    """Keys, configurations and certificates, the soonest end first."""
    actor.need(Right.READ)
    now = station.clock.now()
    return [
        Expiry(subject=item.subject, name=item.name, expires_at=item.at, days=item.days(now), level=item.level)
        for item in station.expiries.all()
    ]
