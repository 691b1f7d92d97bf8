"""Planning: releases and their rules become airing rows; rows become orders; rows come to an end.

The airing row is the truth (decision 0002). Each step moves rows by a conditional UPDATE in the transaction that does
its work, so that a step may be run late, again, or by two processes at once.
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Select, func, select, update
from sqlalchemy.orm import Session

from broadcaster.areas import areas_on
from broadcaster.clock import Clock
from broadcaster.identity import Signatory, new_id
from broadcaster.orders import order_for
from broadcaster.storage.database import Database
from broadcaster.storage.models import Airing, AiringReceiver, OrderRecord, Release
from broadcaster.targets import Targets, resolve
from schedules.rules import RULE

LOOK_BACK = timedelta(days=14)
"""How far back a station that was off writes down what it missed."""


class Planner:
    """Moves airings from rule to row to order to end."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signatory: Signatory,
        *,
        plan_horizon: timedelta,
        dispatch_horizon: timedelta,
        late_limit: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._plan_horizon = plan_horizon
        self._dispatch_horizon = dispatch_horizon
        self._late_limit = late_limit

    def run(self) -> datetime | None:
        """Do all that is due now; returns the next instant at which something will be."""
        now = self._clock.now()
        with self._database.writing() as session:
            self._write_down(session, now)
            self._send(session, now)
            self._end(session, now)
            return self._next(session, now)

    def _write_down(self, session: Session, now: datetime) -> None:
        """Every occurrence within the horizon that has no row gets one."""
        # Held, so that a release that is being voided makes no airings; in order, so that planners do not deadlock.
        releases = select(Release).where(Release.voided_at.is_(None)).order_by(Release.id).with_for_update()
        for release in session.scalars(releases).all():
            content = json.loads(release.content)
            # From the release on: what was due before it was not approved then, so it is not missed either.
            start = max(release.released_at, now - LOOK_BACK)
            for schedule in content["schedules"]:
                known = set(
                    session.scalars(
                        select(Airing.due_at).where(
                            Airing.release_id == release.id, Airing.schedule_id == schedule["id"]
                        )
                    )
                )
                rule = RULE.validate_python(schedule["rule"])
                session.add_all(
                    Airing(
                        id=new_id(),
                        schedule_id=schedule["id"],
                        release_id=release.id,
                        bulletin_id=release.bulletin_id,
                        due_at=due,
                        state="planned",
                        title=content["title"],
                        priority=content["priority"],
                        clip_sha256=content["clip"]["sha256"],
                        duration_ms=content["clip"]["duration_ms"],
                    )
                    for due in rule.instants(start, now + self._plan_horizon)
                    if due not in known
                )
        session.flush()

    def _send(self, session: Session, now: datetime) -> None:
        """What is due within the dispatch horizon becomes an order; what is too late is missed, and says so."""
        ripe = session.scalars(
            select(Airing)
            .where(Airing.state == "planned", Airing.due_at <= now + self._dispatch_horizon)
            .order_by(Airing.due_at, Airing.id)
        ).all()
        areas = areas_on(session, now.date()) if ripe else {}
        for airing in ripe:
            if airing.due_at + self._late_limit < now:
                self._move(
                    session, [airing.id], "planned", "missed", "đài không hoạt động vào giờ phát / station was off"
                )
                continue
            if not self._move(session, [airing.id], "planned", "dispatched"):
                continue
            content = json.loads(session.get_one(Release, airing.release_id).content)
            targets = next(
                Targets.model_validate(schedule["targets"])
                for schedule in content["schedules"]
                if schedule["id"] == airing.schedule_id
            )
            session.add(
                order_for(airing, content, targets, signatory=self._signatory, now=now, late_limit=self._late_limit)
            )
            session.add_all(
                AiringReceiver(
                    airing_id=airing.id,
                    receiver_id=receiver.id,
                    receiver_name=receiver.name,
                    kind=receiver.kind,
                    area_id=receiver.area_id,
                )
                for receiver in resolve(session, areas, targets)
            )
        session.flush()

    def _end(self, session: Session, now: datetime) -> None:
        """Airings whose order has expired are over, whatever the receivers say later."""
        over = select(OrderRecord.airing_id).where(OrderRecord.expires_at <= now, OrderRecord.cleared_at.is_(None))
        self._move(session, over, "dispatched", "closed")

    def _next(self, session: Session, now: datetime) -> datetime | None:
        due = session.scalar(select(func.min(Airing.due_at)).where(Airing.state == "planned"))
        expiry = session.scalar(
            select(func.min(OrderRecord.expires_at)).where(
                OrderRecord.cleared_at.is_(None), OrderRecord.expires_at > now
            )
        )
        instants = [instant for instant in (due and due - self._dispatch_horizon, expiry) if instant and instant > now]
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
