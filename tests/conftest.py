"""What tests share: databases of both kinds, each test with one of its own."""

import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from broadcaster.cli.main import all_is_loaded
from broadcaster.people import HASHER
from broadcaster.storage.database import Database
from tests.databases import Databases, migrated_sqlite, postgresql, unsafe

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.commune import Commune


gc.disable()  # until all is imported, as `broadcaster serve` does it


def pytest_collection_finish() -> None:
    """From here on only what tests make is looked through."""
    all_is_loaded()


# No time limit for an example: how long it takes is the machine's, and speed is measured by benchmarks.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

# Argon2id is slow on purpose: a fifth of a second for each password. Stations in processes of their own take that time here too.
HASHER.current_hasher = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
HASHER.hashers = (HASHER.current_hasher,)


class SteppedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant

    def move(self, **by: float) -> datetime:
        self.instant += timedelta(**by)
        return self.instant


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of this test run: its address, without a database's name."""
    with postgresql() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_databases(postgres: str) -> Databases:
    """Its migrated databases, lent to one test after the other."""
    return Databases(postgres)


@pytest.fixture
def postgres_url(postgres_databases: Databases) -> Iterator[str]:
    """A migrated database on that server that nobody has written to, as an address for SQLAlchemy."""
    with postgres_databases.lent() as address:
        yield address


@pytest.fixture(scope="session")
def sqlite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the SQLite file of the tests lies."""
    return tmp_path_factory.mktemp("sqlite")


@pytest.fixture
def sqlite_url(sqlite_folder: Path) -> str:
    """A migrated SQLite file that nobody has written to, as an address for SQLAlchemy: always the same one, filled anew."""
    for left in sqlite_folder.iterdir():
        left.unlink()
    path = sqlite_folder / "station.db"
    path.write_bytes(migrated_sqlite())
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database: the test runs on SQLite and on PostgreSQL."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture(scope="session")
def kept_databases() -> dict[str, Database]:
    """By address. What SQLAlchemy has made of a statement it remembers with the engine; to make it is a quarter of the tests' time."""
    return {}


@pytest.fixture
def database(database_url: str, kept_databases: dict[str, Database]) -> Iterator[Database]:
    """A migrated database of either kind."""
    if database_url not in kept_databases:
        kept_databases[database_url] = made = Database(database_url)
        if made.is_sqlite:
            unsafe(made)
    found = kept_databases[database_url]
    yield found
    found.last_of_all.clear()
    found.close()


@pytest.fixture
def commune(database: Database, clock: SteppedClock) -> "Iterator[Commune]":
    """A small commune on either database."""
    from tests.commune import Commune  # noqa: PLC0415  it imports this module's clock

    made = Commune(database, clock)
    made.link.open()
    yield made
    made.link.close()


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Chromium for the tests of a module."""
    from playwright.sync_api import expect  # noqa: PLC0415  most tests need no browser

    from tests.browser import chromium  # noqa: PLC0415

    expect.set_options(timeout=20_000)
    with chromium() as made:
        yield made
    expect.set_options(timeout=5_000)
