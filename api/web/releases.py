"""Releasing: what waits, by the session in which it is to air, and one bulletin with everything that a release binds to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep
from api.web import page as pages
from api.web.compose.form import AHEAD, Form
from api.web.compose.in_words import targets_in_words
from api.web.compose.preview import Desk
from api.web.compose.routes import desk
from api.web.compose.seen import Seen
from api.web.fields import FieldsDep
from api.web.step_up import asks_code, proved
from broadcaster import revisions
from broadcaster.bulletins import draft_of
from broadcaster.canonical import sha256_of
from broadcaster.errors import BroadcasterError, ForbiddenError, InvalidError
from broadcaster.people import Actor, Right
from broadcaster.quality import require_quality
from broadcaster.releases import content_of, find, schedules_of
from broadcaster.revisions import Stretch, changes, differences
from broadcaster.station import Station
from broadcaster.storage.models import (
    Bulletin,
    BulletinRevision,
    Campaign,
    ClipRecord,
    Person,
    ProgrammeRecord,
    Release,
)
from broadcaster.whereabouts import heard_in, need_sight, visible_to
from schedules.rules import RULE, AtOnce

router = pages.router()
MOST = 100


@dataclass(frozen=True)
class Waiting:
    """A bulletin that waits, with the hash of what is shown of it; without one it cannot be released."""

    row: Bulletin
    author: str
    clip: ClipRecord | None
    sha256: str
    due: datetime | None
    at_once: bool
    own: bool


def _waiting(session: Session, station: Station, actor: Actor) -> list[Waiting]:
    rows = session.execute(
        select(Bulletin, Person.name, ClipRecord)
        .join(Person, Person.id == Bulletin.author_id)
        .outerjoin(ClipRecord, ClipRecord.sha256 == Bulletin.clip_sha256)
        .where(Bulletin.state == "submitted", Bulletin.priority != "emergency", *visible_to(actor))
        .order_by(Bulletin.updated_at, Bulletin.id)
        .limit(MOST)
    )
    now = station.clock.now()
    found = []
    for row, author, clip in rows:
        rules = [RULE.validate_python(schedule.rule) for schedule in schedules_of(session, row.id)]
        at_once = any(isinstance(rule, AtOnce) for rule in rules)
        dated = (next(iter(rule.instants(now, now + AHEAD)), None) for rule in rules if not isinstance(rule, AtOnce))
        due = min((at for at in dated if at is not None), default=None)
        try:
            require_quality(row)
            digest = sha256_of(content_of(session, row))
        except BroadcasterError:
            digest = ""
        found.append(Waiting(row, author, clip, digest, due, at_once, row.author_id == actor.id))
    return found


@router.get("/releases")
def releases(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """What waits for release, by the session in which it is to air first."""
    return _list(request, station, actor)


def _list(
    request: Request,
    station: Station,
    actor: Actor,
    problem: BroadcasterError | None = None,
    chosen: Collection[str] = (),
) -> Response:
    actor.need(Right.RELEASE)
    with station.database.reading() as session:
        found = _waiting(session, station, actor)
    groups: dict[tuple[int, datetime | None], list[Waiting]] = {}
    for each in found:
        if each.at_once:
            key: tuple[int, datetime | None] = (0, None)
        elif each.due is not None:
            key = (1, each.due)
        else:
            key = (2 if each.row.programme_id else 3, None)
        groups.setdefault(key, []).append(each)
    far = station.clock.now() + AHEAD
    ordered = sorted(groups.items(), key=lambda pair: (pair[0][0], pair[0][1] or far))
    return pages.page(
        request,
        "releases.html",
        actor=actor,
        problem=problem,
        groups=ordered,
        chosen=chosen,
        asks_code=asks_code(actor, problem),
    )


@router.post("/releases")
def release_session(
    *, request: Request, station: StationDep, actor: ActorDep, token: TokenDep, address: AddressDep, fields: FieldsDep
) -> Response:
    """Release what was ticked, each exactly as it was shown: all of it, or nothing."""
    seen = {bulletin: digest for bulletin, _, digest in (each.partition(":") for each in fields.all("release"))}
    try:
        if not seen:
            raise InvalidError("Chọn ít nhất một bản tin.", "Choose at least one bulletin.", field="release")
        actor = proved(station, actor, token, fields.one("code"), address=address)
        station.releases.release_all(actor, seen)
    except BroadcasterError as error:
        return _list(request, station, actor, _named(station, error), fields.all("release"))
    return RedirectResponse("/releases?done=released", 303)


def _named(station: Station, error: BroadcasterError) -> BroadcasterError:
    """Why nothing was released, with the title of the one of several that it is about."""
    if "bulletin" not in error.details:
        return error
    with station.database.reading() as session:
        bulletin = session.get(Bulletin, error.details["bulletin"])
    title = bulletin.title if bulletin is not None else error.details["bulletin"]
    return type(error)(
        f"Chưa bản tin nào được duyệt. “{title}”: {error.vi}",
        f"Nothing was released. “{title}”: {error.en}",
        **error.details,
    )


@dataclass(frozen=True)
class Shown:
    """A bulletin as an approver sees it."""

    row: Bulletin
    author: str
    clip: ClipRecord | None
    content: Mapping[str, Any] | None
    sha256: str
    faults: tuple[str, ...]
    seen: Seen
    plan: tuple[tuple[str, tuple[datetime, ...], str], ...]
    before: BulletinRevision | None
    changed: list[tuple[str, list[Stretch]]]
    moved: bool
    voided: Release | None
    voided_by: str
    late: bool
    campaign: str


def _shown(at: Desk, bulletin_id: str) -> Shown:
    session = at.session
    row = find(session, bulletin_id)
    need_sight(session, at.actor, row)
    form = Form.of(row.id, row.revision, draft_of(session, row), now=at.now)
    seen = at.look(form)
    content, digest, faults = None, "", []
    try:
        require_quality(row)
        content = content_of(session, row)
        digest = sha256_of(content)
    except BroadcasterError as error:
        faults = [error.en if at.tongue == "en" else error.vi]
    plan = []
    late = row.programme_id is None
    for schedule in schedules_of(session, row.id):
        rule = RULE.validate_python(schedule.rule)
        planned = at.planned(rule)
        late = late and not planned.next and not isinstance(rule, AtOnce)
        plan.append((planned.said, planned.next, targets_in_words(schedule.targets, at.tree, session, at.tongue)))
    programme = session.get(ProgrammeRecord, row.programme_id) if row.programme_id is not None else None
    if programme is not None:
        plan.append((programme.name, (), targets_in_words(programme.targets, at.tree, session, at.tongue)))
    campaign = session.get(Campaign, row.campaign_id) if row.campaign_id is not None else None
    counted = (campaign.name if campaign is not None else "", row.content_group)
    now_kept = session.get(BulletinRevision, (row.id, row.revision))
    before = revisions.asked_before(session, row)
    present = {"title": row.title, "text": row.text, "card_text": row.card_text}
    voided = session.scalar(
        select(Release)
        .where(Release.bulletin_id == row.id, Release.voided_at.is_not(None))
        .order_by(Release.voided_at.desc())
        .limit(1)
    )
    return Shown(
        row=row,
        author=session.get_one(Person, row.author_id).name,
        clip=session.get(ClipRecord, row.clip_sha256) if row.clip_sha256 else None,
        content=content,
        sha256=digest,
        faults=tuple(faults),
        seen=seen,
        plan=tuple(plan),
        before=before,
        changed=changes(before.content, present) if before is not None else [],
        moved=before is not None and now_kept is not None and _plan(before) != _plan(now_kept),
        voided=voided,
        voided_by=session.get_one(Person, voided.approver_id).name if voided is not None else "",
        late=late,
        campaign=": ".join(each for each in counted if each),
    )


def _plan(revision: BulletinRevision) -> list[str]:
    return sorted(repr(item) for item in revision.content["plan"])


def _second(actor: Actor, author: str, where: Collection[str | None]) -> bool:
    """Whether somebody may release what this person wrote; a deputy of the author's may not."""
    try:
        actor.second_to(author, Right.RELEASE, *where)
    except ForbiddenError:
        return False
    return True


def _one(
    request: Request, station: Station, actor: Actor, bulletin_id: str, problem: BroadcasterError | None = None
) -> Response:
    actor.need(Right.RELEASE)
    with station.database.reading() as session:
        shown = _shown(desk(request, session, station, actor), bulletin_id)
        where = heard_in(session, shown.row)
    deputed = actor.in_place_of(Right.RELEASE, *where)
    barred = bool(deputed) and not _second(actor, shown.row.author_id, where)
    title = differences(shown.before.content["title"], shown.row.title) if shown.before is not None else []
    return pages.page(
        request,
        "release.html",
        actor=actor,
        problem=problem,
        shown=shown,
        bulletin=shown.row,
        clip=shown.clip,
        seen=shown.seen,
        title_changes=title,
        asks_code=asks_code(actor, problem),
        own=shown.row.author_id == actor.id,
        deputed=deputed,
        barred=barred,
        heard=False,
        writable=False,
    )


@router.get("/releases/{bulletin_id}")
def look(request: Request, station: StationDep, actor: ActorDep, bulletin_id: str) -> Response:
    """Everything that a release of this bulletin binds to."""
    return _one(request, station, actor, bulletin_id)


@router.post("/releases/{bulletin_id}")
def release(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    bulletin_id: str,
    fields: FieldsDep,
) -> Response:
    """Release exactly what was shown."""
    try:
        actor = proved(station, actor, token, fields.one("code"), address=address)
        station.releases.release(actor, bulletin_id, content_sha256=fields.one("content_sha256"))
    except BroadcasterError as error:
        return _one(request, station, actor, bulletin_id, error)
    return RedirectResponse("/releases?done=released", 303)


@router.post("/releases/{bulletin_id}/return")
def send_back(request: Request, station: StationDep, actor: ActorDep, bulletin_id: str, fields: FieldsDep) -> Response:
    """Return it to its author with a reason."""
    try:
        station.releases.send_back(actor, bulletin_id, fields.one("reason")[:1000])
    except BroadcasterError as error:
        return _one(request, station, actor, bulletin_id, error)
    return RedirectResponse("/releases?done=returned", 303)
