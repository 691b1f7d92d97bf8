"""The as-run log: what receivers stated, in the order in which it was written."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlalchemy import select

from api.auth import ActorDep, StationDep
from broadcaster import asrun
from broadcaster.people import Right
from broadcaster.storage.models import AsRun

router = APIRouter(tags=["as-run log"])


class LogPage(BaseModel):
    """Rows of the log."""

    items: list[dict[str, Any]]
    next: int | None = Field(description="Give it as `after` for the next page.")


class Verification(BaseModel):
    """Whether the chain of hashes holds."""

    rows: int = Field(description="How many rows are right, from the first.")
    ok: bool
    fault_seq: int | None = None
    fault: str | None = None


@router.get("/as-run")
def read_log(
    station: StationDep,
    actor: ActorDep,
    *,
    after: Annotated[int, Query(ge=0)] = 0,
    airing: str | None = None,
    receiver: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> LogPage:
    """Rows after the sequence number `after`."""
    actor.need(Right.READ)
    query = select(AsRun).where(AsRun.seq > after).order_by(AsRun.seq).limit(limit + 1)
    if airing is not None:
        query = query.where(AsRun.airing_id == airing)
    if receiver is not None:
        query = query.where(AsRun.receiver_id == receiver)
    with station.database.reading() as session:
        rows = session.scalars(query).all()
    return LogPage(
        items=[asrun.as_json(row) for row in rows[:limit]], next=rows[limit - 1].seq if len(rows) > limit else None
    )


@router.get("/as-run/verification")
def verify_log(station: StationDep, actor: ActorDep) -> Verification:
    """Walk the chain of hashes from the first row to the last."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        rows, fault = asrun.verify(session)
    return Verification(
        rows=rows, ok=fault is None, fault_seq=fault.seq if fault else None, fault=fault.problem if fault else None
    )
