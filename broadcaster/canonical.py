"""One JSON text for one value, so that it can be hashed: RFC 8785 for the strings, integers and objects used here."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from json.encoder import encode_basestring
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """Sorted keys, no white space, UTF-8 unescaped. Raises ValueError for NaN and infinities."""
    return _ENCODER.encode(value)


def sha256_of(value: Any) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return sha256_of_text(canonical_json(value))


def sha256_of_text(text: str) -> str:
    """SHA-256 of text that is canonical JSON already."""
    return hashlib.sha256(text.encode()).hexdigest()


class Texts:
    """The canonical JSON of values that come again and again, made once for each: names and places of a batch of rows.

    Instants are texts to microseconds.
    """

    def __init__(self) -> None:
        # By identity, which is quicker than by value; values are held, so that an identity stays its value's own.
        self._made: dict[int, str] = {}
        self._held: list[Any] = []

    def of(self, columns: Iterable[tuple[str, str, bool]], row: Mapping[str, Any]) -> str:
        """The members of an object for these columns of the row: name, its JSON with a colon, whether it is left out if empty."""
        made, members = self._made, []
        for name, key, omitted in columns:
            value = row[name]
            if value is None:
                if not omitted:
                    members.append(key + "null")
                continue
            text = made.get(id(value))
            if text is None:
                text = made[id(value)] = _text(value)
                self._held.append(value)
            members.append(key + text)
        return ",".join(members)


def _text(value: Any) -> str:
    kind = value.__class__
    if kind is str:
        return encode_basestring(value)
    if kind is int:
        return repr(value)
    if kind is datetime:
        return f'"{value.isoformat(timespec="microseconds")}"'
    return canonical_json(value)
