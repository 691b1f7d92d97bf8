"""The as-run log: append-only and hash-chained. It copies names and hashes in, so that history stands by itself."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from broadcaster import log_names
from broadcaster.canonical import canonical_members
from broadcaster.identity import Signatory
from broadcaster.storage import bulk
from broadcaster.storage.database import HELD, UtcDateTime
from broadcaster.storage.models import AsRun, Base, LogCheckpoint, LogHead
from devices.wire.messages import Document, Instant, Sha256

GENESIS = "0" * 64
CHECKPOINT_EVERY = timedelta(hours=1)
"""How often at most the station's signed word on the chain is kept for good; the head is signed at every write."""
_CHAINED = tuple(column.key for column in AsRun.__table__.columns if column.key not in ("hash", "previous_hash"))
_LATER = (
    *("area_line", "bulletin_id", "field", "priority", "duration_ms", "programme", "campaign"),
    *("programme_id", "campaign_id", "content_group", "receiver_kind", "drill"),
)
"""Columns that came after the first rows were hashed."""
_HASHED = tuple((name, name in _LATER) for name in sorted(_CHAINED))
_INSTANTS = tuple(column.key for column in AsRun.__table__.columns if isinstance(column.type, UtcDateTime))


class Checkpoint(Document):
    """The station's word that its log's row `seq` had this hash. Never sent to a receiver."""

    TYP: ClassVar[str] = "checkpoint+jws"
    seq: Annotated[int, Field(ge=1)]
    hash: Sha256
    at: Instant
    before: Annotated[int, Field(ge=0)]  # the row of the checkpoint kept before this one; 0 for the first
    kept: bool  # whether this is one that is kept for good


class Seal(Document):
    """The station's word that the rows `first` to `seq`, the last with this hash, left its log for an archive."""

    TYP: ClassVar[str] = "seal+jws"
    first: Annotated[int, Field(ge=1)]
    seq: Annotated[int, Field(ge=1)]
    hash: Sha256
    at: Instant


def instant(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="microseconds")


def row_hash(previous: str, row: Mapping[str, Any]) -> str:
    """SHA-256 over the hash before and the canonical JSON of all other columns; a later one counts only if it is filled."""
    return hashlib.sha256(f'["{previous}",'.encode() + canonical_members(row, _HASHED) + b"]").hexdigest()


def append(session: Session, rows: Sequence[dict[str, Any]], *, signatory: Signatory, now: datetime) -> None:
    """Chain rows onto the log of receipts. A row has every column but `seq`, `previous_hash` and `hash`, which it is given here."""
    chain(session, AsRun, rows, row_hash, signatory=signatory, now=now)
    log_names.keep(session, rows)


def chain(
    session: Session,
    table: type[Base],
    rows: Sequence[dict[str, Any]],
    hashed: Callable[[str, Mapping[str, Any]], str],
    *,
    signatory: Signatory,
    now: datetime,
) -> None:
    """Add rows to one of the chained tables. Holds the head until the transaction ends, so that the log has one order: call it last."""
    if not rows:
        return
    held = select(LogHead).where(LogHead.id == 1).with_for_update(**HELD)
    head = session.scalar(held)
    if head is None:
        # Two at once may want to be the first: one of them waits here for the other.
        session.execute(
            text("INSERT INTO log_head (id, seq, hash) VALUES (1, 0, :genesis) ON CONFLICT DO NOTHING"),
            {"genesis": GENESIS},
        )
        head = session.scalars(held).one()
    seq, previous = head.seq, head.hash
    for row in rows:
        seq += 1
        row["seq"], row["previous_hash"] = seq, previous
        row["hash"] = previous = hashed(previous, row)
    bulk.add(session, table, rows)
    last = session.execute(
        select(LogCheckpoint.seq, LogCheckpoint.at).order_by(LogCheckpoint.seq.desc()).limit(1)
    ).first()
    kept = last is None or now - last.at >= CHECKPOINT_EVERY
    word = Checkpoint(
        station=signatory.station, seq=seq, hash=previous, at=now, before=last.seq if last else 0, kept=kept
    )
    document = signatory.sign(word)
    session.execute(update(LogHead).where(LogHead.id == 1).values(seq=seq, hash=previous, document=document))
    if kept:
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as the document says it
        session.add(LogCheckpoint(seq=seq, hash=previous, at=at, document=document))
        session.flush()


def as_json(row: AsRun) -> dict[str, Any]:
    """A row for export and for the API."""
    fields = {column.key: getattr(row, column.key) for column in AsRun.__table__.columns}
    return {**fields, **{name: instant(fields[name]) for name in _INSTANTS}}
