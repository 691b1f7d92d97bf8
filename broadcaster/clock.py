"""The one place that asks the system for the time; everything else is given a clock."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""


class SystemClock:
    """The operating system's clock, which NTP keeps right."""

    def now(self) -> datetime:
        return datetime.now(UTC)
