"""The embedded broker: amqtt as a supervised child process, for a commune and some hundreds of receivers."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import structlog

from devices.brokers.accounts import AccountsFile

log = structlog.get_logger(__name__)


class EmbeddedBrokerError(Exception):
    """The broker could not be started; the message says why and what to do."""


class EmbeddedBroker:
    """Starts, watches and stops the broker's process.

    It keeps nothing on disk but its accounts: retained messages are gone with the process, so that whoever wants
    something retained publishes it anew after every connection (`Link.connections` tells of one).
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 1883, *, folder: Path, certificate: tuple[Path, Path] | None = None
    ) -> None:
        """With a `certificate` (its file with the chain, its key's file, both PEM) the port speaks TLS and nothing else."""
        self.host = host
        self.port = port
        self.accounts = AccountsFile(folder / "broker-accounts.json")
        self._folder = folder
        self._certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the broker that runs now."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def start(self, *, within_s: float = 20.0) -> None:
        """Start, and return when connections are accepted. Raises EmbeddedBrokerError."""
        if self._watcher is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._stopping.clear()
        first: Future[None] = Future()
        self._watcher = threading.Thread(
            target=self._watch, args=(within_s, first), name="embedded-broker", daemon=True
        )
        self._watcher.start()
        try:
            first.result()
        except EmbeddedBrokerError:
            self._watcher = None
            raise

    def stop(self, *, within_s: float = 8.0) -> None:
        """End the process; idempotent."""
        self._stopping.set()
        process = self._process
        if process is not None:
            self._end(process, within_s)
        if self._watcher is not None:
            self._watcher.join(timeout=within_s + 10)
            self._watcher = None

    @staticmethod
    def _end(process: subprocess.Popen[bytes], within_s: float) -> None:
        process.terminate()
        try:
            process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def _spawn(self, within_s: float) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "devices.brokers.amqtt_process"),
                *("--host", self.host, "--port", str(self.port)),
                *("--accounts", str(self.accounts.path), "--parent", str(os.getpid())),
                *(("--certificate", *map(str, self._certificate)) if self._certificate else ()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the station, which stops its broker last
        )
        answer = _first_line(process, within_s)
        if "listening" in answer:
            return process
        self._end(process, 1.0)
        cause = answer.get("error") or f"it said nothing for {within_s:.0f} s and was ended (code {process.returncode})"
        if "address already in use" in cause:
            cause = f"port {self.port} is in use; choose another or stop what uses it"
        raise EmbeddedBrokerError(f"The embedded broker did not start on {self.host}:{self.port}: {cause}.")

    def _watch(self, within_s: float, first: "Future[None]") -> None:
        """Start the child and start it again whenever it dies.

        Every child is started on this thread, which lives as long as the broker is wanted: the kernel's parent-death
        signal belongs to the thread that started the child, not to its process (prctl(2)).
        """
        try:
            self._process = self._spawn(within_s)
        except (EmbeddedBrokerError, OSError) as error:
            first.set_exception(error if isinstance(error, EmbeddedBrokerError) else EmbeddedBrokerError(str(error)))
            return
        first.set_result(None)
        failures = 0
        while True:
            process, started = self._process, time.monotonic()
            code = process.wait()
            if self._stopping.is_set():
                return
            if process.stdout is not None:
                process.stdout.close()
            log.error("the embedded broker died and is started again", code=code)
            failures = 0 if time.monotonic() - started > 60 else failures + 1
            while True:
                if failures > 1 and self._stopping.wait(min(0.1 * 2**failures, 30.0)):
                    return
                try:
                    self._process = self._spawn(within_s)
                    break
                except (EmbeddedBrokerError, OSError) as error:
                    failures += 1
                    log.error("the embedded broker does not start", error=str(error))  # noqa: TRY400 - said in full
            if self._stopping.is_set():
                self._end(self._process, 5.0)
                return


def _first_line(process: subprocess.Popen[bytes], within_s: float) -> dict[str, str]:
    """What the child said first, as JSON; nothing if it said nothing in time or ended."""
    if process.stdout is None:
        return {}
    descriptor, data, deadline = process.stdout.fileno(), b"", time.monotonic() + within_s
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not data.endswith(b"\n") and (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                continue
            chunk = os.read(descriptor, 4096)
            if not chunk:
                break
            data += chunk
    with contextlib.suppress(ValueError):
        answer = json.loads(data)
        if isinstance(answer, dict):
            return answer
    return {}
