"""Reports: who owes one, and the figures of any place and period."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Form, Query, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.v1.reports import attachment
from api.web import page as pages
from api.web.area_tree import AreaTree, tree_of
from broadcaster.errors import BroadcasterError, ConflictError, CountingError, InvalidError
from broadcaster.people import Actor, Right
from broadcaster.reports.board import Owed
from broadcaster.reports.documents import Form as DocumentForm
from broadcaster.reports.figures import Figures, Scope
from broadcaster.station import Station
from broadcaster.storage.models import Area, Campaign, Report

router = pages.router()
DRAWN = 100
LATEST = 20
YEARS = 4
"""Years of the board that are offered, the coming deadline's first."""


@dataclass(frozen=True)
class Choice:
    """What figures are asked for, as it was typed; empty is the whole station, or whatever aired."""

    area: str
    campaign: str
    starts_on: str
    ends_on: str

    @property
    def query(self) -> str:
        """For an address."""
        return urlencode(vars(self))

    def scope(self) -> Scope:
        """Raises InvalidError for days that are none, or stand in the wrong order."""
        try:
            starts_on, ends_on = date.fromisoformat(self.starts_on), date.fromisoformat(self.ends_on)
        except ValueError as error:
            raise InvalidError(
                "Chọn ngày đầu và ngày cuối.", "Choose the first and the last day.", field="starts_on"
            ) from error
        if ends_on < starts_on:
            raise InvalidError("Ngày cuối đứng trước ngày đầu.", "The period ends before it begins.", field="ends_on")
        if ends_on.year > 9000:
            raise InvalidError("Năm quá xa.", "That year is too far.", field="ends_on")
        return Scope(starts_on, ends_on, area=self.area or None, campaign=self.campaign or None)


def _usual(station: Station, actor: Actor, tree: AreaTree, campaigns: list[Campaign]) -> Choice:
    """One's own commune, the campaign that is on, the period of the report that is owed next."""
    today, deadline = station.today(), station.reports.deadline
    area = tree.first(actor) or ""
    line = {above.id for above in tree.way(area)} if area in tree.areas else set()
    on = (row.id for row in campaigns if row.starts_on <= today <= row.ends_on and row.area_id in (None, *line))
    starts_on, ends_on = deadline.period(deadline.next(today))
    return Choice(area, next(on, ""), starts_on.isoformat(), ends_on.isoformat())


def _periods(station: Station) -> list[tuple[str, date, date]]:
    """Periods that people ask for, by their words."""
    today, deadline = station.today(), station.reports.deadline
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    last = today.replace(day=1) - timedelta(days=1)
    return [
        ("rep_reporting_year", *deadline.period(deadline.next(today))),
        ("rep_this_year", date(today.year, 1, 1), date(today.year, 12, 31)),
        ("rep_this_quarter", quarter, (quarter + timedelta(days=95)).replace(day=1) - timedelta(days=1)),
        ("rep_last_month", last.replace(day=1), last),
    ]


def _choosing(station: Station, actor: Actor) -> dict[str, Any]:
    """What the form of figures is drawn with."""
    tree, campaigns = tree_of(station), station.campaigns.all(actor)
    return {
        "tree": tree,
        "areas": tree.options(actor.within()),
        "whole": actor.may(Right.READ, None),
        "campaigns": [(row.id, row.name) for row in campaigns],
        "choice": _usual(station, actor, tree, campaigns),
    }


@router.get("/reports")
def reports(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    year: Annotated[int | None, Query(ge=2000, le=2999)] = None,
    campaign: Annotated[str, Query(max_length=64)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Who owes a report and by when, figures to ask for, and what was reported lately."""
    return _board(request, station, actor, year=year, campaign=campaign, state=state)


def _board(
    request: Request,
    station: Station,
    actor: Actor,
    *,
    year: int | None = None,
    campaign: str = "",
    state: str = "",
    problem: BroadcasterError | None = None,
) -> Response:
    actor.need(Right.READ)
    today, deadline = station.today(), station.reports.deadline
    coming = deadline.next(today)
    due_on = deadline.of(year) if year is not None else coming
    within = actor.within()
    mine = [] if within is None else [Report.area_id.in_(within)]
    with station.database.reading() as session:
        owed = station.reports.board(session, due_on)
        pressing = station.reports.reminders(session)
        own = select(Report).where(Report.due_on.is_(None), *mine).order_by(Report.changed_at.desc()).limit(LATEST)
        others = session.scalars(own).all()
    owed = [each for each in owed if actor.may(Right.READ, each.area)]
    asked = [each for each in owed if campaign in ("", each.campaign)]
    shown = [each for each in asked if _matches(each, state)]
    return pages.page(
        request,
        "reports.html",
        actor=actor,
        problem=problem,
        today=today,
        due_on=due_on,
        years=[coming.year - back for back in range(YEARS)],
        owed=shown[:DRAWN],
        more=max(0, len(shown) - DRAWN),
        any_owed=bool(owed),
        counts={name: sum(_matches(each, name) for each in asked) for name in ("", *STATES)},
        pressing=[each for each in pressing if actor.may(Right.READ, each.area)],
        others=others,
        campaign=campaign,
        state=state,
        period=deadline.period(due_on),
        may_begin={each.area for each in shown[:DRAWN] if actor.may(Right.EDIT, each.area)},
        may_plan=actor.may(Right.EDIT),
        **_choosing(station, actor),
    )


STATES = ("open", "done", "late")


def _matches(each: Owed, state: str) -> bool:
    """Open: still owed; done: submitted in time; late: submitted after the deadline, or owed behind it."""
    if state == "open":
        return each.state in ("missing", "draft")
    if state == "done":
        return each.state == "submitted"
    return state != "late" or each.state == "late" or each.level == 0


@router.post("/reports")
def begin(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: Annotated[str, Form(max_length=64)] = "",
    campaign: Annotated[str, Form(max_length=64)] = "",
    starts_on: Annotated[str, Form(max_length=10)] = "",
    ends_on: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Begin a report: the one that is owed where the period is a reporting year's. One that was begun already is opened."""
    actor.need(Right.EDIT)
    deadline = station.reports.deadline
    choice = Choice(area, campaign, starts_on, ends_on)
    try:
        scope = choice.scope()
        period = (scope.starts_on, scope.ends_on)
        owed = campaign != "" and scope.ends_on.year > 1 and period == deadline.period(deadline.of(scope.ends_on.year))
        made = station.reports.begin(
            actor,
            area=area,
            campaign=scope.campaign,
            due_on=scope.ends_on if owed else None,
            period=None if owed else period,
        )
    except ConflictError as error:
        if isinstance(begun := error.details.get("report"), str):
            return RedirectResponse(f"/reports/{begun}", 303)
        return _figures(request, station, actor, choice, problem=error)
    except BroadcasterError as error:
        return _figures(request, station, actor, choice, problem=error)
    return RedirectResponse(f"/reports/{made}?done=report_begun", 303)


@router.get("/reports/figures")
def figures(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: Annotated[str | None, Query(max_length=64)] = None,
    campaign: Annotated[str, Query(max_length=64)] = "",
    starts_on: Annotated[str, Query(max_length=10)] = "",
    ends_on: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The figures of a place, a campaign and a period, from the as-run log of this moment."""
    actor.need(Right.READ)
    if area is None:
        tree = tree_of(station)
        return _figures(request, station, actor, _usual(station, actor, tree, station.campaigns.all(actor)))
    return _figures(request, station, actor, Choice(area, campaign, starts_on, ends_on))


def _figures(
    request: Request, station: Station, actor: Actor, choice: Choice, *, problem: BroadcasterError | None = None
) -> Response:
    found: Figures | None = None
    names: dict[str, str] = {}
    if problem is None:
        actor.need(Right.READ, choice.area or None)
        try:
            scope = choice.scope()
            found = station.reports.counting.figures(scope)
            with station.database.reading() as session:
                parts = [part.key for part in found.by_area]
                names = dict(session.execute(select(Area.id, Area.name).where(Area.id.in_(parts))).all())
        except (InvalidError, CountingError) as error:
            problem = error
    context = _choosing(station, actor) | {"choice": choice}
    return pages.page(
        request,
        "report_figures.html",
        actor=actor,
        problem=problem,
        percent=problem.percent if isinstance(problem, CountingError) else None,
        figures=found,
        names=names,
        periods=_periods(station),
        may_begin=bool(choice.area) and actor.may(Right.EDIT, choice.area),
        **context,
    )


@router.get("/reports/figures/document.{form}")
def document_of_figures(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    form: DocumentForm,
    area: Annotated[str, Query(max_length=64)] = "",
    campaign: Annotated[str, Query(max_length=64)] = "",
    starts_on: Annotated[str, Query(max_length=10)] = "",
    ends_on: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """The same as a document, with nothing filled in."""
    choice = Choice(area, campaign, starts_on, ends_on)
    scope = choice.scope()
    try:
        file = station.documents.of_scope(actor, scope, form)
    except CountingError as error:
        return being_counted(request, actor, error, what="document", back=f"/reports/figures?{choice.query}")
    return attachment(file, form, name=file_name(scope.area, scope.ends_on))


def being_counted(request: Request, actor: Actor, error: CountingError, *, what: str, back: str) -> Response:
    """How far it is with figures, with a document, or with what is being handed in; it loads itself again until they are there."""
    return pages.page(request, "counting.html", actor=actor, problem=error, percent=error.percent, what=what, back=back)


def file_name(area: str | None, ends_on: date) -> str:
    """Told apart in a folder of downloads, in letters that every system takes."""
    place = "".join(char for char in area or "" if char.isascii() and (char.isalnum() or char == "-"))
    return "-".join(part for part in ("bao-cao", place, str(ends_on.year)) if part)
