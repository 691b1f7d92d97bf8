"""What an emergency ended, and what is to air in full behind the next session: a further airing, for the receivers that had to end it.

By what receivers say, not by what was foreseen: nobody knows of an emergency before it comes. It is decided once the order is over, when the
receipts of whoever is online are in, and again for those whose word comes later (decision 0027).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from broadcaster.further_airings import FurtherAirings
from broadcaster.places import PlacesByDay
from broadcaster.storage import bulk
from broadcaster.storage.database import HELD
from broadcaster.storage.models import Airing, AsRun, LogHead, OrderRecord, PlanHead, Release
from broadcaster.targets import Place
from devices.wire.messages import Reason, ReceiptState
from schedules.refusals import clock

WAITED_FOR = timedelta(hours=24)
"""How long after an order is over the word of a receiver that it was interrupted lets it hear the airing again."""
NAMED = 3
"""So many receivers that do not hear it again are named; the others are counted."""
Said = tuple[str, str]
"""In Vietnamese and in English."""
NO_SESSION: Said = ("không có buổi phát kế tiếp nào còn chỗ", "no later session has room for it")
NO_RELEASE: Said = ("bản phê duyệt không còn hiệu lực", "its release is no longer in force")
TOO_LATE: Said = ("báo bị ngắt muộn hơn 24 giờ", "told of it more than 24 hours late")
FAULT = "bị ngắt; hệ thống gặp lỗi khi lập lượt phát lại / interrupted; the system failed at planning it once more"
Asked = tuple[Airing, AbstractSet[str] | None]
"""An airing that is over, and the receivers that are to be answered now; None: all."""


@dataclass(frozen=True)
class _Interrupted:
    """An airing that receivers had to end."""

    airing: Airing
    further: FurtherAirings
    left: tuple[Place, ...]  # who had to end it and stands in no further airing
    late: frozenset[str]  # of these: whose word came too late
    asking: frozenset[str]  # of these: who is to be answered now, and in time


def over_and_to_move(session: Session, now: datetime) -> list[Asked]:
    """Airings whose order is over, and that are to air again if they were interrupted."""
    airings = session.scalars(
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
    )
    return [(airing, None) for airing in airings]


def told_late(session: Session, head: PlanHead) -> list[Asked]:
    """Airings that were over before now, each with the receivers that have said since the last look that they had to end it for a higher class.

    Of the log only the rows behind that look are read: they are numbered in the order in which they are kept. What they say of an airing
    that is not over yet is decided when it is.
    """
    end = session.scalar(select(LogHead.seq).where(LogHead.id == 1)) or 0
    if end == head.log_seq:
        return []
    told: dict[str, set[str]] = defaultdict(set)
    for airing, receiver in session.execute(
        select(AsRun.airing_id, AsRun.receiver_id).where(
            AsRun.seq > head.log_seq,
            AsRun.seq <= end,
            AsRun.airing_id.is_not(None),
            AsRun.state == ReceiptState.INTERRUPTED,
            AsRun.reason == Reason.PREEMPTED,
        )
    ):
        told[str(airing)].add(receiver)
    head.log_seq = end
    if not told:
        return []
    ids = bulk.listed(session, [(name,) for name in told], "id")
    # By their ids alone: a database that knows little of its tables would rather read every airing that is closed.
    airings = session.scalars(select(Airing).join(ids, ids.c.id == Airing.id).order_by(Airing.due_at, Airing.id))
    return [
        (airing, frozenset(told[airing.id]))
        for airing in airings
        if airing.state == "closed" and airing.interrupted == "move" and not airing.drill
    ]


def put_behind(session: Session, now: datetime, places: PlacesByDay, ahead: timedelta, asked: Iterable[Asked]) -> None:
    """Plan what was interrupted once more, behind the next session that begins within `ahead`, where and when it is lawful and free.

    Whoever stands in a further airing of it is never put into another.
    """
    found = [each for airing, told in asked if (each := _interrupted(session, places, airing, told, now)) is not None]
    releases = _held(session, {each.airing.release_id for each in found if each.asking})
    for each in found:
        why, again = NO_SESSION, frozenset[str]()
        if each.asking:
            release = releases[each.airing.release_id]
            if release.voided_at is not None:
                why = NO_RELEASE
            else:
                expiry = json.loads(release.content).get("expires_at")
                length = timedelta(milliseconds=each.airing.duration_ms)
                last = datetime.fromisoformat(expiry) - length if expiry is not None else None
                again = each.further.add(each.asking, now, ahead=ahead, last=last)
        each.airing.state_reason = _said(each, again, why, ZoneInfo(places.zone))


def try_again(session: Session, airings: Sequence[str], now: datetime) -> None:
    """Let these, at which planning failed, end anew at the next run, until it is too late; they say what is wrong."""
    if not airings:
        return
    of = OrderRecord.airing_id.in_(airings), OrderRecord.expires_at > now - WAITED_FOR
    again = session.scalars(
        update(OrderRecord).where(*of).values(cleared_at=None).returning(OrderRecord.airing_id)
    ).all()
    session.execute(update(Airing).where(Airing.id.in_(airings)).values(state_reason=FAULT))
    session.execute(update(Airing).where(Airing.id.in_(again), Airing.state == "closed").values(state="dispatched"))


def _held(session: Session, releases: AbstractSet[str]) -> dict[str, Row[str, str, datetime | None]]:
    """Held until the transaction ends, so that what is taken back meanwhile does not air again."""
    if not releases:
        return {}
    query = select(Release.id, Release.content, Release.voided_at).where(Release.id.in_(releases))
    return {row.id: row for row in session.execute(query.order_by(Release.id).with_for_update(**HELD))}


def _interrupted(
    session: Session, places: PlacesByDay, airing: Airing, told: AbstractSet[str] | None, now: datetime
) -> _Interrupted | None:
    """What is to be done about an airing and these receivers, or all; None if there is nothing to do."""
    ended = _ended_by_a_higher_class(session, airing.id)
    if not ended:
        return None
    further = FurtherAirings(session, places, airing)
    interrupted = [place for place in further.reached(now) if place.id in ended]
    served = further.served(now)
    left = tuple(place for place in interrupted if place.id not in served)
    asking = frozenset(place.id for place in left if told is None or place.id in told)
    if not interrupted or (told is not None and not asking):
        return None
    over = session.scalars(select(OrderRecord.expires_at).where(OrderRecord.airing_id == airing.id)).one()
    late = frozenset(place.id for place in left if ended[place.id] > over + WAITED_FOR)
    return _Interrupted(airing, further, left, late, asking - late)


def _ended_by_a_higher_class(session: Session, airing: str) -> dict[str, datetime]:
    """The receivers that had to end it and did not finish it; when the station first heard that."""
    rows = session.execute(
        select(AsRun.receiver_id, AsRun.state, AsRun.reason, AsRun.received_at)
        .where(AsRun.airing_id == airing, AsRun.state.in_((ReceiptState.INTERRUPTED, ReceiptState.FINISHED)))
        .order_by(AsRun.seq.desc())
    ).all()
    finished = {receiver for receiver, state, _, _ in rows if state == ReceiptState.FINISHED}
    return {receiver: at for receiver, _, reason, at in rows if reason == Reason.PREEMPTED and receiver not in finished}


def _said(each: _Interrupted, again: frozenset[str], why: Said, zone: ZoneInfo) -> str:
    """When it airs again, and where it does not: nobody shall believe that it was heard."""
    vi, en = ["bị ngắt"], ["interrupted"]
    if times := each.further.times():
        vi.append(f"phát lại lúc {', '.join(clock(at, zone, 'vi') for at in times)}")
        en.append(f"airs again at {', '.join(clock(at, zone, 'en') for at in times)}")
    causes: dict[Said, list[str]] = defaultdict(list)
    for place in each.left:
        if place.id not in again:
            causes[TOO_LATE if place.id in each.late else why].append(place.name)
    for cause, names in causes.items():
        some, more = ", ".join(names[:NAMED]), len(names) - NAMED
        vi.append(f"không phát lại ở {some}{f' và {more} thiết bị khác' if more > 0 else ''}: {cause[0]}")
        en.append(f"not again at {some}{f' and {more} more' if more > 0 else ''}: {cause[1]}")
    return f"{'; '.join(vi)} / {'; '.join(en)}"
