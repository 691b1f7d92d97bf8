"""The line between the receiver and the broker: it can be cut, and tells what the receiver said over it.

MQTT 3.1.1 packets (OASIS standard, 2 and 3) are read from what the receiver sends; nothing is changed.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

_CONNECT, _PUBLISH, _SUBSCRIBE, _UNSUBSCRIBE, _DISCONNECT = 1, 3, 8, 10, 14
_MAX_PACKET = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Published:
    """One PUBLISH of the receiver."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    at: datetime


@dataclass(slots=True)
class Connection:
    """One MQTT connection of the receiver, as it was asked for, and what was said over it."""

    level: int
    client_id: str
    username: str
    clean_session: bool
    will: Published | None
    at: datetime
    filters: dict[str, int] = field(default_factory=dict)  # every filter subscribed over it, with its QoS
    unsubscribed: list[str] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    goodbye: bool = False  # a DISCONNECT came


class Tap:
    """Forwards connections to the broker until it is cut; a cut line takes a caller up and hangs up."""

    def __init__(self, host: str, to_port: int, changed: Callable[[], None]) -> None:
        """`changed` is called, from any thread, whenever the receiver said something."""
        self.connections: list[Connection] = []
        self.turned_away = 0  # callers while it was cut
        self._to_port = to_port
        self._changed = changed
        self._server = socket.create_server((host, 0))
        self.port = int(self._server.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._whole = True
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, name="tap", daemon=True).start()

    @property
    def current(self) -> Connection:
        """The newest connection; there is one."""
        return self.connections[-1]

    def cut(self) -> None:
        """Break every connection without a goodbye, and take no new one."""
        with self._lock:
            self._whole = False
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _end(*pair)

    def mend(self) -> None:
        """Let new connections through."""
        with self._lock:
            self._whole = True

    def close(self) -> None:
        """Stop for good."""
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            with self._lock:
                whole = self._whole
                self.turned_away += not whole
            try:
                far = socket.create_connection(("127.0.0.1", self._to_port)) if whole else None
            except OSError:
                far = None
            if far is None:
                near.close()
                self._changed()
                continue
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.append((near, far))
            threading.Thread(target=self._pump, args=(near, far, _Reader(self)), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, None), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, reader: "_Reader | None") -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if reader is not None and reader.feed(data):
                    self._changed()
                sink.sendall(data)
        _end(source, sink)


class _Reader:
    """Takes one connection's packets apart."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap
        self._data = b""
        self._connection: Connection | None = None

    def feed(self, data: bytes) -> bool:
        """Whether anything came that is kept."""
        self._data += data
        seen = False
        for first, body in self._packets():
            with contextlib.suppress(IndexError, UnicodeDecodeError):  # the broker will have its own opinion of it
                seen |= self._take(first >> 4, first & 15, body)
        return seen

    def _packets(self) -> Iterator[tuple[int, bytes]]:
        while len(self._data) >= 2:
            length = shift = 0
            for at in range(1, min(5, len(self._data))):
                length |= (self._data[at] & 127) << shift
                shift += 7
                if self._data[at] < 128:
                    break
            else:
                return
            end = at + 1 + length
            if length > _MAX_PACKET or len(self._data) < end:
                return
            packet, self._data = self._data[:end], self._data[end:]
            yield packet[0], packet[at + 1 :]

    def _take(self, kind: int, flags: int, body: bytes) -> bool:
        now = datetime.now(UTC)
        if kind == _CONNECT:
            self._connection = _connect(body, now)
            self._tap.connections.append(self._connection)
        elif self._connection is None or self._connection.level != 4:
            return False
        elif kind == _SUBSCRIBE:
            at = 2
            while at < len(body):
                name, at = _text(body, at)
                self._connection.filters[name] = body[at] & 3
                at += 1
        elif kind == _UNSUBSCRIBE:
            at = 2
            while at < len(body):
                name, at = _text(body, at)
                self._connection.unsubscribed.append(name)
                self._connection.filters.pop(name, None)
        elif kind == _PUBLISH:
            topic, at = _text(body, 0)
            qos = flags >> 1 & 3
            payload = body[at + (2 if qos else 0) :]
            self._connection.published.append(Published(topic, payload, qos, bool(flags & 1), now))
        elif kind == _DISCONNECT:
            self._connection.goodbye = True
        return kind in {_CONNECT, _SUBSCRIBE, _UNSUBSCRIBE, _PUBLISH, _DISCONNECT}


def _connect(body: bytes, now: datetime) -> Connection:
    _, at = _text(body, 0)
    level, flags = body[at], body[at + 1]
    if level != 4:
        return Connection(level, "", "", clean_session=bool(flags & 2), will=None, at=now)
    client_id, at = _text(body, at + 4)
    will = None
    if flags & 4:
        topic, at = _text(body, at)
        payload, at = _bytes(body, at)
        will = Published(topic, payload, flags >> 3 & 3, bool(flags & 32), now)
    username = _text(body, at)[0] if flags & 128 else ""
    return Connection(level, client_id, username, clean_session=bool(flags & 2), will=will, at=now)


def _bytes(body: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + (body[at] << 8 | body[at + 1])
    return body[at + 2 : end], end


def _text(body: bytes, at: int) -> tuple[str, int]:
    found, end = _bytes(body, at)
    return found.decode(), end


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
