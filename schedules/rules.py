"""Rules: when something airs. Expanded to instants in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from schedules.recurrence import Recurring


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


Rule = Annotated[Once | Recurring, Field(discriminator="kind")]

RULE: TypeAdapter[Once | Recurring] = TypeAdapter(Rule)
"""Reads a rule from JSON and writes it."""
