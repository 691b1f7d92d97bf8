"""Opening the database: SQLite in WAL mode or PostgreSQL, with the same behaviour of transactions."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import DateTime, Dialect, Engine, String, Text, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, OperationalError, StatementError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from broadcaster.errors import InvalidError, SetupError

log = structlog.get_logger(__name__)
HELD: dict[str, Any] = {"key_share": True}
"""How a row is held until the transaction ends: `with_for_update`'s arguments, everywhere. It keeps off whoever changes the row, not whoever adds
one that refers to it; otherwise an edit and the planner could wait for each other for ever (decision 0002)."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware on the way in, UTC on the way out, whatever the database keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class NulError(ValueError):
    """A text with the character U+0000, which PostgreSQL does not take and programs in C read as an end."""


def without_nul(value: str | None) -> str | None:
    """The text. Raises NulError."""
    if value is not None and "\0" in value:
        raise NulError("a text holds U+0000")
    return value


class Words(String):
    """A text that both databases take: SQLite would keep what PostgreSQL refuses."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[str | None], str | None] | None:
        return without_nul if dialect.name == "sqlite" else super().bind_processor(dialect)


class LongWords(Words, Text):
    """The same, of any length."""

    cache_ok = True


def _sqlite_pragmas(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: `_sqlite_begin` takes the write lock at once, so that two
    # writers wait for each other instead of failing in the middle with "database is locked".
    connection.isolation_level = None
    cursor = connection.cursor()
    # FULL: a receipt that was acknowledged must survive a power cut (decision 9 of the design).
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def passes(error: BaseException) -> bool:
    """Whether the same may be written at another time: the database or the disk was not there, or another was faster."""
    if isinstance(error, OSError | MemoryError | IntegrityError | OperationalError | psycopg.OperationalError):
        return True
    if isinstance(error, sqlite3.OperationalError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return True
    return error.__context__ is not None and passes(error.__context__)


@contextmanager
def part_of(session: Session) -> Iterator[None]:
    """A part of a transaction. If it fails, it alone is undone, and what it noted for the transaction's end."""
    noted = {name: list(entries) for name, entries in session.info.items()}
    try:
        with session.begin_nested():
            yield
    except BaseException:
        session.info.clear()
        session.info.update(noted)
        raise


@contextmanager
def _storable() -> Iterator[None]:
    """Who gave such a value is told so: it is not the server's fault, and would be the same the next time."""
    try:
        yield
    except (
        StatementError,
        OverflowError,
        NulError,
        psycopg.DataError,
    ) as error:  # the last two of rows that are copied
        if isinstance(error, StatementError) and not isinstance(
            error.orig, NulError | OverflowError | psycopg.DataError
        ):
            raise
        log.warning("a value cannot be stored", exc_info=True)
        raise InvalidError(
            "Nội dung có ký tự hoặc con số không lưu được (chẳng hạn ký tự U+0000 lẫn trong văn bản, số quá lớn). Bỏ ký tự hoặc sửa số đó rồi gửi lại.",
            "There is a character or a number in it that cannot be stored (such as U+0000 amid a text, a number too large). Remove or "
            "correct it, and send again.",
        ) from error


class Database:
    """An engine and its sessions. `writing()` commits at its end or leaves nothing behind."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise SetupError(
                f"Địa chỉ cơ sở dữ liệu không đúng: {error}.", f"The database address is wrong: {error}."
            ) from error
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(parsed, pool_pre_ping=not self.is_sqlite)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _sqlite_pragmas)
        snapshot = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")
        self._reading = sessionmaker(snapshot, expire_on_commit=False, autoflush=False)
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        self.last_of_all: list[Callable[[Session], None]] = []
        """Called at the end of each writing transaction, just before it is kept: what holds a row that everybody wants goes here."""

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database and changes nothing. Raises InvalidError for a value that no column can have."""
        with _storable(), self._reading() as session:
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN")
            try:
                yield session
            finally:
                session.expunge_all()  # what was read stays readable after the rollback
                session.rollback()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session in one transaction: all of it is kept, or nothing. Raises InvalidError for a value that no column can have."""
        with _storable(), self._writing() as session, session.begin():
            if self.is_sqlite:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
            for step in self.last_of_all:
                step(session)
            if session.info:
                raise RuntimeError(f"nobody keeps what was noted: {', '.join(session.info)}")

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to `revision`. Raises SetupError where the database cannot be reached."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["engine"] = self.engine
        try:
            command.upgrade(config, revision)
        except CommandError as error:
            raise SetupError(
                f"Cơ sở dữ liệu thuộc phiên bản khác: {error}. Dùng phiên bản phần mềm đã tạo ra nó, hoặc mới hơn.",
                f"The database is of another version: {error}. Use the version that made it, or a later one.",
            ) from error
        except DatabaseError as error:
            cause = str(error.orig).strip().splitlines()[0]
            raise SetupError(
                f"Không mở được cơ sở dữ liệu: {cause}. Kiểm tra BROADCASTER_DATABASE_URL và quyền ghi thư mục.",
                f"The database cannot be opened: {cause}. Check BROADCASTER_DATABASE_URL and that the folder is writable.",
            ) from error

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
