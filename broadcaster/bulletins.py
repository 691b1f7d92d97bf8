"""Bulletins: writing, editing, submitting. Any edit makes a new revision, voids the release and renders anew."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from audio.script import kept
from broadcaster import audit, revisions
from broadcaster.areas import areas_on, day_of, require
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError, StaleError
from broadcaster.groups import expanded
from broadcaster.identity import Signatory, id_of, new_id
from broadcaster.letters import plain
from broadcaster.people import Actor, Right
from broadcaster.programmes import require_belonging, require_room
from broadcaster.quality import require_quality
from broadcaster.recordings import require_recordings
from broadcaster.releases import find, schedules_of, void
from broadcaster.sound import AS_ABOVE, Sound
from broadcaster.speech import (
    WAITING,
    Speaking,
    Version,
    is_of,
    require_certain_call,
    settled_alike,
    speak_anew,
)
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Bulletin, ClipRecord, Person, Receiver, ReceiverGroup, Schedule
from broadcaster.targets import Targets
from broadcaster.whereabouts import areas_of, heard_in, place_bulletin, visible_to
from devices.cards.layout import CardError, Panel
from devices.cards.layout import check as check_card
from devices.wire.messages import Card, Priority
from schedules.priorities import AfterInterruption
from schedules.recurrence import Recurring
from schedules.rules import RULE, AtOnce, Once, Repeating

TITLE_LIMIT = 300  # characters
TEXT_LIMIT = 50_000  # characters: about fifty minutes of speech
CARD_LIMIT = 2000  # characters
SHORTEST_CARD_MS = 5_000
"""A card is shown for as long as its clip, which is not made yet: it must be readable with the shortest."""
SMALLEST_PANEL = Panel(192, 32)
LOOK_AHEAD = timedelta(days=366)
"""How far ahead a rule's next airing is looked for, to tell on which day its places have to stand."""


@dataclass(frozen=True)
class Draft:
    """What an editor gives: the whole of it, each time."""

    title: str
    text: str
    card_text: str | None  # None: the title
    field: str
    priority: Priority
    plan: tuple[tuple[Once | Recurring | Repeating | AtOnce, Targets], ...]
    recording: str | None = None  # an uploaded recording, heard in place of title and text
    versions: tuple[Version, ...] = ()
    sound: Sound = AS_ABOVE
    interrupted: AfterInterruption = "drop"  # what becomes of it when a higher class ends it
    programme: str | None = None
    expires_at: datetime | None = None  # after it, it airs neither out of the queue nor behind a later session
    campaign: str | None = None
    content_group: str | None = None
    area: str | None = None  # whose it is; None: its author's at first, then as it was

    def told(self) -> "Draft":
        """The same as it is kept: to tell whether anything differs."""
        title, text = kept(self.title), kept(self.text)
        plan = sorted(self.plan, key=lambda item: item[0].model_dump_json() + item[1].model_dump_json())
        return replace(
            self,
            title=title,
            text=text,
            card_text=kept(self.card_text or "") or title,
            plan=tuple(plan),
            versions=tuple(version.as_kept() for version in self.versions),
        )


def draft_of(session: Session, bulletin: Bulletin) -> Draft:
    """What an editor gave for its present revision."""
    return Draft(
        title=bulletin.title,
        text=bulletin.text,
        card_text=bulletin.card_text,
        field=bulletin.field,
        priority=bulletin.priority,  # type: ignore[arg-type]  # one of the three
        plan=tuple(
            (RULE.validate_python(row.rule), Targets.model_validate(row.targets))
            for row in schedules_of(session, bulletin.id)
        ),
        recording=bulletin.recording_sha256,
        versions=tuple(Version(**version) for version in bulletin.versions),
        sound=Sound.model_validate(bulletin.sound),
        interrupted=bulletin.interrupted,  # type: ignore[arg-type]  # one of those of the core
        programme=bulletin.programme_id,
        expires_at=bulletin.expires_at,
        campaign=bulletin.campaign_id,
        content_group=bulletin.content_group,
        area=bulletin.area_id,
    )


def written_as(actor: Actor, key: str) -> str:
    """The id of the bulletin that this person writes under this key."""
    return id_of("bulletin", actor.id, key)


class Bulletins:
    """The bulletins of a station."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signatory: Signatory,
        speaking: Speaking,
        *,
        zone: str,
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._speaking = speaking
        self._zone = zone
        self._changed = changed

    def write(self, actor: Actor, draft: Draft, *, key: str | None = None) -> str:
        """A new draft; returns its id. It is rendered in the background at once.

        `key` names what this person is writing: however often it is sent, there is one bulletin of it, as it was written first.
        """
        return self.write_all(actor, [(draft, None)], key=key)[0]

    def write_all(
        self, actor: Actor, drafts: Sequence[tuple[Draft, str | None]], *, key: str | None = None
    ) -> list[str]:
        """New drafts, all or none; each may name a bulletin whose settled readings it takes over. Returns their ids. A `key` is for one alone."""
        actor.need(Right.EDIT)
        now = self._clock.now()
        made: list[str] = []
        with self._database.writing() as session:
            if key is not None:
                # One transaction of a person at a time, so that of two at once the second finds what the first wrote.
                session.get(Person, actor.id, with_for_update=HELD)
                if session.get(Bulletin, written_as(actor, key)) is not None:
                    return [written_as(actor, key)]
            for draft, like in drafts:
                bulletin = Bulletin(
                    id=new_id() if key is None else written_as(actor, key),
                    author_id=actor.id,
                    area_id=actor.home,
                    revision=1,
                    state="draft",
                    created_at=now,
                )
                self._fill(session, bulletin, draft)
                speak_anew(bulletin)
                session.add(bulletin)
                session.flush()
                if like is not None:
                    session.add_all(settled_alike(session, find(session, like), bulletin))
                self._plan(session, actor, bulletin, draft)
                self._check_call(session, bulletin)
                revisions.keep(session, bulletin, at=now)
                self._note(session, actor, "bulletin-written", bulletin, after=_state(session, bulletin))
                made.append(bulletin.id)
        self._changed()
        return made

    def save(self, actor: Actor, bulletin_id: str, draft: Draft, *, revision: int) -> int:
        """Edit it, unless this is what it says already: then nothing changes, and the revision stays. Returns the revision.

        One that was withdrawn becomes a draft again, also with the same words.
        """
        actor.need(Right.EDIT)
        with self._database.reading() as session:
            bulletin = find(session, bulletin_id)
            same = draft if draft.area is not None else replace(draft, area=bulletin.area_id)
            if bulletin.state != "withdrawn" and draft_of(session, bulletin).told() == same.told():
                return bulletin.revision
        return self.edit(actor, bulletin_id, draft, revision=revision)

    def edit(self, actor: Actor, bulletin_id: str, draft: Draft, *, revision: int) -> int:
        """Replace the content; returns the new revision. Whoever edits becomes the author, so cannot release it.

        Raises ConflictError where somebody else edited since `revision`.
        """
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            bulletin = find(session, bulletin_id, changing=True)
            actor.need(Right.EDIT, *areas_of(session, bulletin))
            _no_emergency(bulletin)
            if bulletin.revision != revision:
                raise StaleError(
                    f"Bản tin đã được sửa thành bản {bulletin.revision}. Hãy tải lại rồi sửa.",
                    f"The bulletin is at revision {bulletin.revision} by now. Load it again, then edit.",
                    revision=bulletin.revision,
                )
            before = _state(session, bulletin)
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
            self._plan(session, actor, bulletin, draft)
            self._check_call(session, bulletin)
            if not is_of(bulletin, self._speaking.of(session, bulletin)):  # a new time needs no new speech
                speak_anew(bulletin)
            revisions.keep(session, bulletin, at=bulletin.updated_at)
            self._note(session, actor, "bulletin-edited", bulletin, before=before, after=_state(session, bulletin))
            after = bulletin.revision
        self._changed()
        return after

    def submit(self, actor: Actor, bulletin_id: str, *, revision: int) -> None:
        """Ask for release of this revision.

        Raises ConflictError unless it is a draft at that revision, its speech is made and passes the gates: who submits has been able to listen.
        """
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            bulletin = find(session, bulletin_id, changing=True)
            actor.need(Right.EDIT, *areas_of(session, bulletin))
            if bulletin.revision != revision or bulletin.state not in ("draft", "returned"):
                raise ConflictError(
                    "Chỉ gửi duyệt được bản nháp mới nhất. Hãy tải lại bản tin.",
                    f"Only the latest draft can be submitted; this is revision {bulletin.revision}, {bulletin.state}.",
                )
            require_quality(bulletin)
            planned = session.scalars(select(Schedule.targets).where(Schedule.bulletin_id == bulletin_id)).all()
            for targets in planned:  # a group that is gone since is said now, and not to whoever releases
                expanded(session, targets)
            if not planned and bulletin.programme_id is None:
                raise ConflictError(
                    "Bản tin chưa có lịch phát. Chọn giờ và địa bàn rồi gửi lại.",
                    "The bulletin has no schedule yet. Choose times and areas, then submit.",
                )
            clip = session.get_one(ClipRecord, bulletin.clip_sha256)
            require_room(session, bulletin.programme_id, timedelta(milliseconds=clip.duration_ms))
            bulletin.state = "submitted"
            bulletin.updated_at = self._clock.now()
            revisions.submitted(session, bulletin, at=bulletin.updated_at)
            self._note(session, actor, "bulletin-submitted", bulletin)
        self._changed()

    def speak_again(self, actor: Actor, bulletin_id: str, *, revision: int) -> None:
        """Have the same words spoken again: after a failure, or once the preferred engine is back. Raises ConflictError for one that no longer waits."""
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            bulletin = find(session, bulletin_id, changing=True)
            actor.need(Right.EDIT, *areas_of(session, bulletin))
            if bulletin.revision != revision or bulletin.state not in WAITING:
                raise ConflictError(
                    "Chỉ tạo lại được giọng đọc của bản mới nhất chưa duyệt. Hãy tải lại bản tin.",
                    f"Only the latest revision that is not released is spoken again; this is {bulletin.revision}, {bulletin.state}.",
                )
            speak_anew(bulletin)
            self._note(session, actor, "bulletin-spoken-again", bulletin)
        self._changed()

    def withdraw(self, actor: Actor, bulletin_id: str, reason: str) -> None:
        """Take it off the air for good: its release is void, airings to come are cancelled."""
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            bulletin = find(session, bulletin_id, changing=True)
            actor.need(Right.EDIT, *areas_of(session, bulletin))
            _no_emergency(bulletin)
            void(session, bulletin_id, now=self._clock.now(), signatory=self._signatory, reason=reason)
            bulletin.state = "withdrawn"
            bulletin.state_reason = reason
            bulletin.updated_at = self._clock.now()
            self._note(session, actor, "bulletin-withdrawn", bulletin, reason=reason)
        self._changed()

    def _note(
        self,
        session: Session,
        actor: Actor,
        action: str,
        bulletin: Bulletin,
        *,
        reason: str | None = None,
        before: dict[str, object] | None = None,
        after: dict[str, object] | None = None,
    ) -> None:
        audit.note(
            session,
            actor,
            action,
            bulletin.id,
            at=self._clock.now(),
            areas=heard_in(session, bulletin),
            reason=reason,
            before=before,
            after=after,
            details={"revision": bulletin.revision},
        )

    def _fill(self, session: Session, bulletin: Bulletin, draft: Draft) -> None:
        title, text = kept(draft.title), kept(draft.text)
        card = kept(draft.card_text or "") or title
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
        try:
            check_card(Card(text=card, duration_ms=SHORTEST_CARD_MS), SMALLEST_PANEL)
        except CardError as error:
            raise InvalidError(error.vi, error.en, field="card_text") from error
        for rule, targets in draft.plan:
            self._check(session, rule, targets)
        bulletin.title, bulletin.text, bulletin.card_text = title, text, card
        bulletin.field, bulletin.priority = draft.field, draft.priority
        bulletin.updated_at = self._clock.now()
        require_belonging(session, draft.programme, draft.campaign, draft.content_group)
        bulletin.programme_id, bulletin.campaign_id = draft.programme, draft.campaign
        bulletin.content_group = draft.content_group
        if draft.area is not None:
            require(areas_on(session, day_of(self._clock.now(), self._zone)), [draft.area])
            bulletin.area_id = draft.area
        bulletin.interrupted = draft.interrupted
        if draft.expires_at is not None and draft.expires_at <= self._clock.now():
            raise InvalidError(
                "Hạn phát của bản tin đã qua. Hãy chọn thời điểm sau này, hoặc bỏ trống.",
                "The bulletin's expiry is over. Choose a later time, or none.",
                field="expires_at",
            )
        bulletin.expires_at = draft.expires_at
        bulletin.recording_sha256 = draft.recording
        bulletin.versions = [version.as_kept().as_json() for version in draft.versions]
        bulletin.sound = draft.sound.given()
        require_recordings(session, draft.sound, {draft.recording, *(each.recording for each in draft.versions)})

    def _check(self, session: Session, rule: Once | Recurring | Repeating | AtOnce, targets: Targets) -> None:
        """The places must stand on the day of the next airing, not on the day of writing."""
        now = self._clock.now()
        first = next(iter(rule.instants(now, now + LOOK_AHEAD)), now)
        require(areas_on(session, day_of(first, self._zone)), (*targets.areas, *targets.excluded_areas))
        for receiver in (*targets.receivers, *targets.excluded):
            if session.get(Receiver, receiver) is None:
                raise InvalidError(f"Không có thiết bị '{receiver}'.", f"There is no receiver '{receiver}'.")
        for group in targets.groups:
            if session.get(ReceiverGroup, group) is None:
                raise InvalidError(f"Không có nhóm '{group}'.", f"There is no group '{group}'.", group=group)

    def _plan(self, session: Session, actor: Actor, bulletin: Bulletin, draft: Draft) -> None:
        for rule, targets in draft.plan:
            session.add(
                Schedule(
                    id=new_id(),
                    bulletin_id=bulletin.id,
                    rule=rule.model_dump(mode="json"),
                    targets=targets.model_dump(mode="json"),
                    created_at=self._clock.now(),
                )
            )
        session.flush()
        place_bulletin(session, bulletin)
        actor.need(Right.EDIT, *areas_of(session, bulletin))

    def _check_call(self, session: Session, bulletin: Bulletin) -> None:
        if bulletin.sound.get("call"):
            require_certain_call(self._speaking.of(session, bulletin))


def _state(session: Session, bulletin: Bulletin) -> dict[str, object]:
    """What people gave, and what they see of its state: not what the renderer found out."""
    own = audit.state(bulletin) or {}
    found = ("quality", "spoken", "rendering", "rendering_error_vi", "rendering_error_en", "updated_at")
    plan = [{"rule": row.rule, "targets": row.targets} for row in schedules_of(session, bulletin.id)]
    return {**{name: value for name, value in own.items() if name not in found}, "plan": plan}


def _no_emergency(bulletin: Bulletin) -> None:
    if bulletin.priority == "emergency":
        raise ConflictError(
            "Đây là tin khẩn cấp. Cập nhật hoặc kết thúc ở mục Khẩn cấp.",
            "This is an emergency. Update or end it among the emergencies.",
        )


def newest(
    session: Session, actor: Actor, *, limit: int, after: str | None = None, states: Sequence[str] = (), title: str = ""
) -> Sequence[tuple[Bulletin, ClipRecord | None]]:
    """A page of the bulletins that this person may see, with their clips, newest first, from behind the bulletin with id `after` on; those in
    some states, and those with some words in their title, if given."""
    actor.need(Right.READ)
    query = select(Bulletin, ClipRecord).outerjoin(ClipRecord, ClipRecord.sha256 == Bulletin.clip_sha256)
    query = query.where(*visible_to(actor))
    if after is not None:
        last = find(session, after)
        query = query.where(tuple_(Bulletin.created_at, Bulletin.id) < (last.created_at, last.id))
    if states:
        query = query.where(Bulletin.state.in_(states))
    query = query.order_by(Bulletin.created_at.desc(), Bulletin.id.desc())
    if wanted := plain(title):
        # No database of ours compares letters without their marks; titles are short, and reading ends once a page is full.
        titles = session.execute(query.with_only_columns(Bulletin.id, Bulletin.title).execution_options(yield_per=1000))
        found = list(islice((key for key, each in titles if wanted in plain(each)), limit))
        titles.close()
        query = query.where(Bulletin.id.in_(found))
    return [(bulletin, clip) for bulletin, clip in session.execute(query.limit(limit))]
