"""The pages' routes. Forms work without JavaScript; JavaScript only makes them live."""

from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from fastapi.templating import Jinja2Templates
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.auth import AddressDep, StationDep, TokenDep, cookie_name, same_origin, set_cookie
from api.problems import Language, page_language
from api.v1.airings import current_airing
from api.web.words import number, words
from broadcaster.errors import ForbiddenError, NotLoggedInError, TooManyError
from broadcaster.ladder import RUNGS
from broadcaster.log_search import LogQuery
from broadcaster.quality import blocked_bulletins
from broadcaster.storage.models import AsRun

router = APIRouter(include_in_schema=False)
_TEMPLATES = Jinja2Templates(directory=Path(__file__).parent / "templates")
LanguageDep = Annotated[Language, Depends(page_language)]
LOG_ROWS = 30
BLOCKED_ROWS = 10


def render(request: Request, name: str, tongue: Language, status: int = 200, **context: object) -> Response:
    """One page from its template, never kept by the browser."""
    response = _TEMPLATES.TemplateResponse(
        request,
        name,
        {"w": words(tongue), "tongue": tongue, "number": partial(number, tongue=tongue), **context},
        status_code=status,
    )
    response.headers["Cache-Control"] = "no-store"
    if request.query_params.get("lang") in ("vi", "en"):
        response.set_cookie("lang", tongue, max_age=31536000, samesite="lax", httponly=True)
    return response


@router.get("/")
def board(request: Request, station: StationDep, token: TokenDep, address: AddressDep, tongue: LanguageDep) -> Response:
    """The current airing's ladder of proof and the end of the log."""
    try:
        actor = station.log_ins.recognise(token, address=address)
    except NotLoggedInError:
        return RedirectResponse("/login", 303)
    with station.database.reading() as session:
        log = select(AsRun).where(*LogQuery(within=actor.within()).conditions())
        rows = session.scalars(log.order_by(AsRun.seq.desc()).limit(LOG_ROWS)).all()
        blocked = blocked_bulletins(session, actor, limit=BLOCKED_ROWS)
    return render(
        request,
        "board.html",
        tongue,
        actor=actor,
        station_name=station.settings.station_name,
        airing=current_airing(station, actor),
        rungs=RUNGS[2:],
        expiries=[(item, item.days(station.clock.now())) for item in station.expiries.pressing()],
        rows=rows,
        blocked=blocked,
        zone=ZoneInfo(station.settings.zone),
        zone_name=station.settings.zone,
    )


@router.get("/login")
def login_page(request: Request, station: StationDep, tongue: LanguageDep) -> Response:
    """The form."""
    return render(request, "login.html", tongue, station_name=station.settings.station_name, problem=None, username="")


@router.post("/login")
def log_in(
    request: Request,
    station: StationDep,
    *,
    tongue: LanguageDep,
    username: Annotated[str, Form(max_length=100)],
    password: Annotated[str, Form(max_length=1000)],
    address: AddressDep,
    code: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Log in and go to the board, or say what is wrong and keep the user name."""
    try:
        same_origin(request)
        token, _, _ = station.log_ins.log_in(username, password, code=code or None, address=address)
    except (NotLoggedInError, ForbiddenError, TooManyError) as error:
        return render(
            request,
            "login.html",
            tongue,
            status={"forbidden": 403, "too-many": 429}.get(error.code, 401),
            station_name=station.settings.station_name,
            problem=error.en if tongue == "en" else error.vi,
            username=username,
        )
    response = RedirectResponse("/", 303)
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
