"""What a receiver says of its machine, to its service manager and to its amplifier."""

import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from devices.receiver.amplifier import Amplifier, CommandSwitch, FileSwitch
from devices.receiver.health import Account, Machine
from devices.receiver.watchdog import Watchdog
from tests.brokers import wait_for


def board(folder: Path, *, temperature: str = "45000", throttled: str = "0") -> Machine:
    zone = folder / "thermal" / "thermal_zone0"
    zone.mkdir(parents=True, exist_ok=True)
    (zone / "temp").write_text(temperature + "\n")
    (folder / "throttled").write_text(throttled + "\n")
    return Machine(folder, thermal=folder / "thermal", throttled=folder / "throttled")


@pytest.mark.parametrize(
    ("temperature", "throttled", "conditions"),
    [
        ("45000", "0", []),
        ("45000", "50000", []),  # it was, and is no longer
        ("81200", "0", ["temperature_high"]),
        ("45000", "50005", ["throttled"]),
        ("85000", "8", ["temperature_high", "throttled"]),
        ("hot", "", []),
    ],
)
def test_temperature_and_power(tmp_path: Path, temperature: str, throttled: str, conditions: list[str]) -> None:
    account = Account()
    board(tmp_path, temperature=temperature, throttled=throttled).look(account)
    assert [condition for condition in account.conditions if condition != "storage_low"] == conditions
    assert len(account.problems) == len(account.conditions)


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, thermal=tmp_path / "none", throttled=tmp_path / "neither")
    assert machine.temperature_c() is None
    assert machine.free_bytes() > 0
    assert Machine(tmp_path / "gone").free_bytes() == 0
    account = Account()
    Machine(tmp_path / "gone", thermal=tmp_path, throttled=tmp_path).look(account)
    assert account.conditions == ["storage_low", "storage_unwritable"]


def test_a_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        watchdog = Watchdog()
        watchdog.ready()
        for _ in range(3):
            watchdog.alive()  # once in ten seconds is enough
        watchdog.stopping()
        assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]
    watchdog.stopping()  # nobody listens: not our end
    monkeypatch.delenv("NOTIFY_SOCKET")
    Watchdog().ready()


def test_the_amplifier_stays_on_for_what_follows(tmp_path: Path) -> None:
    line = tmp_path / "value"
    amplifier = Amplifier(FileSwitch(line))
    assert not amplifier.on()
    amplifier.off_after(timedelta(seconds=0.2))
    assert amplifier.on()
    assert not threading.Event().wait(0.3)
    assert line.read_text() == "1"
    amplifier.off_after(timedelta(seconds=0.05))
    wait_for(lambda: line.read_text() == "0", 5)
    assert not amplifier.on()
    amplifier.off()
    assert line.read_text() == "0"


def test_a_command_switches_the_amplifier(tmp_path: Path) -> None:
    script = tmp_path / "relay"
    script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n')
    script.chmod(0o700)
    amplifier = Amplifier(CommandSwitch(f"{script} 'relay 1'"))
    amplifier.on()
    amplifier.off()
    assert (tmp_path / "told").read_text() == "relay 1 on\nrelay 1 off\n"
    assert amplifier.failure is None
    gone = Amplifier(CommandSwitch(str(tmp_path / "nothing")))
    gone.on()
    assert gone.failure is not None
    with pytest.raises(ValueError, match="empty"):
        CommandSwitch(" ")
