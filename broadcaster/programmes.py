"""Programmes (chuyên mục): a standing column owns slots and a queue; what is released for it airs in them in order."""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.areas import areas_on, day_of, require
from broadcaster.clock import Clock
from broadcaster.errors import InvalidError, NotFoundError, StaleError
from broadcaster.groups import areas_in, expanded
from broadcaster.identity import id_of
from broadcaster.people import Actor, Right
from broadcaster.storage.database import Database
from broadcaster.storage.models import Airing, Bulletin, Campaign, ProgrammeRecord, ProgrammeWarning, Release
from broadcaster.targets import Targets
from broadcaster.whereabouts import place_bulletin
from schedules.priorities import Item
from schedules.programmes import Filling, Programme, Queued, Slot, fill, warning
from schedules.refusals import clock as said_time
from schedules.sessions import SessionForm, run

WARNED_AHEAD = timedelta(hours=24)
"""So long before an empty slot its editor is told."""
FALLBACK_AHEAD = timedelta(hours=6)
"""So long before an empty slot its fallback goes out; until then it waits for a bulletin."""


class Programmes:
    """The programmes of a station. Their slots are times and places, so an approver sets them."""

    def __init__(self, database: Database, clock: Clock, *, zone: str, changed: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._changed = changed

    def save(self, actor: Actor, programme: Programme, targets: Targets, *, revision: int) -> int:
        """A new programme (`revision` 0), or another content for one; returns the new revision. What is planned already stays."""
        actor.need(Right.RELEASE)
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get(ProgrammeRecord, programme.id, with_for_update=True)
            if (row.revision if row else 0) != revision or (row is not None and row.ended_at is not None):
                raise StaleError(
                    "Chuyên mục đã được sửa, đã kết thúc, hoặc mã đã dùng. Hãy tải lại.",
                    "The programme was changed meanwhile, has ended, or its id is taken. Load it again.",
                )
            if (
                programme.fallback_programme is not None
                and session.get(ProgrammeRecord, programme.fallback_programme) is None
            ):
                raise InvalidError(
                    f"Không có chuyên mục '{programme.fallback_programme}'.",
                    f"There is no programme '{programme.fallback_programme}'.",
                    field="fallback_programme",
                )
            held = expanded(session, targets.model_dump(mode="json"))
            require(areas_on(session, day_of(now, self._zone)), Targets.model_validate(held).areas)
            actor.need(Right.RELEASE, *areas_in(session, [held, *([row.targets] if row else [])]))
            before = audit.state(row) or {}
            if row is None:
                row = ProgrammeRecord(id=programme.id, revision=0)
                session.add(row)
            row.name, row.rules, row.targets = programme.name, programme.model_dump(mode="json"), held
            row.revision += 1
            row.changed_by, row.changed_at = actor.id, now
            session.flush()
            for bulletin in session.scalars(select(Bulletin).where(Bulletin.programme_id == row.id)):
                place_bulletin(session, bulletin)
            after = audit.state(row)
            where = areas_in(session, [held])
            audit.note(session, actor, "programme-saved", row.id, at=now, areas=where, before=before, after=after)
            made = row.revision
        self._changed()
        return made

    def end(self, actor: Actor, programme: str) -> None:
        """It owns no slots any more; what is planned airs still."""
        actor.need(Right.RELEASE)
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get(ProgrammeRecord, programme, with_for_update=True)
            if row is None:
                raise NotFoundError(f"Không có chuyên mục '{programme}'.", f"There is no programme '{programme}'.")
            where = areas_in(session, [row.targets])
            actor.need(Right.RELEASE, *where)
            row.ended_at = row.ended_at or now
            audit.note(session, actor, "programme-ended", row.id, at=now, areas=where)

    def all(self, actor: Actor) -> Sequence[ProgrammeRecord]:
        """The programmes that have not ended, by name."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            query = select(ProgrammeRecord).where(ProgrammeRecord.ended_at.is_(None)).order_by(ProgrammeRecord.name)
            return session.scalars(query).all()

    def warnings(self, actor: Actor) -> Sequence[ProgrammeWarning]:
        """Slots to come for which nothing is queued."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            filled = select(Airing.id).where(
                Airing.programme_id == ProgrammeWarning.programme_id,
                Airing.slot_at == ProgrammeWarning.slot_at,
                Airing.state != "cancelled",
            )
            query = select(ProgrammeWarning).where(ProgrammeWarning.slot_at > self._clock.now(), ~filled.exists())
            return session.scalars(query.order_by(ProgrammeWarning.slot_at)).all()


def require_belonging(session: Session, programme: str | None, campaign: str | None, group: str | None) -> None:
    """Raise InvalidError unless there are such a programme, campaign and content group of it."""
    if programme is not None:
        row = session.get(ProgrammeRecord, programme)
        if row is None or row.ended_at is not None:
            raise InvalidError(
                f"Không có chuyên mục '{programme}'.", f"There is no programme '{programme}'.", field="programme"
            )
    if campaign is None:
        if group is not None:
            raise InvalidError(
                "Nhóm nội dung cần đợt tuyên truyền.", "A content group needs a campaign.", field="campaign"
            )
        return
    found = session.get(Campaign, campaign)
    if found is None or (group is not None and group not in found.content_groups):
        raise InvalidError(
            "Không có đợt tuyên truyền hoặc nhóm nội dung này.",
            "There is no such campaign, or no such content group in it.",
            field="campaign",
        )


def fill_slots(session: Session, now: datetime, *, zone: str, ahead: timedelta) -> None:
    """What the planner does for programmes: slots within the horizon take what is queued; empty ones warn, then fall back."""
    rows = session.scalars(
        select(ProgrammeRecord).where(ProgrammeRecord.ended_at.is_(None)).order_by(ProgrammeRecord.id)
    ).all()
    if not rows:
        return
    programmes = {row.id: Programme.model_validate({**row.rules, "id": row.id}) for row in rows}
    records = {row.id: row for row in rows}
    taken = set(
        session.execute(
            select(Airing.programme_id, Airing.slot_at).where(
                Airing.programme_id.in_(programmes), Airing.slot_at > now, Airing.state != "cancelled"
            )
        ).all()
    )
    open_: list[tuple[datetime, str, Slot]] = [
        (at, name, slot)
        for name, programme in programmes.items()
        for slot in programme.slots
        for at in slot.rule.instants(now, now + ahead)
        if at > now and (name, at) not in taken
    ]
    if not open_:
        return
    queues, releases = _queues(session, list(programmes))
    for at, name, slot in sorted(open_, key=lambda found: (found[0], found[1])):
        filling = fill(programmes[name], slot, at, queues, programmes)
        if filling.fallback is not None and at - now <= WARNED_AHEAD:
            _warn(session, filling, records[name].name, now, zone)
        if filling.fallback is None or at - now <= FALLBACK_AHEAD:
            _air(session, filling, records[name], releases)
            chosen = {queued.bulletin for queued in filling.bulletins}
            for queue in queues.values():
                queue[:] = [
                    replace(each, aired=(*each.aired, at)) if each.bulletin in chosen else each for each in queue
                ]


def _queues(session: Session, programmes: list[str]) -> tuple[dict[str, list[Queued]], dict[str, Release]]:
    """What is released for each programme, with when it aired there; and the releases, by bulletin."""
    aired: dict[str, list[datetime]] = defaultdict(list)
    for name, at in session.execute(
        select(Airing.bulletin_id, Airing.slot_at).where(
            Airing.programme_id.in_(programmes), Airing.state != "cancelled"
        )
    ):
        if at is not None and at not in aired[name]:
            aired[name].append(at)
    queues: dict[str, list[Queued]] = {name: [] for name in programmes}
    releases: dict[str, Release] = {}
    # Held, so that a release that is being voided fills no slot.
    for release, bulletin in session.execute(
        select(Release, Bulletin)
        .join(Bulletin, Bulletin.id == Release.bulletin_id)
        .where(Release.voided_at.is_(None), Bulletin.programme_id.in_(programmes))
        .order_by(Release.id)
        .with_for_update(of=Release)
    ):
        content = json.loads(release.content)
        queues[bulletin.programme_id or ""].append(
            Queued(
                bulletin=bulletin.id,
                released_at=release.released_at,
                duration=timedelta(milliseconds=content["clip"]["duration_ms"]),
                priority=content["priority"],
                aired=tuple(sorted(aired[bulletin.id])),
            )
        )
        releases[bulletin.id] = release
    return queues, releases


def _air(session: Session, filling: Filling, record: ProgrammeRecord, releases: dict[str, Release]) -> None:
    # A session in its own right: by class, with a breath between its items.
    items = [
        Item(
            id=queued.bulletin,
            due_at=filling.at,
            duration=queued.duration,
            priority=queued.priority,
            issued_at=queued.released_at,
        )
        for queued in filling.bulletins
    ]
    order = run(SessionForm(), filling.at, items)
    rows: list[dict[str, Any]] = []
    for item in order.items if order is not None else ():
        release, due = releases[item.id], item.due_at
        content = json.loads(release.content)
        rows.append(
            {
                "id": id_of("airing", release.id, record.id, due.isoformat()),
                "schedule_id": None,
                "release_id": release.id,
                "bulletin_id": item.id,
                "due_at": due,
                "state": "planned",
                "title": content["title"],
                "priority": content["priority"],
                "clip_sha256": content["clip"]["sha256"],
                "duration_ms": content["clip"]["duration_ms"],
                "targets": record.targets,
                "drill": False,
                "programme_id": record.id,
                "slot_at": filling.at,
                "campaign_id": content.get("campaign"),
                "content_group": content.get("content_group"),
                "interrupted": content.get("interrupted", "drop"),
            }
        )
    known = set(session.scalars(select(Airing.id).where(Airing.id.in_([row["id"] for row in rows]))))
    if fresh := [row for row in rows if row["id"] not in known]:
        session.execute(insert(Airing), fresh)


def _warn(session: Session, filling: Filling, name: str, now: datetime, zone: str) -> None:
    if session.get(ProgrammeWarning, (filling.programme, filling.at)) is not None:
        return
    local = ZoneInfo(zone)
    session.add(
        ProgrammeWarning(
            programme_id=filling.programme,
            slot_at=filling.at,
            warned_at=now,
            vi=warning(filling, name, said_time(filling.at, local, "vi"), "vi"),
            en=warning(filling, name, said_time(filling.at, local, "en"), "en"),
        )
    )
