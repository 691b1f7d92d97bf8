"""A station made for a fleet and gone with it: keys, broker, file server, orders, and every receipt that came.

It has no database and no people, and nothing of it can reach a commune: its broker listens on this machine alone, and
its keys are made when it starts.
"""

import hashlib
import os
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from devices.brokers.accounts import Account, new_secret, receiver_account, station_account
from devices.brokers.embedded import EmbeddedBroker
from devices.brokers.ports import free_port
from devices.fleet.mosquitto import ScratchMosquitto, program
from devices.links.mqtt import MqttLink
from devices.receiver.provision import BrokerAccess, Provision
from devices.wire import topics
from devices.wire.messages import (
    Acknowledgement,
    Audience,
    Card,
    Configuration,
    Document,
    Kind,
    Order,
    Reason,
    Receipt,
    Receipts,
    ReceiptState,
    Sound,
)
from devices.wire.signing import Keyring, PublicKey, RefusedError, SigningKey, sign, verify

STATION, AREAS = "dai-mo-phong", ("tinh-mo-phong", "xa-mo-phong")
ENDS = {
    ReceiptState.FINISHED,
    ReceiptState.MISSED,
    ReceiptState.INTERRUPTED,
    ReceiptState.REFUSED,
    ReceiptState.CANCELLED,
    ReceiptState.FAILED,
}
EMBEDDED_UP_TO = 300
CLIP_BYTES = 32_000
Broker = Literal["auto", "embedded", "mosquitto"]


class ScratchStation:
    """Start it, take the members, order airings, wait for their ends."""

    def __init__(self, folder: Path, receivers: int, *, screens: float = 0.1, broker: Broker = "auto") -> None:
        """`screens` is the share of receivers that are screens. Raises EmbeddedBrokerError, LinkError, OSError."""
        self.key = SigningKey.generate("mo-phong-1")
        self.names = [f"mo-phong-{number:05d}" for number in range(1, receivers + 1)]
        self.kinds: dict[str, Kind] = {
            name: "screen" if number < receivers * screens else "loudspeaker" for number, name in enumerate(self.names)
        }
        self.receipts: dict[str, dict[str, Receipt]] = {name: {} for name in self.names}  # by receiver and id
        self.copies = 0  # receipts that came more than once
        self.unreadable = 0
        self.orders: list[Order] = []
        self.forged: list[str] = []
        self._stop = threading.Event()
        self._keys = {name: SigningKey.generate() for name in self.names}
        self._pinned = {name: key.public() for name, key in self._keys.items()}
        self._secrets = {name: new_secret() for name in self.names}
        secret, port = new_secret(), free_port()
        small = receivers <= EMBEDDED_UP_TO or program() is None
        self.broker_name = broker if broker != "auto" else "embedded" if small else "mosquitto"
        self._broker: ScratchMosquitto | EmbeddedBroker
        if self.broker_name == "mosquitto":
            self._broker = ScratchMosquitto(folder, port, self._secrets | {"station": secret}, station="station")
        else:
            self._broker = EmbeddedBroker(port=port, folder=folder)
            accounts: list[Account] = [station_account(secret)]
            accounts += [receiver_account(name, AREAS, own) for name, own in self._secrets.items()]
            self._broker.accounts.write({account.username: account for account in accounts})
        self._port = port
        self._media = _Media()
        self._link = MqttLink("127.0.0.1", port, "station", "station", secret, outgoing_messages=200_000)
        self._link.subscribe(topics.of_receiver("+", "receipts"))
        self._thread = threading.Thread(target=self._read, name="scratch-station", daemon=True)

    def start(self) -> None:
        """Begin to serve, and configure every receiver."""
        self._broker.start()
        self._link.open()
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._link.connected and time.monotonic() < deadline:
            time.sleep(0.02)
        now = _now()
        for name in self.names:
            document = Configuration(
                station=STATION,
                receiver=name,
                revision=1,
                issued_at=now,
                expires_at=now + timedelta(days=1),
                kind=self.kinds[name],
                name=f"Thiết bị mô phỏng {name}",
                areas=AREAS,
                media_urls=(self._media.url,),
            )
            self._publish(topics.of_receiver(name, "configuration"), document)

    def close(self) -> None:
        """End everything."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._link.close()
        self._media.close()
        self._broker.stop()

    def members(self) -> list[tuple[Provision, SigningKey]]:
        """What each simulated receiver is given."""
        jwk = self.key.public().to_jwk()
        return [
            (
                Provision(
                    station=STATION,
                    receiver=name,
                    station_keys=(jwk,),
                    broker=BrokerAccess(host="127.0.0.1", port=self._port, username=name, secret=self._secrets[name]),
                ),
                self._keys[name],
            )
            for name in self.names
        ]

    # ---- orders

    def air(self, name: str, *, in_s: float, seconds: float, late_limit_s: int) -> Order:
        """Order an airing of so many seconds for everybody."""
        order = self._order(name, in_s=in_s, seconds=seconds, late_limit_s=late_limit_s)
        self.orders.append(order)
        self._publish(topics.area_order(AREAS[1], name), order)
        return order

    def forge(self, name: str, *, in_s: float) -> None:
        """What a hacked broker would put beside the orders: signed by a stranger under the station's key id."""
        order = self._order(name, in_s=in_s, seconds=1.0, late_limit_s=60)
        self.forged.append(name)
        self._link.publish(
            topics.area_order(AREAS[1], name), sign(order, SigningKey.generate(self.key.kid)), retain=True
        )

    def _order(self, name: str, *, in_s: float, seconds: float, late_limit_s: int) -> Order:
        at = _now() + timedelta(seconds=in_s)
        length = round(seconds * 1000)
        return Order(
            station=STATION,
            id=name,
            revision=1,
            airing=name,
            audience=Audience(areas=(AREAS[1],)),
            priority="routine",
            title="Bản tin mô phỏng",
            issued_at=_now(),
            play_at=at,
            late_limit_s=late_limit_s,
            expires_at=at + timedelta(hours=1),
            sound=self._media.put(os.urandom(CLIP_BYTES), length),
            card=Card(text="Bản tin mô phỏng", duration_ms=length),
        )

    # ---- receipts

    def ends(self, order: str) -> dict[str, Receipt]:
        """How the order ended, by receiver, where that was told; that a copy of it was refused is no end."""
        return {
            name: receipt
            for name in self.names
            for receipt in list(self.receipts[name].values())
            if receipt.order == order and receipt.state in ENDS and receipt.reason is not Reason.REPLAYED
        }

    def begun(self, order: str) -> list[Receipt]:
        """All `started` of an order."""
        return [
            receipt
            for name in self.names
            for receipt in list(self.receipts[name].values())
            if receipt.order == order and receipt.state is ReceiptState.STARTED
        ]

    def refused(self) -> Counter[str]:
        """How many refusals came, by reason."""
        return Counter(
            str(receipt.reason)
            for name in self.names
            for receipt in list(self.receipts[name].values())
            if receipt.state is ReceiptState.REFUSED
        )

    def gaps(self) -> int:
        """How many sequence numbers are missing: receipts that were made and never came."""
        found = 0
        for name in self.names:
            numbers = {receipt.sequence for receipt in list(self.receipts[name].values())}
            found += max(numbers) - len(numbers) if numbers else 0
        return found

    def _publish(self, topic: str, document: Document) -> None:
        self._link.publish(topic, sign(document, self.key), retain=True)

    def _read(self) -> None:
        while not self._stop.is_set():
            deliveries = self._link.receive(limit=500, wait_s=0.1)
            for delivery in deliveries:
                topic = topics.parse(delivery.topic)
                if topic is not None and topic.name in self._pinned and delivery.payload:
                    self._keep(topic.name, delivery.payload)
            self._link.acknowledge(deliveries)

    def _keep(self, name: str, payload: bytes) -> None:
        try:
            document = verify(payload, Keyring([self._public(name)]), Receipts)
        except RefusedError:
            self.unreadable += 1
            return
        kept = self.receipts[name]
        for receipt in document.receipts:
            self.copies += receipt.id in kept
            kept[receipt.id] = receipt
        names = tuple(receipt.id for receipt in document.receipts)
        words = Acknowledgement(station=STATION, receiver=name, at=_now(), receipts=names)
        self._link.publish(topics.of_receiver(name, "acknowledgements"), sign(words, self.key))

    def _public(self, name: str) -> PublicKey:
        return self._pinned[name]


class _Media:
    """Clips by their SHA-256."""

    def __init__(self) -> None:
        self._clips: dict[str, bytes] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.clips = self._clips  # type: ignore[attr-defined]  # read by the handler
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="scratch-media", daemon=True).start()

    def put(self, data: bytes, length_ms: int) -> Sound:
        """Simulated receivers decode nothing: any bytes will do."""
        digest = hashlib.sha256(data).hexdigest()
        self._clips[digest] = data
        return Sound(sha256=digest, size=len(data), duration_ms=length_ms)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        clips: dict[str, bytes] = self.server.clips  # type: ignore[attr-defined]  # set by _Media
        data = clips.get(self.path.strip("/"), b"")
        self.send_response(200 if data else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """Quiet."""


def _now() -> datetime:
    found = datetime.now(UTC)
    return found.replace(microsecond=found.microsecond // 1000 * 1000)
