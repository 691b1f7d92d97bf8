"""The amplifier's switch: a command, or a file such as a GPIO line's value; on a little before sound, off a little after."""

import shlex
import subprocess
import threading
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)
COMMAND_S = 5.0


class SwitchError(Exception):
    """The amplifier could not be switched; the message says why."""


class Switch(Protocol):
    """Turns a thing on and off."""

    def turn(self, *, on: bool) -> None:
        """Raises SwitchError."""


class FileSwitch:
    """Writes `1` or `0` into a file: `/sys/class/gpio/gpio17/value`, or an LED's `brightness`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def turn(self, *, on: bool) -> None:
        try:
            self._path.write_text("1" if on else "0", encoding="ascii")
        except OSError as error:
            raise SwitchError(f"{self._path} cannot be written: {error.strerror}.") from error


class CommandSwitch:
    """Runs a command with `on` or `off` as its last argument; no shell reads it."""

    def __init__(self, command: str) -> None:
        """Raises ValueError for a command that cannot be taken apart."""
        self._arguments = shlex.split(command)
        if not self._arguments:
            raise ValueError("The amplifier's command is empty.")

    def turn(self, *, on: bool) -> None:
        try:
            subprocess.run(
                [*self._arguments, "on" if on else "off"], check=True, timeout=COMMAND_S, capture_output=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise SwitchError(f"The amplifier's command failed: {error}") from error


class Amplifier:
    """Knows whether it is on, and turns it off after a while in which nobody wanted it again.

    A switch that fails is told of and stops no bulletin: the amplifier may be on all the same.
    """

    def __init__(self, switch: Switch | None) -> None:
        self._switch = switch
        self._lock = threading.Lock()
        self._on = False
        self._timer: threading.Timer | None = None
        self.failure: str | None = None

    @property
    def present(self) -> bool:
        """Whether there is anything to switch."""
        return self._switch is not None

    def on(self) -> bool:
        """Turn it on, and forget about turning it off; whether it was on already."""
        with self._lock:
            self._forget()
            was, self._on = self._on, True
            if not was:
                self._turn(on=True)
            return was

    def off(self) -> None:
        """Turn it off now, whatever it was believed to be."""
        with self._lock:
            self._forget()
            self._on = False
            self._turn(on=False)

    def off_after(self, tail: timedelta) -> None:
        """Turn it off after a while, unless it is wanted again before."""
        with self._lock:
            self._forget()
            if self._on:
                self._timer = threading.Timer(tail.total_seconds(), lambda: self._off_by(timer))
                self._timer.daemon = True
                timer = self._timer
                timer.start()

    def _off_by(self, timer: threading.Timer) -> None:
        with self._lock:
            if self._timer is timer:  # else it was wanted again while the timer fired
                self._timer = None
                self._on = False
                self._turn(on=False)

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _turn(self, *, on: bool) -> None:
        if self._switch is None:
            return
        try:
            self._switch.turn(on=on)
            self.failure = None
        except SwitchError as error:
            self.failure = str(error)
            log.error("the amplifier was not switched", on=on, error=str(error))  # noqa: TRY400 - said in full
