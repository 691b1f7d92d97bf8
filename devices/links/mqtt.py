"""The link over MQTT 3.1.1, by paho-mqtt on a thread of its own.

paho's loop functions are driven from here (its documented way for a foreign event loop), because its own loop
reconnects without jitter, and because an acknowledgement and a reconnection must exclude each other: packet
identifiers are reused by the next connection, so that a late PUBACK would free a message that nobody has seen.
"""

import random
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from devices.links.inbox import Inbox
from devices.links.port import Delivery, LinkError, Will

log = structlog.get_logger(__name__)

QOS = 1
MAX_PAYLOAD = 128 * 1024
"""Bytes; what is longer is dropped unread, since no document of the protocol comes near."""
_AT_ONCE = 50
"""Messages that are read before anything else is looked after."""
_DONE: "Future[None]" = Future()


class MqttLink:
    """Implements `devices.links.port.Link`.

    `client_id` and `username` should be the same name: the embedded broker insists on it. With `clean_session`
    False the broker keeps the subscriptions and what arrives while the link is broken. `will` is asked, on the
    network thread, for the last will of each connection before it is opened. `arrived` is called there for each
    message that can be received.
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_id: str,
        username: str,
        password: str,
        *,
        will: Callable[[], Will] | None = None,
        clean_session: bool = False,
        tls: ssl.SSLContext | None = None,
        keepalive_s: int = 30,
        backoff_s: tuple[float, float] = (0.5, 60.0),
        inbox_messages: int = 20_000,
        inbox_bytes: int = 32 * 1024 * 1024,
        outgoing_messages: int = 20_000,
        arrived: Callable[[], None] | None = None,
    ) -> None:
        self._address = (host, port)
        self._keepalive_s = keepalive_s
        self._backoff_s = backoff_s
        self._log = log.bind(client=client_id, broker=f"{host}:{port}")
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean_session,
            protocol=MQTTv311,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._client.username_pw_set(username, password)
        self._client.max_inflight_messages_set(200)
        self._client.max_queued_messages_set(outgoing_messages)
        self._client.connect_timeout = 10.0
        if tls is not None:
            self._client.tls_set_context(tls)
        self._will = will
        self._arrived = arrived
        self._paused_until = 0.0
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_socket_register_write = lambda *_: self._wake()

        self._lock = threading.RLock()  # filters, numbers of subscriptions, the connection count
        self._filters: set[str] = set()
        self._dropped_filters: set[str] = set()
        self._subscribing: dict[int, tuple[str, ...]] = {}
        self._refused: set[str] = set()
        self._retry_refused_at = 0.0
        self._refusals = 0
        self._connected = False
        self._connections = 0
        self._futures: dict[int, Future[None]] = {}
        self._inbox = Inbox(messages=inbox_messages, size=inbox_bytes)
        self._overflowed = False
        self._messages = 0
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        self._last_problem = ""

    def __repr__(self) -> str:
        return f"MqttLink({self._address[0]}:{self._address[1]}, connected={self._connected})"

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def connections(self) -> int:
        return self._connections

    def open(self) -> None:
        if self._closing.is_set():
            raise LinkError("The link was closed; make a new one.")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mqtt-link", daemon=True)
            self._thread.start()

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        if self._thread is not None:
            self._client.disconnect()
            self._wake()
            self._thread.join(timeout=15.0)
        self._connected = False
        for mid in list(self._futures):
            future = self._futures.pop(mid, _DONE)
            if future is not _DONE and not future.done():
                future.set_exception(LinkError("The link was closed before the broker had the message."))
        self._wake_reader.close()
        self._wake_writer.close()

    def subscribe(self, *filters: str) -> None:
        with self._lock:
            self._filters.update(filters)
            self._dropped_filters.difference_update(filters)
            if self._connected and filters:
                self._send_subscribe(filters)
        self._wake()

    def unsubscribe(self, *filters: str) -> None:
        with self._lock:
            self._filters.difference_update(filters)
            self._refused.difference_update(filters)
            self._dropped_filters.update(filters)
            if self._connected and filters:
                self._client.unsubscribe(list(filters))
        self._wake()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> "Future[None]":
        future: Future[None] = Future()
        if self._closing.is_set():
            future.set_exception(LinkError("The link is closed."))
            return future
        info = self._client.publish(topic, payload, QOS, retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            future.set_exception(LinkError("Too many messages wait for the broker; try again when it is reached."))
            return future
        self._wake()
        # The acknowledgement may have come before this line, on the network thread: then it left _DONE here.
        if self._futures.setdefault(info.mid, future) is _DONE:
            del self._futures[info.mid]
            future.set_result(None)
        return future

    def receive(self, *, limit: int, wait_s: float) -> list[Delivery]:
        taken = self._inbox.take(limit=limit, wait_s=wait_s)
        if self._overflowed and not self._inbox:
            self._wake()  # there is room again: reconnect, so that the broker sends what was turned away
        return taken

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        with self._lock:  # a reconnection holds it too
            for delivery in deliveries:
                if self._connected and delivery.connection == self._connections and isinstance(delivery.token, int):
                    self._client.ack(delivery.token, QOS)
        self._wake()

    def pause(self, seconds: float) -> None:
        """Break the connection without a goodbye and stay away so long: a lost line, for simulations."""
        self._paused_until = time.monotonic() + seconds
        connection = self._client.socket()
        if isinstance(connection, socket.socket):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    # ---- the network thread

    def _wake(self) -> None:
        with suppress(BlockingIOError, OSError):
            self._wake_writer.send(b"w")

    def _run(self) -> None:
        shortest, longest = self._backoff_s
        delay = shortest
        while not self._closing.is_set():
            before = self._connections
            try:
                with self._lock:
                    self._connected = False
                self._overflowed = False
                if self._will is not None:
                    will = self._will()
                    self._client.will_set(will.topic, will.payload, QOS, retain=True)
                self._client.connect(*self._address, keepalive=self._keepalive_s)
                self._serve()
            except (OSError, ValueError) as error:
                self._problem(f"The broker is not reached: {error}")
            except Exception:  # noqa: BLE001 - whatever it was: without this thread nothing would ever come or go again
                self._log.exception("the link failed; connecting anew")
                connection = self._client.socket()
                if isinstance(connection, socket.socket):
                    with suppress(OSError):
                        connection.close()
            delay = shortest if self._connections > before else min(delay * 2, longest)
            # Receivers of a whole province lose the broker at once; they must not all come back at once.
            self._closing.wait(max(0.0, self._paused_until - time.monotonic()))
            self._closing.wait(delay * random.uniform(0.5, 1.5))  # noqa: S311 - spreading, not secrecy

    def _serve(self) -> None:
        connection = self._client.socket()
        if not isinstance(connection, socket.socket):
            return
        leaving = False
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while self._is_current(connection):
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._client.want_write() else 0)
                selector.modify(connection, wanted)
                pending = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
                ready = dict(selector.select(0.0 if pending else 1.0))
                events = {key.fileobj: mask for key, mask in ready.items()}
                if self._wake_reader in events:
                    with suppress(BlockingIOError):
                        self._wake_reader.recv(4096)
                mask = events.get(connection, 0)
                if (pending or mask & selectors.EVENT_READ) and not self._read():
                    return
                if self._client.want_write() and self._client.loop_write():
                    return
                if self._client.loop_misc():
                    return
                self._subscribe_refused_again()
                if self._overflowed and not self._inbox and not leaving:
                    leaving = True
                    self._problem("More arrived than was taken; connecting anew, so that the rest comes again.")
                    connection.shutdown(socket.SHUT_RDWR)  # no goodbye: the session and its messages stay

    def _read(self) -> bool:
        """Read what has come, some messages at most; returns whether the connection still stands."""
        for _ in range(_AT_ONCE):  # paho reads one packet at a time: to ask the system before each costs a fifth more
            before = self._messages
            if self._client.loop_read():
                return False
            if self._messages == before:
                break
        return True

    def _is_current(self, connection: socket.socket) -> bool:
        return self._client.socket() is connection

    def _problem(self, text: str) -> None:
        if text != self._last_problem:  # once, not at each attempt
            self._last_problem = text
            self._log.warning(text)

    def _on_connect(self, _c: Client, _u: Any, flags: ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        if code.is_failure:
            self._problem(f"The broker refused the connection: {code}. Check the account.")
            return
        with self._lock:
            self._inbox.clear()
            self._connections += 1
            self._connected = True
            self._subscribing.clear()
            self._refused.clear()
            self._refusals = 0
            if self._dropped_filters:
                self._client.unsubscribe(sorted(self._dropped_filters))
            if self._filters:
                self._send_subscribe(tuple(sorted(self._filters)))
        self._last_problem = ""
        self._log.info("connected", session_present=flags.session_present)

    def _on_disconnect(self, _c: Client, _u: Any, _f: DisconnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        with self._lock:
            was = self._connected
            self._connected = False
        if was and not self._closing.is_set():
            self._problem(f"The connection to the broker broke: {code}.")

    def _on_message(self, _c: Client, _u: Any, message: MQTTMessage) -> None:
        self._messages += 1
        token = message.mid if message.qos else None
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = None
        if topic is None or len(message.payload) > MAX_PAYLOAD:
            self._log.warning("dropped a message that is no document", size=len(message.payload))
            if token is not None:
                self._client.ack(token, QOS)
            return
        if self._overflowed:
            return  # even if there is room again: what was turned away comes anew, and this behind it
        if not self._inbox.put(Delivery(topic, bytes(message.payload), self._connections, time.monotonic(), token)):
            self._overflowed = True
        elif self._arrived is not None:
            self._arrived()

    def _on_publish(self, _c: Client, _u: Any, mid: int, _code: ReasonCode, _p: Properties | None) -> None:
        future = self._futures.setdefault(mid, _DONE)
        if future is not _DONE:
            del self._futures[mid]
            future.set_result(None)

    # ---- subscriptions; a refused one is tried again, since the account may be widened a moment later

    def _send_subscribe(self, filters: tuple[str, ...]) -> None:
        for start in range(0, len(filters), 50):
            some = filters[start : start + 50]
            code, mid = self._client.subscribe([(name, QOS) for name in some])
            if code == MQTTErrorCode.MQTT_ERR_SUCCESS and mid is not None:
                self._subscribing[mid] = some

    def _on_subscribe(self, _c: Client, _u: Any, mid: int, codes: list[ReasonCode], _p: Properties | None) -> None:
        with self._lock:
            filters = self._subscribing.pop(mid, ())
            refused = {name for name, code in zip(filters, codes, strict=False) if code.is_failure} & self._filters
            if refused:
                self._refused |= refused
                self._refusals += 1
                self._retry_refused_at = time.monotonic() + min(2.0**self._refusals, 60.0)
                self._log.warning("the broker refused subscriptions", filters=sorted(refused))

    def _subscribe_refused_again(self) -> None:
        with self._lock:
            if self._refused and self._connected and time.monotonic() >= self._retry_refused_at:
                filters, self._refused = tuple(sorted(self._refused)), set()
                self._send_subscribe(filters)
