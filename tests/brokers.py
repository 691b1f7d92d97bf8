"""Brokers for tests: each on a free port, in a folder of its own."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], object], within_s: float = 10.0, what: str = "the condition") -> None:
    """Wait until `condition()` is true; fail after the deadline."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {within_s} s"
        time.sleep(0.01)


def accepts(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Mosquitto:
    """Debian's Mosquitto with accounts by name and filter."""

    def __init__(
        self, folder: Path, port: int, accounts: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]
    ) -> None:
        """`accounts`: name -> (secret, filters to write, filters to read)."""
        self.port = port
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        passwords, rules = folder / "passwords", folder / "acl"
        passwords.touch(mode=0o600)
        for name, (secret, *_) in accounts.items():
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, secret], check=True, capture_output=True)
        with rules.open("w") as file:
            for name, (_, write, read) in accounts.items():
                file.write(f"user {name}\n")
                file.writelines(f"topic write {filter_}\n" for filter_ in write)
                file.writelines(f"topic read {filter_}\n" for filter_ in read)
        passwords.chmod(0o600)
        rules.chmod(0o600)
        (folder / "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous false\nuser root\npassword_file {passwords}\nacl_file {rules}\n"
            f"persistence true\npersistence_location {folder}/\nmax_queued_messages 100000\nmax_inflight_messages 2000\n"
            "allow_duplicate_messages true\nautosave_interval 1\nset_tcp_nodelay true\n"
        )

    def start(self) -> None:
        """Start, and return when it accepts connections."""
        with (self._folder / "log").open("ab") as file:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._folder / "mosquitto.conf")], stdout=file, stderr=file
            )
        wait_for(lambda: accepts(self.port), what="Mosquitto's port")

    def stop(self) -> None:
        """Stop; what is retained or queued stays on disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None
