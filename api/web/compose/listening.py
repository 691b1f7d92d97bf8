"""A bulletin's player and its LED panel."""

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from broadcaster import card_preview
from broadcaster.people import Right
from broadcaster.releases import find
from broadcaster.storage.models import ClipRecord
from broadcaster.whereabouts import need_sight

router = pages.router()


@router.get("/bulletins/{bulletin_id}/listen")
def listen(
    request: Request, station: StationDep, actor: ActorDep, bulletin_id: str, *, identity: bool = False
) -> Response:
    """The player, or how far its making is."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        row = find(session, bulletin_id)
        need_sight(session, actor, row)
        clip = session.get(ClipRecord, row.clip_sha256) if row.clip_sha256 else None
    return pages.page(
        request,
        "_listen_answer.html",
        actor=actor,
        bulletin=row,
        clip=clip,
        identity=identity,
        writable=actor.may(Right.EDIT),
        heard=True,
    )


@router.get("/compose/card.png")
def card_picture(
    station: StationDep,
    actor: ActorDep,
    text: Annotated[str, Query(max_length=2000)],
    ms: Annotated[int, Query(ge=1, le=7_200_000)] = 20_000,
    at: Annotated[int, Query(ge=0, le=7_200_000)] = 0,
) -> Response:
    """The LED panel at a moment of a card."""
    actor.need(Right.READ)
    made = card_preview.picture(text, ms, elapsed_ms=at, now=station.clock.now(), zone=station.settings.zone)
    return Response(made, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})
