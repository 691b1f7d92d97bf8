"""The audit log: who did what, when, from where, before and after; chained with the as-run log (decision 0021).

`note` is the one way in. What it is told stands in the transaction of what was done, both or neither; it is chained as the transaction's
last step, so that nobody waits for the chain's head longer than a write takes.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from broadcaster import asrun
from broadcaster.canonical import sha256_of
from broadcaster.clock import Clock
from broadcaster.identity import Signatory
from broadcaster.people import ACCOUNT, Actor, Right
from broadcaster.reach import common
from broadcaster.storage.database import Database, without_nul
from broadcaster.storage.models import AuditEntry, Base, EarlierAuditEntry

LONGEST = 2000
"""Characters; what is longer is named by its hash and its length."""
_NEVER = ("password", "secret", "token", "document", "totp", "code_hash", "transcript", "public_key", "seal_key")
"""Parts of the names of columns that are not copied: what must stay secret, and what is large and of no use to people."""
_PENDING = "audit"
_FORMER = {"areas-added": "area-added"}
"""Actions that had another name once: entries keep the one under which they were chained."""
_CHAINED = tuple(column.key for column in AuditEntry.__table__.columns if column.key not in ("hash", "previous_hash"))


def state(row: Base | None) -> dict[str, Any] | None:
    """A row as the audit log keeps it: without secrets."""
    if row is None:
        return None
    columns = [column.key for column in row.__mapper__.columns]
    return {name: _plain(getattr(row, name)) for name in columns if not any(part in name for part in _NEVER)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str) and len(value) > LONGEST:
        return {"characters": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest()}
    return value


def note(
    session: Session,
    actor: Actor | None,
    action: str,
    subject: str,
    *,
    at: datetime,
    areas: Iterable[str | None],
    right: Right | None = None,
    reason: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add an entry in the transaction of what was done: both are kept, or neither.

    `actor`: None for whoever holds the station's folder. `areas`: what it concerned; None among them: the whole station. `right`: what it
    needed, where a deputy may have it: then the entry says in whose place it was done. Of `before` and `after` what differs is kept.
    """
    areas = list(areas)
    if right is not None and actor is not None and (deputed := actor.in_place_of(right, *areas)):
        details = {**(details or {}), "in_place_of": [each.facts() for each in deputed]}
    if before is not None and after is not None:
        changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        before, after = ({name: each.get(name) for name in changed} for each in (before, after))
    session.info.setdefault(_PENDING, []).append(
        {
            "at": at,
            "actor_id": actor.id if actor else "",
            "actor_name": actor.name if actor else "",
            "address": actor.address if actor else "",
            "action": action,
            "subject": subject,
            "area_id": common(session, areas, at.date()),
            "reason": without_nul(reason),  # whoever writes many rows at once looks at none
            "before": dict(before) if before is not None else None,
            "after": dict(after) if after is not None else None,
            "details": details,
        }
    )


def entry_hash(previous: str, entry: Mapping[str, Any]) -> str:
    """SHA-256 over the hash before and the canonical JSON of the entry, which no row of receipts can be taken for."""
    fields = {name: entry[name] for name in _CHAINED}
    return sha256_of([previous, {"entry": {**fields, "at": asrun.instant(fields["at"])}}])


def keep(database: Database, signatory: Signatory, clock: Clock) -> None:
    """From now on chain what is noted in this database's transactions."""

    def chain(session: Session) -> None:
        entries = session.info.pop(_PENDING, [])
        session.flush()
        asrun.chain(session, AuditEntry, entries, entry_hash, signatory=signatory, now=clock.now())

    database.last_of_all.append(chain)


def take_in(database: Database) -> None:
    """Chain what was noted before there was a chain: at its end, with the instants at which it was noted."""
    with database.writing() as session:
        for row in session.scalars(select(EarlierAuditEntry).order_by(EarlierAuditEntry.id)):
            session.info.setdefault(_PENDING, []).append(
                {
                    **{name: getattr(row, name) for name in ("at", "actor_id", "actor_name", "action", "subject")},
                    "address": "",
                    "area_id": None,
                    "reason": row.reason,
                    "before": None,
                    "after": None,
                    "details": row.details,
                }
            )
        session.execute(delete(EarlierAuditEntry))


def known_as(action: str) -> str:
    """The name that an action has today."""
    return _FORMER.get(action, action)


def as_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry for export."""
    fields = {column.key: getattr(entry, column.key) for column in AuditEntry.__table__.columns}
    return {**fields, "at": asrun.instant(entry.at)}


@dataclass(frozen=True)
class AuditQuery:
    """What is looked for; what is None is not asked."""

    since: datetime | None = None
    until: datetime | None = None  # before this instant
    person: str | None = None  # the id of whoever did it
    action: str | None = None  # whole, or its first words: `bulletin` finds bulletin-edited
    area: frozenset[str] | None = None  # one of these
    subject: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """For a SELECT of the audit log."""
        found: list[ColumnElement[bool]] = []
        if self.since is not None:
            found.append(AuditEntry.at >= self.since)
        if self.until is not None:
            found.append(AuditEntry.at < self.until)
        if self.person is not None:
            found.append(AuditEntry.actor_id == self.person)
        if self.action is not None:
            begins = AuditEntry.action.startswith(f"{self.action}-", autoescape=True)
            former = [old for old, new in _FORMER.items() if new == self.action or new.startswith(f"{self.action}-")]
            found.append((AuditEntry.action == self.action) | begins | AuditEntry.action.in_(former))
        if self.area is not None:
            found.append(AuditEntry.area_id.in_(self.area))
        if self.subject is not None:
            found.append(AuditEntry.subject == self.subject)
        return found


def page(session: Session, actor: Actor, query: AuditQuery, *, after: int | None, limit: int) -> list[AuditEntry]:
    """Entries that this person may see, the newest first, from behind the entry `after` on.

    What was done in one's own area; of accounts only by its administrators, or one's own.
    """
    actor.need(Right.READ)
    rows = select(AuditEntry).where(*query.conditions()).order_by(AuditEntry.seq.desc()).limit(limit)
    for right, where in ((Right.READ, None), (Right.ADMINISTER, AuditEntry.action.startswith(f"{ACCOUNT}-"))):
        own = actor.within(right)
        if own is None:
            continue
        allowed = AuditEntry.area_id.in_(own) | (AuditEntry.actor_id == actor.id)
        rows = rows.where(allowed if where is None else allowed | ~where)
    if after is not None:
        rows = rows.where(AuditEntry.seq < after)
    return list(session.scalars(rows))
