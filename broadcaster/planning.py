"""Planning: releases and their rules become airing rows; rows become orders; rows come to an end.

The airing row is the truth (decision 0002). Each step moves rows by a conditional UPDATE in the transaction that does
its work, so that a step may be run late, again, or by two processes at once.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import CursorResult, Row, Select, func, insert, or_, select, update
from sqlalchemy.orm import Session

from broadcaster import emergencies, interruptions, metrics, slots
from broadcaster.clock import Clock
from broadcaster.counted import Counted
from broadcaster.identity import Signatory, id_of
from broadcaster.lawful import Permits
from broadcaster.orders import order_for
from broadcaster.places import PlacesByDay
from broadcaster.renewal import NOWHERE, Renewal
from broadcaster.reorganisation import rehoming
from broadcaster.storage import bulk
from broadcaster.storage.database import HELD, Database, part_of, passes
from broadcaster.storage.models import Airing, AiringReceiver, Emergency, OrderRecord, PlanHead, Release
from broadcaster.targets import Targets
from schedules.rules import RULE, AtOnce

log = structlog.get_logger(__name__)
LOOK_BACK = timedelta(days=14)
"""How far back a station that was off writes down what it missed."""
BATCH = 500
STATION_WAS_OFF = "đài không hoạt động vào giờ phát / station was off"
FAULT = "hệ thống gặp lỗi khi lập lệnh phát / the system failed at making the order"
T = TypeVar("T")


class Planner:
    """Moves airings from rule to row to order to end."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signatory: Signatory,
        *,
        zone: str,
        plan_horizon: timedelta,
        dispatch_horizon: timedelta,
        late_limit: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._zone = zone
        self._plan_horizon = plan_horizon
        self._dispatch_horizon = dispatch_horizon
        self._late_limit = late_limit
        self._renewal = Renewal(signatory, zone)
        self._told: tuple[tuple[str, str], ...] | None = None  # which reorganisations receivers have been told of
        self._made: list[tuple[str, str, str, datetime]] = []  # by this run: bulletin, airing, order, due
        self.moved = False
        """Whether the last run found areas or receivers in other places than the run before it."""
        self._failing: list[str] = []  # by this run
        self.failures: tuple[str, ...] = ()
        """What the last run failed at, and went on without: releases, airings, steps."""

    def run(self) -> datetime | None:
        """Do all that is due now; returns the next instant at which something will be."""
        try:
            return self._run()
        except BaseException:
            # What was remembered of this run did not happen: the next one looks at everything.
            self._told, self._renewal = None, Renewal(self._signatory, self._zone)
            raise

    def _run(self) -> datetime | None:
        now = self._clock.now()
        self._made.clear()
        self._failing.clear()
        with metrics.PLANNING_S.time(), self._database.writing() as session:
            head = self._head(session)
            self._set_right(session, now)
            rehoming.take_effect(session, now, zone=self._zone)
            self._tell(session, now)
            urgent = emergencies.to_advance(session)
            self._each(session, urgent, partial(self._advance, session, now), _of_emergency)
            over = emergencies.next_end(urgent)
            self._write_down(session, now)
            self._fill_slots(session, now)
            places, self.moved = self._renewal.run(session, now, head)
            self._end(session, now, places, head)
            self._send(session, now, places)
            soonest = self._next(session, now, over)
        self.failures = tuple(self._failing)
        for bulletin, airing, order, due_at in self._made:
            log.info("order made", bulletin=bulletin, airing=airing, order=order, due_at=due_at.isoformat())
        return soonest

    def _each(
        self,
        session: Session,
        items: Sequence[T],
        step: Callable[[Sequence[T]], None],
        name: Callable[[Any], str] = str,
    ) -> list[T]:
        """Do the step for all at once, if there are any, and where that fails by halves; returns those at which it fails alone.

        What fails is undone and noted as a failure, and holds up nothing else. What the next run may mend is raised.
        """
        if not items:
            return []
        made = len(self._made)
        try:
            with part_of(session):
                step(items)
        except Exception as error:
            if passes(error):
                raise
            del self._made[made:]
            if len(items) > 1:
                half = len(items) // 2
                failed = self._each(session, items[:half], step, name)
                return failed + self._each(session, items[half:], step, name)
            what = name(items[0])
            self._failing.append(what)
            if what not in self.failures:  # once, and not at each run
                log.exception("planning failed at one thing, and goes on", what=what)
            return list(items)
        return []

    def _advance(self, session: Session, now: datetime, rows: Sequence[Emergency]) -> None:
        emergencies.advance(session, rows, now, self._signatory, ahead=self._dispatch_horizon)

    def _fill_slots(self, session: Session, now: datetime) -> None:
        programmes = slots.Columns(session, hold=True)
        self._failing += [_of_programme(name) for name in programmes.unreadable]
        fill = partial(
            slots.fill_slots, session, now, self._signatory, programmes, zone=self._zone, ahead=self._dispatch_horizon
        )
        self._each(session, list(programmes.programmes), fill, _of_programme)

    def _tell(self, session: Session, now: datetime) -> None:
        """What receivers are told of reorganisations, when that can have changed."""
        concerned = rehoming.concerned(session, now, zone=self._zone, ahead=self._dispatch_horizon)
        if concerned != self._told:
            rehoming.renew(session, now, self._signatory, zone=self._zone, ahead=self._dispatch_horizon)
            self._told = concerned

    @staticmethod
    def _head(session: Session) -> PlanHead:
        """Held until the transaction ends, so that planners follow each other."""
        head = session.scalar(select(PlanHead).where(PlanHead.id == 1).with_for_update(**HELD))
        if head is None:
            head = PlanHead(id=1)
            session.add(head)
            session.flush()
        return head

    def _set_right(self, session: Session, now: datetime) -> None:
        """Undo what a clock that ran ahead had ended too early: it has been set back, and the instant is still to come."""
        early = select(Airing.id).where(Airing.state == "missed", Airing.due_at > now - self._late_limit)
        unsent = early.where(~select(OrderRecord.id).where(OrderRecord.airing_id == Airing.id).exists())
        self._move(session, unsent.where(Airing.state_reason == STATION_WAS_OFF), "missed", "planned")
        running = (
            select(OrderRecord.airing_id)
            .join(Airing, Airing.id == OrderRecord.airing_id)
            .where(Airing.state == "closed", Airing.due_at > now - LOOK_BACK, OrderRecord.expires_at > now)
        )
        ids = session.scalars(running).all()
        if ids:
            self._move(session, ids, "closed", "dispatched")
            session.execute(
                update(OrderRecord).where(OrderRecord.airing_id.in_(ids)).values(cleared_at=None, published_at=None)
            )

    def _write_down(self, session: Session, now: datetime) -> None:
        """Every occurrence up to the horizon gets a row: only what lies after the last expansion is expanded."""
        hour = (now + self._plan_horizon).replace(minute=0, second=0, microsecond=0)
        end = hour if hour == now + self._plan_horizon else hour + timedelta(hours=1)
        # Held, so that a release that is being voided makes no airings.
        query = (
            select(Release.id, Release.bulletin_id, Release.released_at, Release.planned_until, Release.content)
            .where(Release.voided_at.is_(None), or_(Release.planned_until.is_(None), Release.planned_until < end))
            .order_by(Release.id)
            .limit(BATCH)
            .with_for_update(**HELD)
        )
        failed: list[str] = []
        while rows := session.execute(query.where(Release.id.not_in(failed))).all():
            failed += [
                row.id for row in self._each(session, rows, partial(self._expand, session, now, end), _of_release)
            ]

    def _expand(self, session: Session, now: datetime, end: datetime, rows: Sequence[Row[Any]]) -> None:
        """The airings of these releases up to `end`."""
        # From the release on: what was due before it was not approved then, so it is not missed either.
        since = {row.id: max(row.planned_until or row.released_at, now - LOOK_BACK) for row in rows}
        written: dict[str, set[tuple[str | None, datetime]]] = {name: set() for name in since}
        for release, schedule, due in session.execute(
            select(Airing.release_id, Airing.schedule_id, Airing.due_at).where(
                Airing.release_id.in_(since), Airing.due_at >= min(since.values())
            )
        ):
            written[release].add((schedule, due))
        airings: list[dict[str, Any]] = []
        for row in rows:
            airings += self._occurrences(row, since[row.id], end, written[row.id])
        if airings:
            session.execute(insert(Airing), airings)
        session.execute(
            update(Release)
            .where(Release.id.in_([row.id for row in rows]))
            .values(planned_until=end)
            .execution_options(synchronize_session=False)
        )

    @staticmethod
    def _occurrences(
        release: Any, start: datetime, end: datetime, written: AbstractSet[tuple[str | None, datetime]]
    ) -> list[dict[str, Any]]:
        content = json.loads(release.content)
        rules = [(schedule, RULE.validate_python(schedule["rule"])) for schedule in content["schedules"]]
        found = [
            (schedule, due)
            for schedule, rule in rules
            # What airs at once counts from its release, so from the first expansion alone.
            if not isinstance(rule, AtOnce) or release.planned_until is None
            for due in rule.instants(release.released_at if isinstance(rule, AtOnce) else start, end)
        ]
        return [
            {
                "id": id_of("airing", release.id, schedule["id"], due.isoformat()),
                "schedule_id": schedule["id"],
                "release_id": release.id,
                "bulletin_id": release.bulletin_id,
                "due_at": due,
                "state": "planned",
                "title": content["title"],
                "priority": content["priority"],
                "clip_sha256": content["clip"]["sha256"],
                "duration_ms": content["clip"]["duration_ms"],
                "targets": schedule["targets"],
                "drill": content.get("drill", False),
                "campaign_id": content.get("campaign"),
                "content_group": content.get("content_group"),
                "interrupted": content.get("interrupted", "drop"),
            }
            for schedule, due in found
            if (schedule["id"], due) not in written
        ]

    def _send(self, session: Session, now: datetime, places: PlacesByDay) -> None:
        """What is due within the dispatch horizon becomes an order; what is too late is missed, and says so."""
        last = now - self._late_limit
        late = select(Airing.id).where(
            Airing.state == "planned", Airing.due_at < last, or_(Airing.starts_at.is_(None), Airing.starts_at < last)
        )
        self._move(session, late.where(Airing.state_reason == FAULT), "planned", "missed", FAULT)
        self._move(session, late, "planned", "missed", STATION_WAS_OFF)
        query = (
            select(Airing.id)
            .where(
                Airing.state == "planned",
                or_(Airing.due_at <= now + self._dispatch_horizon, Airing.starts_at <= now + self._dispatch_horizon),
            )
            .order_by(Airing.due_at, Airing.id)
            .limit(BATCH)
        )
        permits = Permits(places)
        failed: list[str] = []
        while ids := session.scalars(query.where(Airing.id.not_in(failed))).all():
            some = self._each(session, ids, partial(self._send_batch, session, now, places, permits), _of_airing)
            failed += some
            if some:  # tried again until it is too late
                session.execute(update(Airing).where(Airing.id.in_(some)).values(state_reason=FAULT))
            session.expunge_all()

    def _send_batch(
        self, session: Session, now: datetime, places: PlacesByDay, permits: Permits, ids: Sequence[str]
    ) -> None:
        ripe = session.scalars(select(Airing).where(Airing.id.in_(ids)).order_by(Airing.due_at, Airing.id)).all()
        # Held, so that a release that is being voided sends nothing; what it voided has moved by then.
        rows = session.execute(
            select(Release.id, Release.content, Release.released_at)
            .where(Release.id.in_({airing.release_id for airing in ripe}))
            .order_by(Release.id)
            .with_for_update(**HELD)
        ).all()
        contents = {row.id: row.content for row in rows}
        counted = Counted(session, places, ripe, {row.id: row.released_at for row in rows})
        moved = set(
            session.scalars(
                update(Airing)
                .where(Airing.id.in_(ids), Airing.state == "planned")
                .values(state="dispatched", state_reason=func.nullif(Airing.state_reason, FAULT))
                .returning(Airing.id)
                .execution_options(synchronize_session=False)
            )
        )
        orders: list[dict[str, Any]] = []
        receivers: list[dict[str, Any]] = []
        parsed: dict[str, dict[str, Any]] = {}
        for airing in ripe:
            if airing.id not in moved:
                continue
            if airing.release_id not in parsed:
                parsed[airing.release_id] = json.loads(contents[airing.release_id])
            content = parsed[airing.release_id]
            resolution = places.at(airing.due_at).resolve(targets_of(airing, content))
            resolution, late_limit, why = permits.check(
                resolution,
                at=airing.starts_at or airing.due_at,
                duration=timedelta(milliseconds=airing.duration_ms),
                priority=content["priority"],
                late_limit=max(self._late_limit, emergencies.EMERGENCY_LATE_LIMIT)
                if airing.priority == "emergency"
                else self._late_limit,
            )
            if why is None:
                resolution, why = counted.without_refused(airing, resolution)
            if why is not None or resolution.nowhere:
                self._move(session, [airing.id], "dispatched", "missed", why or NOWHERE)
                continue
            orders.append(
                order_for(
                    airing,
                    content,
                    resolution.audience,
                    signatory=self._signatory,
                    now=now,
                    late_limit=late_limit,
                )
            )
            self._made.append((airing.bulletin_id, airing.id, orders[-1]["id"], airing.due_at))
            receivers += [
                {
                    "airing_id": airing.id,
                    "receiver_id": place.id,
                    "receiver_name": place.name,
                    "kind": place.kind,
                    "area_id": place.area_id,
                }
                for place in resolution.receivers
            ]
        if orders:
            session.execute(insert(OrderRecord), orders)
        bulk.add(session, AiringReceiver, receivers)

    def _end(self, session: Session, now: datetime, places: PlacesByDay, head: PlanHead) -> None:
        """Airings whose order has expired are over, whatever the receivers say later; what was interrupted may air again."""
        moving = interruptions.over_and_to_move(session, now)
        late = interruptions.told_late(session, head)
        over = select(OrderRecord.airing_id).where(OrderRecord.expires_at <= now, OrderRecord.cleared_at.is_(None))
        self._move(session, over, "dispatched", "closed")
        put = partial(interruptions.put_behind, session, now, places, self._plan_horizon)
        failed = self._each(session, [*moving, *late], put, _of_interrupted)
        interruptions.try_again(session, [airing.id for airing, _ in failed], now)

    def _next(self, session: Session, now: datetime, over: datetime | None) -> datetime | None:
        due = session.scalar(select(func.min(Airing.due_at)).where(Airing.state == "planned"))
        expiry = session.scalar(
            select(func.min(OrderRecord.expires_at)).where(
                OrderRecord.cleared_at.is_(None), OrderRecord.expires_at > now
            )
        )
        change = rehoming.next_change(session, zone=self._zone)
        instants = [
            instant
            for instant in (due and due - self._dispatch_horizon, expiry, change, over)
            if instant and instant > now
        ]
        return min(instants, default=None)

    @staticmethod
    def _move(
        session: Session,
        airings: Iterable[str] | Select[Any],
        before: str,
        after: str,
        reason: str | None = None,
    ) -> int:
        """Move airings that still are in `before`; returns how many were moved here and now."""
        result = session.execute(
            update(Airing)
            .where(Airing.id.in_(airings), Airing.state == before)
            .values(state=after, state_reason=reason)
            .execution_options(synchronize_session=False)
        )
        assert isinstance(result, CursorResult)  # noqa: S101  an UPDATE gives a cursor
        return result.rowcount


def _of_programme(name: str) -> str:
    return f"programme {name}"


def _of_emergency(row: Emergency) -> str:
    return f"emergency {row.id}"


def _of_release(row: Row[Any]) -> str:
    return f"release {row.id}"


def _of_airing(name: str) -> str:
    return f"airing {name}"


def _of_interrupted(asked: interruptions.Asked) -> str:
    return _of_airing(asked[0].id)


def targets_of(airing: Airing, content: dict[str, Any]) -> Targets:
    """Where an airing is to be heard, as it was released."""
    if airing.targets is not None:
        return Targets.model_validate(airing.targets)
    # Written down by a version that did not copy them.
    return next(
        Targets.model_validate(schedule["targets"])
        for schedule in content["schedules"]
        if schedule["id"] == airing.schedule_id
    )
