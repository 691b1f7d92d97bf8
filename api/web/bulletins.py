"""Bulletins: the list, and the revisions of one."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request
from sqlalchemy import select
from starlette.responses import Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.compose.saving import is_written
from broadcaster import revisions
from broadcaster.bulletins import newest
from broadcaster.composing import Written
from broadcaster.people import Right
from broadcaster.releases import find
from broadcaster.revisions import changes
from broadcaster.storage.models import Person
from broadcaster.whereabouts import need_sight

router = pages.router()
PAGE = 25
STATES = ("draft", "submitted", "returned", "released", "withdrawn")


@router.get("/bulletins")
def bulletins(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    state: Annotated[str, Query(max_length=20)] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Bulletins, the newest first, and what this person is writing."""
    actor.need(Right.READ)
    state = state if state in STATES else ""
    with station.database.reading() as session:
        rows = newest(session, actor, limit=PAGE + 1, after=after, states=(state,) if state else (), title=q)
        authors = {row.author_id for row, _ in rows}
        names = dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(authors))).all())
    writes = actor.may(Right.EDIT)
    kept = station.unfinished.all(actor) if writes and after is None else []
    unfinished = [
        (each, Written.of(each.form.get("words", [""])[-1]).title)
        for each in kept
        if not each.form.get("bulletin", [""])[-1] and not is_written(station, actor, each.key)
    ]
    asked = {name: value for name, value in (("state", state), ("q", q)) if value}
    older = f"/bulletins?{urlencode({**asked, 'after': rows[PAGE - 1][0].id})}" if len(rows) > PAGE else ""
    return pages.page(
        request,
        "bulletins.html",
        actor=actor,
        rows=rows[:PAGE],
        names=names,
        states=STATES,
        state=state,
        q=q,
        unfinished=unfinished,
        writes=writes,
        older=older,
    )


@router.get("/bulletins/{bulletin_id}/revisions")
def bulletin_revisions(request: Request, station: StationDep, actor: ActorDep, bulletin_id: str) -> Response:
    """The revisions of a bulletin that are kept, each with what it changed."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        row = find(session, bulletin_id)
        need_sight(session, actor, row)
        kept = revisions.history(session, bulletin_id)
    older = [each.content for each, _ in kept[1:]]
    shown = [
        (each, name, changes(before, each.content) if before is not None else None)
        for (each, name), before in zip(kept, [*older, None], strict=True)
    ]
    return pages.page(request, "revisions.html", actor=actor, bulletin=row, shown=shown)
