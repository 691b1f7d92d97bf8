"""The names that stand in the log of receipts, without their marks and capitals: by these it is searched.

Databases do not compare letters without their marks, and what was chained cannot be given a column more. Names are few where rows are many: they
are kept beside the log, in the transaction of the first row that has them, and are no part of its chain.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from broadcaster.letters import plain
from broadcaster.storage import bulk
from broadcaster.storage.models import LogName

Kind = Literal["title", "receiver"]
COLUMNS: dict[Kind, str] = {"title": "bulletin_title", "receiver": "receiver_name"}
"""Of the log."""
_ADD = text("INSERT INTO log_names (kind, name, plain) VALUES (:kind, :name, :plain) ON CONFLICT DO NOTHING")


def keep(session: Session, rows: Iterable[Mapping[str, Any]]) -> None:
    """Note what these rows of the log are the first to name. The caller holds the log's head: no two write here at once."""
    named: set[tuple[str, str]] = {
        (kind, row[column]) for row in rows for kind, column in COLUMNS.items() if row[column]
    }
    listed = bulk.listed(session, sorted(named), "kind", "name")
    there = select(LogName.kind, LogName.name).join(
        listed, (LogName.kind == listed.c.kind) & (LogName.name == listed.c.name)
    )
    if fresh := named - {(row.kind, row.name) for row in session.execute(there)}:
        session.execute(_ADD, [{"kind": kind, "name": name, "plain": plain(name)} for kind, name in sorted(fresh)])


def having(kind: Kind, part: str) -> Select[str]:
    """The names of a kind that have this in them, with marks and capitals or without."""
    return select(LogName.name).where(LogName.kind == kind, LogName.plain.contains(plain(part), autoescape=True))
