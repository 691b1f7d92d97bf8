"""The log's proof: whatever is changed in its tables is found and placed, on both databases and in an export."""

import importlib.util
import json
import sqlite3
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Text, cast, select, text
from sqlalchemy.exc import DBAPIError

from broadcaster import ledger
from broadcaster.asrun import row_hash
from broadcaster.storage.models import AsRun, Base
from devices.links.port import Delivery
from devices.wire.messages import Evidence, ReceiptState
from devices.wire.signing import Keyring
from tests.commune import STATION, Commune
from tests.contract.test_planning import _once

ROWS = 6  # of a receiver
ACTIONS = 3  # of people, before them in the chain: written, submitted, released
LAST = ROWS + ACTIONS


@pytest.fixture
def logged(commune: Commune) -> Commune:
    """Three actions of people, then six rows in three messages, with two checkpoints, and a database whose triggers an intruder took away."""
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    order = commune.orders()[0].id
    for number in range(1, ROWS, 2):
        pair = [
            commune.receipt("loa-dong", order, ReceiptState.STARTED, number=n).model_copy(
                update={"evidence": Evidence(late_ms=1.25)}
            )
            for n in (number, number + 1)
        ]
        commune.ingestion.take([Delivery(*commune.message("loa-dong", *pair))])
        commune.clock.move(minutes=40)
    return commune


def _finding(commune: Commune, *, since: int = 1) -> ledger.Finding:
    with commune.database.reading() as session:
        return ledger.verify(session, _keys(commune), since=since)


def _keys(commune: Commune) -> Keyring:
    return Keyring([commune.signatory.key.public()])


def _damage(commune: Commune, *statements: str) -> None:
    with commune.database.writing() as session:
        if session.connection().dialect.name == "sqlite":
            names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
            for name in names:
                session.execute(text(f"DROP TRIGGER {name}"))
        else:
            session.execute(text("SET session_replication_role = replica"))
        for statement in statements:
            session.execute(text(statement))
        if session.connection().dialect.name != "sqlite":
            session.execute(text("SET session_replication_role = DEFAULT"))


def _steps(commune: Commune) -> int:
    """Instructions of SQLite's machine, in hundreds, that verifying the log takes."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with commune.database.reading() as session:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(count, 100)
        assert ledger.verify(session, _keys(commune)).ok
        driver.set_progress_handler(None, 0)
    return steps


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_log_twice_as_long_takes_twice_the_work(logged: Commune) -> None:
    order = logged.orders()[0].id

    def more(first: int, last: int) -> None:
        receipts = [logged.receipt("loa-dong", order, ReceiptState.STARTED, number=n) for n in range(first, last)]
        logged.ingestion.take([Delivery(*logged.message("loa-dong", each)) for each in receipts])

    more(ROWS + 1, 401)
    once = _steps(logged)
    more(401, 801)
    assert _steps(logged) < 2.5 * once


@pytest.mark.parametrize("table", ["as_run", "audit_log", "receipt_envelopes", "log_checkpoints"])
def test_the_database_refuses_to_change_what_was_written(logged: Commune, table: str) -> None:
    column = "receiver_id" if table in ("as_run", "receipt_envelopes") else "hash"
    for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):  # noqa: S608
        with pytest.raises(DBAPIError, match="append-only"), logged.database.writing() as session:
            session.execute(text(statement))
    assert _finding(logged).ok


def test_a_right_log_is_right_and_from_the_middle_too(logged: Commune) -> None:
    finding = _finding(logged)
    assert (finding.faults, finding.rows, finding.envelopes, finding.checkpoints) == ([], ROWS, 3, 2)
    assert finding.actions == ACTIONS
    assert (_finding(logged, since=7).faults, _finding(logged, since=7).rows) == ([], 3)
    assert (_finding(logged, since=3).faults, _finding(logged, since=3).actions) == ([], 1)


@pytest.mark.parametrize(
    ("damage", "table", "seq"),
    [
        ("DELETE FROM as_run WHERE seq = 7", "as_run", 7),
        ("DELETE FROM as_run WHERE seq > 7", "as_run", 8),
        ("UPDATE as_run SET seq = 99 WHERE seq = 6; UPDATE as_run SET seq = 6 WHERE seq = 7; UPDATE as_run SET seq = 7 WHERE seq = 99", "as_run", 6),
        ("UPDATE as_run SET seq = 3 WHERE seq = 7", "as_run", 3),
        ("DELETE FROM audit_log WHERE seq = 2", "as_run", 2),
        ("UPDATE audit_log SET seq = 99 WHERE seq = 1; UPDATE audit_log SET seq = 1 WHERE seq = 2; UPDATE audit_log SET seq = 2 WHERE seq = 99", "audit_log", 1),
        ("DELETE FROM receipt_envelopes WHERE sha256 = (SELECT envelope_sha256 FROM as_run WHERE seq = 8)", "receipt_envelopes", 8),
        ("DELETE FROM log_head", "log_head", 9),
        ("DELETE FROM log_checkpoints WHERE seq = 1", "log_checkpoints", 1),
        ("DELETE FROM log_checkpoints WHERE seq > 1", "log_checkpoints", 9),
        ("DELETE FROM as_run WHERE seq > 7; UPDATE log_head SET seq = 7, hash = (SELECT hash FROM as_run WHERE seq = 7)", "log_head", 7),
        ("UPDATE log_head SET seq = 7", "log_head", 9),
    ],
)  # fmt: skip
def test_rows_removed_moved_or_cut_off_are_found_and_placed(logged: Commune, damage: str, table: str, seq: int) -> None:
    _damage(logged, *damage.split(";"))
    assert (table, seq) in {(fault.table, fault.seq) for fault in _finding(logged).faults}


def test_a_row_that_the_station_made_up_is_not_what_the_receiver_signed(logged: Commune) -> None:
    """Somebody with the database and the station's key writes the chain anew: the receiver's word is still missing."""
    with logged.database.reading() as session:
        before = session.get_one(AsRun, LAST - 1)
        last = session.get_one(AsRun, LAST)
    last.state = "finished"
    forged = row_hash(before.hash, vars(last))
    _damage(logged, f"UPDATE as_run SET state = 'finished', hash = '{forged}' WHERE seq = {LAST}")  # noqa: S608  the test is the intruder
    faults = _finding(logged).faults
    assert ("receipt_envelopes", LAST, "the row differs from what the receiver stated: state") in {
        (fault.table, fault.seq, fault.problem) for fault in faults
    }


def _another(value: str | None, kind: str) -> str:
    """The value with one letter or digit changed, as SQL; an empty column is filled."""
    if value is None or (kind == "object" and value == "null"):
        return {"datetime": "'2026-01-01 00:00:00'", "object": "'{}'", "bool": "true"}.get(kind, "'x'")
    if not value:
        return "'x'"
    last = max(index for index, letter in enumerate(value) if letter.isalnum())
    letter = "1" if value[last] == "0" else "0" if value[last].isdigit() else "b" if value[last] != "b" else "a"
    changed = value[:last] + letter + value[last + 1 :]
    return changed if kind == "int" else f"'{changed}'"


@pytest.mark.parametrize("table", ["as_run", "audit_log", "receipt_envelopes", "log_checkpoints", "log_head"])
def test_one_character_changed_in_any_column_is_found_and_placed(logged: Commune, table: str) -> None:
    """By the row's own number for a column of the log; for the other tables by the row that they prove."""
    columns = Base.metadata.tables[table].columns
    key = {"receipt_envelopes": "sha256", "log_head": "id"}.get(table, "seq")
    missed = []
    for column in columns:
        if (table, column.key) == ("log_head", "id"):
            continue
        with logged.database.reading() as session:
            name = session.scalars(select(columns[key]).order_by(columns[key])).all()[-1]
            seqs = {ACTIONS if table == "audit_log" else LAST}
            if table == "receipt_envelopes":
                seqs = set(session.scalars(select(AsRun.seq).where(AsRun.envelope_sha256 == name)))
            value = session.scalar(select(cast(column, Text)).where(columns[key] == name))
        changed = _another(value, column.type.python_type.__name__)
        where = f"'{name}'" if isinstance(name, str) else str(name)
        damaged = changed if column.key == key else where
        before = "NULL" if value is None else f"'{value}'"
        _damage(logged, f"UPDATE {table} SET {column.key} = {changed} WHERE {key} = {where}")  # noqa: S608  the intruder
        faults = _finding(logged).faults
        if not {fault.seq for fault in faults} & seqs:
            missed.append((column.key, value, changed, faults))
        _damage(logged, f"UPDATE {table} SET {column.key} = {before} WHERE {key} = {damaged}")  # noqa: S608  and back
        assert _finding(logged).ok
    assert missed == []


@pytest.mark.parametrize("damage", ["at = 'x'", "due_at = 'never'", "evidence = '{'", "state = CAST(x'ff' AS TEXT)"])
def test_what_cannot_even_be_read_is_placed(logged: Commune, damage: str) -> None:
    if not logged.database.is_sqlite:
        return  # PostgreSQL's types do not let such a value in
    _damage(logged, f"UPDATE as_run SET {damage} WHERE seq = 7")  # noqa: S608  the test is the intruder
    assert 7 in {fault.seq for fault in _finding(logged).faults}


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_log", Path("docs/examples/verify_log.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_third_party_verifies_the_export_with_the_documented_script(logged: Commune) -> None:
    script = _script()
    with logged.database.reading() as session:
        lines = list(ledger.export(session, STATION, _keys(logged)))
        middle = list(ledger.export(session, STATION, _keys(logged), since=5))
    trusted = {logged.signatory.key.kid}
    assert list(script.verify(lines, trusted)) == []
    assert list(script.verify(middle, trusted)) == []
    assert list(script.verify(lines, {"another-key"})) != []
    for number in range(1, len(lines)):
        assert list(script.verify(lines[:number] + lines[number + 1 :], trusted)) != [], lines[number]
    for number, line in enumerate(lines):
        entry = json.loads(line)
        if entry["kind"] == "row":
            changed = json.dumps({**entry, "receiver_name": "Loa khác"}, ensure_ascii=False)
            assert list(script.verify([*lines[:number], changed, *lines[number + 1 :]], trusted)) != []
        elif entry["kind"] == "action":
            changed = json.dumps({**entry, "actor_name": "Người khác"}, ensure_ascii=False)
            assert list(script.verify([*lines[:number], changed, *lines[number + 1 :]], trusted)) != []
