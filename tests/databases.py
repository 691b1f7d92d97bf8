"""PostgreSQL for tests and benchmarks: a server in a folder of its own, and databases that are emptied and lent again.

A new database costs a second on a busy machine; to empty one costs ten milliseconds.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import event

from broadcaster.storage.database import Database
from tests.brokers import free_port

# What a test could change besides rows: tables, columns, indexes, triggers, functions.
_SHAPE = """
SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
  SELECT format('%s %s %s %s', c.relname, c.relkind, a.attname, a.atttypid) AS line
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT format('%s %s %s', tgrelid, tgname, tgenabled) FROM pg_trigger
  UNION ALL SELECT format('%s %s', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS lines
"""
_OTHERS = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[str]:
    """Its address, without a database's name. `durable`: it waits for the disk, as a station's does; tests need not."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    # Not under pytest's own folder: PostgreSQL refuses to run as root, and only root may look in there.
    folder = Path(tempfile.mkdtemp(prefix="broadcaster-postgres-"))
    prefix: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]
    data, port = folder / "data", free_port()

    def run(program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [*prefix, binaries / program, "-D", data, *arguments], check=True, capture_output=True, cwd=folder
        )

    run("initdb", "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
    fsync = "" if durable else "-F "
    options = f"{fsync}-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=60"
    run("pg_ctl", "-l", folder / "log", "-w", "-o", options, "start")
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def unsafe(database: Database) -> None:
    """Let SQLite not wait for the disk: nothing that a test writes has to outlive a power cut."""
    event.listen(database.engine, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))


@cache
def migrated_sqlite() -> bytes:
    """A migrated SQLite file, made once: the migrations take a quarter of a second, a copy a millisecond."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        database = Database(f"sqlite:///{path}")
        database.migrate()
        database.close()
        return path.read_bytes()


class Databases:
    """Migrated databases on a server."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._made = 0
        self._free: list[str] = []
        self._shapes: dict[str, str] = {}  # of each database, as it was made
        self._first: dict[str, list[tuple[object, ...]]] = {}  # the rows that migrations write, by table

    @contextmanager
    def lent(self) -> Iterator[str]:
        """One that is as after its migrations, as an address for SQLAlchemy."""
        name = self._free.pop() if self._free else self._new()
        try:
            yield self._server.replace("postgresql", "postgresql+psycopg") + name
        finally:
            if self._emptied(name):
                self._free.append(name)

    def _new(self) -> str:
        self._made += 1
        name = f"lent_{self._made}"
        with psycopg.connect(self._server + "postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]  # a name of our own
        database = Database(self._server.replace("postgresql", "postgresql+psycopg") + name)
        database.migrate()
        database.close()
        with psycopg.connect(self._server + name) as connection:
            self._shapes[name] = self._shape(connection)
            self._first = {table: rows for table in self._tables(connection) if (rows := self._rows(connection, table))}
        return name

    def _emptied(self, name: str) -> bool:
        """Whether it is as it was made; one whose tables or triggers a test has changed is thrown away."""
        with psycopg.connect(self._server + name) as connection:
            connection.execute(_OTHERS, (name,))
            fit = self._shape(connection) == self._shapes[name]
            if fit:
                self._empty(connection)
        if not fit:
            with psycopg.connect(self._server + "postgres", autocommit=True) as connection:
                connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]
        return fit

    def _empty(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        connection.execute("SET LOCAL session_replication_role = replica")  # no trigger or foreign key is in the way
        tables = map(sql.Identifier, self._tables(connection))
        connection.execute(sql.SQL(";").join(sql.SQL("DELETE FROM {}").format(table) for table in tables))
        for table, rows in self._first.items():
            places = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
            query = sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(table), places)
            connection.cursor().executemany(query, rows)
        connection.execute("SELECT setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences")

    @staticmethod
    def _shape(connection: psycopg.Connection[tuple[object, ...]]) -> str:
        row = connection.execute(_SHAPE).fetchone()
        assert row is not None
        return str(row[0])

    @staticmethod
    def _tables(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return [str(name) for (name,) in found]

    @staticmethod
    def _rows(connection: psycopg.Connection[tuple[object, ...]], table: str) -> list[tuple[object, ...]]:
        return connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
