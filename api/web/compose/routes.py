"""The compose page and what it asks while somebody writes."""

import dataclasses
import json
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.problems import page_language, said, status_of
from api.uploads import posted_of
from api.web import page as pages
from api.web.compose.buttons import done
from api.web.compose.form import EMPTY, Form
from api.web.compose.listening import listen
from api.web.compose.preview import Desk
from api.web.compose.saving import before, is_written, saved, submitted
from api.web.fields import Fields, FieldsDep
from broadcaster import composing
from broadcaster.bulletins import draft_of, written_as
from broadcaster.errors import BroadcasterError, ConflictError, InvalidError, NotFoundError, StaleError
from broadcaster.people import Actor, Right
from broadcaster.releases import find
from broadcaster.revisions import Stretch, changes
from broadcaster.station import Station
from broadcaster.storage.models import (
    Airing,
    Bulletin,
    Campaign,
    ClipRecord,
    Person,
    ProgrammeRecord,
    ReceiverGroup,
    Release,
)
from broadcaster.target_tree import Tree
from broadcaster.targets import Targets
from broadcaster.whereabouts import areas_of, need_sight

router = pages.router()
AIRINGS = 10
"""The latest of a bulletin that its page shows."""
DRAWN_RECEIVERS, DRAWN_AREAS = 120, 150
"""With more of them, what is under an area is fetched when it is opened."""


def desk(request: Request, session: Session, station: Station, actor: Actor) -> Desk:
    """What a form is looked at with."""
    tree = Tree(session, station.speaking.places(session), within=actor.homes(Right.EDIT))
    return Desk(session, station, actor, tree, page_language(request))


def _show(
    request: Request,
    desk: Desk,
    form: Form,
    *,
    problem: BroadcasterError | None = None,
    restored: str = "",
) -> Response:
    session, tree = desk.session, desk.tree
    row, clip = desk.stored(form)
    overtaken: BroadcasterError | None = None
    differing: list[tuple[str, list[Stretch]]] = []
    if row is not None and form.revision != row.revision:
        # Told of it, whoever saves now saves knowingly.
        present = {"title": row.title, "text": row.text, "card_text": row.card_text}
        own = {"title": form.written.title, "text": form.written.text, "card_text": form.own_card() or row.card_text}
        differing = changes(present, own)
        form = dataclasses.replace(form, revision=row.revision)
        overtaken = _overtaken(desk, row)
        if isinstance(problem, StaleError):
            problem = overtaken
    drawn = tree.places.areas if len(tree.places.areas) <= DRAWN_AREAS else ()
    groups = session.execute(select(ReceiverGroup.id, ReceiverGroup.name).order_by(ReceiverGroup.name)).all()
    programmes = session.execute(
        select(ProgrammeRecord.id, ProgrammeRecord.name).where(ProgrammeRecord.ended_at.is_(None))
    ).all()
    campaigns = session.scalars(
        select(Campaign).where(Campaign.ends_on >= desk.station.today()).order_by(Campaign.name)
    )
    choices = [
        (key, text)
        for each in campaigns
        for key, text in (
            (each.id, each.name),
            *((f"{each.id}|{group}", f"{each.name}: {group}") for group in each.content_groups),
        )
    ]
    return pages.page(
        request,
        "compose.html",
        actor=desk.actor,
        problem=problem,
        form=form,
        seen=desk.look(form),
        usual=desk.usual(),
        bulletin=row,
        clip=clip,
        roots=tree.roots,
        states=tree.states(form.targets),
        online=tree.online,
        draw_areas=bool(drawn),
        draw_receivers=len(tree.places.receivers) <= DRAWN_RECEIVERS,
        groups=groups,
        programmes=programmes,
        campaigns=choices,
        restored=restored,
        overtaken=said(overtaken, desk.tongue) if overtaken is not None else "",
        differing=differing,
        unattended=desk.unattended(row),
        may_teach=desk.actor.may(Right.PRONOUNCE),
        may_release=row is not None and row.author_id != desk.actor.id and desk.actor.may(Right.RELEASE),
        with_oob=False,
    )


def _overtaken(desk: Desk, row: Bulletin) -> StaleError:
    """Somebody else saved it while this person was writing, or this person did in another tab."""
    name = desk.session.get_one(Person, row.author_id).name
    own = row.author_id == desk.actor.id
    return StaleError(
        f"Trong lúc bạn soạn, {'chính bạn ở một cửa sổ khác' if own else name} đã lưu bản sửa {row.revision}. Chữ bạn gõ vẫn còn "
        "nguyên. Xem chỗ khác nhau; bấm lần nữa thì bản của bạn thay bản đó.",
        f"While you were writing, {'you yourself in another window' if own else name} saved revision {row.revision}. What you typed "
        "is still here. Look at what differs; if you press again, yours takes the place of that one.",
    )


@router.get("/compose")
def compose(request: Request, station: StationDep, actor: ActorDep, new: str = "", key: str = "") -> Response:
    """A new bulletin: what was being typed, or an empty page."""
    actor.need(Right.EDIT)
    kept = [] if new else [each for each in station.unfinished.all(actor) if not each.form.get("bulletin", [""])[-1]]
    kept = [each for each in kept if not is_written(station, actor, each.key) and key in ("", each.key)]
    with station.database.reading() as session:
        at = desk(request, session, station, actor)
        if kept:
            return _show(request, at, Form.read(Fields(kept[0].form), at.tree), restored=kept[0].key)
        return _show(request, at, Form.blank(at.tree.usual(session, actor.id)))


@router.get("/bulletins/{bulletin_id}")
def bulletin_page(request: Request, station: StationDep, actor: ActorDep, bulletin_id: str, edit: str = "") -> Response:
    """A bulletin: to go on writing, or to read where it is released, or not for this person to write."""
    return _one(request, station, actor, bulletin_id, edit=bool(edit))


@router.post("/bulletins/{bulletin_id}/anew")
def speak_again(
    request: Request, station: StationDep, actor: ActorDep, bulletin_id: str, fields: FieldsDep
) -> Response:
    """Have it spoken again after a failure."""
    try:
        station.bulletins.speak_again(actor, bulletin_id, revision=fields.number("revision"))
    except ConflictError as error:
        with station.database.reading() as session:
            at = desk(request, session, station, actor)
            return _show(request, at, Form.read(fields, at.tree), problem=error)
    return RedirectResponse(f"/bulletins/{bulletin_id}#listen", 303)


@router.post("/bulletins/{bulletin_id}/withdraw")
def withdraw(request: Request, station: StationDep, actor: ActorDep, bulletin_id: str, fields: FieldsDep) -> Response:
    """Take it off the air."""
    try:
        station.bulletins.withdraw(actor, bulletin_id, _reason(fields))
    except (InvalidError, ConflictError) as error:
        return _one(request, station, actor, bulletin_id, problem=error)
    return RedirectResponse(f"/bulletins/{bulletin_id}?done=withdrawn", 303)


def _reason(fields: Fields) -> str:
    reason = fields.one("reason").strip()
    if not reason:
        raise InvalidError("Hãy ghi lý do rút bản tin.", "Say why it is withdrawn.", field="reason")
    return reason[:1000]


def _one(
    request: Request,
    station: Station,
    actor: Actor,
    bulletin_id: str,
    *,
    edit: bool = False,
    problem: BroadcasterError | None = None,
) -> Response:
    actor.need(Right.READ)
    with station.database.reading() as session:
        row = find(session, bulletin_id)
        need_sight(session, actor, row)
        at = desk(request, session, station, actor)
        form = Form.of(row.id, row.revision, draft_of(session, row), now=at.now)
        writable = actor.may(Right.EDIT, *areas_of(session, row)) and row.priority != "emergency"
        if not writable or (row.state in ("released", "withdrawn") and not edit):
            return read_only(request, at, row, form, writable=writable, problem=problem)
        kept = station.unfinished.of(actor, row.id)
        if kept is not None:
            return _show(request, at, Form.read(Fields(kept.form), at.tree), restored=kept.key, problem=problem)
        form = dataclasses.replace(form, card_proposed=_proposed_card(at, form))
        return _show(request, at, form, problem=problem)


def _proposed_card(at: Desk, form: Form) -> str:
    """What would be proposed for its words: an editor who kept it goes on with what is proposed."""
    script, _ = at.script(form, at.stored(form)[0])
    return composing.short_version(form.written.title, script)


def read_only(
    request: Request, at: Desk, row: Bulletin, form: Form, *, writable: bool, problem: BroadcasterError | None = None
) -> Response:
    """A bulletin to read and to listen to."""
    clip = at.session.get(ClipRecord, row.clip_sha256) if row.clip_sha256 else None
    release = at.session.execute(
        select(Release, Person.name)
        .join(Person, Person.id == Release.approver_id)
        .where(Release.bulletin_id == row.id, Release.voided_at.is_(None))
    ).first()
    schedules = json.loads(release[0].content)["schedules"] if release is not None else []
    if schedules:  # where it was released to, whatever its groups hold by now
        form = dataclasses.replace(form, targets=Targets.model_validate(schedules[0]["targets"]))
    airings = at.session.scalars(
        select(Airing).where(Airing.bulletin_id == row.id).order_by(Airing.due_at.desc(), Airing.id).limit(AIRINGS + 1)
    ).all()
    return pages.page(
        request,
        "bulletin.html",
        actor=at.actor,
        problem=problem,
        airings=airings[:AIRINGS],
        more_airings=len(airings) > AIRINGS,
        release=release,
        unattended=at.unattended(row),
        bulletin=row,
        clip=clip,
        seen=at.look(form),
        form=form,
        writable=writable,
    )


@router.post("/compose/preview")
def preview(request: Request, station: StationDep, actor: ActorDep, fields: FieldsDep) -> Response:
    """What becomes of the form as it stands: parts of the page. Nothing is saved."""
    actor.need(Right.EDIT)
    with station.database.reading() as session:
        at = desk(request, session, station, actor)
        given = at.unsaved(Form.read(fields, at.tree))
        problem = None
        try:
            form = done(at, given, fields)
        except InvalidError as error:
            form, problem = given, error
        seen = at.look(form)
        row, clip = at.stored(form)
        return pages.page(
            request,
            "_compose_seen.html",
            actor=actor,
            refused=said(problem, at.tongue) if problem is not None else "",
            usual=at.usual(),
            form=form,
            seen=seen,
            bulletin=row,
            clip=clip,
            with_oob=True,
            with_times=form.rules != given.rules or form.chips != given.chips,
            with_card=form.own_card() is None and form.card_proposed != seen.proposed_card,
            may_teach=actor.may(Right.PRONOUNCE),
        )


@router.post("/compose")
def act(request: Request, station: StationDep, actor: ActorDep, fields: FieldsDep) -> Response:
    """Save, listen, submit; without JavaScript also everything else that the page's buttons do."""
    actor.need(Right.EDIT)
    do = fields.one("do", "save")
    part = do == "listen" and "hx-request" in request.headers
    with station.database.reading() as session:
        at = desk(request, session, station, actor)
        form = Form.read(fields, at.tree)
        if do not in ("save", "listen", "submit") and not do.startswith("reopen:"):
            try:
                form, problem = done(at, form, fields), None
            except InvalidError as error:
                problem = error
            return _show(request, at, form, problem=problem)
        card = _proposed_card(at, form)
    try:
        rules = form.plan(now=station.clock.now(), zone=station.settings.zone)
        bulletin, revision = saved(
            station, actor, form, form.draft(before(station, actor, form, EMPTY), rules, card=card)
        )
        form = dataclasses.replace(form, key=bulletin, bulletin=bulletin, revision=revision, settlings=())
        if do == "submit":
            submitted(station, actor, bulletin, revision)
        elif do.startswith("reopen:"):
            station.readings.reopen(actor, bulletin, do.partition(":")[2], revision=revision)
    except BroadcasterError as error:
        if part:
            if isinstance(error, StaleError):
                error = StaleError(
                    "Bản tin vừa được lưu ở nơi khác. Bấm “Lưu nháp” để xem chỗ khác nhau; chữ bạn gõ vẫn còn nguyên.",
                    "The bulletin was saved elsewhere meanwhile. Press “Save draft” to see what differs; what you typed stays.",
                )
            return pages.page(request, "_listen_problem.html", refused=said(error, page_language(request)))
        if not form.bulletin and is_written(station, actor, form.key):
            made = written_as(actor, form.key)
            form = dataclasses.replace(
                form, key=made, bulletin=made, revision=0 if isinstance(error, StaleError) else 1
            )
        with station.database.reading() as session:
            return _show(request, desk(request, session, station, actor), form, problem=error)
    if part:
        answer = listen(request, station, actor, bulletin, identity=True)
        answer.headers["HX-Replace-Url"] = f"/bulletins/{bulletin}"
        return answer
    onward = {"submit": "/bulletins?done=submitted", "listen": f"/bulletins/{bulletin}?done=saved#listen"}
    if do == "submit":
        with station.database.reading() as session:
            if desk(request, session, station, actor).unattended(find(session, bulletin)):
                onward["submit"] = (
                    f"/bulletins/{bulletin}?done=submitted"  # which says why nobody can release it in time
                )
    return RedirectResponse(onward.get(do, f"/bulletins/{bulletin}?done=saved"), 303)


@router.post("/compose/unfinished")
def keep(station: StationDep, actor: ActorDep, fields: FieldsDep) -> Response:
    """Keep what is being typed."""
    key = fields.one("key")[:64]
    if not key:
        raise InvalidError("Thiếu mã của bản đang soạn.", "The key of what is being written is missing.", field="key")
    station.unfinished.keep(actor, key, {name: values for name, values in fields.values.items() if name != "do"})
    return Response(status_code=204)


@router.post("/compose/discard")
def discard(station: StationDep, actor: ActorDep, fields: FieldsDep) -> Response:
    """Forget what was being typed."""
    actor.need(Right.EDIT)
    key = fields.one("key")[:64]
    kept = station.unfinished.of(actor, key)
    station.unfinished.forget(actor, key)
    bulletin = kept.form.get("bulletin", [""])[-1] if kept is not None else ""
    return RedirectResponse(f"/bulletins/{bulletin}" if bulletin else "/compose?new=1", 303)


@router.post("/compose/intake")
async def take_in(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """A .docx, .pdf, .txt or .md file as the words of a new bulletin: as a page, or as JSON where the page's script asks."""
    actor.need(Right.EDIT)
    posted = await posted_of(request, composing.DOCUMENT_LIMIT)

    def answer() -> Response:
        script_asks = "application/json" in request.headers.get("accept", "")
        try:
            taken: dict[str, Any] = composing.take_in(*posted.chosen())
        except BroadcasterError as error:
            if script_asks:
                return JSONResponse({"problem": said(error, page_language(request))}, status_of(error))
            with station.database.reading() as session:
                at = desk(request, session, station, actor)
                return _show(request, at, Form.blank(at.tree.usual(session, actor.id)), problem=error)
        words = composing.together(taken["title"], taken["text"])
        if script_asks:
            return JSONResponse({"words": words})
        with station.database.reading() as session:
            at = desk(request, session, station, actor)
            form = dataclasses.replace(Form.blank(at.tree.usual(session, actor.id)), words=words)
            return _show(request, at, form)

    return await run_in_threadpool(answer)


@router.get("/compose/areas/{area_id}")
def open_area(request: Request, station: StationDep, actor: ActorDep, area_id: str, ticked: str = "") -> Response:
    """What stands right under an area, to be ticked."""
    actor.need(Right.EDIT)
    with station.database.reading() as session:
        tree = Tree(session, station.speaking.places(session), within=actor.homes(Right.EDIT))
    node = tree.find(area_id)
    if node is None:
        raise NotFoundError("Không có địa bàn này.", "There is no such area.")
    states = (
        dict.fromkeys([*(one.id for one in node.areas), *(one.id for one in node.receivers)], "all") if ticked else {}
    )
    return pages.page(request, "_area_opened.html", actor=actor, node=node, states=states, online=tree.online)
