"""Logging in and out, and where one is then."""

from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep, cookie_name, same_origin, set_cookie
from api.web import page as pages
from broadcaster.errors import BroadcasterError, ForbiddenError, NotLoggedInError, TooManyError
from broadcaster.people import Right
from broadcaster.station import Station

router = pages.router()
OUTSIDE = "outside_token"
"""The cookie of a browser that was logged in by another service: with what it logs out there too."""
LONGEST_COOKIE = 3_800
"""Bytes of a cookie's value; browsers keep no cookie of more than 4,096 with its name and attributes."""


@router.get("/")
def home(actor: ActorDep) -> Response:
    """To the page of the day's work."""
    actor.need(Right.READ)
    return RedirectResponse("/operations", 303)


@router.get("/login")
def login_page(
    request: Request,
    station: StationDep,
    next: str = "/",  # noqa: A002 - the name in the address
    unsaved: str = "",
) -> Response:
    """The form; `unsaved`: a form was sent after the log-in had ended."""
    return shown(request, station, onward=pages.onward(next), unsaved=bool(unsaved))


def shown(
    request: Request,
    station: Station,
    *,
    onward: str = "/",
    username: str = "",
    unsaved: bool = False,
    problem: BroadcasterError | None = None,
) -> Response:
    """The log-in page, with what was refused."""
    return pages.page(
        request,
        "login.html",
        username=username,
        next=onward,
        outside=station.outside.label,
        unsaved=unsaved,
        problem=problem,
    )


@router.post("/login")
def log_in(
    request: Request,
    station: StationDep,
    *,
    username: Annotated[str, Form(max_length=100)],
    password: Annotated[str, Form(max_length=1000)],
    address: AddressDep,
    code: Annotated[str, Form(max_length=20)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",  # noqa: A002 - the name in the address
) -> Response:
    """Log in and go on to the page that was asked for, or say what is wrong and keep the user name."""
    onward = pages.onward(next)
    try:
        same_origin(request)
        token, actor, _ = station.log_ins.log_in(username, password, code=code or None, address=address)
    except (NotLoggedInError, ForbiddenError, TooManyError) as error:
        return shown(request, station, onward=onward, username=username, problem=error)
    response = RedirectResponse("/me" if actor.must_change_password else onward, 303)
    set_cookie(response, station, token)
    response.delete_cookie(OUTSIDE, path="/logout")
    return response


def keep_outside(response: Response, station: Station, id_token: str) -> None:
    """Keep what the other service asks for at the log-out, for that alone; one too long is left out, and the service asks the person."""
    response.set_cookie(
        OUTSIDE,
        id_token if len(id_token) <= LONGEST_COOKIE else "-",
        max_age=int(station.settings.session_length.total_seconds()),
        path="/logout",
        httponly=True,
        samesite="strict",
        secure=cookie_name(station).startswith("__Host-"),
    )


@router.post("/logout")
def log_out(request: Request, station: StationDep, token: TokenDep, address: AddressDep) -> Response:
    """Log out; who was logged in by another service, also there."""
    if token:
        station.log_ins.log_out(token, address=address)
    outside = request.cookies.get(OUTSIDE)
    there = station.outside.leave(outside.strip("-")) if token and outside is not None else None
    response = RedirectResponse(there or "/login", 303)
    response.delete_cookie(cookie_name(station), path="/", secure=cookie_name(station).startswith("__Host-"))
    response.delete_cookie(OUTSIDE, path="/logout")
    return response
