"""Areas and the receivers in them: the whole tree of a commune on one page, of a province step by step."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.problems import page_language
from api.web import page as pages
from api.web.area_tree import AreaTree, by_name
from api.web.fields import Fields, FieldsDep
from api.web.standing import ReceiverStanding, standing_of
from api.web.words import words
from broadcaster.areas import KINDS, AreaOn, areas_on
from broadcaster.errors import BroadcasterError, ConflictError, InvalidError
from broadcaster.letters import plain
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import Receiver

router = pages.router()
ROWS = 100
"""At most so many receivers are drawn."""
FOUND = 50


@dataclass
class Count:
    """Receivers in service in an area and under it."""

    all: int = 0
    online: int = 0


@router.get("/areas")
def areas(request: Request, station: StationDep, actor: ActorDep, q: str = "") -> Response:
    """All areas, or what a search finds."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        tree = AreaTree(areas_on(session, station.today()))
        if q.strip():
            return _found(request, session, tree, actor, q)
        return _below(request, session, tree, actor, None)


@router.get("/areas/{area_id}")
def area(request: Request, station: StationDep, actor: ActorDep, area_id: str) -> Response:
    """One area: what lies under it, and its receivers."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        tree = AreaTree(areas_on(session, station.today()))
        tree.way(area_id)
        return _below(request, session, tree, actor, area_id)


@router.post("/areas")
def add_at_the_top(request: Request, station: StationDep, actor: ActorDep, fields: FieldsDep) -> Response:
    """Add areas at the top of the tree: the station's first."""
    return _added(request, station, actor, None, fields)


@router.post("/areas/{area_id}")
def add(request: Request, station: StationDep, actor: ActorDep, area_id: str, fields: FieldsDep) -> Response:
    """Add areas under one."""
    return _added(request, station, actor, area_id, fields)


@router.post("/areas/{area_id}/name")
def rename(request: Request, station: StationDep, actor: ActorDep, area_id: str, fields: FieldsDep) -> Response:
    """Mend its name."""
    try:
        station.founding.rename(actor, area_id, fields.one("name"))
    except (InvalidError, ConflictError) as error:
        return _again(request, station, actor, area_id, typed=fields, problem=error)
    return RedirectResponse(f"/areas/{area_id}?done=area_renamed", 303)


def _added(request: Request, station: Station, actor: Actor, parent: str | None, fields: Fields) -> Response:
    names = [line for line in fields.one("names").splitlines() if line.strip()]
    try:
        station.founding.add(actor, parent=parent, kind=fields.one("kind"), names=names)
    except (InvalidError, ConflictError) as error:
        return _again(request, station, actor, parent, typed=fields, problem=error)
    return RedirectResponse(f"/areas{f'/{parent}' if parent else ''}?done=areas_added", 303)


def _again(
    request: Request, station: Station, actor: Actor, top: str | None, *, typed: Fields, problem: BroadcasterError
) -> Response:
    """The page with what was typed."""
    with station.database.reading() as session:
        tree = AreaTree(areas_on(session, station.today()))
        if top is not None:
            tree.way(top)
        return _below(request, session, tree, actor, top, typed=typed, problem=problem)


def _below(
    request: Request,
    session: Session,
    tree: AreaTree,
    actor: Actor,
    top: str | None,
    *,
    typed: Fields | None = None,
    problem: BroadcasterError | None = None,
) -> Response:
    own = actor.within()
    counts = _counts(session, tree, own)
    # Whoever serves some areas begins with these.
    tops = _tops(tree, actor) if top is None else [tree.areas[top]]
    within = [found.id for root in tops for found, _ in tree.walk(root.id)]
    total = Count(sum(counts[root.id].all for root in tops), sum(counts[root.id].online for root in tops))
    query = select(Receiver).where(Receiver.revoked_at.is_(None), *_seen(own)).order_by(Receiver.name)
    whole = total.all <= ROWS and len(within) <= ROWS
    shown = within if whole else [top]
    rows = session.scalars(query.where(Receiver.area_id.in_(shown))).all()
    gone = session.scalars(
        select(Receiver)
        .where(Receiver.revoked_at.is_not(None), Receiver.area_id.in_(shown), *_seen(own))
        .order_by(Receiver.revoked_at.desc())
        .limit(FOUND)
    ).all()
    founds = actor.may(Right.ADMINISTER, top)
    kinds = _kinds_below(tree, top) if founds else ()
    groups = [(tree.areas[name], _worst_first([row for row in rows if row.area_id == name])) for name in shown if name]
    return pages.page(
        request,
        "areas.html",
        actor=actor,
        tree=tree,
        area=None if top is None else tree.areas[top],
        total=total,
        counts=counts,
        children=[] if whole and top is None else (tops if top is None else tree.below(top)),
        groups=groups,
        whole=whole,
        most=ROWS,
        own=own,
        adds=actor.may(Right.OPERATE, *([] if top is None else [top])),
        gone=[(row, standing_of(row)) for row in gone],
        q="",
        found_areas=None,
        founds=founds,
        kinds=[(kind, words(page_language(request))[f"area_kind_{kind}"]) for kind in kinds],
        typed=typed or Fields(),
        problem=problem,
    )


def _kinds_below(tree: AreaTree, top: str | None) -> tuple[str, ...]:
    """The kinds of areas that may be added there, the usual one first."""
    if top is None:
        return KINDS if not tree.areas else ()
    return KINDS[KINDS.index(tree.areas[top].kind) + 1 :]


def _found(request: Request, session: Session, tree: AreaTree, actor: Actor, q: str) -> Response:
    wanted = plain(q)[:100]
    names = session.execute(select(Receiver.id, Receiver.name).where(*_seen(actor.within()))).all()
    ids = [
        name
        for name, called in sorted(names, key=lambda each: by_name(each[1]))
        if wanted in plain(called) or wanted in name.lower()
    ]
    rows = session.scalars(select(Receiver).where(Receiver.id.in_(ids[:FOUND]))).all()
    found_areas: list[AreaOn] = [found for found, _ in tree.walk() if wanted in plain(found.name)]
    return pages.page(
        request,
        "areas.html",
        actor=actor,
        tree=tree,
        area=None,
        found=_worst_first(rows),
        found_areas=found_areas[:FOUND],
        more=[
            (word, min(number, FOUND), number)
            for word, number in (("areas_more_areas", len(found_areas)), ("areas_more_devices", len(ids)))
            if number > FOUND
        ],
        q=q,
        founds=False,
        kinds=(),
        typed=Fields(),
    )


def _worst_first(rows: Sequence[Receiver]) -> list[tuple[Receiver, ReceiverStanding]]:
    pairs = [(row, standing_of(row)) for row in rows]
    return sorted(pairs, key=lambda pair: (pair[1].rank, by_name(pair[0].name)))


def _tops(tree: AreaTree, actor: Actor) -> list[AreaOn]:
    homes = sorted(
        (tree.areas[home] for home in actor.homes(Right.READ) if home in tree.areas),
        key=lambda area: by_name(area.name),
    )
    return tree.roots if actor.within() is None else homes


def _seen(own: frozenset[str] | None) -> list[ColumnElement[bool]]:
    """What devices are and say is seen in one's own area alone."""
    return [] if own is None else [Receiver.area_id.in_(own)]


def _counts(session: Session, tree: AreaTree, own: frozenset[str] | None) -> dict[str, Count]:
    counts = {name: Count() for name in tree.areas}
    grouped = session.execute(
        select(Receiver.area_id, Receiver.presence, func.count())
        .where(Receiver.revoked_at.is_(None), *_seen(own))
        .group_by(Receiver.area_id, Receiver.presence)
    )
    for area_id, presence, number in grouped:
        for above in tree.way(area_id) if area_id in tree.areas else ():
            counts[above.id].all += number
            counts[above.id].online += number if presence == "online" else 0
    return counts
