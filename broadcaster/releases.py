"""Releases: a second person binds to the exact hash of what will be heard and seen, where and when."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.canonical import canonical_json, sha256_of
from broadcaster.clock import Clock
from broadcaster.errors import BroadcasterError, ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.groups import expanded
from broadcaster.identity import Signatory, new_id
from broadcaster.lawful import require_lawful
from broadcaster.orders import take_back
from broadcaster.people import Actor, Right
from broadcaster.quality import require_quality, require_speech
from broadcaster.speech import settled
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Airing, Bulletin, ClipRecord, OrderRecord, Release, Schedule
from broadcaster.whereabouts import heard_in, need_sight, place_bulletin

log = structlog.get_logger(__name__)


def find(session: Session, bulletin_id: str, *, changing: bool = False) -> Bulletin:
    """The bulletin, or NotFoundError. Whoever is `changing` it holds it until the transaction ends."""
    bulletin = session.get(Bulletin, bulletin_id, with_for_update=HELD if changing else None)
    if bulletin is None:
        raise NotFoundError(f"Không có bản tin '{bulletin_id}'.", f"There is no bulletin '{bulletin_id}'.")
    return bulletin


def schedules_of(session: Session, bulletin_id: str) -> Sequence[Schedule]:
    """Its schedules, in the order in which they were made."""
    return session.scalars(
        select(Schedule).where(Schedule.bulletin_id == bulletin_id).order_by(Schedule.created_at, Schedule.id)
    ).all()


def content_of(session: Session, bulletin: Bulletin) -> dict[str, Any]:
    """Everything that a release binds to. Raises ConflictError while the speech is not made."""
    require_speech(bulletin)
    clip = session.get_one(ClipRecord, bulletin.clip_sha256)
    spoken = bulletin.spoken or {}
    belonging = {
        "programme": bulletin.programme_id,
        "campaign": bulletin.campaign_id,
        "content_group": bulletin.content_group,
        "interrupted": bulletin.interrupted if bulletin.interrupted != "drop" else None,
        "expires_at": bulletin.expires_at.isoformat() if bulletin.expires_at is not None else None,
    }
    return {
        **{name: value for name, value in belonging.items() if value is not None},
        "bulletin": bulletin.id,
        "revision": bulletin.revision,
        "title": bulletin.title,
        "text": bulletin.text,
        "priority": bulletin.priority,
        "recording": bulletin.recording_sha256,
        "versions": bulletin.versions,
        "script_sha256": bulletin.script_sha256,
        "readings": [
            {"written": row.written, "proposed": row.proposed, "reading": row.reading, "person": row.person_id}
            for row in settled(session, bulletin)
        ],
        "lexicon": spoken.get("lexicon"),
        "sound": spoken.get("sound"),
        "clip": {"sha256": clip.sha256, "size": clip.size, "duration_ms": clip.duration_ms},
        "card": {"text": bulletin.card_text, "style": "scroll", "duration_ms": clip.duration_ms},
        "schedules": [
            {"id": row.id, "rule": row.rule, "targets": expanded(session, row.targets)}
            for row in schedules_of(session, bulletin.id)
        ],
    }


def _standing(bulletin_id: str) -> Select[Release]:
    """The release in force."""
    return select(Release).where(Release.bulletin_id == bulletin_id, Release.voided_at.is_(None))


def void(session: Session, bulletin_id: str, *, now: datetime, signatory: Signatory, reason: str) -> None:
    """End the release that stands, if any: what is planned or sent and has not ended is cancelled with it."""
    # Held, so that no planner makes airings of it at the same time.
    release = session.scalar(_standing(bulletin_id).with_for_update(**HELD))
    if release is None:
        return
    release.voided_at = now
    release.void_reason = reason
    airings = session.scalars(
        select(Airing).where(Airing.release_id == release.id, Airing.state.in_(("planned", "dispatched")))
    )
    for airing in airings:
        order = session.scalar(select(OrderRecord).where(OrderRecord.airing_id == airing.id))
        if order is not None:
            if order.expires_at <= now:
                continue  # over, and closed soon
            take_back(order, now=now, signatory=signatory, reason=reason)
        airing.state = "cancelled"
        airing.state_reason = reason
    # The index on releases in force is checked row by row: the old one must be out before a new one comes in.
    session.flush()


class Releases:
    """Releasing and returning. Author and approver differ, whatever a client sends."""

    def __init__(self, database: Database, clock: Clock, *, zone: str, changed: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._changed = changed

    def preview(self, actor: Actor, bulletin_id: str) -> tuple[dict[str, Any], str]:
        """What would be released now, and its hash, which `release` wants back."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            bulletin = find(session, bulletin_id)
            need_sight(session, actor, bulletin)
            content = content_of(session, bulletin)
        return content, sha256_of(content)

    def release(self, actor: Actor, bulletin_id: str, *, content_sha256: str) -> str:
        """Release exactly what hashes to `content_sha256`; returns the release's id. Asked twice by the same person, it is one release.

        Raises ForbiddenError for the author, ConflictError where the content is another by now, is not submitted, or its clip has a fault.
        """
        return self.release_all(actor, {bulletin_id: content_sha256})[0]

    def release_all(self, actor: Actor, seen: Mapping[str, str]) -> list[str]:
        """Release several bulletins, such as those of a session, each exactly as it was seen (its hash by its id): all of them, or none.

        Raises as `release` does for the first that cannot be released; of several, `details["bulletin"]` is its id.
        """
        actor.need(Right.RELEASE)
        actor.need_proof()
        with self._database.writing() as session:
            made = []
            for bulletin_id in sorted(seen):
                try:
                    made.append(self._release(session, actor, bulletin_id, seen[bulletin_id]))
                except BroadcasterError as error:
                    if len(seen) > 1:
                        error.details["bulletin"] = bulletin_id
                    raise
        for bulletin_id, release in zip(sorted(seen), made, strict=True):
            log.info("released", bulletin=bulletin_id, release=release, content=seen[bulletin_id])
        self._changed()
        return made

    def _release(self, session: Session, actor: Actor, bulletin_id: str, content_sha256: str) -> str:
        bulletin = find(session, bulletin_id, changing=True)
        # Written down anew: a group or a receiver's place may have changed since it was saved.
        where = place_bulletin(session, bulletin) or heard_in(session, bulletin)
        actor.need(Right.RELEASE, *where)
        if bulletin.author_id == actor.id:
            raise ForbiddenError(
                "Người soạn không được tự duyệt bản tin của mình. Hãy nhờ người duyệt khác.",
                "The author cannot release the bulletin. Ask another approver.",
            )
        actor = actor.second_to(bulletin.author_id, Right.RELEASE, *where)
        deputed = [each.facts() for each in actor.in_place_of(Right.RELEASE, *where)]
        standing = session.scalar(_standing(bulletin_id))
        if standing is not None and (standing.approver_id, standing.content_sha256) == (actor.id, content_sha256):
            return standing.id
        if bulletin.state != "submitted":
            raise ConflictError(
                "Bản tin chưa được gửi duyệt, hoặc đã có người xử lý.",
                f"Only a submitted bulletin can be released; this one is {bulletin.state}.",
                state=bulletin.state,
            )
        require_quality(bulletin)
        content = content_of(session, bulletin)
        if sha256_of(content) != content_sha256:
            raise ConflictError(
                "Nội dung đã thay đổi sau khi bạn xem. Hãy xem lại rồi duyệt.",
                "The content is not what you saw. Look at it again, then release.",
            )
        require_lawful(session, content, now=self._clock.now(), zone=self._zone, bulletin=bulletin_id)
        release = Release(
            id=new_id(),
            bulletin_id=bulletin_id,
            revision=bulletin.revision,
            content_sha256=content_sha256,
            content=canonical_json(content),
            approver_id=actor.id,
            in_place_of=deputed or None,
            released_at=self._clock.now(),
        )
        session.add(release)
        bulletin.state = "released"
        bulletin.updated_at = self._clock.now()
        details = {"release": release.id, "revision": bulletin.revision, "content_sha256": content_sha256}
        self._note(session, actor, "bulletin-released", bulletin, details=details)
        session.flush()
        return release.id

    def send_back(self, actor: Actor, bulletin_id: str, reason: str) -> None:
        """Return it to the author with a reason; asked twice, it is returned once. Raises ConflictError unless it waits for release."""
        actor.need(Right.RELEASE)
        if not reason.strip():
            raise InvalidError("Hãy ghi lý do trả lại.", "Say why it is returned.", field="reason")
        with self._database.writing() as session:
            bulletin = find(session, bulletin_id, changing=True)
            actor.need(Right.RELEASE, *heard_in(session, bulletin))
            if bulletin.state == "returned" and bulletin.state_reason == reason.strip():
                return
            if bulletin.state != "submitted":
                raise ConflictError("Bản tin không chờ duyệt.", f"The bulletin is {bulletin.state}, not submitted.")
            bulletin.state = "returned"
            bulletin.state_reason = reason.strip()
            bulletin.updated_at = self._clock.now()
            self._note(session, actor, "bulletin-returned", bulletin, reason=reason.strip())
        self._changed()

    def _note(
        self,
        session: Session,
        actor: Actor,
        action: str,
        bulletin: Bulletin,
        *,
        reason: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        where, now = heard_in(session, bulletin), self._clock.now()
        audit.note(
            session,
            actor,
            action,
            bulletin.id,
            at=now,
            areas=where,
            right=Right.RELEASE,
            reason=reason,
            details=details,
        )
