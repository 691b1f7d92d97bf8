"""How far apart eight receivers begin the same order: real agents as processes, clocks wrong by up to 2 s and 100 ppm.

The limit is the spread of eight bare processes that sleep until an instant on the one true clock, in the same run and
under the same load (one core busy). The ratio is the worse of those at p50 and p99. Receivers begin with real-time
priority where they may have it (`realtime`); the sleepers never do.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devices.brokers.embedded import EmbeddedBroker
from tests.benchmarks.result import Result
from tests.brokers import free_port, wait_for
from tests.media import Media
from tests.station import Station, tone

RECEIVERS = 8
STARTS = 200
SPACING_S = 1.0
LEARN_S = 75.0
_SLEEPER = """
import sys, time
first, spacing, count = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
for number in range(count):
    instant = first + number * spacing
    while (left := instant - time.monotonic()) > 0:
        time.sleep(left)
    print(time.monotonic(), flush=True)
"""
_BUSY = "while True: pass"


@dataclass(frozen=True)
class SkewResult(Result):
    """Also the figures behind it, and the error of the receivers' clocks, whose goal is 1 ms at p50."""

    p50_ms: float
    p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float
    clock_error_p50_ms: float
    realtime: bool

    @property
    def ok(self) -> bool:
        """Whether both goals are met."""
        return self.ratio <= 2 and self.clock_error_p50_ms <= 1.0


def _spreads(starts: list[list[float]]) -> tuple[float, float]:
    """p50 and p99 of the time between the first and the last of each start, in milliseconds."""
    spreads = sorted((max(one) - min(one)) * 1000 for one in starts)
    return statistics.median(spreads), spreads[int(len(spreads) * 0.99) - 1]


def _bare(count: int) -> tuple[float, float]:
    first = time.monotonic() + 1.5
    sleepers = [
        subprocess.Popen([sys.executable, "-c", _SLEEPER, str(first), "0.1", str(count)], stdout=subprocess.PIPE)
        for _ in range(RECEIVERS)
    ]
    columns = [[float(line) for line in sleeper.communicate()[0].split()] for sleeper in sleepers]
    return _spreads([list(row) for row in zip(*columns, strict=True)])


def _wrong(number: int) -> tuple[float, float]:
    """Clocks spread evenly over ±2 s and ±100 ppm."""
    share = number / (RECEIVERS - 1) * 2 - 1
    return 2.0 * share, 100e-6 * (share if number % 2 else -share)


def _measured(folder: Path) -> tuple[tuple[float, float], float]:
    with ExitStack() as stack:
        broker = EmbeddedBroker(port=free_port(), folder=folder / "broker")
        broker.start()
        stack.callback(broker.stop)
        media = Media()
        stack.callback(media.close)
        station = Station(broker.port, broker.accounts, media)
        station.open()
        stack.callback(station.close)
        wait_for(lambda: station.link.connected)
        names = [f"loa-{number}" for number in range(RECEIVERS)]
        for number, name in enumerate(names):
            station.enrol(folder / name, name)
            wrong, drift = _wrong(number)
            with (folder / name / "log").open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "tests.skewed_receiver", str(folder / name), str(wrong), str(drift)],
                    stdout=log,
                    stderr=log,
                )
            stack.callback(process.wait)
            stack.callback(process.terminate)
        wait_for(lambda: all(name in station.health and not station.health[name].problems for name in names), 60)
        clip = tone(0.2)
        first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=LEARN_S)
        for number in range(STARTS):
            station.order(f"o{number}", clip, play_at=first + timedelta(seconds=number * SPACING_S), late_limit_s=1)
        files = [folder / name / "starts" for name in names]
        last = f'"o{STARTS - 1}"'
        wait_for(
            lambda: all(file.exists() and last in file.read_text() for file in files),
            LEARN_S + STARTS * SPACING_S + 30,
            "the last start",
        )
        starts: dict[str, list[float]] = {}
        errors: list[float] = []
        for file in files:
            for line in file.read_text().splitlines():
                entry = json.loads(line)
                starts.setdefault(entry["order"], []).append(entry["at"])
                errors.append(abs(entry["wrong_s"]) * 1000)
        missing = RECEIVERS * STARTS - sum(map(len, starts.values()))
        if missing:
            sys.stderr.write(f"{missing} starts were missed\n")
        return _spreads([one for one in starts.values() if len(one) == RECEIVERS]), statistics.median(errors)


def _may_have_realtime() -> bool:
    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_RTPRIO)[0] > 0


def run() -> Result:
    """Bare sleepers before and after, the receivers between, one core busy all the time."""
    busy = subprocess.Popen([sys.executable, "-c", _BUSY])
    try:
        with tempfile.TemporaryDirectory() as name:
            before = _bare(STARTS // 2)
            spread, error_ms = _measured(Path(name))
            after = _bare(STARTS // 2)
    finally:
        busy.kill()
        busy.wait()
    bare = tuple((one + other) / 2 for one, other in zip(before, after, strict=True))
    value, limit = max(zip(spread, bare, strict=True), key=lambda pair: pair[0] / pair[1])
    return SkewResult(
        name="skew",
        value=value,
        unit="ms between first and last start, the worse of p50 and p99",
        limit=limit,
        goal="<= 2",
        p50_ms=round(spread[0], 3),
        p99_ms=round(spread[1], 3),
        bare_p50_ms=round(bare[0], 3),
        bare_p99_ms=round(bare[1], 3),
        clock_error_p50_ms=round(error_ms, 3),
        realtime=_may_have_realtime(),
    )
