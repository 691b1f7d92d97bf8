"""Reports: figures from the as-run log, what people fill in, who owes one, and the documents."""

from datetime import date
from typing import IO, Annotated, Any, Literal, Self

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response, StreamingResponse

from api.auth import ActorDep, StationDep
from api.problems import MEDIA_TYPE
from api.v1.bulletins import ReasonInput, RevisionInput
from broadcaster.errors import CountingError
from broadcaster.people import Right
from broadcaster.reports.board import Owed
from broadcaster.reports.desk import View
from broadcaster.reports.documents import MEDIA_TYPES, Form
from broadcaster.reports.figures import Figures, Scope
from broadcaster.reports.filled import Filled
from broadcaster.storage.models import Report as Row
from schedules.unfit import UnfitError

router = APIRouter(tags=["reports"])
COUNTING: dict[int | str, dict[str, Any]] = {
    503: {
        "description": "Still being counted; `Retry-After` says when to ask again, `done` and `of` how far it is.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


class ReportInput(BaseModel):
    """A report that is owed by a deadline, or one of a period of one's own."""

    model_config = ConfigDict(extra="forbid")
    area: str
    campaign: str | None = Field(None, description="Null: whatever aired.")
    due_on: date | None = Field(None, description="The deadline; the period follows from it.")
    starts_on: date | None = None
    ends_on: date | None = Field(None, description="The last day.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.starts_on is None) != (self.ends_on is None):
            raise UnfitError("kỳ báo cáo cần cả ngày đầu và ngày cuối", "a period needs both its days")
        return self


class FilledInput(BaseModel):
    """What people fill in, in place of what stands at `revision`."""

    model_config = ConfigDict(extra="forbid")
    revision: Annotated[int, Field(ge=1)]
    filled: Filled


class Revision(BaseModel):
    """The revision after a change."""

    revision: int


class ReportSummary(BaseModel):
    """A report in a list."""

    id: str
    area_id: str
    campaign_id: str | None
    starts_on: date
    ends_on: date
    due_on: date | None
    state: Literal["draft", "submitted"]
    revision: int
    changed_at: AwareDatetime
    submitted_at: AwareDatetime | None


class BelowOut(BaseModel):
    """The report of an area below, for the same campaign and deadline."""

    area: str
    state: str


class Report(ReportSummary):
    """A report with what was filled in, and its figures: those of the last minutes, or those that were submitted."""

    filled: Filled
    figures: Figures | None = Field(
        description="Null where the report was just begun and they are still being counted."
    )
    area_names: dict[str, str] = Field(description="Of the areas in `figures.by_area`.")
    below: list[BelowOut]


class OwedOut(BaseModel):
    """A report that is owed."""

    area: str
    area_name: str
    area_kind: str
    campaign: str
    campaign_name: str
    due_on: date
    state: Literal["missing", "draft", "submitted", "late"]
    report: str | None
    days: int = Field(description="Whole days that are left; negative when the deadline is over.")
    level: int | None = Field(
        description="The reminder that was passed last: 30, 7, 1 days; 0 when it is over; null once it is submitted."
    )


@router.get("/reports/figures", responses=COUNTING)
def read_figures(
    station: StationDep,
    actor: ActorDep,
    *,
    starts_on: date,
    ends_on: Annotated[date, Query(description="The last day.")],
    area: Annotated[str | None, Query(description="The area, and what was under it then.")] = None,
    campaign: str | None = None,
) -> Figures:
    """Figures of any area, campaign and period, from the as-run log alone. Those that take long to count serve again for ten minutes."""
    actor.need(Right.READ, area)
    scope = Scope(starts_on, ends_on, area=area, campaign=campaign)
    return station.reports.counting.figures(scope)


@router.get("/reports/board")
def read_board(
    station: StationDep,
    actor: ActorDep,
    *,
    year: Annotated[int | None, Query(ge=2000, le=2999, description="Default: of the next deadline.")] = None,
) -> list[OwedOut]:
    """Who owes a report for which campaign by the deadline of a year, and who has handed it in."""
    actor.need(Right.READ)
    today, deadline = station.today(), station.reports.deadline
    due_on = deadline.of(year) if year is not None else deadline.next(today)
    with station.database.reading() as session:
        found = station.reports.board(session, due_on)
    return [_owed(each, today) for each in found if actor.may(Right.READ, each.area)]


@router.get("/reports/reminders")
def read_reminders(station: StationDep, actor: ActorDep) -> list[OwedOut]:
    """What is still owed 30, 7 or 1 days before its deadline, or after it."""
    actor.need(Right.READ)
    today = station.today()
    with station.database.reading() as session:
        found = station.reports.reminders(session)
    return [_owed(each, today) for each in found if actor.may(Right.READ, each.area)]


@router.get("/reports/template.docx", response_class=FileResponse)
def read_template(station: StationDep, actor: ActorDep) -> FileResponse:
    """The Word template in force. Edited, it belongs into the station's folder as templates/report.docx."""
    actor.need(Right.READ)
    return FileResponse(station.documents.template(), media_type=MEDIA_TYPES["docx"], filename="report.docx")


@router.get("/reports")
def list_reports(
    station: StationDep, actor: ActorDep, *, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[ReportSummary]:
    """Reports, the one changed last first."""
    actor.need(Right.READ)
    within = actor.within()
    mine = [] if within is None else [Row.area_id.in_(within)]
    with station.database.reading() as session:
        rows = session.scalars(select(Row).where(*mine).order_by(Row.changed_at.desc(), Row.id).limit(limit)).all()
    return [ReportSummary(**{name: getattr(row, name) for name in ReportSummary.model_fields}) for row in rows]


@router.post("/reports", status_code=201)
def begin_report(
    station: StationDep, actor: ActorDep, request: Request, response: Response, body: ReportInput
) -> Report:
    """Begin a report."""
    period = (body.starts_on, body.ends_on) if body.starts_on is not None and body.ends_on is not None else None
    made = station.reports.begin(actor, area=body.area, campaign=body.campaign, due_on=body.due_on, period=period)
    response.headers["Location"] = str(request.url_for("read_report", report_id=made).path)
    try:
        return read_report(station, actor, made)
    except CountingError:  # it is begun all the same
        return _report(station.reports.read(actor, made))


@router.get("/reports/{report_id}", responses=COUNTING)
def read_report(station: StationDep, actor: ActorDep, report_id: str) -> Report:
    """A report with its figures. Those of a draft that take long to count serve again for ten minutes."""
    station.reports.read(actor, report_id)  # whether this person may
    view = station.reports.view(report_id)
    return _report(station.reports.read(actor, report_id), view)  # it may have been handed in meanwhile


@router.put("/reports/{report_id}/filled")
def fill_report(station: StationDep, actor: ActorDep, report_id: str, body: FilledInput) -> Revision:
    """Fill in what the station cannot see. Every revision stays in the audit trail."""
    return Revision(revision=station.reports.fill(actor, report_id, body.filled, revision=body.revision))


@router.post("/reports/{report_id}/submission", responses=COUNTING)
def submit_report(station: StationDep, actor: ActorDep, report_id: str, body: RevisionInput) -> Revision:
    """Hand a report in: it keeps figures that are counted from now on, of all that the log holds by then.

    503 while they are being counted: it is handed in as soon as they are there, unless somebody changes it before. Send the same again to be told.
    """
    return Revision(revision=station.reports.submit(actor, report_id, revision=body.revision))


@router.post("/reports/{report_id}/reopening")
def reopen_report(station: StationDep, actor: ActorDep, report_id: str, body: ReasonInput) -> Revision:
    """Take a submitted report back for changes."""
    return Revision(revision=station.reports.reopen(actor, report_id, reason=body.reason))


@router.get("/reports/{report_id}/document.{form}", response_class=StreamingResponse, responses=COUNTING)
def read_document(station: StationDep, actor: ActorDep, report_id: str, form: Form) -> StreamingResponse:
    """The report as Word or PDF in the form of Nghị định 30/2020/NĐ-CP, or its annex as a workbook: every airing that its figures come from.

    503 while it is being written: ask again.
    """
    return attachment(station.documents.of(actor, report_id, form), form)


def attachment(file: IO[bytes], form: Form, *, name: str = "bao-cao") -> StreamingResponse:
    """A document as a file to keep; it is closed when it has gone."""
    return StreamingResponse(
        iter(lambda: file.read(65536), b""),
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}.{form}"'},
        background=BackgroundTask(file.close),
    )


def _report(row: Row, view: View | None = None) -> Report:
    figures = view.figures if view is not None else None
    names = {part.key: view.areas[part.key] for part in view.figures.by_area if part.key in view.areas} if view else {}
    return Report(
        **{name: getattr(row, name) for name in ReportSummary.model_fields},
        filled=view.filled if view is not None else Filled.model_validate(row.filled),
        figures=figures,
        area_names=names,
        below=[BelowOut(area=each.area, state=each.state) for each in view.below] if view is not None else [],
    )


def _owed(each: Owed, today: date) -> OwedOut:
    names = [name for name in OwedOut.model_fields if name != "days"]
    return OwedOut(**{name: getattr(each, name) for name in names}, days=each.days(today))
