"""Re-homing: one signed, retained document moves all receivers under an area, such as when communes merge.

It stands on the topic of an area that all of them have in their line, so that one publish reaches them. A receiver keeps its configuration; what it
reads here changes the line that the configuration gave it, from an instant on.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from devices.wire.messages import Document, Identifier, Instant, Ordinal, Value

MAX_REHOMINGS = 300


class Rehoming(Value):
    """Whoever has `area` in its line has `line` from `at` on, root first, in place of all up to `area`; what follows it stays."""

    area: Identifier
    line: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=10)]
    at: Instant


class Rehomings(Document):
    """All re-homings that are told of on one area's topic. Retained; the highest revision holds, and replaces the others."""

    TYP: ClassVar[str] = "rehomings+jws"
    area: Identifier  # on whose topic it stands
    revision: Ordinal
    issued_at: Instant
    expires_at: Instant
    rehomings: Annotated[tuple[Rehoming, ...], Field(max_length=MAX_REHOMINGS)]


def line_at(line: tuple[str, ...], rehomings: Iterable[Rehoming], at: datetime) -> tuple[str, ...]:
    """The line that a configuration's `line` has become at an instant.

    Instant by instant in order; of several at the same instant the one that names the area furthest down the line counts.
    """
    due: dict[datetime, list[Rehoming]] = {}
    for rehoming in rehomings:
        if rehoming.at <= at:
            due.setdefault(rehoming.at, []).append(rehoming)
    for instant in sorted(due):
        by_area = {rehoming.area: rehoming for rehoming in due[instant]}
        for index in range(len(line) - 1, -1, -1):
            if line[index] in by_area:
                line = by_area[line[index]].line + line[index + 1 :]
                break
    return line
