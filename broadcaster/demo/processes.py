"""Child processes that never outlive the demo."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from broadcaster.errors import SetupError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of localhost now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def end_with_parent() -> None:
    """For a child that is about to begin: the kernel ends it when the thread that started it ends (prctl(2))."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Processes:
    """Starts `broadcaster …` commands with their output in files, and stops them in reverse order."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a command in a process group of its own, so that Ctrl-C reaches it only through `stop`."""
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "broadcaster", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509  one C call; the demo has no threads when it starts children
            )
        self._running.append((name, process))

    def said(self, name: str) -> str:
        """What a command of this name has written so far, in this run and those before."""
        try:
            return (self._logs / f"{name}.log").read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def check(self) -> None:
        """Raise SetupError, with its last words, if a process has ended."""
        for name, process in self._running:
            if process.poll() is not None:
                words = (self._logs / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()
                last = words[-1] if words else f"exit code {process.returncode}"
                raise SetupError(f"Tiến trình {name} đã dừng: {last}", f"Process {name} ended: {last}")

    def wait(self, ready: Callable[[], bool], *, within_s: float, what: str) -> None:
        """Until `ready()`; raises SetupError when a process ends or the time is over."""
        deadline = time.monotonic() + within_s
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise SetupError(
                    f"Quá {within_s:.0f} giây mà chưa xong: {what}. Xem {self._logs}.",
                    f"Not within {within_s:.0f} s: {what}. See {self._logs}.",
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask each to stop, receivers first, and end whatever does not."""
        for name, process in reversed(self._running):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    sys.stderr.write(f"broadcaster: {name} did not stop by itself and was ended\n")
        self._running.clear()
