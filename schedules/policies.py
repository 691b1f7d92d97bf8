"""Policies: what an area allows on air, and how areas inherit it. Emergencies are bound by none of it.

The line of areas runs from the national defaults over the province and the commune to the village. For each kind of rule that of the nearest
area holds, which may be stricter or looser than those above; a rule that an area calls `binding` holds as well, whatever areas below it say.
So a province's decree can't be undone by a commune, and a default can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from schedules.hours import InForce, Standing
from schedules.policy_rules import (
    DaysAWeek,
    PolicyRule,
    QuietHours,
    ReceiverKind,
    SessionMinutes,
    SessionsADay,
    SpecialPlace,
    VolumeCeiling,
)
from schedules.zones import Zone

NATIONAL = "national"
"""Stands in the place of an area for the defaults above all areas."""


class Policy(BaseModel):
    """The rules of one area."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rules: Annotated[tuple[PolicyRule, ...], Field(max_length=100)] = ()


_SIX, _NINE = time(6), time(21)  # day and night of the regulation
_QCVN = "QCVN 26:2010/BTNMT"
_SPECIAL: tuple[SpecialPlace, ...] = ("school", "health_post", "pagoda", "library", "kindergarten")

NATIONAL_POLICY = Policy(
    rules=(
        # The regulation limits noise at night; that nothing airs at night is our default, which a province or commune may change.
        QuietHours(begins=_NINE, ends=_SIX, source=_QCVN),
        VolumeCeiling(begins=_SIX, ends=_NINE, dba=70, binding=True, source=_QCVN),
        VolumeCeiling(begins=_NINE, ends=_SIX, dba=55, binding=True, source=_QCVN),
        VolumeCeiling(begins=_SIX, ends=_NINE, dba=55, places=_SPECIAL, binding=True, source=_QCVN),
        VolumeCeiling(begins=_NINE, ends=_SIX, dba=45, places=_SPECIAL, binding=True, source=_QCVN),
    )
)
_HANOI = "Quy định của UBND thành phố Hà Nội năm 2021"
TEMPLATES: dict[str, Policy] = {
    "hanoi-urban-2021": Policy(
        rules=(
            SessionsADay(most=2, binding=True, source=_HANOI),
            DaysAWeek(most=5, binding=True, source=_HANOI),
            SessionMinutes(most=15, binding=True, source=_HANOI),
        )
    ),
    "hanoi-rural-2021": Policy(rules=(SessionMinutes(most=45, binding=True, source=_HANOI),)),
}
"""Ready policies, by name, for an area to take over."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a receiver stands: its line of areas from the root to its own, and whether that is a special place."""

    receiver: str
    areas: tuple[str, ...]
    kind: ReceiverKind = "loudspeaker"
    place: SpecialPlace | None = None


class Policies:
    """The policies of all areas, and what of them is in force at a receiver."""

    def __init__(
        self,
        by_area: Mapping[str, Policy],
        *,
        names: Mapping[str, str] | None = None,
        national: Policy = NATIONAL_POLICY,
        zone: Zone = "Asia/Ho_Chi_Minh",
    ) -> None:
        """`names` are the areas' names as people read them."""
        self.zone = zone
        self._by_area = {NATIONAL: national, **by_area}
        self._names = {NATIONAL: "quy định chung", **(names or {})}
        self._known: dict[tuple[tuple[str, ...], ReceiverKind, SpecialPlace | None], InForce] = {}

    def in_force(self, spot: Spot) -> InForce:
        """The rules that bind a receiver there; the same object for receivers of the same standing."""
        key = (spot.areas, spot.kind, spot.place)
        if key not in self._known:
            self._known[key] = InForce(self._inherited(spot), self.zone)
        return self._known[key]

    def _inherited(self, spot: Spot) -> tuple[Standing, ...]:
        binding: list[Standing] = []
        nearest: dict[tuple[str, bool], list[Standing]] = {}
        for area in (NATIONAL, *spot.areas):
            own: dict[tuple[str, bool], list[Standing]] = {}
            for rule in self._by_area[area].rules if area in self._by_area else ():
                if spot.kind not in rule.kinds or (rule.places and spot.place not in rule.places):
                    continue
                standing = Standing(rule, area, self._names.get(area, area))
                if rule.binding:
                    binding.append(standing)
                    own.setdefault((rule.kind, bool(rule.places)), [])
                else:
                    own.setdefault((rule.kind, bool(rule.places)), []).append(standing)
            nearest |= own  # what an area sets takes the place of what was set above, kind by kind
        return tuple(binding + [standing for found in nearest.values() for standing in found])
