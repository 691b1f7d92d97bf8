"""Edits of what has no revision: whoever edits says what they saw, and is refused if somebody else has changed it since."""

import json
from collections.abc import Mapping
from typing import Any

from broadcaster.canonical import canonical_json, sha256_of
from broadcaster.errors import StaleError


def seen_as(state: Mapping[str, Any]) -> str:
    """What a form carries along of the thing that it is about."""
    return canonical_json(dict(state))


def tag_of(state: Mapping[str, Any]) -> str:
    """The same for a program, as 32 letters: what it gives back as the ETag of what it read."""
    return sha256_of(dict(state))[:32]


def require_unchanged(seen: str | None, state: Mapping[str, Any]) -> None:
    """Raise StaleError unless it is as it was seen (`seen_as` or `tag_of`); `details["changed"]` has, by name, what it was and what it is now."""
    if not seen or seen in (seen_as(state), tag_of(state)):
        return
    try:
        before = json.loads(seen)
    except ValueError:
        before = None
    if not isinstance(before, dict):
        before = {}
    changed = {name: (before.get(name), value) for name, value in state.items() if before.get(name) != value}
    raise StaleError(
        "Trong lúc bạn sửa, người khác đã lưu thay đổi. Xem họ đã đổi gì rồi lưu lại nếu vẫn đúng.",
        "Somebody else has saved a change meanwhile. Look at what they changed, and save again if it still holds.",
        changed=changed,
    )
