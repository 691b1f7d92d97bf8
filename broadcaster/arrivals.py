"""Arrivals: what came in one batch, each message verified with the key of the receiver in whose topic it came."""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from broadcaster.set_apart import Apart, Code
from broadcaster.storage import bulk
from broadcaster.storage.models import Json, Receiver
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.enrolment import Wiped
from devices.wire.messages import Health, Presence, Receipt, Receipts, Statement
from devices.wire.signing import Keyring, PublicKey, RefusedError, are_signed, verify_all

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
    known: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # receiver: its receipts on disk


class Reader:
    """Verifies and sorts. Keys are read from their JSON once, not for each batch: that costs as much as a signature."""

    def __init__(self, station: str) -> None:
        self._station = station
        self._rings: dict[str, tuple[tuple[str | None, ...], Keyring]] = {}
        # A signature is checked without Python's lock: on two cores two threads take half the time.
        self._verifiers = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="verification")

    def read(self, session: Session, deliveries: Iterable[Delivery], now: datetime) -> Batch:
        """Sort these messages; what is not believed stands in `apart`."""
        batch = Batch()
        known: list[tuple[Delivery, topics.Topic, Sender]] = []
        signed: list[tuple[bytes, Keyring]] = []
        for delivery, topic, found in self._with_senders(session, deliveries, now):
            if found is None:
                cause = "no receiver in service has this name"
                batch.apart.append(Apart(delivery, Code.UNKNOWN_RECEIVER, cause, topic.name))
            else:
                known.append((delivery, topic, found[0]))
                signed.append((delivery.payload, found[1]))
        documents = verify_all(signed, self._verifiers, Receipts, Presence, Health, Wiped)
        for (delivery, topic, sender), document in zip(known, documents, strict=True):
            self._sort(batch, delivery, topic, sender, document)
        return batch

    def signed(self, session: Session, deliveries: Iterable[Delivery], now: datetime) -> set[Delivery]:
        """Those that the receiver signed in whose topic they came; what they say is not looked at."""
        known = [(delivery, found[1]) for delivery, _, found in self._with_senders(session, deliveries, now) if found]
        good = are_signed(((delivery.payload, ring) for delivery, ring in known), self._verifiers)
        return {delivery for (delivery, _), is_signed in zip(known, good, strict=True) if is_signed}

    def _with_senders(
        self, session: Session, deliveries: Iterable[Delivery], now: datetime
    ) -> Iterable[tuple[Delivery, topics.Topic, tuple[Sender, Keyring] | None]]:
        """Each with its topic, and whose that is."""
        parsed = [(delivery, topic) for delivery in deliveries if (topic := _of_protocol(delivery)) is not None]
        senders = self._senders(session, {topic.name for _, topic in parsed}, now)
        return [(delivery, topic, senders.get(topic.name)) for delivery, topic in parsed]

    def _sort(
        self, batch: Batch, delivery: Delivery, topic: topics.Topic, sender: Sender, document: Statement | RefusedError
    ) -> None:
        if isinstance(document, RefusedError):
            batch.apart.append(Apart(delivery, Code(document.reason.value), str(document), topic.name))
        elif document.receiver != sender.id or document.station != self._station:
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
        listed = bulk.listed(session, [(name,) for name in names], "name")
        rows = session.execute(
            select(
                Receiver.id,
                Receiver.name,
                Receiver.area_id,
                Receiver.kind,
                Receiver.enrolled_at,
                cast(Receiver.public_key, String),  # read as JSON only where it is new
                cast(Receiver.previous_key, String),
                Receiver.previous_key_until,
            )
            .join_from(listed, Receiver, Receiver.id == listed.c.name)
            .where(Receiver.revoked_at.is_(None))
        )
        return {
            name: (
                Sender(name, title, area, kind, enrolled_at),
                self._ring(name, key, former if until and now < until else None),
            )
            for name, title, area, kind, enrolled_at, key, former, until in rows
        }

    def _ring(self, name: str, *keys: str | None) -> Keyring:
        """Its own key, and for a time the one before it."""
        known = self._rings.get(name)
        if known is None or known[0] != keys:
            jwks = [json.loads(key) for key in keys if key is not None]
            known = self._rings[name] = (keys, Keyring(PublicKey.from_jwk(jwk) for jwk in jwks if jwk is not None))
        return known[1]


def _of_protocol(delivery: Delivery) -> topics.Topic | None:
    """The topic, if it is one that this station listens to: brokers hand over what nobody asked for."""
    topic = topics.parse(delivery.topic)
    if topic is None or topic.subject not in SUBJECTS:
        return None
    if not delivery.payload and topic.subject == "presence":
        return None  # a cleared retained message
    return topic
