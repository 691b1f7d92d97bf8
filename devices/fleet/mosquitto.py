"""A Mosquitto of its own for a scratch station: on a free port of this machine, gone with the run."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from devices.links.port import LinkError

_PATTERNS = (
    *(f"pattern write cb/v1/receivers/%u/{subject}" for subject in ("receipts", "presence", "health", "clock-probes")),
    *(
        f"pattern read cb/v1/receivers/%u/{subject}"
        for subject in ("orders/+", "stops/+", "configuration", "acknowledgements", "clock-answers")
    ),
    "pattern read cb/v1/areas/+/orders/+",
    "pattern read cb/v1/areas/+/stops/+",
)


def program() -> str | None:
    """Where Mosquitto is installed; None where it is not."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class ScratchMosquitto:
    """Runs until `stop`. The settings are those that docs/performance.md measured."""

    def __init__(self, folder: Path, port: int, secrets: dict[str, str], *, station: str) -> None:
        """`secrets` by account; the account named `station` may write what stations write. Raises LinkError."""
        self.port = port
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        passwords, rules, settings = folder / "passwords", folder / "acl", folder / "mosquitto.conf"
        for path in (passwords, rules):
            path.touch(mode=0o600)
        passwords.write_text("".join(f"{name}:{secret}\n" for name, secret in secrets.items()))
        rules.write_text("\n".join([f"user {station}", "topic readwrite cb/v1/#", *_PATTERNS]) + "\n")
        settings.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nacl_file {rules}\n"
            f"{'user root' if os.geteuid() == 0 else ''}\npersistence false\nmax_queued_messages 100000\n"
            "max_inflight_messages 2000\nallow_duplicate_messages true\nset_tcp_nodelay true\n"
        )
        try:
            subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise LinkError(f"Mosquitto's accounts cannot be made: {error}") from error

    def start(self, *, within_s: float = 10.0) -> None:
        """Start, and return when it accepts connections. Raises LinkError."""
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program() or "mosquitto", "-c", str(self._folder / "mosquitto.conf")], stdout=log, stderr=log
            )
        deadline = time.monotonic() + within_s
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                last = (self._folder / "mosquitto.log").read_text(errors="replace").strip().splitlines()[-1:]
                raise LinkError(f"Mosquitto does not start: {last[0] if last else 'it said nothing'}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; idempotent."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None
