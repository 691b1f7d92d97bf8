"""Retention: whole months of the log are sealed, written into archives that prove themselves, and only then leave the database.

Never single rows: a seal covers everything from the last one on to the end of a month, in the order of the chain.
"""

import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from broadcaster import audit, ledger
from broadcaster.areas import day_of
from broadcaster.asrun import Checkpoint, Seal
from broadcaster.errors import ConflictError, InvalidError
from broadcaster.identity import Signatory
from broadcaster.reorganisation.rehoming import beginning
from broadcaster.reports import kept
from broadcaster.storage.database import Database, UtcDateTime
from broadcaster.storage.models import AsRun, AuditEntry, Base, LogCheckpoint, LogHead, LogSeal, ReceiptEnvelope
from devices.wire.signing import Keyring, RefusedError, unverified

FOLDER = "archive"
_AT_ONCE = 1000
_CHAIN = ((AsRun.seq, AsRun.received_at), (AuditEntry.seq, AuditEntry.at))
"""The chained tables' numbers, and when each row was written by the station's clock."""
_INSTANTS = [column.key for column in AsRun.__table__.columns if isinstance(column.type, UtcDateTime)]


def seal_months(
    database: Database, signatory: Signatory, folder: Path, *, now: datetime, zone: str, keep_months: int
) -> list[Path]:
    """Archive and remove every whole month that is older than `keep_months`, the oldest first; returns the archives.

    Each archive is read back and verified before its rows leave. Raises ConflictError where the log is not right: then
    nothing leaves it.
    """
    today = day_of(now, zone)
    keep_from = _months(date(today.year, today.month, 1), -keep_months)
    made: list[Path] = []
    while True:
        with database.reading() as session:
            found = _next_month(session, keep_from, zone)
        if found is None:
            return made
        month, until, first, last = found
        if not made:
            _require_right(database, signatory.ring())
        path = folder / f"as-run-{month:%Y-%m}-{first}.jsonl.gz"  # its first row, for a clock that was set back
        _write(database, signatory, path, first=first, last=last, now=now)
        finding = verify_archive(path, signatory.ring())
        if not finding.ok or finding.rows + finding.actions != last - first + 1:
            raise ConflictError(
                f"Tệp lưu trữ {path} không kiểm chứng được; nhật ký giữ nguyên.",
                f"The archive {path} does not verify; the log stays as it is.",
            )
        _leave(database, signatory, path.name, until=until, first=first, last=last, now=now)
        made.append(path)


def verify_archive(path: Path, keys: Keyring) -> ledger.Finding:
    """Verify an archive or an export by itself. Raises InvalidError for a file that is neither."""
    with _opened(path) as (session, since, receiver_keys):
        return ledger.verify(session, keys, since=since, receiver_keys=receiver_keys)


def _next_month(session: Session, keep_from: date, zone: str) -> tuple[date, datetime, int, int] | None:
    """The oldest month that may leave: itself, its end, its first and its last row."""
    firsts = [session.execute(select(seq, at).order_by(seq).limit(1)).first() for seq, at in _CHAIN]
    oldest = min((row for row in firsts if row is not None), key=lambda row: row[0], default=None)
    if oldest is None:
        return None
    first, at = oldest
    day = day_of(at, zone)
    month = date(day.year, day.month, 1)
    until = beginning(_months(month, 1), zone)
    if month >= keep_from:
        return None
    beyond = [session.scalar(select(func.min(seq)).where(at >= until)) for seq, at in _CHAIN]
    lasts = [session.scalar(select(func.max(seq))) or first for seq, _ in _CHAIN]
    last = min((seq for seq in beyond if seq is not None), default=max(lasts) + 1) - 1
    return month, until, first, last


def _months(day: date, by: int) -> date:
    number = day.year * 12 + day.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


def _require_right(database: Database, keys: Keyring) -> None:
    with database.reading() as session:
        finding = ledger.verify(session, keys)
    if not finding.ok:
        raise ConflictError(
            "Nhật ký không đúng như khi được ghi, nên không lưu trữ. Chạy 'broadcaster ledger verify' để biết chỗ sai.",
            "The log is not what it was when it was written, so nothing is archived. Run 'broadcaster ledger verify'.",
        )


def _write(database: Database, signatory: Signatory, path: Path, *, first: int, last: int, now: datetime) -> None:
    """The archive, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with database.reading() as session, part.open("wb") as file, gzip.open(file, "wt", encoding="utf-8") as lines:
            digest = ledger.hash_of(session, last)
            kept = session.scalar(select(func.max(LogCheckpoint.seq)).where(LogCheckpoint.seq.between(first, last)))
            word = Checkpoint(
                station=signatory.station, seq=last, hash=digest or "", at=now, before=kept or 0, kept=False
            )
            end = signatory.sign(word)
            lines.writelines(
                ledger.export(session, signatory.station, signatory.ring(), since=first, until=last, end=end)
            )
            lines.close()
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _leave(
    database: Database, signatory: Signatory, name: str, *, until: datetime, first: int, last: int, now: datetime
) -> None:
    """The seal, and with it the only rows that it allows to go, in one transaction."""
    with database.writing() as session:
        digest = ledger.hash_of(session, last) or ""
        word = Seal(station=signatory.station, first=first, seq=last, hash=digest, at=now)
        session.add(LogSeal(seq=last, first=first, hash=digest, until=until, file=name, document=signatory.sign(word)))
        session.flush()
        audit.note(session, None, "log-archived", name, at=now, areas=[None], details={"first": first, "last": last})
        # One message was written at one instant: none has rows on both sides of the seal.
        gone = select(AsRun.envelope_sha256).where(AsRun.seq <= last)
        kept.leave(session, last)
        session.execute(delete(ReceiptEnvelope).where(ReceiptEnvelope.sha256.in_(gone)))
        session.execute(delete(AsRun).where(AsRun.seq <= last))
        session.execute(delete(AuditEntry).where(AuditEntry.seq <= last))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Session, int, dict[str, Any]]]:
    """The file as a database of its own, so that it is verified by what verifies the log."""
    with tempfile.TemporaryDirectory(prefix="archive-") as scratch:
        engine = create_engine(f"sqlite:///{scratch}/archive.db")
        tables = [
            Base.metadata.tables[each.__tablename__]
            for each in (AsRun, AuditEntry, ReceiptEnvelope, LogCheckpoint, LogHead, LogSeal)
        ]
        Base.metadata.create_all(engine, tables=tables)
        try:
            with Session(engine) as session:
                try:
                    header = _load(session, path)
                except (OSError, EOFError, ValueError, KeyError, TypeError, RefusedError, SQLAlchemyError) as error:
                    raise InvalidError(
                        f"{path} không phải tệp nhật ký: {error}.", f"{path} is not a file of the log: {error}."
                    ) from error
                yield session, header["since"], header["receiver_keys"]
        finally:
            engine.dispose()


def _load(session: Session, path: Path) -> dict[str, Any]:
    opened = gzip.open if path.suffix == ".gz" else open
    rows: list[dict[str, Any]] = []
    envelopes: dict[str, dict[str, Any]] = {}
    receiver, document = "", ""
    header: dict[str, Any] = {}
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            kind = entry.pop("kind")
            if kind == "log":
                header = entry
            elif kind == "envelope":
                receiver, document = entry["receiver"], entry["document"]
            elif kind == "row":
                for name in _INSTANTS:
                    entry[name] = datetime.fromisoformat(entry[name]) if entry[name] is not None else None
                rows.append(entry)
                envelopes[entry["envelope_sha256"]] = {
                    "sha256": entry["envelope_sha256"],
                    "receiver_id": receiver,
                    "document": document,
                    "received_at": entry["received_at"],
                }
                if len(rows) >= _AT_ONCE:
                    _insert(session, rows, envelopes)
            elif kind == "action":
                session.add(AuditEntry(**{**entry, "at": datetime.fromisoformat(entry["at"])}))
            elif kind in ("checkpoint", "head"):
                _add_word(session, entry["document"], kept=kind == "checkpoint")
    _insert(session, rows, envelopes)
    return {"since": header["since"], "receiver_keys": header["receiver_keys"]}


def _insert(session: Session, rows: list[dict[str, Any]], envelopes: dict[str, dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(AsRun.__table__), rows)  # type: ignore[arg-type]  # declared as FromClause, is a Table
        present = set(session.scalars(select(ReceiptEnvelope.sha256).where(ReceiptEnvelope.sha256.in_(envelopes))))
        fresh = [each for digest, each in envelopes.items() if digest not in present]
        if fresh:
            session.execute(insert(ReceiptEnvelope), fresh)
    rows.clear()
    envelopes.clear()


def _add_word(session: Session, document: str, *, kept: bool) -> None:
    """What it says is read from the document itself; whether the station signed it, the verification says."""
    said = unverified(document.encode(), Checkpoint)
    if kept:
        session.add(LogCheckpoint(seq=said.seq, hash=said.hash, at=said.at, document=document))
    else:
        session.add(LogHead(id=1, seq=said.seq, hash=said.hash, document=document))
    session.flush()
