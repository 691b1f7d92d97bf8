"""Exceptions: receivers that need somebody's hand, each with its one true cause, the worst first, those of one place together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

CAUSES = (
    "forged",  # it refused a document that was not the station's
    "lost",  # it is offline
    "clip_refused",  # what it fetched was not the released clip
    "silent",  # it says that it played, and nothing sounded
    "failed",
    "missed",
    "unfinished",  # it began, and said no more
    "interrupted",
    "refused",
    "no_word",  # it is online, was to play, and said nothing
    "not_ready",  # it is online, the airing is near, and the clip is not there
    "disk_full",
    "disk_broken",
    "output",
    "amplifier",
    "clock",
    "hot",
    "throttled",
    "volume",
    "configuration",
    "documents_refused",
    "other",
)
"""The worst first."""
RANK = {cause: number for number, cause in enumerate(CAUSES)}
CRITICAL = frozenset({"forged", "lost", "clip_refused", "silent", "failed", "missed", "unfinished", "not_ready"})
ACTIONS = {
    "forged": "check_broker",
    "lost": "check_power",
    "clip_refused": "check_media",
    "silent": "check_amplifier",
    "failed": "check_output",
    "missed": "air_again",
    "unfinished": "air_again",
    "interrupted": "air_again",
    "refused": "check_receiver",
    "no_word": "check_receiver",
    "not_ready": "check_network",
    "disk_full": "free_disk",
    "disk_broken": "replace_card",
    "output": "check_output",
    "amplifier": "check_amplifier",
    "clock": "replace_battery",
    "hot": "cool",
    "throttled": "check_supply",
    "volume": "check_volume",
    "configuration": "check_receiver",
    "documents_refused": "check_broker",
    "other": "check_receiver",
}
"""The one thing to do."""
TOGETHER = 3
"""So many receivers of one area with one cause are one line: a village without power is one trouble."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One receiver's worst trouble, and what else it has."""

    receiver: str
    name: str
    area: str
    cause: str
    since: datetime | None = None
    reason: str | None = None
    figure: float | str | None = None
    airing: str | None = None
    title: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exceptional:
    """One line: one receiver, or those of one area that have the same cause."""

    cause: str
    action: str
    severity: str  # critical | warning
    area: str
    area_name: str
    receivers: tuple[str, ...]  # names, a few
    ids: tuple[str, ...]
    size: int
    of: int  # receivers in service in that area
    since: datetime | None
    reason: str | None
    figure: float | str | None
    airing: str | None
    title: str | None
    also: tuple[str, ...]

    @property
    def key(self) -> str:
        """The same for the same trouble, however often it is looked at."""
        return f"{self.cause}:{self.area}:{self.ids[0] if self.size == 1 else '*'}"


def severity_of(cause: str) -> str:
    """critical: somebody may hear nothing, or a stranger; else warning."""
    return "critical" if cause in CRITICAL else "warning"


def worst(found: Iterable[Trouble]) -> list[Trouble]:
    """One trouble for each receiver: the worst, the others' names with it."""
    by_receiver: dict[str, list[Trouble]] = defaultdict(list)
    for trouble in found:
        by_receiver[trouble.receiver].append(trouble)
    chosen = []
    for troubles in by_receiver.values():
        if len(troubles) == 1:
            chosen += troubles
            continue
        troubles.sort(key=lambda each: RANK[each.cause])
        first = troubles[0]
        others = tuple(dict.fromkeys(each.cause for each in troubles[1:] if each.cause != first.cause))
        chosen.append(
            Trouble(
                first.receiver, first.name, first.area, first.cause, first.since, first.reason, first.figure,
                first.airing, first.title, others,
            )
        )  # fmt: skip
    return chosen


def grouped(
    troubles: Sequence[Trouble], *, names: Mapping[str, str], sizes: Mapping[str, int], parents: Mapping[str, str | None], most: int
) -> list[Exceptional]:  # fmt: skip
    """Lines, the worst first; where there are more than `most`, those of a whole commune become one, and so on up."""
    placed = [(trouble.area, trouble) for trouble in troubles]
    while True:
        lines = _lines(placed, names, sizes)
        if len(lines) <= most:
            return lines
        raised = [(parents.get(area) or area, trouble) for area, trouble in placed]
        if raised == placed:
            return lines
        placed = raised


def _lines(
    placed: Sequence[tuple[str, Trouble]], names: Mapping[str, str], sizes: Mapping[str, int]
) -> list[Exceptional]:
    groups: dict[tuple[str, str], list[Trouble]] = defaultdict(list)
    for area, trouble in placed:
        groups[trouble.cause, area].append(trouble)
    lines = []
    for (cause, area), members in groups.items():
        members.sort(key=lambda each: (each.name, each.receiver))
        apart = [members] if len(members) >= TOGETHER else [[each] for each in members]
        lines += [_line(cause, area, some, names, sizes) for some in apart]
    return sorted(lines, key=lambda line: (RANK[line.cause], -line.size, line.area_name, line.receivers))


def _line(
    cause: str, area: str, some: Sequence[Trouble], names: Mapping[str, str], sizes: Mapping[str, int]
) -> Exceptional:
    one = some[0]

    def shared(attribute: str) -> Any:
        values = {getattr(each, attribute) for each in some}
        return values.pop() if len(values) == 1 else None

    return Exceptional(
        cause=cause,
        action=ACTIONS[cause],
        severity=severity_of(cause),
        area=area,
        area_name=names.get(area, area),
        receivers=tuple(each.name for each in some[:5]),
        ids=tuple(each.receiver for each in some),
        size=len(some),
        of=sizes.get(area, len(some)),
        since=min((each.since for each in some if each.since is not None), default=None),
        reason=shared("reason"),
        figure=one.figure if len(some) == 1 else None,
        airing=shared("airing"),
        title=shared("title"),
        also=one.also if len(some) == 1 else (),
    )
