"""Orders: the signed documents that tell receivers of one airing, or take it back."""

from datetime import datetime, timedelta
from typing import Any

from broadcaster.identity import Signatory, id_of
from broadcaster.storage.models import Airing, OrderRecord
from broadcaster.targets import Resolution
from devices.wire import topics
from devices.wire.messages import Audience, Cancellation, Card, Drill, Order, Sound
from devices.wire.signing import verify

AFTERGLOW = timedelta(seconds=60)
"""How long an order outlives the latest possible end of its playing, for receipts and slow clocks."""
NAMED_EXCEPTIONS = 400
"""Receivers that a cancellation where an order stood before may name as still addressed elsewhere."""


def places(audience: Audience, order: str) -> list[str]:
    """Where an order for this audience is published: one topic for each topmost area and single receiver."""
    found = [topics.area_order(area, order) for area in audience.areas]
    return found + [topics.receiver_order(receiver, order) for receiver in audience.receivers]


def order_for(
    airing: Airing,
    content: dict[str, Any],
    audience: Audience,
    *,
    signatory: Signatory,
    now: datetime,
    late_limit: timedelta,
) -> dict[str, Any]:
    """The order of an airing, from the content that was released, as a row of `orders`; not yet published."""
    play_at = airing.starts_at or airing.due_at
    kind = Drill if airing.drill else Order
    order = kind(
        station=signatory.station,
        id=id_of("order", airing.id),
        revision=1,
        airing=airing.id,
        audience=audience,
        priority=content["priority"],
        title=content["title"],
        issued_at=now,
        play_at=play_at,
        late_limit_s=int(late_limit.total_seconds()),
        expires_at=play_at + late_limit + timedelta(milliseconds=airing.duration_ms) + AFTERGLOW,
        sound=Sound(**content["clip"]),
        card=Card(**content["card"]),
        # To air it behind the next session is the station's work; the receiver gives it up.
        interrupted="drop" if airing.interrupted == "move" else airing.interrupted,  # type: ignore[arg-type]  # one of the three
    )
    return {
        "id": order.id,
        "airing_id": airing.id,
        "revision": order.revision,
        "topics": places(audience, order.id),
        "audience": audience.model_dump(mode="json"),
        "document": signatory.sign(order),
        "cancelled": False,
        "play_at": order.play_at,
        "expires_at": order.expires_at,
    }


def renewed(
    record: OrderRecord,
    resolution: Resolution,
    *,
    now: datetime,
    signatory: Signatory,
    play_at: datetime | None = None,
    late_limit: timedelta | None = None,
) -> dict[str, Any]:
    """The order for another audience, or at another instant and no later than `late_limit` after it: a higher revision in the same place.

    Where it stood and stands no more, a cancellation of the revision between takes it back from whoever is no longer
    addressed, so that no receiver is left with an older revision.
    """
    before = Audience.model_validate(record.audience, strict=False)
    after = places(resolution.audience, record.id)
    left = sorted({*record.topics, *(record.left_topics or ())} - set(after))
    values: dict[str, Any] = {"left_topics": left or None, "left_document": None}
    if left:
        staying = tuple(place.id for place in resolution.receivers)
        owners = [(parsed.owner, parsed.name) for topic in left if (parsed := topics.parse(topic)) is not None]
        values["left_document"] = signatory.sign(
            Cancellation(
                station=signatory.station,
                order=record.id,
                revision=record.revision + 1,
                audience=Audience(
                    areas=tuple(name for owner, name in owners if owner == "areas"),
                    receivers=tuple(name for owner, name in owners if owner == "receivers"),
                    # The others need not be told twice; where they are too many, the order's higher revision stands.
                    excluded=staying if len(staying) <= NAMED_EXCEPTIONS else (),
                    kinds=before.kinds,
                ),
                issued_at=now,
                expires_at=record.expires_at,
                reason="nơi phát đã thay đổi / the order no longer is for this place",
            )
        )
    order = verify(record.document.encode(), signatory.ring(), Order, Drill)
    revision = record.revision + (2 if left else 1)
    later = (play_at or record.play_at) - record.play_at
    changes = {"revision": revision, "audience": resolution.audience, "issued_at": now}
    late_s = order.late_limit_s if late_limit is None else min(order.late_limit_s, int(late_limit.total_seconds()))
    changes |= {"play_at": order.play_at + later, "late_limit_s": late_s}
    changes["expires_at"] = order.expires_at + later - timedelta(seconds=order.late_limit_s - late_s)
    order = order.model_copy(update=changes)
    return {
        **values,
        "play_at": order.play_at,
        "expires_at": order.expires_at,
        "revision": revision,
        "topics": after,
        "audience": resolution.audience.model_dump(mode="json"),
        "document": signatory.sign(order),
        "published_at": None,
    }


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


def take_back(order: OrderRecord, *, now: datetime, signatory: Signatory, reason: str) -> None:
    """Let a cancellation take the order's place at the next dispatch."""
    order.document = cancellation(order, now=now, signatory=signatory, reason=reason)
    order.revision += 1
    order.cancelled = True
    order.published_at = None
