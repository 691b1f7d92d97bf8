"""One commune for a module's tests: they run one after another on it, as in life."""

from collections.abc import Iterator

import pytest

from tests.e2e.station import StationRig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StationRig]:
    """A running station with its receivers."""
    made = StationRig(tmp_path_factory.mktemp("station"))
    try:
        made.start()
        yield made
    finally:
        made.stop()
