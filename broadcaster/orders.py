"""Orders: the signed documents that tell receivers of one airing, or take it back."""

from datetime import datetime, timedelta
from typing import Any

from broadcaster.identity import Signatory, new_id
from broadcaster.storage.models import Airing, OrderRecord
from broadcaster.targets import Targets
from devices.wire import topics
from devices.wire.messages import Audience, Cancellation, Card, Order, Sound

AFTERGLOW = timedelta(seconds=60)
"""How long an order outlives the latest possible end of its playing, for receipts and slow clocks."""


def order_for(
    airing: Airing,
    content: dict[str, Any],
    targets: Targets,
    *,
    signatory: Signatory,
    now: datetime,
    late_limit: timedelta,
) -> OrderRecord:
    """The order of an airing, from the content that was released; not yet published."""
    order = Order(
        station=signatory.station,
        id=new_id(),
        revision=1,
        airing=airing.id,
        audience=targets.audience(),
        priority=content["priority"],
        title=content["title"],
        issued_at=now,
        play_at=airing.due_at,
        late_limit_s=int(late_limit.total_seconds()),
        expires_at=airing.due_at + late_limit + timedelta(milliseconds=airing.duration_ms) + AFTERGLOW,
        sound=Sound(**content["clip"]),
        card=Card(**content["card"]),
    )
    places = [topics.area_order(area, order.id) for area in targets.areas]
    places += [topics.receiver_order(receiver, order.id) for receiver in targets.receivers]
    return OrderRecord(
        id=order.id,
        airing_id=airing.id,
        revision=order.revision,
        topics=places,
        audience=order.audience.model_dump(mode="json"),
        document=signatory.sign(order),
        cancelled=False,
        play_at=order.play_at,
        expires_at=order.expires_at,
    )


def cancellation(order: OrderRecord, *, now: datetime, signatory: Signatory, reason: str) -> str:
    """The document that takes the order's place: a cancellation for the same audience, one revision higher."""
    return signatory.sign(
        Cancellation(
            station=signatory.station,
            order=order.id,
            revision=order.revision + 1,
            audience=Audience.model_validate(order.audience, strict=False),
            issued_at=now,
            expires_at=order.expires_at,
            reason=reason[:300],
        )
    )
