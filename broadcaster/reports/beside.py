"""Work that takes longer than anybody waits at a page: it is done beside, in threads of its own, and says how far it is."""

import logging
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from broadcaster.clock import Clock
from broadcaster.errors import BroadcasterError, CountingError

log = logging.getLogger(__name__)
PAGE_S = 3.0
"""How long a page waits for what it is to show."""
KEPT_FOR = timedelta(minutes=10)
"""How long a result waits for whoever asked for it."""
S = TypeVar("S")
T = TypeVar("T")


class Progress:
    """How far a piece of work is. Each call raises InterruptedError once the station stops."""

    def __init__(self, closed: threading.Event) -> None:
        self._closed = closed
        self._part = (0, 1)
        self._done, self._of = 0, 1

    @property
    def so_far(self) -> tuple[int, int]:
        """What is done, of all there is to do."""
        part, parts = self._part
        return part * self._of + self._done, parts * self._of

    def part(self, part: int, parts: int) -> None:
        """What follows is this part, from 0, of so many that take about as long."""
        self._part, self._done, self._of = (part, parts), 0, 1

    def at(self, done: int, of: int) -> None:
        """So many pieces are done, of about as many as these."""
        if self._closed.is_set():
            raise InterruptedError("the station stops")
        self._done, self._of = done, max(1, of, done)

    def over(self, pieces: Iterable[S]) -> Iterator[S]:
        """Each piece as it is taken."""
        for piece in pieces:
            self.at(self._done + 1, self._of)
            yield piece

    def rest(self, seconds: float) -> None:
        """Wait for others."""
        self._closed.wait(seconds)
        self.at(self._done, self._of)


def ended(work: Future[T], wait_s: float | None) -> bool:
    """Whether it ends within these seconds; None: within those that a page waits."""
    return bool(wait([work], timeout=PAGE_S if wait_s is None else wait_s).done)


@dataclass(eq=False)
class _Task(Generic[T]):
    progress: Progress
    result: Future[T] = field(init=False)
    ended_at: datetime | None = None


class Beside(Generic[T]):
    """Does each piece of work once, under a name, and gives its result to one of those who ask for it."""

    def __init__(
        self, clock: Clock, *, name: str, threads: int, drop: Callable[[T], object] = lambda _result: None
    ) -> None:
        self._clock = clock
        self._drop = drop
        self._tasks: dict[Hashable, _Task[T]] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def begin(self, name: Hashable, work: Callable[[Progress], T]) -> None:
        """Begin it, unless its result is still waited for."""
        with self._lock:
            now = self._clock.now()
            for each, task in list(self._tasks.items()):
                if task.ended_at is not None and not timedelta() <= now - task.ended_at < KEPT_FOR:
                    self._forget(self._tasks.pop(each))
            if name not in self._tasks:
                task = self._tasks[name] = _Task[T](Progress(self._closed))
                task.result = self._pool.submit(self._do, name, task, work)

    def outcome(self, name: Hashable, *, wait_s: float | None = None) -> T | None:
        """What came of it; None if it was not begun, or if its result is gone. Raises what the work raised, CountingError while it goes on.

        `wait_s`: how long it may take until then; None: what people wait for at a page.
        """
        with self._lock:
            task = self._tasks.get(name)
        if task is None:
            return None
        if not ended(task.result, wait_s):
            raise CountingError(*task.progress.so_far)
        with self._lock:
            if self._tasks.get(name) is not task:
                return None
            del self._tasks[name]
        return task.result.result()

    def close(self) -> None:
        """Stop what is being done; nobody is given it any more."""
        self._closed.set()
        self._pool.shutdown(cancel_futures=True)
        with self._lock:
            while self._tasks:
                self._forget(self._tasks.popitem()[1])

    def _do(self, name: Hashable, task: _Task[T], work: Callable[[Progress], T]) -> T:
        try:
            return work(task.progress)
        except (BroadcasterError, InterruptedError):
            raise
        except Exception:  # nobody may come to be told
            log.exception("what was done beside failed: %s", name)
            raise
        finally:
            task.ended_at = self._clock.now()

    def _forget(self, task: _Task[T]) -> None:
        if not task.result.cancelled() and task.result.exception() is None:
            self._drop(task.result.result())
