"""The receiver's end of the clock: asks the station what time it is, and keeps that time between the answers.

The estimate maps the monotonic clock, not the system's, so that a system clock that is set does not move a start. Of
each burst of probes the least delayed counts (as in NTP's clock filter, RFC 5905, 10); a line through the bursts of
the last half hour gives the offset and the drift.
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from devices.links.port import Link
from devices.wire import topics
from devices.wire.messages import ClockAnswer, ClockProbe
from devices.wire.signing import SigningKey, sign

log = structlog.get_logger(__name__)

MAX_DELAY_S = 1.0
"""An answer that took longer may be wrong by half of it and is thrown away."""
BURST = 8
SPACING_S = 0.12
BURST_TIMES_S = (
    0.0,
    3.0,
    6.0,
    10.0,
    15.0,
    20.0,
    30.0,
    40.0,
    60.0,
    80.0,
    100.0,
    120.0,
    150.0,
    180.0,
    210.0,
    240.0,
    270.0,
)
"""After a connection, in which the drift is learnt; then every two minutes, and shortly before an order's instant.

With jitter of milliseconds, bursts that end after the first minute leave three times the error in the minutes after it.
"""
AGAIN_TIMES_S = (0.0, 10.0)
"""After a reconnection, when the drift is known."""
EVERY_S = 120.0
BEFORE_START_S = 10.0
NOT_SOONER_S = 20.0
KEPT = 30
UNKNOWN_DRIFT = 100e-6
"""What a cheap crystal may run wrong, seconds a second (RFC 5905 supposes 15 ppm of a disciplined clock)."""
KNOWN_DRIFT = 5e-6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sample:
    """One answered probe: at `tick` of the monotonic clock the station's clock was ahead of it by `ahead_s`."""

    tick: float
    ahead_s: float
    uncertainty_s: float

    @classmethod
    def of(cls, *, sent: float, arrived: float, answer: ClockAnswer) -> "Sample":
        """From the ticks at which the probe was sent and its answer arrived."""
        station_arrived, station_left = answer.arrived_us / 1e6, answer.left_us / 1e6
        delay = (arrived - sent) - (station_left - station_arrived)
        ahead = ((station_arrived - sent) + (station_left - arrived)) / 2
        return cls((sent + arrived) / 2, ahead, max(0.0, delay) / 2)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The station's time as a line over the monotonic clock."""

    tick: float
    ahead_s: float
    drift: float
    uncertainty_s: float
    drift_known: bool

    def at(self, tick: float) -> float:
        """The station's clock, in seconds since 1970."""
        return tick + self.ahead_s + self.drift * (tick - self.tick)

    def uncertainty_at(self, tick: float) -> float:
        """By how much that may be wrong, in seconds; it grows until the next answer."""
        return self.uncertainty_s + abs(tick - self.tick) * (KNOWN_DRIFT if self.drift_known else UNKNOWN_DRIFT)


def fit(samples: list[Sample]) -> Estimate:
    """A line through the best samples of bursts, the oldest first; each weighs by its certainty."""
    last = samples[-1]
    weights = [1 / max(s.uncertainty_s, 1e-5) ** 2 for s in samples]
    total = sum(weights)
    mean_tick = sum(w * s.tick for w, s in zip(weights, samples, strict=True)) / total
    mean_ahead = sum(w * s.ahead_s for w, s in zip(weights, samples, strict=True)) / total
    spread = sum(w * (s.tick - mean_tick) ** 2 for w, s in zip(weights, samples, strict=True))
    if len(samples) < 3 or samples[-1].tick - samples[0].tick < 10 or spread <= 0:
        best = min(samples, key=lambda s: s.uncertainty_s + (last.tick - s.tick) * UNKNOWN_DRIFT)
        return Estimate(best.tick, best.ahead_s, 0.0, best.uncertainty_s, drift_known=False)
    slope = sum(w * (s.tick - mean_tick) * s.ahead_s for w, s in zip(weights, samples, strict=True)) / spread
    at_last = mean_ahead + slope * (last.tick - mean_tick)
    best_s = min(s.uncertainty_s for s in samples[-3:])
    return Estimate(last.tick, at_last, slope, best_s, drift_known=True)


class Timekeeper:
    """A clock that follows the station's where it knows it, and the system's where that agrees or nothing is known."""

    def __init__(self, *, ticks: Callable[[], float] = time.monotonic, system: Callable[[], float] = time.time) -> None:
        self._ticks = ticks
        self._system = system
        self._bursts: deque[Sample] = deque(maxlen=KEPT)
        self._estimate: Estimate | None = None

    def now(self) -> datetime:
        return _EPOCH + timedelta(seconds=self._now_s())

    @property
    def settled(self) -> bool:
        """Whether enough is known that a reconnection need not learn it anew."""
        return len(self._bursts) >= len(BURST_TIMES_S)

    def ticks(self) -> float:
        """The monotonic clock that the estimates are over."""
        return self._ticks()

    def learn(self, burst: list[Sample]) -> None:
        """Take in the answers of one burst of probes."""
        good = [sample for sample in burst if sample.uncertainty_s <= MAX_DELAY_S / 2]
        if not good:
            return
        self._bursts.append(min(good, key=lambda sample: sample.uncertainty_s))
        self._estimate = fit(list(self._bursts))

    def offset_s(self) -> tuple[float, float] | None:
        """The station's clock less the system's, and by how much that may be wrong, in seconds; None before answers."""
        estimate = self._estimate
        if estimate is None:
            return None
        tick = self._ticks()
        return estimate.at(tick) - self._system(), estimate.uncertainty_at(tick)

    def _now_s(self) -> float:
        estimate = self._estimate
        if estimate is None:
            return self._system()
        tick, system = self._ticks(), self._system()
        station, uncertainty = estimate.at(tick), estimate.uncertainty_at(tick)
        # A long while without answers: a system clock that may well be right is then the better one (NTP keeps it).
        if uncertainty > 0.02 and abs(station - system) <= uncertainty:
            return system
        return station


class ClockProbes:
    """A thread that asks the station in bursts, and hands the answers to the timekeeper."""

    def __init__(
        self,
        *,
        station: str,
        receiver: str,
        key: SigningKey,
        link: Link,
        timekeeper: Timekeeper,
        next_start: Callable[[], datetime | None],
    ) -> None:
        """`next_start` is the instant of the next order, before which the clock is asked for once more."""
        self._identity = (station, receiver)
        self._key = key
        self._link = link
        self._timekeeper = timekeeper
        self._next_start = next_start
        self._lock = threading.Lock()
        self._sent: dict[str, float] = {}
        self._answers: list[Sample] = []
        self._connection = 0
        self._times: list[float] = []  # of the bursts still to come, from the connection on
        self._began = self._next_at = self._last_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock-probes", daemon=True)

    def start(self) -> None:
        """Ask until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Stop asking."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def answered(self, answer: ClockAnswer, waited_s: float) -> None:
        """An answer that was verified; it arrived `waited_s` seconds ago."""
        arrived = self._timekeeper.ticks() - waited_s
        with self._lock:
            sent = self._sent.pop(answer.probe, None)
            if sent is not None and arrived >= sent:
                self._answers.append(Sample.of(sent=sent, arrived=arrived, answer=answer))

    def _run(self) -> None:
        while not self._stop.wait(0.25):
            try:
                if self._link.connected and self._is_due(time.monotonic()):
                    self._burst()
            except Exception:  # whatever it was, the clock is asked for again
                log.exception("the station's clock could not be asked for")

    def _is_due(self, now: float) -> bool:
        if self._link.connections != self._connection:
            self._connection = self._link.connections
            self._times = list(AGAIN_TIMES_S if self._timekeeper.settled else BURST_TIMES_S)
            self._began, self._next_at = now, now + self._times.pop(0) + 0.3
        if now >= self._next_at:
            self._next_at = max(now + 1.0, self._began + self._times.pop(0)) if self._times else now + EVERY_S
        elif now - self._last_at < NOT_SOONER_S or not self._starts_soon():
            return False
        self._last_at = now
        return True

    def _starts_soon(self) -> bool:
        instant = self._next_start()
        return instant is not None and 2.0 < (instant - self._timekeeper.now()).total_seconds() < BEFORE_START_S

    def _burst(self) -> None:
        station, receiver = self._identity
        topic = topics.of_receiver(receiver, "clock-probes")
        for _ in range(BURST):
            probe = ClockProbe(station=station, receiver=receiver, id=uuid.uuid4().hex)
            data = sign(probe, self._key)
            with self._lock:
                self._sent[probe.id] = self._timekeeper.ticks()
            future = self._link.publish(topic, data)
            future.add_done_callback(lambda done: done.cancelled() or done.exception())
            if self._stop.wait(SPACING_S):
                return
        self._stop.wait(0.5)
        with self._lock:
            answers, self._answers = self._answers, []
            self._sent.clear()
        self._timekeeper.learn(answers)
        offset = self._timekeeper.offset_s()
        if offset is not None:
            log.debug("clock", offset_ms=round(offset[0] * 1000, 3), uncertainty_ms=round(offset[1] * 1000, 3))
