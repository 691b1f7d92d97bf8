"""Emergencies: pre-approved templates, messages that repeat until they are updated or cancelled, drills that never sound.

The words are those of CAP 1.2: an alert; an update, which takes the place of a message; a cancel, which ends one with an all-clear. A message of one person
alone ("break-glass") needs a reason, and areas whose policy allows it. Emergencies override quiet hours and quotas; what they say stands in the audit trail.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from audio.script import kept
from broadcaster import audit
from broadcaster.areas import require
from broadcaster.canonical import canonical_json, sha256_of
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.groups import areas_in, expanded
from broadcaster.identity import Signatory, id_of, new_id
from broadcaster.people import Actor, Right
from broadcaster.places import PlacesByDay
from broadcaster.policies import breaks_glass
from broadcaster.releases import content_of, void
from broadcaster.speech import speak_anew
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Airing, Bulletin, Emergency, EmergencyTemplate, Person, Release, Schedule
from broadcaster.targets import Targets
from broadcaster.whereabouts import need_sight, place_bulletin, visible_to
from schedules.priorities import EMERGENCY_EVERY
from schedules.rules import Once
from schedules.unfit import UnfitError

Message = Literal["alert", "update", "cancel"]
OPEN = ("preparing", "issued")
"""States of what is not over."""
LEAD = timedelta(seconds=2)
"""From issuing to the common start, for the order and its clip to arrive."""
EMERGENCY_LATE_LIMIT = timedelta(minutes=15)
"""An emergency is worth hearing later than other airings: a receiver that was offline begins when it is back."""
_BLANK = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Blank(BaseModel):
    """What may be filled in: one of `choices`, a whole number between `lowest` and `highest`, or a few words."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    kind: Literal["choice", "number", "words"]
    choices: Annotated[tuple[Annotated[str, Field(max_length=100)], ...], Field(max_length=100)] = ()
    lowest: int = 0
    highest: int = 1_000_000
    longest: Annotated[int, Field(ge=1, le=60)] = 40  # characters
    label: Annotated[str, Field(max_length=60)] = ""
    """How people call it; without one by its name."""

    def filled(self, value: str) -> str:
        """The value, if it fits. Raises InvalidError."""
        value = kept(value)
        good = {
            "choice": value in self.choices,
            "number": value.isascii() and value.isdigit() and self.lowest <= int(value) <= self.highest,
            # Letters, digits and simple marks: no second sentence, no address, nothing that reads as markup.
            "words": 0 < len(value) <= self.longest and all(c.isalnum() or c in " ,-/" for c in value),
        }[self.kind]
        if not good:
            wanted = {
                "choice": f"một trong: {', '.join(self.choices)} / one of them",
                "number": f"{self.lowest} … {self.highest}",
                "words": f"≤ {self.longest} ký tự, chữ và số / characters, letters and digits",
            }[self.kind]
            raise InvalidError(
                f"Chỗ trống '{self.label or self.name}' không đúng ({wanted}).",
                f"The blank '{self.label or self.name}' does not fit ({wanted}).",
                field=self.name,
            )
        return value


class TemplateContent(BaseModel):
    """A text with blanks such as {ten_bao}."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    title: Annotated[str, Field(min_length=1, max_length=300)]
    text: Annotated[str, Field(min_length=1, max_length=5000)]
    blanks: Annotated[tuple[Blank, ...], Field(max_length=20)] = ()

    @model_validator(mode="after")
    def _agree(self) -> "TemplateContent":
        used = set(_BLANK.findall(self.title) + _BLANK.findall(self.text))
        declared = {blank.name for blank in self.blanks}
        if used != declared:
            raise UnfitError(
                f"chỗ trống trong chữ và chỗ trống được khai khác nhau: {', '.join(sorted(used ^ declared))}",
                f"blanks used and declared differ: {', '.join(sorted(used ^ declared))}",
            )
        return self

    def as_kept(self) -> "TemplateContent":
        """The same as every text is kept. Raises InvalidError where nothing is left of one."""
        title, text = kept(self.title), kept(self.text)
        for name, value in (("title", title), ("text", text)):
            if not value:
                raise InvalidError("Mẫu chưa có tiêu đề hoặc nội dung.", f"The template's {name} is empty.", field=name)
        blanks = [
            each.model_copy(update={"choices": tuple(kept(choice) for choice in each.choices)}) for each in self.blanks
        ]
        return self.model_copy(update={"title": title, "text": text, "blanks": tuple(blanks)})

    def filled(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Title and text with every blank filled. Raises InvalidError."""
        extra = sorted(set(values) - {blank.name for blank in self.blanks})
        if extra:
            raise InvalidError(f"Không có chỗ trống: {', '.join(extra)}.", f"There is no blank: {', '.join(extra)}.")
        found = {blank.name: blank.filled(values.get(blank.name, "")) for blank in self.blanks}
        title, text = (_BLANK.sub(lambda match: found[match[1]], part) for part in (self.title, self.text))
        return title, text


class Sending(BaseModel):
    """Where and how long a message is said. `references` is the message whose place it takes, or which it ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    targets: Targets
    message: Message = "alert"
    references: str | None = None
    drill: bool = False
    every_minutes: Annotated[int, Field(ge=5, le=1440)] | None = int(EMERGENCY_EVERY.total_seconds() // 60)
    hours: Annotated[int, Field(ge=1, le=168)] = 24

    @model_validator(mode="after")
    def _refers(self) -> "Sending":
        if (self.message == "alert") != (self.references is None):
            raise UnfitError(
                "tin cập nhật hoặc hủy phải nêu tin mà nó nói tới (references); tin mới thì không",
                "an update or a cancel names the message that it is of, an alert none",
            )
        return self


class Emergencies:
    """Templates and messages of a station."""

    def __init__(
        self, database: Database, clock: Clock, signatory: Signatory, *, zone: str, changed: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._zone = zone
        self._changed = changed

    # ---- templates

    def templates(self, actor: Actor) -> Sequence[EmergencyTemplate]:
        """Templates that are not retired, of the areas that this person serves and of those above, by name."""
        actor.need(Right.READ)
        query = select(EmergencyTemplate).where(EmergencyTemplate.state != "retired").order_by(EmergencyTemplate.name)
        with self._database.reading() as session:
            return [row for row in session.scalars(query) if _usable(actor, row)]

    def template(self, actor: Actor, template: str) -> EmergencyTemplate:
        """One template, retired or not. Raises NotFoundError, and ForbiddenError for one of an area that is not this person's to see."""
        with self._database.reading() as session:
            row = session.get(EmergencyTemplate, template)
            if row is None:
                raise NotFoundError("Không có mẫu này.", "There is no such template.")
            if row.area_id is not None:
                actor.need_sight([row.area_id])
            actor.need(Right.READ)
            return row

    def draft(self, actor: Actor, *, name: str, content: TemplateContent, area: str | None = None) -> str:
        """A new template of an area (by default the author's), of no use until another person releases it."""
        area = area if area is not None else actor.home
        actor.need(Right.EDIT, area)
        dumped = content.as_kept().model_dump(mode="json")
        row = EmergencyTemplate(
            id=new_id(),
            name=name,
            area_id=area,
            content=dumped,
            content_sha256=sha256_of(dumped),
            state="draft",
            author_id=actor.id,
            created_at=self._clock.now(),
        )
        with self._database.writing() as session:
            places = PlacesByDay(session, self._zone).at(row.created_at)
            require(places.areas, [] if area is None else [area])
            session.add(row)
            session.flush()
            after = audit.state(row)
            audit.note(session, actor, "template-drafted", row.id, at=row.created_at, areas=[area], after=after)
        return row.id

    def release(self, actor: Actor, template: str, *, content_sha256: str) -> None:
        """The second person's yes to exactly this text and these blanks."""
        actor.need(Right.RELEASE)
        actor.need_proof()
        now = self._clock.now()
        with self._database.writing() as session:
            row = _template(session, template)
            actor.need(Right.RELEASE, row.area_id)
            if row.author_id == actor.id:
                raise ForbiddenError(
                    "Người soạn mẫu không được tự duyệt. Hãy nhờ người duyệt khác.",
                    "The author cannot release the template. Ask another approver.",
                )
            actor = actor.second_to(row.author_id, Right.RELEASE, row.area_id)
            if row.state != "draft" or row.content_sha256 != content_sha256:
                raise ConflictError(
                    "Mẫu đã được duyệt hoặc không phải bản bạn đã xem.",
                    "The template is released already, or is not the one that you saw.",
                )
            row.state, row.released_by, row.released_at = "released", actor.id, now
            audit.note(
                session,
                actor,
                "template-released",
                row.id,
                at=now,
                areas=[row.area_id],
                right=Right.RELEASE,
                details={"sha256": content_sha256},
            )

    def retire(self, actor: Actor, template: str) -> None:
        """No message is made of it any more."""
        actor.need(Right.RELEASE)
        with self._database.writing() as session:
            row = _template(session, template)
            actor.need(Right.RELEASE, row.area_id)
            row.state, row.retired_at = "retired", self._clock.now()
            where = [row.area_id]
            audit.note(session, actor, "template-retired", row.id, at=row.retired_at, areas=where, right=Right.RELEASE)

    # ---- messages

    def issue(
        self, actor: Actor, template: str, *, blanks: Mapping[str, str], sending: Sending, key: str | None = None
    ) -> str:
        """Say a released template; returns the message's id. On air as soon as its speech is made, some seconds.

        `key` names what this person is saying: however often the same is sent, there is one message of it.
        """
        with self._database.writing() as session:
            _may_issue(actor, areas_in(session, [sending.targets]))
            row = _template(session, template)
            if row.state != "released" or not _usable(actor, row):
                raise ConflictError(
                    "Mẫu chưa được duyệt hoặc đã thôi dùng. Chọn mẫu khác.",
                    f"The template is {row.state}, not released. Choose another one.",
                )
            title, text = TemplateContent.model_validate(row.content).filled(blanks)
            made = self._prepare(session, actor, title, text, sending, template=(row.id, dict(blanks)), key=key)
        self._changed()
        return made

    def issue_alone(
        self, actor: Actor, *, title: str, text: str, reason: str, sending: Sending, key: str | None = None
    ) -> str:
        """Say what nobody approved beforehand, with a reason, where the policy of every area that hears it allows that; `key` as for `issue`."""
        actor.need_proof()
        if not reason.strip() or not kept(title) or not kept(text):
            raise InvalidError(
                "Cần tiêu đề, nội dung và lý do phát ngay.", "Title, text and the reason are needed.", field="reason"
            )
        with self._database.writing() as session:
            places = PlacesByDay(session, self._zone).at(self._clock.now())
            targets = Targets.model_validate(expanded(session, sending.targets.model_dump(mode="json")))
            _may_issue(actor, areas_in(session, [targets]))
            resolution = places.resolve(targets)
            lines = [places.lines[area] for area in resolution.audience.areas]
            lines += [places.lines[place.area_id] for place in resolution.receivers]
            # A drill is silent: it may always be practised.
            barred = [] if sending.drill else [line[-1] for line in lines if not breaks_glass(session, line)]
            if barred:
                name = places.areas[barred[0]].name
                raise ForbiddenError(
                    f"Chính sách của {name} không cho một người tự phát tin khẩn. Dùng mẫu đã duyệt, hoặc nhờ người thứ hai duyệt bản tin.",
                    f"The policy of {name} lets nobody issue an emergency alone. Use a released template, or have a second person release a bulletin.",
                )
            made = self._prepare(session, actor, title, text, sending, reason=reason, key=key)
        self._changed()
        return made

    def end(self, actor: Actor, emergency: str, *, reason: str) -> None:
        """Say it no more: what is on air stops, repetitions end."""
        now = self._clock.now()
        with self._database.writing() as session:
            row = find(session, emergency)
            where = areas_in(session, [row.targets])
            right = _may_issue(actor, where)
            if row.state not in OPEN:
                raise ConflictError("Tin này đã kết thúc.", f"This message is {row.state}.")
            _finish(session, row, now, self._signatory, reason=reason, by=actor.id)
            audit.note(session, actor, "emergency-ended", row.id, at=now, areas=where, right=right, reason=reason)
        self._changed()

    def standing(self, actor: Actor) -> Sequence[tuple[Emergency, Bulletin]]:
        """Messages that are being prepared or said where this person serves, the newest first."""
        actor.need(Right.READ)
        query = select(Emergency, Bulletin).join(Bulletin, Bulletin.id == Emergency.bulletin_id)
        with self._database.reading() as session:
            rows = session.execute(
                query.where(Emergency.state.in_(OPEN), *visible_to(actor)).order_by(Emergency.asked_at.desc())
            )
            return [(row[0], row[1]) for row in rows]

    def message(self, actor: Actor, emergency: str) -> tuple[Emergency, Bulletin]:
        """One message, also when it has ended. Raises NotFoundError, and ForbiddenError where it is not this person's to see."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            row = session.get(Emergency, emergency)
            if row is None:
                raise NotFoundError("Không có tin khẩn này.", "There is no such emergency.")
            bulletin = session.get_one(Bulletin, row.bulletin_id)
            need_sight(session, actor, bulletin)
            return row, bulletin

    def _prepare(
        self,
        session: Session,
        actor: Actor,
        title: str,
        text: str,
        sending: Sending,
        *,
        template: tuple[str, dict[str, str]] | None = None,  # and what stands in its blanks
        reason: str | None = None,
        key: str | None = None,
    ) -> str:
        now = self._clock.now()
        title, text = kept(title), kept(text)
        made = new_id()
        if key is not None:
            # With what is said in it: a form that is gone back to and filled in anew is another message.
            made = id_of("emergency", actor.id, key, title, text, canonical_json(sending.model_dump(mode="json")))
            # One transaction of a person at a time, so that of two at once the second finds what the first said.
            session.get(Person, actor.id, with_for_update=HELD)
            if session.get(Emergency, made) is not None:
                return made
        targets = expanded(session, sending.targets.model_dump(mode="json"))
        if sending.references is not None:
            old = find(session, sending.references)
            _may_issue(actor, areas_in(session, [old.targets]))
            if old.state not in OPEN or old.drill != sending.drill:
                raise ConflictError(
                    "Tin được nhắc tới đã kết thúc, hoặc một tin là diễn tập còn tin kia là thật.",
                    "The message that it is of has ended, or one of the two is a drill and the other is not.",
                )
        if PlacesByDay(session, self._zone).at(now).resolve(Targets.model_validate(targets)).nowhere:
            raise InvalidError("Không có nơi nào để phát.", "There is nowhere to air it.", field="targets")
        bulletin = Bulletin(
            id=new_id(),
            title=title,
            text=text,
            card_text=f"{title}. {text}"[:2000],
            field="khẩn cấp",
            priority="emergency",
            area_id=actor.home,
            author_id=actor.id,
            revision=1,
            state="submitted",
            created_at=now,
            updated_at=now,
            versions=[],
            sound={},
        )
        speak_anew(bulletin)
        session.add(bulletin)
        session.flush()
        row = Emergency(
            id=made,
            message=sending.message,
            drill=sending.drill,
            references=sending.references,
            template_id=template[0] if template else None,
            blanks=template[1] if template else None,
            bulletin_id=bulletin.id,
            targets=targets,
            # An all-clear is said once.
            every_minutes=None if sending.message == "cancel" else sending.every_minutes,
            state="preparing",
            reason=reason,
            issued_by=actor.id,
            asked_at=now,
            until=now + timedelta(hours=sending.hours),
        )
        session.add(row)
        # Where it will be said decides how it is said: the lexicon and the sound of the areas.
        session.add(
            Schedule(
                id=new_id(),
                bulletin_id=bulletin.id,
                rule=Once(at=now).model_dump(mode="json"),
                targets=targets,
                created_at=now,
            )
        )
        session.flush()
        place_bulletin(session, bulletin)
        details: dict[str, Any] = {
            "message": sending.message,
            "drill": sending.drill,
            "title": title,
            "text": text,
            "targets": targets,
        }
        action = "emergency-issued" if template else "emergency-issued-alone"
        where = areas_in(session, [targets])
        details["template"] = template[0] if template else None
        right = _may_issue(actor, where)
        audit.note(session, actor, action, row.id, at=now, areas=where, right=right, reason=reason, details=details)
        return row.id


def _may_issue(actor: Actor, areas: set[str]) -> Right:
    """Whoever operates or releases wherever it is heard may issue an emergency; returns the right by which."""
    right = actor.say(*areas)
    actor.need(right, *areas)
    return right


def _usable(actor: Actor, template: EmergencyTemplate) -> bool:
    seen = actor.sees()
    return seen is None or template.area_id is None or template.area_id in seen


def _template(session: Session, template: str) -> EmergencyTemplate:
    row = session.get(EmergencyTemplate, template, with_for_update=HELD)
    if row is None:
        raise NotFoundError(f"Không có mẫu '{template}'.", f"There is no template '{template}'.")
    return row


def find(session: Session, emergency: str) -> Emergency:
    """The message, held, or NotFoundError."""
    row = session.get(Emergency, emergency, with_for_update=HELD)
    if row is None:
        raise NotFoundError(f"Không có tin khẩn '{emergency}'.", f"There is no emergency '{emergency}'.")
    return row


def to_advance(session: Session) -> Sequence[Emergency]:
    """Those that are not over, held."""
    return session.scalars(
        select(Emergency).where(Emergency.state.in_(OPEN)).order_by(Emergency.id).with_for_update(**HELD)
    ).all()


def next_end(rows: Iterable[Emergency]) -> datetime | None:
    """The next instant at which one of them is over."""
    return min((row.until for row in rows if row.state in OPEN), default=None)


def advance(
    session: Session, rows: Iterable[Emergency], now: datetime, signatory: Signatory, *, ahead: timedelta
) -> None:
    """What the planner does for emergencies: issue what has its speech, repeat what is said, end what is over."""
    for row in rows:
        if row.state not in OPEN:  # superseded by one before it
            continue
        bulletin = session.get_one(Bulletin, row.bulletin_id, with_for_update=HELD)
        if row.until <= now:
            _finish(session, row, now, signatory, reason="hết thời hạn / its time is over", by=None)
        elif row.state == "preparing":
            _issue(session, row, bulletin, now, signatory)
        if row.state == "issued":
            _repeat(session, row, bulletin, now, ahead)


def _issue(session: Session, row: Emergency, bulletin: Bulletin, now: datetime, signatory: Signatory) -> None:
    if bulletin.rendering == "pending":
        return
    if bulletin.rendering == "failed":
        row.state, row.end_reason = "failed", bulletin.rendering_error_vi
        return
    start = Once(at=now + LEAD)
    schedule = session.scalars(select(Schedule).where(Schedule.bulletin_id == bulletin.id)).one()
    schedule.rule = start.model_dump(mode="json")
    session.flush()
    content: dict[str, Any] = content_of(session, bulletin)
    content["emergency"] = {"id": row.id, "message": row.message, "references": row.references}
    content["drill"] = row.drill
    session.add(
        Release(
            id=new_id(),
            bulletin_id=bulletin.id,
            revision=bulletin.revision,
            content_sha256=sha256_of(content),
            content=canonical_json(content),
            approver_id=row.issued_by,
            released_at=now,
        )
    )
    bulletin.state, bulletin.updated_at = "released", now
    row.state, row.issued_at = "issued", now
    if row.references is not None:
        old = session.get_one(Emergency, row.references, with_for_update=HELD)
        if old.state in OPEN:
            _finish(
                session, old, now, signatory, reason=f"thay bằng tin mới / superseded by {row.id}", by=row.issued_by
            )
    session.flush()


def _repeat(session: Session, row: Emergency, bulletin: Bulletin, now: datetime, ahead: timedelta) -> None:
    """The repetitions that lie within the dispatch horizon get rows; the first one is the release's own."""
    if row.every_minutes is None or row.issued_at is None:
        return
    schedule = session.scalars(select(Schedule).where(Schedule.bulletin_id == bulletin.id)).one()
    release = session.scalars(
        select(Release).where(Release.bulletin_id == bulletin.id, Release.voided_at.is_(None))
    ).one_or_none()
    clip = content_of(session, bulletin)["clip"]
    if release is None:
        return
    first = Once.model_validate(schedule.rule).at
    every = timedelta(minutes=row.every_minutes)
    last = session.scalar(
        select(Airing.due_at).where(Airing.release_id == release.id).order_by(Airing.due_at.desc()).limit(1)
    )
    due = (last or first) + every
    rows: list[dict[str, Any]] = []
    while due <= min(now + ahead, row.until):
        rows.append(
            {
                "id": id_of("airing", release.id, schedule.id, due.isoformat()),
                "schedule_id": schedule.id,
                "release_id": release.id,
                "bulletin_id": bulletin.id,
                "due_at": due,
                "state": "planned",
                "title": bulletin.title,
                "priority": "emergency",
                "clip_sha256": clip["sha256"],
                "duration_ms": clip["duration_ms"],
                "targets": row.targets,
                "drill": row.drill,
                "interrupted": "drop",
            }
        )
        due += every
    if rows:
        session.execute(insert(Airing), rows)


def _finish(
    session: Session, row: Emergency, now: datetime, signatory: Signatory, *, reason: str, by: str | None
) -> None:
    bulletin = session.get_one(Bulletin, row.bulletin_id, with_for_update=HELD)
    void(session, bulletin.id, now=now, signatory=signatory, reason=reason)
    bulletin.state, bulletin.state_reason, bulletin.updated_at = "withdrawn", reason, now
    row.state, row.ended_at, row.ended_by, row.end_reason = "ended", now, by, reason
    session.flush()
