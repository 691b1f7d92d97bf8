"""The receiver's clock, and waiting for an instant on it."""

import threading
import time
from datetime import datetime
from typing import Protocol

SPIN_S = 0.002
"""Sleeping overshoots by some tenths of a millisecond and more under load; the last part is waited for awake."""
LOOK_S = 0.25
"""How long a sleep may be before the clock is read again, so that a clock that was set does not go unseen."""


class Clock(Protocol):
    """Tells the time. Domain code is given one and never asks the system."""

    def now(self) -> datetime:
        """The instant now, in UTC."""


def wait_until(clock: Clock, instant: datetime, stop: threading.Event) -> bool:
    """Return True at `instant`, never before it by `clock`; False as soon as `stop` is set.

    It sleeps in short parts and spins through the last two milliseconds: call it on a thread of its own.
    """
    while (left := (instant - clock.now()).total_seconds()) > SPIN_S:
        if stop.wait(min(left - SPIN_S, LOOK_S)):
            return False
    while clock.now() < instant:
        time.sleep(0)
    return not stop.is_set()
