"""What belongs to an area and follows it into what it becomes: copied on the day, so that the area's own rows stay as they were.

Receivers and areas have rows of their own for that (they are effective-dated); schedules keep what was released, and are resolved for
the day of each airing. What stands here is copied to the one area that another becomes; where that has its own already, its own holds.
A table that names an area gets a line here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from broadcaster.identity import new_id
from broadcaster.storage.models import AreaPolicy, AreaSound, Base, LexiconRecord


@dataclass(frozen=True)
class Dependent:
    """Rows of a table that belong to an area. `key`, with the area, is what only one row in force may have."""

    name: str  # as the preview says it
    table: type[Base]
    area: InstrumentedAttribute[str]
    key: str | None = None
    ended: str | None = None  # the column that is set on rows which are history
    fresh: Callable[[datetime], dict[str, Any]] = lambda _now: {}

    def rows(self, session: Session, area: str) -> list[Any]:
        """The rows in force that belong to the area."""
        query = select(self.table).where(self.area == area)
        if self.ended is not None:
            query = query.where(getattr(self.table, self.ended).is_(None))
        return list(session.scalars(query))

    def follow(self, session: Session, area: str, successor: str, now: datetime) -> None:
        """Copy what the successor has not."""
        own = {getattr(row, self.key) if self.key else None for row in self.rows(session, successor)}
        for row in self.rows(session, area):
            key = getattr(row, self.key) if self.key else None
            if key in own:
                continue
            own.add(key)
            values = {column.key: getattr(row, column.key) for column in self.table.__mapper__.columns}
            session.add(self.table(**{**values, self.area.key: successor, **self.fresh(now)}))
        session.flush()

    def clashes(self, session: Session, areas: list[str]) -> list[str]:
        """Keys of which several of the areas have rows that differ: only the first one's goes along."""
        seen: dict[str, Any] = {}
        found: dict[str, None] = {}
        skipped = {self.area.key, "id", "created_at", "changed_at", "changed_by", "person_id", "revision", "note"}
        for area in areas:
            for row in self.rows(session, area):
                name = str(getattr(row, self.key)) if self.key else self.name
                facts = repr(
                    {c.key: getattr(row, c.key) for c in self.table.__mapper__.columns if c.key not in skipped}
                )
                if seen.setdefault(name, facts) != facts:
                    found[name] = None
        return list(found)


DEPENDENTS: tuple[Dependent, ...] = (
    Dependent(
        "từ điển phát âm / lexicon",
        LexiconRecord,
        LexiconRecord.area_id,
        key="written",
        ended="ended_at",
        fresh=lambda now: {"id": new_id(), "created_at": now},
    ),
    Dependent("âm thanh / sound", AreaSound, AreaSound.area_id, fresh=lambda now: {"changed_at": now}),
    Dependent("chính sách / policy", AreaPolicy, AreaPolicy.area_id, fresh=lambda now: {"changed_at": now}),
)
