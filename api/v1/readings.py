"""Settling how uncertain parts of a bulletin are read."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from api.auth import ActorDep, StationDep
from api.v1.bulletins import Bulletin, SettledReading, present
from broadcaster.lexicons import Mention
from broadcaster.readings import LONGEST, Choice
from broadcaster.storage.models import SettlementRecord
from schedules.unfit import UnfitError

router = APIRouter(tags=["readings"])


class Mentioned(BaseModel):
    """A bulletin that a change concerns."""

    id: str
    title: str

    @classmethod
    def of(cls, mention: Mention) -> "Mentioned":
        """From the domain's object."""
        return cls(id=mention.id, title=mention.title)


class ReadingInput(BaseModel):
    """A decision: with neither `reading` nor `spelled` it confirms what is proposed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "57-NQ/T", "proposed": "năm mươi bảy", "reading": "năm mươi bảy của trung ương"},
                {"text": "OCOP", "proposed": "o xê o pê", "reading": "ốc cốp", "area": "xa-tan-phong"},
            ]
        },
    )
    text: Annotated[str, Field(min_length=1, max_length=LONGEST)] = Field(description="As written in the bulletin.")
    proposed: Annotated[str, Field(max_length=5000)] = Field(description="The reading that `quality.uncertain` tells.")
    reading: Annotated[str, Field(min_length=1, max_length=5000)] | None = Field(
        None, description="Vietnamese syllables; an alternative or another."
    )
    spelled: bool = Field(False, description="Name its letters one by one.")
    area: str | None = Field(
        None, description="Keep it in this area's lexicon, for every bulletin; null: for this bulletin alone."
    )

    propose: str | None = Field(
        None, description="For this bulletin, and proposed to this area's lexicon, whose keepers accept or decline it."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "ReadingInput":
        if self.spelled and self.reading is not None:
            raise UnfitError(
                "chỉ cho cách đọc (reading) hoặc đánh vần (spelled), không cả hai", "give either a reading or spelled"
            )
        return self

    def choice(self) -> Choice:
        """The same, for the domain."""
        return Choice(self.text, self.proposed, self.reading, self.spelled, self.area, self.propose)


class ReadingsInput(BaseModel):
    """Decisions on the bulletin's present revision. Those made before stay."""

    model_config = ConfigDict(extra="forbid")
    revision: int
    readings: Annotated[list[ReadingInput], Field(min_length=1, max_length=1000)]


class SettledBulletin(BaseModel):
    """The bulletin now, and other waiting bulletins that a lexicon entry made here speaks anew."""

    bulletin: Bulletin
    anew: list[Mentioned]


class PastReading(SettledReading):
    """A decision that stands, or one that was replaced or taken back."""

    ended_at: AwareDatetime | None
    ended_by: str | None

    @classmethod
    def of(cls, row: SettlementRecord) -> "PastReading":
        """From the database's row."""
        return cls(**SettledReading.of(row).model_dump(), ended_at=row.ended_at, ended_by=row.ended_by)


@router.put("/bulletins/{bulletin_id}/readings")
def settle_readings(station: StationDep, actor: ActorDep, bulletin_id: str, body: ReadingsInput) -> SettledBulletin:
    """Settle readings: on each place of the bulletin that has this text and this proposed reading.

    It is an edit, so a submitted bulletin is a draft again; the speech is made again only where something else is said.
    """
    anew = station.readings.settle(
        actor, bulletin_id, [reading.choice() for reading in body.readings], revision=body.revision
    )
    return SettledBulletin(
        bulletin=present(station, actor, bulletin_id), anew=[Mentioned.of(mention) for mention in anew]
    )


@router.get("/bulletins/{bulletin_id}/readings")
def list_readings(station: StationDep, actor: ActorDep, bulletin_id: str) -> list[PastReading]:
    """Who settled what, and when; the newest first, with what was replaced or taken back."""
    return [PastReading.of(row) for row in station.readings.of(actor, bulletin_id)]


@router.delete("/bulletins/{bulletin_id}/readings/{reading_id}")
def reopen_reading(
    station: StationDep, actor: ActorDep, bulletin_id: str, reading_id: str, revision: Annotated[int, Query()]
) -> Bulletin:
    """Take a decision back: the reading is uncertain again."""
    station.readings.reopen(actor, bulletin_id, reading_id, revision=revision)
    return present(station, actor, bulletin_id)
