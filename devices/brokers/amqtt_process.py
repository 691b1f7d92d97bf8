"""The embedded broker's process: `python -m devices.brokers.amqtt_process` (started by `devices.brokers.embedded`).

amqtt 0.12 as it comes lets a foreign client id drop or take over a session before the account is checked, sends a
connecting client retained messages that it never subscribed to, forgets an unacknowledged message after five seconds
or a broken connection, and does not notice a peer that fell silent. `StationBroker` and `_Handler` mend these, on
amqtt's internals: hence the pinned version, and the contract suite that runs on them.
"""

import argparse
import asyncio
import contextlib
import ctypes
import json
import logging
import os
import signal
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.contexts import Action, BaseContext
from amqtt.errors import AMQTTError, BrokerError, MQTTError, NoDataError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import OUTGOING, IncomingApplicationMessage, OutgoingApplicationMessage, Session

from devices.brokers.accounts import Account, AccountsFile, AccountsFileError

log = logging.getLogger("devices.brokers")

PUBACK_WAIT_S = 60.0
"""A connected client that leaves a message unacknowledged for so long is stuck; its connection is closed."""
QUEUED_MESSAGES = 10_000
"""Kept for a session that is away; the oldest gives way. Orders are retained beside, and receipts come again."""
REFUSED = 0x80
PR_SET_PDEATHSIG = 1


@dataclass
class _Accounts:
    """The accounts as they stand in the file now: it is looked at before each decision, which costs a few microseconds."""

    file: AccountsFile
    by_name: dict[str, Account]
    stamp: tuple[int, int, int] = (0, 0, 0)
    changed: bool = False  # since sessions were last held against them

    def look(self) -> None:
        """Read the file anew where it changed. A damaged file leaves the accounts as they were."""
        try:
            status = self.file.path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        except FileNotFoundError:
            stamp = (0, 0, 0)
        if stamp == self.stamp:
            return
        self.stamp = stamp
        try:
            self.by_name = self.file.read()
        except AccountsFileError as error:
            log.error("%s The accounts stay as they were.", error)  # noqa: TRY400 - the message says it all
            return
        self.changed = True

    def admit(self, session: Session) -> bool:
        """Whether the account, the secret and the client id belong together."""
        self.look()
        account = self.by_name.get(session.username or "")
        return account is not None and account.admits(session.password or "", session.client_id or "")

    def allow(self, session: Session, topic: str, action: Action) -> bool:
        """Whether the session's account may do this. Nobody without an account may do anything."""
        self.look()
        account = self.by_name.get(session.username or "")
        if account is None:
            return False
        if action == Action.PUBLISH:
            return account.may_publish(topic)
        if action == Action.SUBSCRIBE:
            return account.may_subscribe(topic)
        return account.may_read(topic)


_accounts: _Accounts  # one broker in this process; amqtt makes its plugins from class names


class AccountsPlugin(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]  # amqtt has no types
    """amqtt asks it who may connect, publish, subscribe and receive."""

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)

    async def authenticate(self, *, session: Session) -> bool:
        return _accounts.admit(session)

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool:
        return (
            session is not None and bool(topic) and action is not None and _accounts.allow(session, topic or "", action)
        )


class _Handler(BrokerProtocolHandler):  # type: ignore[misc]  # amqtt has no types
    """Keeps what was not acknowledged for the next connection, and notices silence."""

    _retries: "set[asyncio.Task[None]]"

    def handle_read_timeout(self) -> None:
        log.info("%s fell silent", self.session.client_id if self.session else None)
        if self._reader_task is not None:
            self._reader_task.cancel()

    async def _retry_deliveries(self) -> None:
        # amqtt waits here for each acknowledgement before it reads on; the messages go out, and we read on.
        if self.session is None:
            return
        self._retries = set()
        for message in list(self.session.inflight_out.values()):
            task = asyncio.create_task(self._send_again(message))
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)

    async def _send_again(self, message: OutgoingApplicationMessage) -> None:
        with contextlib.suppress(AMQTTError, MQTTError, OSError):
            await self._handle_message_flow(message)

    async def _handle_qos1_message_flow(
        self, app_message: OutgoingApplicationMessage | IncomingApplicationMessage
    ) -> None:
        if app_message.direction != OUTGOING or not isinstance(app_message, OutgoingApplicationMessage):
            await super()._handle_qos1_message_flow(app_message)
            return
        session, packet_id = self.session, app_message.packet_id
        if session is None or packet_id is None:
            return
        session.inflight_out[packet_id] = app_message
        again = app_message.publish_packet is not None
        app_message.publish_packet = app_message.build_publish_packet(dup=again)
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._puback_waiters[packet_id] = waiter
        try:
            await self._send_packet(app_message.publish_packet)
            app_message.puback_packet = await asyncio.wait_for(waiter, PUBACK_WAIT_S)
            session.inflight_out.pop(packet_id, None)
        except TimeoutError:
            log.info("%s left a message unacknowledged for %.0f s", session.client_id, PUBACK_WAIT_S)
            await self.handle_connection_closed()
        finally:
            self._puback_waiters.pop(packet_id, None)


class StationBroker(Broker):  # type: ignore[misc]  # amqtt has no types
    """amqtt with the account checked before anything else, and retained messages only for who may have them."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._sending: set[asyncio.Task[Any]] = set()

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        try:
            handler, incoming = await asyncio.wait_for(
                _Handler.init_from_connect(reader, writer, self.plugins_manager), timeout=10
            )
        except (AMQTTError, MQTTError, NoDataError, TimeoutError, ValueError, IndexError, OSError) as error:
            await writer.close()
            raise AMQTTError(f"no CONNECT from {remote_address}:{remote_port}: {error}") from error
        if not await self._authenticate(incoming, self.listeners_config["default"]):
            log.warning("refused %r as %r from %s", incoming.username, incoming.client_id, remote_address)
            await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
            await writer.close()
            raise AMQTTError("not authorised")
        client_id = incoming.client_id or ""
        incoming.keep_alive = int(incoming.keep_alive * 1.5)  # MQTT-3.1.2-24
        await self._end_connection(client_id)
        if incoming.clean_session:
            await self._delete_session(client_id)
            incoming.parent = 0
            return handler, incoming
        kept = self._sessions.get(client_id, (None, None))[0]
        if kept is None:
            incoming.parent = 0
            return handler, incoming
        for name in [
            "clean_session",
            "will_flag",
            "will_message",
            "will_topic",
            "will_qos",
            "will_retain",
            "keep_alive",
            "username",
            "password",
            "remote_address",
            "remote_port",
        ]:
            setattr(kept, name, getattr(incoming, name))
        kept.parent = 1
        return handler, kept

    async def _end_connection(self, client_id: str) -> None:
        """Let an older connection of this client come to its end, with its last will, before the new one begins."""
        old = self._sessions.get(client_id)
        if old is None or not old[0].transitions.is_connected():
            return
        await old[1].handle_connection_closed()
        for _ in range(500):
            if not old[0].transitions.is_connected():
                return
            await asyncio.sleep(0.01)
        raise BrokerError(f"the older connection of {client_id} does not end")

    async def _run_broadcast(self, _running_tasks: "deque[asyncio.Task[Any]]") -> None:
        # amqtt's own awaits in the midst of its tables, and loses the message if one of them changes meanwhile.
        message = await self._broadcast_queue.get()
        topic, data = message["topic"], message["data"]
        served: set[str] = set()
        for name, held in self._subscriptions.items():
            if not self._matches(topic, name):
                continue
            for session, mine in held:
                if session.client_id in served or not _accounts.allow(session, topic, Action.RECEIVE):
                    continue
                served.add(session.client_id)
                qos = min(mine, message.get("qos", mine))
                handler = self._get_handler(session)
                if session.transitions.is_connected() and handler is not None:
                    self._send(handler, topic, data, qos, retain=False)
                elif qos and not session.clean_session:
                    if session.retained_messages.qsize() >= QUEUED_MESSAGES:
                        session.retained_messages.get_nowait()
                    session.retained_messages.put_nowait(
                        RetainedApplicationMessage(message["session"], topic, data, qos)
                    )

    def _send(self, handler: BrokerProtocolHandler, topic: str, data: bytes, qos: int, *, retain: bool) -> None:
        task = asyncio.create_task(handler.mqtt_publish(topic, data, qos, retain=retain))
        self._sending.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: "asyncio.Task[Any]") -> None:
        self._sending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.info("a message was not delivered: %s", error)

    async def _handle_subscription(
        self, client_session: Session, handler: BrokerProtocolHandler, subscribe_waiter: "asyncio.Future[Any]"
    ) -> None:
        asked = subscribe_waiter.result()
        codes = [await self.add_subscription(subscription, client_session) for subscription in asked.topics]
        await handler.mqtt_acknowledge_subscription(asked.packet_id, codes)
        for (name, _), code in zip(asked.topics, codes, strict=True):
            if code == REFUSED:
                continue
            for topic, retained in self._retained_messages.items():
                if self._matches(topic, name) and _accounts.allow(client_session, topic, Action.RECEIVE):
                    self._send(handler, topic, retained.data, min(code, retained.qos or 0), retain=True)

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        """Nothing: amqtt calls it for each filter of anybody when a session resumes, which MQTT does not ask for."""

    async def _publish_session_retained_messages(self, session: Session) -> None:
        handler = self._get_handler(session)
        while handler is not None and not session.retained_messages.empty():
            waiting = session.retained_messages.get_nowait()
            if _accounts.allow(session, waiting.topic, Action.RECEIVE):
                self._send(handler, waiting.topic, waiting.data, waiting.qos, retain=False)

    async def close_refused(self) -> None:
        """After the accounts changed: end the sessions of accounts that are gone or have another secret."""
        for client_id, (session, handler) in list(self._sessions.items()):
            if _accounts.admit(session):
                continue
            log.info("closing %s: its account is gone", client_id)
            if session.transitions.is_connected():
                await handler.handle_connection_closed()
                await self._end_connection(client_id)
            await self._delete_session(client_id)


def _die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process when its parent dies, however it dies (prctl(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        log.warning("prctl failed: the broker may outlive the station")
    if os.getppid() != parent:  # it died before the call
        sys.exit(0)


async def _serve(host: str, port: int, certificate: list[str] | None) -> int:
    listener: dict[str, Any] = {"type": "tcp", "bind": f"{host}:{port}"}
    if certificate is not None:
        listener |= {"ssl": True, "certfile": certificate[0], "keyfile": certificate[1]}
    broker = StationBroker(
        {
            "listeners": {"default": listener},
            "plugins": {f"{AccountsPlugin.__module__}.AccountsPlugin": {}},
        }
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await broker.start()
    except (BrokerError, OSError) as error:  # ssl.SSLError is an OSError: a certificate that cannot be used
        print(json.dumps({"error": str(error)}), flush=True)  # noqa: T201 - read by the supervisor
        return 1
    print(json.dumps({"listening": port}), flush=True)  # noqa: T201 - read by the supervisor
    while not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), timeout=0.1)
        _accounts.look()
        if _accounts.changed:
            _accounts.changed = False
            await broker.close_refused()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(broker.shutdown(), timeout=5)
    return 0


def main() -> int:
    """Serve until SIGTERM; 1 if the port cannot be had."""
    global _accounts  # noqa: PLW0603 - amqtt makes its plugins from class names
    parser = argparse.ArgumentParser(prog="devices.brokers.amqtt_process")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--accounts", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--certificate", nargs=2, metavar=("CHAIN", "KEY"))
    arguments = parser.parse_args()
    _die_with_parent(arguments.parent)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    for noisy in ("amqtt", "transitions", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    _accounts = _Accounts(AccountsFile(arguments.accounts), {})
    _accounts.look()
    return asyncio.run(_serve(arguments.host, arguments.port, arguments.certificate))


if __name__ == "__main__":
    sys.exit(main())
