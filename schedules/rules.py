"""Rules: when something airs. Expanded to instants in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from schedules.recurrence import Recurring


class Once(BaseModel):
    """One airing at an instant."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["once"] = "once"
    at: Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC))]

    def instants(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The instants in [start, end), in UTC, in order."""
        if start <= self.at < end:
            yield self.at


Rule = Annotated[Once | Recurring, Field(discriminator="kind")]

RULE: TypeAdapter[Once | Recurring] = TypeAdapter(Rule)
"""Reads a rule from JSON and writes it."""
