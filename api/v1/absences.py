"""Absences of approvers, and who releases in their place meanwhile."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.auth import ActorDep, StationDep
from api.idempotency import Idempotent
from broadcaster.absences import Away
from broadcaster.people import Right
from broadcaster.station import Station
from devices.wire.messages import Identifier

router = APIRouter(tags=["people"], route_class=Idempotent)


class NewAbsence(BaseModel):
    """Who is away from when until when, and who releases meanwhile."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "deputy": "0b0e7a52-3a0f-4b43-8f0e-5d0f6b1c2a10",
                    "area": "xa-tan-phong",
                    "begins_at": "2026-11-30T00:00:00+07:00",
                    "ends_at": "2026-12-05T00:00:00+07:00",
                    "reason": "Đi công tác",
                }
            ]
        },
    )
    deputy: str | None = Field(None, max_length=64, description="Who may release meanwhile; null: nobody.")
    area: Identifier | None = Field(None, description="Where the deputy may; null: wherever the person may.")
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    reason: Annotated[str, Field(max_length=500)] = ""


class Absence(BaseModel):
    """An absence in force or to come."""

    id: str
    person: str
    name: str
    deputy: str | None
    deputy_name: str | None
    area: str | None
    begins_at: AwareDatetime
    ends_at: AwareDatetime
    reason: str | None

    @classmethod
    def of(cls, away: Away) -> "Absence":
        """From the domain's object."""
        row = away.row
        return cls(
            id=row.id,
            person=row.person_id,
            name=away.name,
            deputy=row.deputy_id,
            deputy_name=away.deputy,
            area=row.area_id,
            begins_at=row.begins_at,
            ends_at=row.ends_at,
            reason=row.reason,
        )


@router.get("/absences")
def list_absences(station: StationDep, actor: ActorDep) -> list[Absence]:
    """Who is or will be away, of those who release where one serves."""
    return [Absence.of(each) for each in station.absences.seen_by(actor)]


@router.post("/people/me/absences", status_code=201)
def note_my_absence(station: StationDep, actor: ActorDep, body: NewAbsence) -> Absence:
    """Note that one is away; the deputy may release from then until then, and no longer."""
    return _noted(station, station.absences.say(actor, **body.model_dump()))


@router.post("/people/me/absences/{absence_id}/ending", status_code=204)
def end_my_absence(station: StationDep, actor: ActorDep, absence_id: str) -> None:
    """One is back: the deputy's right ends at once."""
    station.absences.end(actor, absence_id, person=actor.id)


@router.post("/people/{person_id}/absences", status_code=201)
def note_absence(station: StationDep, actor: ActorDep, person_id: str, body: NewAbsence) -> Absence:
    """Note that somebody else is away, as administrator of all their roles."""
    actor.need(Right.ADMINISTER)
    return _noted(station, station.absences.say(actor, person=person_id, **body.model_dump()))


@router.post("/people/{person_id}/absences/{absence_id}/ending", status_code=204)
def end_absence(station: StationDep, actor: ActorDep, person_id: str, absence_id: str) -> None:
    """Whoever was away is back: the deputy's right ends at once."""
    actor.need(Right.ADMINISTER)
    station.absences.end(actor, absence_id, person=person_id)


def _noted(station: Station, absence: str) -> Absence:
    return next(Absence.of(each) for each in station.absences.coming() if each.row.id == absence)
