"""A link into which more comes than is taken, or that fails itself: nothing is lost, and all of it is taken in the order in which it was sent."""

from pathlib import Path

from devices.links.mqtt import MqttLink
from tests.brokers import Mosquitto, free_port, wait_for

SECRET = "test-secret"


def test_what_comes_after_what_was_turned_away_is_taken_after_it(tmp_path: Path) -> None:
    rules = dict.fromkeys(("slow", "quick"), (SECRET, ("a/b",), ("a/b",)))
    broker = Mosquitto(tmp_path, free_port(), rules)
    broker.start()
    put: list[None] = []
    slow = MqttLink(
        "127.0.0.1", broker.port, "slow", "slow", SECRET,
        inbox_messages=10, backoff_s=(0.05, 0.2), arrived=lambda: put.append(None),
    )  # fmt: skip
    quick = MqttLink("127.0.0.1", broker.port, "quick", "quick", SECRET)
    found: list[int] = []
    seen: list[int] = []

    def take(link: MqttLink, into: list[int], *, limit: int) -> None:
        deliveries = link.receive(limit=limit, wait_s=0.1)
        into.extend(number for each in deliveries if (number := int(each.payload)) not in into)
        link.acknowledge(deliveries)

    def witnessed(last: int) -> bool:
        take(quick, seen, limit=100)
        return last in seen

    def everything() -> bool:
        take(slow, found, limit=100)
        return len(found) == 31

    try:
        for link in (slow, quick):
            link.subscribe("a/b")
            link.open()
        wait_for(lambda: slow.connected and quick.connected, 30)
        quick.publish("a/b", b"0").result(30)
        wait_for(lambda: len(put) == 1 and witnessed(0), 30, "the first message at both")
        for number in range(1, 30):
            quick.publish("a/b", str(number).encode())
        wait_for(lambda: len(put) == 10 and witnessed(29), 30, "a full inbox")
        take(slow, found, limit=5)
        quick.publish("a/b", b"30")
        wait_for(lambda: witnessed(30), 30, "the last message, for which there would be room")
        wait_for(everything, 30, "everything")
    finally:
        slow.close()
        quick.close()
        broker.stop()
    assert found == list(range(31))


def test_whatever_fails_in_it_a_link_connects_anew(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, free_port(), {"a": (SECRET, ("a/b",), ("a/b",))})
    broker.start()
    put: list[None] = []

    def arrived() -> None:
        put.append(None)
        if len(put) == 1:
            raise RuntimeError("nobody foresaw this")

    link = MqttLink("127.0.0.1", broker.port, "a", "a", SECRET, backoff_s=(0.05, 0.2), arrived=arrived)
    found: list[bytes] = []

    def taken() -> bool:
        deliveries = link.receive(limit=10, wait_s=0.1)
        found.extend(each.payload for each in deliveries)
        link.acknowledge(deliveries)
        return {b"1", b"2"} <= set(found)

    try:
        link.subscribe("a/b")
        link.open()
        wait_for(lambda: link.connected, 30)
        link.publish("a/b", b"1")
        wait_for(lambda: link.connections == 2, 30, "another connection")
        link.publish("a/b", b"2")
        wait_for(taken, 30, "both messages")
    finally:
        link.close()
        broker.stop()
