"""A whole station inside the test: real embedded broker, real speech, real HTTP server on a free port."""

from collections.abc import Iterator
from datetime import date

import httpx
import pytest
import uvicorn

from api.app import create_app
from api.server import configured
from broadcaster.people import Role
from broadcaster.settings import Settings
from broadcaster.station import Station
from broadcaster.storage.models import Area
from tests.conftest import free_port, wait_until
from tests.integration.serving import ServedStation

PEOPLE = {"mai": Role.EDITOR, "lan": Role.EDITOR, "hoa": Role.APPROVER, "viet": Role.OPERATOR, "xem": Role.VIEWER}


def found(station: Station) -> None:
    """Areas and people, as an administrator would enter them."""
    station.database.migrate()
    with station.database.writing() as session:
        for area, parent in (("tinh", None), ("xa", "tinh"), ("thon-dong", "xa")):
            kind = "province" if parent is None else "commune" if parent == "tinh" else "village"
            session.add(Area(id=area, name=f"Địa bàn {area}", kind=kind, parent_id=parent, valid_from=date(2025, 7, 1)))
            session.flush()
    for name, role in PEOPLE.items():
        station.people.add(username=name, name=name, role=role, password=f"mật khẩu của {name}")


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
    wait_until(
        lambda: httpx.get(f"{settings.base_url}/healthz", trust_env=False).is_success if server.started else False
    )
    yield running
    running.stop()
