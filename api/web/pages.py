"""The pages' routes. Forms work without JavaScript; JavaScript only makes them live."""

from functools import partial
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Request
from fastapi.templating import Jinja2Templates
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.auth import StationDep, TokenDep, cookie_name, same_origin, set_cookie
from api.problems import Language, page_language
from api.v1.airings import current_airing
from api.web.words import number, words
from broadcaster.errors import ForbiddenError, NotLoggedInError
from broadcaster.ladder import RUNGS
from broadcaster.storage.models import AsRun

router = APIRouter(include_in_schema=False)
_TEMPLATES = Jinja2Templates(directory=Path(__file__).parent / "templates")
LanguageDep = Annotated[Language, Depends(page_language)]
LOG_ROWS = 30


def _page(request: Request, name: str, tongue: Language, status: int = 200, **context: object) -> Response:
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
def board(request: Request, station: StationDep, token: TokenDep, tongue: LanguageDep) -> Response:
    """The current airing's ladder of proof and the end of the log."""
    try:
        actor = station.people.recognise(token)
    except NotLoggedInError:
        return RedirectResponse("/login", 303)
    with station.database.reading() as session:
        rows = session.scalars(select(AsRun).order_by(AsRun.seq.desc()).limit(LOG_ROWS)).all()
    return _page(
        request,
        "board.html",
        tongue,
        actor=actor,
        station_name=station.settings.station_name,
        airing=current_airing(station),
        rungs=RUNGS[2:],
        rows=rows,
        zone=ZoneInfo(station.settings.zone),
        zone_name=station.settings.zone,
    )


@router.get("/login")
def login_page(request: Request, station: StationDep, tongue: LanguageDep) -> Response:
    """The form."""
    return _page(request, "login.html", tongue, station_name=station.settings.station_name, problem=None, username="")


@router.post("/login")
def log_in(
    request: Request,
    station: StationDep,
    tongue: LanguageDep,
    username: Annotated[str, Form(max_length=100)],
    password: Annotated[str, Form(max_length=1000)],
) -> Response:
    """Log in and go to the board, or say what is wrong and keep the user name."""
    try:
        same_origin(request)
        token, _, _ = station.people.log_in(username, password)
    except (NotLoggedInError, ForbiddenError) as error:
        return _page(
            request,
            "login.html",
            tongue,
            status=403 if isinstance(error, ForbiddenError) else 401,
            station_name=station.settings.station_name,
            problem=error.en if tongue == "en" else error.vi,
            username=username,
        )
    response = RedirectResponse("/", 303)
    set_cookie(response, station, token)
    return response


@router.post("/logout")
def log_out(station: StationDep, token: TokenDep) -> Response:
    """Log out."""
    if token:
        station.people.log_out(token)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(cookie_name(station), path="/", secure=cookie_name(station).startswith("__Host-"))
    return response
