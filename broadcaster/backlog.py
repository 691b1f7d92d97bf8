"""The backlog lane: receipts of an outage are put on disk as they came, and written into the log behind what is live.

A broker hands messages over in the order in which they reached it, and only so many before the first is acknowledged:
whoever took in an outage's half a million receipts one after another would see what happens now a minute late. So a late
message is committed as it is, which costs little, and acknowledged to the broker; its receiver is told that its
receipts are safe only when they are in the log. What a receiver sends meanwhile waits behind, so that its own order is kept.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from broadcaster.storage.models import WaitingMessage
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.signing import decoded

LATE = timedelta(seconds=60)
"""A message whose first receipt is older comes from an outage."""
DIRECT = 300
"""So many late receipts in one batch are written at once: they delay nothing."""
CHUNK = 300
"""Receipts of the backlog that are written in one transaction at first; then so many as take a tenth of a second, which live ones wait."""
SHORT_S, LONG_S = 0.05, 0.15
SMALLEST, LARGEST = 25, 1000
HELD = 200_000
"""Messages that wait at most; more stay with the broker."""
_AT = re.compile(rb'"at"\s*:\s*"([0-9T:-]{19})')


def outline(payload: bytes) -> tuple[bytes, int]:
    """The first receipt's instant, 19 letters, and how many receipts there are, as a message says itself before anything is verified.

    They decide which lane a message takes and nothing else. Of one that is unreadable: no letters, one receipt.
    """
    try:
        content = decoded(payload.split(b".", 2)[1])
    except (ValueError, IndexError):
        return b"", 1
    found = _AT.search(content)
    return found[1] if found else b"", max(1, content.count(b'"sequence"'))


class Backlog:
    """Which receivers have messages that wait; the rows themselves are in the database."""

    def __init__(self) -> None:
        self._held: Counter[str] | None = None
        self._chunk = CHUNK

    def __len__(self) -> int:
        return self._held.total() if self._held else 0

    def load(self, session: Session) -> None:
        """Read what waits, at the start and after a transaction that failed."""
        rows = session.execute(select(WaitingMessage.receiver_id, func.count()).group_by(WaitingMessage.receiver_id))
        self._held = Counter(dict(rows.all()))

    def split(
        self, deliveries: Sequence[Delivery], now: datetime
    ) -> tuple[list[Delivery], list[tuple[Delivery, str, int]]]:
        """What is written at once, and what waits: with its receiver and its number of receipts."""
        held = self._held or Counter()
        if held.total() + len(deliveries) > HELD:
            return list(deliveries), []
        limit = (now - LATE).strftime("%Y-%m-%dT%H:%M:%S").encode()
        seen: list[tuple[Delivery, str, int, bool]] = []
        for delivery in deliveries:
            topic = topics.parse(delivery.topic)
            if topic is None or topic.subject != "receipts":
                seen.append((delivery, "", 0, False))
                continue
            at, number = outline(delivery.payload)
            seen.append((delivery, topic.name, number, b"" < at < limit))
        many = sum(number for *_, number, late in seen if late) > DIRECT
        behind = set(held)
        fresh, waits = [], []
        for delivery, name, number, late in seen:
            if name and (name in behind or (late and many)):
                behind.add(name)
                waits.append((delivery, name, number))
            else:
                fresh.append(delivery)
        return fresh, waits

    def keep(self, session: Session, waits: Sequence[tuple[Delivery, str, int]], now: datetime) -> None:
        """Put these messages on disk, behind what waits already."""
        if waits:
            session.execute(
                insert(WaitingMessage),
                [
                    {"receiver_id": name, "topic": delivery.topic, "payload": delivery.payload, "receipts": count, "received_at": now}
                    for delivery, name, count in waits
                ],
            )  # fmt: skip

    def kept(self, waits: Sequence[tuple[Delivery, str, int]]) -> None:
        """They are on disk."""
        if self._held is None:
            self._held = Counter()
        self._held.update(name for _, name, _ in waits)

    def next(self, session: Session) -> list[WaitingMessage]:
        """The oldest messages, one at least and a chunk of receipts at most; they are deleted in this transaction."""
        rows: list[WaitingMessage] = []
        receipts = 0
        for row in session.scalars(select(WaitingMessage).order_by(WaitingMessage.id).limit(self._chunk)):
            receipts += row.receipts
            if rows and receipts > self._chunk:
                break
            rows.append(row)
        if rows:
            session.execute(delete(WaitingMessage).where(WaitingMessage.id.in_([row.id for row in rows])))
            session.expunge_all()
        return rows

    def written(self, rows: Sequence[WaitingMessage], *, seconds: float) -> None:
        """They are in the log, and it took so long: the next piece is made to fit."""
        if seconds > LONG_S:
            self._chunk = max(SMALLEST, self._chunk // 2)
        elif seconds < SHORT_S:
            self._chunk = min(LARGEST, self._chunk * 2)
        if self._held is not None:
            self._held.subtract(row.receiver_id for row in rows)
            self._held = +self._held
