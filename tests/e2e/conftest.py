"""One commune for all tests that leave it running: they air one after another on it, as in life."""

from collections.abc import Iterator

import pytest

from tests.brokers import wait_for
from tests.e2e.station import StationRig


@pytest.fixture(scope="session")
def commune_station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRig]:
    """A running station with its receivers."""
    made = StationRig(tmp_path_factory.mktemp("station"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def rig(commune_station: StationRig) -> StationRig:
    """The same, with everything running and connected, whatever a test before left behind."""
    commune_station.start_what_is_down()
    wait_for(commune_station.everybody_is_online, 60, "everybody's connection")
    return commune_station
