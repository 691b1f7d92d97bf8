"""The backlog lane: receipts of an outage are put on disk as they came, and written into the log behind what is live.

A broker hands messages over in the order in which they reached it, and only so many before the first is acknowledged:
whoever took in an outage's half a million receipts one after another would see what happens now a minute late. So a late
message is committed as it is, which costs little, and acknowledged to the broker; its receiver is told that its
receipts are safe only when they are in the log. What a receiver sends meanwhile waits behind, so that its own order is kept.
"""

import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from broadcaster.storage.models import WaitingMessage
from devices.links.port import Delivery
from devices.wire import topics

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
_BEGINNING = 600
"""Letters (a multiple of four) of a message's content in which its first receipt's instant stands, as a rule."""


def begins(payload: bytes) -> bytes:
    """The first receipt's instant, 19 letters, before anything is verified; empty if unreadable.

    It decides which lane a message takes and nothing else.
    """
    content = _content(payload)
    for some in (content[:_BEGINNING], content):
        with suppress(ValueError):
            found = _AT.search(_decoded(some))
            if found:
                return found[1]
    return b""


def number(payload: bytes) -> int:
    """How many receipts a message has, as it says itself; one if it is unreadable."""
    with suppress(ValueError):
        return max(1, _decoded(_content(payload)).count(b'"sequence"'))
    return 1


def _content(payload: bytes) -> bytes:
    _, _, rest = payload.partition(b".")
    return rest.partition(b".")[0]


def _decoded(content: bytes) -> bytes:
    """Quicker than joserfc's, and less strict: nothing of it is believed. Raises ValueError."""
    return urlsafe_b64decode(content + b"==")


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
        seen: list[tuple[Delivery, str, int]] = []
        for delivery in deliveries:
            topic = topics.parse(delivery.topic)
            if topic is None or topic.subject != "receipts":
                seen.append((delivery, "", 0))
                continue
            at = begins(delivery.payload)
            seen.append((delivery, topic.name, number(delivery.payload) if at and at < limit else 0))
        many = sum(late for _, _, late in seen) > DIRECT
        behind = set(held)
        fresh, waits = [], []
        for delivery, name, late in seen:
            if name and (name in behind or (late and many)):
                behind.add(name)
                waits.append((delivery, name, late or number(delivery.payload)))
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
