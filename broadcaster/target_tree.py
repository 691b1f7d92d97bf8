"""The tree from which an editor chooses where something airs: areas with what is under them, and how many receivers are offline."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.errors import NotFoundError
from broadcaster.groups import expanded
from broadcaster.storage.models import Bulletin, Receiver, Schedule
from broadcaster.targets import Place, Places, Targets
from devices.wire.messages import Kind

State = Literal["all", "some", "none"]
_BY_KIND = {"province": 0, "commune": 1, "village": 2}


@dataclass(frozen=True, slots=True)
class Count:
    """How many receivers, and how many of them are not online now."""

    loudspeakers: int = 0
    screens: int = 0
    offline: int = 0

    @classmethod
    def of(cls, places: Iterable[Place], online: Collection[str]) -> "Count":
        """Of these receivers."""
        found = list(places)
        screens = sum(place.kind == "screen" for place in found)
        return cls(len(found) - screens, screens, sum(place.id not in online for place in found))

    @property
    def all(self) -> int:
        """Of both kinds."""
        return self.loudspeakers + self.screens


@dataclass(frozen=True, slots=True)
class Node:
    """An area. `areas` and `receivers` are what stands right under it."""

    id: str
    name: str
    kind: str
    areas: tuple["Node", ...]
    receivers: tuple[Place, ...]
    count: Count


class Tree:
    """The areas of a day with their receivers."""

    def __init__(self, session: Session, places: Places, *, within: Collection[str] = ()) -> None:
        """`within`: the areas in which somebody may choose, if not everywhere."""
        self.places = places
        self.online = set(session.scalars(select(Receiver.id).where(Receiver.presence == "online")))
        below: defaultdict[str | None, list[str]] = defaultdict(list)
        for area in places.areas.values():
            if area.id in places.lines:
                below[area.parent_id].append(area.id)
        standing: defaultdict[str, list[Place]] = defaultdict(list)
        for place in places.receivers.values():
            standing[place.area_id].append(place)

        def node(name: str) -> Node:
            area = places.areas[name]
            under = (places.areas[one] for one in below[name])
            return Node(
                name,
                area.name,
                area.kind,
                tuple(node(one.id) for one in sorted(under, key=lambda one: (_BY_KIND.get(one.kind, 3), one.name))),
                tuple(sorted(standing[name], key=lambda place: (place.kind, place.name))),
                Count.of(places.under(name), self.online),
            )

        tops = [one for one in within if one in places.lines and not set(places.lines[one][:-1]) & set(within)]
        roots = tuple(node(name) for name in (sorted(tops) if within else sorted(below[None])))
        while len(roots) == 1 and len(roots[0].areas) == 1 and not roots[0].receivers:
            roots = roots[0].areas  # above it there is nothing to choose
        self.roots = roots

    def find(self, area: str) -> Node | None:
        """The node of an area."""
        waiting = list(self.roots)
        while waiting:
            node = waiting.pop()
            if node.id == area:
                return node
            waiting += node.areas
        return None

    def states(self, targets: Targets | None) -> Mapping[str, State]:
        """Whether all, some or none of each area is among these targets (groups apart), and whether each receiver is."""
        found: dict[str, State] = {}
        if targets is None:
            return found
        wanted = set(self.places.standing(targets.areas))
        without = set(self.places.standing(targets.excluded_areas))

        def look(node: Node, inside: bool) -> State:
            inside = (inside or node.id in wanted) and node.id not in without
            states: set[State] = {look(one, inside) for one in node.areas}
            for place in node.receivers:
                chosen = (inside or place.id in targets.receivers) and place.id not in targets.excluded
                found[place.id] = "all" if chosen else "none"
                states.add(found[place.id])
            if not states:
                states = {"all" if inside else "none"}
            found[node.id] = states.pop() if len(states) == 1 else "some"
            return found[node.id]

        for root in self.roots:
            look(root, bool(wanted.intersection(self.places.lines[root.id])))
        return found

    def chosen(
        self,
        areas: Collection[str],
        receivers: Collection[str],
        *,
        drawn: Collection[str],
        groups: Sequence[str] = (),
        kinds: Sequence[Kind] = ("loudspeaker", "screen"),
    ) -> Targets | None:
        """Targets of the boxes that are ticked; `drawn` are the areas whose own boxes were there to be ticked.

        An area that is ticked is meant whole, but for what is not ticked under it; where nothing is, it is meant whole too. None: nothing is chosen.
        """
        areas, receivers, drawn = set(areas), set(receivers), set(drawn)
        taken: list[str] = []
        single: list[str] = []
        left_out: list[str] = []
        silent: list[str] = []

        def any_under(node: Node) -> bool:
            return node.id in drawn and (
                any(place.id in receivers for place in node.receivers)
                or any(one.id in areas or any_under(one) for one in node.areas)
            )

        def but_for(node: Node) -> None:
            if not any_under(node):
                return
            silent.extend(place.id for place in node.receivers if place.id not in receivers)
            for one in node.areas:
                if one.id in areas or any_under(one):
                    but_for(one)
                else:
                    left_out.append(one.id)

        def look(node: Node) -> None:
            if node.id in areas:
                taken.append(node.id)
                but_for(node)
                return
            single.extend(place.id for place in node.receivers if place.id in receivers)
            for one in node.areas:
                look(one)

        for root in self.roots:
            look(root)
        if not (taken or single or groups) or not kinds:
            return None
        return Targets(
            areas=tuple(taken),
            groups=tuple(groups),
            receivers=tuple(single),
            excluded=tuple(silent),
            excluded_areas=tuple(left_out),
            kinds=tuple(kinds),
        )

    def count(self, session: Session, targets: Targets | None) -> Count:
        """How many receivers these targets reach today; none where a group that was chosen is gone: the places are chosen anew."""
        if targets is None:
            return Count()
        try:
            found = Targets.model_validate(expanded(session, targets.model_dump(mode="json")))
        except NotFoundError:
            return Count()
        return Count.of(self.places.resolve(found).receivers, self.online)

    def usual(self, session: Session, person: str) -> Targets | None:
        """What a new bulletin of this person is taken to be for: the commune, if there is one; else where the last one was for."""
        communes = [
            area for area in self.places.areas.values() if area.kind == "commune" and area.id in self.places.lines
        ]
        if len(self.roots) == 1 and self.roots[0].kind != "province":
            return Targets(areas=(self.roots[0].id,))
        if len(communes) == 1:
            return Targets(areas=(communes[0].id,))
        last = session.scalar(
            select(Schedule.targets)
            .join(Bulletin, Bulletin.id == Schedule.bulletin_id)
            .where(Bulletin.author_id == person, Bulletin.priority != "emergency")
            .order_by(Bulletin.created_at.desc(), Schedule.id)
            .limit(1)
        )
        return None if last is None else Targets.model_validate(last)
