"""What entries of the audit trail are about, by the names that people know; what is gone keeps its id."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from broadcaster.audit import known_as
from broadcaster.storage.models import (
    Airing,
    Area,
    AuditEntry,
    Bulletin,
    Campaign,
    Emergency,
    EmergencyTemplate,
    Person,
    ProgrammeRecord,
    Receiver,
    ReceiverGroup,
    Recording,
    Reorganisation,
)

Column = InstrumentedAttribute[str]
_NAMES: dict[str, tuple[Column, Column]] = {
    "account": (Person.id, Person.name),
    "airing": (Airing.id, Airing.title),
    "area": (Area.id, Area.name),
    "bulletin": (Bulletin.id, Bulletin.title),
    "campaign": (Campaign.id, Campaign.name),
    "group": (ReceiverGroup.id, ReceiverGroup.name),
    "policy": (Area.id, Area.name),
    "programme": (ProgrammeRecord.id, ProgrammeRecord.name),
    "receiver": (Receiver.id, Receiver.name),
    "recording": (Recording.sha256, Recording.name),
    "reorganisation": (Reorganisation.id, Reorganisation.title),
    "sound": (Area.id, Area.name),
    "template": (EmergencyTemplate.id, EmergencyTemplate.name),
}
"""Id and name of what an action is about, by the action's first word."""


def names_of(session: Session, rows: Iterable[AuditEntry]) -> dict[int, str]:
    """The name of each entry's subject, by the entry's number, where there is one."""
    by_kind: dict[str, dict[int, str]] = {}
    for row in rows:
        by_kind.setdefault(known_as(row.action).partition("-")[0], {})[row.seq] = row.subject
    found: dict[int, str] = {}
    for kind, subjects in by_kind.items():
        if kind == "emergency":
            query = select(Emergency.id, Bulletin.title).join(Bulletin, Bulletin.id == Emergency.bulletin_id)
            known = dict(session.execute(query.where(Emergency.id.in_(subjects.values()))).all())
        elif kind in _NAMES:
            key, name = _NAMES[kind]
            known = dict(session.execute(select(key, name).where(key.in_(subjects.values()))).all())
        else:
            continue
        found |= {seq: known[subject] for seq, subject in subjects.items() if known.get(subject)}
    return found
