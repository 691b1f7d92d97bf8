"""Programmes: their slots, what is queued, the sessions to come with their exact lengths, slots that nothing fills."""

from datetime import timedelta

from fastapi import Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.problems import Language, page_language
from api.web import page as pages
from api.web.fields import Fields, FieldsDep, SureDep, require_sure
from api.web.place_choice import choice_of, said, targets_of
from api.web.programme_form import DAYS, FALLBACKS, fields_from, programme_of, row_of, rows_of
from broadcaster.errors import BroadcasterError, InvalidError, NotFoundError
from broadcaster.groups import areas_in
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import Bulletin, ProgrammeRecord
from broadcaster.targets import Targets
from broadcaster.whereabouts import visible_to
from schedules.programmes import Programme
from schedules.sentences import describe

router = pages.router()
AHEAD = timedelta(days=7)
MOST_CALLS = 60


@router.get("/programmes")
def programmes(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """All that have not ended, and what they warn of."""
    actor.need(Right.READ)
    tongue = page_language(request)
    tree = choice_of(station, actor, Right.READ).tree
    rows = station.programmes.all(actor)
    names = {row.id: row.name for row in rows}
    return pages.page(
        request,
        "programmes.html",
        actor=actor,
        rows=[(row, _slots(station, row, tongue), said(tree, Targets.model_validate(row.targets))) for row in rows],
        warnings=[
            (row, row.vi if tongue == "vi" else row.en)
            for row in station.programmes.warnings(actor)
            if row.programme_id in names
        ],
        may_change=actor.may(Right.RELEASE),
    )


@router.get("/programmes/new")
def new(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """The form of a new one."""
    actor.need(Right.RELEASE)
    usual = choice_of(station, actor, Right.RELEASE).usual
    return _form(request, station, actor, fields_from(None, {"areas": usual}, 0))


@router.post("/programmes/new")
def save_new(request: Request, station: StationDep, actor: ActorDep, fields: FieldsDep) -> Response:
    """Save it."""
    return _save(request, station, actor, fields, None)


@router.get("/programmes/{programme_id}")
def one(request: Request, station: StationDep, actor: ActorDep, programme_id: str) -> Response:
    """One programme: slots, queue, sessions to come."""
    return _one(request, station, actor, programme_id)


def _one(
    request: Request, station: Station, actor: Actor, programme_id: str, *, problem: BroadcasterError | None = None
) -> Response:
    queue = station.programmes.queue(actor, programme_id)
    row, tongue = _row(station, programme_id), page_language(request)
    titles = {queued.bulletin: title for queued, title in queue}
    warned = [each for each in station.programmes.warnings(actor) if each.programme_id == programme_id]
    return pages.page(
        request,
        "programme.html",
        actor=actor,
        problem=problem,
        row=row,
        rules=_rules(row),
        slots=_slots(station, row, tongue),
        where=said(choice_of(station, actor, Right.READ).tree, Targets.model_validate(row.targets)),
        queue=queue,
        titles=titles,
        sessions=station.programmes.sessions(actor, programme_id, ahead=AHEAD),
        warnings=[each.vi if tongue == "vi" else each.en for each in warned],
        may_change=_may_change(station, actor, row),
    )


@router.get("/programmes/{programme_id}/form")
def form(request: Request, station: StationDep, actor: ActorDep, programme_id: str) -> Response:
    """The form of one that stands."""
    actor.need(Right.RELEASE)
    row = _row(station, programme_id)
    _need_change(station, actor, row)
    return _form(request, station, actor, fields_from(_rules(row), row.targets, row.revision), row=row)


@router.post("/programmes/{programme_id}/form")
def save(request: Request, station: StationDep, actor: ActorDep, programme_id: str, fields: FieldsDep) -> Response:
    """Save it; what is planned already stays."""
    return _save(request, station, actor, fields, _row(station, programme_id))


@router.post("/programmes/{programme_id}/ending")
def end(request: Request, station: StationDep, actor: ActorDep, programme_id: str, sure: SureDep = "") -> Response:
    """It owns no slots any more."""
    actor.need(Right.RELEASE)
    try:
        require_sure(sure)
    except InvalidError as error:
        return _one(request, station, actor, programme_id, problem=error)
    station.programmes.end(actor, programme_id)
    return RedirectResponse("/programmes?done=programme_ended", 303)


def _save(request: Request, station: Station, actor: Actor, fields: Fields, row: ProgrammeRecord | None) -> Response:
    actor.need(Right.RELEASE)
    try:
        if row is not None:
            _need_change(station, actor, row)
        before = _rules(row) if row is not None else None
        made = programme_of(fields, before=before, today=station.today(), zone=station.settings.zone)
        targets = targets_of(fields.all("areas"), fields.all("groups"))
        if row is not None:  # what the form does not show stays
            kept = Targets.model_validate(row.targets)
            targets = kept.model_copy(update={"areas": targets.areas, "groups": targets.groups})
        station.programmes.save(actor, made, targets, revision=fields.number("revision"))
    except BroadcasterError as error:
        return _form(request, station, actor, fields, row=row, problem=error)
    return RedirectResponse(f"/programmes/{made.id}?done=programme_saved", 303)


def _row(station: Station, programme_id: str) -> ProgrammeRecord:
    with station.database.reading() as session:
        row = session.get(ProgrammeRecord, programme_id)
    if row is None or row.ended_at is not None:
        raise NotFoundError("Không có chuyên mục này.", "There is no such programme.")
    return row


def _rules(row: ProgrammeRecord) -> Programme:
    return Programme.model_validate({**row.rules, "id": row.id})


def _slots(station: Station, row: ProgrammeRecord, tongue: Language) -> list[tuple[str, int]]:
    return [
        (describe(slot.rule, tongue, zone=station.settings.zone), slot.seconds * 1000) for slot in _rules(row).slots
    ]


def _areas(station: Station, row: ProgrammeRecord) -> set[str]:
    with station.database.reading() as session:
        return areas_in(session, [row.targets])


def _may_change(station: Station, actor: Actor, row: ProgrammeRecord) -> bool:
    return actor.may(Right.RELEASE, *_areas(station, row))


def _need_change(station: Station, actor: Actor, row: ProgrammeRecord) -> None:
    actor.need(Right.RELEASE, *_areas(station, row))


def _form(
    request: Request,
    station: Station,
    actor: Actor,
    fields: Fields,
    *,
    row: ProgrammeRecord | None = None,
    problem: BroadcasterError | None = None,
) -> Response:
    tongue = page_language(request)
    rules = _rules(row) if row is not None else None
    with station.database.reading() as session:
        query = select(Bulletin.id, Bulletin.title).where(
            Bulletin.state == "released", Bulletin.priority != "emergency", *visible_to(actor)
        )
        bulletins = session.execute(query.order_by(Bulletin.updated_at.desc()).limit(MOST_CALLS)).all()
    others = [(each.id, each.name) for each in station.programmes.all(actor) if row is None or each.id != row.id]
    return pages.page(
        request,
        "programme_form.html",
        actor=actor,
        problem=problem,
        row=row,
        fields=fields,
        rows=rows_of(fields),
        kept=[
            (str(number), describe(slot.rule, tongue, zone=station.settings.zone), slot.seconds * 1000)
            for number, slot in enumerate(rules.slots if rules else ())
            if row_of(slot) is None
        ],
        weekdays=list(enumerate(DAYS)),
        fallbacks=FALLBACKS,
        others=others,
        bulletins=[(key, title) for key, title in bulletins],
        choice=choice_of(station, actor, Right.RELEASE),
    )
