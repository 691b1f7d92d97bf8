"""Receipts in: Mosquitto, paho, one signature each verified, written to SQLite, acknowledged to the broker.

The limit is the same link with manual acknowledgement whose consumer throws messages away, in the same run.
"""

import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from broadcaster.clock import SystemClock
from broadcaster.identity import Signatory
from broadcaster.ingestion import BATCH, Ingestion
from broadcaster.storage.database import Database
from broadcaster.storage.models import Area, Receiver
from devices.links.mqtt import MqttLink
from devices.wire import topics
from devices.wire.messages import Receipt, Receipts, ReceiptState
from devices.wire.signing import SigningKey, sign
from tests.benchmarks.result import Result
from tests.brokers import Mosquitto, free_port, wait_for

RECEIVERS = 50
MESSAGES = 4000
SECRET = "s" * 43
FILTER = topics.of_receiver("+", "receipts")


def _messages(keys: dict[str, SigningKey]) -> list[tuple[str, bytes]]:
    names = list(keys)
    made = []
    for number in range(MESSAGES):
        name = names[number % RECEIVERS]
        receipt = Receipt(
            id=f"r{number}",
            sequence=number + 1,
            order="o",
            revision=1,
            state=ReceiptState.FINISHED,
            at=datetime.now(UTC),
        )
        document = Receipts(station="s", receiver=name, sent_at=datetime.now(UTC), receipts=(receipt,))
        made.append((topics.of_receiver(name, "receipts"), sign(document, keys[name])))
    return made


def _rate(port: int, name: str, messages: list[tuple[str, bytes]], consumer: Callable[[MqttLink], None]) -> float:
    """Messages a second from the first arrival to the last acknowledgement; all are waiting at the broker before."""
    subscriber = MqttLink("127.0.0.1", port, name, name, SECRET, inbox_messages=2 * MESSAGES)
    subscriber.subscribe(FILTER)
    subscriber.open()
    wait_for(lambda: subscriber.connected, 10)
    publisher = MqttLink("127.0.0.1", port, "publisher", "publisher", SECRET, clean_session=True)
    publisher.open()
    wait_for(lambda: publisher.connected, 10)
    feeding = threading.Thread(target=lambda: [publisher.publish(*message) for message in messages])
    begin = time.perf_counter()
    feeding.start()
    consumer(subscriber)
    rate = MESSAGES / (time.perf_counter() - begin)
    feeding.join()
    publisher.close()
    subscriber.close()
    return rate


def run() -> Result:
    """Both consumers, one after the other, over the same broker."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rules = {
            "discard": (SECRET, (), (FILTER,)),
            "station": (SECRET, (topics.of_receiver("+", "acknowledgements"),), (FILTER,)),
            "publisher": (SECRET, (FILTER,), ()),
        }
        broker = Mosquitto(folder / "mosquitto", free_port(), rules)
        broker.start()
        keys = {f"loa-{number}": SigningKey.generate() for number in range(RECEIVERS)}
        database = Database(f"sqlite:///{folder}/station.db")
        database.migrate()
        with database.writing() as session:
            session.add(Area(id="xa", name="Xã", kind="commune", valid_from=date(2025, 7, 1)))
            session.flush()
            session.add_all(
                Receiver(
                    id=receiver,
                    name=receiver,
                    kind="loudspeaker",
                    area_id="xa",
                    public_key=key.public().to_jwk(),
                    secret_sha256="0" * 64,
                    enrolled_at=datetime.now(UTC),
                    configuration_revision=1,
                )
                for receiver, key in keys.items()
            )
        messages = _messages(keys)

        def discard(link: MqttLink) -> None:
            seen = 0
            while seen < MESSAGES:
                batch = link.receive(limit=BATCH, wait_s=5)
                link.acknowledge(batch)
                seen += len(batch)

        def ingest(link: MqttLink) -> None:
            seen = 0
            desk = Ingestion(
                database,
                SystemClock(),
                Signatory("s", SigningKey.generate()),
                link,
                zone="Asia/Ho_Chi_Minh",
                changed=lambda: None,
            )
            while seen < MESSAGES:
                batch = link.receive(limit=BATCH, wait_s=5)
                desk.take(batch)
                seen += len(batch)

        limit = _rate(broker.port, "discard", messages, discard)
        value = _rate(broker.port, "station", messages, ingest)
        database.close()
        broker.stop()
    return Result("receipts", value, "receipts/s", limit, ">= 0.5")
