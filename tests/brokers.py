"""Brokers for tests: each on a free port, in a folder of its own."""

import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], object], within_s: float = 10.0, what: str = "the condition") -> None:
    """Wait until `condition()` is true; fail after the deadline. The less often a look is taken, the dearer it is: what is
    waited for needs the processor too."""
    deadline = time.monotonic() + within_s
    begun = time.monotonic()
    while not condition():
        now = time.monotonic()
        assert now < deadline, f"{what} did not come true within {within_s} s"
        time.sleep(max(0.01, 2 * (now - begun)))
        begun = time.monotonic()


def accepts(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def certificate(folder: Path, name: str, *, days: float = 1) -> tuple[Path, Path]:
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
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


class Mosquitto:
    """Debian's Mosquitto with accounts by name and filter."""

    def __init__(
        self, folder: Path, port: int, accounts: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]
    ) -> None:
        """`accounts`: name -> (secret, filters to write, filters to read)."""
        self.port = port
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        passwords, rules = folder / "passwords", folder / "acl"
        passwords.touch(mode=0o600)
        for name, (secret, *_) in accounts.items():
            subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, secret], check=True, capture_output=True)
        with rules.open("w") as file:
            for name, (_, write, read) in accounts.items():
                file.write(f"user {name}\n")
                file.writelines(f"topic write {filter_}\n" for filter_ in write)
                file.writelines(f"topic read {filter_}\n" for filter_ in read)
        passwords.chmod(0o600)
        rules.chmod(0o600)
        (folder / "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous false\nuser root\npassword_file {passwords}\nacl_file {rules}\n"
            f"persistence true\npersistence_location {folder}/\nmax_queued_messages 100000\nmax_inflight_messages 2000\n"
            "allow_duplicate_messages true\nautosave_interval 1\nset_tcp_nodelay true\n"
        )

    @classmethod
    def dynamic(
        cls, folder: Path, port: int, password: str, *, certificate: tuple[Path, Path] | None = None
    ) -> "Mosquitto":
        """One whose accounts are made while it runs, by `admin` with this password."""
        made = cls(folder, port, {})
        subprocess.run(
            ["mosquitto_ctrl", "dynsec", "init", str(folder / "accounts.json"), "admin", password],
            check=True,
            capture_output=True,
        )
        plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
        tls = "" if certificate is None else f"certfile {certificate[0]}\nkeyfile {certificate[1]}\n"
        (folder / "mosquitto.conf").write_text(
            f"listener {port} 127.0.0.1\n{tls}user root\nplugin {plugin}\n"
            f"plugin_opt_config_file {folder / 'accounts.json'}\nallow_anonymous false\n"
            f"persistence true\npersistence_location {folder}/\nmax_queued_messages 100000\nmax_inflight_messages 2000\n"
            "allow_duplicate_messages true\nautosave_interval 1\nset_tcp_nodelay true\n"
        )
        return made

    def start(self) -> None:
        """Start, and return when it accepts connections."""
        with (self._folder / "log").open("ab") as file:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._folder / "mosquitto.conf")], stdout=file, stderr=file
            )
        wait_for(lambda: accepts(self.port), what="Mosquitto's port")

    def stop(self) -> None:
        """Stop; what is retained or queued stays on disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None
