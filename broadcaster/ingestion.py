"""Ingestion: what receivers say, verified, written, and only then acknowledged, to the broker and to the receiver."""

import logging
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import structlog
from opentelemetry import trace
from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from broadcaster import asrun, metrics, set_apart, tracing
from broadcaster.arrivals import SUBJECTS, Arrived, Batch, Reader
from broadcaster.backlog import Backlog
from broadcaster.clock import Clock
from broadcaster.identity import Signatory
from broadcaster.provenance import Provenance
from broadcaster.set_apart import Apart, Code
from broadcaster.storage import bulk
from broadcaster.storage.database import Database, part_of, passes
from broadcaster.storage.models import AsRun, ReceiptEnvelope, Receiver
from broadcaster.troubles import troubles_of
from devices.links.port import Delivery, Link
from devices.wire import topics
from devices.wire.enrolment import Wiped
from devices.wire.messages import Acknowledgement, ReceiptState

log = structlog.get_logger(__name__)
BATCH = 1000
WAIT_S = 0.5


class Ingestion:
    """One thread that takes batches from the link and writes them, the database's only appender to the log.

    Between two batches it writes a piece of the backlog (`broadcaster.backlog`).
    """

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
        self._reader = Reader(signatory.station)
        self._backlog = Backlog()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ingestion", daemon=True)

    @property
    def waiting(self) -> int:
        """Messages of an outage that are on disk and not in the log yet."""
        return len(self._backlog)

    def start(self) -> None:
        """Subscribe to all receivers, and begin."""
        with self._database.reading() as session:
            self._backlog.load(session)
        self._link.subscribe(*(topics.of_receiver("+", subject) for subject in SUBJECTS))
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            deliveries = self._link.receive(limit=BATCH, wait_s=0.0 if self._backlog else WAIT_S)
            if deliveries:
                self._until_done(lambda batch=deliveries: self.take(batch))  # type: ignore[misc]  # bound at once
            # What still comes is put on disk first: what is live stands behind it in the broker's queue.
            if self._backlog and len(deliveries) < BATCH:
                self._until_done(self.catch_up)

    def _until_done(self, step: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                with tracing.tracer.start_as_current_span("ingestion"):
                    step()
            except Exception:  # whatever it was, nothing was acknowledged: the batch is tried again
                log.exception("receipts could not be written; trying again")
                self._stop.wait(1.0)
            else:
                return

    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Write one batch, what is late in it onto the backlog. If this raises, nothing was written and nothing acknowledged."""
        now, began = self._clock.now(), time.perf_counter()
        fresh, late = self._backlog.split(deliveries, now)
        with self._database.writing() as session:
            if late:  # nobody fills the disk with what is then not believed
                signed = self._reader.signed(session, [delivery for delivery, *_ in late], now)
                fresh += [delivery for delivery, *_ in late if delivery not in signed]
                late = [each for each in late if each[0] in signed]
            self._backlog.keep(session, late, now)
            written = self._write(session, fresh, now)
        self._backlog.kept(late)
        metrics.INGESTION_S.observe(time.perf_counter() - began)
        for batch in written:
            _tell(batch)
            for statement in batch.wiped:
                self._wiped(statement)
        self._link.acknowledge(deliveries)
        self._acknowledge(written, now)
        self._changed()

    def catch_up(self) -> None:
        """Write a piece of the backlog. If this raises, it is still all there."""
        now, begin = self._clock.now(), time.monotonic()
        with self._database.writing() as session:
            rows = self._backlog.next(session)
            written = self._write(session, [Delivery(row.topic, row.payload) for row in rows], now)
        self._backlog.written(rows, seconds=time.monotonic() - begin)
        for batch in written:
            _tell(batch)
        self._acknowledge(written, now)
        self._changed()

    def _write(
        self, session: Session, deliveries: Sequence[Delivery], now: datetime, *, whole: bool = True
    ) -> list[Batch]:
        """Write these; a message that no attempt can write is set apart, so that it holds up nobody else's.

        Such a one is found by halves, which are not the `whole` that was asked for. What a later attempt may mend (`passes`) is raised.
        """
        try:
            with part_of(session):
                batch = self._reader.read(session, deliveries, now)
                self._write_status(session, batch, now)
                # Last: it holds the head of the log, which people's actions want too while they hold other rows.
                self._write_receipts(session, batch, now)
                return [batch]
        except Exception as error:
            if passes(error):
                raise
            if whole:  # once: whoever floods the station with such messages must not fill its disk with lines
                log.exception("not all of a batch can be written", messages=len(deliveries))
            if len(deliveries) > 1:
                half = len(deliveries) // 2
                first = self._write(session, deliveries[:half], now, whole=False)
                return first + self._write(session, deliveries[half:], now, whole=False)
            (delivery,) = deliveries
            topic = topics.parse(delivery.topic)
            cause = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            apart = Apart(delivery, Code.UNWRITABLE, cause, topic.name if topic else "")
            set_apart.keep(session, [apart], now)
            return [Batch(apart=[apart])]

    def _acknowledge(self, written: Iterable[Batch], now: datetime) -> None:
        """Tell receivers what is on disk. Not waited for: one that is not told sends its receipts again."""
        known: dict[str, list[str]] = defaultdict(list)
        for batch in written:
            for receiver, receipts in batch.known.items():
                known[receiver] += receipts
        for receiver, receipts in known.items():
            for start in range(0, len(receipts), 100):
                document = Acknowledgement(
                    station=self._signatory.station,
                    receiver=receiver,
                    at=now,
                    receipts=tuple(receipts[start : start + 100]),
                )
                self._link.publish(
                    topics.of_receiver(receiver, "acknowledgements"), self._signatory.sign(document).encode()
                )

    def _write_receipts(self, session: Session, batch: Batch, now: datetime) -> None:
        """Append what is new and fits to the log; `known` of the batch are the ids that are on disk by the end of the transaction."""
        if not batch.receipts:
            set_apart.keep(session, batch.apart, now)
            return
        logged = _logged(session, batch.receipts)
        provenance = Provenance(session, batch.receipts, zone=self._zone)
        rows: list[dict[str, Any]] = []
        used: set[str] = set()
        for arrived in batch.receipts:
            sender, receipt = arrived.sender, arrived.receipt
            batch.known[sender.id].append(receipt.id)
            key, content = (sender.id, receipt.id), (receipt.order, receipt.state.value)
            before = logged.get(key)
            unfit = _unfit(arrived, before, provenance, now)
            if unfit is not None:
                document = batch.envelopes[arrived.envelope][1].encode()
                delivery = Delivery(topics.of_receiver(sender.id, "receipts"), document)
                batch.apart.append(Apart(delivery, *unfit, sender.id, receipt.id))
                continue
            if before is not None:
                continue
            logged[key] = content
            used.add(arrived.envelope)
            rows.append({**_entry(arrived, now), **provenance.of(arrived)})
        set_apart.keep(session, batch.apart, now)
        names = bulk.listed(session, [(digest,) for digest in used], "sha256")
        stored = set(
            session.scalars(
                select(ReceiptEnvelope.sha256).join_from(
                    names, ReceiptEnvelope, ReceiptEnvelope.sha256 == names.c.sha256
                )
            )
        )
        envelopes = [
            {"sha256": digest, "receiver_id": receiver, "document": document, "received_at": now}
            for digest, (receiver, document) in batch.envelopes.items()
            if digest in used and digest not in stored
        ]
        bulk.add(session, ReceiptEnvelope, envelopes)
        asrun.append(session, rows, signatory=self._signatory, now=now)
        batch.written = rows

    @staticmethod
    def _write_status(session: Session, batch: Batch, now: datetime) -> None:
        for presence in batch.presences:
            # A last will belongs to one connection: a late one must not put out the connection after it.
            newer = Receiver.presence_at.is_(None) | (Receiver.presence_at < presence.at)
            same = Receiver.presence_session == presence.session
            session.execute(
                update(Receiver)
                .where(Receiver.id == presence.receiver, newer | same)
                .values(presence=presence.state, presence_session=presence.session, presence_at=presence.at)
            )
        last = {health.receiver: health for health in batch.healths}
        if last:
            session.execute(
                update(Receiver),
                [
                    {"id": name, "health": health.model_dump(mode="json"), "health_at": now, "troubles": troubles_of(health)}
                    for name, health in sorted(last.items())
                ],
            )  # fmt: skip


def _tell(batch: Batch) -> None:
    """Count what was written, and say for each order, in a line and in the batch's span, how many receivers came how far."""
    metrics.SET_APART.inc(len(batch.apart))
    for state, number in Counter(row["state"] for row in batch.written).items():
        metrics.RECEIPTS.labels(state).inc(number)
    span = trace.get_current_span()
    if not (span.is_recording() or logging.getLogger(__name__).isEnabledFor(logging.INFO)):
        return
    orders: dict[tuple[str | None, str | None, str], Counter[str]] = defaultdict(Counter)
    for row in batch.written:
        orders[row["bulletin_id"], row["airing_id"], row["order_id"]][row["state"]] += 1
    for (bulletin, airing, order), states in orders.items():
        about = {"bulletin": bulletin, "airing": airing, "order": order, **states}
        span.add_event("receipts", {name: value for name, value in about.items() if value is not None})
        log.info("receipts", **about)


def _logged(session: Session, receipts: Sequence[Arrived]) -> dict[tuple[str, str], tuple[str, str]]:
    """Which of these ids the log has, and for which order and state."""
    ids = bulk.listed(session, [(each.sender.id, each.receipt.id) for each in receipts], "receiver", "receipt")
    rows = session.execute(
        select(AsRun.receiver_id, AsRun.receipt_id, AsRun.order_id, AsRun.state).join_from(
            ids, AsRun, and_(AsRun.receiver_id == ids.c.receiver, AsRun.receipt_id == ids.c.receipt)
        )
    )
    return {(receiver, receipt): (order, state) for receiver, receipt, order, state in rows}


def _unfit(
    arrived: Arrived, before: tuple[str, str] | None, provenance: Provenance, now: datetime
) -> tuple[Code, str] | None:
    """Why a rightly signed receipt cannot be true; None where it can."""
    receipt = arrived.receipt
    if before is not None:
        if before == (receipt.order, receipt.state.value):
            return None
        return Code.REUSED_ID, f"the log has {before[1]} of order {before[0]} under this id"
    return set_apart.impossible_instant(receipt, enrolled_at=arrived.sender.enrolled_at, now=now) or _impossible_order(
        arrived, provenance
    )


def _impossible_order(arrived: Arrived, provenance: Provenance) -> tuple[Code, str] | None:
    order = arrived.receipt.order
    # That an order is refused which this station never gave is just what has to be known: somebody may be forging.
    if arrived.receipt.state is ReceiptState.REFUSED:
        return None
    if not provenance.knows(order):
        return Code.UNKNOWN_ORDER, f"this station knows no order {order}"
    if not provenance.addressed(arrived):
        return Code.NOT_ADDRESSED, f"the order {order} was not for this receiver"
    return None


def _entry(arrived: Arrived, now: datetime) -> dict[str, Any]:
    receiver, receipt = arrived.sender, arrived.receipt
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
        "envelope_sha256": arrived.envelope,
        "received_at": now,
    }
