"""The station that the kit plays: broker, file server, keys, orders, and what the receiver said."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from devices.brokers.accounts import new_secret, receiver_account, station_account
from devices.brokers.embedded import EmbeddedBroker
from devices.brokers.ports import free_port
from devices.conformance.clips import ClipServer, clip
from devices.conformance.points import POINTS, Note, Point, Result, Verdict
from devices.conformance.subject import Subject
from devices.conformance.tap import Tap
from devices.files import write_private
from devices.links.mqtt import MqttLink
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.enrolment import Wiped
from devices.wire.messages import (
    Acknowledgement,
    Audience,
    Cancellation,
    Card,
    ClockAnswer,
    ClockProbe,
    Configuration,
    Document,
    Health,
    Kind,
    Order,
    Presence,
    Receipt,
    Receipts,
    ReceiptState,
    Sound,
    Stop,
)
from devices.wire.signing import Keyring, PublicKey, RefusedError, SigningKey, sign, verify

T = TypeVar("T")
STATION, RECEIVER = "dai-kiem-thu", "may-kiem-thu"
AREAS = ("tinh-kiem-thu", "xa-kiem-thu", "thon-kiem-thu")
AREA, NEW_AREA, OTHER_AREA, MERGED_AREA = AREAS[1], "cum-kiem-thu", "xa-khac", "xa-sap-nhap"
HEALTH_EVERY_S = 5
LATER = timedelta(seconds=100)
"""Until the instant of orders that are not to play while the kit runs: soon enough that no download waits for its turn."""
LEAD_S = 1.0
"""From an order's publication to its instant, at the first attempt: time to fetch a clip of a few kilobytes."""
MOST_PATIENCE = 4
"""So many times patience begins anew for a receiver that has much to tell."""


class NotSeenError(Exception):
    """What should have come did not; the message says what came instead."""


class CaseOverError(Exception):
    """A point failed that the rest of the case builds on."""


@dataclass(frozen=True, slots=True)
class Told:
    """A receipt as it arrived: over which connection of the receiver, and when."""

    receipt: Receipt
    at: datetime
    connection: int


class Rig:
    """Everything that the cases use. They run on several threads."""

    def __init__(
        self, folder: Path, public_key: PublicKey, *, kind: Kind, host: str, patience_s: float, connect_within_s: float
    ) -> None:
        """`patience_s`: how long to wait for what should come at once; `connect_within_s`: for the first connection.

        Raises EmbeddedBrokerError, OSError.
        """
        self.connect_within_s = connect_within_s
        self.lead_s = max(LEAD_S, patience_s / 5)
        self.folder = folder
        self.kind: Kind = kind
        self.patience_s = patience_s
        self.raw_key = Ed25519PrivateKey.generate()  # for headers that no library would sign
        self.key = SigningKey(OKPKey.import_key(self.raw_key), "kiem-thu-1")
        self.intruder = SigningKey.generate("ke-la")
        self.public_key = public_key
        self.subject: Subject | None = None
        self.orders: dict[tuple[str, int], Order] = {}  # by id and revision
        self.told: list[Told] = []
        self._told_ids: set[str] = set()
        self._news_at = 0.0  # on the monotonic clock, when the last receipt came that was not told before
        self.presence: list[Presence] = []
        self.health: list[Health] = []
        self.wiped: list[Wiped] = []
        self.coming: tuple[str, ...] = ()  # areas that a re-homing brings
        self.probes = 0
        self.faults: list[str] = []  # what was wrong with documents
        self.withheld: set[str] = set()  # orders whose receipts are not acknowledged
        self.acknowledged: dict[str, datetime] = {}
        self.configuration: Configuration | None = None
        self.verdicts: dict[str, Verdict] = {}
        self._points = {point.id: point for point in POINTS}
        self._changed = threading.Condition()
        self.stage = threading.Lock()  # held by the case whose orders sound now
        self._drawing = threading.Lock()
        self._hertz = 400.0
        (folder / "kit").mkdir(exist_ok=True, mode=0o700)
        self._broker = EmbeddedBroker(port=free_port(), folder=folder / "kit")
        secret = new_secret()
        self._secret = new_secret()
        self._broker.accounts.set(
            station_account(secret),
            receiver_account(RECEIVER, (*AREAS, NEW_AREA, OTHER_AREA, MERGED_AREA), self._secret),
        )
        self._broker.start()
        self.tap = Tap(host, self._broker.port, self._notify)
        self.clips = ClipServer(host, host)
        self._link = MqttLink("127.0.0.1", self._broker.port, "station", "station", secret, backoff_s=(0.05, 0.5))
        for subject in ("clock-probes", "receipts", "presence", "health", "wiped"):
            self._link.subscribe(topics.of_receiver("+", subject))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="station", daemon=True)
        self._link.open()
        self._thread.start()
        self.wait(lambda: self._link.connected, "the kit's own connection to its broker", 20)

    def close(self) -> None:
        """Stop everything."""
        self._stop.set()
        self._thread.join(timeout=5)
        self._link.close()
        self.tap.close()
        self.clips.close()
        self._broker.stop()

    def provision(self, host: str) -> Path:
        """Write provision.json, as section 1 of the protocol describes it."""
        path = self.folder / "provision.json"
        content = {
            "station": STATION,
            "receiver": RECEIVER,
            "station_keys": [self.key.public().to_jwk()],
            "broker": {
                "host": host,
                "port": self.tap.port,
                "username": RECEIVER,
                "secret": self._secret,
                "tls": False,
            },
            "media_urls": list(self.clips.urls),
        }
        write_private(path, json.dumps(content, indent=1).encode(), overwrite=True)
        return path

    def ended(self) -> str | None:
        """How the receiver ended, if the kit started it and it runs no more."""
        return None if self.subject is None else self.subject.ended()

    # ---- waiting and judging

    def wait(
        self, condition: Callable[[], T], what: str, within_s: float | None = None, *, while_told: bool = False
    ) -> T:
        """What `condition` gives as soon as it is true.

        `while_told`: patience begins anew with every new receipt (MOST_PATIENCE times at most), since a receiver that
        has much to tell is slow and not wrong. Raises NotSeenError.
        """
        deadline = time.monotonic() + (self.patience_s if within_s is None else within_s)
        longest = deadline + (MOST_PATIENCE * self.patience_s if while_told else 0)
        with self._changed:
            while not (found := condition()):
                if while_told:
                    deadline = min(longest, max(deadline, self._news_at + self.patience_s))
                left = deadline - time.monotonic()
                if left <= 0:
                    raise NotSeenError(what)
                self._changed.wait(min(left, 0.1))
        return found

    def until(self, instant: datetime) -> None:
        """Let time pass; for what must not happen before then."""
        time.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))

    @contextmanager
    def point(self, name: str, *, go_on: bool = False) -> Iterator[Note]:
        """Judge a point by whether the block sees what it waits for. Raises CaseOverError unless it may go on."""
        note = Note()
        try:
            yield note
        except NotSeenError as error:
            self.judge(name, "fail", str(error))
            if not go_on:
                raise CaseOverError(name) from error
        else:
            self.judge(name, "pass", note.seen)

    def judge(self, name: str, result: Result, seen: str) -> None:
        """Write a verdict down; the first one stays."""
        self.verdicts.setdefault(name, Verdict(self._points[name], result, seen))

    def needs(self, holds: object, otherwise: str) -> None:
        """Raises NotSeenError with what is wrong, unless it holds."""
        if not holds:
            raise NotSeenError(otherwise)

    @property
    def all_points(self) -> tuple[Point, ...]:
        """Those that are for this kind of receiver."""
        return tuple(point for point in POINTS if self.kind in point.kinds)

    # ---- receipts

    def receipts(self, order: str) -> list[Receipt]:
        """Those of an order, each once, by sequence."""
        return sorted({t.receipt.id: t.receipt for t in self.told if t.receipt.order == order}.values(), key=_sequence)

    def says(self, order: str) -> str:
        """What was told of an order, for a verdict."""
        words = [f"{r.state}{f' {r.reason}' if r.reason else ''}" for r in self.receipts(order)]
        return f"told of {order}: {', '.join(words) or 'nothing'}"

    def receipt(
        self, order: str, state: str, within_s: float | None = None, *, revision: int | None = None, reason: str = ""
    ) -> Told:
        """The first receipt of that kind. Raises NotSeenError."""

        def look() -> Told | None:
            return next(
                (
                    t
                    for t in self.told
                    if (t.receipt.order, t.receipt.state) == (order, ReceiptState(state))
                    and (revision is None or t.receipt.revision == revision)
                    and (not reason or t.receipt.reason == reason)
                ),
                None,
            )

        wanted = f"{state} {reason}".strip()
        try:
            found = self.wait(look, "", within_s, while_told=True)
        except NotSeenError:
            raise NotSeenError(f"no {wanted} came in time; {self.says(order)}") from None
        if found is None:
            raise NotSeenError(wanted)
        return found

    def never(self, order: str, *states: str) -> None:
        """Raises NotSeenError if one of these was told of the order so far."""
        for receipt in self.receipts(order):
            self.needs(receipt.state not in states, f"it must not be {receipt.state}; {self.says(order)}")

    # ---- what the station says

    def order(
        self,
        name: str,
        *,
        sound: Sound | None = None,
        seconds: float = 0.5,
        play_at: datetime | None = None,
        publish: bool = True,
        **changes: Any,
    ) -> Order:
        """An order for the receiver's commune, with a sound and a card; published, retained."""
        at = play_at or now() + LATER
        found = sound or self.sound(seconds)
        fields: dict[str, Any] = {
            "station": STATION,
            "id": name,
            "revision": 1,
            "airing": f"airing-{name}",
            "audience": Audience(areas=(AREA,)),
            "priority": "routine",
            "title": "Kiểm thử thiết bị",
            "issued_at": now(),
            "play_at": at,
            "late_limit_s": 60,
            "expires_at": at + timedelta(hours=2),
            "sound": found,
            "card": Card(text=f"Kiểm thử {name}", duration_ms=found.duration_ms),
            **changes,
        }
        order = Order(**fields)
        self.orders[name, order.revision] = order
        if publish:
            self.publish(topics.area_order(AREA, name), order)
        return order

    def sound(self, seconds: float = 0.5) -> Sound:
        """A clip of its own, well served."""
        with self._drawing:
            self._hertz += 7
            hertz = self._hertz
        return self.clips.put(clip(seconds, hertz), seconds)

    def cancel(self, order: Order, revision: int) -> None:
        """Take an order back."""
        document = Cancellation(
            station=STATION,
            order=order.id,
            revision=revision,
            audience=order.audience,
            issued_at=now(),
            expires_at=order.expires_at,
            reason="Kiểm thử hủy lệnh.",
        )
        self.publish(topics.area_order(AREA, order.id), document)

    STOP = "dung-kiem-thu"

    def stop(self, revision: int, *, lifted: bool = False) -> None:
        """Silence for the receiver's commune, or its end."""
        document = Stop(
            station=STATION,
            id=self.STOP,
            revision=revision,
            audience=Audience(areas=(AREA,)),
            issued_at=now(),
            expires_at=now() + timedelta(hours=1),
            reason="Kiểm thử dừng phát.",
            lifted=lifted,
        )
        self.publish(topics.area_stop(AREA, self.STOP), document)

    def supported(self) -> tuple[str, ...]:
        """What the receiver says that it knows of what was added to version 1."""
        return next((presence.supports for presence in list(self.presence) if presence.state == "online"), ())

    def configure(self, revision: int, *, publish: bool = True, **changes: Any) -> Configuration:
        """The receiver's configuration in a revision."""
        fields: dict[str, Any] = {
            "station": STATION,
            "receiver": RECEIVER,
            "revision": revision,
            "issued_at": now(),
            "expires_at": now() + timedelta(days=365),
            "kind": self.kind,
            "name": "Thiết bị kiểm thử",
            "areas": AREAS,
            "media_urls": self.clips.urls,
            "health_every_s": HEALTH_EVERY_S,
            **changes,
        }
        found = Configuration(**fields)
        if publish:
            self.configuration = found
            self.publish(topics.of_receiver(RECEIVER, "configuration"), found)
        return found

    def publish(self, topic: str, document: Document | bytes, *, retain: bool = True) -> bytes:
        """Sign where needed, publish, and return the bytes."""
        data = document if isinstance(document, bytes) else sign(document, self.key)
        self._link.publish(topic, data, retain=retain).result(timeout=20)
        return data

    # ---- what the receiver says

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _read(self) -> None:
        while not self._stop.is_set():
            deliveries = self._link.receive(limit=100, wait_s=0.05)
            for delivery in deliveries:
                self._take(delivery)
            self._link.acknowledge(deliveries)
            if deliveries:
                self._notify()

    def _take(self, delivery: Delivery) -> None:
        topic = topics.parse(delivery.topic)
        if topic is None or topic.name != RECEIVER or not delivery.payload:
            return
        try:
            document = verify(delivery.payload, Keyring([self.public_key]), *_KINDS[topic.subject])
        except RefusedError as error:
            self.faults.append(f"{topic.subject}: {error.reason}, {error}")
            return
        if (document.station, getattr(document, "receiver", "")) != (STATION, RECEIVER):
            self.faults.append(f"{topic.subject}: of another station or receiver")
        elif isinstance(document, Receipts):
            self._keep(document)
        elif isinstance(document, Presence):
            self.presence.append(document)
        elif isinstance(document, Health):
            self.health.append(document)
        elif isinstance(document, Wiped):
            self.wiped.append(document)
        elif isinstance(document, ClockProbe):
            self._answer(document, delivery.arrived)

    def _keep(self, document: Receipts) -> None:
        at, connection = datetime.now(UTC), len(self.tap.connections)
        self.told.extend(Told(receipt, at, connection) for receipt in document.receipts)
        ids = {receipt.id for receipt in document.receipts}
        if not ids <= self._told_ids:
            self._told_ids |= ids
            self._news_at = time.monotonic()
        done = [r.id for r in document.receipts if r.order not in self.withheld]
        if done:
            self.acknowledge(done, at)

    def acknowledge(self, receipts: list[str], at: datetime, key: SigningKey | None = None) -> None:
        """Say that these receipts are on the station's disk; with another key: pretend to."""
        for start in range(0, len(receipts), 100):
            some = tuple(receipts[start : start + 100])
            document = Acknowledgement(station=STATION, receiver=RECEIVER, at=at, receipts=some)
            topic = topics.of_receiver(RECEIVER, "acknowledgements")
            self._link.publish(topic, sign(document, key or self.key))
            if key is None:
                for name in some:
                    self.acknowledged.setdefault(name, at)

    def release(self, order: str) -> None:
        """Acknowledge what was withheld of an order."""
        self.withheld.discard(order)
        self.acknowledge([r.id for r in self.receipts(order)], datetime.now(UTC))

    def _answer(self, probe: ClockProbe, arrived: float) -> None:
        self.probes += 1
        at = time.time_ns() // 1000 - round((time.monotonic() - arrived) * 1_000_000)
        topic = topics.of_receiver(RECEIVER, "clock-answers")
        with suppress(ValueError):
            true = ClockAnswer(
                station=STATION, receiver=RECEIVER, probe=probe.id, arrived_us=at, left_us=time.time_ns() // 1000
            )
            hour = 3_600_000_000
            false = true.model_copy(update={"arrived_us": at + hour, "left_us": true.left_us + hour})
            stranger = SigningKey.generate(self.key.kid) if self.probes == 1 else None
            if stranger is not None:
                self._link.publish(topic, sign(false, stranger))
            self._link.publish(topic, sign(true, self.key))


_KINDS: dict[str, tuple[type[Any]]] = {
    "receipts": (Receipts,),
    "presence": (Presence,),
    "health": (Health,),
    "clock-probes": (ClockProbe,),
    "wiped": (Wiped,),
}


def now() -> datetime:
    """The instant now, in milliseconds as documents have it."""
    found = datetime.now(UTC)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def _sequence(receipt: Receipt) -> int:
    return receipt.sequence
