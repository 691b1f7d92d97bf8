"""One network thread for all links of a fleet: thousands of threads would fight over one interpreter."""

import contextlib
import random
import selectors
import socket
import threading
import time
from dataclasses import dataclass

from devices.links.mqtt import MqttLink

LOOK_S = 0.5
BACKOFF_S = (0.5, 30.0)
CONNECTS_AT_ONCE = 20
"""Between two looks at the other links; brokers take only so many at once."""


@dataclass(slots=True)
class _Line:
    """One link's connection, or when the next is tried."""

    link: "FleetLink"
    connection: socket.socket | None = None
    number: int = -1  # of its file
    next_at: float = 0.0
    delay_s: float = BACKOFF_S[0]
    before: int = 0  # connections that the broker had accepted


class FleetLink(MqttLink):
    """A link whose network work is done by the fleet's loop."""

    loop: "Loop"

    def open(self) -> None:
        """Begin to connect. Returns at once."""
        self.loop.add(self)

    def _wake(self) -> None:
        self.loop.wake(self)

    def attempt(self) -> socket.socket | None:
        """On the loop: connect, with a last will of its own. Raises OSError, ValueError."""
        with self._lock:
            self._connected = False
        if self._will is not None:
            will = self._will()
            self._client.will_set(will.topic, will.payload, 1, retain=True)
        self._client.connect(*self._address, keepalive=self._keepalive_s)
        found = self._client.socket()
        return found if isinstance(found, socket.socket) else None

    def serve(self, *, readable: bool) -> bool:
        """On the loop: do what is to be done; whether the connection still stands."""
        if readable and self._client.loop_read():
            return False
        return not (self._client.want_write() and self._client.loop_write())

    def look(self, connection: socket.socket) -> bool:
        """On the loop, now and then: pings, refused subscriptions; whether the connection still stands."""
        if self._client.socket() is not connection or self._client.loop_misc():
            return False
        self._subscribe_refused_again()
        return True

    @property
    def wants_write(self) -> bool:
        """Whether something waits for room on the line."""
        return self._client.want_write()

    @property
    def away_until(self) -> float:
        """time.monotonic() until which a simulated break lasts."""
        return self._paused_until

    @property
    def closing(self) -> bool:
        """Whether it is to be left alone."""
        return self._closing.is_set()

    def close(self) -> None:
        """Say goodbye and be left alone."""
        if not self._closing.is_set():
            self._closing.set()
            with contextlib.suppress(OSError, ValueError):
                self._client.disconnect()
                self._client.loop_write()
            self._wake_reader.close()
            self._wake_writer.close()


class Loop:
    """Connects, reads and writes for all links that were opened."""

    def __init__(self) -> None:
        self._lines: dict[FleetLink, _Line] = {}
        self._by_file: dict[int, _Line] = {}
        self._new: list[FleetLink] = []
        self._woken: set[FleetLink] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet-network", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._selector = selectors.DefaultSelector()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._selector.register(self._reader, selectors.EVENT_READ, None)
        self._thread.start()

    def stop(self) -> None:
        """End; the links are closed before."""
        self._stop.set()
        if self._thread.ident is None:
            return
        self._ring()
        self._thread.join(timeout=10)
        for line in self._by_file.values():
            if line.connection is not None:
                line.connection.close()
        self._selector.close()
        self._reader.close()
        self._writer.close()

    def add(self, link: FleetLink) -> None:
        """Connect it from now on."""
        with self._lock:
            self._new.append(link)
        self._ring()

    def wake(self, link: FleetLink) -> None:
        """It has something to write."""
        with self._lock:
            quiet = not self._woken
            self._woken.add(link)
        if quiet:
            self._ring()

    def _ring(self) -> None:
        if self._thread.ident is not None:
            with contextlib.suppress(OSError):
                self._writer.send(b"w")

    def _run(self) -> None:
        look_at = 0.0
        while not self._stop.is_set():
            for key, mask in self._selector.select(LOOK_S / 10):
                if key.data is None:
                    with contextlib.suppress(OSError):
                        self._reader.recv(65536)
                else:
                    self._serve(key.data, readable=bool(mask & selectors.EVENT_READ))
            with self._lock:
                new, self._new = self._new, []
                woken, self._woken = self._woken, set()
            for link in new:
                self._lines[link] = _Line(link)
            for link in woken:
                line = self._lines.get(link)
                if line is not None and line.connection is not None:
                    self._serve(line, readable=False)
            now = time.monotonic()
            self._connect_some(now)
            if now >= look_at:
                look_at = now + LOOK_S
                for line in list(self._by_file.values()):
                    if line.connection is not None and not line.link.look(line.connection):
                        self._drop(line)

    def _serve(self, line: _Line, *, readable: bool) -> None:
        if line.connection is None:
            return
        if not line.link.serve(readable=readable):
            self._drop(line)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.link.wants_write else 0)
        if self._selector.get_map()[line.number].events != wanted:
            self._selector.modify(line.number, wanted, line)

    def _connect_some(self, now: float) -> None:
        tried = 0
        for line in self._lines.values():
            if line.connection is not None or line.link.closing or now < max(line.next_at, line.link.away_until):
                continue
            line.before = line.link.connections
            try:
                line.connection = line.link.attempt()
            except (OSError, ValueError):
                line.connection = None
            if line.connection is None:
                self._later(line)
            else:
                line.number = line.connection.fileno()
                stale = self._by_file.get(line.number)
                if stale is not None:  # its socket was closed on another thread, and the number given again
                    self._drop(stale)
                self._by_file[line.number] = line
                self._selector.register(line.number, selectors.EVENT_READ, line)
                self._serve(line, readable=False)
            tried += 1
            if tried >= CONNECTS_AT_ONCE:
                return

    def _drop(self, line: _Line) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(line.number)
        self._by_file.pop(line.number, None)
        line.connection = None
        self._later(line)

    def _later(self, line: _Line) -> None:
        accepted = line.link.connections > line.before
        line.delay_s = BACKOFF_S[0] if accepted else min(line.delay_s * 2, BACKOFF_S[1])
        line.next_at = time.monotonic() + line.delay_s * random.uniform(0.5, 1.5)  # noqa: S311 - spreading, not secrecy
