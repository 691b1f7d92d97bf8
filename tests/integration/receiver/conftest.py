"""Rigs of the receiver's tests: an embedded broker, a file server, a station, a loudspeaker as a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.brokers.embedded import EmbeddedBroker
from tests.brokers import free_port, wait_for
from tests.media import Media
from tests.station import ReceiverProcess, Station, online


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
