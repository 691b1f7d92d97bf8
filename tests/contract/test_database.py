"""The database behaves the same on SQLite and PostgreSQL: instants, transactions, migrations."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from broadcaster.errors import InvalidError, SetupError
from broadcaster.storage.database import Database, part_of
from broadcaster.storage.models import Area, Base, Bulletin, LoginSession, LogName, Person


def _person(**values: object) -> Person:
    fields = {
        "id": "p",
        "username": "p",
        "name": "P",
        "password_hash": "x",
        "created_at": datetime.now(UTC),
    }
    return Person(**{**fields, **values})


def test_migrations_lead_to_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


@pytest.fixture(params=["sqlite", "postgresql"])
def old_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of the first schema, with rows that refer to each other."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
    else:
        server = str(request.getfixturevalue("postgres"))
        with psycopg.connect(server + "postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE old")
        url = f"{server.replace('postgresql', 'postgresql+psycopg')}old"
    database = Database(url)
    database.migrate("0001")
    at = "'2026-01-01 00:00:00+00:00'" if request.param == "postgresql" else "'2026-01-01 00:00:00.000000'"
    with database.engine.begin() as connection:
        for table, names, values in (
            (
                "people",
                "id, username, name, role, password_hash, created_at",
                f"'mai', 'mai', 'Mai', 'editor', 'x', {at}",
            ),
            ("sessions", "token_sha256, person_id, created_at, expires_at", f"'t', 'mai', {at}, {at}"),
            ("areas", "id, name, kind, valid_from", "'xa', 'Xã', 'commune', '2025-07-01'"),
            (
                "receivers",
                "id, name, kind, area_id, public_key, secret_sha256, enrolled_at, configuration_revision",
                f"'loa', 'Loa', 'loudspeaker', 'xa', '{{}}', 'x', {at}, 0",
            ),
            (
                "clips",
                "sha256, size, duration_ms, lufs, true_peak_dbtp, engine, voice, fallback, script_sha256, created_at",
                f"'c', 1, 1, -16, -1, 'espeak', 'vi', false, 's', {at}",
            ),
            *(
                (
                    "bulletins",
                    "id, title, text, card_text, field, priority, author_id, revision, state, created_at, updated_at, rendering, clip_sha256",
                    f"'{state}', 't', 'x', 'c', 'f', 'routine', 'mai', 1, '{state}', {at}, {at}, 'done', 'c'",
                )
                for state in ("draft", "released")
            ),
            (
                "releases",
                "id, bulletin_id, revision, content_sha256, content, approver_id, released_at",
                f"'r', 'released', 1, 'x', '{{}}', 'mai', {at}",
            ),
            (
                "airings",
                "id, release_id, bulletin_id, due_at, state, title, priority, clip_sha256, duration_ms",
                f"'a', 'r', 'released', {at}, 'closed', 't', 'routine', 'c', 1",
            ),
            *(
                (
                    "as_run",
                    "seq, receipt_id, receiver_id, receiver_name, receiver_seq, area_id, area_name, order_id, order_revision, bulletin_title, "
                    "state, at, envelope_sha256, received_at, previous_hash, hash",
                    f"{seq}, 'x{seq}', 'loa', 'Loa đình', {seq}, 'xa', 'Xã', 'o', 1, {title}, 'received', {at}, 'e', {at}, 'h', 'h'",
                )
                for seq, title in ((1, "'Chuyển đổi số'"), (2, "'Chuyển đổi số'"), (3, "NULL"))
            ),
        ):
            connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"))  # noqa: S608  our own rows
    yield database
    database.close()


def test_a_database_of_the_first_schema_is_brought_up_with_all_that_is_in_it(old_database: Database) -> None:
    old_database.migrate()
    with old_database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        counts = {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar()  # noqa: S608
            for name in ("people", "sessions", "receivers", "bulletins", "releases", "airings")
        }
    assert counts == {"people": 1, "sessions": 1, "receivers": 1, "bulletins": 2, "releases": 1, "airings": 1}
    with old_database.reading() as session:
        # What waits is spoken again, and so assessed; what was released keeps its clip.
        states = {row.id: (row.rendering, row.clip_sha256, row.versions) for row in session.scalars(select(Bulletin))}
        names = {(row.kind, row.name, row.plain) for row in session.scalars(select(LogName))}
    assert states == {"draft": ("pending", None, []), "released": ("done", "c", [])}
    assert names == {("title", "Chuyển đổi số", "chuyen doi so"), ("receiver", "Loa đình", "loa dinh")}
    if old_database.is_sqlite:
        with old_database.reading() as session:
            assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1


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


def test_what_no_column_can_have_is_said_to_whoever_gave_it(database: Database) -> None:
    impossible: list[dict[str, object]] = [{"totp_last_step": 2**70}, {"name": "a\0b"}]
    if not database.is_sqlite:
        impossible.append({"totp_last_step": 2**40})
    for values in impossible:
        with pytest.raises(InvalidError, match="cannot be stored"), database.writing() as session:
            session.add(_person(**values))
        with database.reading() as session:
            assert session.get(Person, "p") is None
    with pytest.raises(InvalidError, match="cannot be stored"), database.reading() as session:
        session.scalars(select(Person).where(Person.totp_last_step == 2**70)).all()


def _failing_part(session: Session) -> None:
    with part_of(session):
        session.info["noted"].append("within")
        session.add(_person(id="q", username="q"))
        session.flush()
        raise LookupError


def test_a_part_that_fails_is_undone_alone_with_what_it_noted(database: Database) -> None:
    kept: list[list[str]] = []
    database.last_of_all.append(lambda session: kept.append(session.info.pop("noted", [])))
    with database.writing() as session:
        session.info["noted"] = ["before"]
        session.add(_person())
        with pytest.raises(LookupError):
            _failing_part(session)
    with database.reading() as session:
        assert session.scalars(select(Person.id)).all() == ["p"]
    assert kept == [["before"]]


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
