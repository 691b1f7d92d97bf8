"""The link over TLS to Debian's Mosquitto and to the embedded broker: the right certificate, and a wrong one."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.brokers.accounts import Account, hash_secret
from devices.brokers.embedded import EmbeddedBroker, EmbeddedBrokerError
from devices.links.mqtt import MqttLink
from tests.brokers import MOSQUITTO, accepts, certificate, free_port, wait_for


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    port = free_port()
    certificate_file, key_file = certificate(tmp_path, "broker")
    if request.param == "embedded":
        embedded = EmbeddedBroker(port=port, folder=tmp_path, certificate=(certificate_file, key_file))
        rules = Account(username="loa-1", secret_sha256=hash_secret("secret"), publish=("a/b",), subscribe=("a/+",))
        embedded.accounts.set(rules)
        embedded.start()
        yield port, certificate_file
        embedded.stop()
        return
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(passwords), "loa-1", "secret"], check=True, capture_output=True)
    (tmp_path / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\ncertfile {certificate_file}\nkeyfile {key_file}\nuser root\n"
        f"allow_anonymous false\npassword_file {passwords}\n"
    )
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([MOSQUITTO, "-c", str(tmp_path / "mosquitto.conf")], stdout=log, stderr=log)
    wait_for(lambda: accepts(port), what="Mosquitto's port")
    yield port, certificate_file
    process.terminate()
    process.wait(timeout=10)


def link(port: int, authority: Path) -> MqttLink:
    context = ssl.create_default_context(cafile=str(authority))
    return MqttLink("127.0.0.1", port, "loa-1", "loa-1", "secret", tls=context, backoff_s=(0.05, 0.1))


def test_messages_go_over_tls_large_ones_too(broker: tuple[int, Path]) -> None:
    made = link(*broker)
    made.subscribe("a/+")
    made.open()
    wait_for(lambda: made.connected, what="the connection")
    sent = [bytes([number]) * 60_000 for number in range(50)]  # TLS records hold more than one read takes
    for payload in sent:
        made.publish("a/b", payload)
    found: list[bytes] = []

    def take() -> bool:
        deliveries = made.receive(limit=100, wait_s=0.1)
        made.acknowledge(deliveries)  # Mosquitto waits for acknowledgements after twenty
        found.extend(d.payload for d in deliveries)
        return len(found) == len(sent)

    wait_for(take, what="all messages")
    assert found == sent
    made.close()


@pytest.mark.filterwarnings("ignore:.*ssl.SSLSocket.*:pytest.PytestUnraisableExceptionWarning")  # paho leaves it open
def test_a_broker_with_another_certificate_is_not_spoken_to(broker: tuple[int, Path], tmp_path: Path) -> None:
    port, _ = broker
    other, _ = certificate(tmp_path, "other")
    made = link(port, other)
    made.open()
    assert made.receive(limit=1, wait_s=1.0) == []
    assert (made.connected, made.connections) == (False, 0)
    made.close()


def test_a_certificate_that_cannot_be_used_is_said_plainly(tmp_path: Path) -> None:
    certificate_file, _ = certificate(tmp_path, "broker")
    _, key_of_another = certificate(tmp_path, "other")
    broker = EmbeddedBroker(port=free_port(), folder=tmp_path, certificate=(certificate_file, key_of_another))
    with pytest.raises(EmbeddedBrokerError, match="did not start"):
        broker.start()
