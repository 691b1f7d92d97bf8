"""Counting for pages: nobody looks at an empty page while a province's year is added up."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from broadcaster.clock import Clock
from broadcaster.errors import CountingError
from broadcaster.reports import kept
from broadcaster.reports.figures import Aired, Figures, Scope, figures_of
from broadcaster.storage.database import Database

PAGE_S = 3.0
"""How long a page waits for its figures."""
LONG_S = 5.0
"""Figures that took longer are not counted again for each look at them."""
SERVE_AGAIN = timedelta(minutes=10)


@dataclass(eq=False)
class _Work:
    at: datetime
    figures: Future[Figures] = field(init=False)
    seconds: float = 0.0
    done: int = 0
    airings: int = 1


class Counting:
    """Counts beside the pages that wait, a few scopes at once and each scope once."""

    def __init__(self, database: Database, clock: Clock, *, zone: str) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._works: dict[Scope, _Work] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="counting")

    def figures(self, scope: Scope, *, wait_s: float = PAGE_S) -> Figures:
        """The figures of a scope, those of the last minutes where they took long. Raises CountingError while they are being counted."""
        work = self._work(scope)
        try:
            found = work.figures.result(timeout=wait_s)
        except TimeoutError as error:
            if not work.figures.done():
                raise CountingError(done=work.done, of=work.airings) from error
            self._forget(scope, work)  # what it waited for did not answer
            raise
        except Exception:
            self._forget(scope, work)
            raise
        if work.seconds <= LONG_S:
            self._forget(scope, work)
        return found

    def close(self) -> None:
        """Stop what is being counted."""
        self._closed.set()
        self._pool.shutdown(cancel_futures=True)

    def _work(self, scope: Scope) -> _Work:
        now = self._clock.now()
        with self._lock:
            self._works = {
                key: each
                for key, each in self._works.items()
                if not each.figures.done() or timedelta() <= now - each.at < SERVE_AGAIN
            }
            work = self._works.get(scope)
            if work is None:
                work = self._works[scope] = _Work(now)
                work.figures = self._pool.submit(self._count, scope, work)
            return work

    def _forget(self, scope: Scope, work: _Work) -> None:
        with self._lock:
            if self._works.get(scope) is work:
                del self._works[scope]

    def _count(self, scope: Scope, work: _Work) -> Figures:
        began = time.monotonic()
        with self._database.reading() as session:
            kept.require(session)
            work.airings = max(1, kept.number(session, scope, zone=self._zone))
            found = kept.airings(session, scope, zone=self._zone)
            figures = figures_of(session, self._passing(found, work), zone=self._zone)
        work.seconds = time.monotonic() - began
        return figures

    def _passing(self, found: Iterator[Aired], work: _Work) -> Iterator[Aired]:
        for aired in found:
            if self._closed.is_set():
                raise InterruptedError("the station stops")
            work.done += 1
            yield aired
