"""What the station sees of itself: its broker, its speech, its database."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.operating.rows import Light
from broadcaster.storage.database import Database
from broadcaster.storage.models import ClipRecord, LogHead

BROKER_SLOW_S = 5.0
DATABASE_SLOW_S = 2.0
PLANNING_STANDS = timedelta(minutes=2)


class StationLights:
    """Lights of the station itself; those that receivers tell of are in the picture."""

    def __init__(
        self,
        database: Database,
        *,
        connected: Callable[[], bool],
        publishing_s: Callable[[], float],
        engines: Callable[[], Sequence[str]],
        planned: Callable[[], tuple[timedelta | None, int]],
    ) -> None:
        """`publishing_s`: how long the broker took to acknowledge what was last published; `engines`: those that are up; `planned`: how long ago
        orders were last made and sent, and at how many things that failed.
        """
        self._database = database
        self._connected = connected
        self._publishing_s = publishing_s
        self._engines = engines
        self._planned = planned

    def all(self) -> tuple[Light, ...]:
        """Broker, speech, database, planning."""
        begin = time.perf_counter()
        with self._database.reading() as session:
            session.scalar(select(LogHead.seq).where(LogHead.id == 1))
            speech = self._speech(session)
        took = time.perf_counter() - begin
        slow = took >= DATABASE_SLOW_S
        return (
            self._broker(),
            speech,
            Light("database", "warn" if slow else "good", "slow" if slow else "well", round(took, 1) if slow else None),
            self._planning(),
        )

    def _broker(self) -> Light:
        if not self._connected():
            return Light("broker", "bad", "away")
        took = self._publishing_s()
        return (
            Light("broker", "warn", "slow", round(took, 1))
            if took >= BROKER_SLOW_S
            else Light("broker", "good", "well")
        )

    def _planning(self) -> Light:
        ago, failures = self._planned()
        if ago is None:
            return Light("planning", "warn", "starting")
        if ago >= PLANNING_STANDS:
            return Light("planning", "bad", "stands", round(ago.total_seconds() / 60))
        return Light("planning", "warn", "partly", failures) if failures else Light("planning", "good", "well")

    def _speech(self, session: Session) -> Light:
        if not self._engines():
            return Light("speech", "warn", "starting")
        last = session.execute(
            select(ClipRecord.fallback, ClipRecord.created_at).order_by(ClipRecord.created_at.desc()).limit(1)
        ).first()
        if last is not None and last.fallback:
            return Light("speech", "warn", "fallback", at=last.created_at)
        return Light("speech", "good", "well")
