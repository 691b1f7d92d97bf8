"""What a benchmark comes to."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """`value` and `limit` in `unit`; `ratio` is value / limit; `goal` says how the ratio is judged."""

    name: str
    value: float
    unit: str
    limit: float
    goal: str  # ">= 0.5" or "<= 1.5": of the ratio

    @property
    def ratio(self) -> float:
        """value / limit"""
        return self.value / self.limit

    @property
    def ok(self) -> bool:
        """Whether the ratio meets the goal."""
        sign, _, bound = self.goal.partition(" ")
        return self.ratio >= float(bound) if sign == ">=" else self.ratio <= float(bound)

    def line(self) -> str:
        """One line of JSON."""
        figures = {**asdict(self), "value": round(self.value, 3), "limit": round(self.limit, 3)}
        return json.dumps({**figures, "ratio": round(self.ratio, 3), "ok": self.ok})
