"""Two days of airings in the cache, a day without a line, every airing on time, every receipt told once on return.

The agent, its journal, downloads and receipts are the real ones, over a real broker; the clocks of station and receiver
are moved on together between the airings.
"""

import time
from collections import Counter
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devices.brokers.embedded import EmbeddedBroker
from devices.receiver.timekeeping import Timekeeper
from devices.wire.messages import Order, ReceiptState
from tests.brokers import wait_for
from tests.line import Line
from tests.media import Media
from tests.station import Station, agent_of, online, tone

NAME = "loa-xa"
AIRINGS_H = (3.0, 15.0, 23.9, 27.0, 47.0)
"""After now: the first three while the line is cut, one shortly before it is back."""


def running(folder: Path, station: Station) -> AbstractContextManager[None]:
    return agent_of(
        folder,
        Timekeeper(ticks=lambda: time.monotonic() + station.ahead_s, system=lambda: time.time() + station.ahead_s),
    )


def move_to(station: Station, instant: datetime) -> None:
    station.ahead_s = max(station.ahead_s, (instant - datetime.now(UTC)).total_seconds())


def played(folder: Path, station: Station, order: Order) -> None:
    move_to(station, order.play_at - timedelta(seconds=0.5))
    wait_for((folder / "played" / f"{order.id}.wav").exists, 10, f"{order.id} played")


def test_a_day_without_a_line(station: Station, broker: EmbeddedBroker, media: Media, tmp_path: Path) -> None:
    line, folder = Line(broker.port), tmp_path / NAME
    station.enrol(folder, NAME, port=line.port)
    begin = datetime.now(UTC)
    try:
        with running(folder, station):
            online(station, NAME)
            orders = [
                station.order(f"h-{hours}", tone(0.3, hertz=200 + 10 * n), in_s=hours * 3600, late_limit_s=120, to=NAME)
                for n, hours in enumerate(AIRINGS_H)
            ]
            for order in orders:
                station.receipt(NAME, order.id, ReceiptState.RECEIVED)
            assert len(media.requests) < len(orders)  # downloads are spread over half an hour
            move_to(station, begin + timedelta(minutes=31))
            for order in orders:
                station.receipt(NAME, order.id, ReceiptState.READY)
            line.cut()
            for order in orders[:1]:
                played(folder, station, order)
        with running(folder, station):  # a power cut, and still no line
            for order in orders[1:3]:
                played(folder, station, order)
            assert all(station.states(NAME, order.id) == ["received", "ready"] for order in orders)
            move_to(station, begin + timedelta(hours=24))
            line.mend()
            for order in orders[:3]:
                station.receipt(NAME, order.id, ReceiptState.FINISHED, within_s=20)
            for order in orders[3:]:
                played(folder, station, order)
                station.receipt(NAME, order.id, ReceiptState.FINISHED)
    finally:
        station.ahead_s = 0.0
        line.close()
    told = station.receipts[NAME]
    assert Counter((r.order, r.state.value) for r in told) == {
        (order.id, state): 1 for order in orders for state in ("received", "ready", "started", "finished")
    }
    assert sorted(r.sequence for r in told) == list(range(1, len(told) + 1))
    for order in orders:
        started = station.receipt(NAME, order.id, ReceiptState.STARTED)
        assert order.play_at <= started.at < order.play_at + timedelta(seconds=1)
    assert len(media.requests) == len(orders)
