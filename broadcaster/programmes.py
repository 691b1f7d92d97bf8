"""Programmes (chuyên mục): a standing column owns slots and a queue; what is released for it airs in them in order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.areas import areas_on, day_of, require
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError, NotFoundError, StaleError
from broadcaster.groups import areas_in, expanded
from broadcaster.lawful import require_lawful
from broadcaster.people import Actor, Right
from broadcaster.slots import Columns
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Airing, Bulletin, Campaign, ProgrammeRecord, ProgrammeWarning
from broadcaster.targets import Targets
from broadcaster.whereabouts import place_bulletin
from schedules.programmes import Fallback, Programme, Queued


@dataclass(frozen=True)
class Part:
    """A call, a bulletin or a closing. `airing` is None while it is only foreseen."""

    kind: Literal["call", "item", "closing"]
    bulletin: str
    title: str
    starts_at: datetime
    duration: timedelta
    airing: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class ProgrammeSession:
    """What airs in a slot, or would by what is queued now; nothing if it has no parts. `fallback`: nothing was queued. `too_long`: bulletins that it
    cannot hold."""

    slot_at: datetime
    parts: tuple[Part, ...]
    planned: bool
    fallback: Fallback | None = None
    too_long: tuple[str, ...] = ()

    @property
    def length(self) -> timedelta:
        """From the first instant to the last, pauses included."""
        if not self.parts:
            return timedelta()
        return self.parts[-1].starts_at + self.parts[-1].duration - self.parts[0].starts_at


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
            row = session.get(ProgrammeRecord, programme.id, with_for_update=HELD)
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
            for bulletin in programme.frame:
                found = session.get(Bulletin, bulletin)
                if found is None or found.priority == "emergency":
                    raise InvalidError(
                        f"Không có bản tin '{bulletin}' để mở đầu hoặc kết thúc buổi phát.",
                        f"There is no bulletin '{bulletin}' to open or close a session with.",
                        field="call" if bulletin == programme.call else "closing",
                    )
            held = expanded(session, targets.model_dump(mode="json"))
            places = Targets.model_validate(held)
            require(areas_on(session, day_of(now, self._zone)), (*places.areas, *places.excluded_areas))
            actor.need(Right.RELEASE, *areas_in(session, [held, *([row.targets] if row else [])]))
            self._require_lawful(session, programme, held, now)
            before = audit.state(row) or {}
            if row is None:
                row = ProgrammeRecord(id=programme.id, revision=0)
                session.add(row)
            row.name, row.rules, row.targets = programme.name, programme.model_dump(mode="json"), held
            row.revision += 1
            row.changed_by, row.changed_at = actor.id, now
            session.flush()
            for queued in session.scalars(select(Bulletin).where(Bulletin.programme_id == row.id)):
                place_bulletin(session, queued)
            after = audit.state(row)
            where = areas_in(session, [held])
            audit.note(
                session,
                actor,
                "programme-saved",
                row.id,
                at=now,
                areas=where,
                right=Right.RELEASE,
                before=before,
                after=after,
            )
            made = row.revision
        self._changed()
        return made

    def end(self, actor: Actor, programme: str) -> None:
        """It owns no slots any more; what is planned airs still."""
        actor.need(Right.RELEASE)
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get(ProgrammeRecord, programme, with_for_update=HELD)
            if row is None:
                raise NotFoundError(f"Không có chuyên mục '{programme}'.", f"There is no programme '{programme}'.")
            where = areas_in(session, [row.targets])
            actor.need(Right.RELEASE, *where)
            row.ended_at = row.ended_at or now
            audit.note(session, actor, "programme-ended", row.id, at=now, areas=where, right=Right.RELEASE)

    def all(self, actor: Actor) -> Sequence[ProgrammeRecord]:
        """The programmes that have not ended, by name."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            query = select(ProgrammeRecord).where(ProgrammeRecord.ended_at.is_(None)).order_by(ProgrammeRecord.name)
            return session.scalars(query).all()

    def queue(self, actor: Actor, programme: str) -> list[tuple[Queued, str]]:
        """What is released for it, in the order of release, with its titles. Raises NotFoundError."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            columns = self._columns(session, actor, programme)
            queue = sorted(columns.queues[programme], key=lambda queued: queued.released_at)
            return [(queued, columns.contents[queued.bulletin]["title"]) for queued in queue]

    def sessions(self, actor: Actor, programme: str, *, ahead: timedelta) -> list[ProgrammeSession]:
        """Its sessions to come: those that are planned, and what would air in the other slots by what is queued now. Raises NotFoundError."""
        actor.need(Right.READ)
        now = self._clock.now()
        with self._database.reading() as session:
            columns = self._columns(session, actor, programme)
            taken = columns.taken(now)
            found = list(_planned(session, columns.programmes[programme], now, now + ahead))
            known = {each.slot_at for each in found}
            for each in columns.sessions(now, now + ahead, taken=taken):
                filling = each.filling
                if filling.programme != programme or filling.at in known:
                    continue
                parts = []
                for entry in each.order.entries if each.order is not None else ():
                    bulletin = each.bulletin(entry, columns.programmes[programme])
                    title = columns.contents[bulletin]["title"]
                    parts.append(Part(entry.kind, bulletin, title, entry.start, entry.duration))
                found.append(
                    ProgrammeSession(
                        filling.at, tuple(parts), planned=False, fallback=filling.fallback, too_long=filling.too_long
                    )
                )
        return sorted(found, key=lambda each: each.slot_at)

    @staticmethod
    def _columns(session: Session, actor: Actor, programme: str) -> Columns:
        columns = Columns(session)
        if programme not in columns.programmes:
            raise NotFoundError(f"Không có chuyên mục '{programme}'.", f"There is no programme '{programme}'.")
        actor.need_sight(areas_in(session, [columns.records[programme].targets]))
        columns.read_queues()
        return columns

    def _require_lawful(self, session: Session, programme: Programme, targets: dict[str, Any], now: datetime) -> None:
        """Its slots, as full as they may be, are within the policies of where it airs. Raises PolicyError."""
        content = {
            "title": programme.name,
            "priority": "routine",
            "schedules": [
                {
                    "id": f"slot-{number}",
                    "rule": slot.rule.model_dump(mode="json"),
                    "targets": targets,
                    "duration_ms": slot.seconds * 1000,
                }
                for number, slot in enumerate(programme.slots)
            ],
        }
        require_lawful(session, content, now=now, zone=self._zone, programme=programme.id)

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


def require_room(session: Session, programme: str | None, length: timedelta) -> None:
    """Raise ConflictError for a bulletin that is longer than every slot of its programme, where it would wait for ever."""
    row = session.get(ProgrammeRecord, programme) if programme is not None else None
    longest = max((slot["seconds"] for slot in row.rules["slots"]), default=None) if row is not None else None
    if longest is not None and length > timedelta(seconds=longest):
        seconds = -(-length // timedelta(seconds=1))
        raise ConflictError(
            f"Bản tin dài {seconds} giây, khung giờ dài nhất của chuyên mục chỉ {longest} giây. Hãy rút ngắn hoặc chia thành nhiều bản tin.",
            f"The bulletin takes {seconds} s, the programme's longest slot has {longest} s. Shorten it, or split it.",
        )


def _planned(session: Session, programme: Programme, start: datetime, end: datetime) -> Iterator[ProgrammeSession]:
    """Sessions that have their airings."""
    parts: dict[datetime, list[Part]] = {}
    query = (
        select(Airing)
        .where(
            Airing.programme_id == programme.id,
            Airing.slot_at > start,
            Airing.slot_at < end,
            Airing.state != "cancelled",
        )
        .order_by(Airing.due_at, Airing.id)
    )
    kinds: dict[str | None, Literal["call", "closing"]] = {programme.closing: "closing", programme.call: "call"}
    for row in session.scalars(query):
        part = Part(
            kinds.get(row.bulletin_id, "item"),
            row.bulletin_id,
            row.title,
            row.starts_at or row.due_at,
            timedelta(milliseconds=row.duration_ms),
            row.id,
            row.state,
        )
        parts.setdefault(row.slot_at or row.due_at, []).append(part)
    for at, found in parts.items():
        yield ProgrammeSession(at, tuple(sorted(found, key=lambda part: part.starts_at)), planned=True)
