"""A whole station inside the test: real embedded broker, real speech, real HTTP server on a free port."""

from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.server import configured
from broadcaster.settings import Settings
from broadcaster.station import Station
from tests.brokers import free_port, wait_for
from tests.integration.serving import ServedStation, found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStation]:
    """One station for the tests of a module: they must not disturb each other."""
    settings = Settings(
        folder=tmp_path_factory.mktemp("station"),
        port=free_port(),
        broker_port=free_port(),
        engines=("espeak",),
        speech_workers=1,
    )
    station = Station(settings)
    found(station)
    server = uvicorn.Server(configured(settings, create_app(station)))
    running = ServedStation(station, server)
    running.start()
    wait_for(lambda: httpx.get(f"{settings.base_url}/healthz", trust_env=False).is_success if server.started else False)
    yield running
    running.stop()
