"""The as-run log as a page: searched, leafed through, the newest first, and exported as it was searched."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import Response

from api.auth import ActorDep, StationDep
from api.problems import page_language
from api.web import page as pages
from api.web.area_tree import tree_of
from api.web.words import words
from broadcaster.errors import InvalidError
from broadcaster.log_search import LogQuery, latest
from broadcaster.people import Right
from broadcaster.station import Station
from broadcaster.storage.models import AsRun, LogHead, ProgrammeRecord, Receiver
from devices.wire.messages import ReceiptState

router = pages.router()
ROWS = 50
FAILINGS = ("refused", "failed", "missed", "interrupted")
"""States that say that something went wrong; the choice `ill` asks for all of them."""
Typed = Annotated[str, Query(max_length=300)]


@dataclass(frozen=True)
class Asked:
    """What is looked for, as it was typed."""

    since: str
    until: str
    area: str
    receiver: str
    title: str
    programme: str
    campaign: str
    outcome: str

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def query(self, station: Station) -> LogQuery:
        """Raises InvalidError for an instant or an outcome that is none."""
        zone = ZoneInfo(station.settings.zone)
        if self.outcome not in ("", "ill", *ReceiptState):
            raise InvalidError("Chọn kết quả trong danh sách.", "Choose an outcome of the list.", field="outcome")
        since, until = _instant(self.since, zone, "since"), _instant(self.until, zone, "until")
        if since is not None and until is not None and until <= since:
            raise InvalidError(
                "Thời gian kết thúc đứng trước lúc bắt đầu.", "The time ends before it begins.", field="until"
            )
        found = LogQuery(
            since=since,
            until=until,
            area=self.area or None,
            title=self.title.strip() or None,
            programme=self.programme or None,
            campaign=self.campaign or None,
            states=FAILINGS if self.outcome == "ill" else (self.outcome,) if self.outcome else (),
        )
        if not (name := self.receiver.strip()):
            return found
        with station.database.reading() as session:
            known = session.get(Receiver, name) is not None
        return replace(found, receiver=name) if known else replace(found, receiver_name=name)


def _instant(text: str, zone: ZoneInfo, field: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        raise InvalidError("Chọn ngày và giờ.", "Choose a day and a time.", field=field) from error


def _export(query: LogQuery, tongue: str) -> str:
    """The same search for the service that writes it as a table."""
    given = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in vars(query).items()
        if value is not None and name not in ("states", "within")
    }
    return urlencode([*given.items(), *(("state", state) for state in query.states), ("lang", tongue)])


@router.get("/log")
def log(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    since: Typed = "",
    until: Typed = "",
    area: Typed = "",
    receiver: Typed = "",
    title: Typed = "",
    programme: Typed = "",
    campaign: Typed = "",
    outcome: Typed = "",
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> Response:
    """Rows of the areas in which one serves, the newest first."""
    actor.need(Right.READ)
    asked = Asked(since, until, area, receiver, title, programme, campaign, outcome)
    problem: InvalidError | None = None
    query, rows = LogQuery(), list[AsRun]()
    with station.database.reading() as session:
        programmes = session.execute(select(ProgrammeRecord.id, ProgrammeRecord.name).order_by(ProgrammeRecord.name))
        named = [(row.id, row.name) for row in programmes]
        head = session.get(LogHead, 1)
    try:
        query = asked.query(station)
        with station.database.reading() as session:
            rows = latest(session, replace(query, within=actor.within()), before=before, limit=ROWS + 1)
    except InvalidError as error:
        problem = error
    older = f"/log?{urlencode({**vars(asked), 'before': rows[ROWS - 1].seq})}" if len(rows) > ROWS else None
    ended = words(page_language(request))["area_ended"]
    return pages.page(
        request,
        "log.html",
        actor=actor,
        problem=problem,
        asked=asked,
        rows=rows[:ROWS],
        older=older,
        newest=before is None,
        head=head,
        export=_export(query, page_language(request)),
        areas=tree_of(station).options_ever(actor.within(), ended),
        programmes=named,
        campaigns=[(row.id, row.name) for row in station.campaigns.all(actor)],
        outcomes=("finished", "ill", *(state for state in ReceiptState if state != "finished")),
    )
