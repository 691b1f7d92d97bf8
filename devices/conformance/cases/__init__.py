"""The cases. Each is a function of the rig that judges the points which its decorator names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from devices.conformance.rig import Rig

Phase = Literal["first", "together", "last"]


@dataclass(frozen=True, slots=True)
class Case:
    """A procedure and the points that it judges."""

    points: tuple[str, ...]
    phase: Phase
    run: Callable[[Rig], None]
    needs_process: bool = False


CASES: list[Case] = []


def case(
    *points: str, phase: Phase = "together", needs_process: bool = False
) -> Callable[[Callable[[Rig], None]], Callable[[Rig], None]]:
    """Register a case. `together`: beside others; `first` and `last`: alone, in the order in which they stand."""

    def register(run: Callable[[Rig], None]) -> Callable[[Rig], None]:
        CASES.append(Case(points, phase, run, needs_process))
        return run

    return register
