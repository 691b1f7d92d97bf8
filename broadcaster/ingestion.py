"""Ingestion: what receivers say, verified, written, and only then acknowledged, to the broker and to the receiver."""

import hashlib
import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import insert, select, tuple_, update
from sqlalchemy.orm import Session

from broadcaster import asrun, metrics
from broadcaster.clock import Clock
from broadcaster.identity import Signatory
from broadcaster.provenance import Provenance
from broadcaster.receivers import keyring_of
from broadcaster.storage.database import Database
from broadcaster.storage.models import (
    AsRun,
    ReceiptEnvelope,
    Receiver,
    RejectedMessage,
)
from devices.links.port import Delivery, Link
from devices.wire import topics
from devices.wire.enrolment import Wiped
from devices.wire.messages import Acknowledgement, Health, Presence, Receipt, Receipts
from devices.wire.signing import RefusedError, verify

log = structlog.get_logger(__name__)
BATCH = 1000
WAIT_S = 0.5
SUBJECTS: tuple[topics.Subject, ...] = ("receipts", "presence", "health", "wiped")


@dataclass
class _Batch:
    """What one batch of messages came to."""

    receipts: list[tuple[Receiver, str, Receipts]] = field(default_factory=list)  # with the envelope's SHA-256
    envelopes: dict[str, tuple[str, str]] = field(default_factory=dict)  # SHA-256: receiver, document
    presences: list[Presence] = field(default_factory=list)
    healths: list[Health] = field(default_factory=list)
    wiped: list[Wiped] = field(default_factory=list)
    rejected: list[tuple[Delivery, str]] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)  # new rows of the log


class Ingestion:
    """One thread that takes batches from the link and writes them, the database's only appender to the log."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signatory: Signatory,
        link: Link,
        *,
        zone: str,
        changed: Callable[[], None],
        wiped: Callable[[Wiped], None] = lambda _statement: None,
    ) -> None:
        """`wiped`: a receiver says that it forgets everything now; it may be told of twice."""
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._link = link
        self._zone = zone
        self._changed = changed
        self._wiped = wiped
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ingestion", daemon=True)

    def start(self) -> None:
        """Subscribe to all receivers, and begin."""
        self._link.subscribe(*(topics.of_receiver("+", subject) for subject in SUBJECTS))
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            deliveries = self._link.receive(limit=BATCH, wait_s=WAIT_S)
            while deliveries and not self._stop.is_set():
                try:
                    self.take(deliveries)
                    break
                except Exception:  # whatever it was, nothing was acknowledged: the batch is tried again
                    log.exception("receipts could not be written; trying again")
                    self._stop.wait(1.0)

    def take(self, deliveries: list[Delivery]) -> None:
        """Write one batch. If this raises, nothing was written and nothing acknowledged."""
        now, began = self._clock.now(), time.perf_counter()
        with self._database.writing() as session:
            batch = self._sort(session, deliveries)
            self._write_status(session, batch, now)
            self._write_rejected(session, batch.rejected, now)
            # Last: it holds the head of the log, which people's actions want too while they hold other rows.
            known = self._write_receipts(session, batch, now)
        metrics.INGESTION_S.observe(time.perf_counter() - began)
        _tell(batch)
        for statement in batch.wiped:
            self._wiped(statement)
        self._link.acknowledge(deliveries)
        for receiver, receipts in known.items():
            for start in range(0, len(receipts), 100):
                document = Acknowledgement(
                    station=self._signatory.station,
                    receiver=receiver,
                    at=now,
                    receipts=tuple(receipts[start : start + 100]),
                )
                # Not waited for: a receiver that does not get it sends its receipts again.
                self._link.publish(
                    topics.of_receiver(receiver, "acknowledgements"), self._signatory.sign(document).encode()
                )
        self._changed()

    def _sort(self, session: Session, deliveries: list[Delivery]) -> _Batch:
        """Verify each message with the key of the receiver in whose topic it came."""
        batch = _Batch()
        parsed = [(delivery, topics.parse(delivery.topic)) for delivery in deliveries]
        names = {topic.name for _, topic in parsed if topic is not None}
        receivers = {
            row.id: row
            for row in session.scalars(select(Receiver).where(Receiver.id.in_(names), Receiver.revoked_at.is_(None)))
        }
        now = self._clock.now()
        rings = {name: keyring_of(row, now) for name, row in receivers.items()}
        for delivery, topic in parsed:
            if topic is None or topic.subject not in SUBJECTS:
                continue  # brokers hand over what nobody asked for; such topics are none of this protocol's
            if not delivery.payload and topic.subject == "presence":
                continue  # a cleared retained message
            receiver = receivers.get(topic.name)
            if receiver is None:
                batch.rejected.append((delivery, "no receiver in service has this name"))
                continue
            try:
                document = verify(delivery.payload, rings[receiver.id], Receipts, Presence, Health, Wiped)
            except RefusedError as error:
                batch.rejected.append((delivery, f"{error.reason}: {error}"))
                continue
            if document.receiver != receiver.id or document.station != self._signatory.station:
                batch.rejected.append((delivery, "signed for another receiver or station than the topic's"))
            elif isinstance(document, Receipts) and topic.subject == "receipts":
                digest = hashlib.sha256(delivery.payload).hexdigest()
                batch.envelopes[digest] = (receiver.id, delivery.payload.decode("ascii"))
                batch.receipts.append((receiver, digest, document))
            elif isinstance(document, Presence) and topic.subject == "presence":
                batch.presences.append(document)
            elif isinstance(document, Health) and topic.subject == "health":
                batch.healths.append(document)
            elif isinstance(document, Wiped) and topic.subject == "wiped":
                batch.wiped.append(document)
            else:
                batch.rejected.append((delivery, f"a {document.TYP} does not belong into {topic.subject}"))
        return batch

    def _write_receipts(self, session: Session, batch: _Batch, now: datetime) -> dict[str, list[str]]:
        """Append what is new to the log; returns the ids that are on disk by the end of the transaction."""
        arrived = [(row, digest, receipt) for row, digest, document in batch.receipts for receipt in document.receipts]
        if not arrived:
            return {}
        keys = [(row.id, receipt.id) for row, _, receipt in arrived]
        present: set[tuple[str, str]] = set()
        for start in range(0, len(keys), 400):
            found = session.execute(
                select(AsRun.receiver_id, AsRun.receipt_id).where(
                    tuple_(AsRun.receiver_id, AsRun.receipt_id).in_(keys[start : start + 400])
                )
            )
            present.update((receiver, receipt) for receiver, receipt in found)
        provenance = Provenance(session, ((row, receipt) for row, _, receipt in arrived), zone=self._zone)
        rows: list[dict[str, Any]] = []
        used: set[str] = set()
        known: dict[str, list[str]] = defaultdict(list)
        for receiver, digest, receipt in arrived:
            known[receiver.id].append(receipt.id)
            if (receiver.id, receipt.id) in present:
                continue
            present.add((receiver.id, receipt.id))
            used.add(digest)
            entry = _entry(receiver, receipt, digest=digest, now=now)
            rows.append({**entry, **provenance.of(receiver, receipt)})
        stored = set(session.scalars(select(ReceiptEnvelope.sha256).where(ReceiptEnvelope.sha256.in_(used))))
        fresh = used - stored
        envelopes = [
            {"sha256": digest, "receiver_id": receiver, "document": document, "received_at": now}
            for digest, (receiver, document) in batch.envelopes.items()
            if digest in fresh
        ]
        if envelopes:
            session.execute(insert(ReceiptEnvelope), envelopes)
        asrun.append(session, rows, signatory=self._signatory, now=now)
        batch.written = rows
        return known

    @staticmethod
    def _write_status(session: Session, batch: _Batch, now: datetime) -> None:
        for presence in batch.presences:
            # A last will belongs to one connection: a late one must not put out the connection after it.
            newer = Receiver.presence_at.is_(None) | (Receiver.presence_at < presence.at)
            same = Receiver.presence_session == presence.session
            session.execute(
                update(Receiver)
                .where(Receiver.id == presence.receiver, newer | same)
                .values(presence=presence.state, presence_session=presence.session, presence_at=presence.at)
            )
        for health in batch.healths:
            session.execute(
                update(Receiver)
                .where(Receiver.id == health.receiver)
                .values(health=health.model_dump(mode="json"), health_at=now)
            )

    @staticmethod
    def _write_rejected(session: Session, rejected: list[tuple[Delivery, str]], now: datetime) -> None:
        for delivery, reason in rejected:
            log.warning("message set apart", topic=delivery.topic, reason=reason)
            digest = hashlib.sha256(delivery.topic.encode() + b"\0" + delivery.payload).hexdigest()
            row = session.scalar(select(RejectedMessage).where(RejectedMessage.payload_sha256 == digest))
            if row is not None:
                row.times += 1
                continue
            session.add(
                RejectedMessage(
                    topic=delivery.topic[:500],
                    payload_sha256=digest,
                    payload=delivery.payload[:65536].decode("ascii", "backslashreplace"),
                    reason=reason[:500],
                    received_at=now,
                )
            )
            session.flush()


def _tell(batch: _Batch) -> None:
    """Count what was written, and log a line for each order: how many receivers came how far."""
    metrics.SET_APART.inc(len(batch.rejected))
    for state, number in Counter(row["state"] for row in batch.written).items():
        metrics.RECEIPTS.labels(state).inc(number)
    if not logging.getLogger(__name__).isEnabledFor(logging.INFO):
        return
    orders: dict[tuple[str | None, str | None, str], Counter[str]] = defaultdict(Counter)
    for row in batch.written:
        orders[row["bulletin_id"], row["airing_id"], row["order_id"]][row["state"]] += 1
    for (bulletin, airing, order), states in orders.items():
        log.info("receipts", bulletin=bulletin, airing=airing, order=order, **states)


def _entry(receiver: Receiver, receipt: Receipt, *, digest: str, now: datetime) -> dict[str, Any]:
    return {
        "receipt_id": receipt.id,
        "receiver_id": receiver.id,
        "receiver_name": receiver.name,
        "receiver_seq": receipt.sequence,
        "order_id": receipt.order,
        "order_revision": receipt.revision,
        "state": receipt.state.value,
        "at": receipt.at,
        "reason": receipt.reason.value if receipt.reason else None,
        "detail": receipt.detail,
        "evidence": receipt.evidence.model_dump(mode="json", exclude_none=True) if receipt.evidence else None,
        "envelope_sha256": digest,
        "received_at": now,
    }
