"""Which airing goes first: the three classes of Thông tư 39/2020/TT-BTTTT, and a rule for every tie.

A receiver knows classes and instants, nothing else (receiver protocol, version 1): the higher class, then the earlier instant, then the
order that was issued first. What a commune decides besides, it decides here, before orders are made, by giving instants.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

Priority = Literal["routine", "priority", "emergency"]
RANK: dict[Priority, int] = {"routine": 0, "priority": 1, "emergency": 2}

AfterInterruption = Literal["resume", "restart", "move", "drop"]
"""What becomes of an airing that a higher class has ended: the receiver goes on with it or begins it anew, the station airs it in full after
the next session, or it is given up."""

LATE_LIMIT = timedelta(seconds=120)
AFTERGLOW = timedelta(seconds=60)
"""How long an order outlives the latest possible end of its playing, for receipts and slow clocks."""
GOES_ON_FOR = timedelta(minutes=30)
"""How much longer the order of an airing lasts that is to go on or to begin anew after an interruption."""
EMERGENCY_EVERY = timedelta(hours=2)
"""How often storm and flood news is repeated, day and night (Quyết định 18/2021/QĐ-TTg)."""
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One airing, planned or proposed: what is to play from `due_at` (UTC) on which receivers.

    `position` is the commune's own decision among its `priority` items: 1 goes first; 0 means that nothing was decided.
    """

    id: str
    due_at: datetime
    duration: timedelta
    priority: Priority = "routine"
    receivers: frozenset[str] = frozenset()
    issued_at: datetime = _FIRST
    late_limit: timedelta = LATE_LIMIT
    title: str = ""
    position: int = 0
    interrupted: AfterInterruption = "drop"
    expiry: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        """When its order expires: what was ended goes on or begins anew only if it is over by then."""
        if self.expiry is not None:
            return self.expiry
        return self.latest_start + self.duration + (GOES_ON_FOR if self.goes_on else AFTERGLOW)

    @property
    def goes_on(self) -> bool:
        """Whether a receiver plays it again after an interruption."""
        return self.interrupted in ("resume", "restart")

    @property
    def ends_at(self) -> datetime:
        """When it ends if it begins on time and is not interrupted."""
        return self.due_at + self.duration

    @property
    def latest_start(self) -> datetime:
        """After this instant it may no longer begin."""
        return self.due_at + self.late_limit

    def overlaps(self, other: "Item") -> bool:
        """Whether both are to sound at some instant, wherever."""
        return self.due_at < other.ends_at and other.due_at < self.ends_at


def precedence(item: Item) -> tuple[int, datetime, datetime, str]:
    """The total order in which a receiver takes what waits: the least goes first."""
    return (-RANK[item.priority], item.due_at, item.issued_at, item.id)


def displaces(candidate: Item, playing: Item) -> bool:
    """Whether `candidate` ends what is playing. Of equal class, what began goes on."""
    return RANK[candidate.priority] > RANK[playing.priority]


def running_order(items: Iterable[Item]) -> list[Item]:
    """As a session airs them: by class; among `priority` items as the commune has decided; then as receivers do."""
    return sorted(items, key=_in_session)


def _in_session(item: Item) -> tuple[int, int, datetime, datetime, str]:
    decided = item.position if item.priority == "priority" and item.position > 0 else 1_000_000
    return (-RANK[item.priority], decided, item.due_at, item.issued_at, item.id)


def in_succession(items: Sequence[Item]) -> list[Item]:
    """The same items; `priority` items that clash on some receiver and that the commune has put in order begin one after another.

    Items clash when they share a receiver and overlap, directly or through others. They follow each other from the earliest instant among
    them. A clash in which nothing was decided is left: there the receiver's own order holds.
    """
    moved: dict[str, Item] = {}
    for clash in _clashes([item for item in items if item.priority == "priority"]):
        if len(clash) < 2 or not any(item.position > 0 for item in clash):
            continue
        at = min(item.due_at for item in clash)
        for item in running_order(clash):
            moved[item.id] = replace(item, due_at=at)
            at += item.duration
    return [moved.get(item.id, item) for item in items]


def _clashes(items: Iterable[Item]) -> list[list[Item]]:
    """Items joined by overlaps on a common receiver."""
    groups: list[list[Item]] = []
    last: dict[str, tuple[datetime, int]] = {}  # of a receiver: when it is free again, and whose group holds it
    parents: list[int] = []

    def root(group: int) -> int:
        while parents[group] != group:
            group = parents[group]
        return group

    for item in sorted(items, key=lambda item: item.due_at):
        touched = {
            root(group)
            for name in item.receivers
            if name in last and (group := last[name][1]) >= 0 and last[name][0] > item.due_at
        }
        if touched:
            home = min(touched)
            for group in touched - {home}:
                parents[group] = home
                groups[home] += groups[group]
                groups[group] = []
        else:
            home = len(groups)
            groups.append([])
            parents.append(home)
        groups[home].append(item)
        for name in item.receivers:
            free = last[name][0] if name in last else item.ends_at
            last[name] = (max(free, item.ends_at), home)
    return [group for group in groups if group]
