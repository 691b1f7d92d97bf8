"""Areas on a day, groups of targets, and communes that merge or split."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select

from api.auth import ActorDep, StationDep
from api.idempotency import Idempotent
from api.preconditions import state_meant
from api.v1.bulletins import ReasonInput
from broadcaster.areas import areas_on
from broadcaster.founding import LONGEST_NAME, MOST_AT_ONCE
from broadcaster.groups import state_of
from broadcaster.outlines import Outline
from broadcaster.people import Right
from broadcaster.reorganisation.effects import ReorganisationPlan
from broadcaster.reorganisation.plans import find
from broadcaster.storage.models import ReceiverGroup
from broadcaster.storage.models import Reorganisation as ReorganisationRow
from broadcaster.targets import Targets
from broadcaster.unchanged import tag_of
from devices.wire.messages import Identifier

router = APIRouter(tags=["areas"], route_class=Idempotent)


class Area(BaseModel):
    """A node of the tree as it stands on a day."""

    id: str
    name: str
    kind: str
    parent_id: str | None


class NewAreas(BaseModel):
    """Areas of one kind under one parent, which stand from today on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"parent": "xa", "kind": "village", "names": ["Thôn Thượng", "Thôn Hạ"]}]},
    )
    parent: Identifier | None = Field(description="Null: at the top of the tree.")
    kind: Literal["province", "commune", "village"]
    names: Annotated[list[Annotated[str, Field(max_length=LONGEST_NAME)]], Field(min_length=1, max_length=MOST_AT_ONCE)]


class NameInput(BaseModel):
    """An area's name as it is to be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Thôn Đông"}]})
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class OutlineInput(BaseModel):
    """A GeoJSON geometry (RFC 7946)."""

    model_config = ConfigDict(extra="forbid")
    outline: Outline | None


class GroupInput(BaseModel):
    """Targets under a name."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Các thôn ven sông", "targets": {"areas": ["thon-dong", "thon-doai"]}}]
        },
    )
    name: Annotated[str, Field(min_length=1, max_length=200)]
    targets: Targets


class Group(BaseModel):
    """A saved group."""

    id: str
    name: str
    targets: dict[str, Any]
    changed_at: AwareDatetime
    etag: str = Field(description='For If-Match on an edit: `"…"`.')


class Reorganisation(BaseModel):
    """A merger or split, from its plan to its day."""

    id: str
    title: str
    day: date
    state: str
    plan: ReorganisationPlan
    planned_by: str
    planned_at: AwareDatetime
    approved_by: str | None
    approved_at: AwareDatetime | None
    in_force_at: AwareDatetime | None
    undone_at: AwareDatetime | None
    undone_reason: str | None


class ReorganisationPreview(BaseModel):
    """All that would change, and its hash, which the approval wants back."""

    content: dict[str, Any]
    preview_sha256: str


class ApprovalInput(BaseModel):
    """The hash of what the approver saw."""

    model_config = ConfigDict(extra="forbid")
    preview_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@router.get("/areas")
def list_areas(station: StationDep, actor: ActorDep, day: date | None = None) -> list[Area]:
    """The areas that stand on a day of the station; default today."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        found = areas_on(session, day or station.today())
    return [Area(**{name: getattr(area, name) for name in Area.model_fields}) for area in found.values()]


@router.post("/areas", status_code=201)
def add_areas(station: StationDep, actor: ActorDep, body: NewAreas) -> list[Area]:
    """Add areas, all or none, as when a station is founded; what merges, splits or moves later is a reorganisation."""
    made = station.founding.add(actor, parent=body.parent, kind=body.kind, names=body.names)
    with station.database.reading() as session:
        found = areas_on(session, station.today())
    return [Area(**{name: getattr(found[each], name) for name in Area.model_fields}) for each in made]


@router.put("/areas/{area_id}/name", status_code=204)
def rename_area(station: StationDep, actor: ActorDep, area_id: str, body: NameInput) -> None:
    """Mend an area's name; what was logged keeps the former."""
    station.founding.rename(actor, area_id, body.name)


@router.put("/areas/{area_id}/outline", status_code=204)
def set_outline(station: StationDep, actor: ActorDep, area_id: str, body: OutlineInput) -> None:
    """Where an area ends, for the map; null takes it away."""
    station.outlines.put(actor, area_id, body.outline)


@router.get("/groups")
def list_groups(station: StationDep, actor: ActorDep) -> list[Group]:
    """The saved groups, by name."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        rows = session.scalars(select(ReceiverGroup).order_by(ReceiverGroup.name))
        return [
            Group(id=row.id, name=row.name, targets=row.targets, changed_at=row.changed_at, etag=tag_of(state_of(row)))
            for row in rows
        ]


@router.post("/groups", status_code=201)
def save_group(station: StationDep, actor: ActorDep, body: GroupInput) -> dict[str, str]:
    """Save targets under a name."""
    return {"id": station.groups.save(actor, name=body.name, targets=body.targets)}


@router.put("/groups/{group_id}", status_code=204)
def change_group(request: Request, station: StationDep, actor: ActorDep, group_id: str, body: GroupInput) -> None:
    """Replace a group, with If-Match only if it is as it was read. What was released with it stays as it was released."""
    seen = state_meant(request)
    station.groups.save(actor, name=body.name, targets=body.targets, group=group_id, seen=seen)


@router.delete("/groups/{group_id}", status_code=204)
def remove_group(station: StationDep, actor: ActorDep, group_id: str) -> None:
    """Forget a group."""
    station.groups.remove(actor, group_id)


@router.get("/reorganisations")
def list_reorganisations(station: StationDep, actor: ActorDep) -> list[Reorganisation]:
    """Mergers and splits, the latest day first."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        rows = session.scalars(
            select(ReorganisationRow).order_by(ReorganisationRow.day.desc(), ReorganisationRow.id).limit(500)
        )
        return [_reorganisation(row) for row in rows]


@router.post("/reorganisations", status_code=201)
def plan_reorganisation(
    station: StationDep, actor: ActorDep, body: ReorganisationPlan, response: Response
) -> Reorganisation:
    """Note down a plan that can be carried out. Nothing changes before another person has approved it, and its day has come."""
    made = station.reorganisations.plan(actor, body)
    response.headers["Location"] = f"/api/v1/reorganisations/{made}"
    return read_reorganisation(station, actor, made)


@router.get("/reorganisations/{reorganisation_id}")
def read_reorganisation(station: StationDep, actor: ActorDep, reorganisation_id: str) -> Reorganisation:
    """One merger or split."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        return _reorganisation(find(session, reorganisation_id))


@router.get("/reorganisations/{reorganisation_id}/preview")
def preview_reorganisation(station: StationDep, actor: ActorDep, reorganisation_id: str) -> ReorganisationPreview:
    """What would change if it were approved now: areas, receivers, what airs where, and what follows."""
    content, digest = station.reorganisations.preview(actor, reorganisation_id)
    return ReorganisationPreview(content=content, preview_sha256=digest)


@router.post("/reorganisations/{reorganisation_id}/approval", status_code=204)
def approve_reorganisation(station: StationDep, actor: ActorDep, reorganisation_id: str, body: ApprovalInput) -> None:
    """Let it happen on its day. Whoever planned it cannot approve it."""
    station.reorganisations.approve(actor, reorganisation_id, preview_sha256=body.preview_sha256)


@router.post("/reorganisations/{reorganisation_id}/undoing", status_code=204)
def undo_reorganisation(station: StationDep, actor: ActorDep, reorganisation_id: str, body: ReasonInput) -> None:
    """Take it back before its day."""
    station.reorganisations.undo(actor, reorganisation_id, body.reason)


def _reorganisation(row: ReorganisationRow) -> Reorganisation:
    return Reorganisation(**{name: getattr(row, name) for name in Reorganisation.model_fields})
