"""Rules: when something airs, in wall-clock time and an IANA zone; expanded to instants in UTC.

Where clocks change (not in Viet Nam, but a rule carries its zone): a wall-clock time that does not exist that day airs
at the instant at which it would have stood (RFC 5545, section 3.3.5: the offset before the gap); one that comes twice
airs the first time.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, model_validator


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"'{name}' is no IANA time zone, such as Asia/Ho_Chi_Minh")
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Once(_Rule):
    """One airing at an instant."""

    kind: Literal["once"] = "once"
    at: Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC))]

    def instants(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The instants in [start, end), in UTC, in order."""
        if start <= self.at < end:
            yield self.at


class Daily(_Rule):
    """Every day at a wall-clock time, from a first day to a last (both included; without a last, for good)."""

    kind: Literal["daily"] = "daily"
    at: time
    zone: Zone = "Asia/Ho_Chi_Minh"
    first: date
    last: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Daily":
        if self.at.tzinfo is not None:
            raise ValueError("a wall-clock time carries no offset; the zone says it")
        if self.last is not None and self.last < self.first:
            raise ValueError("the last day lies before the first")
        return self

    def instants(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The instants in [start, end), in UTC, in order."""
        zone = ZoneInfo(self.zone)
        # A day more on either side: the zone's date may differ from UTC's.
        day = max(self.first, start.astimezone(zone).date() - timedelta(days=1))
        last = end.astimezone(zone).date()
        if self.last is not None:
            last = min(last, self.last)
        while day <= last:
            instant = datetime.combine(day, self.at, tzinfo=zone).astimezone(UTC)
            if start <= instant < end:
                yield instant
            day += timedelta(days=1)


Rule = Annotated[Once | Daily, Field(discriminator="kind")]

RULE: TypeAdapter[Once | Daily] = TypeAdapter(Rule)
"""Reads a rule from JSON and writes it."""
