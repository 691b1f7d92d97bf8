"""Bulletins: write, edit, submit, withdraw."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.auth import ActorDep, StationDep
from broadcaster.bulletins import CARD_LIMIT, TEXT_LIMIT, TITLE_LIMIT, Draft, newest
from broadcaster.people import Right
from broadcaster.releases import find, schedules_of
from broadcaster.storage.models import Bulletin as BulletinRow
from broadcaster.storage.models import ClipRecord, Schedule
from broadcaster.targets import Targets
from devices.wire.messages import Priority
from schedules.rules import Rule

router = APIRouter(tags=["bulletins"])


class PlanItem(BaseModel):
    """When and where."""

    model_config = ConfigDict(extra="forbid")
    rule: Rule
    targets: Targets


class BulletinInput(BaseModel):
    """The whole content of a bulletin."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "Học kỹ năng số tại nhà văn hóa thôn",
                    "text": "Đúng 19h30 ngày 10/12, Tổ công nghệ số cộng đồng hướng dẫn bà con nộp hồ sơ trực tuyến.",
                    "field": "chuyển đổi số",
                    "priority": "routine",
                    "plan": [
                        {
                            "rule": {
                                "kind": "recurring",
                                "start": "2026-12-01T17:00:00",
                                "rrule": "FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20261231",
                            },
                            "targets": {"areas": ["xa-tan-phong"]},
                        }
                    ],
                }
            ]
        },
    )
    title: Annotated[str, Field(min_length=1, max_length=TITLE_LIMIT)]
    text: Annotated[str, Field(min_length=1, max_length=TEXT_LIMIT)]
    card_text: Annotated[str, Field(max_length=CARD_LIMIT)] | None = Field(
        None, description="For LED screens; default the title."
    )
    field: Annotated[str, Field(max_length=100)] = Field("thông tin chung", description="lĩnh vực")
    priority: Literal["routine", "priority"] = "routine"
    plan: list[PlanItem] = Field(default_factory=list, max_length=50)

    def draft(self) -> Draft:
        """The same, for the domain."""
        priority: Priority = self.priority
        return Draft(
            title=self.title,
            text=self.text,
            card_text=self.card_text,
            field=self.field,
            priority=priority,
            plan=tuple((item.rule, item.targets) for item in self.plan),
        )


class Clip(BaseModel):
    """The rendered, mastered audio."""

    sha256: str
    size: int = Field(description="bytes")
    duration_ms: int
    lufs: float
    true_peak_dbtp: float
    engine: str
    voice: str
    fallback: bool = Field(description="Whether the first engine failed and another spoke.")
    fallback_reason: str | None

    @classmethod
    def of(cls, row: ClipRecord) -> "Clip":
        """From the database's row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class Bulletin(BaseModel):
    """A bulletin at its present revision."""

    id: str
    revision: int
    title: str
    text: str
    card_text: str
    field: str
    priority: str
    state: str
    state_reason: str | None
    author_id: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    rendering: Literal["pending", "done", "failed"]
    rendering_error: str | None
    clip: Clip | None
    plan: list[dict[str, Any]]

    @classmethod
    def of(cls, row: BulletinRow, clip: ClipRecord | None, plan: list[Schedule]) -> "Bulletin":
        """From the database's rows."""
        names = cls.model_fields.keys() - {"clip", "plan", "rendering_error"}
        return cls(
            **{name: getattr(row, name) for name in names},
            rendering_error=row.rendering_error_vi,
            clip=Clip.of(clip) if clip else None,
            plan=[{"id": item.id, "rule": item.rule, "targets": item.targets} for item in plan],
        )


class BulletinPage(BaseModel):
    """A page of bulletins, newest first."""

    items: list[Bulletin]
    next: str | None = Field(description="Give it as `before` for the next page.")


class RevisionInput(BaseModel):
    """Which revision is meant, so that nobody submits what somebody else just changed."""

    revision: int


class ReasonInput(BaseModel):
    """Why."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


def _read(station: StationDep, bulletin_id: str) -> Bulletin:
    with station.database.reading() as session:
        row = find(session, bulletin_id)
        clip = session.get(ClipRecord, row.clip_sha256) if row.clip_sha256 else None
        return Bulletin.of(row, clip, list(schedules_of(session, bulletin_id)))


@router.get("/bulletins")
def list_bulletins(
    station: StationDep,
    actor: ActorDep,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BulletinPage:
    """Bulletins, newest first."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        rows = newest(session, limit=limit + 1, before=before)
        items = [Bulletin.of(row, clip, list(schedules_of(session, row.id))) for row, clip in rows[:limit]]
    return BulletinPage(items=items, next=items[-1].id if len(rows) > limit else None)


@router.post("/bulletins", status_code=201)
def write_bulletin(station: StationDep, actor: ActorDep, body: BulletinInput, response: Response) -> Bulletin:
    """Save a new draft. Its speech is made in the background: read it again until `rendering` is not `pending`."""
    bulletin_id = station.bulletins.write(actor, body.draft())
    response.headers["Location"] = f"/api/v1/bulletins/{bulletin_id}"
    return _read(station, bulletin_id)


@router.get("/bulletins/{bulletin_id}")
def read_bulletin(station: StationDep, actor: ActorDep, bulletin_id: str) -> Bulletin:
    """One bulletin."""
    actor.need(Right.READ)
    return _read(station, bulletin_id)


@router.put("/bulletins/{bulletin_id}")
def edit_bulletin(
    station: StationDep, actor: ActorDep, bulletin_id: str, body: BulletinInput, revision: int
) -> Bulletin:
    """Replace the content of the given revision. Voids a release: what was approved is what is heard."""
    station.bulletins.edit(actor, bulletin_id, body.draft(), revision=revision)
    return _read(station, bulletin_id)


@router.post("/bulletins/{bulletin_id}/submission")
def submit_bulletin(station: StationDep, actor: ActorDep, bulletin_id: str, body: RevisionInput) -> Bulletin:
    """Ask for release."""
    station.bulletins.submit(actor, bulletin_id, revision=body.revision)
    return _read(station, bulletin_id)


@router.post("/bulletins/{bulletin_id}/withdrawal")
def withdraw_bulletin(station: StationDep, actor: ActorDep, bulletin_id: str, body: ReasonInput) -> Bulletin:
    """Take it off the air: airings to come are cancelled."""
    station.bulletins.withdraw(actor, bulletin_id, body.reason)
    return _read(station, bulletin_id)
