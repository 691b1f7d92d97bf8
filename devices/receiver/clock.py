"""The receiver's clock, and waiting for an instant on it."""

import gc
import os
import threading
import time
from datetime import datetime
from typing import Protocol

import structlog

LOOK_S = 0.25
"""How long a sleep may be before the clock is read again, so that a clock that was set does not go unseen."""
REALTIME_PRIORITY = 1
NEAR_S = 0.03
"""The last stretch is slept without listening for `stop`: waking from a plain sleep takes the least work."""


log = structlog.get_logger(__name__)


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
        if left <= NEAR_S:
            time.sleep(left)
        elif stop.wait(min(left - NEAR_S / 2, LOOK_S)):
            return False
    return not stop.is_set()


class Undisturbed:
    """For the calling thread's last moments before an instant: first at the processor, and no garbage collection.

    The first needs the right to it (RLIMIT_RTPRIO, or CAP_SYS_NICE); without it the thread waits its turn like others.
    """

    def __init__(self) -> None:
        self._collecting = False
        self._raised = False

    def __enter__(self) -> "Undisturbed":
        self._collecting = gc.isenabled()
        gc.disable()
        self._raised = _schedule(os.SCHED_FIFO, REALTIME_PRIORITY)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Be a thread like others again. Idempotent; on the thread that began."""
        if self._raised:
            self._raised = False
            _schedule(os.SCHED_OTHER, 0)
        if self._collecting:
            self._collecting = False
            gc.enable()


def _schedule(policy: int, priority: int) -> bool:
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except OSError as error:
        log.debug("no real-time priority for starts", error=str(error))
        return False
    return True
