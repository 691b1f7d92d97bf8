"""The station's end of the protocol for tests of receivers: it signs, publishes, reads receipts and acknowledges."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np

from devices.brokers.accounts import AccountsFile, new_secret, receiver_account, station_account
from devices.conformance.clips import clip
from devices.links.mqtt import MqttLink
from devices.links.timekeeping import ClockAnswers
from devices.receiver.agent import Agent
from devices.receiver.provision import BrokerAccess, Provision, initialise
from devices.receiver.run import mqtt_link
from devices.receiver.sinks import WavSink
from devices.receiver.timekeeping import Timekeeper
from devices.wire import topics
from devices.wire.messages import (
    Acknowledgement,
    Audience,
    Cancellation,
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
from devices.wire.signing import Keyring, PublicKey, SigningKey, sign, verify
from tests.brokers import wait_for
from tests.media import Media

STATION = "tan-an"
AREAS = ("tinh-long-an", "xa-tan-an", "thon-dong")


def now() -> datetime:
    """The instant now, in milliseconds as the wire has it."""
    return datetime.now(UTC).replace(microsecond=datetime.now(UTC).microsecond // 1000 * 1000)


def tone(seconds: float = 1.0, *, hertz: float = 440.0, rate: int = 24000) -> bytes:
    """A clip as the station makes them: MP3, mono, 64 kbit/s."""
    return clip(seconds, hertz, level=0.25, rate=rate)


def opus_tone(seconds: float = 1.0, *, hertz: float = 440.0) -> bytes:
    """The same tone as Opus in Ogg, 24 kbit/s."""
    rate = 48_000
    at = np.arange(round(seconds * rate)) / rate
    samples = (np.sin(2 * np.pi * hertz * at) * 0.25 * 32767).astype(np.int16).reshape(1, -1)
    out = io.BytesIO()
    with av.open(out, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate)
        stream.codec_context.layout = "mono"
        stream.bit_rate = 24_000
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return out.getvalue()


class Station:
    """One station: its key, its link, the receipts that came."""

    def __init__(self, host_port: int, accounts: AccountsFile, media: Media, *, secret: str | None = None) -> None:
        self.key = SigningKey.generate("station-1")
        self.accounts = accounts
        self.media = media
        self.receivers: dict[str, PublicKey] = {}
        self.receipts: dict[str, list[Receipt]] = {}  # by receiver, in order of arrival, each once
        self.seen: list[str] = []  # every receipt id as often as it came
        self.presence: dict[str, Presence] = {}
        self.health: dict[str, Health] = {}
        self.acknowledging = True
        self.ahead_s = 0.0  # of its clock before the system's, where a test simulates time
        self._port = host_port
        secret = secret or new_secret()
        accounts.set(station_account(secret))
        self.link = MqttLink("127.0.0.1", host_port, "station", "station", secret, backoff_s=(0.05, 0.2))
        self.link.subscribe(
            *(topics.of_receiver("+", subject) for subject in ("receipts", "presence", "health"))  # type: ignore[arg-type]  # literals
        )
        self.clock = ClockAnswers(
            MqttLink(
                *("127.0.0.1", host_port, "station~clock", "station", secret),
                clean_session=True,
                backoff_s=(0.05, 0.2),
            ),
            STATION,
            sign=lambda document: sign(document, self.key),
            keys=lambda name: Keyring([self.receivers[name]]) if name in self.receivers else None,
            now_us=lambda: round((time.time() + self.ahead_s) * 1_000_000),
        )
        self._retained: dict[str, bytes] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def open(self) -> None:
        self.link.open()
        self.clock.start()
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        self.clock.stop()
        self.link.close()

    def enrol(
        self,
        folder: Path,
        receiver: str,
        *,
        kind: Kind = "loudspeaker",
        port: int | None = None,
        areas: tuple[str, ...] = AREAS,
        health_every_s: int = 5,
        secret: str | None = None,
    ) -> Configuration:
        """Make the receiver known, and give it its provision and its configuration."""
        self.receivers[receiver] = initialise(folder)
        secret = secret or new_secret()
        self.accounts.set(receiver_account(receiver, areas, secret))
        Provision(
            station=STATION,
            receiver=receiver,
            station_keys=(self.key.public().to_jwk(),),
            broker=BrokerAccess(host="127.0.0.1", port=port or self._port, username=receiver, secret=secret),
        ).save(folder)
        return self.configure(receiver, kind=kind, areas=areas, health_every_s=health_every_s)

    def enrol_fleet(self, names: list[str]) -> list[tuple[Provision, SigningKey]]:
        """Many receivers at once, none with a folder."""
        members, accounts = [], self.accounts.read()
        for name in names:
            key, secret = SigningKey.generate(), new_secret()
            self.receivers[name] = key.public()
            accounts[name] = receiver_account(name, AREAS, secret)
            access = BrokerAccess(host="127.0.0.1", port=self._port, username=name, secret=secret)
            jwk = self.key.public().to_jwk()
            members.append((Provision(station=STATION, receiver=name, station_keys=(jwk,), broker=access), key))
        self.accounts.write(accounts)
        for name in names:
            self.configure(name)
        return members

    def configure(
        self,
        receiver: str,
        *,
        kind: Kind = "loudspeaker",
        areas: tuple[str, ...] = AREAS,
        revision: int = 1,
        health_every_s: int = 5,
    ) -> Configuration:
        configuration = Configuration(
            station=STATION,
            receiver=receiver,
            revision=revision,
            issued_at=now(),
            expires_at=now() + timedelta(days=365),
            kind=kind,
            name="Thôn Đông, xã Tân An",
            areas=areas,
            media_urls=(self.media.url,),
            health_every_s=health_every_s,
        )
        self.publish(topics.of_receiver(receiver, "configuration"), configuration, retain=True)
        return configuration

    def order(
        self,
        name: str,
        clip: bytes | None = None,
        *,
        in_s: float = 2.0,
        to: str | None = None,
        publish: bool = True,
        **changes: Any,
    ) -> Order:
        """An order for all receivers of the commune or only one, its clip on the file server."""
        sound = None
        if clip is not None:
            digest = hashlib.sha256(clip).hexdigest()
            self.media.clips.setdefault(digest, clip)
            with av.open(io.BytesIO(clip)) as container:
                length = round((container.duration or 0) / 1000)
            sound = Sound(sha256=digest, size=len(clip), duration_ms=length)
        fields: dict[str, Any] = {
            "station": STATION,
            "id": name,
            "revision": 1,
            "airing": f"airing-{name}",
            "audience": Audience(receivers=(to,)) if to else Audience(areas=("xa-tan-an",)),
            "priority": "routine",
            "title": "Chuyển đổi số ở thôn Đông",
            "issued_at": now(),
            "play_at": now() + timedelta(seconds=in_s),
            "late_limit_s": 60,
            "sound": sound,
            **changes,
        }
        fields.setdefault("expires_at", fields["play_at"] + timedelta(hours=2))
        order = Order(**fields)
        if publish:
            self.publish(_topic(order.audience, order.id), order, retain=True)
        return order

    def cancel(self, order: Order, *, revision: int | None = None) -> Cancellation:
        cancellation = Cancellation(
            station=STATION,
            order=order.id,
            revision=revision or order.revision + 1,
            audience=order.audience,
            issued_at=now(),
            expires_at=order.expires_at,
            reason="Bản tin được thu hồi.",
        )
        self.publish(_topic(order.audience, order.id), cancellation, retain=True)
        return cancellation

    def stop_all(self, name: str, *, to: str, revision: int = 1, lifted: bool = False, **changes: Any) -> bytes:
        """Silence for a receiver, or its lifting; the document as it was published."""
        fields: dict[str, Any] = {
            "station": STATION,
            "id": name,
            "revision": revision,
            "audience": Audience(receivers=(to,)),
            "issued_at": now(),
            "expires_at": now() + timedelta(hours=1),
            "reason": "Dừng tất cả.",
            "lifted": lifted,
            **changes,
        }
        return self.publish(topics.receiver_stop(to, name), Stop(**fields), retain=True)

    def publish(
        self, topic: str, document: Document | bytes, *, retain: bool = False, key: SigningKey | None = None
    ) -> bytes:
        data = document if isinstance(document, bytes) else sign(document, key or self.key)
        if retain:
            self._retained[topic] = data
        if self.link.connected:
            self.link.publish(topic, data, retain=retain).result(timeout=60)
        return data

    def states(self, receiver: str, order: str) -> list[str]:
        """The states that came for an order, by sequence."""
        found = [r for r in self.receipts.get(receiver, []) if r.order == order]
        return [r.state.value for r in sorted(found, key=lambda r: r.sequence)]

    def receipt(self, receiver: str, order: str, state: ReceiptState, within_s: float = 15.0) -> Receipt:
        """Wait for a receipt."""
        found: list[Receipt] = []

        def look() -> bool:
            found.extend(r for r in self.receipts.get(receiver, []) if r.order == order and r.state is state)
            return bool(found)

        wait_for(look, within_s, f"the receipt {state} for {order}; there are {self.states(receiver, order)}")
        return found[0]

    def _read(self) -> None:
        connection = 0
        while not self._stop.is_set():
            if self.link.connected and self.link.connections != connection:
                connection = self.link.connections
                for topic, data in list(self._retained.items()):
                    self.link.publish(topic, data, retain=True)
            deliveries = self.link.receive(limit=100, wait_s=0.05)
            for delivery in deliveries:
                self._take(delivery.topic, delivery.payload)
            self.link.acknowledge(deliveries)

    def _take(self, topic: str, payload: bytes) -> None:
        parsed = topics.parse(topic)
        if parsed is None or parsed.name not in self.receivers:
            return
        keys = Keyring([self.receivers[parsed.name]])
        if parsed.subject == "presence":
            self.presence[parsed.name] = verify(payload, keys, Presence)
        elif parsed.subject == "health":
            self.health[parsed.name] = verify(payload, keys, Health)
        elif parsed.subject == "receipts":
            document = verify(payload, keys, Receipts)
            assert document.receiver == parsed.name
            assert document.station == STATION
            self._keep(document)

    def _keep(self, document: Receipts) -> None:
        kept = self.receipts.setdefault(document.receiver, [])
        for receipt in document.receipts:
            self.seen.append(receipt.id)
            if receipt.id not in {r.id for r in kept}:
                kept.append(receipt)
        if self.acknowledging:
            acknowledgement = Acknowledgement(
                station=STATION,
                receiver=document.receiver,
                at=now(),
                receipts=tuple(r.id for r in document.receipts),
            )
            topic = topics.of_receiver(document.receiver, "acknowledgements")
            self.link.publish(topic, sign(acknowledgement, self.key))


def _topic(audience: Audience, order: str) -> str:
    if audience.receivers:
        return topics.receiver_order(audience.receivers[0], order)
    return topics.area_order("xa-tan-an", order)


def online(station: Station, receiver: str) -> None:
    """Wait until the receiver is there and has its configuration."""
    wait_for(
        lambda: receiver in station.health and not station.health[receiver].problems,
        25,
        f"{receiver}'s health; it says {station.health.get(receiver)}",
    )


class ReceiverProcess:
    """The real agent as a process of its own."""

    def __init__(self, folder: Path, *, sink: str = "wav", page_port: int | None = None) -> None:
        self.folder = folder
        self._arguments = f"sink={sink!r}, page_port={page_port!r}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        code = (
            "import sys; from pathlib import Path; from devices.receiver.run import run_receiver\n"
            f"sys.exit(run_receiver(Path({str(self.folder)!r}), {self._arguments}))"
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-c", code], stdout=log, stderr=log)

    def enrolling(self, url: str) -> None:
        """Let it ask a station to be taken into service; it ends when that is decided."""
        arguments = ["receiver", "--folder", str(self.folder), "--enrol", url, "--sink", "none"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "broadcaster", *arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """As a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=10)
        self._process = None

    def stop(self) -> int:
        """End it as a service manager would; its exit code."""
        if self._process is None:
            return 0
        os.kill(self._process.pid, signal.SIGTERM)
        code = self._process.wait(timeout=20)
        self._process = None
        return code

    def log(self) -> str:
        return (self.folder / "log").read_text()


@contextmanager
def agent_of(folder: Path, clock: Timekeeper) -> Iterator[None]:
    """The receiver of this folder, in this process."""
    with httpx.Client(trust_env=False) as client:
        agent = Agent(
            folder,
            link=mqtt_link(Provision.load(folder).broker),
            clock=clock,
            client=client,
            sink=WavSink(folder / "played"),
            page=None,
        )
        thread = threading.Thread(target=agent.run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            agent.stop()
            thread.join(timeout=20)
            assert not thread.is_alive()
