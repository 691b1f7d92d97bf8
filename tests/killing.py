"""An ingesting process that is killed again and again, and the devices that keep each receipt until the station has acknowledged it."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Self

from sqlalchemy import func, select

from broadcaster.ledger import Finding, verify
from broadcaster.storage.database import Database
from broadcaster.storage.models import AsRun, RejectedMessage
from devices.wire import topics
from devices.wire.messages import Acknowledgement
from devices.wire.signing import Keyring, SigningKey
from devices.wire.signing import verify as read
from tests.benchmarks import pipe
from tests.brokers import wait_for

AGAIN_S = 3.0
"""After so long a receipt is sent again, then after twice as long, and so on, as receivers do."""


def ingest(url: str, port: int, key: Path) -> None:
    """What the process does, until it is killed."""
    pipe.quiet()
    database = Database(url)
    link = pipe.connected(port, "station")
    pipe.desk(database, link, SigningKey.load(key)).start()
    threading.Event().wait()


@contextmanager
def ingesting(url: str, port: int, key: Path) -> Iterator[BaseProcess]:
    """The process; killed with SIGKILL at the end, whatever it is doing."""
    process = pipe.PROCESSES.Process(target=ingest, args=(url, port, key), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


class Devices:
    """Receivers with an outbox each: what the station has not acknowledged is sent again."""

    def __init__(self, port: int, station: SigningKey) -> None:
        self._ring = Keyring([station.public()])
        self._link = pipe.connected(port, "publisher", receives=False)
        self._link.subscribe(topics.of_receiver("+", "acknowledgements"))
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[pipe.Message, float, float]] = {}  # with when it is due again, and the pause then
        self.told = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._link.close()

    def send(self, receipt: str, message: pipe.Message) -> None:
        """Keep a message with this one receipt, and send it."""
        with self._lock:
            self._kept[receipt] = (message, time.monotonic() + AGAIN_S, 2 * AGAIN_S)
        self._link.publish(*message)

    @property
    def waiting(self) -> int:
        """Receipts that the station has not acknowledged."""
        return len(self._kept)

    def _listen(self) -> None:
        while not self._stop.is_set():
            deliveries = self._link.receive(limit=1000, wait_s=0.1)
            for delivery in deliveries:
                said = read(delivery.payload, self._ring, Acknowledgement)
                with self._lock:
                    for receipt in said.receipts:
                        self.told += self._kept.pop(receipt, None) is not None
            self._link.acknowledge(deliveries)
            self._again()

    def _again(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = {name: each for name, each in self._kept.items() if now > each[1]}
            self._kept.update({name: (message, now + pause, 2 * pause) for name, (message, _, pause) in late.items()})
        for message, *_ in late.values():
            self._link.publish(*message)


@dataclass(frozen=True)
class Outcome:
    """What the devices and the log say in the end."""

    kills: int
    acknowledged: int  # receipts of which the devices have the station's signed word
    logged: int  # rows of the log
    once: int  # receipts of which there is a row
    in_order: bool  # whether each receiver's rows stand in its own order
    apart: int
    finding: Finding


def survive(
    database: Database, url: str, folder: Path, sent: Sequence[tuple[str, pipe.Message]], *, port: int, times: int
) -> Outcome:
    """Let devices send all of this while the process that writes it is killed so many times; the receipts are given with their ids."""
    key, path = SigningKey.generate(), folder / "station.json"
    key.save(path)
    first, *sent = sent
    share = len(sent) // (times + 1)
    with Devices(port, key) as devices:
        with ingesting(url, port, path):  # before it has subscribed, the broker knows nobody to keep a receipt for
            devices.send(*first)
            wait_for(lambda: devices.waiting == 0, 60, "the first acknowledgement")
        for life in range(times):
            # A part of its share is written and the rest is not: then it dies, whatever it is doing.
            enough = _rows(database) + max(1, share * (life + 1) // (times + 2))
            with ingesting(url, port, path):
                for each in sent[life * share : (life + 1) * share]:
                    devices.send(*each)
                wait_for(lambda enough=enough: _rows(database) >= enough, 60, "a part of the log")  # type: ignore[misc]
        with ingesting(url, port, path):
            for each in sent[times * share :]:
                devices.send(*each)
            wait_for(lambda: devices.waiting == 0, 120, "the acknowledgement of everything")
        told = devices.told
    with database.reading() as session:
        rows = session.execute(
            select(AsRun.receiver_id, AsRun.receipt_id, AsRun.receiver_seq).order_by(AsRun.seq)
        ).all()
        apart = session.scalar(select(func.count()).select_from(RejectedMessage)) or 0
        finding = verify(session, Keyring([key.public()]))
    last: dict[str, int] = {}
    in_order = True
    for receiver, _, number in rows:
        in_order &= number > last.get(receiver, 0)
        last[receiver] = number
    return Outcome(times, told, len(rows), len({receipt for _, receipt, _ in rows}), in_order, apart, finding)


def _rows(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.max(AsRun.seq))) or 0
