"""Alarms: APScheduler wakes; what is due is decided by whoever is woken (decision 0002).

Nothing is lost when an alarm comes late or not at all: the woken side reads its own rows, and the regular alarm comes
again. So jobs live in memory only, a missed one is run late rather than dropped, and alarms that come while the
callback runs are one more run after it.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler


class Alarms:
    """Wakes one callback, never twice at once: regularly, at a set instant, and when asked."""

    def __init__(self, wake: Callable[[], None], *, every_s: float) -> None:
        self._wake = wake
        self._due = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="alarms", daemon=True)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            # By default APScheduler drops a job that is a second late (None: run it however late), and one whose run before is not yet
            # written off as ended, though all that a run does is to set an event.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 100},
        )
        self._scheduler.add_job(self._due.set, "interval", seconds=every_s, id="regular")

    def start(self) -> None:
        """Begin; the first wake is at once."""
        self._due.set()
        self._thread.start()
        self._scheduler.start()

    def at(self, instant: datetime) -> None:
        """Wake at `instant` too; the last call holds."""
        self._scheduler.add_job(self._due.set, "date", run_date=instant, id="next", replace_existing=True)

    def now(self) -> None:
        """Wake as soon as the run at hand, if any, has finished."""
        self._due.set()

    def stop(self) -> None:
        """Wait for the callback that runs, and wake no more."""
        self._stopping = True
        self._due.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            if self._stopping:
                return
            self._wake()
