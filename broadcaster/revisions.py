"""Revisions: what a bulletin was each time somebody else could come to read it, and how two of them differ."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from broadcaster.storage.models import Bulletin, BulletinRevision, Person, Schedule, SettlementRecord

TOGETHER = timedelta(minutes=10)
"""Revisions of one author within so long are one act of writing, unless somebody was asked about one of them."""
_WORDS = re.compile(r"\S+\s*|\s+")
_MOST_WORDS = 2_000
"""Longer stretches are compared as wholes: comparing word by word takes the square of their number."""


def keep(session: Session, bulletin: Bulletin, *, at: datetime) -> None:
    """Write down the present revision, whose rows are flushed."""
    session.execute(
        delete(BulletinRevision).where(
            BulletinRevision.bulletin_id == bulletin.id,
            BulletinRevision.author_id == bulletin.author_id,
            BulletinRevision.submitted_at.is_(None),
            BulletinRevision.saved_at > at - TOGETHER,
        )
    )
    schedules = session.execute(select(Schedule.rule, Schedule.targets).where(Schedule.bulletin_id == bulletin.id))
    settled = session.execute(
        select(SettlementRecord.written, SettlementRecord.reading).where(
            SettlementRecord.bulletin_id == bulletin.id, SettlementRecord.ended_at.is_(None)
        )
    )
    content = {name: getattr(bulletin, name) for name in ("title", "text", "card_text", "field", "priority")}
    content["plan"] = [{"rule": rule, "targets": targets} for rule, targets in schedules]
    content["readings"] = sorted([written, reading] for written, reading in settled)
    session.add(
        BulletinRevision(
            bulletin_id=bulletin.id,
            revision=bulletin.revision,
            author_id=bulletin.author_id,
            saved_at=at,
            content=content,
        )
    )


def submitted(session: Session, bulletin: Bulletin, *, at: datetime) -> None:
    """Somebody is asked about the present revision: it stays."""
    session.execute(
        update(BulletinRevision)
        .where(BulletinRevision.bulletin_id == bulletin.id, BulletinRevision.revision == bulletin.revision)
        .values(submitted_at=at)
    )


def history(session: Session, bulletin_id: str) -> Sequence[tuple[BulletinRevision, str]]:
    """The revisions that are kept with their authors' names, the newest first."""
    rows = session.execute(
        select(BulletinRevision, Person.name)
        .join(Person, Person.id == BulletinRevision.author_id)
        .where(BulletinRevision.bulletin_id == bulletin_id)
        .order_by(BulletinRevision.revision.desc())
    )
    return [(row, name) for row, name in rows]


def asked_before(session: Session, bulletin: Bulletin) -> BulletinRevision | None:
    """The last revision before the present one that somebody was asked about: what an approver may have seen."""
    return session.scalar(
        select(BulletinRevision)
        .where(
            BulletinRevision.bulletin_id == bulletin.id,
            BulletinRevision.revision < bulletin.revision,
            BulletinRevision.submitted_at.is_not(None),
        )
        .order_by(BulletinRevision.revision.desc())
        .limit(1)
    )


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a text that both have, or only the newer, or only the older."""

    kind: Literal["same", "added", "removed"]
    text: str


def differences(before: str, after: str) -> list[Stretch]:
    """The newer text with what came and what went, by words within lines."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Stretch] = []
    for tag, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(Stretch("same", "".join(new[start:end])))
        else:
            for one, other in zip_longest(old[first:last], new[start:end], fillvalue=""):
                found += _by_words(one, other)
    return list(_joined(found))


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[tuple[str, list[Stretch]]]:
    """What differs between two revisions, part by part; all of it where there is none before."""
    found = []
    for part in ("title", "text", "card_text"):
        old, new = (before or {}).get(part, ""), after[part]
        if before is None or old != new:
            found.append((part, differences(old, new) if before is not None else [Stretch("same", new)]))
    return found


def _by_words(before: str, after: str) -> Iterator[Stretch]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > _MOST_WORDS:
        yield from (Stretch("removed", before), Stretch("added", after))
        return
    for tag, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Stretch("same", "".join(new[start:end]))
        else:
            yield from (Stretch("removed", "".join(old[first:last])), Stretch("added", "".join(new[start:end])))


def _joined(found: Sequence[Stretch]) -> Iterator[Stretch]:
    """Without the empty, and neighbours of a kind as one."""
    waiting: Stretch | None = None
    for each in found:
        if not each.text:
            continue
        if waiting is not None and waiting.kind == each.kind:
            waiting = Stretch(each.kind, waiting.text + each.text)
        else:
            if waiting is not None:
                yield waiting
            waiting = each
    if waiting is not None:
        yield waiting
