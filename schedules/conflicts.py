"""Conflicts: airings that want the same receiver at the same time, and what may be done about it before anything is submitted.

They are found per receiver, not per area: two airings for one commune do not clash if no loudspeaker is to play both.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heappop, heappush
from typing import Literal
from zoneinfo import ZoneInfo

from schedules.airtime import Airtime, nearest
from schedules.day_plan import DayPlan
from schedules.priorities import RANK, Item, displaces, precedence
from schedules.refusals import Language, clock

REST = "~"
"""Joins an airing's id to the number of a part that was split off."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """On `receivers`, from `start` to `end` (UTC), `yields` would sound while `keeps` does: it waits for it or is ended by it."""

    keeps: str
    yields: str
    receivers: frozenset[str]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """`item` begins at `due_at` on `receivers`, or does not air there (None)."""

    item: str
    receivers: frozenset[str]
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One way out. `move`: to the nearest lawful and free time; `append`: right behind what it clashes with; `replace`: that does not air
    where both would; `split`: only the receivers that clash hear it at another time."""

    kind: Literal["move", "append", "replace", "split"]
    changes: tuple[Change, ...]


def overlaps(plan: DayPlan, *, of: str | None = None) -> list[Overlap]:
    """All overlaps of what policy admits, or those of one airing, by instant. Which receivers share it stands in each."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for items, receivers in plan.groups():
        for keeps, yields in _pairs(items):
            if of is None or of in (keeps.id, yields.id):
                found[keeps.id, yields.id] += receivers
    made = []
    for (keeps_id, yields_id), receivers in found.items():
        one, other = plan.items[keeps_id], plan.items[yields_id]
        start, end = max(one.due_at, other.due_at), min(one.ends_at, other.ends_at)
        made.append(Overlap(keeps_id, yields_id, frozenset(receivers), start, end))
    return sorted(made, key=lambda overlap: (overlap.start, overlap.keeps, overlap.yields))


def _pairs(items: Iterable[Item]) -> Iterable[tuple[Item, Item]]:
    """Overlapping items of one receiver, the one that keeps its time first."""
    sounding: list[tuple[datetime, str, Item]] = []
    for item in sorted(items, key=lambda item: (item.due_at, precedence(item))):
        while sounding and sounding[0][0] <= item.due_at:
            heappop(sounding)
        for _, _, other in sounding:
            yield (item, other) if displaces(item, other) else (other, item)
        heappush(sounding, (item.ends_at, item.id, item))


def choices(plan: DayPlan, item_id: str, *, not_before: datetime) -> list[Choice]:
    """What may be done about the overlaps of one airing; each leaves it without any. Empty if there is none, or for an emergency."""
    item = plan.items[item_id]
    found = overlaps(plan, of=item_id)
    if not found or item.priority == "emergency":
        return []
    airtimes = plan.airtimes(item.receivers, without=item_id)
    made: list[Choice] = []
    appended = _appended(item, airtimes)
    if appended is not None:
        made.append(Choice("append", (Change(item_id, item.receivers, appended),)))
    made += [
        Choice("move", (Change(item_id, item.receivers, at),))
        for at in nearest(item, airtimes, not_before=not_before)
        if at is not None and at != appended
    ]
    others = {overlap: plan.items[overlap.yields if overlap.keeps == item_id else overlap.keeps] for overlap in found}
    if all(RANK[other.priority] <= RANK[item.priority] for other in others.values()):
        gone = tuple(Change(other.id, overlap.receivers, None) for overlap, other in others.items())
        made.append(Choice("replace", gone))
    clashing = frozenset().union(*(overlap.receivers for overlap in found))
    if clashing != item.receivers:
        there = replace(item, receivers=clashing)
        beside = plan.airtimes(clashing, without=item_id)
        at = _appended(there, beside) or next(
            filter(None, reversed(nearest(there, beside, not_before=not_before))), None
        )
        if at is not None:
            made.append(Choice("split", (Change(item_id, clashing, at),)))
    return made


def _appended(item: Item, airtimes: list[Airtime]) -> datetime | None:
    """The first start behind what it overlaps, and behind what follows that without room for it; None if that is not lawful."""
    there = item
    while ends := [other.ends_at for each in airtimes for other in each.overlapping(there)]:
        there = replace(there, due_at=max(ends))
    if there.due_at == item.due_at or any(each.refusals(there) for each in airtimes):
        return None
    return there.due_at


def chosen(plan: DayPlan, choice: Choice) -> DayPlan:
    """The plan as it would be."""
    added: list[Item] = []
    for number, change in enumerate(choice.changes, start=2):
        item = plan.items[change.item]
        left = item.receivers - change.receivers
        if left:
            added.append(replace(item, receivers=left))
        if change.due_at is not None:
            name = f"{item.id}{REST}{number}" if left else item.id
            added.append(replace(item, id=name, receivers=change.receivers, due_at=change.due_at))
    kept = {item.id for item in added}
    return plan.changed(added=added, removed=[change.item for change in choice.changes if change.item not in kept])


def said(choice: Choice, language: Language, *, zone: ZoneInfo, titles: dict[str, str]) -> str:
    """The choice as a sentence. `titles` are the airings' titles by id; those missing are called by their id."""
    first = choice.changes[0]
    at = "" if first.due_at is None else clock(first.due_at, zone, language)
    names = ", ".join(f"“{titles.get(change.item, change.item)}”" for change in choice.changes)
    count = len(first.receivers)
    if language == "vi":
        return {
            "move": f"Chuyển {names} sang {at}.",
            "append": f"Phát {names} nối tiếp, lúc {at}.",
            "replace": f"Thay thế: không phát {names} ở những nơi trùng giờ.",
            "split": f"Giữ giờ ở nơi không trùng; {count} cụm loa trùng giờ phát {names} lúc {at}.",
        }[choice.kind]
    return {
        "move": f"Move {names} to {at}.",
        "append": f"Air {names} right behind, at {at}.",
        "replace": f"Replace: {names} does not air where both would.",
        "split": f"Keep the time where nothing clashes; {count} receivers air {names} at {at}.",
    }[choice.kind]
