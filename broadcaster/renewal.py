"""Renewal: orders that stand are renewed when areas or receivers are in other places than when they were made."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, delete, or_, select, update
from sqlalchemy.orm import Session

from broadcaster.identity import Signatory
from broadcaster.lawful import REFUSED, Permits
from broadcaster.orders import renewed, take_back
from broadcaster.places import PlacesByDay
from broadcaster.storage import bulk
from broadcaster.storage.database import HELD
from broadcaster.storage.models import (
    Airing,
    AiringReceiver,
    Area,
    AreaMove,
    AreaPolicy,
    AreaSuccessor,
    OrderRecord,
    PlanHead,
    Receiver,
    ReceiverMove,
    Release,
)
from broadcaster.targets import Places, Resolution, Targets
from devices.wire.messages import Audience

TOO_NEAR = timedelta(seconds=10)
"""An order that begins so soon is left as it is: a receiver may be about to begin it."""
FEW = 40
"""Up to so many changed areas and receivers, only the orders that name one of them are looked at."""
NOWHERE = "không còn thiết bị hoặc địa bàn nào để phát / no receiver or area is left to address"

Snapshot = dict[tuple[str, ...], tuple[str | None, ...]]


class Renewal:
    """Compares what stands with what would be made now. Keeps the last snapshot, to look only at what it may concern."""

    def __init__(self, signatory: Signatory, zone: str) -> None:
        self._signatory = signatory
        self._zone = zone
        self._snapshot: Snapshot = {}
        self._total = 0  # the sum of the facts' hashes, so that one change costs two of them
        self._places: PlacesByDay | None = None

    def run(self, session: Session, now: datetime, head: PlanHead) -> tuple[PlacesByDay, bool]:
        """Renew what has to be; the places as they are, and whether anything was in another place than at the run before."""
        before, former, snapshot = self._snapshot, self._places, _snapshot(session)
        changed = _changed(before, snapshot)
        total = (self._total + _sum_of(snapshot, changed) - _sum_of(before, changed)) % 2**256
        places = self._followed(session, changed)
        self._snapshot, self._total, self._places = snapshot, total, places
        digest = f"{total:064x}"
        if head.places_sha256 == digest:
            return places, False
        head.places_sha256 = digest
        # What a policy had refused may be allowed by now; if it is not, it is refused again.
        session.execute(
            update(Airing)
            .where(Airing.state == "missed", Airing.due_at > now, Airing.state_reason.startswith(REFUSED))
            .values(state="planned", state_reason=None)
            .execution_options(synchronize_session=False)
        )
        names = None if former is None else _concerned(before, snapshot, changed, places.at(now))
        self._renew(session, now, places, names)
        return places, True

    def _followed(self, session: Session, changed: set[tuple[str, ...]]) -> PlacesByDay:
        if self._places is not None and len(changed) <= FEW and {key[0] for key in changed} <= {"receiver", "policy"}:
            return self._places.following(session, {key[1] for key in changed if key[0] == "receiver"})
        return PlacesByDay(session, self._zone)

    def _renew(self, session: Session, now: datetime, places: PlacesByDay, names: set[str] | None) -> None:
        query = (
            select(OrderRecord, Airing)
            .join(Airing, Airing.id == OrderRecord.airing_id)
            .where(
                Airing.state == "dispatched",
                Airing.due_at > now + TOO_NEAR,
                OrderRecord.cancelled.is_(False),
                Airing.targets.is_not(None),
            )
            .order_by(OrderRecord.id)
        )
        if names is not None:
            text = cast(OrderRecord.audience, String) + cast(Airing.targets, String)
            query = query.where(or_(*(text.contains(f'"{name}"') for name in names)))
        changed: list[tuple[OrderRecord, Airing, Resolution]] = []
        refused: list[tuple[OrderRecord, Airing, str]] = []
        parsed: dict[str, Targets] = {}
        permits = Permits(places)
        for order, airing in session.execute(query):
            key = repr(airing.targets)
            if key not in parsed:
                parsed[key] = Targets.model_validate(airing.targets)
            resolution, _, why = permits.check(
                places.at(airing.due_at).resolve(parsed[key]),
                at=order.play_at,
                duration=timedelta(milliseconds=airing.duration_ms),
                priority=airing.priority,  # type: ignore[arg-type]  # one of the three
                late_limit=timedelta(),
            )
            if why is not None or resolution.nowhere:
                refused.append((order, airing, why or NOWHERE))
            else:
                changed.append((order, airing, resolution))
        self._receivers(session, changed)
        altered = [
            item for item in changed if item[2].audience != Audience.model_validate(item[0].audience, strict=False)
        ]
        if not altered and not refused:
            return
        # Held as by whoever voids a release, so that an order is renewed or taken back, never both at once.
        held = set(
            session.scalars(
                select(Release.id)
                .where(
                    Release.id.in_({airing.release_id for _, airing, _ in (*altered, *refused)}),
                    Release.voided_at.is_(None),
                )
                .order_by(Release.id)
                .with_for_update(**HELD)
            )
        )
        for order, airing, resolution in altered:
            if airing.release_id in held:
                self._one(session, now, order, resolution)
        for order, airing, why in refused:
            session.refresh(order)
            if airing.release_id in held and not order.cancelled:
                take_back(order, now=now, signatory=self._signatory, reason=why)
                airing.state, airing.state_reason = "cancelled", why

    def _one(self, session: Session, now: datetime, order: OrderRecord, resolution: Resolution) -> None:
        session.refresh(order)
        if order.cancelled:
            return
        session.execute(
            update(OrderRecord)
            .where(OrderRecord.id == order.id, OrderRecord.revision == order.revision)
            .values(**renewed(order, resolution, now=now, signatory=self._signatory))
        )

    @staticmethod
    def _receivers(session: Session, orders: Iterable[tuple[OrderRecord, Airing, Resolution]]) -> None:
        """Who is to play what stands, by name, as it is now."""
        resolved = {airing.id: resolution for _, airing, resolution in orders}
        if not resolved:
            return
        known: dict[str, dict[str, str]] = {airing: {} for airing in resolved}
        ids = list(resolved)
        for start in range(0, len(ids), 500):
            rows = session.execute(
                select(AiringReceiver.airing_id, AiringReceiver.receiver_id, AiringReceiver.area_id).where(
                    AiringReceiver.airing_id.in_(ids[start : start + 500])
                )
            )
            for airing, receiver, area in rows:
                known[airing][receiver] = area
        fresh: list[dict[str, Any]] = []
        for airing, resolution in resolved.items():
            now = {place.id: place.area_id for place in resolution.receivers}
            if now == known[airing]:
                continue
            gone = [name for name, area in known[airing].items() if now.get(name) != area]
            for start in range(0, len(gone), 500):
                session.execute(
                    delete(AiringReceiver).where(
                        AiringReceiver.airing_id == airing,
                        AiringReceiver.receiver_id.in_(gone[start : start + 500]),
                    )
                )
            fresh += [
                {
                    "airing_id": airing,
                    "receiver_id": place.id,
                    "receiver_name": place.name,
                    "kind": place.kind,
                    "area_id": place.area_id,
                }
                for place in resolution.receivers
                if known[airing].get(place.id) != place.area_id
            ]
        bulk.add(session, AiringReceiver, fresh)


def _snapshot(session: Session) -> Snapshot:
    """All that decides where orders go, read anew each time: nobody who changes it has to tell."""
    return {
        (subject, *row[:keys]): row[keys:]
        for subject, keys, query in _FACTS
        for row in map(tuple, session.execute(query))
    }


_FACTS: tuple[tuple[str, int, Any], ...] = (
    # As text: dates and documents need not be understood to be compared.
    ("area", 1, select(Area.id, Area.parent_id, Area.name, cast(Area.valid_from, String), cast(Area.valid_to, String))),
    ("area move", 2, select(AreaMove.area_id, cast(AreaMove.day, String), AreaMove.parent_id)),
    (
        "successor",
        2,
        select(AreaSuccessor.area_id, AreaSuccessor.successor_id, cast(AreaSuccessor.day, String)),
    ),
    (
        "receiver",
        1,
        select(Receiver.id, Receiver.kind, Receiver.area_id, Receiver.special_place, Receiver.name).where(
            Receiver.revoked_at.is_(None)
        ),
    ),
    ("receiver move", 2, select(ReceiverMove.receiver_id, cast(ReceiverMove.day, String), ReceiverMove.area_id)),
    ("policy", 1, select(AreaPolicy.area_id, cast(AreaPolicy.policy, String))),
)


def _changed(before: Snapshot, after: Snapshot) -> set[tuple[str, ...]]:
    return {key for key, state in after.items() if before.get(key) != state} | (before.keys() - after.keys())


def _sum_of(snapshot: Snapshot, keys: Iterable[tuple[str, ...]]) -> int:
    """Of the facts by these keys that there are."""
    facts = (json.dumps((key, snapshot[key])) for key in keys if key in snapshot)
    return sum(int.from_bytes(hashlib.sha256(fact.encode()).digest(), "big") for fact in facts) % 2**256


def _concerned(before: Snapshot, after: Snapshot, changed: set[tuple[str, ...]], places: Places) -> set[str] | None:
    """The areas and receivers that an order names if a change may concern it; None for all orders."""
    if any(key[0] != "receiver" for key in changed):
        return None
    names: set[str] = set()
    for key in changed:
        names.add(key[1])
        for state in (before.get(key), after.get(key)):
            if state is not None and state[1] is not None:
                names.update(places.lines.get(state[1], (state[1],)))
    return names if len(names) <= FEW else None
