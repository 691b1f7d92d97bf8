"""One suite for every link: the in-memory twin, the embedded broker, and Debian's Mosquitto."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

import pytest

from devices.brokers.accounts import Account, covers, hash_secret
from devices.brokers.embedded import EmbeddedBroker
from devices.links.memory import MemoryBroker, MemoryLink
from devices.links.mqtt import MqttLink
from devices.links.port import Delivery, Link, LinkError, Will
from tests.brokers import Mosquitto, free_port, wait_for
from tests.line import Line

SECRET = "test-secret"
RULES = {
    "server": (("cmd/#", "x/#"), ("x/#", "said/#", "gone/#")),
    "alice": (("said/alice", "gone/alice", "x/#"), ("cmd/alice/+", "x/#")),
    "bob": (("said/bob", "gone/bob", "x/#"), ("cmd/bob/+", "x/#")),
}


class Rig(Protocol):
    def link(self, name: str, *, will: Will | None = None, clean_session: bool = False) -> Link: ...
    def break_connections(self) -> None: ...
    def cut(self) -> None: ...
    def forwarded(self, *, connections: int) -> None: ...
    def mend(self) -> None: ...


class MemoryRig:
    def __init__(self) -> None:
        def permits(user: str, action: str, topic: str) -> bool:
            return any(covers(rule, topic) for rule in RULES[user][0 if action == "publish" else 1])

        self.broker = MemoryBroker(permits=permits)
        self.links: list[MemoryLink] = []

    def link(self, name: str, *, will: Will | None = None, clean_session: bool = False) -> Link:
        self.links.append(
            MemoryLink(self.broker, name, will=(lambda: will) if will else None, clean_session=clean_session)
        )
        return self.links[-1]

    def break_connections(self) -> None:
        for link in self.links:
            self.broker.break_connection(link.client_id)

    def cut(self) -> None:
        self.broker.stop()

    def forwarded(self, *, connections: int) -> None:
        pass

    def mend(self) -> None:
        self.broker.start()

    def close(self) -> None:
        pass


class NetworkRig:
    def __init__(self, port: int, end: Callable[[], None]) -> None:
        self._line = Line(port)
        self._end = end
        self._links: list[MqttLink] = []

    def link(self, name: str, *, will: Will | None = None, clean_session: bool = False) -> Link:
        self._links.append(
            MqttLink(
                "127.0.0.1",
                self._line.port,
                name,
                name,
                SECRET,
                will=(lambda: will) if will else None,
                clean_session=clean_session,
                backoff_s=(0.05, 0.2),
            )
        )
        return self._links[-1]

    def break_connections(self) -> None:
        self._line.break_connections()

    def cut(self) -> None:
        self._line.cut()

    def forwarded(self, *, connections: int) -> None:
        wait_for(lambda: self._line.connections == connections, what="the last byte of a goodbye")

    def mend(self) -> None:
        self._line.mend()

    def close(self) -> None:
        for link in self._links:
            link.close()
        self._line.close()
        self._end()


@pytest.fixture(params=["memory", "embedded", "mosquitto"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made: MemoryRig | NetworkRig
    if request.param == "memory":
        made = MemoryRig()
    elif request.param == "embedded":
        broker = EmbeddedBroker(port=free_port(), folder=tmp_path)
        broker.accounts.set(
            *(
                Account(username=name, secret_sha256=hash_secret(SECRET), publish=write, subscribe=read)
                for name, (write, read) in RULES.items()
            )
        )
        broker.start()
        made = NetworkRig(broker.port, broker.stop)
    else:
        mosquitto = Mosquitto(tmp_path, free_port(), {name: (SECRET, *rules) for name, rules in RULES.items()})
        mosquitto.start()
        made = NetworkRig(mosquitto.port, mosquitto.stop)
    try:
        yield made
    finally:
        made.close()


def opened(link: Link, *filters: str) -> Link:
    link.subscribe(*filters)
    link.open()
    wait_for(lambda: link.connected, what="the connection")
    return link


def reconnected(link: Link, before: int) -> None:
    wait_for(lambda: link.connected and link.connections > before, what="the reconnection")


def received(link: Link) -> list[Delivery]:
    """What is there now, markers of `settle` left out: their acknowledgement may be lost with a connection."""
    found = link.receive(limit=1000, wait_s=0.2)
    link.acknowledge([d for d in found if d.payload == b"marker"])
    return [d for d in found if d.payload != b"marker"]


def take(link: Link, count: int, within_s: float = 10.0) -> list[Delivery]:
    found: list[Delivery] = []
    wait_for(lambda: found.extend(received(link)) or len(found) >= count, within_s, f"{count} messages")
    return found


def sent(*futures: "Future[None]") -> None:
    for future in futures:
        future.result(timeout=10)


def settle(link: Link, marker: str) -> list[Delivery]:
    """Everything that arrives before a message that is published now (on the same topic, so in order)."""
    sent(link.publish(marker, b"marker"))
    found: list[Delivery] = []
    wait_for(
        lambda: found.extend(link.receive(limit=1000, wait_s=0.2)) or any(d.payload == b"marker" for d in found),
        what="the marker",
    )
    link.acknowledge([d for d in found if d.payload == b"marker"])
    return [d for d in found if d.payload != b"marker"]


def test_what_is_published_arrives_once_and_in_order(rig: Rig) -> None:
    alice = opened(rig.link("alice"), "cmd/alice/+")
    server = opened(rig.link("server"))
    sent(*[server.publish("cmd/alice/a", b"%d" % number) for number in range(500)])
    found = take(alice, 500)
    assert [d.payload for d in found] == [b"%d" % number for number in range(500)]
    assert {d.topic for d in found} == {"cmd/alice/a"}


def test_what_is_retained_waits_for_a_subscriber_until_it_is_cleared(rig: Rig) -> None:
    server = opened(rig.link("server"))
    sent(server.publish("cmd/alice/a", b"old", retain=True), server.publish("cmd/alice/a", b"new", retain=True))
    sent(server.publish("cmd/alice/b", b"gone", retain=True), server.publish("cmd/alice/b", b"", retain=True))
    sent(server.publish("cmd/alice/c", b"not retained"))
    alice = opened(rig.link("alice"), "cmd/alice/+", "x/alice")
    assert [(d.topic, d.payload) for d in settle(alice, "x/alice")] == [("cmd/alice/a", b"new")]


def test_the_last_will_speaks_when_the_line_breaks_and_not_at_a_goodbye(rig: Rig) -> None:
    server = opened(rig.link("server"), "gone/+", "x/server")
    alice = opened(rig.link("alice", will=Will("gone/alice", b"offline")))
    bob = opened(rig.link("bob", will=Will("gone/bob", b"offline")))
    bob.close()
    rig.forwarded(connections=2)
    before = server.connections
    rig.cut()
    rig.mend()
    reconnected(server, before)
    wait_for(lambda: alice.connected)
    found: set[tuple[str, bytes]] = set()
    wait_for(
        lambda: found.update((d.topic, d.payload) for d in server.receive(limit=10, wait_s=0.1)) or found,
        what="the last will",
    )
    assert found == {("gone/alice", b"offline")}


def test_a_session_keeps_what_arrives_while_the_line_is_cut(rig: Rig) -> None:
    alice = rig.link("alice")
    opened(alice, "cmd/alice/+")
    server = opened(rig.link("server"))
    sent(server.publish("cmd/alice/a", b"first"))
    alice.acknowledge(take(alice, 1))
    alice.close()
    rig.forwarded(connections=1)  # the acknowledgement too
    sent(server.publish("cmd/alice/a", b"second"), server.publish("cmd/alice/a", b"third"))
    again = opened(rig.link("alice"), "cmd/alice/+")
    assert [d.payload for d in take(again, 2)] == [b"second", b"third"]


def test_a_clean_session_keeps_nothing(rig: Rig) -> None:
    alice = opened(rig.link("alice", clean_session=True), "cmd/alice/+")
    alice.close()
    server = opened(rig.link("server"))
    sent(server.publish("cmd/alice/a", b"lost"))
    again = opened(rig.link("alice", clean_session=True), "cmd/alice/+", "x/alice")
    assert settle(again, "x/alice") == []


def test_what_was_not_acknowledged_comes_again_after_a_break(rig: Rig) -> None:
    alice = opened(rig.link("alice"), "cmd/alice/+", "x/alice")
    server = opened(rig.link("server"))
    sent(server.publish("cmd/alice/a", b"safe"), server.publish("cmd/alice/a", b"unsafe"))
    first = take(alice, 2)
    alice.acknowledge(first[:1])
    settle(alice, "x/alice")  # the acknowledgement has reached the broker
    before = alice.connections
    rig.break_connections()
    reconnected(alice, before)
    assert [d.payload for d in take(alice, 1)] == [b"unsafe"]


def test_a_late_acknowledgement_of_a_connection_that_is_gone_frees_nothing(rig: Rig) -> None:
    alice = opened(rig.link("alice"), "cmd/alice/+", "x/alice")
    server = opened(rig.link("server"))
    sent(server.publish("cmd/alice/a", b"first"))
    stale = take(alice, 1)
    for _ in range(2):
        before = alice.connections
        rig.break_connections()
        reconnected(alice, before)
        again = take(alice, 1)
        assert [d.payload for d in again] == [b"first"]
        alice.acknowledge(stale)
        settle(alice, "x/alice")
    alice.acknowledge(again)
    settle(alice, "x/alice")
    before = alice.connections
    rig.break_connections()
    reconnected(alice, before)
    assert settle(alice, "x/alice") == []


def test_what_is_published_while_the_line_is_cut_goes_out_later(rig: Rig) -> None:
    server = opened(rig.link("server"), "said/+")
    alice = opened(rig.link("alice"))
    before = alice.connections
    rig.cut()
    wait_for(lambda: not alice.connected)
    futures = [alice.publish("said/alice", b"%d" % number) for number in range(3)]
    assert not any(future.done() for future in futures)
    rig.mend()
    reconnected(alice, before)
    sent(*futures)
    assert {d.payload for d in take(server, 3)} >= {b"0", b"1", b"2"}


def test_closing_ends_what_was_not_sent(rig: Rig) -> None:
    alice = opened(rig.link("alice"))
    rig.cut()
    wait_for(lambda: not alice.connected)
    future = alice.publish("said/alice", b"never")
    alice.close()
    alice.close()
    with pytest.raises(LinkError):
        future.result(timeout=5)
    with pytest.raises(LinkError):
        alice.publish("said/alice", b"never").result(timeout=5)


def test_a_filter_can_be_taken_away(rig: Rig) -> None:
    alice = opened(rig.link("alice"), "cmd/alice/+", "x/alice")
    server = opened(rig.link("server"))
    alice.unsubscribe("cmd/alice/+")
    settle(alice, "x/alice")
    sent(server.publish("cmd/alice/a", b"unwanted"))
    assert settle(alice, "x/alice") == []


def test_a_filter_taken_away_while_the_line_is_cut_stays_away(rig: Rig) -> None:
    alice = opened(rig.link("alice"), "cmd/alice/+", "x/alice")
    server = opened(rig.link("server"))
    before = (alice.connections, server.connections)
    rig.cut()
    wait_for(lambda: not alice.connected)
    alice.unsubscribe("cmd/alice/+")
    rig.mend()
    reconnected(alice, before[0])
    reconnected(server, before[1])
    settle(alice, "x/alice")
    sent(server.publish("cmd/alice/a", b"unwanted"))
    assert settle(alice, "x/alice") == []


def test_nobody_writes_or_reads_beyond_the_account(rig: Rig) -> None:
    server = opened(rig.link("server"), "said/+", "x/server")
    bob = opened(rig.link("bob"), "cmd/bob/+", "cmd/alice/+", "cmd/#", "x/bob")
    alice = opened(rig.link("alice"), "cmd/alice/+", "x/alice")
    sent(server.publish("cmd/alice/a", b"for alice", retain=True))
    take(alice, 1)
    bob.publish("said/alice", b"forged")
    bob.publish("cmd/alice/a", b"forged", retain=True)
    sent(bob.publish("said/bob", b"honest"))
    assert settle(bob, "x/bob") == []
    assert [d.payload for d in take(server, 1)] == [b"honest"]
    assert settle(alice, "x/alice") == []


def test_a_resumed_session_gets_nothing_it_did_not_subscribe_to(rig: Rig) -> None:
    server = opened(rig.link("server"), "gone/+")
    alice = opened(rig.link("alice"), "x/alice")
    sent(alice.publish("gone/alice", b"online", retain=True))
    take(server, 1)
    before = alice.connections
    rig.break_connections()
    reconnected(alice, before)
    assert settle(alice, "x/alice") == []
