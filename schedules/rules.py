"""Rules: when something airs. Expanded to instants in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from schedules.recurrence import Recurring
from schedules.unfit import UnfitError

REACH = timedelta(minutes=2)
"""What is to air at once goes out so long before its instant: receivers fetch its clip and start together."""


def _to_the_millisecond(instant: datetime) -> datetime:
    # As orders and receipts carry instants: so that "not before its instant" can be read off the log.
    return instant.astimezone(UTC).replace(microsecond=instant.microsecond // 1000 * 1000)


class Once(BaseModel):
    """One airing at an instant, in UTC to the millisecond."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["once"] = "once"
    at: Annotated[AwareDatetime, AfterValidator(_to_the_millisecond)]

    def instants(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The instants in [start, end), in UTC, in order."""
        if start <= self.at < end:
            yield self.at


class Repeating(BaseModel):
    """Again and again, day and night, from `start` until `until` (UTC; None: until it is updated or cancelled).

    For emergencies: storm and flood news every two hours until superseded (Quyết định 18/2021/QĐ-TTg).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["repeating"] = "repeating"
    start: Annotated[AwareDatetime, AfterValidator(_to_the_millisecond)]
    every_minutes: Annotated[int, Field(ge=5, le=24 * 60)] = 120
    until: Annotated[AwareDatetime, AfterValidator(_to_the_millisecond)] | None = None

    @model_validator(mode="after")
    def _airs_something(self) -> "Repeating":
        if self.until is not None and self.until <= self.start:
            raise UnfitError("until phải sau start", "until must lie after start")
        return self

    def instants(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The instants in [start, end) and before `until`, in UTC, in order."""
        every = timedelta(minutes=self.every_minutes)
        at = self.start + max(0, -(-(start - self.start) // every)) * every
        last = end if self.until is None else min(end, self.until)
        while at < last:
            yield at
            at += every


class AtOnce(BaseModel):
    """One airing as soon as it is released: the instant is that of the release, and what it takes to reach the receivers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["at_once"] = "at_once"

    def instants(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The one instant if it is released at `start`, in UTC."""
        at = _to_the_millisecond(start + REACH)
        if at < end:
            yield at


Rule = Annotated[Once | Recurring | Repeating | AtOnce, Field(discriminator="kind")]

RULE: TypeAdapter[Once | Recurring | Repeating | AtOnce] = TypeAdapter(Rule)
"""Reads a rule from JSON and writes it."""
