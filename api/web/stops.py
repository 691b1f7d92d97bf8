"""Stop-all: silence at once, and letting it sound again."""

from datetime import timedelta
from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.emergencies import shown
from broadcaster.errors import BroadcasterError, InvalidError
from broadcaster.people import Right
from broadcaster.targets import Targets

router = pages.router()


@router.post("/emergencies/stops")
def stop(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    reason: Annotated[str, Form(max_length=300)] = "",
    area: Annotated[str, Form(max_length=64)] = "",
    minutes: Annotated[str, Form(max_length=6)] = "720",
) -> Response:
    """Silence for an area, or for all that one serves; it has gone to the broker when this answers."""
    actor.need(Right.OPERATE)
    try:
        if not minutes.isdigit():
            raise InvalidError("Chọn thời gian dừng.", "Choose how long.", field="minutes")
        targets = Targets(areas=(area,)) if area else None
        station.stops.issue(actor, targets, reason=reason, lasts=timedelta(minutes=int(minutes)))
    except BroadcasterError as error:
        typed = {"reason": reason, "area": area, "minutes": minutes}
        return shown(request, station, actor, problem=error, refused="stop", typed=typed)
    return RedirectResponse("/emergencies?done=em_stopped", 303)


@router.post("/emergencies/stops/{stop_id}/lifting")
def lift(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    stop_id: str,
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Let it sound again."""
    actor.need(Right.OPERATE)
    try:
        if not reason.strip():
            raise InvalidError("Hãy ghi lý do.", "Say why.", field="reason")
        station.stops.lift(actor, stop_id, reason=reason.strip())
    except BroadcasterError as error:
        return shown(request, station, actor, problem=error, refused=stop_id, typed={"reason": reason})
    return RedirectResponse("/emergencies?done=em_lifted", 303)
