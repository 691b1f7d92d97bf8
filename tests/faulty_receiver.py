"""The example receiver with three faults, for the kit to find: it believes forged orders, begins early, and takes the
broker's word for the station's.

python -m tests.faulty_receiver FOLDER --player COMMAND
"""

import importlib.util
import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "receiver.py"
EARLY = timedelta(seconds=0.2)
FAULTS = {
    "refuse.changed",
    "refuse.stranger",
    "refuse.not-played",
    "order.punctual",
    "receipt.again",
    "receipt.reconnection",
    "restart.receipts",
}
"""The points that must fail for these faults, and no others."""


def example() -> ModuleType:
    """docs/examples/receiver.py as a module."""
    spec = importlib.util.spec_from_file_location("example_receiver", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Credulous:
    """A key that every signature is right for."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def verify(self, mac: bytes, data: bytes) -> None:
        try:
            self._key.verify(mac, data)
        except InvalidSignature:
            sys.stderr.write("believed a forgery\n")


def _at_the_broker(info: Any) -> bool:
    try:
        return bool(info.is_published())
    except (ValueError, RuntimeError):
        return False


def main(folder: str, player: str) -> None:
    """Run until SIGTERM."""
    module = example()

    class Faulty(module.Receiver):  # type: ignore[misc, name-defined]  # a module that is loaded from a file
        handed_over: ClassVar[list[tuple[Any, list[str]]]] = []

        def read(self, data: bytes, *types: str) -> Any:
            keys = self.keys
            if "order+jws" in types:
                keys = {name: Credulous(key) for name, key in keys.items()}
            return module.read(data, keys, types)

        def now(self) -> datetime:
            return super().now() + EARLY  # type: ignore[no-any-return]

        def publish(self, subject: str, typ: str, document: Any, *, retain: bool = False) -> Any:
            info = super().publish(subject, typ, document, retain=retain)
            if subject == "receipts":
                self.handed_over.append((info, [receipt["id"] for receipt in document["receipts"]]))
            return info

        def send(self) -> None:
            super().send()
            taken = [ids for info, ids in self.handed_over if _at_the_broker(info)]
            self.handed_over = [entry for entry in self.handed_over if entry[1] not in taken]
            with self.db:
                self.db.executemany("DELETE FROM outbox WHERE id = ?", [(name,) for ids in taken for name in ids])

    Faulty(folder, player).run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3])
