"""What the benchmarks of receipts share: a station's database with an airing, receivers' signed messages, both consumers."""

import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import insert

from broadcaster.cli.logs import set_up_logs
from broadcaster.clock import SystemClock
from broadcaster.identity import Signatory
from broadcaster.ingestion import BATCH, Ingestion
from broadcaster.storage.database import Database
from broadcaster.storage.models import Airing, AiringReceiver, Area, Bulletin, OrderRecord, Person, Receiver, Release
from devices.links.mqtt import MqttLink
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.messages import Receipt, Receipts, ReceiptState
from devices.wire.signing import Keyring, SigningKey, are_signed, sign
from tests.brokers import Mosquitto, free_port, wait_for

SECRET = "s" * 43
FILTER = topics.of_receiver("+", "receipts")
ORDER = "order-1"
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.killing"])
Message = tuple[str, bytes]


def furnish(database: Database, keys: dict[str, SigningKey]) -> None:
    """A commune, its receivers, and one airing that all of them were ordered to play."""
    now = datetime.now(UTC)
    digest = "0" * 64
    with database.writing() as session:
        session.add(Person(id="p", username="p", name="P", password_hash="x", created_at=now))
        session.add(Area(id="xa", name="Xã", kind="commune", valid_from=date(2025, 7, 1)))
        session.flush()
        session.execute(
            insert(Receiver),
            [
                {"id": name, "name": name, "kind": "loudspeaker", "area_id": "xa", "public_key": key.public().to_jwk(),
                 "secret_sha256": digest, "secret_generation": 1, "enrolled_at": now, "configuration_revision": 1}
                for name, key in keys.items()
            ],
        )  # fmt: skip
        session.add(
            Bulletin(
                id="b", title="Chuyển đổi số", text="…", card_text="…", field="chuyển đổi số", priority="routine",
                author_id="p", state="released", created_at=now, updated_at=now, rendering="done",
            )
        )  # fmt: skip
        session.flush()
        session.add(
            Release(
                id="r", bulletin_id="b", revision=1, content_sha256=digest, content="{}", approver_id="p", released_at=now
            )
        )  # fmt: skip
        session.flush()
        session.add(
            Airing(
                id="a", release_id="r", bulletin_id="b", due_at=now, state="dispatched", title="Chuyển đổi số",
                priority="routine", clip_sha256=digest, duration_ms=60_000,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            OrderRecord(
                id=ORDER, airing_id="a", revision=1, topics=[], document="", play_at=now, published_at=now,
                expires_at=now + timedelta(hours=1),
                audience={"areas": ["xa"], "receivers": [], "excluded": [], "kinds": ["loudspeaker"]},
            )
        )  # fmt: skip
        session.execute(
            insert(AiringReceiver),
            [
                {"airing_id": "a", "receiver_id": name, "receiver_name": name, "kind": "loudspeaker", "area_id": "xa"}
                for name in keys
            ],
        )


def message(key: SigningKey, receiver: str, numbers: Sequence[int], at: datetime) -> Message:
    """One signed message with a receipt for each number."""
    receipts = tuple(
        Receipt(id=f"{receiver}.{number}", sequence=number, order=ORDER, revision=1, state=ReceiptState.FINISHED, at=at)
        for number in numbers
    )
    document = Receipts(station="s", receiver=receiver, sent_at=datetime.now(UTC), receipts=receipts)
    return topics.of_receiver(receiver, "receipts"), sign(document, key)


def messages(keys: dict[str, SigningKey], count: int, *, each: int = 1, age: timedelta = timedelta()) -> list[Message]:
    """`count` messages with `each` receipts, the receivers in turn; what they tell of was `age` ago."""
    names = list(keys)
    at = datetime.now(UTC) - age
    made = []
    for number in range(count):
        turn, place = divmod(number, len(names))
        first = turn * each + 1
        made.append(message(keys[names[place]], names[place], range(first, first + each), at))
    return made


def numbered(keys: dict[str, SigningKey], count: int) -> list[tuple[str, Message]]:
    """`count` messages with one receipt each, and the receipts' ids."""
    names = list(keys)
    return [
        (f"{names[number % len(names)]}.{number // len(names) + 1}", made)
        for number, made in enumerate(messages(keys, count))
    ]


def desk(database: Database, link: MqttLink, key: SigningKey | None = None) -> Ingestion:
    """The station's ingestion."""
    return Ingestion(
        database,
        SystemClock(),
        Signatory("s", key or SigningKey.generate()),
        link,
        zone="Asia/Ho_Chi_Minh",
        changed=lambda: None,
    )


def discard(link: MqttLink, count: int, look: Callable[[list[Delivery]], None] = lambda _: None) -> None:
    """The limit: take as many messages, throw them away, acknowledge them."""
    seen = 0
    while seen < count:
        batch = link.receive(limit=BATCH, wait_s=5)
        look(batch)
        link.acknowledge(batch)
        seen += len(batch)


def discard_verified(link: MqttLink, count: int, rings: dict[str, Keyring]) -> None:
    """As much as any station has to do, and nothing more: the limit's consumer, which verifies each signature first."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:

        def look(batch: list[Delivery]) -> None:
            assert all(are_signed(((each.payload, rings[each.topic]) for each in batch), threads))

        discard(link, count, look)


def ingest(ingestion: Ingestion, link: MqttLink, count: int) -> None:
    """What the station does with them."""
    seen = 0
    while seen < count:
        batch = link.receive(limit=BATCH, wait_s=5)
        ingestion.take(batch)
        seen += len(batch)


@contextmanager
def mosquitto(folder: Path) -> Iterator[Mosquitto]:
    """A broker with the accounts that are needed here."""
    rules = {
        "discard": (SECRET, (), (FILTER,)),
        "station": (SECRET, (topics.of_receiver("+", "acknowledgements"),), (FILTER,)),
        "live": (SECRET, (FILTER,), ()),
        "publisher": (SECRET, (FILTER,), (topics.of_receiver("+", "acknowledgements"),)),
    }
    broker = Mosquitto(folder / "mosquitto", free_port(), rules)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


def connected(port: int, name: str, *, room: int = 20_000, receives: bool = True, lasting: bool = True) -> MqttLink:
    """A link that is open, to the broker on this port; `lasting`: what is not received waits for it."""
    link = MqttLink(
        "127.0.0.1", port, name, name, SECRET, clean_session=not (receives and lasting), inbox_messages=room
    )
    if receives:
        link.subscribe(FILTER)
    link.open()
    wait_for(lambda: link.connected, 10)
    return link


class Publisher:
    """Receivers, as far as a broker sees them: a process of its own, so that what it costs is not the station's."""

    def __init__(self, port: int) -> None:
        self._ours, theirs = PROCESSES.Pipe()
        self._process = PROCESSES.Process(target=_publish, args=(port, theirs), daemon=True)
        self._process.start()

    def load(self, sent: list[Message]) -> None:
        """Hand over what is to be sent; returns when it is ready to."""
        self._ours.send(sent)
        self._ours.recv()

    def go(self) -> None:
        """Send it; returns at once."""
        self._ours.send(None)

    def wait(self) -> None:
        """Until the broker has all of it."""
        self._ours.recv()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


def quiet() -> None:
    """Log lines of a process of its own: warnings alone, and not among the results."""
    set_up_logs()
    logging.getLogger().setLevel(logging.WARNING)


def _publish(port: int, orders: Connection) -> None:
    quiet()
    link = connected(port, "publisher", receives=False)
    while True:
        sent: list[Message] = orders.recv()
        orders.send(None)
        orders.recv()
        for done in [link.publish(*each) for each in sent]:
            done.result()
        orders.send(None)


def seconds(link: MqttLink, publisher: Publisher, sent: list[Message], consumer: Callable[[MqttLink], None]) -> float:
    """From the first message published to the last acknowledged by this consumer."""
    publisher.load(sent)
    begin = time.perf_counter()
    publisher.go()
    consumer(link)
    took = time.perf_counter() - begin
    publisher.wait()
    return took
