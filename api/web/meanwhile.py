"""Forms of what has no revision: they carry what was seen, and show what somebody else changed while they were filled in."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Form

from broadcaster.errors import BroadcasterError
from broadcaster.unchanged import seen_as

SeenDep = Annotated[str, Form(max_length=1_000_000)]


def changed_of(problem: BroadcasterError | None) -> Mapping[str, tuple[Any, Any]]:
    """What somebody else changed, by name: as it was seen, and as it is now. Empty unless the edit was refused for that."""
    found = problem.details.get("changed") if problem is not None else None
    return found if isinstance(found, Mapping) else {}


def carried(seen: str, problem: BroadcasterError | None, state: Mapping[str, Any]) -> str:
    """What the form carries next: what stands now once the person is told of it; until then what they saw."""
    return seen_as(state) if not seen or changed_of(problem) else seen
