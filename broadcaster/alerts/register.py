"""The register of alerts: opened, grown, acknowledged, resolved by itself, and what goes out of each."""

import threading
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from broadcaster.alerts.findings import AFTER, Finding, Source, reports_within, source_of
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError, NotFoundError
from broadcaster.identity import new_id
from broadcaster.people import Actor, Right
from broadcaster.storage.database import Database
from broadcaster.storage.models import Alert, AlertDelivery, Json

GROWN = 1.5
"""Told again when it is about so many times as many receivers, and three more at least."""


@dataclass(frozen=True)
class Route:
    """Where alerts go, and when they may not. Within quiet hours only critical ones go at once; others wait."""

    emails: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    quiet: tuple[time, time] | None = None
    zone: str = "Asia/Ho_Chi_Minh"

    def targets(self) -> list[tuple[str, str]]:
        """Channel and address of each."""
        return [*(("email", each) for each in self.emails), *(("webhook", each) for each in self.webhooks)]

    def earliest(self, severity: str, now: datetime) -> datetime:
        """When something of this severity may go out."""
        if self.quiet is None or severity == "critical":
            return now
        start, end = self.quiet
        local = now.astimezone(ZoneInfo(self.zone))
        at = local.time().replace(tzinfo=None)
        within = start <= at < end if start < end else at >= start or at < end
        if not within:
            return now
        over = local.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0)
        return (over if over > local else over + timedelta(days=1)).astimezone(now.tzinfo)


def quiet_hours(text: str) -> tuple[time, time] | None:
    """22:00-05:00, or nothing. Raises ValueError."""
    if not text.strip():
        return None
    start, _, end = text.partition("-")
    return time.fromisoformat(start.strip()), time.fromisoformat(end.strip())


class Register:
    """Alerts in the database. `take` is called again and again with all that is found now."""

    def __init__(self, database: Database, clock: Clock, route: Route, *, changed: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._route = route
        self._changed = changed
        self._since: dict[str, datetime] = {}  # when what is not told of yet was first found
        self._lock = threading.Lock()

    def take(self, findings: Iterable[Finding], *, unknown: Container[Source] = ()) -> None:
        """Open what is new, tell what has grown, resolve what is gone.

        Of an `unknown` source nobody knows how it is: what stands of it stays.
        """
        now = self._clock.now()
        with self._lock:
            found = {each.key: each for each in findings}
            self._since = {key: self._since.get(key, now) for key in found}
            with self._database.writing() as session:
                changed = self._compare(session, found, now, unknown)
        if changed:
            self._changed()

    def _compare(self, session: Session, found: dict[str, Finding], now: datetime, unknown: Container[Source]) -> bool:
        changed = False
        standing = {row.key: row for row in session.scalars(select(Alert).where(Alert.resolved_at.is_(None)))}
        for key, row in standing.items():
            if key not in found and source_of(row.rule, row.area_id) not in unknown:
                row.resolved_at = row.changed_at = now
                self._send(session, row, "resolved", now)
                changed = True
        for key, finding in found.items():
            known = standing.get(key)
            if known is None:
                if now - self._since[key] < AFTER.get(finding.rule, timedelta()):
                    continue
                known = Alert(
                    id=new_id(), key=key, rule=finding.rule, severity=finding.severity, area_id=finding.area,
                    facts=finding.facts, size=finding.size, opened_at=now, changed_at=now,
                )  # fmt: skip
                session.add(known)
                session.flush()
                self._send(session, known, "opened", now)
                changed = True
            elif (known.size, known.severity, known.facts) != (finding.size, finding.severity, finding.facts):
                grown = finding.size >= known.size * GROWN and finding.size >= known.size + 3
                grown |= finding.facts.get("level") != known.facts.get("level")  # the next reminder is due
                known.size, known.severity, known.facts = finding.size, finding.severity, finding.facts
                known.changed_at = now
                if grown and known.acknowledged_at is None:
                    self._send(session, known, "grown", now)
                changed = True
        return changed

    def _send(self, session: Session, alert: Alert, event: str, now: datetime) -> None:
        """Put it into the outbox, in the transaction in which it became true."""
        if alert.severity == "notice":
            return
        content: Json = {
            "id": alert.id,
            "event": event,
            "rule": alert.rule,
            "severity": alert.severity,
            "area": alert.area_id,
            "size": alert.size,
            "facts": {name: fact for name, fact in alert.facts.items() if name != "owing"},
            "opened_at": alert.opened_at.isoformat(),
            "at": now.isoformat(),
        }
        session.add_all(
            AlertDelivery(
                id=new_id(), alert_id=alert.id, event=event, channel=channel, target=target, content=content,
                created_at=now, next_at=self._route.earliest(alert.severity, now), attempts=0,
            )
            for channel, target in self._route.targets()
        )  # fmt: skip

    def acknowledge(self, actor: Actor, alert: str, *, note: str = "") -> None:
        """Somebody has it in hand: it stays until its cause is gone, and is told of no more until then."""
        with self._database.writing() as session:
            row = session.get(Alert, alert)
            if row is None:
                raise NotFoundError(f"Không có cảnh báo '{alert}'.", f"There is no alert '{alert}'.")
            actor.need(Right.OPERATE, row.area_id)
            if row.resolved_at is not None:
                raise ConflictError("Cảnh báo này đã tự hết.", "This alert is resolved already: its cause is gone.")
            if row.acknowledged_at is None:
                row.acknowledged_at, row.acknowledged_by = self._clock.now(), actor.id
                row.acknowledged_name, row.note = actor.name, note.strip()[:500] or None
        self._changed()

    def listed(
        self,
        actor: Actor,
        *,
        standing: bool | None = None,
        before: datetime | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Sequence[Alert]:
        """Those of one's areas, the latest first, from behind the alert with id `after` on; the station's own only to whom the whole station is.

        Of reports that are owed there is one alert, and everybody sees of it what the own areas owe.
        """
        actor.need(Right.READ)
        query = select(Alert).order_by(Alert.opened_at.desc(), Alert.id.desc())
        within = actor.within()
        if within is not None:
            query = query.where(Alert.area_id.in_(within) | (Alert.rule == "report"))
        if standing is not None:
            query = query.where(Alert.resolved_at.is_(None) if standing else Alert.resolved_at.is_not(None))
        if before is not None:
            query = query.where(Alert.opened_at < before)
        with self._database.reading() as session:
            if after is not None:
                last = session.get(Alert, after)
                if last is None:
                    raise NotFoundError(f"Không có cảnh báo '{after}'.", f"There is no alert '{after}'.")
                query = query.where(tuple_(Alert.opened_at, Alert.id) < (last.opened_at, last.id))
            rows = session.scalars(query.execution_options(yield_per=limit))
            own = (row if within is None else _own(row, within) for row in rows)
            found = list(islice((row for row in own if row is not None), limit))
            rows.close()
        return found

    def deliveries(self, actor: Actor, alert: str) -> Sequence[AlertDelivery]:
        """What went out of an alert, or is still tried."""
        with self._database.reading() as session:
            row = session.get(Alert, alert)
            if row is None:
                raise NotFoundError(f"Không có cảnh báo '{alert}'.", f"There is no alert '{alert}'.")
            actor.need(Right.READ, row.area_id)
            query = select(AlertDelivery).where(AlertDelivery.alert_id == alert)
            return session.scalars(query.order_by(AlertDelivery.created_at, AlertDelivery.id)).all()

    def retry(self, actor: Actor, alert: str) -> int:
        """Try again at once what has not arrived; returns how many."""
        with self._database.writing() as session:
            found = session.get(Alert, alert)
            if found is None:
                raise NotFoundError(f"Không có cảnh báo '{alert}'.", f"There is no alert '{alert}'.")
            actor.need(Right.OPERATE, found.area_id)
            rows = session.scalars(
                select(AlertDelivery).where(AlertDelivery.alert_id == alert, AlertDelivery.delivered_at.is_(None))
            ).all()
            if not rows:
                raise InvalidError("Không có tin nào cần gửi lại.", "Nothing of this alert waits to be sent again.")
            for row in rows:
                row.next_at, row.attempts = self._clock.now(), 0
            return len(rows)


def _own(alert: Alert, areas: frozenset[str]) -> Alert | None:
    """What concerns these areas of it. That somebody has everybody's reports in hand is not that these are."""
    if alert.rule != "report":
        return alert
    found = reports_within(alert.facts, areas)
    if found is None:
        return None
    size, facts = found
    fields = {column.key: getattr(alert, column.key) for column in Alert.__table__.columns}
    unknown = dict.fromkeys(("acknowledged_at", "acknowledged_by", "acknowledged_name", "note"))
    return Alert(**{**fields, **unknown, "size": size, "facts": facts})
