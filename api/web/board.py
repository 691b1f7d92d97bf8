"""Logging in and out, and the board: the current airing's ladder of proof and the end of the log."""

from typing import Annotated

from fastapi import Form, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep, cookie_name, same_origin, set_cookie
from api.v1.airings import current_airing
from api.web import page as pages
from broadcaster.errors import ForbiddenError, NotLoggedInError, TooManyError
from broadcaster.ladder import RUNGS
from broadcaster.log_search import LogQuery
from broadcaster.people import Right
from broadcaster.quality import blocked_bulletins
from broadcaster.storage.models import AsRun

router = pages.router()
LOG_ROWS = 30
BLOCKED_ROWS = 10


@router.get("/")
def board(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """The current airing's ladder of proof and the end of the log."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        log = select(AsRun).where(*LogQuery(within=actor.within()).conditions())
        rows = session.scalars(log.order_by(AsRun.seq.desc()).limit(LOG_ROWS)).all()
        blocked = blocked_bulletins(session, actor, limit=BLOCKED_ROWS)
    return pages.page(
        request,
        "board.html",
        actor=actor,
        airing=current_airing(station, actor),
        rungs=RUNGS[2:],
        expiries=[(item, item.days(station.clock.now())) for item in station.expiries.pressing()],
        rows=rows,
        blocked=blocked,
    )


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """The form."""
    return pages.page(request, "login.html", username="", next=pages.onward(next))


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
        return pages.page(request, "login.html", problem=error, username=username, next=onward)
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
