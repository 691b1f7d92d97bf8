"""Counting: every figure that somebody asks for is counted here, beside whoever waits, and each scope once.

Whoever looks is given the figures of the last minutes where counting takes long. What is handed in is counted after it was asked to be (`ticket`),
so that it is never older than what anybody saw before, or than the log was.
"""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from broadcaster.clock import Clock
from broadcaster.errors import CountingError
from broadcaster.reports import kept
from broadcaster.reports.beside import Progress, ended
from broadcaster.reports.figures import Figures, Scope, figures_of
from broadcaster.storage.database import Database

LONG_S = 5.0
"""Figures that took longer are not counted again for each look at them."""
SERVE_AGAIN = timedelta(minutes=10)
LOOK_S = 0.2
"""Between two looks of work that waits for a count."""
AGAIN_S = 3.0
"""Before it asks again for a count that has to wait until enough of the log is kept."""


@dataclass(eq=False)
class _Work:
    number: int
    at: datetime
    progress: Progress
    figures: Future[Figures] = field(init=False)
    seconds: float = 0.0


class Counting:
    """Counts beside those who wait, a few scopes at once and each scope once."""

    def __init__(self, database: Database, clock: Clock, *, zone: str) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._works: dict[Scope, _Work] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="counting")

    def figures(self, scope: Scope, *, wait_s: float | None = None) -> Figures:
        """The figures of a scope, those of the last minutes where they took long. Raises CountingError while they are being counted."""
        return self._ended(scope, self._work(scope), wait_s)

    def ticket(self) -> int:
        """For `awaited`: a count that is begun from now on."""
        with self._lock:
            return self._number + 1

    def awaited(self, scope: Scope, progress: Progress, *, ticket: int = 0) -> Figures:
        """The same however long it takes, and however much of the log is still to be kept, for work that is done beside."""
        work = self._work(scope, ticket)
        while True:
            try:
                return self._ended(scope, work, LOOK_S)
            except CountingError as error:
                progress.at(error.done, error.of)
                if work.figures.done() and work.figures.exception() is error:  # nothing was counted
                    progress.rest(AGAIN_S)
                    work = self._work(scope, ticket)

    def close(self) -> None:
        """Stop what is being counted."""
        self._closed.set()
        self._pool.shutdown(cancel_futures=True)

    def _work(self, scope: Scope, ticket: int = 0) -> _Work:
        now = self._clock.now()
        with self._lock:
            self._works = {
                key: each
                for key, each in self._works.items()
                if not each.figures.done() or timedelta() <= now - each.at < SERVE_AGAIN
            }
            work = self._works.get(scope)
            if work is None or work.number < ticket:
                self._number += 1
                work = self._works[scope] = _Work(self._number, now, Progress(self._closed))
                work.figures = self._pool.submit(self._count, scope, work)
            return work

    def _ended(self, scope: Scope, work: _Work, wait_s: float | None) -> Figures:
        if not ended(work.figures, wait_s):
            raise CountingError(*work.progress.so_far)
        if work.figures.exception() is not None or work.seconds <= LONG_S:
            with self._lock:
                if self._works.get(scope) is work:
                    del self._works[scope]
        return work.figures.result()

    def _count(self, scope: Scope, work: _Work) -> Figures:
        began = time.monotonic()
        with self._database.reading() as session:
            work.progress.at(0, kept.number(session, scope, zone=self._zone))
            found = kept.airings(session, scope, zone=self._zone)
            figures = figures_of(session, work.progress.over(found), zone=self._zone)
        work.seconds = time.monotonic() - began
        return figures
