"""The real agent in a process of its own, with clocks that are wrong, and a sink that writes down when it began.

python -m tests.skewed_receiver FOLDER SYSTEM_WRONG_S DRIFT
"""

import gc
import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from devices.receiver.agent import Agent
from devices.receiver.provision import Provision
from devices.receiver.run import SWITCH_S, mqtt_link
from devices.receiver.sinks import Played, Source
from devices.receiver.timekeeping import Timekeeper


class StampSink:
    """Sounds nothing; notes the true instant of each start and how wrong the receiver's clock was then."""

    name = "stamp"

    def __init__(self, path: Path, keeper: Timekeeper) -> None:
        self.file = path.open("a", buffering=1)
        self.keeper = keeper

    def prepare(self, order: str, source: Source) -> "StampPlayback":
        next(source.blocks())
        source.close()
        return StampPlayback(self, order)

    def trouble(self) -> str | None:
        return None


class StampPlayback:
    def __init__(self, sink: StampSink, order: str) -> None:
        self.sink = sink
        self.order = order

    def play(self, stop: threading.Event, begun: Callable[[], None]) -> Played:
        at = time.monotonic()
        begun()
        stop.wait(0.1)  # as a sink that has the first block out
        wrong = min((self._wrong() for _ in range(5)), key=lambda found: found[0])[1]
        self.sink.file.write(json.dumps({"order": self.order, "at": at, "wrong_s": wrong}) + "\n")
        return Played(1000, 1000, None)

    def _wrong(self) -> tuple[float, float]:
        """How wrong the clock is, after how long it took to find out: what was interrupted between is no error."""
        before = time.time()
        clock = self.sink.keeper.now().timestamp()
        after = time.time()
        return after - before, clock - (before + after) / 2

    def close(self) -> None:
        pass


def main(folder: Path, wrong_s: float, drift: float) -> None:
    """Run until SIGTERM."""
    sys.setswitchinterval(SWITCH_S)
    start = time.monotonic()
    keeper = Timekeeper(
        ticks=lambda: (time.monotonic() - start) * (1 + drift),
        system=lambda: time.time() + wrong_s + (time.monotonic() - start) * drift,
    )
    with httpx.Client(trust_env=False) as client:
        agent = Agent(
            folder,
            link=mqtt_link(Provision.load(folder).broker),
            clock=keeper,
            client=client,
            sink=StampSink(folder / "starts", keeper),
            page=None,
        )
        signal.signal(signal.SIGTERM, lambda *_: agent.stop())
        gc.freeze()
        agent.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
