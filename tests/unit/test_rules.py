"""Rules expand to instants, in wall-clock time, whatever the zone does."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schedules.rules import RULE, Daily, Once

DAY = timedelta(days=1)


def test_once_stands_in_its_window_only() -> None:
    at = datetime(2026, 11, 23, 10, tzinfo=UTC)
    rule = Once(at=at)
    assert list(rule.instants(at, at + DAY)) == [at]
    assert list(rule.instants(at - DAY, at)) == []
    assert list(rule.instants(at + timedelta(seconds=1), at + DAY)) == []


def test_daily_keeps_wall_clock_in_viet_nam() -> None:
    rule = Daily(at=time(5), first=date(2026, 11, 24), last=date(2026, 11, 26))
    instants = list(rule.instants(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)))
    assert instants == [datetime(2026, 11, day, 22, tzinfo=UTC) for day in (23, 24, 25)]


def test_daily_in_a_gap_airs_by_the_offset_before_it() -> None:
    # Berlin, 29 March 2026: 02:00 becomes 03:00, so 02:30 does not exist; by the offset before it is 01:30 UTC.
    rule = Daily(at=time(2, 30), zone="Europe/Berlin", first=date(2026, 3, 28), last=date(2026, 3, 30))
    instants = list(rule.instants(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 30, tzinfo=UTC)))
    assert instants == [
        datetime(2026, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]


def test_daily_in_a_fold_airs_once_the_first_time() -> None:
    # Berlin, 25 October 2026: 03:00 becomes 02:00, so 02:30 comes twice, first at 00:30 UTC.
    rule = Daily(at=time(2, 30), zone="Europe/Berlin", first=date(2026, 10, 25), last=date(2026, 10, 25))
    window = (datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    assert list(rule.instants(*window)) == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


@given(
    at=st.times(),
    zone=st.sampled_from(
        ["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]
    ),
    first=st.dates(date(2024, 1, 1), date(2027, 1, 1)),
    days=st.integers(0, 40),
    offset_h=st.integers(-50, 50),
    length_h=st.integers(0, 200),
)
def test_windows_never_lose_or_double(
    *, at: time, zone: str, first: date, days: int, offset_h: int, length_h: int
) -> None:
    rule = Daily(at=at, zone=zone, first=first, last=first + days * DAY)
    origin = datetime.combine(first, time(0), tzinfo=UTC)
    everything = list(rule.instants(origin - 10 * DAY, origin + 60 * DAY))
    assert everything == sorted(set(everything))
    assert len(everything) == days + 1
    start = origin + timedelta(hours=offset_h)
    end = start + timedelta(hours=length_h)
    assert list(rule.instants(start, end)) == [instant for instant in everything if start <= instant < end]


@given(st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Asia/Ho_Chi_Minh")])))
def test_rules_survive_storage(at: datetime) -> None:
    for rule in (Once(at=at), Daily(at=at.time(), first=at.date())):
        assert RULE.validate_python(rule.model_dump(mode="json")) == rule


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "once", "at": "2026-11-23T10:00:00"},
        {"kind": "daily", "at": "17:00", "first": "2026-11-23", "zone": "Asia/Nowhere"},
        {"kind": "daily", "at": "17:00", "first": "2026-11-23", "last": "2026-11-22"},
        {"kind": "daily", "at": "17:00+07:00", "first": "2026-11-23"},
        {"kind": "weekly", "at": "17:00"},
    ],
)
def test_wrong_rules_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        RULE.validate_python(wrong)
