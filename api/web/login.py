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


@router.get("/")
def home(actor: ActorDep) -> Response:
    """To the page of the day's work."""
    actor.need(Right.READ)
    return RedirectResponse("/operations", 303)


@router.get("/login")
def login_page(request: Request, station: StationDep, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """The form."""
    return shown(request, station, onward=pages.onward(next))


def shown(
    request: Request,
    station: Station,
    *,
    onward: str = "/",
    username: str = "",
    problem: BroadcasterError | None = None,
) -> Response:
    """The log-in page, with what was refused."""
    label = station.outside.label
    return pages.page(request, "login.html", username=username, next=onward, outside=label, problem=problem)


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
    return response


@router.post("/logout")
def log_out(station: StationDep, token: TokenDep, address: AddressDep) -> Response:
    """Log out."""
    if token:
        station.log_ins.log_out(token, address=address)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(cookie_name(station), path="/", secure=cookie_name(station).startswith("__Host-"))
    return response
