"""Who asks: a bearer token for programs, a cookie for pages, and a check that a page of ours sent the form."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from broadcaster.errors import ForbiddenError, NotLoggedInError
from broadcaster.people import Actor
from broadcaster.station import Station

_BEARER = HTTPBearer(auto_error=False, description="The token that POST /api/v1/sessions gave.")
_SAFE = {"GET", "HEAD", "OPTIONS"}
ENDED = (NotLoggedInError, ForbiddenError)
"""At these a stream ends: the log-in has ended meanwhile, or what it may; whoever asks anew is told."""


def station_of(request: Request) -> Station:
    """The station that this application serves."""
    station = request.app.state.station
    assert isinstance(station, Station)  # noqa: S101  the application is built around it
    return station


StationDep = Annotated[Station, Depends(station_of)]


def cookie_name(station: Station) -> str:
    """`__Host-` binds the cookie to this host and to HTTPS; plain HTTP, as on localhost, cannot carry that name."""
    return "__Host-session" if station.settings.base_url.startswith("https://") else "session"


def same_origin(request: Request) -> None:
    """Raise ForbiddenError unless the browser says that a page of this server sent the request (OWASP CSRF sheet)."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    if origin is not None:
        good = urlsplit(origin).netloc == request.headers.get("host") and origin != "null"
    else:
        good = site in ("same-origin", "none")
    if not good:
        raise ForbiddenError(
            "Yêu cầu không đến từ trang này. Hãy mở lại trang và thử lại.",
            "The request did not come from a page of this server. Open the page again and retry.",
        )


def token_of(
    request: Request,
    station: StationDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> str | None:
    """The token that came with the request; one from a cookie must come from a page of ours if it changes anything."""
    if bearer is not None:
        return bearer.credentials
    token = request.cookies.get(cookie_name(station))
    if token is not None and request.method not in _SAFE:
        same_origin(request)
    return token


TokenDep = Annotated[str | None, Depends(token_of)]


def address_of(request: Request) -> str:
    """The client's address, as the server or the proxy that it trusts says."""
    return request.client.host if request.client else ""


AddressDep = Annotated[str, Depends(address_of)]


def actor_of(station: StationDep, token: TokenDep, address: AddressDep) -> Actor:
    """Who is logged in. Raises NotLoggedInError."""
    return station.log_ins.recognise(token, address=address)


ActorDep = Annotated[Actor, Depends(actor_of)]


def actor_of_request(request: Request) -> Actor:
    """Who sent a request, outside of a route's parameters. Raises NotLoggedInError."""
    station = station_of(request)
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    bearer = HTTPAuthorizationCredentials(scheme=scheme, credentials=given) if scheme.lower() == "bearer" else None
    return actor_of(station, token_of(request, station, bearer), address_of(request))


def set_cookie(response: Response, station: Station, token: str) -> None:
    """Keep the log-in in the browser, out of reach of scripts and of other sites."""
    name = cookie_name(station)
    response.set_cookie(
        name,
        token,
        max_age=int(station.settings.session_length.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=name.startswith("__Host-"),
    )
