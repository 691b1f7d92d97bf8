"""A whole station inside the test: real embedded broker, real speech, real HTTP server on a free port."""

from collections.abc import Iterator

import pytest

from broadcaster.settings import Settings
from tests.brokers import free_port
from tests.integration.permission_world import World, two_communes
from tests.integration.serving import ServedStation, serving


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two communes behind the application, without a server."""
    with two_communes(tmp_path_factory.mktemp("two-communes")) as made:
        yield made


@pytest.fixture
def world(two: World) -> World:
    """The two communes as they were at first."""
    two.restore()
    return two


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
    with serving(settings) as running:
        yield running
