"""The as-run log: append-only and hash-chained. It copies names and hashes in, so that history stands by itself."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from broadcaster.canonical import sha256_of
from broadcaster.storage.database import UtcDateTime
from broadcaster.storage.models import AsRun, LogHead

GENESIS = "0" * 64
_CHAINED = tuple(column.key for column in AsRun.__table__.columns if column.key not in ("hash", "previous_hash"))
_INSTANTS = tuple(column.key for column in AsRun.__table__.columns if isinstance(column.type, UtcDateTime))


@dataclass(frozen=True)
class Fault:
    """Where the chain is broken, and how."""

    seq: int
    problem: str


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="microseconds")


def row_hash(previous: str, row: Mapping[str, Any]) -> str:
    """SHA-256 over the hash before and the canonical JSON of all other columns."""
    fields = {name: row[name] for name in _CHAINED}
    for name in _INSTANTS:
        fields[name] = _instant(fields[name])
    return sha256_of([previous, fields])


def append(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Chain the rows onto the log. Holds the head until the transaction ends, so that the log has one order.

    A row has every column but `seq`, `previous_hash` and `hash`, which it is given here.
    """
    if not rows:
        return
    head = session.scalar(select(LogHead).where(LogHead.id == 1).with_for_update())
    if head is None:
        head = LogHead(id=1, seq=0, hash=GENESIS)
        session.add(head)
        session.flush()
    seq, previous = head.seq, head.hash
    for row in rows:
        seq += 1
        row["seq"], row["previous_hash"] = seq, previous
        row["hash"] = previous = row_hash(previous, row)
    # Core: an outage's backlog comes in by the hundred thousand, and objects would cost twice the rest.
    session.execute(insert(AsRun.__table__), rows)  # type: ignore[arg-type]  # declared as FromClause, is a Table
    session.execute(update(LogHead).where(LogHead.id == 1).values(seq=seq, hash=previous))


def verify(session: Session) -> tuple[int, Fault | None]:
    """How many rows are right, and the first fault: a changed, missing, inserted or reordered row, or a cut tail."""
    previous, count = GENESIS, 0
    with closing(session.scalars(select(AsRun).order_by(AsRun.seq).execution_options(yield_per=1000))) as rows:
        for row in rows:
            if row.seq != count + 1:
                return count, Fault(count + 1, "a row is missing")
            if row.previous_hash != previous:
                return count, Fault(row.seq, "the row does not follow the one before it")
            if row.hash != row_hash(previous, vars(row)):
                return count, Fault(row.seq, "the row was changed")
            previous, count = row.hash, row.seq
    head = session.get(LogHead, 1)
    if head is not None and (head.seq, head.hash) != (count, previous):
        return count, Fault(count + 1, "the end of the log is missing")
    return count, None


def as_json(row: AsRun) -> dict[str, Any]:
    """A row for export and for the API."""
    fields = {column.key: getattr(row, column.key) for column in AsRun.__table__.columns}
    return {**fields, **{name: _instant(fields[name]) for name in _INSTANTS}}
