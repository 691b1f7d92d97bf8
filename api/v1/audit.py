"""The audit log: who did what, when, from where, before and after."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from api.auth import ActorDep, StationDep
from api.paging import link_next
from broadcaster import audit
from broadcaster.audit import AuditQuery
from broadcaster.people import Right
from broadcaster.reach import reach_of

router = APIRouter(tags=["audit"])


class AuditEntry(BaseModel):
    """What somebody did. Its number and its hashes are those of the log that it shares with what receivers stated."""

    seq: int
    at: AwareDatetime
    actor_id: str = Field(description="Empty for whoever holds the station's folder, or where nobody logged in.")
    actor_name: str
    address: str = Field(description="Where the request came from; only for administrators, and of one's own.")
    action: str
    subject: str
    area_id: str | None = Field(description="The lowest area that holds all it concerned; null: the whole station.")
    reason: str | None
    before: dict[str, Any] | None = Field(description="What changed, as it was.")
    after: dict[str, Any] | None
    details: dict[str, Any] | None
    hash: str


@router.get("/audit")
def read_audit(
    request: Request,
    response: Response,
    station: StationDep,
    actor: ActorDep,
    *,
    since: AwareDatetime | None = None,
    until: Annotated[AwareDatetime | None, Query(description="Before this instant.")] = None,
    person: Annotated[str | None, Query(description="The id of whoever did it.")] = None,
    action: Annotated[
        str | None, Query(max_length=60, description="Whole or its first words: `bulletin` finds all of bulletins.")
    ] = None,
    area: Annotated[str | None, Query(description="The area and what is under it.")] = None,
    subject: Annotated[str | None, Query(max_length=100, description="The id of what it was done to.")] = None,
    after: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="From behind this entry on, as the Link header says.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[AuditEntry]:
    """What was done where one serves, the newest first. Entries on accounts are for their administrators."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        within = None if area is None else reach_of(session, area, station.today()).under
        query = AuditQuery(since=since, until=until, person=person, action=action, area=within, subject=subject)
        rows = audit.page(session, actor, query, after=after, limit=limit + 1)
    if len(rows) > limit:
        link_next(request, response, after=rows[limit - 1].seq)
    found = []
    for row in rows[:limit]:
        entry = AuditEntry(**{name: getattr(row, name) for name in AuditEntry.model_fields})
        seen = row.actor_id == actor.id or actor.may(Right.ADMINISTER, row.area_id)
        found.append(entry if seen else entry.model_copy(update={"address": ""}))
    return found
