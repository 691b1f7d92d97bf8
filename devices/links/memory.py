"""The in-memory twin of a broker and of the link to it, for tests: no network, the same behaviour.

It passes the same contract suite as the real link on the real brokers.
"""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

from devices.links.inbox import Inbox
from devices.links.port import Delivery, LinkError, Will


def _matches(filter_: str, topic: str) -> bool:
    wanted, found = filter_.split("/"), topic.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(found) or level not in {"+", found[index]}:
            return False
    return len(wanted) == len(found)


def _filters_of(topic: str) -> Iterator[str]:
    """Every filter that matches the topic: so that a publish to thousands of clients looks up and does not search."""
    levels = topic.split("/")
    for chosen in itertools.product(*((level, "+") for level in levels)):
        yield "/".join(chosen)
    for length in range(len(levels) + 1):
        for chosen in itertools.product(*((level, "+") for level in levels[:length])):
            yield "/".join((*chosen, "#"))


@dataclass
class _Session:
    filters: set[str] = field(default_factory=set)
    waiting: deque[tuple[int, str, bytes]] = field(default_factory=deque)  # QoS 1, not yet acknowledged, in order
    link: "MemoryLink | None" = None


class MemoryBroker:
    """Retained messages, last wills, persistent sessions, redelivery after a reconnection."""

    def __init__(self, *, permits: Callable[[str, str, str], bool] = lambda *_: True) -> None:
        """`permits(username, "publish" | "subscribe", topic or filter)` is the broker's access rule."""
        self._lock = threading.RLock()
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, bytes] = {}
        self._beside: dict[str, set[str]] = {}  # retained topics by all but their last level
        self._wanting: dict[str, set[str]] = {}  # clients by filter; may name some that no longer have it
        self._numbers = itertools.count(1)
        self._permits = permits
        self._up = True
        self._links: list[MemoryLink] = []

    def start(self) -> None:
        """Be reachable again; links that are open connect anew."""
        with self._lock:
            self._up = True
            for link in list(self._links):
                self._attach(link)

    def retained(self, topic: str) -> bytes | None:
        """What is retained on a topic, for tests that look at the broker from outside."""
        with self._lock:
            return self._retained.get(topic)

    def stop(self, *, forget: bool = False) -> None:
        """Break every connection; with `forget` as a broker that kept nothing on disk."""
        with self._lock:
            self._up = False
            for link in list(self._links):
                self._detach(link, goodbye=False)
            if forget:
                self._sessions.clear()
                self._retained.clear()
                self._beside.clear()
                self._wanting.clear()

    def break_connection(self, client_id: str) -> None:
        """Break one client's connection, as a lost line would; the client then connects anew."""
        with self._lock:
            session = self._sessions.get(client_id)
            if session is not None and (link := session.link) is not None:
                self._detach(link, goodbye=False)
                self._attach(link)

    def _open(self, link: "MemoryLink") -> None:
        with self._lock:
            self._links.append(link)
            if self._up:
                self._attach(link)

    def _close(self, link: "MemoryLink") -> None:
        with self._lock:
            if link in self._links:
                self._links.remove(link)
                self._detach(link, goodbye=True)

    def _attach(self, link: "MemoryLink") -> None:
        session = self._sessions.get(link.client_id)
        if session is not None and session.link is not None and session.link is not link:
            self._detach(session.link, goodbye=False)
        if session is None or link.clean_session:
            session = self._sessions[link.client_id] = _Session()
        session.link = link
        link._connect()
        for number, topic, payload in session.waiting:
            link._arrive(topic, payload, number)
        self._subscribe(link, tuple(link._filters))
        for topic, payload, retain, future in link._take_unsent():
            self._publish(link, topic, payload, retain)
            future.set_result(None)

    def _detach(self, link: "MemoryLink", *, goodbye: bool) -> None:
        session = self._sessions.get(link.client_id)
        if session is None or session.link is not link:
            return
        session.link = None
        link._disconnect()
        if link.will is not None and not goodbye:
            self._publish(link, link.will.topic, link.will.payload, retain=True)
        if link.clean_session:
            del self._sessions[link.client_id]

    def _subscribe(self, link: "MemoryLink", filters: tuple[str, ...]) -> None:
        with self._lock:
            session = self._sessions.get(link.client_id)
            if session is None or session.link is not link:
                return
            allowed = [name for name in filters if self._permits(link.username, "subscribe", name)]
            session.filters.update(allowed)
            for name in allowed:
                self._wanting.setdefault(name, set()).add(link.client_id)
                for topic in self._retained_for(name):
                    self._deliver(session, topic, self._retained[topic])

    def _retained_for(self, filter_: str) -> list[str]:
        before, _, last = filter_.rpartition("/")
        if "+" not in before and "#" not in filter_:
            return [topic for topic in self._beside.get(before, ()) if last == "+" or topic == filter_]
        return [topic for topic in self._retained if _matches(filter_, topic)]

    def _unsubscribe(self, link: "MemoryLink", filters: tuple[str, ...]) -> None:
        with self._lock:
            session = self._sessions.get(link.client_id)
            if session is not None:
                session.filters.difference_update(filters)

    def _publish(self, link: "MemoryLink", topic: str, payload: bytes, retain: bool) -> None:
        with self._lock:
            if not self._permits(link.username, "publish", topic):
                return  # dropped in silence, as MQTT 3.1.1 brokers do
            if retain and payload:
                self._retained[topic] = payload
                self._beside.setdefault(topic.rpartition("/")[0], set()).add(topic)
            elif retain:
                self._retained.pop(topic, None)
                self._beside.get(topic.rpartition("/")[0], set()).discard(topic)
            reached: dict[str, _Session] = {}
            for name in _filters_of(topic):
                for client in self._wanting.get(name, ()):
                    session = self._sessions.get(client)
                    if session is not None and name in session.filters:
                        reached[client] = session
            for session in reached.values():
                self._deliver(session, topic, payload)

    def _deliver(self, session: _Session, topic: str, payload: bytes) -> None:
        number = next(self._numbers)
        session.waiting.append((number, topic, payload))
        if session.link is not None:
            session.link._arrive(topic, payload, number)

    def _acknowledge(self, client_id: str, numbers: set[object]) -> None:
        with self._lock:
            session = self._sessions.get(client_id)
            if session is not None:
                session.waiting = deque(item for item in session.waiting if item[0] not in numbers)


class MemoryLink:
    """Implements `devices.links.port.Link` on a MemoryBroker."""

    def __init__(
        self,
        broker: MemoryBroker,
        client_id: str,
        username: str | None = None,
        *,
        will: Callable[[], Will] | None = None,
        clean_session: bool = False,
    ) -> None:
        self.client_id = client_id
        self.username = username or client_id
        self.will: Will | None = None
        self._make_will = will
        self.clean_session = clean_session
        self._broker = broker
        self._filters: dict[str, None] = {}
        self._connected = False
        self._closed = False
        self._opened = False
        self._connections = 0
        self._unsent: list[tuple[str, bytes, bool, Future[None]]] = []
        self._inbox = Inbox(messages=20_000, size=32 * 1024 * 1024)

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def connections(self) -> int:
        return self._connections

    def open(self) -> None:
        if self._closed:
            raise LinkError("The link was closed; make a new one.")
        if not self._opened:
            self._opened = True
            self._broker._open(self)

    def close(self) -> None:
        self._closed = True
        self._broker._close(self)
        for *_, future in self._take_unsent():
            future.set_exception(LinkError("The link was closed before the broker had the message."))

    def subscribe(self, *filters: str) -> None:
        self._filters.update(dict.fromkeys(filters))
        self._broker._subscribe(self, filters)

    def unsubscribe(self, *filters: str) -> None:
        for name in filters:
            self._filters.pop(name, None)
        self._broker._unsubscribe(self, filters)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> "Future[None]":
        future: Future[None] = Future()
        with self._broker._lock:
            if self._closed:
                future.set_exception(LinkError("The link is closed."))
            elif self._connected:
                self._broker._publish(self, topic, payload, retain)
                future.set_result(None)
            else:
                self._unsent.append((topic, payload, retain, future))
        return future

    def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        return self._inbox.take(limit=limit, wait_s=wait_s)

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        current = {delivery.token for delivery in deliveries if delivery.connection == self._connections}
        if self._connected:
            self._broker._acknowledge(self.client_id, current)

    # ---- called by the broker, under its lock

    def _connect(self) -> None:
        self.will = self._make_will() if self._make_will is not None else None
        self._inbox.clear()
        self._connections += 1
        self._connected = True

    def _disconnect(self) -> None:
        self._connected = False

    def _arrive(self, topic: str, payload: bytes, number: int) -> None:
        self._inbox.put(Delivery(topic, payload, self._connections, time.monotonic(), number))

    def _take_unsent(self) -> list[tuple[str, bytes, bool, Future[None]]]:
        unsent, self._unsent = self._unsent, []
        return unsent
