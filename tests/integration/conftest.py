"""Rigs of the integration tests: an embedded broker, a file server, a station, a loudspeaker as a process."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.server import configured
from broadcaster import station as whole
from broadcaster.settings import Settings
from devices.brokers.embedded import EmbeddedBroker
from tests.brokers import free_port, wait_for
from tests.integration.serving import ServedStation, found
from tests.media import Media
from tests.station import ReceiverProcess, Station


@pytest.fixture(scope="module")
def media() -> Iterator[Media]:
    made = Media()
    yield made
    made.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    made = EmbeddedBroker(port=free_port(), folder=tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def station(broker: EmbeddedBroker, media: Media) -> Iterator[Station]:
    made = Station(broker.port, broker.accounts, media)
    made.open()
    wait_for(lambda: made.link.connected, what="the station's connection")
    yield made
    made.close()


@pytest.fixture(scope="module")
def loa(station: Station, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReceiverProcess]:
    """One loudspeaker for the tests of a module that do it no harm."""
    folder: Path = tmp_path_factory.mktemp("loa-1")
    station.enrol(folder, "loa-1")
    made = ReceiverProcess(folder)
    made.start()
    online(station, "loa-1")
    yield made
    assert made.stop() == 0, made.log()


def online(station: Station, receiver: str) -> None:
    """Wait until the receiver is there and has its configuration."""
    wait_for(
        lambda: receiver in station.health and not station.health[receiver].problems,
        25,
        f"{receiver}'s health; it says {station.health.get(receiver)}",
    )


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
    station = whole.Station(settings)
    found(station)
    server = uvicorn.Server(configured(settings, create_app(station)))
    running = ServedStation(station, server)
    running.start()
    wait_for(lambda: httpx.get(f"{settings.base_url}/healthz", trust_env=False).is_success if server.started else False)
    yield running
    running.stop()
