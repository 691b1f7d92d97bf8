"""One report until it is submitted: its figures, what was filled in, what those below submitted."""

from typing import Annotated

from fastapi import Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.v1.reports import attachment
from api.web import page as pages
from api.web.reports import being_counted, file_name
from broadcaster.errors import BroadcasterError, ConflictError, CountingError, InvalidError
from broadcaster.people import Actor, Right
from broadcaster.reports.documents import Form as DocumentForm
from broadcaster.reports.filled import CHANNELS, sum_of
from broadcaster.station import Station

router = pages.router()


@router.get("/reports/{report_id}")
def one(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    report_id: str,
    handed_in: Annotated[int | None, Query(ge=0, le=999_999_999)] = None,
) -> Response:
    """One report: its figures, what was filled in, what those below submitted, and handing it in.

    `handed_in`: the revision that this person hands in; until it is, the page says how far the count is, and then what came of it.
    """
    revision = station.reports.read(actor, report_id).revision if handed_in is None else handed_in
    try:
        made = station.reports.submission(actor, report_id, revision=revision, wait_s=0)
    except ConflictError as error:
        return _one(request, station, actor, report_id, error)
    except CountingError as error:
        if handed_in is None:
            return RedirectResponse(f"/reports/{report_id}?handed_in={revision}", 303)
        return being_counted(request, actor, error, what="submission", back="/reports")
    if made is not None:
        return RedirectResponse(f"/reports/{report_id}?done=report_submitted", 303)
    return _one(request, station, actor, report_id)


def _one(
    request: Request, station: Station, actor: Actor, report_id: str, problem: BroadcasterError | None = None
) -> Response:
    station.reports.read(actor, report_id)  # whether this person may
    try:
        view = station.reports.view(report_id)
    except CountingError as error:
        if problem is not None:  # which is told once
            raise problem from error
        return being_counted(request, actor, error, what="figures", back="/reports")
    row = station.reports.read(actor, report_id)
    filled = view.filled
    return pages.page(
        request,
        "report.html",
        actor=actor,
        problem=problem,
        row=row,
        view=view,
        figures=view.figures,
        filled=filled,
        empty=filled == filled.head_and_foot(),
        channels=CHANNELS,
        below_sum=sum_of(each.filled for each in view.below if each.filled is not None),
        today=station.today(),
        may_fill=row.state == "draft" and actor.may(Right.EDIT, row.area_id),
        may_release=actor.may(Right.RELEASE, row.area_id),
    )


@router.get("/reports/{report_id}/document.{form}")
def document(request: Request, station: StationDep, actor: ActorDep, report_id: str, form: DocumentForm) -> Response:
    """The report in the form of Nghị định 30/2020/NĐ-CP, or its annex."""
    row = station.reports.read(actor, report_id)
    try:
        file = station.documents.of(actor, report_id, form)
    except CountingError as error:
        return being_counted(request, actor, error, what="document", back=f"/reports/{report_id}")
    return attachment(file, form, name=file_name(row.area_id, row.ends_on))


@router.post("/reports/{report_id}/submission")
def submit(
    request: Request,
    station: StationDep,
    actor: ActorDep,
    report_id: str,
    revision: Annotated[str, Form(max_length=9)] = "",
) -> Response:
    """Hand it in, as it was read."""
    number = int(revision) if revision.isdigit() else 0
    try:
        station.reports.submit(actor, report_id, revision=number)
    except ConflictError as error:
        return _one(request, station, actor, report_id, error)
    except CountingError:
        return RedirectResponse(f"/reports/{report_id}?handed_in={number}", 303)
    return RedirectResponse(f"/reports/{report_id}?done=report_submitted", 303)


@router.post("/reports/{report_id}/reopening")
def reopen(
    request: Request,
    station: StationDep,
    actor: ActorDep,
    report_id: str,
    reason: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Take it back for changes."""
    actor.need(Right.RELEASE)
    try:
        if not reason.strip():
            raise InvalidError("Hãy ghi lý do mở lại.", "Say why it is opened again.", field="reason")
        station.reports.reopen(actor, report_id, reason=reason.strip())
    except BroadcasterError as error:
        return _one(request, station, actor, report_id, error)
    return RedirectResponse(f"/reports/{report_id}?done=report_reopened", 303)
