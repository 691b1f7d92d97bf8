"""Programmes with their slots, queues and sessions; campaigns with their progress."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.auth import ActorDep, StationDep
from api.idempotency import Idempotent
from api.preconditions import revision_meant, tag
from broadcaster.campaigns import CampaignPlan
from broadcaster.storage.models import Campaign as CampaignRow
from broadcaster.targets import Targets
from schedules.programmes import Fallback
from schedules.programmes import Programme as ProgrammeRules

router = APIRouter(tags=["programmes"], route_class=Idempotent)


class ProgrammeInput(BaseModel):
    """A programme's slots and rules, and where it airs, in place of those of `revision` (0: a new programme)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "programme": {"id": "chuyen-doi-so", "name": "Chuyển đổi số"},
                    "targets": {"areas": ["xa-tan-phong"]},
                    "revision": 0,
                }
            ]
        },
    )
    programme: ProgrammeRules
    targets: Targets
    revision: Annotated[int, Field(ge=0)] = 0


class StandingProgramme(BaseModel):
    """A standing column."""

    id: str
    name: str
    rules: dict[str, Any]
    targets: dict[str, Any]
    revision: int
    changed_at: AwareDatetime


class EmptySlot(BaseModel):
    """A slot to come for which nothing is queued."""

    programme_id: str
    slot_at: AwareDatetime
    warned_at: AwareDatetime
    vi: str
    en: str


class QueuedBulletin(BaseModel):
    """A released bulletin in a programme's queue; `aired` are the slots in which it aired or is planned to."""

    bulletin: str
    title: str
    released_at: AwareDatetime
    duration_s: float
    priority: str
    expires_at: AwareDatetime | None
    aired: list[AwareDatetime]


class SessionPart(BaseModel):
    """A part of a session: the call, a bulletin or the closing. No `airing` while it is only foreseen."""

    kind: Literal["call", "item", "closing"]
    bulletin: str
    title: str
    starts_at: AwareDatetime
    duration_s: float
    airing: str | None
    state: str | None


class ProgrammeSession(BaseModel):
    """The running order of a slot, to the millisecond; no parts: silence."""

    slot_at: AwareDatetime
    planned: bool = Field(
        description="Whether its airings are planned; else it is what would air by what is queued now."
    )
    length_s: float = Field(description="From the first instant to the last, pauses included.")
    fallback: Fallback | None = Field(description="What takes the place of bulletins where none is queued.")
    too_long: list[str] = Field(description="Queued bulletins that are longer than the slot.")
    parts: list[SessionPart]


class Progress(BaseModel):
    """Airings that a receiver proved to have played, within the period; and what is planned."""

    airings: int
    minutes: float
    communes: int
    planned: int
    by_group: dict[str, int]


class Campaign(BaseModel):
    """A campaign as planned."""

    id: str
    name: str
    starts_on: date
    ends_on: date
    area_id: str | None
    content_groups: list[str]
    goals: dict[str, int | None]


class CampaignProgress(Campaign):
    """A campaign and how far it is."""

    progress: Progress


@router.get("/programmes")
def list_programmes(station: StationDep, actor: ActorDep) -> list[StandingProgramme]:
    """The programmes that have not ended."""
    return [
        StandingProgramme(**{name: getattr(row, name) for name in StandingProgramme.model_fields})
        for row in station.programmes.all(actor)
    ]


@router.put("/programmes")
def save_programme(
    request: Request, response: Response, station: StationDep, actor: ActorDep, body: ProgrammeInput
) -> dict[str, int]:
    """Save a programme; returns its revision."""
    meant = revision_meant(request, body.revision)
    made = station.programmes.save(actor, body.programme, body.targets, revision=meant)
    tag(response, made)
    return {"revision": made}


@router.delete("/programmes/{programme_id}", status_code=204)
def end_programme(station: StationDep, actor: ActorDep, programme_id: str) -> None:
    """It owns no slots any more."""
    station.programmes.end(actor, programme_id)


@router.get("/programmes/{programme_id}/queue")
def read_queue(station: StationDep, actor: ActorDep, programme_id: str) -> list[QueuedBulletin]:
    """What is released for a programme, in the order of release."""
    return [
        QueuedBulletin(
            bulletin=queued.bulletin,
            title=title,
            released_at=queued.released_at,
            duration_s=queued.duration.total_seconds(),
            priority=queued.priority,
            expires_at=queued.expires_at,
            aired=list(queued.aired),
        )
        for queued, title in station.programmes.queue(actor, programme_id)
    ]


@router.get("/programmes/{programme_id}/sessions")
def read_sessions(
    station: StationDep, actor: ActorDep, programme_id: str, days: Annotated[int, Query(ge=1, le=90)] = 7
) -> list[ProgrammeSession]:
    """A programme's sessions to come as running orders: what is planned, and what would air by what is queued now."""
    return [
        ProgrammeSession(
            slot_at=found.slot_at,
            planned=found.planned,
            length_s=found.length.total_seconds(),
            fallback=found.fallback,
            too_long=list(found.too_long),
            parts=[
                SessionPart(
                    duration_s=part.duration.total_seconds(),
                    **{name: value for name, value in vars(part).items() if name != "duration"},
                )
                for part in found.parts
            ],
        )
        for found in station.programmes.sessions(actor, programme_id, ahead=timedelta(days=days))
    ]


@router.get("/programme-warnings")
def list_warnings(station: StationDep, actor: ActorDep) -> list[EmptySlot]:
    """Slots of the next day for which nothing is queued, and what will air instead."""
    return [
        EmptySlot(**{name: getattr(row, name) for name in EmptySlot.model_fields})
        for row in station.programmes.warnings(actor)
    ]


@router.get("/campaigns")
def list_campaigns(station: StationDep, actor: ActorDep) -> list[Campaign]:
    """All campaigns, the latest first."""
    return [_campaign(row) for row in station.campaigns.all(actor)]


@router.post("/campaigns", status_code=201)
def write_campaign(station: StationDep, actor: ActorDep, body: CampaignPlan) -> dict[str, str]:
    """A new campaign."""
    return {"id": station.campaigns.save(actor, body)}


@router.put("/campaigns/{campaign_id}", status_code=204)
def change_campaign(station: StationDep, actor: ActorDep, campaign_id: str, body: CampaignPlan) -> None:
    """Another plan for a campaign."""
    station.campaigns.save(actor, body, campaign=campaign_id)


@router.get("/campaigns/{campaign_id}")
def read_campaign(station: StationDep, actor: ActorDep, campaign_id: str) -> CampaignProgress:
    """A campaign and its progress against its goals."""
    row, progress = station.campaigns.progress(actor, campaign_id)
    return CampaignProgress(**_campaign(row).model_dump(), progress=Progress(**vars(progress)))


def _campaign(row: CampaignRow) -> Campaign:
    return Campaign(**{name: getattr(row, name) for name in Campaign.model_fields})
