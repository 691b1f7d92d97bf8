"""A minute of 1,000 fuzzed messages a second at one receiver, over Mosquitto: orders that play, and its memory.

The limit is the number of orders that were due in that minute; the value how many began within 500 ms of their instant.
"""

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from devices.brokers.accounts import AccountsFile, new_secret
from devices.wire.messages import ReceiptState
from tests.benchmarks.result import Result
from tests.brokers import Mosquitto, free_port, wait_for
from tests.flood import Flood, cpu_seconds, messages, resident_bytes
from tests.media import Media
from tests.station import ReceiverProcess, Station, online, tone

NAME = "loa-1"
PER_S = 1000
MINUTE_S = 60
EVERY_S = 5
IN_TIME_MS = 500
BOUND_MIB = 48


@dataclass(frozen=True)
class FloodResult(Result):
    """Also what the flood was and what it did to the process."""

    messages_per_s: float
    memory_before_mib: float
    memory_after_mib: float
    cpu_share: float
    worst_late_ms: float

    @property
    def ok(self) -> bool:
        """Whether all orders played and the memory stayed in its bound."""
        return self.ratio >= 1 and self.memory_after_mib - self.memory_before_mib <= BOUND_MIB


def run() -> Result:
    """One receiver process, one station, one flood."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        secrets = {"station": new_secret(), NAME: new_secret()}
        everything = ("#",)
        broker = Mosquitto(
            folder / "broker",
            free_port(),
            {name: (secret, everything, everything) for name, secret in secrets.items()},
        )
        broker.start()
        stack.callback(broker.stop)
        media = Media()
        stack.callback(media.close)
        station = Station(broker.port, AccountsFile(folder / "accounts.json"), media, secret=secrets["station"])
        station.open()
        stack.callback(station.close)
        wait_for(lambda: station.link.connected, 20)
        station.enrol(folder / NAME, NAME, secret=secrets[NAME])
        receiver = ReceiverProcess(folder / NAME)
        receiver.start()
        stack.callback(receiver.stop)
        online(station, NAME)
        clip = tone(0.3)
        genuine = station.order("first", clip, in_s=1, to=NAME)
        station.receipt(NAME, "first", ReceiptState.FINISHED)
        names = [f"o{number}" for number in range(MINUTE_S // EVERY_S)]
        for number, name in enumerate(names):
            station.order(name, clip, in_s=EVERY_S * (number + 0.9), to=NAME, late_limit_s=30)
        before, cpu, begin = resident_bytes(receiver.pid), cpu_seconds(receiver.pid), time.monotonic()
        with Flood(station, messages(station, NAME, genuine, seed=1), per_s=PER_S) as flood:
            wait_for(lambda: time.monotonic() - begin >= MINUTE_S, MINUTE_S + 10)
            rate = flood.sent / (time.monotonic() - begin)
        share = (cpu_seconds(receiver.pid) - cpu) / (time.monotonic() - begin)
        for name in names:
            station.receipt(NAME, name, ReceiptState.FINISHED, within_s=60)
        late = [
            receipt.evidence.late_ms or 0.0
            for name in names
            if (receipt := station.receipt(NAME, name, ReceiptState.STARTED)).evidence is not None
        ]
        after = resident_bytes(receiver.pid)
    return FloodResult(
        name="flood",
        value=sum(one <= IN_TIME_MS for one in late),
        unit="orders that began in time in a flood of a minute",
        limit=len(names),
        goal=">= 1",
        messages_per_s=round(rate, 1),
        memory_before_mib=round(before / 1024**2, 1),
        memory_after_mib=round(after / 1024**2, 1),
        cpu_share=round(share, 2),
        worst_late_ms=round(max(late, default=0.0), 3),
    )
