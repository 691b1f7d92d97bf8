"""The as-run log: what receivers stated, in the order in which it was written."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from api.auth import ActorDep, StationDep
from api.paging import link_next
from api.problems import Language, language
from broadcaster import asrun, ledger
from broadcaster.log_search import LogQuery, as_csv, as_xlsx, page
from broadcaster.people import Right
from devices.wire.messages import ReceiptState

router = APIRouter(tags=["as-run log"])
LanguageDep = Annotated[Language, Depends(language)]


class LogPage(BaseModel):
    """Rows of the log."""

    items: list[dict[str, Any]]
    next: int | None = Field(description="Give it as `after` for the next page.")


class Verification(BaseModel):
    """Whether the log is what it was when it was written."""

    rows: int = Field(description="How many rows of receivers were looked at.")
    actions: int = Field(description="And how many of people: the audit log stands in the same chain.")
    ok: bool
    faults: list[ledger.Fault] = Field(description="What is wrong and where; a hundred at most.")


def _query(
    actor: ActorDep,
    *,
    since: Annotated[AwareDatetime | None, Query(description="From this instant, by the receiver's clock.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Before this instant.")] = None,
    area: Annotated[str | None, Query(description="The area, and what was under it then.")] = None,
    receiver: Annotated[str | None, Query(description="Its id.")] = None,
    receiver_name: Annotated[
        str | None,
        Query(max_length=300, description="A part of its name, as it was then, with marks and capitals or without."),
    ] = None,
    bulletin: str | None = None,
    title: Annotated[
        str | None,
        Query(max_length=300, description="A part of the bulletin's title, with marks and capitals or without."),
    ] = None,
    airing: str | None = None,
    programme: Annotated[str | None, Query(description="Its id.")] = None,
    campaign: Annotated[str | None, Query(description="Its id.")] = None,
    state: Annotated[list[ReceiptState] | None, Query()] = None,
) -> LogQuery:
    actor.need(Right.READ)
    return LogQuery(
        within=actor.within(),
        since=since,
        until=until,
        area=area,
        receiver=receiver,
        receiver_name=receiver_name,
        bulletin=bulletin,
        title=title,
        airing=airing,
        programme=programme,
        campaign=campaign,
        states=tuple(each.value for each in state or ()),
    )


QueryDep = Annotated[LogQuery, Depends(_query)]


@router.get("/as-run")
def read_log(
    request: Request,
    response: Response,
    station: StationDep,
    query: QueryDep,
    *,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> LogPage:
    """Rows after the sequence number `after`, of the areas in which one serves."""
    with station.database.reading() as session:
        rows = page(session, query, after=after, limit=limit + 1)
    if len(rows) > limit:
        link_next(request, response, after=rows[limit - 1].seq)
    return LogPage(
        items=[asrun.as_json(row) for row in rows[:limit]], next=rows[limit - 1].seq if len(rows) > limit else None
    )


@router.get("/as-run.csv", response_class=StreamingResponse)
def export_csv(station: StationDep, query: QueryDep, tongue: LanguageDep) -> StreamingResponse:
    """What was found as CSV, streamed however long it is."""

    def pieces() -> Iterator[str]:
        with station.database.reading() as session:
            yield from as_csv(session, query, zone=station.settings.zone, tongue=tongue)

    return StreamingResponse(
        pieces(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="as-run.csv"'},
    )


@router.get("/as-run.xlsx", response_class=StreamingResponse)
def export_xlsx(station: StationDep, query: QueryDep, tongue: LanguageDep) -> StreamingResponse:
    """What was found as a workbook."""
    with station.database.reading() as session:
        file = as_xlsx(session, query, zone=station.settings.zone, tongue=tongue)
    return StreamingResponse(
        iter(lambda: file.read(65536), b""),
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": 'attachment; filename="as-run.xlsx"'},
        background=BackgroundTask(file.close),
    )


@router.get("/as-run/verification")
def verify_log(station: StationDep, actor: ActorDep) -> Verification:
    """Walk the log from its first row to its last: the chain, its signed head and checkpoints, each receiver's signature."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        finding = ledger.verify(session, station.signatory.ring())
    return Verification(rows=finding.rows, actions=finding.actions, ok=finding.ok, faults=finding.faults)
