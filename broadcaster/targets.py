"""Targets: where something is to be heard and seen, resolved for a day to an audience and to receivers."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import get_args

from pydantic import BaseModel, ConfigDict, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import AreaOn, areas_on, lines_of
from broadcaster.storage.models import AreaSuccessor, Receiver, ReceiverMove
from devices.wire.messages import Audience, Identifier, Kind
from schedules.policy_rules import SpecialPlace


class Targets(BaseModel):
    """Areas (with all that is under them), groups and single receivers, minus exclusions, of some kinds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    areas: tuple[Identifier, ...] = ()
    groups: tuple[Identifier, ...] = ()
    receivers: tuple[Identifier, ...] = ()
    excluded: tuple[Identifier, ...] = ()  # receivers
    excluded_areas: tuple[Identifier, ...] = ()
    kinds: tuple[Kind, ...] = ("loudspeaker", "screen")

    @model_validator(mode="after")
    def _somewhere(self) -> "Targets":
        if not self.areas and not self.receivers and not self.groups:
            raise ValueError("name at least one area, group or receiver")
        return self


@dataclass(frozen=True, slots=True)
class Place:
    """A receiver in service, as it is on a day."""

    id: str
    name: str
    kind: Kind
    area_id: str
    special: SpecialPlace | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whom an order is for: the audience that it carries, with one place to publish for each topmost area."""

    audience: Audience
    receivers: tuple[Place, ...]

    @property
    def nowhere(self) -> bool:
        """Whether nothing is left to address, such as after the only receiver was revoked."""
        return not self.audience.areas and not self.audience.receivers

    def without(self, names: AbstractSet[str]) -> "Resolution":
        """The same, but for these receivers."""
        if not names:
            return self
        audience = self.audience
        return Resolution(
            audience.model_copy(
                update={
                    "excluded": tuple(sorted({*audience.excluded, *names})),
                    "receivers": tuple(name for name in audience.receivers if name not in names),
                }
            ),
            tuple(place for place in self.receivers if place.id not in names),
        )


_SPECIAL = frozenset[str](get_args(SpecialPlace))


def _special(name: str | None) -> SpecialPlace | None:
    return name if name in _SPECIAL else None  # type: ignore[return-value]  # one of them


class Places:
    """The tree and the receivers in service as they are on one day. Resolutions are kept: many airings share theirs."""

    def __init__(self, session: Session, day: date) -> None:
        self.day = day
        self.areas: dict[str, AreaOn] = areas_on(session, day)
        self.lines: dict[str, tuple[str, ...]] = lines_of(self.areas)
        self.receivers: dict[str, Place] = {}
        self._under: dict[str, list[Place]] = {}
        for place in self._read(session):
            self.receivers[place.id] = place
            for above in self.lines[place.area_id]:
                self._under.setdefault(above, []).append(place)
        self._successors: dict[str, list[str]] = {}
        for area, successor in session.execute(
            select(AreaSuccessor.area_id, AreaSuccessor.successor_id)
            .where(AreaSuccessor.day <= day)
            .order_by(AreaSuccessor.successor_id)
        ):
            self._successors.setdefault(area, []).append(successor)
        self._resolved: dict[Targets, Resolution] = {}

    def _read(self, session: Session, names: AbstractSet[str] | None = None) -> Iterable[Place]:
        """The receivers in service, or those of these names, that stand somewhere on the day."""
        moves = select(ReceiverMove.receiver_id, ReceiverMove.area_id).where(ReceiverMove.day <= self.day)
        query = select(Receiver.id, Receiver.name, Receiver.kind, Receiver.area_id, Receiver.special_place).where(
            Receiver.revoked_at.is_(None)
        )
        if names is not None:
            moves = moves.where(ReceiverMove.receiver_id.in_(names))
            query = query.where(Receiver.id.in_(names))
        moved = dict(session.execute(moves.order_by(ReceiverMove.day)).all())
        for receiver, name, kind, home, special in session.execute(query.order_by(Receiver.id)):
            area = moved.get(receiver, home)
            if area in self.lines:
                shown: Kind = "screen" if kind == "screen" else "loudspeaker"
                yield Place(receiver, name, shown, area, _special(special))

    def following(self, session: Session, names: AbstractSet[str]) -> "Places":
        """As they are now, if since these were read nothing has changed but the receivers of these names. Costs little if they are few."""
        found = copy(self)
        found._resolved = {}
        if not names:
            return found
        old = [self.receivers[name] for name in names if name in self.receivers]
        new = list(self._read(session, names))
        found.receivers = {name: place for name, place in self.receivers.items() if name not in names}
        found.receivers |= {place.id: place for place in new}
        found._under = dict(self._under)
        for area in {above for place in (*old, *new) for above in self.lines[place.area_id]}:
            there = [place for place in self._under.get(area, ()) if place.id not in names]
            there += [place for place in new if area in self.lines[place.area_id]]
            found._under[area] = sorted(there, key=lambda place: place.id)
        return found

    def under(self, area: str) -> tuple[Place, ...]:
        """The receivers in an area and in all that is under it."""
        return tuple(self._under.get(area, ()))

    def concerns(self, resolution: "Resolution", area: str) -> bool:
        """Whether something is heard by a receiver in the area, or is addressed to it."""
        if set(self.lines.get(area, ())) & set(resolution.audience.areas):
            return True
        return any(area in self.lines[place.area_id] for place in resolution.receivers)

    def standing(self, areas: Iterable[str]) -> list[str]:
        """The areas that stand for these on the day: themselves, or what they have been merged or split into."""
        found: dict[str, None] = {}
        ended: set[str] = set()
        waiting = list(areas)
        while waiting:
            area = waiting.pop(0)
            if area in self.lines:
                found[area] = None
            elif area not in ended:
                ended.add(area)
                waiting += self._successors.get(area, [])
        return list(found)

    def resolve(self, targets: Targets) -> Resolution:
        """The receivers that `targets` addresses, and the audience with the fewest places to publish."""
        found = self._resolved.get(targets)
        if found is None:
            found = self._resolved[targets] = self._resolve(targets)
        return found

    def _resolve(self, targets: Targets) -> Resolution:
        wanted = set(self.standing(targets.areas))
        without = set(self.standing(targets.excluded_areas))
        top = sorted(
            area
            for area in wanted
            if not wanted.intersection(self.lines[area][:-1]) and not without.intersection(self.lines[area])
        )
        excluded = set(targets.excluded)
        for area in without:
            if set(top).intersection(self.lines[area]):
                excluded.update(place.id for place in self.under(area))
        reached = {place.id: place for area in top for place in self.under(area)}
        single = []
        for name in targets.receivers:
            place = self.receivers.get(name)
            if place is None or name in excluded or without.intersection(self.lines[place.area_id]):
                continue
            if name not in reached:
                single.append(name)
                reached[name] = place
        receivers = tuple(
            reached[name] for name in sorted(reached) if name not in excluded and reached[name].kind in targets.kinds
        )
        audience = Audience(
            areas=tuple(top),
            receivers=tuple(sorted(name for name in set(single) if self.receivers[name].kind in targets.kinds)),
            excluded=tuple(sorted(excluded)),
            kinds=targets.kinds,
        )
        return Resolution(audience, receivers)
