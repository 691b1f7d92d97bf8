"""What `make run` does and what `broadcaster demo --once` promises, as people start them."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broadcaster.demo.client import Json, StationClient
from broadcaster.demo.processes import port_is_free
from tests.brokers import free_port, wait_for
from tests.e2e.station import Program, command_line, descendants
from tests.punctuality import LATE_MS

RECEIVERS = {"loa-thon-dong", "loa-thon-doai", "led-ubnd-xa"}
STATES = ["received", "ready", "started", "finished"]
ENVIRONMENT = {**os.environ, "BROADCASTER_ENGINES": '["espeak"]', "NO_COLOR": "1"}


def _demo(*arguments: str, within_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "broadcaster", "demo", *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=within_s,
        env=ENVIRONMENT,
    )


def test_once_tells_what_each_receiver_confirmed(tmp_path: Path) -> None:
    text = tmp_path / "ban-tin.txt"
    text.write_text("Vệ sinh môi trường\n\nTheo 57-NQ/T, sáng Chủ nhật, bà con ra quân dọn đường làng.\n", "utf-8")
    ended = _demo("--once", "--json", "--bulletin", str(text))
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    told: dict[str, Any] = json.loads(ended.stdout)
    assert told["ok"] is True
    assert told["bulletin"]["title"] == "Vệ sinh môi trường"
    assert [one["text"] for one in told["settled"]] == ["57-NQ/T"]
    clip = told["clip"]
    assert re.fullmatch(r"[0-9a-f]{64}", clip["sha256"])
    assert abs(clip["lufs"] - -16) <= 0.5
    assert clip["true_peak_dbtp"] <= -1
    assert {row["receiver"] for row in told["receivers"]} == RECEIVERS
    due = datetime.fromisoformat(told["airing"]["due_at"])
    for row in told["receivers"]:
        assert row["outcome"] == "finished"
        at = {state: datetime.fromisoformat(row["states"][state]) for state in STATES}
        assert sorted(at, key=lambda state: at[state]) == STATES
        assert timedelta(0) <= at["started"] - due.replace(microsecond=due.microsecond // 1000 * 1000)
        assert row["evidence"]["late_ms"] <= LATE_MS
        if row["kind"] == "loudspeaker":
            assert row["evidence"]["clip_sha256"] == clip["sha256"]
            assert abs(row["wav"]["duration_ms"] - clip["duration_ms"]) <= 50
            assert abs(row["wav"]["lufs"] - clip["lufs"]) <= 0.5
    assert told["as_run"] == {"rows": len(STATES) * len(RECEIVERS), "chain_ok": True}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        ("Tiêu đề\nNội dung".encode("utf-16"), "UTF-8"),
    ],
)
def test_once_with_a_bad_bulletin_says_so_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    text = tmp_path / "ban-tin.txt"
    text.write_bytes(content)
    ended = _demo("--once", "--json", "--bulletin", str(text))
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert said in line
    assert str(text) in line


class Demo:
    """`broadcaster demo` in a folder, as often as it is started there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.bulletin = folder.parent / "ban-tin.txt"
        self.bulletin.write_text("Thông báo\n\nMời bà con nghe thử.\n", "utf-8")
        self._starts = 0
        self._processes: set[int] = set()

    def start(self) -> Program:
        """Start it; its output is its own file."""
        self._starts += 1
        program = Program(
            self.folder.parent / f"demo-{self._starts}.log",
            *("demo", "--folder", str(self.folder), "--port", str(self.port), "--bulletin", str(self.bulletin)),
            environment=ENVIRONMENT,
        )
        program.start()
        return program

    def wait(self, program: Program, said: str) -> str:
        """Wait until it says this; all that it said until then."""

        def there() -> bool:
            program.check()
            return said in program.said()

        wait_for(there, 90, said)
        self._processes = {program.pid} | descendants(program.pid)
        assert len(self._processes) >= 6  # the demo, the server, its broker, its speech worker, three receivers
        return program.said()

    def state(self) -> dict[str, Any]:
        """What the demo remembers between starts."""
        return dict(json.loads((self.folder / "demo.json").read_bytes()))

    def left(self) -> list[str]:
        """What still runs of those that ran, and what still listens."""
        found = [line for pid in self._processes if (line := command_line(pid))]
        return found + [f"port {port}" for port in (self.port, self.state()["broker_port"]) if not port_is_free(port)]


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path / "var")


def test_it_stays_up_until_ctrl_c_and_starts_again_in_its_folder(demo: Demo) -> None:
    first = demo.start()
    said = demo.wait(first, "Ctrl-C")
    for state in ("sent", *STATES):
        assert f"({state})" in said, state
    assert "3/3" in said
    logins = dict(re.findall(r"\(log-in\): (\S+) / (\S+)", said))
    assert set(logins) == {"bientap", "lanhdao", "vanhanh"}
    base_url = f"http://127.0.0.1:{demo.port}"
    assert f"{base_url}/" in said
    assert len(_log(base_url, logins["vanhanh"])) == len(STATES) * len(RECEIVERS)
    first.check()
    assert first.stop(signal.SIGINT) == 0
    assert demo.left() == []
    assert "Traceback" not in first.said()
    assert demo.state()["aired"] == 1

    second = demo.start()
    demo.wait(second, "(started)")
    # Nobody can clean up after SIGKILL: the children notice by themselves that their parent is gone.
    second.kill()
    wait_for(lambda: demo.left() == [], 30, "the end of everything that the killed demo had started")

    third = demo.start()
    said = demo.wait(third, "Ctrl-C")
    assert "3/3" in said
    assert dict(re.findall(r"\(log-in\): (\S+) / (\S+)", said)) == logins  # who was told keeps the password
    log = _log(base_url, logins["vanhanh"])
    # What the killed one had begun was cut short, says so, and was not begun again.
    assert Counter(row["state"] for row in log) == {
        "received": 9,
        "ready": 9,
        "started": 9,
        "finished": 6,
        "interrupted": 3,
    }
    assert demo.state()["aired"] == 2  # the turn of the demo's own bulletins
    assert third.stop(signal.SIGTERM) == 0
    assert demo.left() == []


def test_a_port_that_is_taken_is_told_in_one_line(demo: Demo) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", demo.port))
        other.listen()
        ended = _demo("--folder", str(demo.folder), "--port", str(demo.port))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert f"Port {demo.port} is taken" in line


def _log(base_url: str, password: str) -> list[Json]:
    client = StationClient(base_url, "vanhanh", password)
    try:
        return client.log()
    finally:
        client.close()
