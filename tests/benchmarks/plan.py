"""Planning: 10,000 rules over a year, and the day of a province of 300 communes, 6,000 receivers, 3 sessions of 5 items each.

The limit is dateutil's own expansion of the same rules over the same year in the same run. Besides: a province's day in at most 10 s and
500 MB, planned anew after one change in at most 200 ms, and growth that stays linear up to ten times that.
"""

import json
import random
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from broadcaster.cli.main import all_is_loaded
from schedules.day_plan import plan_day
from schedules.policies import TEMPLATES, Policies, Spot
from schedules.priorities import Item
from schedules.recurrence import Recurring
from tests.benchmarks.result import Result

RULES = 10_000
COMMUNES = 300
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
YEAR = (datetime(2026, 1, 1, tzinfo=ZONE), datetime(2027, 1, 1, tzinfo=ZONE))


@dataclass(frozen=True)
class PlanResult(Result):
    """Also the figures of a province's day, each with its own bound."""

    occurrences: int
    province_s: float
    province_mb: float
    replan_ms: float
    ten_provinces_s: float
    growth: float  # of time, at ten times the size

    @property
    def ok(self) -> bool:
        """Whether every bound is kept."""
        return (
            super().ok
            and self.province_s <= 10
            and self.province_mb <= 500
            and self.replan_ms <= 200
            and self.growth <= 15
        )


def _rules() -> list[tuple[datetime, str]]:
    """What communes schedule: from the present year, and from some years ago without an end."""
    draw = random.Random(57)
    found = []
    for _ in range(RULES):
        year, month, day = 2026 - draw.choice([0, 0, 0, 1, 3]), draw.randint(1, 12), draw.randint(1, 28)
        start = datetime(year, month, day, draw.randint(5, 20))  # noqa: DTZ001  wall-clock
        days = ",".join(sorted(draw.sample(["MO", "TU", "WE", "TH", "FR", "SA", "SU"], draw.randint(1, 5))))
        found.append((start, draw.choice([f"FREQ=WEEKLY;BYDAY={days}", "FREQ=DAILY", f"FREQ=WEEKLY;BYDAY={days};BYHOUR=5,17", "FREQ=MONTHLY;BYMONTHDAY=1,15"])))  # fmt: skip
    return found


def _expansion() -> tuple[float, float, int]:
    """Seconds of ours and of dateutil alone, and how many occurrences."""
    rules = _rules()
    low, high = (edge.replace(tzinfo=None) for edge in YEAR)
    ours = theirs = 0.0
    count = raw = 0
    for part in range(0, RULES, 500):  # turn about, so that what the machine does meanwhile strikes both
        some = rules[part : part + 500]
        took: list[tuple[float, float]] = []
        for turn in range(2):  # the better of two
            began = time.process_time()
            found = sum(len(rrulestr(text, dtstart=start).between(low, high, inc=True)) for start, text in some)
            middle = time.process_time()
            mine = sum(1 for start, text in some for _ in Recurring(start=start, rrule=text).instants(*YEAR))
            took.append((middle - began, time.process_time() - middle))
            if turn == 0:
                raw, count = raw + found, count + mine
        theirs += min(each for each, _ in took)
        ours += min(each for _, each in took)
    if count != raw:
        raise AssertionError(f"{count} occurrences, by dateutil {raw}")
    return ours, theirs, count


def _province(communes: int) -> tuple[list[Spot], list[Item]]:
    spots: list[Spot] = []
    items: list[Item] = []
    for commune in range(communes):
        names = [f"loa-{commune}-{number}" for number in range(20)]
        spots += [Spot(name, ("tinh", f"xa-{commune}")) for name in names]
        for session, hour in enumerate((23, 4, 10)):  # 6:00, 11:00 and 17:00 in Viet Nam
            at = datetime(2026, 11, 23 + (hour < 23), hour, tzinfo=UTC)
            items += [
                Item(
                    id=f"a-{commune}-{session}-{number}",
                    due_at=at + number * timedelta(minutes=3),
                    duration=timedelta(seconds=175),
                    priority="priority" if number == 0 else "routine",
                    receivers=frozenset(names),
                    interrupted="resume",
                )
                for number in range(5)
            ]
    return spots, items


def _plan(communes: int) -> dict[str, float]:
    """In a process of its own: seconds, peak memory in MB, and milliseconds to plan anew after one change."""
    spots, items = _province(communes)
    policies = Policies({"tinh": TEMPLATES["hanoi-rural-2021"]})
    began = time.process_time()
    plan = plan_day(items, spots, policies)
    orders = plan.orders()
    planned = time.process_time()
    changes = []
    for commune in range(10):
        storm = Item(
            id=f"bão-{commune}",
            due_at=datetime(2026, 11, 24, 4, 1, tzinfo=UTC),
            duration=timedelta(minutes=1),
            priority="emergency",
            receivers=frozenset(f"loa-{commune}-{number}" for number in range(20)),
        )
        start = time.process_time()
        plan = plan.changed(added=[storm])
        changes.append(time.process_time() - start)
    if len(orders) != len(items) or plan.totals()["resumed"] != 200:
        raise AssertionError("the plan is not what it should be")
    return {
        "s": planned - began,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "replan_ms": max(changes) * 1000,
    }


def _measured(communes: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.plan", str(communes)], check=True, capture_output=True, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def run() -> Result:
    """Rules first, then a province, then ten."""
    ours, theirs, count = _expansion()
    one, ten = _measured(COMMUNES), _measured(10 * COMMUNES)
    return PlanResult(
        name="plan",
        value=ours,
        unit=f"CPU s to expand {RULES} rules over a year",
        limit=theirs,
        goal="<= 1.5",
        occurrences=count,
        province_s=round(one["s"], 3),
        province_mb=round(one["mb"], 1),
        replan_ms=round(one["replan_ms"], 1),
        ten_provinces_s=round(ten["s"], 3),
        growth=round(ten["s"] / one["s"], 2),
    )


if __name__ == "__main__":
    all_is_loaded()  # as in the station, where the plan is made
    print(json.dumps(_plan(int(sys.argv[1]))))
