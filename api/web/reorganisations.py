"""Mergers and splits: planned step by step, seen as all that changes, approved by another person, undone until the day."""

import json
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Form, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.area_tree import AreaTree
from api.web.reorganisation_forms import NEW, PlanForm, What
from broadcaster.areas import areas_on
from broadcaster.errors import BroadcasterError
from broadcaster.people import Actor, Right
from broadcaster.reorganisation.plans import find
from broadcaster.station import Station
from broadcaster.storage.models import Area, Person, Receiver, Reorganisation

router = pages.router()
ROWS = 200


@router.get("/reorganisations")
def all_of_them(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """Plans and what came of them, the latest day first."""
    actor.need(Right.READ)
    query = select(Reorganisation).order_by(Reorganisation.day.desc(), Reorganisation.id).limit(ROWS)
    with station.database.reading() as session:
        rows = session.scalars(query).all()
    return pages.page(request, "reorganisations.html", actor=actor, rows=rows, may_plan=actor.may(Right.OPERATE))


@router.get("/reorganisations/new")
def new(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    what: What | None = None,
    area: str = "",
    kind: str = "commune",
) -> Response:
    """Which of the three it is; then its form."""
    actor.need(Right.OPERATE)
    if what is None:
        return pages.page(request, "reorganisation_what.html", actor=actor)
    day = station.today() + timedelta(days=30)
    return _form(request, station, actor, PlanForm(what=what, area=area, day=day.isoformat()), kind=kind)


@router.post("/reorganisations/new")
def plan(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    form: Annotated[PlanForm, Form()],
) -> Response:
    """Note it down. Nothing changes before another person has approved it, and its day has come."""
    actor.need(Right.OPERATE)
    try:
        with station.database.reading() as session:
            tree = AreaTree(areas_on(session, station.today()))
            taken = session.scalars(select(Area.id)).all()
        made = station.reorganisations.plan(actor, form.plan(tree, taken))
    except BroadcasterError as error:
        return _form(request, station, actor, form, problem=error)
    return RedirectResponse(f"/reorganisations/{made}?done=reorganisation_planned", 303)


@router.get("/reorganisations/{reorganisation_id}")
def one(request: Request, station: StationDep, actor: ActorDep, reorganisation_id: str) -> Response:
    """All that would change, or has changed."""
    actor.need(Right.READ)
    return _shown(request, station, actor, reorganisation_id)


@router.post("/reorganisations/{reorganisation_id}/approval")
def approve(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    reorganisation_id: str,
    preview_sha256: Annotated[str, Form(max_length=64)],
) -> Response:
    """Let it happen on its day, as it was seen."""
    try:
        station.reorganisations.approve(actor, reorganisation_id, preview_sha256=preview_sha256)
    except BroadcasterError as error:
        return _shown(request, station, actor, reorganisation_id, problem=error)
    return RedirectResponse(f"/reorganisations/{reorganisation_id}?done=reorganisation_approved", 303)


@router.post("/reorganisations/{reorganisation_id}/undoing")
def undo(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    reorganisation_id: str,
    reason: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Take it back before its day."""
    try:
        station.reorganisations.undo(actor, reorganisation_id, reason)
    except BroadcasterError as error:
        return _shown(request, station, actor, reorganisation_id, problem=error)
    return RedirectResponse(f"/reorganisations/{reorganisation_id}?done=reorganisation_undone", 303)


def _form(
    request: Request,
    station: Station,
    actor: Actor,
    form: PlanForm,
    *,
    kind: str = "commune",
    problem: BroadcasterError | None = None,
) -> Response:
    with station.database.reading() as session:
        tree = AreaTree(areas_on(session, station.today()))
        devices = session.scalars(
            select(Receiver).where(Receiver.area_id == form.area, Receiver.revoked_at.is_(None)).order_by(Receiver.name)
        ).all()
    of = tree.areas.get(form.area)
    if form.ends and form.ends[0] in tree.areas:
        kind = tree.areas[form.ends[0]].kind
    alike = of.kind if of is not None else kind
    return pages.page(
        request,
        "reorganisation_new.html",
        actor=actor,
        form=form,
        tree=tree,
        of=of,
        kind=kind,
        alike=[(area.id, tree.said(area.id)) for area, _ in tree.walk() if area.kind == alike],
        movable=[(area.id, tree.said(area.id)) for area, _ in tree.walk() if area.parent_id is not None],
        parents=[(area.id, tree.said(area.id)) for area, _ in tree.walk() if area.kind != "village"],
        children=tree.below(form.area) if of is not None else [],
        devices=devices,
        new_keys=NEW,
        sent={
            **dict(zip(form.children, form.children_to, strict=False)),
            **dict(zip(form.devices, form.devices_to, strict=False)),
        },
        tomorrow=station.today() + timedelta(days=1),
        problem=problem,
    )


def _shown(
    request: Request,
    station: Station,
    actor: Actor,
    reorganisation: str,
    *,
    problem: BroadcasterError | None = None,
) -> Response:
    with station.database.reading() as session:
        row = find(session, reorganisation)
        ids = [name for name in (row.planned_by, row.approved_by, row.undone_by) if name is not None]
        people = dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(ids))).all())
        names = dict(session.execute(select(Area.id, Area.name)).all())
        devices = dict(session.execute(select(Receiver.id, Receiver.name)).all())
    names |= {area["id"]: area["name"] for area in row.plan.get("areas", ())}
    content: dict[str, Any] | None = json.loads(row.preview) if row.preview else None
    digest = ""
    if row.state == "planned":
        try:
            content, digest = station.reorganisations.preview(actor, reorganisation)
        except BroadcasterError as error:
            problem = problem or error
    return pages.page(
        request,
        "reorganisation.html",
        actor=actor,
        row=row,
        people=people,
        names=names,
        devices=devices,
        content=content,
        digest=digest,
        may_approve=actor.may(Right.RELEASE),
        own=row.planned_by == actor.id,
        may_undo=actor.may(Right.OPERATE) and row.day > station.today(),
        problem=problem,
    )
