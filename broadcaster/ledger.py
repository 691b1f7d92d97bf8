"""Verifying the as-run log: the chain, the station's word on it, and each row against what its receiver signed.

Needs the database and the station's public key only, no running station. The export says the same to a third party,
who verifies it with nothing of ours (docs/how-to/verify-the-log.md).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import except_, func, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.asrun import GENESIS, Checkpoint, Seal, as_json, row_hash
from broadcaster.audit import entry_hash
from broadcaster.errors import ConflictError
from broadcaster.receivers import keys_ever, ring_of
from broadcaster.storage.models import AsRun, AuditEntry, LogCheckpoint, LogHead, LogSeal, ReceiptEnvelope
from devices.wire.messages import Receipt, Receipts
from devices.wire.signing import Keyring, RefusedError
from devices.wire.signing import verify as verify_document

FORMAT = 1
AS_RUN, AUDIT = "as_run", "audit_log"
MOST_FAULTS = 100
_AT_ONCE = 1000
_UNREADABLE = (ValueError, TypeError, DBAPIError)
"""What a column raises that holds no instant, no JSON or no UTF-8 any more."""


@dataclass(frozen=True)
class Fault:
    """Where the log is not what it was, and how. `seq` is a row's number; None where no row can be named."""

    table: str
    seq: int | None
    problem: str


@dataclass
class Finding:
    """What a verification came to. `rows` of receipts and `actions` of people were looked at; the log is right if `faults` is empty."""

    rows: int = 0
    actions: int = 0  # entries of the audit log, which stand in the same chain
    envelopes: int = 0
    checkpoints: int = 0
    hash: str = GENESIS  # of the last row
    faults: list[Fault] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    def blame(self, table: str, seq: int | None, problem: str) -> None:
        """Note a fault; a log that is broken all over needs no endless list."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(table, seq, problem))


def verify(
    session: Session, keys: Keyring, *, since: int = 1, receiver_keys: Mapping[str, list[Any]] | None = None
) -> Finding:
    """Walk the log from row `since` to its end; what was sealed is in its archives, and is passed over.

    `keys` are the station's, past and present; `receiver_keys` those of receivers, if not the database's. Found and placed are: a row or envelope that was changed, removed,
    inserted or moved; a tail that was cut; a head or checkpoint that the station did not sign; a row that its
    receiver did not state.
    """
    finding = Finding()
    sealed = _sealed(session, finding, keys)
    expected = since = max(since, sealed.seq + 1 if sealed else 1)
    witness = _Witness(keys_ever(session) if receiver_keys is None else receiver_keys)
    checkpoints = _Checkpoints(session, finding, keys, since)
    previous = GENESIS if since <= 1 else hash_of(session, since - 1)
    if sealed is not None and since == sealed.seq + 1:
        previous = sealed.hash
    seen: set[str] = set()
    for seq, table, found in _rows(session, expected):
        if table == AUDIT:
            finding.actions += 1
        else:
            finding.rows += 1
        if seq < expected:
            finding.blame(table, seq, "two rows have this number")
            continue
        if seq != expected:
            finding.blame("as_run", expected, f"rows {expected} to {seq - 1} are missing")
            previous = None
        if found is None:
            finding.blame(table, seq, "the row or its envelope cannot be read: it was changed")
            previous, expected = None, seq + 1
            continue
        row = found if isinstance(found, AuditEntry) else found[0]
        if previous is not None and row.previous_hash != previous:
            finding.blame(table, seq, "the row does not follow the one before it")
        hashed = entry_hash if isinstance(row, AuditEntry) else row_hash
        if row.hash != hashed(row.previous_hash, vars(row)):
            finding.blame(table, seq, "the row was changed")
        if not isinstance(found, AuditEntry):
            problem = witness.contradicts(*found)
            if problem is not None:
                finding.blame("receipt_envelopes", seq, problem)
            seen.add(found[0].envelope_sha256)
        checkpoints.pass_by(row)
        previous, expected = row.hash, seq + 1
    finding.hash, finding.envelopes = previous or GENESIS, len(seen)  # of a sealed row, if all are
    checkpoints.close()
    _head(session, finding, keys, last=expected - 1)
    if since <= 1:
        _orphans(session, finding)
    return finding


def _sealed(session: Session, finding: Finding, keys: Keyring) -> LogSeal | None:
    """The last seal, if there is one; blamed is whatever the station did not sign, and what should have left and is still there."""
    last: LogSeal | None = None
    for seal in session.scalars(select(LogSeal).order_by(LogSeal.seq)):
        try:
            said = verify_document(seal.document.encode(), keys, Seal)
        except RefusedError as error:
            finding.blame("log_seals", seal.seq, f"the station did not sign it: {error}")
        else:
            if (said.first, said.seq, said.hash) != (seal.first, seal.seq, seal.hash):
                finding.blame("log_seals", seal.seq, "it differs from what the station signed")
        if seal.first != (last.seq if last else 0) + 1:
            finding.blame("log_seals", seal.seq, "the seal before it is missing")
        last = seal
    if last is not None:
        for table, column in ((AS_RUN, AsRun.seq), (AUDIT, AuditEntry.seq)):
            for seq in session.scalars(select(column).where(column <= last.seq).order_by(column).limit(MOST_FAULTS)):
                finding.blame(table, seq, "the row stands among those that were sealed and left")
    return last


Found = tuple[AsRun, ReceiptEnvelope | None] | AuditEntry


def hash_of(session: Session, seq: int) -> str | None:
    """The hash of a row of the chain, whichever table it is in."""
    found = session.scalar(select(AsRun.hash).where(AsRun.seq == seq))
    return found or session.scalar(select(AuditEntry.hash).where(AuditEntry.seq == seq))


def _rows(session: Session, since: int, until: int | None = None) -> Iterator[tuple[int, str, Found | None]]:
    """All rows in order, by number, with their table, those of receipts with their envelopes; None for one that was damaged so that it
    cannot be read."""
    receipts = select(AsRun, ReceiptEnvelope).outerjoin(
        ReceiptEnvelope, ReceiptEnvelope.sha256 == AsRun.envelope_sha256
    )
    while numbers := session.execute(
        select(AsRun.seq, literal(AS_RUN))
        .where(AsRun.seq >= since, *([AsRun.seq <= until] if until is not None else []))
        .union_all(
            select(AuditEntry.seq, literal(AUDIT)).where(
                AuditEntry.seq >= since, *([AuditEntry.seq <= until] if until is not None else [])
            )
        )
        .order_by("seq")
        .limit(_AT_ONCE)
    ).all():
        found: dict[tuple[int, str], Found] = {}

        def read(first: int, last: int, found: dict[tuple[int, str], Found] = found) -> None:
            for row, proof in session.execute(receipts.where(AsRun.seq.between(first, last))):
                found[row.seq, AS_RUN] = (row, proof)
            for entry in session.scalars(select(AuditEntry).where(AuditEntry.seq.between(first, last))):
                found[entry.seq, AUDIT] = entry

        try:
            read(numbers[0][0], numbers[-1][0])
        except _UNREADABLE:
            for seq, _ in numbers:
                with suppress(*_UNREADABLE):
                    read(seq, seq)
        for seq, table in numbers:
            yield seq, table, found.get((seq, table))
        session.expunge_all()  # a year of a province does not fit into memory
        since = numbers[-1][0] + 1


class _Checkpoints:
    """The station's kept words, each compared with the row that it is about."""

    def __init__(self, session: Session, finding: Finding, keys: Keyring, since: int) -> None:
        self._finding, self._keys = finding, keys
        self._before: int | None = 0 if since <= 1 else None
        self._waiting: dict[int, LogCheckpoint] = {}
        for seq in session.scalars(select(LogCheckpoint.seq).where(LogCheckpoint.seq >= (since if since > 1 else 0))):
            try:
                self._waiting[seq] = session.get_one(LogCheckpoint, seq)
            except _UNREADABLE:
                finding.blame("log_checkpoints", seq, "the checkpoint cannot be read: it was changed")
        session.expunge_all()

    def pass_by(self, row: AsRun | AuditEntry) -> None:
        """Compare the checkpoint of this row, if there is one."""
        checkpoint = self._waiting.pop(row.seq, None)
        if checkpoint is None:
            return
        self._finding.checkpoints += 1
        if checkpoint.hash != row.hash:
            self._finding.blame("log_checkpoints", row.seq, "the checkpoint names another hash than the row has")
        said = _signed(self._finding, "log_checkpoints", checkpoint, self._keys, seq=row.seq)
        if said is not None and self._before not in (said.before, None):
            self._finding.blame("log_checkpoints", said.before, "the checkpoint before the next one is missing")
        self._before = row.seq

    def close(self) -> None:
        """Whatever no row was found for."""
        for seq in sorted(self._waiting):
            self._finding.blame("log_checkpoints", seq, "the checkpoint's row is missing")


def _orphans(session: Session, finding: Finding) -> None:
    """Envelopes whose rows are gone."""
    # Set against set: to look for each envelope's row would read the log once an envelope, which has no index by it.
    for digest in session.scalars(except_(select(ReceiptEnvelope.sha256), select(AsRun.envelope_sha256))):
        finding.blame("receipt_envelopes", None, f"the envelope {digest} has no row in the log")


class _Witness:
    """What receivers signed, by envelope; several rows, one after the other, follow from one."""

    def __init__(self, keys: Mapping[str, list[Any]]) -> None:
        self._rings = {name: ring_of(each) for name, each in keys.items()}
        self._last: tuple[str, dict[str, Receipt] | str] = ("", {})

    def contradicts(self, row: AsRun, envelope: ReceiptEnvelope | None) -> str | None:
        """Why the row is not what its receiver stated, or None."""
        if envelope is None:
            return "the envelope that proves the row is missing"
        if (envelope.receiver_id, envelope.received_at) != (row.receiver_id, row.received_at):
            return "the envelope's receiver or instant was changed"
        if self._last[0] != envelope.sha256:
            self._last = (envelope.sha256, self._statement(envelope))
        stated = self._last[1]
        if isinstance(stated, str):
            return stated
        receipt = stated.get(row.receipt_id)
        if receipt is None:
            return "the envelope holds no such receipt"
        wrong = [name for name, (written, said) in _fields(row, receipt).items() if written != said]
        return f"the row differs from what the receiver stated: {', '.join(wrong)}" if wrong else None

    def _statement(self, envelope: ReceiptEnvelope) -> dict[str, Receipt] | str:
        """The receipts by id, or why they prove nothing."""
        if hashlib.sha256(envelope.document.encode()).hexdigest() != envelope.sha256:
            return "the envelope was changed"
        ring = self._rings.get(envelope.receiver_id)
        if ring is None:
            return f"the key of the receiver {envelope.receiver_id} is missing"
        try:
            document = verify_document(envelope.document.encode(), ring, Receipts)
        except RefusedError as error:
            return f"the receiver did not sign the envelope: {error}"
        return {receipt.id: receipt for receipt in document.receipts}


def _fields(row: AsRun, receipt: Receipt) -> dict[str, tuple[object, object]]:
    said = receipt.evidence.model_dump(mode="json", exclude_none=True) if receipt.evidence else None
    return {
        "receiver_seq": (row.receiver_seq, receipt.sequence),
        "order_id": (row.order_id, receipt.order),
        "order_revision": (row.order_revision, receipt.revision),
        "state": (row.state, receipt.state.value),
        "at": (row.at, receipt.at),
        "reason": (row.reason, receipt.reason.value if receipt.reason else None),
        "detail": (row.detail, receipt.detail),
        "evidence": (row.evidence, said),
    }


def _signed(
    finding: Finding, table: str, row: LogHead | LogCheckpoint, keys: Keyring, *, seq: int
) -> Checkpoint | None:
    try:
        said = verify_document((row.document or "").encode(), keys, Checkpoint)
    except RefusedError as error:
        finding.blame(table, seq, f"the station did not sign it: {error}")
        return None
    if (said.seq, said.hash) != (row.seq, row.hash) or (isinstance(row, LogCheckpoint) and said.at != row.at):
        finding.blame(table, seq, "it differs from what the station signed")
    return said


def _head(session: Session, finding: Finding, keys: Keyring, *, last: int) -> None:
    head = session.get(LogHead, 1)
    if head is None:
        if finding.rows or finding.actions:
            finding.blame("log_head", last, "the head of the log is missing")
        return
    said = _signed(finding, "log_head", head, keys, seq=last)
    kept = session.scalar(select(func.max(LogCheckpoint.seq)))
    if said is not None and (said.seq if said.kept else said.before) != (kept or 0):
        finding.blame("log_checkpoints", said.seq if said.kept else said.before, "the last checkpoint is missing")
    if head.seq > last:
        finding.blame("as_run", last + 1, f"the end of the log is missing: rows {last + 1} to {head.seq}")
    elif (head.seq, head.hash) != (last, finding.hash):
        finding.blame("as_run", head.seq + 1, "rows stand behind the end that the station signed")


def export(
    session: Session, station: str, keys: Keyring, *, since: int = 1, until: int | None = None, end: str | None = None
) -> Iterator[str]:
    """The log with its proof as JSON lines: a header with all public keys, then envelopes, rows, checkpoints, the head.

    Streams: a line at a time, each envelope before its first row. With `until`, `end` is the station's word on that row.
    """
    last_seal = session.scalar(select(func.max(LogSeal.seq))) or 0
    since = max(since, last_seal + 1)

    def line(kind: str, **fields: Any) -> str:
        return json.dumps({"kind": kind, **fields}, ensure_ascii=False, separators=(",", ":")) + "\n"

    yield line(
        "log",
        format=FORMAT,
        station=station,
        since=since,
        station_keys=[key.to_jwk() for key in keys.values()],
        receiver_keys=dict(sorted(keys_ever(session).items())),
    )
    last: str | None = None
    for seq, _, found in _rows(session, since, until):
        if found is None:
            raise ConflictError(
                f"Dòng {seq} của nhật ký không đọc được: hãy chạy 'broadcaster ledger verify'.",
                f"Row {seq} of the log cannot be read: run 'broadcaster ledger verify'.",
            )
        if isinstance(found, AuditEntry):
            yield line("action", **audit.as_json(found))
            continue
        row, envelope = found
        if envelope is not None and envelope.sha256 != last:
            yield line("envelope", receiver=envelope.receiver_id, document=envelope.document)
            last = envelope.sha256
        yield line("row", **as_json(row))
    kept = select(LogCheckpoint).where(LogCheckpoint.seq >= since).order_by("seq")
    for checkpoint in session.scalars(kept if until is None else kept.where(LogCheckpoint.seq <= until)):
        yield line("checkpoint", document=checkpoint.document)
    head = session.get(LogHead, 1)
    if end is not None or head is not None:
        yield line("head", document=end or (head.document if head else None))
