"""One JSON text for one value, so that it can be hashed: RFC 8785 for the strings, integers and objects used here."""

import hashlib
import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(value: Any) -> str:
    """Sorted keys, no white space, UTF-8 unescaped. Raises ValueError for NaN and infinities."""
    return _ENCODER.encode(value)


def sha256_of(value: Any) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
