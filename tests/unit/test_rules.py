"""Rules expand to instants, in wall-clock time, whatever the zone does."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schedules.recurrence import Moved, Recurring
from schedules.rules import RULE, Once

DAY = timedelta(days=1)
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC))


def wall(text: str) -> datetime:
    """A naive wall-clock time."""
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_once_stands_in_its_window_only() -> None:
    at = utc("2026-11-23T10:00")
    rule = Once(at=at)
    assert list(rule.instants(at, at + DAY)) == [at]
    assert list(rule.instants(at - DAY, at)) == []
    assert list(rule.instants(at + timedelta(seconds=1), at + DAY)) == []


def test_once_is_kept_to_the_millisecond_as_orders_are() -> None:
    assert Once(at=utc("2026-11-23T10:00:00.123999")).at == utc("2026-11-23T10:00:00.123")


def test_daily_keeps_wall_clock_in_viet_nam() -> None:
    rule = Recurring(start=wall("2026-11-24T05:00"), rrule="FREQ=DAILY;UNTIL=20261126")
    assert list(rule.instants(*EVER)) == [utc(f"2026-11-{day}T22:00") for day in (23, 24, 25)]


def test_twice_a_day_on_weekdays() -> None:
    rule = Recurring(
        start=wall("2026-11-23T05:00"), rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=5,17;UNTIL=20261130T000000"
    )
    instants = list(rule.instants(*EVER))
    assert len(instants) == 10
    assert {instant.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).weekday() for instant in instants} == set(range(5))


def test_every_other_week_keeps_its_phase_however_late_one_looks() -> None:
    rule = Recurring(start=wall("2021-01-04T17:00"), rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU")
    whole = list(rule.instants(utc("2021-01-01T00:00"), utc("2026-12-31T00:00")))
    for year in (2022, 2024, 2026):
        low, high = utc(f"{year}-03-05T00:00"), utc(f"{year}-04-20T00:00")
        assert list(rule.instants(low, high)) == [instant for instant in whole if low <= instant < high]


def test_skipped_extra_and_moved() -> None:
    rule = Recurring(
        start=wall("2026-11-23T17:00"),
        rrule="FREQ=DAILY;COUNT=5",
        skipped=(date(2026, 11, 24),),
        extra=(wall("2026-11-30T06:00"), wall("2026-11-24T06:00")),
        moved=(
            Moved(original=wall("2026-11-25T17:00"), to=wall("2026-11-25T18:30")),
            Moved(original=wall("2026-11-26T16:00"), to=wall("2026-11-26T03:00")),  # there is no such occurrence
        ),
    )
    assert list(rule.instants(*EVER)) == [
        utc("2026-11-23T10:00"),
        utc("2026-11-25T11:30"),
        utc("2026-11-26T10:00"),
        utc("2026-11-27T10:00"),
        utc("2026-11-29T23:00"),
    ]


def test_until_in_utc_and_as_a_day() -> None:
    for until in ("20261125T100000Z", "20261125T170000", "20261125"):
        rule = Recurring(start=wall("2026-11-23T17:00"), rrule=f"FREQ=DAILY;UNTIL={until}")
        assert len(list(rule.instants(*EVER))) == 3


def test_a_gap_airs_by_the_offset_before_it() -> None:
    # Berlin, 29 March 2026: 02:00 becomes 03:00, so 02:30 does not exist; by the offset before it is 01:30 UTC.
    rule = Recurring(zone="Europe/Berlin", start=wall("2026-03-28T02:30"), rrule="FREQ=DAILY;COUNT=3")
    assert list(rule.instants(*EVER)) == [utc("2026-03-28T01:30"), utc("2026-03-29T01:30"), utc("2026-03-30T00:30")]


def test_a_fold_airs_once_the_first_time() -> None:
    # Berlin, 25 October 2026: 03:00 becomes 02:00, so 02:30 comes twice, first at 00:30 UTC.
    rule = Recurring(zone="Europe/Berlin", start=wall("2026-10-25T02:30"), rrule="FREQ=DAILY;COUNT=1")
    assert list(rule.instants(*EVER)) == [utc("2026-10-25T00:30")]


def test_two_times_that_a_gap_brings_together_air_once() -> None:
    rule = Recurring(zone="Europe/Berlin", start=wall("2026-03-29T02:30"), rrule="FREQ=DAILY;BYHOUR=2,3;COUNT=2")
    assert list(rule.instants(*EVER)) == [utc("2026-03-29T01:30")]


@given(
    start=st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(lambda time: time.replace(microsecond=0)),  # noqa: DTZ001
    zone=st.sampled_from(
        ["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]
    ),
    days=st.integers(1, 40),
    offset_h=st.integers(-50, 50),
    length_h=st.integers(0, 200),
)
def test_windows_never_lose_or_double(*, start: datetime, zone: str, days: int, offset_h: int, length_h: int) -> None:
    rule = Recurring(zone=zone, start=start, rrule=f"FREQ=DAILY;COUNT={days}")
    everything = list(rule.instants(*EVER))
    assert everything == sorted(set(everything))
    assert len(everything) == days
    low = start.replace(tzinfo=UTC) + timedelta(hours=offset_h)
    high = low + timedelta(hours=length_h)
    assert list(rule.instants(low, high)) == [instant for instant in everything if low <= instant < high]


@given(st.datetimes(datetime(1980, 1, 1), timezones=st.sampled_from([UTC, ZoneInfo("Asia/Ho_Chi_Minh")])))  # noqa: DTZ001
def test_rules_survive_storage(at: datetime) -> None:
    recurring = Recurring(
        start=at.replace(tzinfo=None),
        rrule="FREQ=DAILY;COUNT=3",
        skipped=(at.date(),),
        moved=(Moved(original=at.replace(tzinfo=None), to=at.replace(tzinfo=None)),),
    )
    for rule in (Once(at=at), recurring):
        assert RULE.validate_python(rule.model_dump(mode="json")) == rule


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "once", "at": "2026-11-23T10:00:00"},
        {"kind": "weekly", "at": "17:00"},
        {"kind": "recurring", "start": "2026-11-23T17:00:00", "rrule": "FREQ=DAILY", "zone": "Asia/Nowhere"},
        {"kind": "recurring", "start": "2026-11-23T17:00:00+07:00", "rrule": "FREQ=DAILY"},
        *(
            {"kind": "recurring", "start": "2026-11-23T17:00:00", "rrule": rrule}
            for rrule in (
                "",
                "FREQ=MINUTELY",
                "FREQ=DAILY;FREQ=DAILY",
                "FREQ=DAILY;INTERVAL=0",
                "FREQ=DAILY;COUNT=0",
                "FREQ=DAILY;COUNT=99999999",
                "FREQ=DAILY;COUNT=3;UNTIL=20261231",
                "FREQ=DAILY;BYWEEKNO=3",
                "FREQ=DAILY;BYDAY=1MO",
                "FREQ=DAILY;BYDAY=XX",
                "FREQ=WEEKLY;BYMONTHDAY=3",
                "FREQ=DAILY;UNTIL=20201231",
                "FREQ=DAILY;UNTIL=soon",
                "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
                "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
                "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
                "FREQ=DAILY;BYHOUR=25",
                "FREQ=DAILY\nRRULE:FREQ=DAILY",
                "COUNT=3",
            )
        ),
    ],
    ids=str,
)
def test_wrong_rules_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        RULE.validate_python(wrong)
