"""Identifiers: random, safe as a topic level and a file name; and the station's own key."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from broadcaster.errors import SetupError
from devices.wire.messages import Signed
from devices.wire.signing import KeyFileError, Keyring, PublicKey, SigningKey, sign

PLAN = "plan.json"
FIRST = "station.json"


def new_id() -> str:
    """A random identifier (UUID version 4, RFC 9562)."""
    return str(uuid4())


_OF_FACTS = UUID("6f0a3d3e-6a1c-4c57-9a3b-0d6e3a5f7c11")


def id_of(*facts: str) -> str:
    """An identifier that follows from what it names (UUID version 5, RFC 9562).

    A station restored from a backup plans the same airings again; receivers hold their orders already, and must know
    them by the same name, or they would play twice.
    """
    return str(uuid5(_OF_FACTS, "\n".join(facts)))


@dataclass
class Signatory:
    """The station as receivers know it: its identifier, the key that it signs with now, and those that it signed with
    before (`station_keys`)."""

    station: str
    key: SigningKey
    former: tuple[PublicKey, ...] = ()

    def ring(self) -> Keyring:
        """All keys that this station ever signed with: for reading what it wrote itself."""
        return Keyring({key.kid: key for key in (*self.former, self.key.public())}.values())

    def sign(self, document: Signed) -> str:
        """The document as a compact JWS, as text for the database."""
        return sign(document, self.key).decode("ascii")


def signatory(folder: Path, station: str) -> Signatory:
    """The station with a signing key; made on first use, readable by the station's user alone. Raises SetupError.

    Which of several keys signs at an instant, `station_keys.KeyRing` says.
    """
    keys = folder / "keys"
    try:
        plan: list[dict[str, Any]] = [{"file": FIRST}]
        if (keys / PLAN).exists():
            plan = json.loads((keys / PLAN).read_bytes())["keys"]
        held = [keys / entry["file"] for entry in plan if (keys / entry["file"]).exists()]
        if not held and len(plan) == 1 and "jwk" not in plan[0]:
            keys.mkdir(parents=True, exist_ok=True, mode=0o700)
            SigningKey.generate().save(keys / FIRST)
            held = [keys / FIRST]
        if not held:
            raise KeyFileError(  # noqa: TRY301 - said as the other causes are
                f"None of the keys that {keys / PLAN} names is there; restore the folder from a copy."
            )
        former = tuple(PublicKey.from_jwk(entry["jwk"]) for entry in plan if "jwk" in entry)
        return Signatory(station, SigningKey.load(held[0]), former)
    except (KeyFileError, OSError, ValueError, KeyError) as error:
        raise SetupError(f"Không đọc được khóa ký của đài: {error}", f"The station's signing key: {error}") from error
