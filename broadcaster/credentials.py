"""Receivers' secrets at the broker: derived, so that the database holds only their hashes and the broker can be filled anew."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path

from broadcaster.errors import SetupError
from devices.files import write_private


class AccountSecrets:
    """Secrets of 256 bits by name and generation, from one master secret that only the station has (HMAC-SHA256).

    Whoever has the master secret has the station's folder, and with it the signing key, which is worth more.
    """

    def __init__(self, master: bytes) -> None:
        if len(master) < 32:
            raise ValueError("The master secret needs at least 32 bytes.")
        self._master = master

    def __repr__(self) -> str:
        return "AccountSecrets()"

    def of_receiver(self, receiver: str, generation: int) -> str:
        """The broker secret of a receiver; every generation has another."""
        return self._derived("receiver", receiver, str(generation))

    def of_station(self, username: str) -> str:
        """The broker secret of the station's own account."""
        return self._derived("station", username)

    def code_hash(self, code: str) -> str:
        """What is kept of an enrolment code: without the master secret nobody finds the six digits."""
        return self._derived("enrolment code", code)

    def _derived(self, *parts: str) -> str:
        digest = hmac.digest(self._master, "\0".join(parts).encode(), hashlib.sha256)
        return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def account_secrets(folder: Path) -> AccountSecrets:
    """The station's master secret, made on first use, readable by the station's user alone. Raises SetupError."""
    path = folder / "keys" / "accounts.key"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(path, secrets.token_hex(32).encode(), overwrite=False)
        return AccountSecrets(bytes.fromhex(path.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise SetupError(
            f"Không đọc được {path}: {error}. Khôi phục tệp từ bản sao lưu.",
            f"{path} cannot be read: {error}. Restore it from a copy.",
        ) from error
