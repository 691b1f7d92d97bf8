"""Recurrence agrees with libical, an independent implementation in C, over five years of random rules."""

import calendar
import ctypes
import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, assume, given, settings
from hypothesis.strategies import integers

from schedules.recurrence import Recurring
from schedules.zones import instant_of

# A sample; RULES=10000 tries more.
RULES = int(os.environ.get("RULES", "500"))
YEARS = timedelta(days=5 * 365)
ZONES = ("Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
MOST = 8_000
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  floating time
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FIRST = datetime(2024, 1, 1)  # noqa: DTZ001  floating time


@pytest.fixture(scope="module")
def libical() -> Callable[[str, datetime], list[datetime]]:
    """libical's occurrences of a rule from a start, both in floating time."""
    expand = ctypes.CDLL("libical.so.3").icalrecur_expand_recurrence
    expand.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int, ctypes.POINTER(ctypes.c_long)]

    def times(rule: str, start: datetime) -> list[datetime]:
        if "COUNT" not in rule and "UNTIL" not in rule:  # it would go on for decades
            rule += f";UNTIL={(start + YEARS + timedelta(days=3)).strftime('%Y%m%dT%H%M%S')}"
        seconds = (ctypes.c_long * MOST)()
        assert expand(rule.encode(), calendar.timegm(start.timetuple()), MOST, seconds) == 1
        assert not seconds[MOST - 1]
        found = takewhile(bool, seconds)
        return [EPOCH + timedelta(seconds=value) for value in found]

    return times


def _some(draw: random.Random, values: range | tuple[str, ...], most: int) -> str:
    return ",".join(map(str, sorted(draw.sample(values, draw.randint(1, most)))))


def _days_of(draw: random.Random, frequency: str, *, has_month: bool) -> list[str]:
    """Parts that choose days."""
    if frequency == "MONTHLY":
        return draw.choice(
            (
                [f"BYMONTHDAY={draw.choice((_some(draw, range(1, 29), 3), '-1', '31', '29'))}"],
                [f"BYDAY={draw.choice((1, 2, 3, 4, -1, -2))}{draw.choice(DAYS)}"],
                [f"BYDAY={_some(draw, DAYS, 5)}", f"BYSETPOS={draw.choice((1, 2, -1))}"],
                [],
            )
        )
    if frequency == "YEARLY":
        day = draw.choice(
            (f"BYMONTHDAY={_some(draw, range(1, 29), 3)}", f"BYDAY={draw.choice((1, 2, -1))}{draw.choice(DAYS)}")
        )
        return [day] if has_month else [f"BYMONTH={_some(draw, range(1, 13), 3)}", day]
    return [f"BYDAY={_some(draw, DAYS, 5)}"] if draw.random() < 0.6 else []


def _random_rule(draw: random.Random) -> tuple[datetime, str]:
    start = FIRST + timedelta(days=draw.randrange(700), hours=draw.randrange(24), minutes=draw.randrange(0, 60, 5))
    if start.day > 28:
        start = start.replace(day=28)
    frequency = draw.choice(("DAILY", "WEEKLY", "MONTHLY", "YEARLY"))
    parts = [f"FREQ={frequency}"]
    if draw.random() < 0.5:
        parts.append(f"INTERVAL={draw.randint(2, 5)}")
    if has_month := draw.random() < 0.3:
        parts.append(f"BYMONTH={_some(draw, range(1, 13), 4)}")
    parts += _days_of(draw, frequency, has_month=has_month)
    # libical 3.0 lets BYSETPOS choose among days; RFC 5545 lets it choose among times.
    if draw.random() < 0.3 and "BYSETPOS" not in parts[-1]:
        parts.append(f"BYHOUR={_some(draw, range(5, 22), 3)}")
    ending = draw.random()
    if ending < 0.3:
        parts.append(f"COUNT={draw.randint(1, 60)}")
    elif ending < 0.6:
        parts.append(f"UNTIL={(start + timedelta(days=draw.randint(1, 1500))).strftime('%Y%m%dT%H%M%S')}")
    return start, ";".join(parts)


@pytest.mark.timeout(60 + RULES)
@settings(max_examples=RULES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(seed=integers(0, 2**64 - 1))
def test_the_same_occurrences_over_five_years(libical: Callable[[str, datetime], list[datetime]], seed: int) -> None:
    draw = random.Random(seed)
    start, text = _random_rule(draw)
    # What a DTSTART that the rule does not match means is left open by RFC 5545, and they differ: start with a match.
    first = next(iter(rrulestr(text, dtstart=start)), None)
    assume(first is not None and first - start <= YEARS)
    assert first is not None
    start = first
    theirs = libical(text, start)
    zone = draw.choice(ZONES)
    rule = Recurring(zone=zone, start=start, rrule=text)
    place = ZoneInfo(zone)
    low, high = start.replace(tzinfo=UTC) - timedelta(days=2), start.replace(tzinfo=UTC) + YEARS
    expected = sorted({instant for time in theirs if low <= (instant := instant_of(time, place)) < high})
    assert expected
    assert list(rule.instants(low, high)) == expected, (text, start, zone)
    middle = low + timedelta(days=draw.randrange(1790))  # the window ends before the five years do
    window = (middle, middle + timedelta(days=30))
    assert list(rule.instants(*window)) == [instant for instant in expected if window[0] <= instant < window[1]]
