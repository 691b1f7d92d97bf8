"""The database behaves the same on SQLite and PostgreSQL: instants, transactions, migrations."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from broadcaster.errors import SetupError
from broadcaster.storage.database import Database
from broadcaster.storage.models import Area, Base, LoginSession, Person


def _person(**values: object) -> Person:
    fields = {
        "id": "p",
        "username": "p",
        "name": "P",
        "role": "editor",
        "password_hash": "x",
        "created_at": datetime.now(UTC),
    }
    return Person(**{**fields, **values})


def test_migrations_lead_to_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    database.migrate()


def test_instants_come_back_in_utc_to_the_microsecond(database: Database) -> None:
    instant = datetime(2026, 11, 23, 17, 0, 0, 123456, tzinfo=timezone(timedelta(hours=7)))
    with database.writing() as session:
        session.add(_person(created_at=instant))
    with database.reading() as session:
        found = session.get_one(Person, "p").created_at
    assert found == instant
    assert found.tzinfo is UTC


def test_naive_instants_are_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="time zone"), database.writing() as session:
        session.add(_person(created_at=datetime(2026, 11, 23)))  # noqa: DTZ001  that is the point


def test_a_transaction_leaves_all_or_nothing(database: Database) -> None:
    def half() -> None:
        with database.writing() as session:
            session.add(_person())
            session.flush()
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        half()
    with database.reading() as session:
        assert session.get(Person, "p") is None


def test_a_reader_sees_one_state(database: Database) -> None:
    with database.reading() as reader:
        assert reader.scalars(select(Area.id)).all() == []
        with database.writing() as session:
            session.add(Area(id="xa", name="Xã", kind="commune", valid_from=date(2025, 7, 1)))
        assert reader.scalars(select(Area.id)).all() == []
    with database.reading() as reader:
        assert reader.scalars(select(Area.id)).all() == ["xa"]


def test_foreign_keys_hold(database: Database) -> None:
    now = datetime.now(UTC)
    with pytest.raises(Exception, match=r"(?i)foreign key"), database.writing() as session:
        session.add(LoginSession(token_sha256="0" * 64, person_id="nobody", created_at=now, expires_at=now))


def test_an_address_that_is_none_is_said_in_one_line() -> None:
    with pytest.raises(SetupError, match="address is wrong"):
        Database("nonsense")
    with pytest.raises(SetupError, match="cannot be opened"):
        Database("postgresql+psycopg://nobody@127.0.0.1:1/none").migrate()


def test_sqlite_keeps_what_was_committed_over_a_power_cut(tmp_path: object) -> None:
    database = Database(f"sqlite:///{tmp_path}/x.db")
    with database.reading() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
    database.close()
