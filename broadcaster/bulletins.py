"""Bulletins: writing, editing, submitting. Any edit makes a new revision, voids the release and renders anew."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from broadcaster.areas import areas_on, require
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError
from broadcaster.identity import Signatory, new_id
from broadcaster.people import Actor, Right
from broadcaster.releases import find, void
from broadcaster.storage.database import Database
from broadcaster.storage.models import Bulletin, ClipRecord, Receiver, Schedule
from broadcaster.targets import Targets
from devices.wire.messages import Priority
from schedules.recurrence import Recurring
from schedules.rules import Once

TITLE_LIMIT = 300  # characters
TEXT_LIMIT = 50_000  # characters: about fifty minutes of speech
CARD_LIMIT = 2000  # characters


@dataclass(frozen=True)
class Draft:
    """What an editor gives: the whole of it, each time."""

    title: str
    text: str
    card_text: str | None  # None: the title
    field: str
    priority: Priority
    plan: tuple[tuple[Once | Recurring, Targets], ...]


class Bulletins:
    """The bulletins of a station."""

    def __init__(self, database: Database, clock: Clock, signatory: Signatory, *, changed: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._changed = changed

    def write(self, actor: Actor, draft: Draft) -> str:
        """A new draft; returns its id. It is rendered in the background at once."""
        actor.need(Right.EDIT)
        now = self._clock.now()
        bulletin = Bulletin(id=new_id(), author_id=actor.id, revision=1, state="draft", created_at=now)
        with self._database.writing() as session:
            self._fill(session, bulletin, draft)
            session.add(bulletin)
            session.flush()
            self._plan(session, bulletin.id, draft)
        self._changed()
        return bulletin.id

    def edit(self, actor: Actor, bulletin_id: str, draft: Draft, *, revision: int) -> int:
        """Replace the content; returns the new revision. Whoever edits becomes the author, so cannot release it.

        Raises ConflictError where somebody else edited since `revision`.
        """
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            bulletin = find(session, bulletin_id, changing=True)
            if bulletin.revision != revision:
                raise ConflictError(
                    f"Bản tin đã được sửa thành bản {bulletin.revision}. Hãy tải lại rồi sửa.",
                    f"The bulletin is at revision {bulletin.revision} by now. Load it again, then edit.",
                    revision=bulletin.revision,
                )
            void(
                session,
                bulletin_id,
                now=self._clock.now(),
                signatory=self._signatory,
                reason="bản tin đã được sửa / edited",
            )
            bulletin.revision += 1
            bulletin.author_id = actor.id
            bulletin.state = "draft"
            bulletin.state_reason = None
            self._fill(session, bulletin, draft)
            session.execute(delete(Schedule).where(Schedule.bulletin_id == bulletin_id))
            self._plan(session, bulletin_id, draft)
            after = bulletin.revision
        self._changed()
        return after

    def submit(self, actor: Actor, bulletin_id: str, *, revision: int) -> None:
        """Ask for release of this revision. Raises ConflictError unless it is a draft at that revision."""
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            bulletin = find(session, bulletin_id, changing=True)
            if bulletin.revision != revision or bulletin.state not in ("draft", "returned"):
                raise ConflictError(
                    "Chỉ gửi duyệt được bản nháp mới nhất. Hãy tải lại bản tin.",
                    f"Only the latest draft can be submitted; this is revision {bulletin.revision}, {bulletin.state}.",
                )
            if not session.scalar(select(Schedule.id).where(Schedule.bulletin_id == bulletin_id).limit(1)):
                raise ConflictError(
                    "Bản tin chưa có lịch phát. Chọn giờ và địa bàn rồi gửi lại.",
                    "The bulletin has no schedule yet. Choose times and areas, then submit.",
                )
            bulletin.state = "submitted"
            bulletin.updated_at = self._clock.now()
        self._changed()

    def withdraw(self, actor: Actor, bulletin_id: str, reason: str) -> None:
        """Take it off the air for good: its release is void, airings to come are cancelled."""
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            bulletin = find(session, bulletin_id, changing=True)
            void(session, bulletin_id, now=self._clock.now(), signatory=self._signatory, reason=reason)
            bulletin.state = "withdrawn"
            bulletin.state_reason = reason
            bulletin.updated_at = self._clock.now()
        self._changed()

    def _fill(self, session: Session, bulletin: Bulletin, draft: Draft) -> None:
        # NFC here, once: text in NFD would lose its circumflexes in speech, and would hash differently.
        title, text = (unicodedata.normalize("NFC", part).strip() for part in (draft.title, draft.text))
        card = unicodedata.normalize("NFC", draft.card_text or "").strip() or title
        for name, value, limit in (
            ("title", title, TITLE_LIMIT),
            ("text", text, TEXT_LIMIT),
            ("card_text", card, CARD_LIMIT),
        ):
            if not value:
                raise InvalidError(
                    "Bản tin chưa có tiêu đề hoặc nội dung.", f"The bulletin's {name} is empty.", field=name
                )
            if len(value) > limit:
                raise InvalidError(
                    f"Quá dài: {len(value)} ký tự, tối đa {limit}. Hãy chia thành nhiều bản tin.",
                    f"The bulletin's {name} has {len(value)} characters; {limit} is the limit. Split it.",
                    field=name,
                )
        areas = areas_on(session, self._clock.now().date())
        for _, targets in draft.plan:
            require(areas, targets.areas)
            for receiver in (*targets.receivers, *targets.excluded):
                if session.get(Receiver, receiver) is None:
                    raise InvalidError(f"Không có thiết bị '{receiver}'.", f"There is no receiver '{receiver}'.")
        spoken_before = (bulletin.title, bulletin.text) if bulletin.rendering == "done" else None
        bulletin.title, bulletin.text, bulletin.card_text = title, text, card
        bulletin.field, bulletin.priority = draft.field, draft.priority
        bulletin.updated_at = self._clock.now()
        if spoken_before != (title, text):  # a new time or place needs no new speech
            bulletin.rendering = "pending"
            bulletin.rendering_error_vi = bulletin.rendering_error_en = None
            bulletin.clip_sha256 = bulletin.script_sha256 = None

    def _plan(self, session: Session, bulletin_id: str, draft: Draft) -> None:
        for rule, targets in draft.plan:
            session.add(
                Schedule(
                    id=new_id(),
                    bulletin_id=bulletin_id,
                    rule=rule.model_dump(mode="json"),
                    targets=targets.model_dump(mode="json"),
                    created_at=self._clock.now(),
                )
            )


def newest(session: Session, *, limit: int, before: str | None = None) -> Sequence[tuple[Bulletin, ClipRecord | None]]:
    """A page of bulletins with their clips, newest first, before the bulletin with id `before`."""
    query = select(Bulletin, ClipRecord).outerjoin(ClipRecord, ClipRecord.sha256 == Bulletin.clip_sha256)
    if before is not None:
        last = find(session, before)
        query = query.where(tuple_(Bulletin.created_at, Bulletin.id) < (last.created_at, last.id))
    rows = session.execute(query.order_by(Bulletin.created_at.desc(), Bulletin.id.desc()).limit(limit))
    return [(bulletin, clip) for bulletin, clip in rows]
