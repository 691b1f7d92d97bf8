"""Identifiers: random, safe as a topic level and a file name; and the station's own key."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from broadcaster.errors import SetupError
from devices.wire.messages import Document
from devices.wire.signing import KeyFileError, SigningKey, sign


def new_id() -> str:
    """A random identifier (UUID version 4, RFC 9562)."""
    return str(uuid4())


@dataclass(frozen=True)
class Signatory:
    """The station as receivers know it: its identifier and its key."""

    station: str
    key: SigningKey

    def sign(self, document: Document) -> str:
        """The document as a compact JWS, as text for the database."""
        return sign(document, self.key).decode("ascii")


def signatory(folder: Path, station: str) -> Signatory:
    """The station with its signing key; made on first use, readable by the station's user alone. Raises SetupError."""
    path = folder / "keys" / "station.json"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            SigningKey.generate().save(path)
        return Signatory(station, SigningKey.load(path))
    except (KeyFileError, OSError) as error:
        raise SetupError(f"Không đọc được khóa ký của đài: {error}", f"The station's signing key: {error}") from error
