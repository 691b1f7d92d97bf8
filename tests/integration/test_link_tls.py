"""The link over TLS to Debian's Mosquitto: the right certificate, and a wrong one."""

import ipaddress
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devices.links.mqtt import MqttLink
from tests.brokers import MOSQUITTO, accepts, free_port, wait_for


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    port = free_port()
    certificate_file, key_file = certificate(tmp_path, "broker")
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
