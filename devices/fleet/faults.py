"""What goes wrong with a simulated receiver: drawn for each from one seed, so that a run can be repeated."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares are of the receivers, 0 to 1; times are drawn evenly between the two seconds given."""

    offline_share: float = 0.0  # lose the line once
    offline_s: tuple[float, float] = (5.0, 20.0)
    power_share: float = 0.0  # lose their power once: what is not on disk is forgotten
    power_s: tuple[float, float] = (2.0, 6.0)
    slow_share: float = 0.0  # have a thin line: messages and clips come late
    slow_s: tuple[float, float] = (0.5, 3.0)
    full_share: float = 0.0  # have no room for clips
    skew_s: float = 0.0  # clocks wrong by up to this, either way
    ahead_s: float = 0.0  # all clocks before the system's by this, where a station lives on another day
    within_s: tuple[float, float] = (1.0, 5.0)  # after the connection: when the line or the power goes
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Lot:
    """What one receiver drew. Instants in seconds after it was started; None: it does not happen."""

    wrong_s: float = 0.0
    offline: tuple[float, float] | None = None  # when, and for how long
    power: tuple[float, float] | None = None
    slow_s: float = 0.0
    full: bool = False

    @property
    def faults(self) -> tuple[str, ...]:
        """Their names, for the summary."""
        found = (("offline", self.offline), ("power", self.power), ("slow", self.slow_s), ("full", self.full))
        return tuple(name for name, drawn in found if drawn)


def draw(faults: Faults, number: int) -> Lot:
    """The lot of the receiver of that number."""
    chance = random.Random(f"{faults.seed}-{number}")  # noqa: S311 - a simulation that can be repeated

    def happens(share: float, lasts: tuple[float, float]) -> tuple[float, float] | None:
        hit, at, length = chance.random() < share, chance.uniform(*faults.within_s), chance.uniform(*lasts)
        return (at, length) if hit else None

    slow = chance.uniform(*faults.slow_s) if chance.random() < faults.slow_share else 0.0
    return Lot(
        wrong_s=faults.ahead_s + chance.uniform(-faults.skew_s, faults.skew_s),
        offline=happens(faults.offline_share, faults.offline_s),
        power=happens(faults.power_share, faults.power_s),
        slow_s=slow,
        full=chance.random() < faults.full_share,
    )


class SkewedClock:
    """The system's clock, wrong by a constant."""

    def __init__(self, wrong_s: float) -> None:
        self._wrong = timedelta(seconds=wrong_s)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._wrong
