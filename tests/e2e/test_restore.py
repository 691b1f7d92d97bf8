"""The restore drill: a station is lost between an order and its instant; its backup goes on as if nothing had been."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.brokers import wait_for
from tests.e2e.station import StationRig

TEXT = "Thông báo lịch tiêm chủng tháng 12. Bà con đưa trẻ đến Trạm Y tế xã."


def _broadcaster(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "broadcaster", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "BROADCASTER_FOLDER": str(folder)},
    )


def test_receivers_go_on_with_a_station_restored_on_an_empty_machine(tmp_path: Path) -> None:
    folder, archive = tmp_path / "station", tmp_path / "backup.tar"
    folder.mkdir()
    rig = StationRig(folder)
    rig.start()
    try:
        aired = rig.release(rig.write("Lịch tiêm chủng", TEXT), lead_s=20)
        wait_for(lambda: all(row.state(aired.order) == "ready" for row in rig.receivers), 15, "the clip everywhere")
        made = _broadcaster("backup", "-o", str(archive), folder=folder)
        assert made.returncode == 0, made.stderr
        assert archive.stat().st_mode & 0o077 == 0
        rig.server.kill()
        # The machine is gone with all that the station had; the receivers stand elsewhere.
        for name in ("keys", "clips", "broker", "broadcaster.db", "broadcaster.db-wal", "broadcaster.db-shm"):
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        home = tmp_path / "restored"
        done = _broadcaster("restore", str(archive), folder=home)
        assert done.returncode == 0, done.stderr
        for path in home.iterdir():
            path.rename(folder / path.name)
        rig.start_server()
        rig.settle(aired)
        assert {row["outcome"] for row in rig.climbs(aired).values()} == {"finished"}
        log = rig.operator.log()
        for receiver in rig.receivers:
            told = sorted(row["receiver_seq"] for row in log if row["receiver_id"] == receiver.id)
            assert told == list(range(1, receiver.issued() + 1)), receiver.id
        verified = _broadcaster("ledger", "verify", folder=folder)
        assert (verified.returncode, verified.stdout.splitlines()[-1]) == (0, "The log is right.")
    finally:
        rig.stop()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup of an empty station."""
    folder = tmp_path_factory.mktemp("station")
    assert _broadcaster("migrate", folder=folder).returncode == 0
    _broadcaster("ledger", "verify", folder=folder)  # makes the station's key
    archive = folder.with_suffix(".tar")
    assert _broadcaster("backup", "-o", str(archive), folder=folder).returncode == 0
    return archive.read_bytes()


@pytest.mark.parametrize("damage", ["cut", "byte", "other"])
def test_a_damaged_backup_leaves_nothing(tmp_path: Path, whole: bytes, damage: str) -> None:
    archive, home = tmp_path / "backup.tar", tmp_path / "restored"
    archive.write_bytes(
        whole[: len(whole) // 2]
        if damage == "cut"
        else whole.replace(b"SQLite format 3", b"SQLite format 4", 1)
        if damage == "byte"
        else b"not an archive"
    )
    done = _broadcaster("restore", str(archive), folder=home)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not home.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".restore")] == []
