"""The receiver's memory over restarts: orders, cancellations, configuration, receipts to send. One SQLite file.

Every change of an order's state and the receipt that tells of it are one transaction, on disk before the call
returns (`synchronous=FULL`). One connection, one lock: one writer.
"""

import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import structlog
from pydantic import BaseModel, ValidationError

from devices.wire.messages import Drill, Evidence, Order, Reason, Receipt, ReceiptState, Stop

log = structlog.get_logger(__name__)
State = Literal[
    "received",
    "ready",
    "starting",
    "started",
    "paused",
    "finished",
    "refused",
    "cancelled",
    "missed",
    "interrupted",
    "failed",
]
"""As ReceiptState, and `starting`: the sink may have sounded, so that the order is never begun again; `paused`:
interrupted by a higher class, and to go on from a position that is on disk."""
Then = Literal["resume", "restart"]
OPEN: tuple[State, ...] = ("received", "ready")
BEGUN: tuple[State, ...] = ("starting", "started", "paused", "finished", "interrupted")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL,
    document_sha256 TEXT NOT NULL, play_at REAL NOT NULL, latest_start REAL NOT NULL, expires_at REAL NOT NULL,
    drill INTEGER NOT NULL DEFAULT 0, position_ms INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
DROP INDEX IF EXISTS orders_open;
CREATE INDEX IF NOT EXISTS orders_going ON orders (state)
    WHERE state IN ('received', 'ready', 'starting', 'started', 'paused');
CREATE TABLE IF NOT EXISTS stops (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL, document TEXT NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cancellations (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, receipt TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refusals (id TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_SCHEMA_VERSION = 3
REFUSALS_PER_MINUTE = 30
REFUSALS_KEPT = 5_000
_REFUSAL_NAMESPACE = uuid.UUID("7d1dd2a0-3d0c-5a3b-9b0e-2c7a1b5d8f10")


class JournalError(Exception):
    """The journal's file cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One order as the journal holds it."""

    order: Order
    state: State
    document_sha256: str
    position_ms: int = 0  # where it goes on, if it is paused


class Journal:
    """All methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > _SCHEMA_VERSION:
                raise JournalError(f"{path} was written by a newer version of this software; update the receiver.")
            if version in {1, 2}:
                self._migrate(version)
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
        except sqlite3.DatabaseError as error:
            raise JournalError(
                f"The journal {path} cannot be opened ({error}). If it is damaged, move it away and enrol anew: "
                "orders come again from the broker, but which were played is then forgotten."
            ) from error

    def _migrate(self, version: int) -> None:
        with self._transaction() as db:
            if version == 1:
                db.execute("ALTER TABLE orders ADD COLUMN play_at REAL NOT NULL DEFAULT 0")
                for name, document in db.execute("SELECT id, document FROM orders").fetchall():
                    play_at = Order.model_validate_json(document).play_at.timestamp()
                    db.execute("UPDATE orders SET play_at = ? WHERE id = ?", (play_at, name))
            db.execute("ALTER TABLE orders ADD COLUMN drill INTEGER NOT NULL DEFAULT 0")
            db.execute("ALTER TABLE orders ADD COLUMN position_ms INTEGER NOT NULL DEFAULT 0")
            db.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")

    def drop_unreadable(self, at: datetime) -> int:
        """Drop what another version wrote and this one cannot read: it would fail at each look, and take all else with it.

        An order that was still to play is told of as refused. Returns how much was dropped.
        """
        with self._transaction() as db:
            orders = [
                (name, state)
                for name, state, drill, document in db.execute("SELECT id, state, drill, document FROM orders")
                if not _readable(Drill if drill else Order, document)
            ]
            stops = [
                name for name, document in db.execute("SELECT id, document FROM stops") if not _readable(Stop, document)
            ]
            receipts = [
                name for name, text in db.execute("SELECT id, receipt FROM outbox") if not _readable(Receipt, text)
            ]
            for table, names in (("orders", [name for name, _ in orders]), ("stops", stops), ("outbox", receipts)):
                db.executemany(f"DELETE FROM {table} WHERE id = ?", [(name,) for name in names])  # noqa: S608 - ours
                if names:
                    log.error("the journal held what this version cannot read", table=table, ids=names)
            for name, state in orders:
                if state in {*OPEN, "paused"}:
                    receipt = Receipt(
                        id=uuid.uuid4().hex,
                        sequence=1,
                        order=name,
                        revision=0,
                        state=ReceiptState.REFUSED,
                        at=at.astimezone(UTC),
                        reason=Reason.MALFORMED,
                        detail="It was taken in by another version of this software, and this one cannot read it.",
                    )
                    _insert(db, receipt)
        return len(orders) + len(stops) + len(receipts)

    def close(self) -> None:
        """Write everything into the one file and close it."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # ---- orders

    def _entries(self, where: str, *values: object) -> list[Entry]:
        with self._lock:
            rows = self._db.execute(
                f"SELECT document, drill, state, document_sha256, position_ms FROM orders WHERE {where}",  # noqa: S608 - ours
                values,
            ).fetchall()
        return [
            Entry((Drill if drill else Order).model_validate_json(document), state, digest, position)
            for document, drill, state, digest, position in rows
        ]

    def entry(self, order: str) -> Entry | None:
        """The order of that id."""
        return next(iter(self._entries("id = ?", order)), None)

    def entries(self, *states: State) -> list[Entry]:
        """All orders in one of these states."""
        return self._entries(f"state IN ({','.join('?' * len(states))})", *states)

    def ready_before(self, instant: datetime) -> list[Order]:
        """Orders that are ready and to play at `instant` or before: few, however many wait."""
        return [entry.order for entry in self._entries("state = 'ready' AND play_at <= ?", instant.timestamp())]

    def overdue(self, now: datetime) -> list[Entry]:
        """Orders that have not begun and whose latest start has passed."""
        return self._entries("state IN ('received', 'ready') AND latest_start < ?", now.timestamp())

    def next_instants(self, after: datetime) -> tuple[datetime | None, datetime | None]:
        """After `after`: when the next ready order is to play, and when the next latest start passes."""
        at = after.timestamp()
        with self._lock:
            play = self._db.execute(
                "SELECT min(play_at) FROM orders WHERE state = 'ready' AND play_at > ?", (at,)
            ).fetchone()[0]
            late = self._db.execute(
                "SELECT min(latest_start) FROM orders WHERE state IN ('received', 'ready') AND latest_start >= ?", (at,)
            ).fetchone()[0]
        return _instant(play), _instant(late)

    def still_to_play(self) -> int:
        """How many orders have not begun, or are to go on."""
        with self._lock:
            return int(
                self._db.execute(
                    "SELECT count(*) FROM orders WHERE state IN ('received', 'ready', 'paused')"
                ).fetchone()[0]
            )

    def accept(self, order: Order, document_sha256: str, at: datetime) -> None:
        """Take in an order, or its higher revision, and say `received`."""
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO orders (id, revision, state, document, document_sha256, play_at, latest_start, "
                "expires_at, drill) VALUES (?, ?, 'received', ?, ?, ?, ?, ?, ?)",
                (
                    order.id,
                    order.revision,
                    order.model_dump_json(),
                    document_sha256,
                    order.play_at.timestamp(),
                    order.latest_start.timestamp(),
                    order.expires_at.timestamp(),
                    order.is_drill,
                ),
            )
            _put(db, order, ReceiptState.RECEIVED, at)

    def advance(
        self,
        order: Order,
        to: State,
        at: datetime,
        *,
        only_from: tuple[State, ...],
        reason: Reason | None = None,
        detail: str | None = None,
        evidence: Evidence | None = None,
    ) -> bool:
        """Bring this revision into another state and say so, if it stands in one of `only_from`; whether it did."""
        marks = ",".join("?" * len(only_from))
        with self._transaction() as db:
            changed = db.execute(
                f"UPDATE orders SET state = ? WHERE id = ? AND revision = ? AND state IN ({marks})",  # noqa: S608 - marks
                (to, order.id, order.revision, *only_from),
            ).rowcount
            if changed and to != "starting":
                _put(db, order, ReceiptState(to), at, reason=reason, detail=detail, evidence=evidence)
        return bool(changed)

    def pause(
        self, order: Order, at: datetime, *, position_ms: int, then: Then, reason: Reason, evidence: Evidence
    ) -> None:
        """It was interrupted and will go on from `position_ms`; say so."""
        with self._transaction() as db:
            changed = db.execute(
                "UPDATE orders SET state = 'paused', position_ms = ? WHERE id = ? AND revision = ? "
                "AND state IN ('starting', 'started')",
                (position_ms, order.id, order.revision),
            ).rowcount
            if changed:
                _put(db, order, ReceiptState.INTERRUPTED, at, reason=reason, evidence=evidence, then=then)

    def back_to_received(self, order: Order) -> None:
        """The clip that was ready is gone or damaged: it is to be fetched again. No receipt."""
        with self._transaction() as db:
            db.execute(
                "UPDATE orders SET state = 'received' WHERE id = ? AND revision = ? AND state = 'ready'",
                (order.id, order.revision),
            )

    def not_begun(self, order: Order, back_to: Literal["ready", "paused"] = "ready") -> None:
        """It was about to begin, or to go on, and did not: nothing has sounded; it may do so later. No receipt."""
        with self._transaction() as db:
            db.execute(
                "UPDATE orders SET state = ? WHERE id = ? AND revision = ? AND state = 'starting'",
                (back_to, order.id, order.revision),
            )

    def note_cancellation(self, order: str, revision: int, expires_at: datetime) -> None:
        """Remember that this order is taken back up to this revision."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO cancellations VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "revision = max(revision, excluded.revision), expires_at = max(expires_at, excluded.expires_at)",
                (order, revision, expires_at.timestamp()),
            )

    def cancelled_up_to(self, order: str) -> int:
        """The highest revision of a cancellation of this order; 0 where there is none."""
        with self._lock:
            row = self._db.execute("SELECT revision FROM cancellations WHERE id = ?", (order,)).fetchone()
        return 0 if row is None else int(row[0])

    # ---- stops

    def note_stop(self, stop: Stop) -> bool:
        """Remember a stop or its lifting, if it is a higher revision than is known; whether it was."""
        with self._transaction() as db:
            changed = db.execute(
                "INSERT INTO stops VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, "
                "document = excluded.document, expires_at = excluded.expires_at WHERE excluded.revision > revision",
                (stop.id, stop.revision, stop.model_dump_json(), stop.expires_at.timestamp()),
            ).rowcount
        return bool(changed)

    def stops(self, now: datetime) -> list[Stop]:
        """Those in force."""
        with self._lock:
            rows = self._db.execute("SELECT document FROM stops WHERE expires_at > ?", (now.timestamp(),)).fetchall()
        found = [Stop.model_validate_json(row[0]) for row in rows]
        return [stop for stop in found if not stop.lifted]

    def prune(self, now: datetime, *, keep: timedelta = timedelta(days=30)) -> None:
        """Forget orders and cancellations that expired long ago: an expired document is refused by its own date."""
        before = (now - keep).timestamp()
        with self._transaction() as db:
            db.execute(
                "DELETE FROM orders WHERE expires_at < ? AND state NOT IN ('starting', 'started', 'paused')", (before,)
            )
            db.execute("DELETE FROM cancellations WHERE expires_at < ?", (before,))
            db.execute("DELETE FROM stops WHERE expires_at < ?", (before,))
            db.execute(
                "DELETE FROM refusals WHERE id IN (SELECT id FROM refusals ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (REFUSALS_KEPT,),
            )

    # ---- receipts

    def refuse(
        self, *, order: str, revision: int, reason: Reason, detail: str, document_sha256: str, at: datetime
    ) -> bool:
        """Say that a document was refused: once for each document and reason, and not too often; whether it was said.

        The limit keeps a flood of forged documents from filling the disk and the line; a refused document that the
        broker retains comes again, and is then told of.
        """
        name = uuid.uuid5(_REFUSAL_NAMESPACE, f"{document_sha256}:{reason.value}").hex
        with self._transaction() as db:
            if db.execute("SELECT 1 FROM refusals WHERE id = ?", (name,)).fetchone():
                return False
            recent = db.execute("SELECT count(*) FROM refusals WHERE at > ?", (at.timestamp() - 60,)).fetchone()[0]
            if recent >= REFUSALS_PER_MINUTE:
                return False
            db.execute("INSERT INTO refusals VALUES (?, ?)", (name, at.timestamp()))
            _insert(
                db,
                Receipt(
                    id=name,
                    sequence=1,
                    order=order,
                    revision=revision,
                    state=ReceiptState.REFUSED,
                    at=at,
                    reason=reason,
                    detail=_detail(detail),
                    document_sha256=document_sha256,
                ),
            )
        return True

    def outbox(self, *, after: int = 0, limit: int = 1000) -> list[Receipt]:
        """Receipts that the station has not acknowledged, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT sequence, receipt FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?", (after, limit)
            ).fetchall()
        return [Receipt.model_validate_json(row[1]).model_copy(update={"sequence": row[0]}) for row in rows]

    def outbox_size(self) -> int:
        """How many receipts wait for the station's acknowledgement."""
        with self._lock:
            return int(self._db.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def acknowledged(self, receipts: Iterable[str]) -> int:
        """Drop receipts that the station has on disk; how many were dropped."""
        with self._transaction() as db:
            return sum(db.execute("DELETE FROM outbox WHERE id = ?", (name,)).rowcount for name in receipts)

    # ---- notes

    def note(self, name: str) -> bytes | None:
        """What was noted under a name."""
        with self._lock:
            row = self._db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def notes(self, prefix: str) -> dict[str, bytes]:
        """All that was noted under names that begin so."""
        with self._lock:
            rows = self._db.execute("SELECT name, value FROM notes").fetchall()
        return {name: bytes(value) for name, value in rows if name.startswith(prefix)}

    def set_note(self, name: str, value: bytes) -> None:
        """Note something under a name."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))


def _readable(kind: type[BaseModel], text: str) -> bool:
    try:
        kind.model_validate_json(text)
    except ValidationError:
        return False
    return True


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _put(
    db: sqlite3.Connection,
    order: Order,
    state: ReceiptState,
    at: datetime,
    *,
    reason: Reason | None = None,
    detail: str | None = None,
    evidence: Evidence | None = None,
    then: Then | None = None,
) -> None:
    _insert(
        db,
        Receipt(
            id=uuid.uuid4().hex,
            sequence=1,
            order=order.id,
            revision=order.revision,
            state=state,
            at=at.astimezone(UTC),
            reason=reason,
            detail=None if detail is None else _detail(detail),
            evidence=evidence,
            then=then,
        ),
    )


def _detail(text: str) -> str:
    """As a receipt may hold it: it tells of errors, whose words nobody knows before."""
    return text.replace("\0", "\ufffd")[:300]


def _insert(db: sqlite3.Connection, receipt: Receipt) -> None:
    db.execute(
        "INSERT INTO outbox (id, receipt) VALUES (?, ?)", (receipt.id, receipt.model_dump_json(exclude_none=True))
    )
