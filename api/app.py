"""The application: REST, pages, problems, headers, around one station."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api import probes, problems, v1, web
from api.uploads import Bounded
from broadcaster.oidc import origin_of
from broadcaster.station import Station

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'{further}; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with it a browser sends "Origin: null" with a form, and no form could be told to be ours.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class _Static(StaticFiles):
    """Files of the pages; one asked for by its hash never changes, so browsers may keep it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if b"v=" in scope["query_string"]:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(station: Station | None) -> FastAPI:
    """The application. With a station it starts and stops it; without one it only describes itself (OpenAPI)."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if station is not None:
            await run_in_threadpool(station.start)
        try:
            yield
        finally:
            if station is not None:
                await run_in_threadpool(station.stop)

    app = FastAPI(
        title="Commune Broadcaster",
        summary="Bulletins to speech, on loudspeakers and LED screens, with proof of play.",
        version=version("commune-broadcaster"),
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        # Spans of requests, where a collector is named; figures are Prometheus's, and log entries stay on this machine.
        telemetry={"metrics": False, "logs": False},
        generate_unique_id_function=lambda route: route.name,  # what a generated client calls it
    )
    app.state.station = station
    problems.install(app)
    app.include_router(v1.router)
    app.include_router(web.router)
    app.mount("/static", _Static(directory=Path(web.__file__).parent / "static"), name="static")
    app.add_middleware(Bounded)  # the innermost: what it raises comes to the route as it is
    # Sound, pictures and event streams are left as they are.
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)

    app.include_router(probes.router)
    app.middleware("http")(probes.timed)

    app.include_router(web.elsewhere)

    issuer = station.settings.oidc_issuer if station is not None else None
    # A form may lead to the service by which people log in, and nowhere else.
    policy = CONTENT_SECURITY_POLICY.format(further=f" {origin_of(issuer)}" if issuer is not None else "")

    @app.middleware("http")
    async def _headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in {"Content-Security-Policy": policy, **_HEADERS}.items():
            response.headers.setdefault(name, value)
        if request.url.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app
