"""What an emergency ended, and what is to air in full behind the next session: a further airing, for the receivers that had to end it.

By what receivers say, not by what was foreseen: nobody knows of an emergency before it comes. It is decided once the order is over, when the
receipts of whoever is online are in.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.identity import id_of
from broadcaster.lawful import item_of, plan_with, planned
from broadcaster.places import PlacesByDay
from broadcaster.slots import reserved
from broadcaster.storage.models import Airing, AsRun, OrderRecord, Release
from broadcaster.targets import Place, Targets
from devices.wire.messages import Reason, ReceiptState
from schedules.airtime import SESSION_PAUSE, nearest
from schedules.priorities import Item
from schedules.refusals import clock

BREATH = timedelta(seconds=1)
"""Between the session and what airs behind it, as between the parts of a session."""
NO_SESSION = "bị ngắt; không có buổi phát kế tiếp nào còn chỗ / interrupted; no later session has room for it"


def over_and_to_move(session: Session, now: datetime) -> Sequence[Airing]:
    """Airings whose order is over, and that are to air again if they were interrupted."""
    return session.scalars(
        select(Airing)
        .join(OrderRecord, OrderRecord.airing_id == Airing.id)
        .where(
            Airing.state == "dispatched",
            Airing.interrupted == "move",
            Airing.drill.is_(False),
            OrderRecord.expires_at <= now,
            OrderRecord.cleared_at.is_(None),
        )
        .order_by(Airing.due_at, Airing.id)
    ).all()


def put_behind(
    session: Session, airings: Iterable[Airing], now: datetime, places: PlacesByDay, *, ahead: timedelta
) -> None:
    """Plan each of them that was interrupted once more, behind the next session that begins within `ahead`, where and when it is lawful and free."""
    for airing in airings:
        further = id_of("airing", airing.id, "moved")
        if session.get(Airing, further) is not None:  # a clock that was set back ends it again
            continue
        ended = _ended_by_a_higher_class(session, airing.id)
        there = places.at(now)
        targets = Targets.model_validate(airing.targets)
        reached = there.resolve(targets).receivers
        again = frozenset(place.id for place in reached if place.id in ended)
        if not again:
            continue
        content = json.loads(session.scalars(select(Release.content).where(Release.id == airing.release_id)).one())
        at = _behind(session, places, item_of(airing, again), targets, now=now, ahead=ahead)
        expiry = content.get("expires_at")
        if at is not None and expiry is not None:
            length = timedelta(milliseconds=airing.duration_ms)
            at = at if at + length <= datetime.fromisoformat(expiry) else None
        if at is None:
            airing.state_reason = NO_SESSION
            continue
        zone = ZoneInfo(places.zone)
        airing.state_reason = (
            f"bị ngắt; phát lại lúc {clock(at, zone, 'vi')} / interrupted; airs again at {clock(at, zone, 'en')}"
        )
        values = {column.key: getattr(airing, column.key) for column in Airing.__mapper__.columns}
        values |= {
            "id": further,
            "schedule_id": None,
            "due_at": at,
            "starts_at": None,
            "position": 0,
            "state": "planned",
            "state_reason": None,
            "targets": _only(targets, reached, again).model_dump(mode="json"),
        }
        session.add(Airing(**values))
        session.flush()


def _ended_by_a_higher_class(session: Session, airing: str) -> set[str]:
    rows = session.execute(
        select(AsRun.receiver_id, AsRun.state, AsRun.reason).where(
            AsRun.airing_id == airing, AsRun.state.in_((ReceiptState.INTERRUPTED, ReceiptState.FINISHED))
        )
    ).all()
    finished = {receiver for receiver, state, _ in rows if state == ReceiptState.FINISHED}
    return {receiver for receiver, _, reason in rows if reason == Reason.PREEMPTED} - finished


def _behind(
    session: Session, places: PlacesByDay, item: Item, targets: Targets, *, now: datetime, ahead: timedelta
) -> datetime | None:
    """When it may begin: right behind the first session that begins after now on any of its receivers, or as soon after that as it may."""
    coming = planned(session, places, now, now + ahead, receivers=item.receivers)
    coming += reserved(session, places, now, now + ahead, receivers=item.receivers)
    end: datetime | None = None
    for other in sorted(coming, key=lambda each: each.due_at):
        if other.priority == "emergency" or other.due_at <= now or other.id == item.id:
            continue
        if end is not None and other.due_at - end >= SESSION_PAUSE:
            break
        end = max(end or other.ends_at, other.ends_at)
    if end is None:
        return None
    there = replace(item, due_at=end + BREATH)
    plan = plan_with(session, places, [(there, targets)], now=now)
    _, after = nearest(there, plan.airtimes(there.receivers, without=item.id), not_before=there.due_at)
    return after if after is not None and after < now + ahead else None


def _only(targets: Targets, reached: Sequence[Place], again: frozenset[str]) -> Targets:
    """The same targets, for these of their receivers only, said in the shorter way."""
    others = [place.id for place in reached if place.id not in again]
    if len(others) > len(again):
        return Targets(receivers=tuple(sorted(again)), kinds=targets.kinds)
    return targets.model_copy(update={"excluded": tuple(sorted({*targets.excluded, *others}))})
