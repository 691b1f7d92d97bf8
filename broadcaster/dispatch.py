"""Dispatch: keeps what stands on the broker equal to what the database says has to stand there."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from datetime import datetime, timedelta

import structlog
from opentelemetry import trace
from sqlalchemy import or_, select, update

from broadcaster import metrics
from broadcaster.clock import Clock
from broadcaster.emergencies import EMERGENCY_LATE_LIMIT
from broadcaster.receivers import Receivers, Standing
from broadcaster.stops import unsettled
from broadcaster.storage.database import Database
from broadcaster.storage.models import Airing, OrderRecord, RehomingRecord, StopRecord
from devices.links.port import Link
from devices.wire import topics

log = structlog.get_logger(__name__)
PUBLISH_TIMEOUT_S = 20.0
Message = tuple[str, str, bytes]
"""Whose it is, its topic and its payload."""
FEW = 100
LOOKED_AT_EVERY = timedelta(days=1)
"""How often configurations are renewed that will expire."""


class Dispatcher:
    """Publishes orders, cancellations and configurations, and clears what has expired.

    `published_at` is set only after the broker's acknowledgement. Publishing twice does no harm: a document is dated,
    and its receiver keeps a journal.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        receivers: Receivers,
        link: Link,
        *,
        late_limit: timedelta,
        standing: Callable[[], list[Standing]] = list,
    ) -> None:
        """`standing`: what has to stand beside configurations and orders; an empty document clears its topic."""
        self._database = database
        self._clock = clock
        self._receivers = receivers
        self._link = link
        self._late_limit = late_limit
        self._configured = False
        self._renewed = True
        self._standing = standing
        self._renewed_at: datetime | None = None  # when configurations were last looked at for their age
        self.publishing_s = 0.0
        """How long the broker took to acknowledge what was last published."""
        self._connection = 0  # the connection over which everything that has to stand was last published

    def reconfigure(self) -> None:
        """Publish all configurations at the next run, such as after a receiver was enrolled."""
        self._configured = False

    def renew_configurations(self) -> None:
        """Publish the configurations that have changed at the next run, such as after receivers were moved."""
        self._renewed = False

    def run(self) -> bool:
        """Publish what is pending; after a broken connection, all that has to stand. Returns whether all of it went.

        A broker that was restarted may have lost what it retained, so a new connection counts as an empty broker.
        """
        if not self._link.connected:
            return False
        connection = self._link.connections
        everything = connection != self._connection
        now = self._clock.now()
        complete = self.publish_stops(everything=everything)
        if self._renewed_at is None or now - self._renewed_at >= LOOKED_AT_EVERY:
            self._renewed, self._renewed_at = False, now
        if everything or not self._configured or not self._renewed:
            changed = not everything and self._configured
            self._configured = self._renewed = True  # before it is so: another enrolment meanwhile asks again
            standing = self._receivers.configurations(changed=changed)
            if not changed:
                standing += self._standing()
            arrived = self._publish([(item.topic, item.topic, item.document.encode()) for item in standing])
            self._configured &= len(arrived) == len(standing)
            complete &= len(arrived) == len(standing)
        complete &= self._tell(now, everything=everything)
        with self._database.reading() as session:
            query = (
                select(OrderRecord, Airing.bulletin_id)
                .join(Airing, Airing.id == OrderRecord.airing_id)
                .where(
                    OrderRecord.cleared_at.is_(None),
                    # One that has expired since the planner looked is left until it has ended the airing: it finds it by its order.
                    or_(OrderRecord.expires_at > now, Airing.state != "dispatched"),
                )
            )
            due = OrderRecord.published_at.is_(None) | (OrderRecord.expires_at <= now)
            if everything:
                # Not what can no longer begin: to a receiver that has played it, another copy is a replay.
                due |= OrderRecord.cancelled | (OrderRecord.play_at >= now - self._late_limit)
                urgent = select(Airing.id).where(
                    Airing.priority == "emergency", Airing.due_at >= now - EMERGENCY_LATE_LIMIT
                )
                due |= OrderRecord.airing_id.in_(urgent)
            query = query.where(due)
            found = session.execute(query.order_by(OrderRecord.play_at)).all()
        if found:
            bulletins = {order.id: bulletin for order, bulletin in found}
            complete &= self._settle([order for order, _ in found], bulletins, now)
        if complete and self._link.connections == connection:
            self._connection = connection
        return complete

    def publish_stops(self, *, everything: bool = False) -> bool:
        """Publish or clear stops; from any thread, so that silence waits for nobody. Returns whether all of it went."""
        if not self._link.connected:
            return False
        now = self._clock.now()
        with self._database.reading() as session:
            rows = unsettled(session, now, everything=everything)
        if not rows:
            return True
        messages = [message for row in rows for message in _messages(row, row.topics, row.document, now)]
        return len(self._stand(rows, messages, now)) == len(rows)

    def _tell(self, now: datetime, *, everything: bool) -> bool:
        """Publish how areas are re-homed, one message for all receivers under an area; returns whether all of it went."""
        with self._database.reading() as session:
            query = select(RehomingRecord).where(RehomingRecord.expires_at > now)
            if not everything:
                query = query.where(RehomingRecord.published_at.is_(None))
            rows = session.scalars(query).all()
        if not rows:
            return True
        arrived = self._publish(
            [(row.area_id, topics.area_rehomings(row.area_id), row.document.encode()) for row in rows]
        )
        done = {area for area, _ in arrived}
        with self._database.writing() as session:
            for row in rows:
                if row.area_id in done:
                    session.execute(
                        update(RehomingRecord)
                        .where(RehomingRecord.area_id == row.area_id, RehomingRecord.revision == row.revision)
                        .values(published_at=now)
                    )
        return len(done) == len(rows)

    def _settle(self, orders: Sequence[OrderRecord], bulletins: Mapping[str, str], now: datetime) -> bool:
        """Publish or clear these orders and note what the broker acknowledged; returns whether it was all of it.

        `bulletins`: of the orders, by their ids.
        """
        messages = [message for order in orders for message in _messages(order, order.topics, order.document, now)]
        for order in orders:
            if order.left_document is not None:
                messages += _messages(order, order.left_topics or (), order.left_document, now)
        done = self._stand(orders, messages, now)
        for order in orders:
            if order.id in done and order.expires_at > now:
                metrics.ORDERS.inc()
                about = {"bulletin": bulletins[order.id], "airing": order.airing_id, "order": order.id}
                trace.get_current_span().add_event("order", about)
                log.info(
                    "cancellation published" if order.cancelled else "order published",
                    **about,
                    revision=order.revision,
                )
        return len(done) == len(orders)

    def _stand(self, rows: Sequence[OrderRecord | StopRecord], messages: list[Message], now: datetime) -> set[str]:
        """Publish these messages and note the rows of which the broker acknowledged all; returns their ids."""
        arrived = self._publish(messages)
        done = {row.id for row in rows} - {key for key, topic, _ in messages if (key, topic) not in arrived}
        with self._database.writing() as session:
            for row in rows:
                if row.id in done:
                    kind = type(row)
                    over = row.expires_at <= now
                    session.execute(
                        update(kind)
                        # Not if it was replaced meanwhile: then the new document is still to be published.
                        .where(kind.id == row.id, kind.revision == row.revision)
                        .values({"cleared_at": now} if over else {"published_at": row.published_at or now})
                    )
        return done

    def _publish(self, messages: list[Message]) -> set[tuple[str, str]]:
        """Publish (key, topic, payload), retained; returns the (key, topic) that the broker acknowledged in time."""
        begin = time.monotonic()
        sent: dict[Future[None], tuple[str, str]] = {
            self._link.publish(topic, payload, retain=True): (key, topic) for key, topic, payload in messages
        }
        done, late = wait(sent, timeout=PUBLISH_TIMEOUT_S)
        if 0 < len(sent) <= FEW:  # thousands of configurations take their time at any broker
            self.publishing_s = time.monotonic() - begin
        arrived = {sent[future] for future in done if future.exception() is None}
        if len(arrived) < len(sent):
            log.warning("publishing was not acknowledged whole", arrived=len(arrived), sent=len(sent), late=len(late))
        return arrived


def _messages(row: OrderRecord | StopRecord, topics: Iterable[str], document: str, now: datetime) -> list[Message]:
    """The document on its topics, or the clearing of them once it has expired."""
    return [(row.id, topic, b"" if row.expires_at <= now else document.encode()) for topic in topics]
