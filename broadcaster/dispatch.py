"""Dispatch: keeps what stands on the broker equal to what the database says has to stand there."""

import logging
from collections.abc import Sequence
from concurrent.futures import Future, wait
from datetime import datetime, timedelta

from sqlalchemy import select, update

from broadcaster.clock import Clock
from broadcaster.receivers import Receivers
from broadcaster.storage.database import Database
from broadcaster.storage.models import OrderRecord
from devices.links.port import Link

log = logging.getLogger(__name__)
PUBLISH_TIMEOUT_S = 20.0


class Dispatcher:
    """Publishes orders, cancellations and configurations, and clears what has expired.

    `published_at` is set only after the broker's acknowledgement. Publishing twice does no harm: a document is dated,
    and its receiver keeps a journal.
    """

    def __init__(
        self, database: Database, clock: Clock, receivers: Receivers, link: Link, *, late_limit: timedelta
    ) -> None:
        self._database = database
        self._clock = clock
        self._receivers = receivers
        self._link = link
        self._late_limit = late_limit
        self._configured = False
        self._connection = 0  # the connection over which everything that has to stand was last published

    def reconfigure(self) -> None:
        """Publish all configurations at the next run, such as after a receiver was enrolled."""
        self._configured = False

    def run(self) -> bool:
        """Publish what is pending; after a broken connection, all that has to stand. Returns whether all of it went.

        A broker that was restarted may have lost what it retained, so a new connection counts as an empty broker.
        """
        if not self._link.connected:
            return False
        connection = self._link.connections
        everything = connection != self._connection
        now = self._clock.now()
        complete = True
        if everything or not self._configured:
            self._configured = True  # before it is so: another enrolment meanwhile asks again
            standing = self._receivers.configurations()
            arrived = self._publish([(item.topic, item.topic, item.document.encode()) for item in standing])
            self._configured &= len(arrived) == len(standing)
            complete &= len(arrived) == len(standing)
        with self._database.reading() as session:
            query = select(OrderRecord).where(OrderRecord.cleared_at.is_(None))
            due = OrderRecord.published_at.is_(None) | (OrderRecord.expires_at <= now)
            if everything:
                # Not what can no longer begin: to a receiver that has played it, another copy is a replay.
                due |= OrderRecord.cancelled | (OrderRecord.play_at >= now - self._late_limit)
            query = query.where(due)
            orders = session.scalars(query.order_by(OrderRecord.play_at)).all()
        if orders:
            complete &= self._settle(orders, now)
        if complete and self._link.connections == connection:
            self._connection = connection
        return complete

    def _settle(self, orders: Sequence[OrderRecord], now: datetime) -> bool:
        """Publish or clear these orders and note what the broker acknowledged; returns whether it was all of it."""
        messages = [
            (order.id, topic, b"" if order.expires_at <= now else order.document.encode())
            for order in orders
            for topic in order.topics
        ]
        arrived = self._publish(messages)
        done = {order.id for order in orders} - {key for key, topic, _ in messages if (key, topic) not in arrived}
        with self._database.writing() as session:
            for order in orders:
                if order.id in done:
                    session.execute(
                        update(OrderRecord)
                        # Not if it was replaced meanwhile: then the new document is still to be published.
                        .where(OrderRecord.id == order.id, OrderRecord.revision == order.revision)
                        .values(**self._noted(order, now))
                    )
        return len(done) == len(orders)

    @staticmethod
    def _noted(order: OrderRecord, now: datetime) -> dict[str, datetime]:
        if order.expires_at <= now:
            return {"cleared_at": now}
        return {"published_at": order.published_at or now}

    def _publish(self, messages: list[tuple[str, str, bytes]]) -> set[tuple[str, str]]:
        """Publish (key, topic, payload), retained; returns the (key, topic) that the broker acknowledged in time."""
        sent: dict[Future[None], tuple[str, str]] = {
            self._link.publish(topic, payload, retain=True): (key, topic) for key, topic, payload in messages
        }
        done, late = wait(sent, timeout=PUBLISH_TIMEOUT_S)
        arrived = {sent[future] for future in done if future.exception() is None}
        if len(arrived) < len(sent):
            log.warning("publishing: %d of %d acknowledged, %d late", len(arrived), len(sent), len(late))
        return arrived
