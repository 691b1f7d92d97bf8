"""Arrivals: what came in one batch, each message verified with the key of the receiver in whose topic it came."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.set_apart import Apart, Code
from broadcaster.storage.models import Json, Receiver
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.enrolment import Wiped
from devices.wire.messages import Health, Presence, Receipt, Receipts
from devices.wire.signing import Keyring, PublicKey, RefusedError, verify

SUBJECTS: tuple[topics.Subject, ...] = ("receipts", "presence", "health", "wiped")


@dataclass(frozen=True, slots=True)
class Sender:
    """A receiver in service, as far as its word has to be judged."""

    id: str
    name: str
    area_id: str
    kind: str
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class Arrived:
    """One receipt, who sent it, and the SHA-256 of the signed message that it came in."""

    sender: Sender
    receipt: Receipt
    envelope: str


@dataclass
class Batch:
    """What one batch of messages came to."""

    receipts: list[Arrived] = field(default_factory=list)
    envelopes: dict[str, tuple[str, str]] = field(default_factory=dict)  # SHA-256: receiver, document
    presences: list[Presence] = field(default_factory=list)
    healths: list[Health] = field(default_factory=list)
    wiped: list[Wiped] = field(default_factory=list)
    apart: list[Apart] = field(default_factory=list)
    written: list[Json] = field(default_factory=list)  # new rows of the log


class Reader:
    """Verifies and sorts. Keys are read from their JSON once, not for each batch: that costs as much as a signature."""

    def __init__(self, station: str) -> None:
        self._station = station
        self._rings: dict[str, tuple[tuple[Json | None, ...], Keyring]] = {}

    def read(self, session: Session, deliveries: Iterable[Delivery], now: datetime) -> Batch:
        """Sort these messages; what is not believed stands in `apart`."""
        batch = Batch()
        parsed = [(delivery, topics.parse(delivery.topic)) for delivery in deliveries]
        senders = self._senders(session, {topic.name for _, topic in parsed if topic is not None}, now)
        for delivery, topic in parsed:
            if topic is None or topic.subject not in SUBJECTS:
                continue  # brokers hand over what nobody asked for; such topics are none of this protocol's
            if not delivery.payload and topic.subject == "presence":
                continue  # a cleared retained message
            self._read(batch, delivery, topic, senders.get(topic.name))
        return batch

    def _read(
        self, batch: Batch, delivery: Delivery, topic: topics.Topic, known: tuple[Sender, Keyring] | None
    ) -> None:
        if known is None:
            batch.apart.append(
                Apart(delivery, Code.UNKNOWN_RECEIVER, "no receiver in service has this name", topic.name)
            )
            return
        sender, ring = known
        try:
            document = verify(delivery.payload, ring, Receipts, Presence, Health, Wiped)
        except RefusedError as error:
            batch.apart.append(Apart(delivery, Code(error.reason.value), str(error), topic.name))
            return
        if document.receiver != sender.id or document.station != self._station:
            cause = "signed for another receiver or station than the topic's"
            batch.apart.append(Apart(delivery, Code.WRONG_TOPIC, cause, topic.name))
        elif isinstance(document, Receipts) and topic.subject == "receipts":
            digest = hashlib.sha256(delivery.payload).hexdigest()
            batch.envelopes[digest] = (sender.id, delivery.payload.decode("ascii"))
            batch.receipts.extend(Arrived(sender, receipt, digest) for receipt in document.receipts)
        elif isinstance(document, Presence) and topic.subject == "presence":
            batch.presences.append(document)
        elif isinstance(document, Health) and topic.subject == "health":
            batch.healths.append(document)
        elif isinstance(document, Wiped) and topic.subject == "wiped":
            batch.wiped.append(document)
        else:
            cause = f"a {document.TYP} does not belong into {topic.subject}"
            batch.apart.append(Apart(delivery, Code.WRONG_TOPIC, cause, topic.name))

    def _senders(self, session: Session, names: set[str], now: datetime) -> dict[str, tuple[Sender, Keyring]]:
        rows = session.execute(
            select(
                Receiver.id,
                Receiver.name,
                Receiver.area_id,
                Receiver.kind,
                Receiver.enrolled_at,
                Receiver.public_key,
                Receiver.previous_key,
                Receiver.previous_key_until,
            ).where(Receiver.id.in_(names), Receiver.revoked_at.is_(None))
        )
        return {
            name: (
                Sender(name, title, area, kind, enrolled_at),
                self._ring(name, key, former if until and now < until else None),
            )
            for name, title, area, kind, enrolled_at, key, former, until in rows
        }

    def _ring(self, name: str, *keys: Json | None) -> Keyring:
        """Its own key, and for a time the one before it."""
        known = self._rings.get(name)
        if known is None or known[0] != keys:
            known = self._rings[name] = (keys, Keyring(PublicKey.from_jwk(key) for key in keys if key is not None))
        return known[1]
