"""The lexicon of areas: how a term is read."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.auth import ActorDep, StationDep
from api.v1.readings import Mentioned
from audio.script.letters import names_of
from broadcaster.lexicons import NOTE_LIMIT, Change
from broadcaster.storage.models import LexiconProposal, LexiconRecord

router = APIRouter(tags=["lexicon"])
Term = Annotated[str, Field(min_length=1, max_length=200)]


class EntryInput(BaseModel):
    """How a term is to be read."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"written": "OCOP", "reading": "ốc cốp", "note": "như đài tỉnh"}]},
    )
    written: Term
    reading: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        None, description="Vietnamese syllables; null: its letters are named one by one."
    )
    note: Annotated[str, Field(max_length=NOTE_LIMIT)] = ""


class Entry(BaseModel):
    """An entry: of which area, by whom, since when."""

    area: str
    written: str
    reading: str | None = Field(description="null: spelled.")
    spoken: str
    note: str
    person_id: str
    created_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    ended_by: str | None = None

    @classmethod
    def of(cls, row: LexiconRecord) -> "Entry":
        """From the database's row."""
        names = ("written", "reading", "note", "person_id", "created_at", "ended_at", "ended_by")
        return cls(
            area=row.area_id,
            spoken=names_of(row.written) if row.reading is None else row.reading,
            **{name: getattr(row, name) for name in names},
        )


class AreaLexicon(BaseModel):
    """What holds in an area before the national readings."""

    version: str = Field(description="Changes if and only if something could be read otherwise.")
    entries: list[Entry] = Field(description="By term; `area` says where it comes from: this area or one above it.")


class LexiconChange(BaseModel):
    """What a change brought about."""

    version: str
    anew: list[Mentioned] = Field(description="Waiting bulletins that contain the term: they are spoken anew.")
    unchanged: list[Mentioned] = Field(
        description="Released bulletins that contain the term: not changed, released with the old reading."
    )

    @classmethod
    def of(cls, change: Change) -> "LexiconChange":
        """From the domain's object."""
        return cls(
            version=change.version,
            anew=[Mentioned.of(mention) for mention in change.anew],
            unchanged=[Mentioned.of(mention) for mention in change.unchanged],
        )


@router.get("/areas/{area_id}/lexicon")
def read_lexicon(station: StationDep, actor: ActorDep, area_id: str) -> AreaLexicon:
    """The lexicon in force in an area, with what it has from above."""
    version, rows = station.lexicons.of(actor, area_id)
    return AreaLexicon(version=version, entries=[Entry.of(row) for row in rows])


@router.put("/areas/{area_id}/lexicon")
def put_entry(station: StationDep, actor: ActorDep, area_id: str, body: EntryInput) -> LexiconChange:
    """Have a term read so in this area and below it. A reading that is not made of well-formed syllables is refused."""
    change = station.lexicons.put(actor, area_id, written=body.written, reading=body.reading, note=body.note)
    return LexiconChange.of(change)


@router.delete("/areas/{area_id}/lexicon")
def delete_entry(
    station: StationDep, actor: ActorDep, area_id: str, written: Annotated[Term, Query()]
) -> LexiconChange:
    """End the area's own entry; what stands above it holds again."""
    return LexiconChange.of(station.lexicons.remove(actor, area_id, written))


@router.get("/areas/{area_id}/lexicon/history")
def read_history(
    station: StationDep,
    actor: ActorDep,
    area_id: str,
    written: Annotated[Term | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[Entry]:
    """The area's own entries, those in force and those that ended, the newest first."""
    return [Entry.of(row) for row in station.lexicons.history(actor, area_id, written=written, limit=limit)]


class ProposalInput(BaseModel):
    """A reading that is proposed for an area."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"written": "OCOP", "reading": "ốc cốp"}]}
    )
    written: Term
    reading: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        None, description="Vietnamese syllables; null: its letters are named one by one."
    )


class AnswerInput(BaseModel):
    """Why a proposal is accepted, as the entry's note, or declined."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "như đài tỉnh"}]})
    reason: Annotated[str, Field(max_length=NOTE_LIMIT)] = ""


class Proposal(BaseModel):
    """A reading that waits for an answer."""

    id: str
    area: str
    written: str
    reading: str | None = Field(description="null: spelled.")
    bulletin: str | None = Field(description="Where it came up.")
    person_id: str
    name: str
    created_at: AwareDatetime

    @classmethod
    def of(cls, row: LexiconProposal, name: str) -> "Proposal":
        """From the database's row."""
        names = ("id", "written", "reading", "person_id", "created_at")
        return cls(
            area=row.area_id, bulletin=row.bulletin_id, name=name, **{each: getattr(row, each) for each in names}
        )


@router.get("/areas/{area_id}/lexicon/proposals")
def list_proposals(station: StationDep, actor: ActorDep, area_id: str) -> list[Proposal]:
    """What is proposed for the area's lexicon and waits for an answer, the oldest first."""
    return [Proposal.of(row, name) for row, name in station.proposals.waiting(actor, area_id)]


@router.post("/areas/{area_id}/lexicon/proposals", status_code=204)
def make_proposal(station: StationDep, actor: ActorDep, area_id: str, body: ProposalInput) -> None:
    """Propose a reading to whoever keeps the lexicon of an area; what waits there already is not put twice."""
    station.proposals.make(actor, area_id, written=body.written, reading=body.reading)


@router.post("/lexicon-proposals/{proposal_id}/acceptance")
def accept_proposal(station: StationDep, actor: ActorDep, proposal_id: str, body: AnswerInput) -> LexiconChange:
    """Make it an entry of its area."""
    return LexiconChange.of(station.proposals.accept(actor, proposal_id, reason=body.reason)[1])


@router.post("/lexicon-proposals/{proposal_id}/refusal", status_code=204)
def decline_proposal(station: StationDep, actor: ActorDep, proposal_id: str, body: AnswerInput) -> None:
    """Decline it, with a reason."""
    station.proposals.decline(actor, proposal_id, reason=body.reason)
