"""A fleet: receivers that read, judge, journal and prove as real ones do, and only pretend to sound.

Each has its own key, account, MQTT connection and journal (in memory), and goes through the agent's own `Intake` and
`Journal`. What is shared is what would cost most: one thread decides for all, and a clip is fetched and verified once
for the whole fleet.
"""

import heapq
import itertools
import queue
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import structlog

from devices.links.mqtt import MqttLink
from devices.links.port import Will
from devices.receiver.clips import Clips, Fetched
from devices.receiver.intake import Intake
from devices.receiver.journal import Journal
from devices.receiver.outputs import Performance
from devices.receiver.place import Place
from devices.receiver.provision import Provision
from devices.wire import topics
from devices.wire.messages import ClockAnswer, Configuration, Evidence, Kind, Order, Presence, Reason, Receipts
from devices.wire.signing import SigningKey, sign

log = structlog.get_logger(__name__)

RESEND_S = 10.0
FETCH_AGAIN_S = 2.0
SOFTWARE = "commune-broadcaster fleet"


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong with each receiver, drawn anew for each from `seed`."""

    offline_share: float = 0.0  # of the receivers, that lose the line once
    offline_s: tuple[float, float] = (5.0, 20.0)
    skew_s: float = 0.0  # clocks wrong by up to this, either way
    seed: int = 1


class SkewedClock:
    """The system's clock, wrong by a constant."""

    def __init__(self, wrong_s: float) -> None:
        self._wrong = timedelta(seconds=wrong_s)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._wrong


@dataclass(frozen=True, slots=True)
class _Pretence:
    """The output of a kind of receiver that sounds and shows nothing."""

    kind: Kind

    def supports(self, order: Order) -> bool:
        return (order.card if self.kind == "screen" else order.sound) is not None

    def needs_clip(self, order: Order) -> bool:
        return self.kind == "loudspeaker" and order.sound is not None

    def prepare(self, order: Order) -> Performance:
        raise NotImplementedError(f"a simulated receiver performs nothing, {order.id} neither")


class SimulatedReceiver:
    """One receiver of the fleet. All methods run on the fleet's thread."""

    def __init__(self, provision: Provision, key: SigningKey, clock: SkewedClock, fleet: "Fleet") -> None:
        self.name = provision.receiver
        self.clock = clock
        self.journal = Journal(Path(":memory:"))
        self.place = Place(provision.station, provision.receiver)
        self._key = key
        self._fleet = fleet
        self._session = (uuid.uuid4().hex, clock.now())
        self._connection = 0
        self._sent: dict[int, float] = {}
        self._scheduled: set[tuple[str, int]] = set()
        self.playing: dict[str, Order] = {}
        access = provision.broker
        self.link = MqttLink(
            *(access.host, access.port, access.username, access.username, access.secret),
            will=self._will,
            arrived=lambda: fleet.wake(self),
        )
        self.link.subscribe(
            topics.of_receiver(self.name, "configuration"),
            topics.of_receiver(self.name, "acknowledgements"),
            topics.receiver_order(self.name, "+"),
        )
        self._intake = Intake(
            self.place,
            provision.keyring(),
            self.journal,
            clock,
            self,
            changed=self.look,
            configured=self._configured,
            clock_answered=_no_clock,
        )

    def step(self) -> None:
        """Take in what arrived, and send what waits."""
        deliveries = self.link.receive(limit=200, wait_s=0)
        for delivery in deliveries:
            self._intake.handle(delivery)
        self.link.acknowledge(deliveries)
        if self.link.connected and self.link.connections != self._connection:
            self._connection = self.link.connections
            self._sent.clear()
            self.link.publish(topics.of_receiver(self.name, "presence"), self._presence("online"), retain=True)
        self._send()

    def look(self) -> None:
        """New orders may have come: see to their clips and their instants."""
        for entry in self.journal.entries("received"):
            if entry.order.sound is not None:
                self._fleet.want_clip(entry.order, self)
        for entry in self.journal.entries("ready"):
            mark = (entry.order.id, entry.order.revision)
            if mark not in self._scheduled:
                self._scheduled.add(mark)
                wait = (entry.order.play_at - self.clock.now()).total_seconds()
                self._fleet.after(wait, lambda order=entry.order: self._begin(order))  # type: ignore[misc]  # bound now

    def cancel(self, order: str, revision: int) -> None:
        """Stop the order if it pretends to play in a lower revision."""
        playing = self.playing.get(order)
        if playing is not None and playing.revision < revision:
            self._end(playing, Reason.CANCELLED)

    def clip_ready(self, order: Order) -> None:
        """The fleet has the clip and verified it."""
        if self.journal.advance(order, "ready", self.clock.now(), only_from=("received",)):
            self.look()
            self._send()

    def clip_refused(self, order: Order, detail: str) -> None:
        """The clip is another than the released one."""
        self.journal.advance(
            order, "refused", self.clock.now(), only_from=("received",), reason=Reason.CLIP_MISMATCH, detail=detail
        )
        self._send()

    def _begin(self, order: Order) -> None:
        now = self.clock.now()
        if now > order.latest_start:
            self.journal.advance(order, "missed", now, only_from=("ready",), reason=Reason.TOO_LATE)
        elif self.journal.advance(order, "starting", now, only_from=("ready",)):
            late = round(max(0.0, (now - order.play_at).total_seconds() * 1000), 3)
            self.journal.advance(order, "started", now, only_from=("starting",), evidence=Evidence(late_ms=late))
            self.playing[order.id] = order
            self._fleet.after(_length_ms(order, self.place) / 1000, lambda: self._end(order, None))
        self._send()

    def _end(self, order: Order, reason: Reason | None) -> None:
        if self.playing.pop(order.id, None) is None:
            return
        length = _length_ms(order, self.place)
        evidence = Evidence(
            clip_sha256=order.sound.sha256 if order.sound else None,
            played_ms=length if reason is None else 0,
            expected_ms=length,
            sink="simulated",
        )
        state = "finished" if reason is None else "interrupted"
        self.journal.advance(
            order,
            "finished" if state == "finished" else "interrupted",
            self.clock.now(),
            only_from=("started",),
            reason=reason,
            evidence=evidence,
        )
        self._send()

    def _configured(self, configuration: Configuration, _document: bytes) -> None:
        self.place.configuration = configuration
        self.place.output = _Pretence(configuration.kind)
        self.link.subscribe(
            *(topics.area_order(area, "+") for area in configuration.areas), topics.receiver_order(self.name, "+")
        )

    def _send(self) -> None:
        if not self.link.connected:
            return
        now = time.monotonic()
        waiting = self.journal.outbox(limit=200)
        due = [receipt for receipt in waiting if now - self._sent.get(receipt.sequence, -RESEND_S) >= RESEND_S]
        for start in range(0, len(due), 50):
            batch = due[start : start + 50]
            document = Receipts(
                station=self.place.station, receiver=self.name, sent_at=self.clock.now(), receipts=tuple(batch)
            )
            self.link.publish(topics.of_receiver(self.name, "receipts"), sign(document, self._key))
            self._sent.update({receipt.sequence: now for receipt in batch})
        if waiting:
            self._fleet.after(RESEND_S, self._send_again)
        else:
            self._sent.clear()

    def _send_again(self) -> None:
        oldest = self.journal.outbox(limit=1)
        if oldest and time.monotonic() - self._sent.get(oldest[0].sequence, 0) >= RESEND_S:
            self._send()

    def _will(self) -> Will:
        self._session = (uuid.uuid4().hex, self.clock.now())
        return Will(topics.of_receiver(self.name, "presence"), self._presence("offline"))

    def _presence(self, state: str) -> bytes:
        session, at = self._session
        document = Presence(
            station=self.place.station,
            receiver=self.name,
            state="online" if state == "online" else "offline",
            session=session,
            at=at,
            software=SOFTWARE,
        )
        return sign(document, self._key)


class Fleet:
    """Many simulated receivers on one thread (and one network thread each, asleep most of the time)."""

    def __init__(
        self, members: list[tuple[Provision, SigningKey]], folder: Path, *, faults: Faults | None = None
    ) -> None:
        """`folder` is where the fleet keeps its one copy of each clip."""
        self._faults = faults or Faults()
        self._random = random.Random(self._faults.seed)  # noqa: S311 - a simulation that can be repeated
        self._clips = Clips(folder)
        self._client = httpx.Client(timeout=20, trust_env=False)
        self._wanted: queue.SimpleQueue[tuple[Order, SimulatedReceiver] | None] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._stop = threading.Event()
        skew = self._faults.skew_s
        self.receivers = [
            SimulatedReceiver(provision, key, SkewedClock(self._random.uniform(-skew, skew)), self)
            for provision, key in members
        ]
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._fetcher = threading.Thread(target=self._fetch, name="fleet-clips", daemon=True)

    def start(self, *, per_s: float = 100.0) -> None:
        """Connect all, `per_s` a second: brokers accept only so many at once."""
        self._thread.start()
        self._fetcher.start()
        for receiver in self.receivers:
            receiver.link.open()
            self._work.put(lambda receiver=receiver: self._look_after(receiver))  # type: ignore[misc]  # bound now
            if self._random.random() < self._faults.offline_share:
                self._lose_the_line(receiver)
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
        closers = [threading.Thread(target=receiver.link.close) for receiver in self.receivers]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(timeout=20)
        for receiver in self.receivers:
            receiver.journal.close()
        self._client.close()

    @property
    def connected(self) -> int:
        """How many are connected."""
        return sum(receiver.link.connected for receiver in self.receivers)

    # ---- for the receivers

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
        self.after(1.0 + self._random.random(), lambda: self._look_after(receiver))

    def _lose_the_line(self, receiver: SimulatedReceiver) -> None:
        low, high = self._faults.offline_s
        self._work.put(
            lambda: self.after(self._random.uniform(1, 5), lambda: receiver.link.pause(self._random.uniform(low, high)))
        )

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


def _length_ms(order: Order, place: Place) -> int:
    screen = place.configuration is not None and place.configuration.kind == "screen"
    return (order.card if screen and order.card else order.sound or order.card).duration_ms  # type: ignore[union-attr]  # an order has one


def _no_clock(_answer: ClockAnswer, _waited_s: float) -> None:
    """A simulated receiver asks nobody what time it is."""
