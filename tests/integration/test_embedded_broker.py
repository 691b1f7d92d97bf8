"""The embedded broker as a process: accounts that change while it runs, its death, its parent's death."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.brokers.accounts import new_secret, receiver_account, station_account
from devices.brokers.embedded import EmbeddedBroker, EmbeddedBrokerError
from devices.links.mqtt import MqttLink
from devices.wire import topics
from tests.brokers import accepts, free_port, wait_for

STATION, LOA = new_secret(), new_secret()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    made = EmbeddedBroker(port=free_port(), folder=tmp_path)
    made.accounts.set(station_account(STATION), receiver_account("loa-1", ("xa-tan-an",), LOA))
    made.start()
    yield made
    made.stop()


def connect(broker: EmbeddedBroker, name: str, secret: str, client_id: str | None = None) -> MqttLink:
    link = MqttLink("127.0.0.1", broker.port, client_id or name, name, secret, backoff_s=(0.05, 0.2))
    link.open()
    return link


def refused(broker: EmbeddedBroker, client_id: str, username: str | None, password: str | None) -> bool:
    """Whether the broker answers this CONNECT with "not authorised" (MQTT 3.1.1, 3.2.2.3)."""

    def text(value: str) -> bytes:
        return len(value.encode()).to_bytes(2, "big") + value.encode()

    flags = 0x02 | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    body = text("MQTT") + bytes([4, flags]) + (60).to_bytes(2, "big") + text(client_id)
    body += b"".join(text(value) for value in (username, password) if value is not None)
    with socket.create_connection(("127.0.0.1", broker.port), timeout=5) as line:
        line.sendall(bytes([0x10, len(body)]) + body)
        answer = line.recv(4)
    assert answer[:1] in {b"\x20", b""}
    return answer[3:] != b"\x00"


def test_nobody_comes_in_without_the_right_name_secret_and_id(broker: EmbeddedBroker) -> None:
    assert not refused(broker, "loa-1", "loa-1", LOA)
    assert refused(broker, "x", None, None)
    assert refused(broker, "loa-1", "loa-1", None)
    assert refused(broker, "loa-1", "loa-1", STATION)
    assert refused(broker, "loa-2", "loa-1", LOA)
    assert refused(broker, "nobody", "nobody", "")


def test_a_stolen_client_id_throws_nobody_out(broker: EmbeddedBroker) -> None:
    loa = connect(broker, "loa-1", LOA)
    wait_for(lambda: loa.connected)
    for username, password in (("loa-1", "wrong"), ("station", STATION), (None, None)):
        assert refused(broker, "loa-1", username, password)
    loa.publish(topics.of_receiver("loa-1", "health"), b"still here").result(timeout=5)
    assert loa.connections == 1
    loa.close()


def test_accounts_change_while_it_runs(broker: EmbeddedBroker) -> None:
    station = connect(broker, "station", STATION)
    loa = connect(broker, "loa-1", LOA)
    order = topics.area_order("xa-binh-an", "o1")
    loa.subscribe(topics.area_order("xa-binh-an", "+"))
    wait_for(lambda: loa.connected and station.connected)
    station.publish(order, b"for binh an", retain=True).result(timeout=5)
    assert loa.receive(limit=1, wait_s=0.3) == []

    broker.accounts.set(receiver_account("loa-1", ("xa-binh-an",), LOA))
    found: list[bytes] = []
    wait_for(
        lambda: found.extend(d.payload for d in loa.receive(limit=1, wait_s=0.1)) or found, 15, "the wider account"
    )
    assert found == [b"for binh an"]

    broker.accounts.remove("loa-1")
    wait_for(lambda: not loa.connected, what="the end of the removed account")
    assert refused(broker, "loa-1", "loa-1", LOA)
    assert station.connected
    assert station.connections == 1
    loa.close()
    station.close()


def test_a_damaged_accounts_file_changes_nothing(broker: EmbeddedBroker) -> None:
    loa = connect(broker, "loa-1", LOA)
    wait_for(lambda: loa.connected)
    broker.accounts.path.write_text("{")
    assert loa.receive(limit=1, wait_s=1.5) == []  # the broker looks twice a second
    assert (loa.connected, loa.connections) == (True, 1)
    assert not refused(broker, "station", "station", STATION)
    loa.close()


def test_it_is_started_again_when_it_dies(broker: EmbeddedBroker) -> None:
    loa = connect(broker, "loa-1", LOA)
    wait_for(lambda: loa.connected)
    before = broker.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: broker.pid not in {None, before} and loa.connections == 2, 30, "the new broker")
    loa.close()


def test_a_port_in_use_is_said_plainly(broker: EmbeddedBroker, tmp_path: Path) -> None:
    second = EmbeddedBroker(port=broker.port, folder=tmp_path / "second")
    with pytest.raises(EmbeddedBrokerError, match=f"port {broker.port} is in use"):
        second.start()
    assert second.pid is None


def test_stop_ends_the_process(broker: EmbeddedBroker) -> None:
    broker.stop()
    assert broker.pid is None
    assert not accepts(broker.port)
    broker.stop()


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    port = free_port()
    code = (
        "import sys, threading; from pathlib import Path; from devices.brokers.embedded import EmbeddedBroker\n"
        f"broker = EmbeddedBroker(port={port}, folder=Path({str(tmp_path)!r}))\n"
        "starter = threading.Thread(target=broker.start); starter.start(); starter.join()\n"
        "print(broker.pid, flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdin is not None
    with parent.stdout, parent.stdin:
        child = int(parent.stdout.readline())
        assert accepts(port)
        parent.kill()
        parent.wait()
    wait_for(lambda: not accepts(port), what="the end of the orphan")
    wait_for(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2])
