"""Sends receipts until the station has acknowledged each: not the broker, whose word is no delivery."""

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from devices.links.port import Link
from devices.receiver.clock import Clock
from devices.receiver.journal import Journal
from devices.wire import topics
from devices.wire.messages import Receipt, Receipts
from devices.wire.signing import SigningKey, sign

log = structlog.get_logger(__name__)

BATCH = 100
BATCH_BYTES = 40_000
"""Of the receipts' JSON; as a JWS it grows by a third, and a document may have 64 KiB."""
BACKOFF_S = (5.0, 300.0)


@dataclass
class _Attempt:
    next_at: float
    delay_s: float


class Outbox:
    """A thread that sends what the journal's outbox holds, in batches, again and again until it is acknowledged."""

    def __init__(
        self,
        *,
        station: str,
        receiver: str,
        key: SigningKey,
        journal: Journal,
        link: Link,
        clock: Clock,
        backoff_s: tuple[float, float] = BACKOFF_S,
    ) -> None:
        self._identity = (station, receiver)
        self._key = key
        self._journal = journal
        self._link = link
        self._clock = clock
        self._backoff_s = backoff_s
        self._attempts: dict[int, _Attempt] = {}
        self._connection = 0
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Send until `close`."""
        self._thread.start()

    def changed(self) -> None:
        """There may be new receipts."""
        self._wake.set()

    def close(self) -> None:
        """Send once more what was never sent, and end."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            self._wake.clear()
            last = self._stop.is_set()
            try:
                pause = self._send_due()
            except sqlite3.Error as error:
                log.error("the journal cannot be read", error=str(error))  # noqa: TRY400 - said in full
                pause = 2.0
            except Exception:  # whatever it was, it is tried again: without this thread nothing is proved
                log.exception("receipts could not be sent")
                pause = 5.0
            if last:
                return
            self._wake.wait(pause)

    def _send_due(self) -> float:
        """Send what is due; return the seconds until something is due again."""
        link = self._link
        if not link.connected:
            return 0.2
        if link.connections != self._connection:  # what was sent over the broken line may be lost
            self._connection = link.connections
            self._attempts.clear()
        now = time.monotonic()
        waiting = self._journal.outbox()
        known = {receipt.sequence for receipt in waiting}
        self._attempts = {number: attempt for number, attempt in self._attempts.items() if number in known}
        due = [r for r in waiting if (a := self._attempts.get(r.sequence)) is None or a.next_at <= now]
        for batch in _batches(due):
            self._publish(batch)
            for receipt in batch:
                before = self._attempts.get(receipt.sequence)
                delay = self._backoff_s[0] if before is None else min(before.delay_s * 2, self._backoff_s[1])
                spread = delay * random.uniform(0.8, 1.2)  # noqa: S311 - spreading, not secrecy
                self._attempts[receipt.sequence] = _Attempt(now + spread, delay)
        if not self._attempts:
            return 1.0
        return min(1.0, max(0.01, min(attempt.next_at for attempt in self._attempts.values()) - now))

    def _publish(self, batch: list[Receipt]) -> None:
        station, receiver = self._identity
        document = Receipts(station=station, receiver=receiver, sent_at=self._clock.now(), receipts=tuple(batch))
        future = self._link.publish(topics.of_receiver(receiver, "receipts"), sign(document, self._key))
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # it is sent again anyway


def _batches(receipts: list[Receipt]) -> Iterator[list[Receipt]]:
    batch: list[Receipt] = []
    size = 0
    for receipt in receipts:
        length = len(receipt.model_dump_json(exclude_none=True).encode())
        if batch and (len(batch) >= BATCH or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(receipt)
        size += length
    if batch:
        yield batch
