"""Serving: uvicorn around the application. The command line loads this by name, since imports run one way only."""

import json
import logging
import signal
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from broadcaster.errors import SetupError
from broadcaster.settings import Settings
from broadcaster.station import Station


class _Server(uvicorn.Server):
    """Ends the open event streams when asked to stop; otherwise uvicorn would wait for them."""

    def __init__(self, config: uvicorn.Config, station: Station) -> None:
        super().__init__(config)
        self._station = station

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._station.changes.close()
        super().handle_exit(sig, frame)


def configured(settings: Settings, app: FastAPI) -> uvicorn.Config:
    """uvicorn as the station runs it."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
        ws="none",
    )


def serve(settings: Settings) -> None:
    """Run the station until SIGINT or SIGTERM. Raises SetupError where it cannot start."""
    station = Station(settings)
    failure: list[BaseException] = []
    start = station.start

    def start_or_tell() -> None:
        # uvicorn swallows what a start raises into a log entry; the command line wants the cause in one line.
        try:
            start()
            if station.welcome.needed():
                link = f"{settings.base_url}{station.welcome.link()}"
                sys.stdout.write(f"Người quản trị đầu tiên, một lần (first administrator, once, 24 h): {link}\n")
                sys.stdout.flush()
        except BaseException as error:
            failure.append(error)
            raise

    station.start = start_or_tell  # type: ignore[method-assign]  # the one place that must see the error itself
    server = _Server(configured(settings, create_app(station)), station)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # uvicorn raises the signal again after a clean stop; a clean stop is no failure.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        server.run()
    except SystemExit:
        failure.append(
            SetupError(
                f"Cổng {settings.port} đang được dùng. Chọn cổng khác bằng PORT hoặc BROADCASTER_PORT.",
                f"Port {settings.port} cannot be opened. Choose another with PORT or BROADCASTER_PORT.",
            )
        )
    if failure:
        raise failure[0]


def openapi_text() -> str:
    """The OpenAPI document as it is committed."""
    return json.dumps(create_app(None).openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
