"""Telling a service manager that all is well: the sd_notify protocol (sd_notify(3)), a datagram to NOTIFY_SOCKET."""

import os
import socket
import time

import structlog

log = structlog.get_logger(__name__)


class Watchdog:
    """Speaks to systemd where the process was started by it, and else to nobody."""

    def __init__(self) -> None:
        """Reads NOTIFY_SOCKET and WATCHDOG_USEC."""
        self._address = os.environ.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]  # the abstract namespace
        asked = os.environ.get("WATCHDOG_USEC", "")
        self._every_s = int(asked) / 1_000_000 / 3 if asked.isdigit() else None
        self._next = 0.0

    def ready(self) -> None:
        """The receiver goes on alone from here."""
        self._say("READY=1")

    def alive(self) -> None:
        """All threads do their work; said three times in the time after which systemd kills."""
        if self._every_s is not None and (now := time.monotonic()) >= self._next:
            self._next = now + self._every_s
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The end is meant."""
        self._say("STOPPING=1")

    def _say(self, words: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.sendto(words.encode(), self._address)
        except OSError as error:
            log.warning("the service manager was not told", words=words, error=str(error))
