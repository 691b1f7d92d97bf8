"""Whole months leave the log for archives that prove themselves; nothing else ever does. On both databases."""

import gzip
import importlib.util
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DBAPIError

from broadcaster import ledger
from broadcaster.asrun import Checkpoint
from broadcaster.errors import ConflictError, InvalidError
from broadcaster.reports import kept
from broadcaster.reports.figures import Scope, figures_of, measure
from broadcaster.sealing import seal_months, verify_archive
from broadcaster.storage.models import AsRun, LogSeal, ReceiptEnvelope
from devices.links.port import Delivery
from devices.wire.messages import ReceiptState
from devices.wire.signing import Keyring
from tests.commune import ZONE, Commune
from tests.contract.test_ledger import _damage
from tests.contract.test_planning import _once


@pytest.fixture
def logged(commune: Commune) -> Commune:
    """Two rows in November (the second by the station's day already in December) and in each of the next two months."""
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    order = commune.orders()[0].id
    instants = [(2026, 11, 24, 3), (2026, 11, 30, 18), (2026, 12, 31, 16), (2026, 12, 31, 17), (2027, 1, 9, 3)]
    for number, instant in enumerate(instants):
        commune.clock.instant = datetime(*instant, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month, day, hour
        pair = [commune.receipt("loa-dong", order, ReceiptState.READY, number=2 * number + n) for n in (1, 2)]
        commune.ingestion.take([Delivery(*commune.message("loa-dong", *pair))])
    commune.clock.instant = datetime(2027, 2, 3, tzinfo=UTC)
    return commune


def _sealed(commune: Commune, folder: Path, months: int) -> list[str]:
    made = seal_months(
        commune.database, commune.signatory, folder, now=commune.clock.now(), zone=ZONE, keep_months=months
    )
    return [path.name for path in made]


def _finding(commune: Commune) -> ledger.Finding:
    with commune.database.reading() as session:
        return ledger.verify(session, _keys(commune))


def _keys(commune: Commune) -> Keyring:
    return Keyring([commune.signatory.key.public()])


def _numbers(commune: Commune) -> list[int]:
    with commune.database.reading() as session:
        return list(session.scalars(select(AsRun.seq).order_by(AsRun.seq)))


def _kept_as_logged(commune: Commune) -> None:
    """What is kept for reports says what is in the log, not what was."""
    with commune.database.reading() as session:
        scope = Scope(date(2026, 1, 1), date(2027, 12, 31))
        found = figures_of(session, kept.airings(session, scope, zone=ZONE), zone=ZONE)
        assert found == measure(session, scope, zone=ZONE)
        assert found.total.unproved == 1
    kept.Keeper(commune.database).step()


def test_months_leave_whole_and_their_archives_verify_alone(logged: Commune, tmp_path: Path) -> None:
    assert _sealed(logged, tmp_path, 3) == []
    rows = _numbers(logged)
    _kept_as_logged(logged)
    names = _sealed(logged, tmp_path, 1)
    _kept_as_logged(logged)
    assert [name[:14] for name in names] == ["as-run-2026-11", "as-run-2026-12"]
    assert _numbers(logged) == rows[6:]  # 17:00 UTC on the last of December is January in Viet Nam
    with logged.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ReceiptEnvelope)) == 2
    finding = _finding(logged)
    assert (finding.faults, finding.rows) == ([], 4)
    spec = importlib.util.spec_from_file_location("verify_log", Path("docs/examples/verify_log.py"))
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for name, receipts in zip(names, (2, 4), strict=True):
        found = verify_archive(tmp_path / name, _keys(logged))
        assert (found.faults, found.rows) == ([], receipts)
        lines = gzip.decompress((tmp_path / name).read_bytes()).decode().splitlines(keepends=True)
        assert list(script.verify(lines, {logged.signatory.key.kid})) == []
        for number, line in enumerate(lines):
            if '"kind":"log"' in line:
                continue
            if '"kind":"checkpoint"' in line and receipts == 4 and "checkpoint" not in lines[number - 1]:
                continue  # that a file's first checkpoint is missing, only the file before it could tell
            (tmp_path / "damaged.jsonl").write_text("".join(lines[:number] + lines[number + 1 :]), "utf-8")
            assert not _right(logged, tmp_path / "damaged.jsonl"), line
            changed = line.replace("ready", "missed") if '"kind":"row"' in line else line
            (tmp_path / "damaged.jsonl").write_text("".join([*lines[:number], changed, *lines[number + 1 :]]), "utf-8")
            assert _right(logged, tmp_path / "damaged.jsonl") == (changed == line), line


def _right(commune: Commune, path: Path) -> bool:
    try:
        return verify_archive(path, _keys(commune)).ok
    except InvalidError:
        return False


def test_the_log_goes_on_behind_its_seal(logged: Commune, tmp_path: Path) -> None:
    rows = _numbers(logged)
    _sealed(logged, tmp_path, 2)
    order = logged.orders()[0].id
    late = logged.receipt("loa-dong", order, ReceiptState.FINISHED, number=99)
    logged.ingestion.take([Delivery(*logged.message("loa-dong", late))])
    assert (_finding(logged).faults, _numbers(logged)[:-1]) == ([], rows[2:])
    logged.clock.instant = datetime(2027, 8, 1, tzinfo=UTC)
    names = _sealed(logged, tmp_path, 1)
    assert [name[:14] for name in names] == ["as-run-2026-12", "as-run-2027-01", "as-run-2027-02"]
    finding = _finding(logged)
    assert (finding.faults, finding.rows, _numbers(logged)) == ([], 0, [])
    logged.ingestion.take(
        [Delivery(*logged.message("loa-dong", late.model_copy(update={"id": "r100", "sequence": 100})))]
    )
    finding = _finding(logged)
    assert (finding.faults, finding.rows, len(_numbers(logged))) == ([], 1, 1)


def test_the_database_lets_nothing_go_that_is_not_sealed(logged: Commune, tmp_path: Path) -> None:
    _sealed(logged, tmp_path, 2)
    for statement in (
        "DELETE FROM as_run",
        "DELETE FROM audit_log",
        "DELETE FROM receipt_envelopes",
        "DELETE FROM log_seals",
        "UPDATE log_seals SET seq = 8",
        "UPDATE as_run SET detail = 'x'",
    ):
        with pytest.raises(DBAPIError, match="append-only"), logged.database.writing() as session:
            session.execute(text(statement))


def test_a_seal_that_the_station_did_not_sign_is_found(logged: Commune, tmp_path: Path) -> None:
    """Somebody with the database seals rows by what the station signed elsewhere, its checkpoint, and deletes them."""
    fourth = _numbers(logged)[3]
    _sealed(logged, tmp_path, 2)
    with logged.database.writing() as session:
        row = session.get_one(AsRun, fourth)
        sealed = session.scalars(select(LogSeal.seq)).one()
        word = Checkpoint(
            station=logged.signatory.station, seq=fourth, hash=row.hash, at=logged.clock.now(), before=0, kept=True
        )
        session.add(
            LogSeal(
                seq=fourth,
                first=sealed + 1,
                hash=row.hash,
                until=datetime(2027, 1, 1, tzinfo=UTC),
                file="none",
                document=logged.signatory.sign(word),
            )
        )
        session.flush()
        session.execute(delete(AsRun).where(AsRun.seq <= fourth))
    assert ("log_seals", fourth) in {(fault.table, fault.seq) for fault in _finding(logged).faults}


def test_a_log_that_is_not_right_is_not_archived(logged: Commune, tmp_path: Path) -> None:
    _damage(logged, f"UPDATE as_run SET state = 'finished' WHERE seq = {_numbers(logged)[8]}")  # noqa: S608  the intruder
    with pytest.raises(ConflictError):
        _sealed(logged, tmp_path, 1)
    assert (len(_numbers(logged)), list(tmp_path.glob("*.gz"))) == (10, [])
    (tmp_path / "other.jsonl").write_text(json.dumps({"kind": "log"}), "utf-8")
    with pytest.raises(InvalidError):
        verify_archive(tmp_path / "other.jsonl", _keys(logged))
