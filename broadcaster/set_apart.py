"""What arrived and does not fit: kept apart with the reason, never dropped. It is no part of the as-run log."""

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.storage.models import RejectedMessage
from devices.links.port import Delivery
from devices.wire.messages import Receipt

log = logging.getLogger(__name__)
AHEAD = timedelta(minutes=5)
"""How far a receipt's instant may lie after the station's own: clocks differ, but nothing has happened yet tomorrow."""
BEFORE = timedelta(days=1)
"""How far it may lie before the receiver was taken into service."""


class Code(StrEnum):
    """Why something was set apart."""

    UNKNOWN_RECEIVER = "unknown_receiver"  # no receiver in service has this name
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_KEY = "unknown_key"
    MALFORMED = "malformed"
    WRONG_TYPE = "wrong_type"
    WRONG_TOPIC = "wrong_topic"  # signed for another receiver, station or subject than the topic's
    FUTURE = "future"  # an instant that has not come
    BEFORE_SERVICE = "before_service"  # an instant at which this receiver was not in service
    UNKNOWN_ORDER = "unknown_order"  # an order that this station never gave
    NOT_ADDRESSED = "not_addressed"  # an order that was not for this receiver
    REUSED_ID = "reused_id"  # the id of another receipt that is in the log
    UNWRITABLE = "unwritable"  # the station fails at it, whatever is tried


@dataclass(frozen=True, slots=True)
class Apart:
    """A message, or one receipt of a rightly signed message, with the reason."""

    delivery: Delivery
    code: Code
    cause: str
    receiver: str
    receipt: str | None = None

    @property
    def digest(self) -> str:
        """Names it, so that the same again is counted and not kept twice."""
        parts = (
            self.delivery.topic.encode(),
            self.delivery.payload,
            *((self.receipt.encode(),) if self.receipt else ()),
        )
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def impossible_instant(receipt: Receipt, *, enrolled_at: datetime, now: datetime) -> tuple[Code, str] | None:
    """What is wrong with a receipt's instant."""
    if receipt.at > now + AHEAD:
        return Code.FUTURE, f"{receipt.at.isoformat()} has not come: the receiver's clock is wrong"
    if receipt.at < enrolled_at - BEFORE:
        return (
            Code.BEFORE_SERVICE,
            f"{receipt.at.isoformat()} is before the receiver's enrolment: its clock is or was wrong",
        )
    return None


def keep(session: Session, found: Iterable[Apart], now: datetime) -> None:
    """Write what was set apart; what is there already is counted once more."""
    by_digest: dict[str, list[Apart]] = {}
    for item in found:
        by_digest.setdefault(item.digest, []).append(item)
    names = sorted(by_digest)
    for start in range(0, len(names), 400):
        known = select(RejectedMessage).where(RejectedMessage.payload_sha256.in_(names[start : start + 400]))
        for row in session.scalars(known):
            row.times += len(by_digest.pop(row.payload_sha256))
    if by_digest:  # one line a batch: whoever floods the station with rubbish must not fill its disk with lines too
        first = next(iter(by_digest.values()))[0]
        log.warning(
            "%d set apart, such as on %s: %s: %s", len(by_digest), first.delivery.topic, first.code, first.cause
        )
    for digest, items in by_digest.items():
        item = items[0]
        session.add(
            RejectedMessage(
                topic=_text(item.delivery.topic[:500]),
                payload_sha256=digest,
                payload=_text(item.delivery.payload[:65536].decode("ascii", "backslashreplace")),
                code=item.code,
                reason=_text(item.cause[:500]),
                receiver_id=item.receiver,
                receipt_id=item.receipt,
                received_at=now,
                times=len(items),
            )
        )
    session.flush()


def _text(value: str) -> str:
    """As every database takes it: PostgreSQL has no text with the character U+0000."""
    return value.replace("\0", r"\x00")


def listed(
    session: Session, *, code: Code | None, receiver: str | None, before: int | None, limit: int
) -> Sequence[RejectedMessage]:
    """What was set apart, the latest first."""
    query = select(RejectedMessage).order_by(RejectedMessage.id.desc()).limit(limit)
    if code is not None:
        query = query.where(RejectedMessage.code == code)
    if receiver is not None:
        query = query.where(RejectedMessage.receiver_id == receiver)
    if before is not None:
        query = query.where(RejectedMessage.id < before)
    return session.scalars(query).all()
