"""Releases: look, then release exactly what you saw, or return it with a reason."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.auth import ActorDep, StationDep
from api.idempotency import Idempotent
from api.v1.bulletins import ClipFault, ReasonInput, present
from broadcaster.errors import NotFoundError
from broadcaster.storage.models import Bulletin
from broadcaster.storage.models import Release as ReleaseRow
from broadcaster.whereabouts import need_sight

router = APIRouter(tags=["releases"], route_class=Idempotent)


class Preview(BaseModel):
    """What a release would bind to, and its hash."""

    content: dict[str, Any]
    content_sha256: str
    faults: list[ClipFault] = Field(description="Why it cannot be released; empty if it can.")


class ReleaseInput(BaseModel):
    """Which bulletin, and the hash of what the approver saw."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"bulletin": "0b0e7a52-3a0f-4b43-8f0e-5d0f6b1c2a10", "content_sha256": "0" * 64}]
        },
    )
    bulletin: str
    content_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class StoodIn(BaseModel):
    """Who was away when a deputy released, as it was then."""

    absence: str
    person: str
    name: str
    begins_at: AwareDatetime
    ends_at: AwareDatetime


class Release(BaseModel):
    """An approver's binding to content."""

    id: str
    bulletin_id: str
    revision: int
    content_sha256: str
    approver_id: str
    in_place_of: list[StoodIn] | None = Field(description="Whom the approver stood in for; null: for nobody.")
    released_at: AwareDatetime
    voided_at: AwareDatetime | None
    void_reason: str | None


@router.get("/bulletins/{bulletin_id}/release-preview")
def preview(station: StationDep, actor: ActorDep, bulletin_id: str) -> Preview:
    """What would be released now."""
    content, digest = station.releases.preview(actor, bulletin_id)
    quality = present(station, actor, bulletin_id).quality
    return Preview(content=content, content_sha256=digest, faults=quality.faults if quality else [])


@router.post("/releases", status_code=201)
def release(station: StationDep, actor: ActorDep, body: ReleaseInput) -> Release:
    """Release. Author and approver must differ, and the clip must have no fault; `errors` lists those that it has."""
    return read_release(
        station, actor, station.releases.release(actor, body.bulletin, content_sha256=body.content_sha256)
    )


@router.get("/releases/{release_id}")
def read_release(station: StationDep, actor: ActorDep, release_id: str) -> Release:
    """One release."""
    with station.database.reading() as session:
        row = session.get(ReleaseRow, release_id)
        if row is None:
            raise NotFoundError(f"Không có lần duyệt '{release_id}'.", f"There is no release '{release_id}'.")
        need_sight(session, actor, session.get_one(Bulletin, row.bulletin_id))
    return Release(**{name: getattr(row, name) for name in Release.model_fields})


@router.post("/bulletins/{bulletin_id}/return", status_code=204)
def send_back(station: StationDep, actor: ActorDep, bulletin_id: str, body: ReasonInput) -> None:
    """Return it to its author."""
    station.releases.send_back(actor, bulletin_id, body.reason)
