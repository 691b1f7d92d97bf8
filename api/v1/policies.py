"""Policies of areas: what may air where and when."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import ActorDep, StationDep
from api.preconditions import revision_meant, tag
from broadcaster.people import Right
from broadcaster.positions import Position
from schedules.policies import TEMPLATES, Policy
from schedules.policy_rules import SpecialPlace

router = APIRouter(tags=["policies"])


class RuleInForce(BaseModel):
    """A rule that binds, and the area whose rule it is."""

    area: str
    area_name: str
    rule: dict[str, Any]


class AreaPolicy(BaseModel):
    """An area's own policy, and all that is in force there."""

    own: Policy
    revision: int = Field(description="0 while the area has no policy of its own; give it back with a change.")
    break_glass: bool | None = Field(description="Whether one person may issue an emergency; null: as above.")
    breaks_glass: bool = Field(description="What that comes to.")
    in_force: list[RuleInForce]


class PolicyInput(BaseModel):
    """A policy in place of the one of `revision`."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"policy": {"rules": []}, "revision": 0}]}
    )
    policy: Policy
    revision: Annotated[int, Field(ge=0)]
    break_glass: bool | None = None


class PositionInput(BaseModel):
    """WGS 84, in degrees."""

    model_config = ConfigDict(extra="forbid")
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]


class PlaceInput(BaseModel):
    """Where a receiver stands."""

    model_config = ConfigDict(extra="forbid")
    special_place: SpecialPlace | None
    full_volume_dba: Annotated[int, Field(ge=30, le=140)] | None = Field(
        description="Measured at the nearest home at full volume; without it volume ceilings cannot be kept."
    )
    position: PositionInput | None = Field(None, description="On the map; null where it is not known.")


@router.get("/policy-templates")
def list_templates(actor: ActorDep) -> dict[str, Policy]:
    """Ready policies by name, for an area to take over."""
    actor.need(Right.READ)
    return TEMPLATES


@router.get("/areas/{area_id}/policy")
def read_policy(station: StationDep, actor: ActorDep, area_id: str, response: Response) -> AreaPolicy:
    """The policy of an area; `national` in place of an area is the defaults above all of them."""
    found = station.policies.of(actor, area_id)
    tag(response, found.revision)
    return AreaPolicy(
        own=found.own,
        revision=found.revision,
        break_glass=found.break_glass,
        breaks_glass=found.breaks_glass,
        in_force=[
            RuleInForce(area=each.area, area_name=each.area_name, rule=each.rule.model_dump(mode="json"))
            for each in found.in_force
        ],
    )


@router.put("/areas/{area_id}/policy")
def set_policy(
    request: Request, response: Response, station: StationDep, actor: ActorDep, *, area_id: str, body: PolicyInput
) -> AreaPolicy:
    """Replace the policy of an area. Orders that stand are checked against it at once."""
    station.policies.set(
        actor, area_id, body.policy, revision=revision_meant(request, body.revision), break_glass=body.break_glass
    )
    return read_policy(station, actor, area_id, response)


@router.put("/receivers/{receiver_id}/place", status_code=204)
def set_place(station: StationDep, actor: ActorDep, receiver_id: str, body: PlaceInput) -> None:
    """Say where a receiver stands, and how loud it is there; what is left out is not known any more."""
    at = body.position
    station.policies.place(
        actor,
        receiver_id,
        special=body.special_place,
        full_volume_dba=body.full_volume_dba,
        position=Position(at.latitude, at.longitude) if at is not None else None,
    )
