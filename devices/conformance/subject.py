"""The receiver that is tried: a command that the kit starts and kills, or a device that somebody else has started."""

import contextlib
import os
import shlex
import signal
import subprocess
from pathlib import Path


class SubjectError(Exception):
    """The receiver cannot be started; the message says why and what to do."""


class Subject:
    """A receiver's process. `{folder}` in its command stands for the folder that holds its provision.json."""

    def __init__(self, command: str, folder: Path) -> None:
        self._folder = folder
        self._command = arguments(command, folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, with what it says in {folder}/receiver.log. Raises SubjectError."""
        with (self._folder / "receiver.log").open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise SubjectError(f"{self._command[0]} cannot be started: {error.strerror}.") from error

    def ended(self) -> str | None:
        """How it ended by itself, with its last words; None while it runs."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return None
        words = (self._folder / "receiver.log").read_text("utf-8", "replace").strip()
        return f"it ended with {code}; its last words: {words[-500:] or 'none'}"

    def kill(self) -> None:
        """End it and its children as a power cut would."""
        self._signal(signal.SIGKILL, 5)

    def stop(self, within_s: float) -> int | None:
        """Ask it to end (SIGTERM); its exit code, or None where it had to be killed."""
        code = self._signal(signal.SIGTERM, within_s)
        if code is None:
            self.kill()
        return code

    def _signal(self, number: int, within_s: float) -> int | None:
        process = self._process
        if process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)  # of its own session, which the kit made
        try:
            code = process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            return None
        self._process = None
        return code


def arguments(command: str, folder: Path) -> list[str]:
    """The words of a command as a shell would split them, the folder put in. Raises SubjectError."""
    try:
        words = [word.replace("{folder}", str(folder)) for word in shlex.split(command)]
    except ValueError as error:
        raise SubjectError(f"The command {command!r} cannot be read: {error}.") from error
    if not words:
        raise SubjectError("The command is empty.")
    return words
