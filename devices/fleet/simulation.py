"""A fleet: receivers that read, judge, journal and prove as real ones do, and only pretend to sound.

Each has its own key, account, MQTT connection and journal (in memory), and goes through the agent's own `Intake` and
`Journal`. What is shared is what would cost most: one thread decides for all, and a clip is fetched and verified once
for the whole fleet.
"""

import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import structlog

from devices.fleet.faults import Faults, draw
from devices.fleet.loop import FleetLink, Loop
from devices.fleet.receiver import SimulatedReceiver
from devices.links.port import Link, Will
from devices.receiver.clips import Clips, Fetched
from devices.receiver.provision import Provision
from devices.wire.messages import Order
from devices.wire.signing import SigningKey

__all__ = ["Faults", "Fleet"]
log = structlog.get_logger(__name__)

FETCH_AGAIN_S = 2.0
LOOK_S = 1.5


Connect = Callable[[Provision, Callable[[], Will], Callable[[], None]], Link]
"""Makes a receiver's link, given what makes its last will and what is to be called when something arrived."""


class Fleet:
    """Many simulated receivers on three threads: one decides, one does the network's work, one fetches clips."""

    def __init__(
        self,
        members: list[tuple[Provision, SigningKey]],
        folder: Path,
        *,
        faults: Faults | None = None,
        connect: "Connect | None" = None,
    ) -> None:
        """`folder` is where the fleet keeps its one copy of each clip; `connect` makes links other than MQTT's."""
        self._connect = connect or self._mqtt
        self._clips = Clips(folder)
        self._client = httpx.Client(timeout=20, trust_env=False)
        self._wanted: queue.SimpleQueue[tuple[Order, SimulatedReceiver] | None] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._stop = threading.Event()
        self._loop = Loop()
        self.receivers = [
            SimulatedReceiver(provision, key, draw(faults or Faults(), number), self)
            for number, (provision, key) in enumerate(members)
        ]
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._fetcher = threading.Thread(target=self._fetch, name="fleet-clips", daemon=True)

    def start(self, *, per_s: float = 100.0) -> None:
        """Connect all, `per_s` a second: brokers accept only so many at once."""
        self._thread.start()
        self._fetcher.start()
        self._loop.start()
        for receiver in self.receivers:
            receiver.link.open()
            self._work.put(lambda receiver=receiver: self._look_after(receiver))  # type: ignore[misc]  # bound now
            self._work.put(lambda receiver=receiver: self._let_it_fail(receiver))  # type: ignore[misc]  # bound now
            if self._stop.wait(1 / per_s):
                return

    def stop(self) -> None:
        """Disconnect all and end."""
        self._stop.set()
        self._wanted.put(None)
        self._work.put(lambda: None)
        for thread in (self._thread, self._fetcher):
            if thread.is_alive():
                thread.join(timeout=10)
        for receiver in self.receivers:
            receiver.link.close()
        self._loop.stop()
        for receiver in self.receivers:
            receiver.journal.close()
        self._client.close()

    @property
    def connected(self) -> int:
        """How many are connected."""
        return sum(receiver.link.connected for receiver in self.receivers)

    # ---- for the receivers

    def connect(self, provision: Provision, will: Callable[[], Will], arrived: Callable[[], None]) -> Link:
        """A receiver's link, not yet open."""
        return self._connect(provision, will, arrived)

    def _mqtt(self, provision: Provision, will: Callable[[], Will], arrived: Callable[[], None]) -> Link:
        access = provision.broker
        link = FleetLink(
            *(access.host, access.port, access.username, access.username, access.secret), will=will, arrived=arrived
        )
        link.loop = self._loop
        return link

    def wake(self, receiver: SimulatedReceiver) -> None:
        """Something arrived for it; from any thread."""
        self._work.put(receiver.step)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do this later; on the fleet's thread."""
        heapq.heappush(self._timers, (time.monotonic() + max(0.0, seconds), next(self._numbers), action))

    def want_clip(self, order: Order, receiver: SimulatedReceiver) -> None:
        """Tell the receiver when the order's clip is here."""
        self._wanted.put((order, receiver))

    # ---- the fleet's threads

    def _run(self) -> None:
        while not self._stop.is_set():
            now = time.monotonic()
            wait = min(0.5, self._timers[0][0] - now) if self._timers else 0.5
            try:
                action = self._work.get(timeout=max(0.0, wait)) if wait > 0 else self._work.get_nowait()
            except queue.Empty:
                if not self._timers or self._timers[0][0] > time.monotonic():
                    continue
                action = heapq.heappop(self._timers)[2]
            else:
                if self._timers and self._timers[0][0] <= time.monotonic():  # an instant goes before the queue
                    self._do(heapq.heappop(self._timers)[2])
            self._do(action)

    @staticmethod
    def _do(action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:  # one receiver's mishap must not stop the others
            log.exception("a simulated receiver failed")

    def _look_after(self, receiver: SimulatedReceiver) -> None:
        receiver.step()  # a new connection brings no message by itself
        self.after(LOOK_S, lambda: self._look_after(receiver))

    def _let_it_fail(self, receiver: SimulatedReceiver) -> None:
        lot = receiver.lot
        if lot.offline is not None:
            at, length = lot.offline
            self.after(at, lambda: receiver.lose_line(length))
        if lot.power is not None:
            when, lasts = lot.power
            self.after(when, lambda: receiver.lose_power(lasts))

    def _fetch(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            order, receiver = wanted
            sound, configuration = order.sound, receiver.place.configuration
            if sound is None or configuration is None:
                continue
            if self._clips.present(sound):
                self._work.put(lambda order=order, receiver=receiver: receiver.clip_ready(order))  # type: ignore[misc]  # bound now
                continue
            outcome, detail = self._clips.fetch(sound, configuration.media_urls, self._client, self._stop)
            if outcome is Fetched.MISMATCH:
                self._work.put(lambda o=order, r=receiver, d=detail: r.clip_refused(o, d))  # type: ignore[misc]  # bound now
            elif outcome is Fetched.READY or not self._stop.wait(FETCH_AGAIN_S):
                self._wanted.put(wanted)
