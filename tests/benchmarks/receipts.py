"""Receipts in: Mosquitto, paho, one signature each verified, written to the database, acknowledged to the broker.

The limit is the same link with manual acknowledgement whose consumer throws messages away. In the same run, besides: that consumer, if it verifies
what it throws away; the raw batched insert of the same rows by the database's driver, and raw Ed25519 verification on one core. Once into SQLite and once into a
PostgreSQL that waits for its disk. The publisher is a process of its own.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from joserfc.util import urlsafe_b64decode
from psycopg.types.json import Json
from sqlalchemy import select

from broadcaster.ingestion import Ingestion
from broadcaster.storage.database import Database
from broadcaster.storage.models import LogHead
from devices.wire import topics
from devices.wire.signing import Keyring, SigningKey
from tests.benchmarks import pipe
from tests.benchmarks.result import Result
from tests.databases import postgresql

RECEIVERS = 50
MESSAGES = 4000
ROUNDS = 4
"""In turn, the best of each: what else runs on the machine comes and goes. One more goes before, which nobody counts."""
AT_ONCE = 1000


@dataclass(frozen=True)
class PipeResult(Result):
    """Also how many a second are in the log, the other raw limits, and the share of each that gets there.

    `verified_discarded`: of the limit's consumer, if it verifies what it throws away; no station can be quicker than that.
    """

    in_log: int
    verified_discarded: int
    of_verified_discarded: float
    insert_alone: int
    of_insert_alone: float
    verification_alone: int
    of_verification_alone: float


def measure(
    database: Database,
    name: str,
    *,
    each: int = 1,
    count: int = MESSAGES,
    goal: str = ">= 0.5",
    age: timedelta = timedelta(),
) -> PipeResult:
    """Both consumers over the same broker, in turn, and what is raw. `age`: how long ago what the receipts tell of was."""
    keys = {f"loa-{number}": SigningKey.generate() for number in range(RECEIVERS)}
    pipe.furnish(database, keys)
    everything = pipe.messages(keys, count * (ROUNDS + 1), each=each, age=age)
    rings = {topics.of_receiver(name, "receipts"): Keyring([key.public()]) for name, key in keys.items()}
    limits, verifieds, values, logged, inserts, verifications = [], [], [], [], [], []
    with tempfile.TemporaryDirectory() as folder, pipe.mosquitto(Path(folder)) as broker:
        publisher = pipe.Publisher(broker.port)
        for number in range(ROUNDS + 1):
            sent = everything[number * count : (number + 1) * count]
            with _linked(broker.port, "discard", room=2 * count) as link:
                limits.append(pipe.seconds(link, publisher, sent, lambda link: pipe.discard(link, count)))
            with _linked(broker.port, "discard", room=2 * count) as link:
                consumer = partial(pipe.discard_verified, count=count, rings=rings)
                verifieds.append(pipe.seconds(link, publisher, sent, consumer))
            with _linked(broker.port, "station", room=2 * count) as link:
                desk = pipe.desk(database, link)
                values.append(pipe.seconds(link, publisher, sent, lambda link: pipe.ingest(desk, link, count)))  # noqa: B023 - called at once
                logged.append(values[-1] + _catching_up(desk))
            assert _last(database) == (number + 1) * count * each, "something was ingested twice, or not at all"
            verifications.append(_verification(keys, sent))
            inserts.append(_insertion(database, count * each, number))
        publisher.close()
    total = count * each
    value, limit, verified, in_log, insert, verification = (
        total / min(took[1:]) for took in (values, limits, verifieds, logged, inserts, verifications)
    )
    return PipeResult(
        name,
        value,
        "receipts/s",
        limit,
        goal,
        in_log=round(in_log),
        verified_discarded=round(verified),
        of_verified_discarded=round(value / verified, 3),
        insert_alone=round(insert),
        of_insert_alone=round(in_log / insert, 3),
        verification_alone=round(verification),
        of_verification_alone=round(in_log / verification, 3),
    )


@contextmanager
def _linked(port: int, name: str, *, room: int) -> Iterator[pipe.MqttLink]:
    """One consumer's link; what the other receives meanwhile does not wait for it."""
    link = pipe.connected(port, name, room=room, lasting=False)
    try:
        yield link
    finally:
        link.close()


def _catching_up(desk: Ingestion) -> float:
    """Seconds until what was put on disk for later is in the log as well."""
    begin = time.perf_counter()
    while desk.waiting:
        desk.catch_up()
    return time.perf_counter() - begin


def _verification(keys: dict[str, SigningKey], sent: list[pipe.Message]) -> float:
    """Seconds for the signatures of these messages alone, on one core."""
    rings = [Keyring([key.public()]) for key in keys.values()]
    parts = [payload.rpartition(b".") for _, payload in sent]
    signed = [(content, urlsafe_b64decode(signature)) for content, _, signature in parts]
    verifiers = [next(iter(ring.values())) for ring in rings]
    begin = time.perf_counter()
    good = [verifiers[n % len(rings)].signed(content, signature) for n, (content, signature) in enumerate(signed)]
    took = time.perf_counter() - begin
    assert all(good)
    return took


def _insertion(database: Database, count: int, turn: int) -> float:
    """Seconds for as many rows of the log, with their messages, by the driver alone, a thousand to a transaction."""
    connection = database.engine.raw_connection()
    driver: Any = connection.driver_connection
    tables = {name: _rows(driver, name, count, f"raw-{turn}-") for name in ("receipt_envelopes", "as_run")}
    begin = time.perf_counter()
    for start in range(0, count, AT_ONCE):
        if database.is_sqlite:
            driver.execute("BEGIN IMMEDIATE")
        for name, (columns, rows) in tables.items():
            some = rows[start * len(rows) // count : (start + AT_ONCE) * len(rows) // count]
            if isinstance(driver, psycopg.Connection):
                with driver.cursor() as cursor, cursor.copy(f"COPY {name} ({columns}) FROM STDIN".encode()) as copy:
                    for row in some:
                        copy.write_row(row)
            else:
                marks = ", ".join("?" * len(some[0]))
                driver.executemany(f"INSERT INTO {name} ({columns}) VALUES ({marks})", some)  # noqa: S608 - the schema's names
        driver.commit()
    took = time.perf_counter() - begin
    connection.close()
    return took


def _rows(driver: Any, table: str, count: int, mark: str) -> tuple[str, list[tuple[Any, ...]]]:
    """The last rows that the pipe wrote, as the driver takes them, under other names."""
    order = "seq" if table == "as_run" else "received_at"
    cursor = driver.cursor()
    cursor.execute(f"SELECT * FROM {table} ORDER BY {order} DESC LIMIT {count}")  # noqa: S608 - named here
    columns = [each[0] for each in cursor.description]
    rows = []
    for number, row in enumerate(cursor.fetchall()):
        changed = {"seq": 10_000_000 * (1 + int(mark.split("-")[1])) + number, "receipt_id": f"{mark}{number}"}
        if table != "as_run":
            changed = {"sha256": f"{mark}{number}"}
        values = [changed.get(name, value) for name, value in zip(columns, row, strict=True)]
        rows.append(tuple(Json(value) if isinstance(value, list | dict) else value for value in values))
    cursor.close()
    return ", ".join(columns), rows


def _last(database: Database) -> int | None:
    with database.reading() as session:
        return session.scalar(select(LogHead.seq))


@contextmanager
def databases() -> Iterator[Iterator[tuple[str, Database]]]:
    """A fresh SQLite file with synchronous=FULL, then a fresh PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, postgresql(durable=True) as address:
        addresses = {
            "": f"sqlite:///{folder}/station.db",
            "_postgresql": f"{address.replace('postgresql', 'postgresql+psycopg')}postgres",
        }

        def each() -> Iterator[tuple[str, Database]]:
            for name, url in addresses.items():
                database = Database(url)
                database.migrate()
                yield name, database
                database.close()

        yield each()


def run() -> tuple[Result, ...]:
    """Into both."""
    with databases() as each:
        return tuple(measure(database, f"receipts{name}") for name, database in each)
