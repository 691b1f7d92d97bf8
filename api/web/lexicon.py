"""The lexicon of an area: how terms are read there, what it has from above, and which bulletins a change speaks anew."""

from collections.abc import Iterable
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import Form, Query, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.area_tree import AreaTree, tree_of
from api.web.mentions import CountDep, IdsDep, address_of, named
from audio.script.letters import names_of
from broadcaster.errors import BroadcasterError, ConflictError, InvalidError, NotFoundError
from broadcaster.letters import plain
from broadcaster.lexicons import NOTE_LIMIT, Change
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import LexiconProposal, LexiconRecord, Person

router = pages.router()
ROWS = 100
HISTORY = 200


@router.get("/lexicon")
def show(
    *, request: Request, station: StationDep, actor: ActorDep, area: str = "", q: str = "", written: str = ""
) -> Response:
    """The readings in force in an area; `written` is an entry that is to be changed."""
    actor.need(Right.READ)
    return _shown(request, station, actor, area, q=q, written=written[:200])


@router.post("/lexicon")
def put(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: Annotated[str, Form(max_length=64)],
    written: Annotated[str, Form(max_length=200)] = "",
    reading: Annotated[str, Form(max_length=500)] = "",
    spelled: Annotated[str, Form(max_length=3)] = "",
    note: Annotated[str, Form(max_length=NOTE_LIMIT)] = "",
) -> Response:
    """Have a term read so; tells which bulletins are spoken anew."""
    actor.need(Right.PRONOUNCE, area)
    try:
        change = station.lexicons.put(actor, area, written=written, reading=None if spelled else reading, note=note)
    except BroadcasterError as error:
        typed = {"written": written, "reading": reading, "spelled": spelled, "note": note}
        return _shown(request, station, actor, area, typed=typed, problem=error)
    return _told(area, written, change)


@router.post("/lexicon/removal")
def remove(
    *,
    station: StationDep,
    actor: ActorDep,
    area: Annotated[str, Form(max_length=64)],
    written: Annotated[str, Form(max_length=200)],
) -> Response:
    """End the area's own entry; what stands above holds again."""
    return _told(area, written, station.lexicons.remove(actor, area, written))


@router.get("/lexicon/change")
def change(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: Annotated[str, Query(max_length=64)],
    written: Annotated[str, Query(max_length=200)],
    anew: IdsDep,
    anew_all: CountDep = 0,
    unchanged: IdsDep,
    unchanged_all: CountDep = 0,
) -> Response:
    """What a change of the lexicon came to: how the term is read now, what is spoken anew and what is not."""
    actor.need(Right.READ)
    entries = station.lexicons.history(actor, area, written=written, limit=1)
    if not entries:
        raise NotFoundError("Không có mục từ này. Xem trong từ điển.", "There is no such entry. Look into the lexicon.")
    (entry,) = entries
    return pages.page(
        request,
        "lexicon_change.html",
        actor=actor,
        area=area,
        written=entry.written,
        spoken=spoken_of(entry) if entry.ended_at is None else None,
        anew=named(station, actor, anew, anew_all),
        unchanged=named(station, actor, unchanged, unchanged_all),
    )


def _told(area: str, written: str, change: Change) -> Response:
    """To the page that tells of it."""
    entry = urlencode({"area": area, "written": written.strip()})
    found = f"{address_of('anew', change.anew)}&{address_of('unchanged', change.unchanged)}"
    return RedirectResponse(f"/lexicon/change?{entry}&{found}", 303)


@router.post("/lexicon/proposals/{proposal_id}/acceptance")
def accept(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    proposal_id: str,
    reason: Annotated[str, Form(max_length=NOTE_LIMIT)] = "",
) -> Response:
    """Make a proposal an entry of its area; tells which bulletins are spoken anew."""
    try:
        row, change = station.proposals.accept(actor, proposal_id, reason=reason)
    except ConflictError as error:
        return _shown(
            request, station, actor, station.proposals.area_of(proposal_id), problem=error, answering=proposal_id
        )
    return _told(row.area_id, row.written, change)


@router.post("/lexicon/proposals/{proposal_id}/refusal")
def decline(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    proposal_id: str,
    reason: Annotated[str, Form(max_length=NOTE_LIMIT)] = "",
) -> Response:
    """Decline it with a reason."""
    try:
        row = station.proposals.decline(actor, proposal_id, reason=reason)
    except (InvalidError, ConflictError) as error:
        area = station.proposals.area_of(proposal_id)
        return _shown(request, station, actor, area, problem=error, answering=proposal_id)
    return RedirectResponse(f"/lexicon?area={quote(row.area_id)}&done=proposal_declined", 303)


@router.get("/lexicon/history")
def history(
    request: Request, station: StationDep, actor: ActorDep, area: str = "", written: str | None = None
) -> Response:
    """What an area's own entries are and were."""
    actor.need(Right.READ)
    tree = tree_of(station)
    chosen = area or tree.first(actor) or ""
    rows = station.lexicons.history(actor, chosen, written=written or None, limit=HISTORY)
    with station.database.reading() as session:
        names = names_of_people(session, [name for row in rows for name in (row.person_id, row.ended_by)])
    return pages.page(
        request,
        "lexicon_history.html",
        actor=actor,
        tree=tree,
        area=tree.areas[chosen],
        written=written or "",
        rows=[(row, spoken_of(row)) for row in rows],
        names=names,
    )


def spoken_of(row: LexiconRecord | LexiconProposal) -> str:
    """What is heard for an entry: its reading, or the names of its letters."""
    return names_of(row.written) if row.reading is None else row.reading


def names_of_people(session: Session, ids: Iterable[str | None]) -> dict[str, str]:
    """Names of people by id."""
    wanted = {name for name in ids if name is not None}
    return dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted))).all())


def _shown(
    request: Request,
    station: Station,
    actor: Actor,
    area: str,
    *,
    q: str = "",
    written: str = "",
    typed: dict[str, str] | None = None,
    problem: BroadcasterError | None = None,
    answering: str = "",
) -> Response:
    tree: AreaTree = tree_of(station)
    chosen = area or tree.first(actor)
    if chosen is None:
        return pages.page(request, "area_none.html", actor=actor, heading="lexicon", tree=tree)
    _, rows = station.lexicons.of(actor, chosen)
    wanted = plain(q)
    entries = [(row, spoken_of(row)) for row in rows]
    found = [pair for pair in entries if wanted in plain(f"{pair[0].written} {pair[1]} {pair[0].note}")]
    changed = next((row for row in rows if row.written == written), None)
    if typed is None and changed is not None:
        typed = {
            "written": changed.written,
            "reading": changed.reading or "",
            "spelled": "" if changed.reading else "yes",
            "note": changed.note if changed.area_id == chosen else "",
        }
    return pages.page(
        request,
        "lexicon.html",
        actor=actor,
        tree=tree,
        area=tree.areas[chosen],
        entries=found[:ROWS],
        found=len(found),
        all=len(entries),
        q=q,
        changing=changed is not None,
        typed=typed or {"written": written},
        problem=problem,
        may_change=actor.may(Right.PRONOUNCE, chosen),
        proposals=[(row, spoken_of(row), name) for row, name in station.proposals.waiting(actor, chosen)],
        answering=answering,
        note_limit=NOTE_LIMIT,
    )
