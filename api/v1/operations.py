"""Operating today: what stands on the page, once or as a stream; alerts; what was set apart."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from api.auth import ENDED, ActorDep, AddressDep, StationDep, TokenDep
from api.paging import link_next
from broadcaster.alerts.sentences import headline, todo
from broadcaster.canonical import canonical_json
from broadcaster.operating.rows import Today
from broadcaster.people import Right
from broadcaster.set_apart import Code, listed
from broadcaster.storage.models import Alert as AlertRow
from broadcaster.storage.models import AlertDelivery

router = APIRouter(tags=["operating"])
HEARTBEAT_S = 10.0
COALESCED_S = 1.0
"""Changes within so many seconds are one event."""
AreaQuery = Annotated[str | None, Query(description="This area and what is under it; without: all that is yours.")]


@router.get("/operations/today")
def read_today(station: StationDep, actor: ActorDep, area: AreaQuery = None) -> Today:
    """Emergencies, lights, what is on the air, what needs somebody's hand and why, readiness, places, waiting, totals: a hundred rows at most."""
    return station.operating.today(actor, area, version=station.changes.version)


@router.get(
    "/operations/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(read_today)],  # who may not see the area is told before the stream begins
)
async def operations_events(
    *,
    station: StationDep,
    token: TokenDep,
    address: AddressDep,
    area: AreaQuery = None,
    brief: Annotated[
        bool,
        Query(
            description="Only that it has changed: the event's data is its id, for who then asks for what they show."
        ),
    ] = False,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """The same as a stream: the present state at once, then after every change, within two seconds.

    An event's id names what it says: whoever comes back with `Last-Event-ID` is sent the state only if it has changed meanwhile.
    """

    def today(version: int) -> Today:
        return station.operating.today(station.log_ins.recognise(token, address=address), area, version=version)

    shown = last_event_id
    while not station.changes.closed:
        seen = station.changes.version
        try:
            state = await run_in_threadpool(today, seen)
        except ENDED:
            return
        name = name_of(state)
        if name != shown:
            shown = name
            data = name if brief else await run_in_threadpool(_ADAPTER.dump_python, state, mode="json")
            yield ServerSentEvent(event="today", id=name, data=data, retry=2000)
        else:
            yield ServerSentEvent(comment="same")
        await station.changes.pause(COALESCED_S)
        await station.changes.wait(seen, HEARTBEAT_S)


_ADAPTER: TypeAdapter[Today] = TypeAdapter(Today)


def name_of(state: Today) -> str:
    """The same for states that say the same, whenever they were gathered."""
    content = {each.name: _plain(getattr(state, each.name)) for each in fields(state) if each.name != "at"}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if is_dataclass(value):
        return [_plain(getattr(value, each.name)) for each in fields(value)]
    return value


class Alert(BaseModel):
    """Something that somebody has to know of, until its cause is gone."""

    id: str
    rule: str
    severity: str
    area_id: str | None
    size: int = Field(description="How many receivers it is about; 0: the station itself.")
    facts: dict[str, Any]
    text: dict[str, str] = Field(description="In Vietnamese and English.")
    action: dict[str, str] = Field(description="The one thing to do.")
    opened_at: AwareDatetime
    changed_at: AwareDatetime
    resolved_at: AwareDatetime | None
    acknowledged_at: AwareDatetime | None
    acknowledged_name: str | None
    note: str | None

    @classmethod
    def of(cls, row: AlertRow) -> "Alert":
        """From the row."""
        texts, action = headline(row.rule, row.size, row.facts), todo(row.rule)
        given = {name: getattr(row, name) for name in cls.model_fields if name not in ("text", "action")}
        return cls(**given, text=dict(zip(("vi", "en"), texts, strict=True)), action=dict(zip(("vi", "en"), action, strict=True)))  # fmt: skip


class Delivery(BaseModel):
    """One message about an alert, and what became of it."""

    event: str
    channel: str
    target: str
    created_at: AwareDatetime
    attempts: int
    next_at: AwareDatetime | None = Field(description="When it is tried again; null: it is over.")
    delivered_at: AwareDatetime | None
    last_error: str | None

    @classmethod
    def of(cls, row: AlertDelivery) -> "Delivery":
        """From the row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class AcknowledgementInput(BaseModel):
    """What is being done about it."""

    model_config = ConfigDict(extra="forbid")
    note: Annotated[str, Field(max_length=500)] = ""


class SetApart(BaseModel):
    """A message that does not fit, or one receipt of a message, with the reason."""

    id: int
    code: str
    reason: str
    receiver_id: str | None = Field(description="By its topic; not proved unless the message bears its signature.")
    receipt_id: str | None
    topic: str
    payload: str
    received_at: AwareDatetime
    times: int


@router.get("/alerts")
def list_alerts(
    request: Request,
    response: Response,
    station: StationDep,
    actor: ActorDep,
    *,
    after: Annotated[str | None, Query(description="From behind this alert on, as the Link header says.")] = None,
    standing: Annotated[
        bool | None, Query(description="Only those whose cause is still there, or only the others.")
    ] = None,
    before: Annotated[AwareDatetime | None, Query(description="Only those that began before this instant.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Alert]:
    """Alerts of one's areas, the latest first; those of the station itself for whom the whole station is."""
    rows = station.alerts.listed(actor, standing=standing, before=before, after=after, limit=limit + 1)
    if len(rows) > limit:
        link_next(request, response, after=rows[limit - 1].id)
    return [Alert.of(row) for row in rows[:limit]]


@router.post("/alerts/{alert_id}/acknowledgement", status_code=204)
def acknowledge_alert(station: StationDep, actor: ActorDep, alert_id: str, body: AcknowledgementInput) -> None:
    """Say that somebody has it in hand."""
    station.alerts.acknowledge(actor, alert_id, note=body.note)


@router.get("/alerts/{alert_id}/deliveries")
def list_deliveries(station: StationDep, actor: ActorDep, alert_id: str) -> list[Delivery]:
    """What went out by e-mail and webhook, or is still tried."""
    return [Delivery.of(row) for row in station.alerts.deliveries(actor, alert_id)]


@router.post("/alerts/{alert_id}/deliveries", status_code=204)
def retry_deliveries(station: StationDep, actor: ActorDep, alert_id: str) -> None:
    """Try at once what has not arrived."""
    station.alerts.retry(actor, alert_id)


@router.get("/set-apart")
def list_set_apart(
    station: StationDep,
    actor: ActorDep,
    *,
    code: Code | None = None,
    receiver: str | None = None,
    before: Annotated[int | None, Query(description="Only older ones than this id.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[SetApart]:
    """What arrived and does not fit, kept apart from the log, the latest first; for operators of the whole station."""
    actor.need(Right.OPERATE, None)
    with station.database.reading() as session:
        rows = listed(session, code=code, receiver=receiver, before=before, limit=limit)
    return [SetApart(**{name: getattr(row, name) for name in SetApart.model_fields}) for row in rows]
