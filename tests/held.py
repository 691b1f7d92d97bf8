"""A count that stands still until a test lets it go."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from broadcaster.reports import kept
from broadcaster.reports.figures import Aired, Scope

WAIT_S = 30


class Held:
    """Counts, and what is written of them, stop behind their `at`th airing until they are let go."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int = 30) -> None:
        self.at = at
        self._reached, self._go = threading.Semaphore(0), threading.Event()
        whole = kept.airings

        def slowly(session: Session, scope: Scope, *, zone: str, last: int | None = None) -> Iterator[Aired]:
            for nth, aired in enumerate(whole(session, scope, zone=zone, last=last)):
                if nth == at:
                    self._reached.release()
                    assert self._go.wait(WAIT_S)
                yield aired

        patch.setattr(kept, "airings", slowly)

    def reached(self) -> None:
        """Wait until one more of them stands there."""
        assert self._reached.acquire(timeout=WAIT_S)

    def let_go(self) -> None:
        self._go.set()
