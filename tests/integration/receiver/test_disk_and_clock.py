"""What may fail in a receiver while orders wait: a disk that takes nothing more, a clock that is set, its own software."""

import resource
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from devices.links.port import Delivery
from devices.receiver.intake import Intake
from devices.receiver.journal import Journal
from devices.receiver.timekeeping import Timekeeper
from devices.wire.messages import Reason, ReceiptState
from tests.brokers import wait_for
from tests.station import ReceiverProcess, Station, agent_of, now, online, tone


def disk_takes(receiver: ReceiverProcess, bytes_of_a_file: int) -> None:
    """No file of the process may grow beyond this: to a program it is as a full disk (EFBIG for ENOSPC)."""
    _, hard = resource.prlimit(receiver.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(receiver.pid, resource.RLIMIT_FSIZE, (bytes_of_a_file, hard))


def test_a_full_disk_forges_doubles_and_loses_nothing(station: Station, tmp_path: Path) -> None:
    name, folder = "loa-dia", tmp_path / "loa-dia"
    station.enrol(folder, name)
    receiver = ReceiverProcess(folder)
    receiver.start()
    try:
        online(station, name)
        station.order("d-ready", tone(0.4, hertz=510), in_s=2.5, to=name)
        station.receipt(name, "d-ready", ReceiptState.READY)
        late = station.order("d-late", tone(0.4, hertz=512), in_s=2.6, to=name, late_limit_s=1)
        station.receipt(name, "d-late", ReceiptState.READY)
        written = folder / "journal.sqlite-wal"
        disk_takes(receiver, 64 * 1024)  # its log still fits
        assert written.stat().st_size > 64 * 1024
        station.order("d-new", tone(0.4, hertz=514), in_s=1, to=name)
        wait_for(lambda: receiver.log().count("the journal cannot be written") >= 3, 20, "writes that fail")
        wait_for(lambda: now() > late.latest_start + timedelta(seconds=0.5), 20, "the latest start of d-late")
        assert not list((folder / "played").glob("*.wav"))  # what cannot be written down does not begin
        disk_takes(receiver, 2**40)
        station.receipt(name, "d-ready", ReceiptState.FINISHED, within_s=25)
        station.receipt(name, "d-new", ReceiptState.FINISHED, within_s=25)
        assert station.receipt(name, "d-late", ReceiptState.MISSED, within_s=25).reason is Reason.TOO_LATE
        for order in ("d-ready", "d-new"):
            assert station.states(name, order) == ["received", "ready", "started", "finished"]
        assert sorted(r.sequence for r in station.receipts[name]) == list(range(1, len(station.receipts[name]) + 1))
    finally:
        assert receiver.stop() == 0


def test_health_that_cannot_be_read_ends_no_receiver(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, folder = "loa-yeu", tmp_path / "loa-yeu"
    station.enrol(folder, name)
    asked: list[Journal] = []

    def broken(journal: Journal) -> int:
        asked.append(journal)
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Journal, "outbox_size", broken)
    with agent_of(folder, Timekeeper()):
        wait_for(lambda: asked, 20, "its health")
        station.order("after-health", tone(0.2, hertz=518), in_s=1, to=name)
        station.receipt(name, "after-health", ReceiptState.FINISHED)


def test_a_document_at_which_the_software_fails_is_passed_over(
    station: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, folder = "loa-loi", tmp_path / "loa-loi"
    station.enrol(folder, name)
    handle = Intake.handle

    def failing(intake: Intake, delivery: Delivery) -> None:
        if delivery.topic.endswith("/e-fails"):
            raise LookupError("nobody foresaw this")
        handle(intake, delivery)

    monkeypatch.setattr(Intake, "handle", failing)
    with agent_of(folder, Timekeeper()):
        online(station, name)
        for order in ("e-fails", "e-after"):
            station.order(order, tone(0.2, hertz=519), in_s=1, to=name)
        station.receipt(name, "e-after", ReceiptState.FINISHED)
        wait_for(lambda: "documents_refused" in station.health[name].conditions, 20, "its word of it")
    assert station.states(name, "e-fails") == []


def test_what_another_version_left_in_the_journal_stops_nothing(station: Station, tmp_path: Path) -> None:
    name, folder = "loa-cu", tmp_path / "loa-cu"
    station.enrol(folder, name)
    with agent_of(folder, Timekeeper()):
        online(station, name)
        station.order("v-old", tone(0.2, hertz=520), in_s=60, to=name)
        station.receipt(name, "v-old", ReceiptState.READY)
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db, db:
        db.execute("""UPDATE orders SET document = '{"v": 1, "priority": "unheard of"}'""")
        db.execute("""INSERT INTO outbox (id, receipt) VALUES ('x', '{"id": "x"}')""")
        db.execute("""INSERT INTO stops VALUES ('s', 1, '{"id": "s"}', 99999999999)""")
    with agent_of(folder, Timekeeper()):
        refused = station.receipt(name, "v-old", ReceiptState.REFUSED)
        assert refused.reason is Reason.MALFORMED
        station.order("v-new", tone(0.2, hertz=521), in_s=1, to=name)
        station.receipt(name, "v-new", ReceiptState.FINISHED)
        wait_for(lambda: "documents_refused" in station.health[name].conditions, 20, "its word of it")


def test_a_clock_that_is_set_by_an_hour_moves_no_start(station: Station, tmp_path: Path) -> None:
    name, folder = "loa-gio", tmp_path / "loa-gio"
    station.enrol(folder, name)
    wrong = [0.7]
    keeper = Timekeeper(system=lambda: time.time() + wrong[0])
    with agent_of(folder, keeper):
        online(station, name)
        wait_for(lambda: keeper.offset_s() is not None, 15, "the station's clock")
        for jump_s in (3600.0, -7200.0):
            order = station.order(f"j{jump_s}", tone(0.2, hertz=516), in_s=1.2, to=name, late_limit_s=10)
            station.receipt(name, order.id, ReceiptState.READY)
            wrong[0] += jump_s
            station.receipt(name, order.id, ReceiptState.FINISHED)
            assert 0.2 <= (now() - order.play_at).total_seconds() < 8
            assert station.receipt(name, order.id, ReceiptState.STARTED).at >= order.play_at
