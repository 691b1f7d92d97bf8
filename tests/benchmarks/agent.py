"""What the agent needs of a small machine: resident memory and processor time idle and playing, and its time to start.

The limit is the resident memory of a Python process that only imports the packages that the agent stands on.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from devices.brokers.embedded import EmbeddedBroker
from devices.wire.messages import ReceiptState
from tests.benchmarks.result import Result
from tests.brokers import free_port, wait_for
from tests.flood import cpu_seconds, resident_bytes
from tests.media import Media
from tests.station import ReceiverProcess, Station, online, tone

NAME = "loa-1"
ORDERS = 100
WATCHED_S = 20.0
_BARE = "import av, httpx, joserfc.jws, numpy, paho.mqtt.client, pydantic, structlog, time; time.sleep(60)"
MIB = 1024**2


@dataclass(frozen=True)
class AgentResult(Result):
    """Memory in MiB, processor time as a share of one core, times in seconds."""

    playing_mib: float
    idle_cpu: float
    playing_cpu: float
    started_s: float
    connected_s: float


def _bare_mib() -> float:
    with subprocess.Popen([sys.executable, "-c", _BARE]) as process:
        sizes = [0]

        def settled() -> bool:
            sizes.append(resident_bytes(process.pid))
            time.sleep(0.3)
            return sizes[-1] == sizes[-2] > 20 * MIB

        wait_for(settled, 30)
        process.kill()
    return sizes[-1] / MIB


def _share(pid: int) -> float:
    cpu, begin = cpu_seconds(pid), time.monotonic()
    time.sleep(WATCHED_S)
    return (cpu_seconds(pid) - cpu) / (time.monotonic() - begin)


def run() -> Result:
    """A loudspeaker with a hundred orders to come; then one that plays."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = EmbeddedBroker(port=free_port(), folder=folder / "broker")
        broker.start()
        stack.callback(broker.stop)
        media = Media()
        stack.callback(media.close)
        station = Station(broker.port, broker.accounts, media)
        station.open()
        stack.callback(station.close)
        wait_for(lambda: station.link.connected, 20)
        station.enrol(folder / NAME, NAME, health_every_s=60)
        receiver = ReceiverProcess(folder / NAME)
        begin = time.monotonic()
        receiver.start()
        stack.callback(receiver.stop)
        journal = folder / NAME / "journal.sqlite"
        wait_for(journal.exists, 30)
        started_s = time.monotonic() - begin
        wait_for(lambda: NAME in station.presence, 30)
        connected_s = time.monotonic() - begin
        online(station, NAME)
        clip = tone(WATCHED_S + 15)
        for number in range(ORDERS):
            station.order(f"later-{number}", clip, in_s=86_400 + 60 * number, to=NAME)
        for number in range(ORDERS):
            station.receipt(NAME, f"later-{number}", ReceiptState.RECEIVED, within_s=60)
        time.sleep(30)  # the bursts of clock probes after a connection
        idle_cpu, idle = _share(receiver.pid), resident_bytes(receiver.pid) / MIB
        station.order("now", clip, in_s=1, to=NAME)
        station.receipt(NAME, "now", ReceiptState.STARTED)
        playing_cpu, playing = _share(receiver.pid), resident_bytes(receiver.pid) / MIB
    return AgentResult(
        name="agent",
        value=idle,
        unit="MiB resident, idle with 100 orders to come",
        limit=_bare_mib(),
        goal="<= 1.5",
        playing_mib=round(playing, 1),
        idle_cpu=round(idle_cpu, 4),
        playing_cpu=round(playing_cpu, 4),
        started_s=round(started_s, 2),
        connected_s=round(connected_s, 2),
    )
