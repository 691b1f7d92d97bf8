"""Bulletins: write, edit, submit, withdraw."""

from datetime import UTC
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from api.auth import ActorDep, StationDep
from api.idempotency import Idempotent
from api.paging import link_next
from api.preconditions import revision_meant, tag
from broadcaster.approvers import unattended
from broadcaster.bulletins import CARD_LIMIT, TEXT_LIMIT, TITLE_LIMIT, Draft, newest
from broadcaster.lawful import refused
from broadcaster.people import Actor
from broadcaster.releases import find, schedules_of
from broadcaster.sound import AS_ABOVE, Sha256, Sound
from broadcaster.speech import Version, settled
from broadcaster.station import Station
from broadcaster.storage.models import Bulletin as BulletinRow
from broadcaster.storage.models import ClipRecord, SettlementRecord
from broadcaster.targets import Targets
from broadcaster.whereabouts import need_sight
from devices.wire.messages import Identifier, Priority
from schedules.priorities import AfterInterruption
from schedules.rules import Rule
from schedules.unfit import UnfitError

router = APIRouter(tags=["bulletins"], route_class=Idempotent)


class PlanItem(BaseModel):
    """When and where."""

    model_config = ConfigDict(extra="forbid")
    rule: Rule
    targets: Targets


class VersionInput(BaseModel):
    """A language version: a text that an engine speaks as it is written (Vietnamese is read), or an uploaded recording."""

    model_config = ConfigDict(extra="forbid")
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] = Field(
        description="BCP 47, such as vi, km, hmn, en."
    )
    text: Annotated[str, Field(min_length=1, max_length=TEXT_LIMIT)] | None = None
    recording: Sha256 | None = None
    voice: Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]{1,60}$")] | None = Field(
        None, description="A voice of an engine; default any that an engine has for the language."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "VersionInput":
        if (self.text is None) == (self.recording is None):
            raise UnfitError("chỉ cho chữ hoặc bản ghi âm, không cả hai", "give either a text or a recording")
        return self

    def made(self) -> Version:
        """The same, for the domain."""
        return Version(self.language, self.text, self.recording, self.voice)


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
    recording: Sha256 | None = Field(None, description="An uploaded recording, heard in place of title and text.")
    versions: list[VersionInput] = Field(
        default_factory=list, max_length=5, description="Other languages, heard after it in this order."
    )
    sound: Sound = Field(AS_ABOVE, description="What differs from the sound of the areas that its targets share.")

    interrupted: AfterInterruption = Field(
        "drop",
        description="What becomes of an airing that a higher class ends: it goes on, begins anew, airs behind the next session, or is given up.",
    )
    programme: str | None = Field(None, description="In whose queue it stands; then it needs no times of its own.")
    expires_at: AwareDatetime | None = Field(
        None, description="After it, it airs neither out of a programme's queue nor behind a later session."
    )
    campaign: str | None = Field(None, description="The campaign that it counts towards.")
    content_group: Annotated[str, Field(max_length=200)] | None = Field(None, description="Of the campaign.")
    area: Identifier | None = Field(
        None, description="Whose it is: who serves there may edit it. By default its author's own, then as it was."
    )

    def voices(self) -> list[str | None]:
        """The voices that are asked for; a language version without one asks for its language."""
        further = [version.voice or version.language for version in self.versions if version.text]
        return [self.sound.voice, *further]

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
            recording=self.recording,
            versions=tuple(version.made() for version in self.versions),
            sound=self.sound,
            interrupted=self.interrupted,
            programme=self.programme,
            expires_at=self.expires_at.astimezone(UTC) if self.expires_at is not None else None,
            campaign=self.campaign,
            content_group=self.content_group,
            area=self.area,
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
    synthetic: str = Field(description="true, false (a recording), or mixed.")
    opus: dict[str, Any] | None = Field(description="The same sound as Opus, if it was made.")

    @classmethod
    def of(cls, row: ClipRecord) -> "Clip":
        """From the database's row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class UncertainReading(BaseModel):
    """A place whose reading a person must settle: `PUT …/readings` with its `text` and, as `proposed`, its `reading`."""

    version: int = Field(description="0: title and text; then the language versions.")
    part: Literal["title", "text"]
    start: int = Field(description="Code points from the beginning of the part.")
    end: int
    text: str
    kind: str = Field(description="date, document_number, abbreviation, …")
    reading: str = Field(description="What is spoken now; empty: nothing.")
    alternatives: list[str]


class ClipFault(BaseModel):
    """Why the clip can be neither submitted nor released."""

    fault: str
    vi: str
    en: str
    text: str | None = None
    reading: str | None = None


class HeardSentence(BaseModel):
    """When a sentence is heard in the clip, and where it stands."""

    start_ms: int
    end_ms: int
    part: Literal["title", "text"]
    start: int = Field(description="Code points from the beginning of the part.")
    end: int


class Quality(BaseModel):
    """The report of the clip."""

    uncertain: list[UncertainReading]
    faults: list[ClipFault]
    syllables: int
    syllables_a_second: float | None
    slowest: float | None = Field(description="Syllables a second of the slowest sentence.")
    fastest: float | None
    lufs: float
    true_peak_dbtp: float
    clipped: int = Field(description="Samples at full scale.")
    duration_ms: int
    engine: str
    voice: str
    synthetic: str
    fallback: bool
    fallback_reason: str | None
    sentences: list[HeardSentence] = Field(
        default_factory=list, description="Of title and text in the order in which they are heard."
    )


class SettledReading(BaseModel):
    """A decision on a reading of this bulletin: who, and when."""

    id: str
    text: str
    proposed: str
    reading: str
    person_id: str
    created_at: AwareDatetime

    @classmethod
    def of(cls, row: SettlementRecord) -> "SettledReading":
        """From the database's row."""
        return cls(
            id=row.id,
            text=row.written,
            proposed=row.proposed,
            reading=row.reading,
            person_id=row.person_id,
            created_at=row.created_at,
        )


class Warned(BaseModel):
    """An airing that a policy does not allow, by which rule of which area, and when it might air."""

    due_at: AwareDatetime
    vi: str
    en: str


class Said(BaseModel):
    """A sentence for people."""

    vi: str
    en: str


class Bulletin(BaseModel):
    """A bulletin at its present revision."""

    id: str
    revision: int
    title: str
    text: str
    card_text: str
    field: str
    priority: str
    interrupted: str
    programme_id: str | None
    campaign_id: str | None
    content_group: str | None
    area_id: str | None = Field(description="Whose it is; null: the whole station's.")
    expires_at: AwareDatetime | None
    state: str
    state_reason: str | None
    author_id: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    rendering: Literal["pending", "done", "failed"]
    rendering_error: str | None
    clip: Clip | None
    quality: Quality | None = Field(description="The report of the clip.")
    readings: list[SettledReading] = Field(description="What was settled and stands in its words.")
    lexicon: str | None = Field(description="Version of the lexicon by which the clip was read.")
    recording: str | None
    versions: list[dict[str, Any]]
    sound: Sound = Field(description="What differs from its areas.")
    spoken_sound: Sound | None = Field(description="With which sound the clip was made.")
    plan: list[dict[str, Any]]
    warnings: list[Warned] = Field(
        default_factory=list,
        description="Of one bulletin that waits: airings of the next two weeks that a policy refuses, as a release would be.",
    )
    unattended: Said | None = Field(
        None, description="Of one bulletin that is submitted: why nobody can release it before it is to air."
    )

    @classmethod
    def read(cls, session: Session, row: BulletinRow, clip: ClipRecord | None) -> "Bulletin":
        """From the database's rows."""
        apart = {
            "rendering_error",
            "clip",
            "readings",
            "lexicon",
            "recording",
            "sound",
            "spoken_sound",
            "plan",
            "warnings",
            "unattended",
        }
        spoken = row.spoken or {}
        return cls(
            **{name: getattr(row, name) for name in cls.model_fields.keys() - apart},
            rendering_error=row.rendering_error_vi,
            clip=Clip.of(clip) if clip else None,
            readings=[SettledReading.of(one) for one in settled(session, row)],
            lexicon=spoken.get("lexicon"),
            recording=row.recording_sha256,
            sound=Sound.model_validate(row.sound),
            spoken_sound=Sound.model_validate(spoken["sound"]) if "sound" in spoken else None,
            plan=[
                {"id": item.id, "rule": item.rule, "targets": item.targets} for item in schedules_of(session, row.id)
            ],
        )


class BulletinPage(BaseModel):
    """A page of bulletins, newest first."""

    items: list[Bulletin]
    next: str | None = Field(description="Give it as `after` for the next page, as the Link header does.")


class RevisionInput(BaseModel):
    """Which revision is meant, so that nobody submits what somebody else just changed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"revision": 1}]})
    revision: int


class ReasonInput(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Sai ngày họp"}]})
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


def present(station: Station, actor: Actor, bulletin_id: str) -> Bulletin:
    """The bulletin as it is now, for whoever may see it."""
    with station.database.reading() as session:
        row = find(session, bulletin_id)
        need_sight(session, actor, row)
        clip = session.get(ClipRecord, row.clip_sha256) if row.clip_sha256 else None
        found = Bulletin.read(session, row, clip)
        if row.state in ("draft", "submitted", "returned"):
            judged = refused(session, row, clip, now=station.clock.now(), zone=station.settings.zone)
            warnings = [
                Warned(due_at=each.item.due_at, vi=" ".join(each.sentences("vi")), en=" ".join(each.sentences("en")))
                for each in judged
            ]
            nobody = unattended(session, row, now=station.clock.now(), today=station.today())
            said = Said(vi=nobody.vi, en=nobody.en) if nobody is not None else None
            found = found.model_copy(update={"warnings": warnings, "unattended": said})
        return found


@router.get("/bulletins")
def list_bulletins(
    request: Request,
    response: Response,
    station: StationDep,
    actor: ActorDep,
    *,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BulletinPage:
    """Bulletins, newest first."""
    with station.database.reading() as session:
        rows = newest(session, actor, limit=limit + 1, after=after)
        items = [Bulletin.read(session, row, clip) for row, clip in rows[:limit]]
    if len(rows) > limit:
        link_next(request, response, after=items[-1].id)
    return BulletinPage(items=items, next=items[-1].id if len(rows) > limit else None)


@router.post("/bulletins", status_code=201)
def write_bulletin(station: StationDep, actor: ActorDep, body: BulletinInput, response: Response) -> Bulletin:
    """Save a new draft. Its speech is made in the background: read it again until `rendering` is not `pending`."""
    station.require_voices(*body.voices())
    bulletin_id = station.bulletins.write(actor, body.draft())
    response.headers["Location"] = f"/api/v1/bulletins/{bulletin_id}"
    tag(response, 1)
    return present(station, actor, bulletin_id)


@router.get("/bulletins/{bulletin_id}")
def read_bulletin(station: StationDep, actor: ActorDep, bulletin_id: str, response: Response) -> Bulletin:
    """One bulletin. Its ETag is its revision, for If-Match."""
    found = present(station, actor, bulletin_id)
    tag(response, found.revision)
    return found


@router.put("/bulletins/{bulletin_id}")
def edit_bulletin(
    request: Request,
    response: Response,
    station: StationDep,
    actor: ActorDep,
    *,
    bulletin_id: str,
    body: BulletinInput,
    revision: Annotated[int | None, Query(ge=0, le=10**9, description="Or by If-Match.")] = None,
) -> Bulletin:
    """Replace the content of the given revision. Voids a release: what was approved is what is heard."""
    station.require_voices(*body.voices())
    meant = revision_meant(request, revision)
    tag(response, station.bulletins.edit(actor, bulletin_id, body.draft(), revision=meant))
    return present(station, actor, bulletin_id)


@router.post("/bulletins/{bulletin_id}/rendering")
def render_again(station: StationDep, actor: ActorDep, bulletin_id: str, body: RevisionInput) -> Bulletin:
    """Have the speech made again, as after a failure, or once the preferred engine is back."""
    station.bulletins.speak_again(actor, bulletin_id, revision=body.revision)
    return present(station, actor, bulletin_id)


@router.post("/bulletins/{bulletin_id}/submission")
def submit_bulletin(station: StationDep, actor: ActorDep, bulletin_id: str, body: RevisionInput) -> Bulletin:
    """Ask for release. A clip with a fault is refused; `errors` lists the faults."""
    station.bulletins.submit(actor, bulletin_id, revision=body.revision)
    return present(station, actor, bulletin_id)


@router.post("/bulletins/{bulletin_id}/withdrawal")
def withdraw_bulletin(station: StationDep, actor: ActorDep, bulletin_id: str, body: ReasonInput) -> Bulletin:
    """Take it off the air: airings to come are cancelled."""
    station.bulletins.withdraw(actor, bulletin_id, body.reason)
    return present(station, actor, bulletin_id)
