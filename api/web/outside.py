"""Logging in by another service: out to it, and back."""

from typing import Annotated

from fastapi import Form, Query, Request
from starlette.responses import RedirectResponse, Response

from api.auth import AddressDep, StationDep, cookie_name, same_origin, set_cookie
from api.web import page as pages
from api.web.login import keep_outside, shown
from broadcaster.errors import BroadcasterError
from broadcaster.outside import LASTS, PATH
from broadcaster.station import Station

router = pages.router()
COOKIE = "outside"


def sent_out(station: Station, target: str, browser: str) -> Response:
    """To the service; the browser that goes is the one that has to come back."""
    response = RedirectResponse(target, 303)
    response.set_cookie(
        COOKIE,
        browser,
        max_age=int(LASTS.total_seconds()),
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=cookie_name(station).startswith("__Host-"),
    )
    return response


@router.post(PATH)
def begin(
    request: Request,
    station: StationDep,
    next: Annotated[str, Form(max_length=2000)] = "/",  # noqa: A002 - the name in the form
) -> Response:
    """Go and log in there."""
    try:
        same_origin(request)
        return sent_out(station, *station.outside.begin(onward=pages.onward(next)))
    except BroadcasterError as error:
        return shown(request, station, onward=pages.onward(next), problem=error)


@router.get(PATH)
def come_back(
    request: Request,
    station: StationDep,
    address: AddressDep,
    *,
    state: Annotated[str, Query(max_length=200)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
    iss: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Back from there, with a code that only this station can redeem."""
    browser = request.cookies.get(COOKIE, "")
    try:
        done = station.outside.finish(state=state, code=code, browser=browser, issuer=iss, address=address)
    except BroadcasterError as error:
        response = shown(request, station, problem=error)
    else:
        response = RedirectResponse(pages.onward(done.onward) if done.token is not None else "/me?done=linked", 303)
        if done.token is not None:
            set_cookie(response, station, done.token)
            keep_outside(response, station, done.id_token)
    response.delete_cookie(COOKIE, path=PATH)
    return response
