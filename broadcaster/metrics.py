"""What the station counts and times for Prometheus, in a registry of its own; the counts are of this process."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from broadcaster.readiness import readiness
from broadcaster.storage.models import Airing, Bulletin, LogHead, OrderRecord, Receiver

if TYPE_CHECKING:
    from broadcaster.station import Station

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
RECEIPTS = Counter("broadcaster_receipts", "Receipts written to the as-run log.", ["state"], registry=REGISTRY)
SET_APART = Counter("broadcaster_messages_set_apart", "Messages that did not fit, kept apart.", registry=REGISTRY)
INGESTION_S = Histogram(
    "broadcaster_ingestion_seconds", "One batch of messages, from verification to commit.", registry=REGISTRY
)
ORDERS = Counter("broadcaster_orders_published", "Orders that the broker acknowledged.", registry=REGISTRY)
PLANNING_S = Histogram("broadcaster_planning_seconds", "One round of planning.", registry=REGISTRY)
RENDERING_S = Histogram(
    "broadcaster_rendering_seconds",
    "Speech of one bulletin, from text to mastered clip.",
    ["engine"],
    buckets=(0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128),
    registry=REGISTRY,
)
RENDERING_FAILURES = Counter("broadcaster_rendering_failures", "Bulletins that no engine spoke.", registry=REGISTRY)
REQUESTS_S = Histogram(
    "broadcaster_http_request_seconds",
    "Requests by route, until the answer begins.",
    ["method", "route", "status"],
    registry=REGISTRY,
)


def exposition(station: "Station") -> bytes:
    """All metrics in Prometheus' text format: the counts, and gauges that are read now."""
    gauges = CollectorRegistry()
    gauges.register(_Gauges(station))
    return generate_latest(REGISTRY) + generate_latest(gauges)


class _Gauges(Collector):
    """What is true at the moment of the question; what the database says is left out while it does not answer."""

    def __init__(self, station: "Station") -> None:
        self._station = station

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read them."""
        ready = GaugeMetricFamily("broadcaster_ready", "Whether a part of the station works.", labels=["part"])
        for part, ok in readiness(self._station).items():
            ready.add_metric([part], int(ok))
        yield ready
        try:
            yield from self._of_database()
        except SQLAlchemyError:
            return

    def _of_database(self) -> Iterator[Metric]:
        receivers = GaugeMetricFamily("broadcaster_receivers", "Receivers in service.", labels=["presence"])
        airings = GaugeMetricFamily("broadcaster_airings", "Airings by state.", labels=["state"])
        with self._station.database.reading() as session:
            for presence, number in session.execute(
                select(Receiver.presence, func.count()).where(Receiver.revoked_at.is_(None)).group_by(Receiver.presence)
            ):
                receivers.add_metric([presence or "never"], number)
            for state, number in session.execute(
                select(Airing.state, func.count())
                .where(Airing.state.in_(("planned", "dispatched")))
                .group_by(Airing.state)
            ):
                airings.add_metric([state], number)
            rows = session.scalar(select(LogHead.seq).where(LogHead.id == 1)) or 0
            waiting = session.scalar(
                select(func.count())
                .select_from(Bulletin)
                .where(Bulletin.rendering == "pending", Bulletin.state != "withdrawn")
            )
            unsent = session.scalar(
                select(func.count())
                .select_from(OrderRecord)
                .where(OrderRecord.published_at.is_(None), OrderRecord.cleared_at.is_(None))
            )
        yield receivers
        yield airings
        yield GaugeMetricFamily("broadcaster_log_rows", "Rows of the chained log: receipts and actions.", value=rows)
        yield GaugeMetricFamily("broadcaster_renderings_waiting", "Bulletins that wait for speech.", value=waiting or 0)
        yield GaugeMetricFamily(
            "broadcaster_orders_unsent", "Orders that the broker has not acknowledged.", value=unsent or 0
        )
