"""For whoever watches the station: alive, ready, and metrics. Not for people, and not part of the REST API."""

import secrets
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.auth import AddressDep, StationDep
from broadcaster import metrics
from broadcaster.errors import ForbiddenError
from broadcaster.readiness import readiness

router = APIRouter(include_in_schema=False)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@router.get("/healthz")
def health() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def ready(station: StationDep) -> JSONResponse:
    """Whether each part of the station works; 503 if one does not."""
    parts = readiness(station)
    whole = all(parts.values())
    return JSONResponse({"ready": whole, **parts}, 200 if whole else 503)


@router.get("/metrics")
def read_metrics(request: Request, station: StationDep, address: AddressDep) -> Response:
    """For Prometheus: with the token of the settings; without one, from this machine alone."""
    token = station.settings.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        good = secrets.compare_digest(given.encode("latin-1"), token.get_secret_value().encode())
    else:
        good = _is_here(address)
    if not good:
        raise ForbiddenError(
            "Số đo chỉ dành cho chính máy này, hoặc cho ai có mã trong thiết lập metrics_token.",
            "Metrics are for this machine alone, or for whoever has the token of the setting metrics_token.",
        )
    return Response(metrics.exposition(station), media_type=CONTENT_TYPE_LATEST)


async def timed(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Middleware: how long each route takes. By its template, and by no method that somebody made up: each series stays in memory."""
    began = time.perf_counter()
    response = await call_next(request)
    method = request.method if request.method in _METHODS else "other"
    labels = (method, _template(request), str(response.status_code))
    metrics.REQUESTS_S.labels(*labels).observe(time.perf_counter() - began)
    return response


def _template(request: Request) -> str:
    """The route with the names of its parameters in place of their values; a route itself does not know its prefix."""
    route = request.scope.get("route")
    if not isinstance(route, Route):
        return "other"
    own, path = route.path_format.format(**request.path_params), str(request.scope["path"])
    return path.removesuffix(own) + route.path_format if path.endswith(own) else "other"


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
