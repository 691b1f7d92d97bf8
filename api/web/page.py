"""What all pages stand on: one page from its template, problems as pages, who is asking.

A page is a route on `router()`; it gives `page(request, "name.html", …)`. Whatever the domain refuses becomes a page
with the cause and the next step; without a log-in the person is led to it and comes back. Forms work without
JavaScript: they post, and are answered with a redirect (303) or with the form again, filled in, and the problem.
"""

import hashlib
import re
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.templating import Jinja2Templates
from jinja2 import StrictUndefined, pass_context
from jinja2.runtime import Context
from sqlalchemy import select
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response

from api.auth import address_of, cookie_name, station_of
from api.problems import Language, page_language, said, status_of
from api.web.navigation import menu
from api.web.words import words
from broadcaster.errors import (
    BroadcasterError,
    CountingError,
    FaultError,
    ForbiddenError,
    InvalidError,
    NotLoggedInError,
)
from broadcaster.people import Actor
from broadcaster.station import Station
from broadcaster.storage.models import Area

log = structlog.get_logger(__name__)
LanguageDep = Annotated[Language, Depends(page_language)]
STATIC = Path(__file__).parent / "static"
NAMED = 10
"""At most so many areas are named in a message."""
_VIETNAMESE_MARKS = str.maketrans(",.", ".,")
_TEMPLATES = Jinja2Templates(directory=Path(__file__).parent / "templates")


# ---- templates


@cache
def asset(name: str) -> str:
    """The address of a static file, with its hash in it: browsers keep it until it changes."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


@pass_context
def _clock_time(context: Context, at: datetime, seconds: bool = False) -> str:
    """17:00, or 17:00:05, at the station."""
    return at.astimezone(context["zone"]).strftime("%H:%M:%S" if seconds else "%H:%M")


@pass_context
def _date(context: Context, at: datetime) -> str:
    """25/11/2026, at the station."""
    return at.astimezone(context["zone"]).strftime("%d/%m/%Y")


@pass_context
def _moment(context: Context, at: datetime) -> str:
    """17:00 25/11/2026, at the station."""
    return at.astimezone(context["zone"]).strftime("%H:%M %d/%m/%Y")


@pass_context
def _length(context: Context, milliseconds: float) -> str:
    """2 phút 10 giây, 1.204 giờ 5 phút: to the second."""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    units = ("h", "min", "s") if context["tongue"] == "en" else ("giờ", "phút", "giây")
    parts = [f"{_figure(context, hours, 0)} {units[0]}"] if hours else []
    parts += [f"{value} {unit}" for value, unit in ((minutes, units[1]), (seconds, units[2])) if value]
    return " ".join(parts) or f"0 {units[2]}"


@pass_context
def _hours(context: Context, milliseconds: float) -> str:
    """2 giờ 30 phút, 3 ngày: what lasts long and is given to the minute."""
    hours, minutes = divmod(round(milliseconds / 60_000), 60)
    days, hours = divmod(hours, 24)
    units = ("d", "h", "min") if context["tongue"] == "en" else ("ngày", "giờ", "phút")
    return " ".join(f"{value} {unit}" for value, unit in zip((days, hours, minutes), units, strict=True) if value)


@pass_context
def _figure(context: Context, value: float, places: int = 1) -> str:
    """1.234,5 in Vietnamese, 1,234.5 in English."""
    text = f"{value:,.{places}f}"
    return text if context["tongue"] == "en" else text.translate(_VIETNAMESE_MARKS)


_TEMPLATES.env.undefined = StrictUndefined
_TEMPLATES.env.globals["asset"] = asset
_TEMPLATES.env.filters |= {
    "instant": datetime.fromisoformat,
    "clock_time": _clock_time,
    "date": _date,
    "moment": _moment,
    "length_of": _length,
    "hours_of": _hours,
    "figure": _figure,
}


def _told(station: Station, problem: BroadcasterError, tongue: Language) -> str:
    """What was refused, with the names of the areas that are not this person's, if that is why."""
    text, outside = said(problem, tongue), problem.details.get("outside")
    if not isinstance(outside, list):
        return text
    with station.database.reading() as session:
        names = session.scalars(select(Area.name).where(Area.id.in_(outside)).order_by(Area.name).limit(NAMED)).all()
    more = " …" if len(outside) > NAMED else ""
    return f"{text} {words(tongue)['problem_outside'] % {'names': ', '.join(names) + more}}" if names else text


def page(
    request: Request,
    template: str,
    *,
    actor: Actor | None = None,
    status: int = 200,
    problem: BroadcasterError | None = None,
    **context: object,
) -> Response:
    """One page, or a part of one, from its template; never kept by the browser.

    `problem` is what was refused: the template has its text as `problem` and the field that it is about as
    `problem_field`, and the status is the problem's unless given.
    """
    station, tongue = station_of(request), page_language(request)
    response = _TEMPLATES.TemplateResponse(
        request,
        template,
        {
            "w": words(tongue),
            "tongue": tongue,
            "zone": ZoneInfo(station.settings.zone),
            "zone_name": station.settings.zone,
            "station_name": station.settings.station_name,
            "now": station.clock.now(),
            "actor": actor,
            "home": home_of(request),
            "menu": menu(actor) if actor is not None else [],
            "problem": None if problem is None else _told(station, problem, tongue),
            "problem_field": None if problem is None else problem.details.get("field"),
            **context,
        },
        status_code=status if problem is None or status != 200 else status_of(problem),
    )
    response.headers["Cache-Control"] = "no-store"
    if isinstance(problem, CountingError) and request.method == "GET":  # without a script, too
        response.headers["Refresh"] = str(problem.details["retry_after_s"])
    if request.query_params.get("lang") in ("vi", "en"):
        response.set_cookie("lang", tongue, max_age=31536000, samesite="lax", httponly=True)
    return response


# ---- routes


@cache
def _pages(app: FastAPI) -> frozenset[str]:
    """The paths, with their parameters' names, of pages that need nothing more than their address."""
    return frozenset(
        str(each.path)
        for each in iter_route_contexts(app.routes)
        if isinstance(each.route, PageRoute)
        and "GET" in (each.route.methods or ())
        and not any(field.field_info.is_required() for field in each.route.dependant.query_params)
    )


@cache
def _forms(app: FastAPI) -> dict[str, re.Pattern[str]]:
    """The paths to which forms are sent, and what an address of each looks like."""
    found = (each.route for each in iter_route_contexts(app.routes))
    return {
        each.path: each.path_regex for each in found if isinstance(each, PageRoute) and "POST" in (each.methods or ())
    }


def _above(app: FastAPI, path: str, address: str) -> str:
    """The nearest page, itself or above it, of an `address` with a route of `path`."""
    while path not in _pages(app):
        path, address = (each.rpartition("/")[0] or "/" for each in (path, address))
    return address


def home_of(request: Request) -> str:
    """The address of this page, or where a form was answered that of the page on which the form stands."""
    address = request.url.path
    return address if request.method == "GET" else _above(request.app, str(request.scope["route"].path), address)


def home_of_form(request: Request) -> str | None:
    """The address of the page on which a form stands, if this one is where the form is sent to."""
    app, address = request.app, request.url.path
    found = next((path for path, pattern in _forms(app).items() if pattern.match(address)), None)
    return None if found is None else _above(app, found, address)


class PageRoute(APIRoute):
    """A route of pages: problems are pages too, and who is not logged in is led to the log-in and back."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI's, with problems caught."""
        handler = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handler(request)
            except NotLoggedInError:
                return to_login(request)
            except RequestValidationError as error:
                return problem_page(request, _invalid(error))
            except BroadcasterError as error:
                return problem_page(request, error)
            except (HTTPException, ClientDisconnect):
                raise
            except Exception:
                log.exception("a page failed", method=request.method, path=request.url.path)
                return problem_page(request, FaultError())

        return guarded


def router() -> APIRouter:
    """A router for pages; they are no part of the OpenAPI document."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)


def problem_page(request: Request, error: BroadcasterError) -> Response:
    """What was refused, why and what to do, as a page; as a piece of one where htmx asks."""
    try:
        station = station_of(request)
        actor = station.log_ins.recognise(request.cookies.get(cookie_name(station)), address=address_of(request))
    except NotLoggedInError:
        actor = None
    part = request.headers.get("hx-request") == "true"
    if actor is not None and actor.must_change_password and isinstance(error, ForbiddenError):
        return to_me(part=part)
    return page(request, "_problem.html" if part else "problem.html", actor=actor, problem=error)


def to_login(request: Request) -> Response:
    """To the log-in, and from there back to the page that was asked for; htmx is told to leave the page. Who sent a form is told that nothing
    came of it."""
    query: dict[str, str] = {}
    asked = home_of(request)
    if request.method == "GET" and request.url.query:
        asked += f"?{request.url.query}"
    if asked not in ("", "/", "/login"):
        query["next"] = asked
    if request.method != "GET":
        query["unsaved"] = "yes"
    target = f"/login?{urlencode(query, safe='/')}" if query else "/login"
    if request.headers.get("hx-request") == "true":
        return Response(headers={"HX-Redirect": target})
    return RedirectResponse(target, 303)


def to_me(*, part: bool = False) -> Response:
    """To one's own page: a password that an administrator gave is changed before anything else."""
    return Response(headers={"HX-Redirect": "/me"}) if part else RedirectResponse("/me", 303)


def onward(target: str) -> str:
    """Where a log-in leads: a path of this server, whatever was put into the address."""
    parts = urlsplit(target)
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return target if safe and "\\" not in target and "\n" not in target else "/"


def _invalid(error: RequestValidationError) -> InvalidError:
    item = error.errors()[0] if error.errors() else {"loc": ("", "form"), "msg": ""}
    field = ".".join(str(part) for part in item["loc"][1:])
    return InvalidError(
        f"Mục '{field}' còn thiếu hoặc không đúng. Quay lại, sửa rồi gửi lại.",
        f"'{field}' is missing or wrong ({item['msg']}). Go back, correct it and send again.",
        field=field,
    )
