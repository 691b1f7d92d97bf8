"""One simulated receiver: the agent's own intake and journal, its own key, account and connection, and no sound."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from devices.fleet.faults import Lot, SkewedClock
from devices.fleet.loop import FleetLink
from devices.links.port import Link, Will
from devices.receiver import precedence
from devices.receiver.intake import Intake
from devices.receiver.journal import Entry, Journal
from devices.receiver.outputs import Performance
from devices.receiver.place import Place
from devices.receiver.provision import Provision
from devices.wire import topics
from devices.wire.areas import Rehomings
from devices.wire.messages import (
    ClockAnswer,
    Configuration,
    Evidence,
    File,
    Kind,
    Order,
    Presence,
    Reason,
    Receipts,
    Sound,
)
from devices.wire.signing import SigningKey, sign

RESEND_S = 10.0
TOGETHER_S = 0.1
SOFTWARE = "commune-broadcaster fleet"


class Home(Protocol):
    """What a receiver needs of its fleet. All but `wake` on the fleet's thread."""

    def connect(self, provision: Provision, will: Callable[[], Will], arrived: Callable[[], None]) -> Link:
        """Its link, not yet open."""

    def wake(self, receiver: "SimulatedReceiver") -> None:
        """Something arrived for it; from any thread."""

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do this later."""

    def want_clip(self, order: Order, receiver: "SimulatedReceiver") -> None:
        """Tell the receiver when the order's clip is here."""


@dataclass(frozen=True, slots=True)
class _Pretence:
    """The output of a kind of receiver that sounds and shows nothing."""

    kind: Kind
    audible: bool = False

    def supports(self, order: Order) -> bool:
        return (order.card if self.kind == "screen" else order.sound or order.tone) is not None

    def clip(self, order: Order) -> Sound | None:
        return order.sound if self.kind == "loudspeaker" else None

    def flaw(self, file: File) -> str | None:  # noqa: ARG002 - the port's
        return None

    def prepare(self, order: Order, *, from_ms: int = 0, gain_db: float = 0.0) -> Performance:
        raise NotImplementedError(f"a simulated receiver performs nothing, {order.id} neither")


class SimulatedReceiver:
    """All methods run on the fleet's thread."""

    def __init__(self, provision: Provision, key: SigningKey, lot: Lot, home: Home) -> None:
        self.name = provision.receiver
        self.lot = lot
        self.clock = SkewedClock(lot.wrong_s)
        self.journal = Journal(Path(":memory:"))  # its disk: a power cut leaves it
        self.place = Place(provision.station, provision.receiver)
        self.playing: Order | None = None
        self.lives = 0  # how often it was switched on again
        self._key = key
        self._keys = provision.keyring()
        self._home = home
        self._on = True
        self._sending = False
        self._session = (uuid.uuid4().hex, self.clock.now())
        self._connection = 0
        self._sent: dict[int, float] = {}
        self._watched: set[tuple[str, int]] = set()
        self.link = home.connect(provision, self._will, lambda: home.wake(self))
        self.link.subscribe(
            topics.of_receiver(self.name, "configuration"),
            topics.of_receiver(self.name, "acknowledgements"),
            topics.receiver_order(self.name, "+"),
            topics.receiver_stop(self.name, "+"),
        )
        self._intake = self._new_intake()

    def _new_intake(self) -> Intake:
        return Intake(
            self.place,
            self._keys,
            self.journal,
            self.clock,
            self,
            changed=self.look,
            configured=self._configured,
            rehomed=self._rehomed,
            clock_answered=_no_clock,
        )

    def step(self) -> None:
        """Take in what arrived, and send what waits."""
        if not self._on:
            return
        deliveries = self.link.receive(limit=200, wait_s=0)
        if deliveries and self.lot.slow_s:
            self.later(self.lot.slow_s, lambda: self._take(deliveries))
        else:
            self._take(deliveries)
        if self.link.connected and self.link.connections != self._connection:
            self._connection = self.link.connections
            self._sent.clear()
            self.link.publish(topics.of_receiver(self.name, "presence"), self._presence("online"), retain=True)
        self._send()

    def _take(self, deliveries: list) -> None:  # type: ignore[type-arg]
        for delivery in deliveries:
            self._intake.handle(delivery)
        self.link.acknowledge(deliveries)
        self._send()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do this later, unless the power goes before."""
        life = self.lives
        self._home.after(seconds, lambda: action() if self._on and self.lives == life else None)

    # ---- line and power

    def lose_line(self, seconds: float) -> None:
        """The connection breaks, and no other comes for so long."""
        if isinstance(self.link, FleetLink):
            self.link.pause(seconds)

    def lose_power(self, seconds: float) -> None:
        """Nothing more is done and nothing said; what was not on disk is forgotten."""
        self._on = False
        self.lose_line(seconds)
        self._home.after(seconds, self._switch_on)

    def _switch_on(self) -> None:
        self._on = True
        self.lives += 1
        self.playing = None
        self._sent.clear()
        self._watched.clear()
        self._intake = self._new_intake()
        for entry in self.journal.entries("starting", "started"):
            self.journal.advance(
                entry.order,
                "interrupted",
                self.clock.now(),
                only_from=("starting", "started"),
                reason=Reason.RESTARTED,
            )
        self.look()
        self.step()

    # ---- what the intake asks of a player

    def look(self) -> None:
        """The journal changed: see to clips, instants and stops."""
        playing = self.playing
        if playing is not None and self._barred(playing):
            self._end(playing, Reason.STOPPED)
        for entry in self.journal.entries("received", "ready"):
            order = entry.order
            mark = (order.id, order.revision)
            if mark not in self._watched:
                self._watched.add(mark)
                left = (order.play_at - self.clock.now()).total_seconds()
                self.later(left, lambda order=order: self._due(order))  # type: ignore[misc]  # bound now
                if entry.state == "received" and not self.lot.full:
                    self._home.want_clip(order, self)

    def cancel(self, order: str, revision: int) -> None:
        """Stop the order if it pretends to play in a lower revision."""
        if self.playing is not None and self.playing.id == order and self.playing.revision < revision:
            self._end(self.playing, Reason.CANCELLED)

    # ---- clips

    def clip_ready(self, order: Order) -> None:
        """The fleet has the clip and verified it."""
        self.later(self.lot.slow_s, lambda: self._clip_ready(order))

    def _clip_ready(self, order: Order) -> None:
        now = self.clock.now()
        if self.journal.advance(order, "ready", now, only_from=("received",)):
            if now >= order.play_at:
                self._due(order)
            self._send()

    def clip_refused(self, order: Order, detail: str) -> None:
        """The clip is another than the released one."""
        self.journal.advance(
            order, "refused", self.clock.now(), only_from=("received",), reason=Reason.CLIP_MISMATCH, detail=detail
        )
        self._send()

    # ---- playing, one order at a time

    def _due(self, order: Order) -> None:
        """Its instant is here: begin, wait, or give it up."""
        entry = self.journal.entry(order.id)
        if entry is None or entry.order.revision != order.revision or entry.state not in ("received", "ready"):
            return
        now = self.clock.now()
        if now > order.latest_start:
            self.journal.advance(order, "missed", now, only_from=("received", "ready"), reason=self._why(entry))
        elif entry.state == "received" or not self._may_begin(order):
            left = (order.latest_start - now).total_seconds()
            self.later(min(1.0, left + 0.001), lambda: self._due(order))
        else:
            if self.playing is not None:
                self._end(self.playing, Reason.PREEMPTED)
            self._begin(order)
        self._send()

    def _may_begin(self, order: Order) -> bool:
        if self._barred(order) or (not order.is_drill and self.place.quiet(order, self.clock.now())):
            return False
        return self.playing is None or precedence.displaces(order, self.playing)

    def _barred(self, order: Order) -> bool:
        now = self.clock.now()
        return any(stop.bars(order, now) for stop in self.journal.stops(now))

    def _why(self, entry: Entry) -> Reason:
        if entry.state == "received":
            return Reason.DISK_FULL if self.lot.full else Reason.CLIP_UNAVAILABLE
        return Reason.STOPPED if self._barred(entry.order) else Reason.TOO_LATE

    def _begin(self, order: Order) -> None:
        now = self.clock.now()
        if not self.journal.advance(order, "starting", now, only_from=("ready",)):
            return
        late = round(max(0.0, (now - order.play_at).total_seconds() * 1000), 3)
        drill = Reason.DRILL if order.is_drill else None
        evidence = Evidence(late_ms=late)
        self.journal.advance(order, "started", now, only_from=("starting",), reason=drill, evidence=evidence)
        self.playing = order
        self.later(self._length_ms(order) / 1000, lambda: self._end(order, None))

    def _end(self, order: Order, reason: Reason | None) -> None:
        if self.playing is not order:
            return
        self.playing = None
        length = self._length_ms(order)
        begun = (self.clock.now() - order.play_at).total_seconds() * 1000
        evidence = Evidence(
            clip_sha256=order.sound.sha256 if order.sound and self._kind == "loudspeaker" else None,
            played_ms=length if reason is None else max(0, min(length - 1, round(begun))),
            expected_ms=length,
            sink="simulated",
        )
        self.journal.advance(
            order,
            "finished" if reason is None else "interrupted",
            self.clock.now(),
            only_from=("started",),
            reason=Reason.DRILL if reason is None and order.is_drill else reason,
            evidence=evidence,
        )
        self._send()

    @property
    def _kind(self) -> Kind:
        return "loudspeaker" if self.place.configuration is None else self.place.configuration.kind

    def _length_ms(self, order: Order) -> int:
        if self._kind == "screen" and order.card is not None:
            return order.card.duration_ms
        return (order.sound or order.tone or order.card).duration_ms  # type: ignore[union-attr]  # an order has one

    # ---- the connection

    def _configured(self, configuration: Configuration, _document: bytes) -> None:
        self.place.configuration = configuration
        self.place.output = _Pretence(configuration.kind)
        self.link.subscribe(*sorted(self.place.filters()), topics.receiver_order(self.name, "+"))

    def _rehomed(self, rehomings: Rehomings, _document: bytes) -> None:
        self.place.rehomings[rehomings.area] = rehomings
        self.link.subscribe(*sorted(self.place.filters()), topics.receiver_order(self.name, "+"))

    def _send(self) -> None:
        """Soon: what comes forth together goes under one signature."""
        if not self._sending:
            self._sending = True
            self._home.after(TOGETHER_S, self._send_now)

    def _send_now(self) -> None:
        self._sending = False
        if not self._on or not self.link.connected:
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
        if due:
            self.later(RESEND_S, self._send)
        elif not waiting:
            self._sent.clear()

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


def _no_clock(_answer: ClockAnswer, _ago_s: float) -> None:
    """Simulated clocks are as they are."""
