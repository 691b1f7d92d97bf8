"""The receiver's clock, and waiting for an instant on it."""

import threading
from datetime import datetime
from typing import Protocol

LOOK_S = 0.25
"""How long a sleep may be before the clock is read again, so that a clock that was set does not go unseen."""


class Clock(Protocol):
    """Tells the time. Domain code is given one and never asks the system."""

    def now(self) -> datetime:
        """The instant now, in UTC."""


def wait_until(clock: Clock, instant: datetime, stop: threading.Event) -> bool:
    """Return True at `instant`, never before it by `clock`; False as soon as `stop` is set.

    It sleeps: call it on a thread of its own. It does not spin through the last milliseconds, since several receivers
    may share a machine, and one that spins takes the processor from the others.
    """
    while (left := (instant - clock.now()).total_seconds()) > 0:
        if stop.wait(min(left, LOOK_S)):
            return False
    return not stop.is_set()
