"""The plan of an area as a calendar to subscribe to, and the calendar of an external programme."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel
from starlette.responses import Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep
from api.uploads import body_of
from broadcaster.calendars import import_calendar, plan_feed
from broadcaster.people import Actor, Right
from schedules.icalendar import MAX_BYTES
from schedules.rules import Rule

router = APIRouter(tags=["calendars"])
_BASIC = HTTPBasic(auto_error=False, description="For calendar programs: a program's token as the password.")


def reader_of(
    station: StationDep,
    token: TokenDep,
    basic: Annotated[HTTPBasicCredentials | None, Depends(_BASIC)],
    address: AddressDep,
) -> Actor:
    """Whose calendar program asks. Raises NotLoggedInError."""
    return station.log_ins.recognise(token or (basic.password if basic is not None else None), address=address)


ReaderDep = Annotated[Actor, Depends(reader_of)]


class ImportedEvent(BaseModel):
    """An event of a calendar as a rule for a bulletin's plan."""

    uid: str
    title: str
    rule: Rule
    duration_s: float | None


class RefusedEvent(BaseModel):
    """An event that cannot be taken, and why."""

    title: str
    vi: str
    en: str


class ImportedCalendar(BaseModel):
    """What was read. Nothing is saved: take the rules over into bulletins or programmes."""

    events: list[ImportedEvent]
    refused: list[RefusedEvent]


@router.get("/areas/{area_id}/plan.ics", response_class=Response, responses={200: {"content": {"text/calendar": {}}}})
def read_feed(
    station: StationDep, actor: ReaderDep, area_id: str, days: Annotated[int, Query(ge=1, le=90)] = 14
) -> Response:
    """What airs in an area as an iCalendar (RFC 5545) to subscribe to: yesterday, and the days to come.

    Calendar programs know user names and passwords only: the password is a program's token, the name is not looked at.
    """
    actor.need_sight([area_id])
    with station.database.reading() as session:
        data = plan_feed(
            session, area_id, now=station.clock.now(), zone=station.settings.zone, ahead=timedelta(days=days)
        )
    return Response(data, media_type="text/calendar; charset=utf-8")


@router.post("/calendars/import")
async def read_calendar(station: StationDep, actor: ActorDep, request: Request) -> ImportedCalendar:
    """The events of an external programme's iCalendar file, sent as the body, as rules in the station's zone."""
    actor.need(Right.EDIT)
    data = await body_of(request, MAX_BYTES)
    # A file of five hundred events takes seconds; nobody else is to wait for it.
    found = await run_in_threadpool(import_calendar, data, zone=station.settings.zone)
    return ImportedCalendar(
        events=[
            ImportedEvent(
                uid=event.uid,
                title=event.title,
                rule=event.rule,
                duration_s=event.duration.total_seconds() if event.duration else None,
            )
            for event in found.events
        ],
        refused=[RefusedEvent(title=title, vi=error.vi, en=error.en) for title, error in found.refused],
    )
