"""Wall-clock time and instants.

Where clocks change (not in Viet Nam, but a rule carries its zone): a wall-clock time that does not exist that day stands for
the instant at which it would have stood (RFC 5545, 3.3.5: the offset before the gap); one that comes twice stands for the first.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

from schedules.unfit import UnfitError


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known(name: str) -> str:
    if name not in _zones():
        raise UnfitError(
            f"'{name}' không phải múi giờ IANA, ví dụ Asia/Ho_Chi_Minh",
            f"'{name}' is no IANA time zone, such as Asia/Ho_Chi_Minh",
        )
    return name


Zone = Annotated[str, AfterValidator(_known)]
"""The name of an IANA time zone."""


def instant_of(time: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, of a naive wall-clock time."""
    return time.replace(tzinfo=zone, fold=0).astimezone(UTC)
