"""Emergencies and stop-all."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.auth import ActorDep, StationDep
from api.idempotency import Idempotent
from api.v1.bulletins import ReasonInput
from broadcaster.emergencies import Sending, TemplateContent
from broadcaster.targets import Targets
from devices.wire.messages import Identifier

router = APIRouter(tags=["emergencies"], route_class=Idempotent)


class Made(BaseModel):
    """The id of what was made."""

    id: str


class TemplateInput(BaseModel):
    """A text with blanks, under a name."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Bão",
                    "content": {
                        "title": "Tin bão",
                        "text": "Bão {ten} sắp đổ bộ.",
                        "blanks": [{"name": "ten", "kind": "words"}],
                    },
                }
            ]
        },
    )
    name: Annotated[str, Field(min_length=1, max_length=200)]
    content: TemplateContent
    area: Identifier | None = Field(None, description="Whose it is; by default its author's own area.")


class Template(BaseModel):
    """An emergency template."""

    id: str
    name: str
    area_id: str | None
    content: TemplateContent
    content_sha256: str
    state: str
    author_id: str
    released_by: str | None
    released_at: AwareDatetime | None


class HashInput(BaseModel):
    """The hash of what the approver saw."""

    model_config = ConfigDict(extra="forbid")
    content_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class EmergencyInput(BaseModel):
    """A released template with its blanks filled; or, where policy allows it, words of one's own with a reason."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "template": "0b0e7a52-3a0f-4b43-8f0e-5d0f6b1c2a10",
                    "blanks": {"ten": "số 3"},
                    "sending": {"targets": {"areas": ["xa-tan-phong"]}},
                }
            ]
        },
    )
    sending: Sending
    template: str | None = None
    blanks: Annotated[dict[str, str], Field(max_length=20)] = Field(default_factory=dict)
    title: Annotated[str, Field(max_length=300)] = ""
    text: Annotated[str, Field(max_length=5000)] = ""
    reason: Annotated[str, Field(max_length=1000)] = ""


class Emergency(BaseModel):
    """A message that is being prepared or said."""

    id: str
    message: str
    drill: bool
    references: str | None
    template_id: str | None
    bulletin_id: str
    title: str
    text: str
    targets: dict[str, Any]
    every_minutes: int | None
    state: str
    reason: str | None
    issued_by: str
    asked_at: AwareDatetime
    issued_at: AwareDatetime | None
    until: AwareDatetime


class StopInput(BaseModel):
    """Silence: for `targets`, or without them for all that one serves."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"reason": "Sự cố ở trạm", "targets": {"areas": ["thon-dong"]}, "minutes": 60}]
        },
    )
    reason: Annotated[str, Field(min_length=1, max_length=300)]
    targets: Targets | None = None
    minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)] = 12 * 60


class Stop(BaseModel):
    """A stop in force."""

    id: str
    reason: str
    audience: dict[str, Any]
    issued_by: str
    issued_at: AwareDatetime
    expires_at: AwareDatetime
    published_at: AwareDatetime | None


@router.get("/emergency-templates")
def list_emergency_templates(station: StationDep, actor: ActorDep) -> list[Template]:
    """Templates that are not retired, of one's own area and of those above."""
    rows = station.emergencies.templates(actor)
    return [Template(**{name: getattr(row, name) for name in Template.model_fields}) for row in rows]


@router.post("/emergency-templates", status_code=201)
def draft_template(station: StationDep, actor: ActorDep, body: TemplateInput) -> Made:
    """Draft a template; another person has to release it."""
    return Made(id=station.emergencies.draft(actor, name=body.name, content=body.content, area=body.area))


@router.post("/emergency-templates/{template_id}/release", status_code=204)
def release_template(station: StationDep, actor: ActorDep, template_id: str, body: HashInput) -> None:
    """Release exactly the text and blanks that were seen."""
    station.emergencies.release(actor, template_id, content_sha256=body.content_sha256)


@router.delete("/emergency-templates/{template_id}", status_code=204)
def retire_template(station: StationDep, actor: ActorDep, template_id: str) -> None:
    """No message is made of it any more."""
    station.emergencies.retire(actor, template_id)


@router.get("/emergencies")
def list_emergencies(station: StationDep, actor: ActorDep) -> list[Emergency]:
    """Messages that are being prepared or said, the newest first."""
    return [
        Emergency(
            title=bulletin.title,
            text=bulletin.text,
            **{name: getattr(row, name) for name in Emergency.model_fields.keys() - {"title", "text"}},
        )
        for row, bulletin in station.emergencies.standing(actor)
    ]


@router.post("/emergencies", status_code=201)
def issue(station: StationDep, actor: ActorDep, body: EmergencyInput) -> Made:
    """Issue an emergency. It is on air as soon as its speech is made."""
    if body.template is not None:
        made = station.emergencies.issue(actor, body.template, blanks=body.blanks, sending=body.sending)
    else:
        made = station.emergencies.issue_alone(
            actor, title=body.title, text=body.text, reason=body.reason, sending=body.sending
        )
    return Made(id=made)


@router.post("/emergencies/{emergency_id}/ending", status_code=204)
def end(station: StationDep, actor: ActorDep, emergency_id: str, body: ReasonInput) -> None:
    """Say it no more: what is on air stops, repetitions end."""
    station.emergencies.end(actor, emergency_id, reason=body.reason)


@router.get("/stops")
def list_stops(station: StationDep, actor: ActorDep) -> list[Stop]:
    """Stops in force, the newest first."""
    rows = station.stops.standing(actor)
    return [Stop(**{name: getattr(row, name) for name in Stop.model_fields}) for row in rows]


@router.post("/stops", status_code=201)
def stop(station: StationDep, actor: ActorDep, body: StopInput) -> Made:
    """Silence at once: the stop has gone to the broker when this answers. Lift it explicitly; else it ends by itself."""
    lasts = timedelta(minutes=body.minutes)
    return Made(id=station.stops.issue(actor, body.targets, reason=body.reason, lasts=lasts))


@router.post("/stops/{stop_id}/lifting", status_code=204)
def lift(station: StationDep, actor: ActorDep, stop_id: str, body: ReasonInput) -> None:
    """Let it sound again."""
    station.stops.lift(actor, stop_id, reason=body.reason)
