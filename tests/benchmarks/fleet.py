"""The embedded broker under 500 simulated receivers: one order to their commune, a full airing, nothing lost.

The limit is the number of receivers; the value how many told every rung of the ladder.
"""

import sys
import tempfile
import time
from pathlib import Path

from devices.brokers.embedded import EmbeddedBroker
from devices.fleet.simulation import Fleet
from tests.benchmarks.result import Result
from tests.brokers import free_port, wait_for
from tests.media import Media
from tests.station import Station, tone

RECEIVERS = 500
LADDER = ["received", "ready", "started", "finished"]
WITHIN_S = 120.0


def run() -> Result:
    """Connect all, air once, wait for all receipts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        media = Media()
        broker = EmbeddedBroker(port=free_port(), folder=folder / "broker")
        broker.start()
        station = Station(broker.port, broker.accounts, media)
        station.open()
        wait_for(lambda: station.link.connected, 20)
        names = [f"loa-{number}" for number in range(RECEIVERS)]
        fleet = Fleet(station.enrol_fleet(names), folder / "clips")
        try:
            begin = time.perf_counter()
            fleet.start()
            wait_for(lambda: fleet.connected == RECEIVERS, WITHIN_S, "all connections")
            connected_s = time.perf_counter() - begin
            begin = time.perf_counter()
            station.order("airing", tone(1.0), in_s=10)

            def told() -> int:
                return sum(station.states(receiver, "airing")[:4] == LADDER for receiver in names)

            deadline = time.monotonic() + WITHIN_S
            while told() < RECEIVERS and time.monotonic() < deadline:
                time.sleep(0.5)
            value = told()
            again = sum(receiver.link.connections - 1 for receiver in fleet.receivers)
            took = time.perf_counter() - begin
            sys.stderr.write(
                f"connected in {connected_s:.1f} s; all receipts {took:.1f} s after the order (due after 10 s); broken "
                f"connections: {again} of receivers, {station.link.connections - 1} of the station\n"
            )
        finally:
            fleet.stop()
            station.close()
            broker.stop()
            media.close()
    return Result(name="fleet", value=value, unit="receivers", limit=RECEIVERS, goal=">= 1")
