"""The plan of a day: what each receiver plays, and the orders that make it so.

Receivers of the same standing that hold the same airings fare alike, so they are planned once: a province is planned commune by commune,
however many receivers it counts. First policy admits, class by class and then by instant; then the day is simulated.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from schedules.airtime import Airtime
from schedules.hours import InForce
from schedules.policies import Policies, Spot
from schedules.priorities import Item, in_succession, precedence
from schedules.simulation import Fate, Outcome, Play, simulate

NO_DAYS: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order to send: `item` at `due_at`, for `receivers` and no others.

    `interrupted` and `expires_at` go into the order as they are. `moved`: a further order of the airing, behind the session that follows the
    one in which it will have been ended.
    """

    item: Item
    due_at: datetime
    late_limit: timedelta
    expires_at: datetime
    interrupted: Literal["resume", "restart", "drop"]
    receivers: frozenset[str]
    moved: bool = False


Limits = tuple[timedelta, datetime]
"""The late limit and the expiry that an item's order must carry so that it stays lawful."""


class _Group:
    """What receivers that fare alike hold, and what policy admits of it."""

    def __init__(self, in_force: InForce, items: Iterable[Item], days_used: frozenset[date]) -> None:
        self.in_force = in_force
        self.days_used = days_used
        self.airtime = Airtime(in_force, days_used=days_used)
        self.admitted: list[Item] = []
        self.skipped: list[Fate] = []
        self.cut: dict[str, Limits] = {}
        for item in sorted(items, key=precedence):
            if refusals := self.airtime.refusals(item):
                self.skipped.append(Fate(item, "skipped", refusals=refusals))
                continue
            self.airtime.add(item)
            self.admitted.append(item)
            limits = self.airtime.limits(item)
            if limits != (item.late_limit, item.expires_at):
                self.cut[item.id] = limits
        self._fates: dict[tuple[tuple[str, Limits], ...], tuple[Fate, ...]] = {}

    def fates(self, cut: Mapping[str, Limits]) -> tuple[Fate, ...]:
        """Of all items, in the order of instants, with the limits that their orders carry."""
        own = tuple((item.id, cut[item.id]) for item in self.admitted if item.id in cut) if cut else ()
        if own not in self._fates:
            limits = dict(own)
            items = [limited(item, limits.get(item.id)) for item in self.admitted]
            further = Airtime(self.in_force, self.admitted, days_used=self.days_used)

            def permits(item: Item) -> bool:
                lawful = not further.refusals(item)
                if lawful:
                    further.add(item)
                return lawful

            fates = [*self.skipped, *simulate(items, permits=permits)]
            self._fates[own] = tuple(sorted(fates, key=lambda fate: (fate.item.due_at, precedence(fate.item))))
        return self._fates[own]

    def without(self, item: str) -> Airtime:
        """What is admitted, but for one item."""
        if all(other.id != item for other in self.admitted):
            return self.airtime
        rest = [other for other in self.admitted if other.id != item]
        return Airtime(self.in_force, rest, days_used=self.days_used)


def limited(item: Item, limits: Limits | None) -> Item:
    """The item with the limits of its order."""
    return item if limits is None else replace(item, late_limit=limits[0], expiry=limits[1])


class DayPlan:
    """Never changes: `changed` makes another, which shares what the change does not touch."""

    def __init__(
        self,
        items: Mapping[str, Item],
        spots: Mapping[str, Spot],
        policies: Policies,
        days_used: Mapping[str, frozenset[date]],
        before: "DayPlan | None" = None,
    ) -> None:
        """Use `plan_day`."""
        self._proposed = items
        self._spots = spots
        self._policies = policies
        self._days_used = days_used
        self.items: dict[str, Item] = {item.id: item for item in in_succession(list(items.values()))}
        """As they air: `priority` items that clash stand one after another where the commune has put them in order."""
        self._held: dict[str, list[str]] = {} if before is None else dict(before._held)
        self._group_of: dict[str, _Group] = {} if before is None else dict(before._group_of)
        self._regroup({} if before is None else before.items)
        groups = {id(group): group for group in self._group_of.values()}
        self._cut: dict[str, Limits] = {}  # one order serves many receivers, so the strictest limits hold
        for group in groups.values():
            for item, (late, expiry) in group.cut.items():
                known = self._cut.get(item, (late, expiry))
                self._cut[item] = (min(late, known[0]), min(expiry, known[1]))
        for group in groups.values():
            group.fates(self._cut)

    def _regroup(self, before: Mapping[str, Item]) -> None:
        """Put the receivers that a changed item touches into groups anew."""
        items = self.items
        gone = [item for name, item in before.items() if items.get(name) is not item and items.get(name) != item]
        come = [item for name, item in items.items() if before.get(name) is not item and before.get(name) != item]
        lost: defaultdict[str, set[str]] = defaultdict(set)
        won: defaultdict[str, list[str]] = defaultdict(list)
        for item in gone:
            for name in item.receivers:
                lost[name].add(item.id)
        for item in come:
            for name in item.receivers:
                if name in self._spots:
                    won[name].append(item.id)
        known: dict[tuple[InForce, tuple[str, ...], frozenset[date]], _Group] = {}
        for name in lost.keys() | won.keys():
            if name not in self._spots:
                continue
            held = sorted([item for item in self._held.get(name, ()) if item not in lost[name]] + won[name])
            self._held[name] = held
            in_force = self._policies.in_force(self._spots[name])
            key = (in_force, tuple(held), self._days_used.get(name, NO_DAYS))
            if key not in known:
                known[key] = _Group(in_force, [items[item] for item in held], key[2])
            self._group_of[name] = known[key]

    def at(self, receiver: str) -> tuple[Fate, ...]:
        """What becomes of each airing there, in the order of instants: played + ended by a higher class + skipped + missed = planned."""
        group = self._group_of.get(receiver)
        return () if group is None else group.fates(self._cut)

    def timeline(self, receiver: str) -> list[Play]:
        """What sounds there, from when to when."""
        return sorted((play for fate in self.at(receiver) for play in fate.plays), key=lambda play: play.start)

    def airtimes(self, receivers: Iterable[str], *, without: str = "") -> list[Airtime]:
        """For `schedules.airtime.judge`: what is admitted there, but for the item that is being changed."""
        groups: dict[int, Airtime] = {}
        for name in receivers:
            group = self._group_of.get(name)
            if group is not None:
                if id(group) not in groups:
                    groups[id(group)] = group.without(without)
            elif name in self._spots:
                in_force = self._policies.in_force(self._spots[name])
                groups.setdefault(id(in_force), Airtime(in_force, days_used=self._days_used.get(name, NO_DAYS)))
        return list(groups.values())

    def changed(self, *, added: Iterable[Item] = (), removed: Iterable[str] = ()) -> "DayPlan":
        """The plan with items added, replaced (by id) or taken out."""
        items = dict(self._proposed)
        for name in removed:
            items.pop(name, None)
        for item in added:
            items[item.id] = item
        return DayPlan(items, self._spots, self._policies, self._days_used, self)

    def groups(self) -> Iterator[tuple[Sequence[Item], Sequence[str]]]:
        """What is admitted, with the receivers that hold just that."""
        for group, names in self._groups():
            yield group.admitted, names

    def totals(self) -> Counter[Outcome]:
        """How many airings on how many receivers end how."""
        counted: Counter[Outcome] = Counter()
        for group, names in self._groups():
            for fate in group.fates(self._cut):
                counted[fate.outcome] += len(names)
        return counted

    def orders(self) -> list[PlannedOrder]:
        """What to send, by instant: each item once, each further order once, wherever they agree."""
        receivers: defaultdict[tuple[str, datetime, bool], list[str]] = defaultdict(list)
        for group, names in self._groups():
            for item in group.admitted:
                receivers[item.id, item.due_at, False] += names
            for fate in group.fates(self._cut):
                if fate.outcome == "moved":
                    receivers[fate.item.id, fate.plays[-1].start, True] += names
        made = []
        for (name, due_at, moved), names in receivers.items():
            item = limited(self.items[name], self._cut.get(name))
            made.append(
                PlannedOrder(
                    item=item,
                    due_at=due_at,
                    late_limit=item.late_limit,
                    expires_at=item.expires_at + (due_at - item.due_at),
                    interrupted="drop" if item.interrupted == "move" else item.interrupted,
                    receivers=item.receivers if len(names) == len(item.receivers) else frozenset(names),
                    moved=moved,
                )
            )
        return sorted(made, key=lambda order: (order.due_at, order.item.id))

    def _groups(self) -> list[tuple[_Group, list[str]]]:
        found: dict[int, tuple[_Group, list[str]]] = {}
        for name, group in self._group_of.items():
            found.setdefault(id(group), (group, []))[1].append(name)
        return list(found.values())


def plan_day(
    items: Iterable[Item],
    spots: Iterable[Spot],
    policies: Policies,
    *,
    days_used: Mapping[str, frozenset[date]] | None = None,
) -> DayPlan:
    """Plan all items, of a day or of several, on all receivers. Item ids are unique.

    `days_used`: of a receiver, the local dates of other airings in the week, for rules on days a week.
    """
    return DayPlan(
        {item.id: item for item in items}, {spot.receiver: spot for spot in spots}, policies, dict(days_used or {})
    )
