"""Airings with their ladder of proof, once or as a stream."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_

from api.auth import ENDED, ActorDep, AddressDep, StationDep, TokenDep
from api.paging import link_next
from broadcaster.errors import NotFoundError
from broadcaster.ladder import RUNGS, Climb, Ladder, current, ladder
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import Airing as AiringRow
from broadcaster.storage.models import Bulletin
from broadcaster.whereabouts import airings_for, need_sight

router = APIRouter(tags=["airings"])
HEARTBEAT_S = 10.0


class Rung(BaseModel):
    """How many receivers of the airing reached a rung, by their own word."""

    rung: str
    receivers: int


class ReceiverProof(BaseModel):
    """One receiver's way up the ladder."""

    receiver: str
    name: str
    kind: str
    area: str
    outcome: str = Field(description="finished, or how it left the ladder, or the highest rung so far, or unknown.")
    states: dict[str, AwareDatetime] = Field(description="The instant of each state, by the receiver's clock.")
    reason: str | None
    evidence: dict[str, Any] | None

    @classmethod
    def of(cls, climb: Climb) -> "ReceiverProof":
        """From the domain's object."""
        return cls(**{name: getattr(climb, name) for name in cls.model_fields})


class Airing(BaseModel):
    """One dated occurrence of a released bulletin."""

    id: str
    bulletin_id: str
    title: str
    priority: str
    due_at: AwareDatetime
    starts_at: AwareDatetime | None = Field(description="Where it was moved to; null: at `due_at`.")
    drill: bool
    programme_id: str | None
    slot_at: AwareDatetime | None = Field(description="When the programme's slot begins.")
    campaign_id: str | None
    duration_ms: int
    state: str
    state_reason: str | None
    clip_sha256: str


class AiringWithProof(Airing):
    """An airing and what each receiver said of it."""

    sent_at: AwareDatetime | None
    rungs: list[Rung]
    receivers: list[ReceiverProof]

    @classmethod
    def of(cls, proof: Ladder) -> "AiringWithProof":
        """From the domain's object."""
        return cls(
            **{name: getattr(proof.airing, name) for name in Airing.model_fields},
            sent_at=proof.sent_at,
            rungs=[Rung(rung=rung, receivers=proof.count(rung)) for rung in RUNGS[2:]],
            receivers=[ReceiverProof.of(climb) for climb in proof.climbs],
        )


@router.get("/airings")
def list_airings(
    request: Request,
    response: Response,
    station: StationDep,
    actor: ActorDep,
    *,
    after: Annotated[str | None, Query(description="From behind this airing on, as the Link header says.")] = None,
    start: AwareDatetime | None = None,
    end: AwareDatetime | None = None,
    bulletin: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Airing]:
    """Airings in order of their instant, from `start` (included) to `end` (not included)."""
    actor.need(Right.READ)
    query = select(AiringRow).where(*airings_for(actor)).order_by(AiringRow.due_at, AiringRow.id).limit(limit + 1)
    if start is not None:
        query = query.where(AiringRow.due_at >= start)
    if end is not None:
        query = query.where(AiringRow.due_at < end)
    if bulletin is not None:
        query = query.where(AiringRow.bulletin_id == bulletin)
    with station.database.reading() as session:
        if after is not None:
            last = session.get(AiringRow, after)
            if last is None:
                raise NotFoundError(f"Không có lượt phát '{after}'.", f"There is no airing '{after}'.")
            query = query.where(tuple_(AiringRow.due_at, AiringRow.id) > (last.due_at, last.id))
        rows = session.scalars(query).all()
    if len(rows) > limit:
        link_next(request, response, after=rows[limit - 1].id)
    return [Airing(**{name: getattr(row, name) for name in Airing.model_fields}) for row in rows[:limit]]


class SkipInput(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Có tang lễ trong thôn"}]})
    reason: Annotated[str, Field(min_length=1, max_length=300)]


class MoveInput(SkipInput):
    """When instead, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "Trùng giờ họp thôn", "to": "2026-12-01T18:00:00+07:00"}]}
    )

    to: AwareDatetime


class PrecedenceInput(BaseModel):
    """Clashing `priority` airings, in the order in which they are to air."""

    model_config = ConfigDict(extra="forbid")
    airings: Annotated[list[str], Field(min_length=2, max_length=20)]


class Succession(BaseModel):
    """When an airing begins by that order."""

    airing: str
    starts_at: AwareDatetime


@router.post("/airings/{airing_id}/skip", status_code=204)
def skip_airing(station: StationDep, actor: ActorDep, airing_id: str, body: SkipInput) -> None:
    """Let one airing not air; its order is taken back."""
    station.overrides.skip(actor, airing_id, reason=body.reason)


@router.post("/airings/{airing_id}/move", status_code=204)
def move_airing(station: StationDep, actor: ActorDep, airing_id: str, body: MoveInput) -> None:
    """Let one airing begin at another instant; an approver who is not the author decides."""
    station.overrides.move(actor, airing_id, to=body.to, reason=body.reason)


@router.put("/plan/precedence")
def decide_precedence(station: StationDep, actor: ActorDep, body: PrecedenceInput) -> list[Succession]:
    """The commune's own order of clashing `priority` items: one begins after the other."""
    found = station.overrides.decide(actor, body.airings)
    return [Succession(airing=airing, starts_at=at) for airing, at in found]


@router.get("/airings/{airing_id}")
def read_airing(station: StationDep, actor: ActorDep, airing_id: str) -> AiringWithProof:
    """One airing with its ladder of proof."""
    return airing_with_proof(station, actor, airing_id)


def airing_with_proof(station: Station, actor: Actor, airing_id: str) -> AiringWithProof:
    """One airing, for who may see it. Raises NotFoundError, ForbiddenError."""
    with station.database.reading() as session:
        row = session.get(AiringRow, airing_id)
        if row is None:
            raise NotFoundError(f"Không có lượt phát '{airing_id}'.", f"There is no airing '{airing_id}'.")
        need_sight(session, actor, session.get_one(Bulletin, row.bulletin_id))
        return AiringWithProof.of(ladder(session, row, within=actor.within()))


def current_airing(station: Station, actor: Actor) -> AiringWithProof | None:
    """The airing that is on, or the next, or the last one, where this person serves; with the receivers there."""
    with station.database.reading() as session:
        row = current(session, station.clock.now(), *airings_for(actor))
        return AiringWithProof.of(ladder(session, row, within=actor.within())) if row else None


@router.get("/now", response_model=AiringWithProof | None)
def now(station: StationDep, actor: ActorDep) -> AiringWithProof | None:
    """The airing that is on, or the next, or the last one; null before the first."""
    actor.need(Right.READ)
    return current_airing(station, actor)


@router.get(
    "/airings/{airing_id}/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(read_airing)],  # who may not see it is told before the stream begins
)
async def airing_events(
    station: StationDep, token: TokenDep, address: AddressDep, airing_id: str
) -> AsyncIterator[ServerSentEvent]:
    """One airing as a stream: its present state at once, then after every change."""

    def read() -> AiringWithProof:
        return airing_with_proof(station, station.log_ins.recognise(token, address=address), airing_id)

    async for event in _stream(station, read):
        yield event


@router.get(
    "/now/events",
    response_class=EventSourceResponse,
    dependencies=[Depends(now)],
)
async def now_events(station: StationDep, token: TokenDep, address: AddressDep) -> AsyncIterator[ServerSentEvent]:
    """The airing that is on as a stream: the present state at once, then after every change."""

    def read() -> AiringWithProof | None:
        return now(station, station.log_ins.recognise(token, address=address))

    async for event in _stream(station, read):
        yield event


async def _stream(station: Station, read: Callable[[], AiringWithProof | None]) -> AsyncIterator[ServerSentEvent]:
    seen, shown = -1, object()
    while not station.changes.closed:
        seen = station.changes.version
        try:
            state = await run_in_threadpool(read)
        except ENDED:
            return
        if state != shown:
            shown = state
            data = state.model_dump(mode="json") if state else None
            yield ServerSentEvent(event="airing", id=str(seen), data=data, retry=2000)
        await station.changes.wait(seen, HEARTBEAT_S)
