"""The lunar calendar of Viet Nam, public holidays, and rules that speak of them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from schedules.named_days import _DAYS, NamedDay, is_named, lunar, name_of
from schedules.recurrence import Recurring
from schedules.rules import RULE, Repeating
from schedules.sentences import describe

ZONE = "Asia/Ho_Chi_Minh"
EVER = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))


def wall(text: str) -> datetime:
    """A naive wall-clock time."""
    return datetime.fromisoformat(text)


def days(rule: Recurring, start: datetime = EVER[0], end: datetime = EVER[1]) -> list[str]:
    """The local days on which it airs."""
    return [found.astimezone(ZoneInfo(ZONE)).date().isoformat() for found in rule.instants(start, end)]


# As they were and will be kept in Viet Nam; in the first four China's is another day, in 1985 by a month.
TET = {1985: "01-21", 2007: "02-17", 2030: "02-02", 2053: "02-18", 1968: "01-29", 2000: "02-05", 2024: "02-10", 2025: "01-29", 2026: "02-17", 2027: "02-06"}  # fmt: skip


@pytest.mark.parametrize(("year", "day"), TET.items())
def test_tet_is_that_of_viet_nam(year: int, day: str) -> None:
    tet = date.fromisoformat(f"{year}-{day}")
    found = lunar(tet)
    assert (found.day, found.month, found.year) == (1, 1, year)
    assert [is_named(tet + timedelta(days=offset), ["tet"]) for offset in range(-1, 4)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert is_named(tet - timedelta(days=1), ["lunar_new_year_eve"])


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("hung_kings", "2026-04-26"),
        ("hung_kings", "2025-04-07"),
        ("vu_lan", "2026-08-27"),
        ("mid_autumn", "2026-09-25"),
        ("first_full_moon", "2026-03-03"),
        ("kitchen_gods", "2026-02-10"),
        ("national_day", "2026-09-02"),
        ("digital_day", "2026-10-10"),
        ("public_holiday", "2026-02-16"),
        ("public_holiday", "2026-02-20"),
        ("public_holiday", "2026-04-26"),
        ("public_holiday", "2026-04-30"),
    ],
)
def test_known_days(name: NamedDay, day: str) -> None:
    assert is_named(date.fromisoformat(day), [name])


def test_a_leap_month_has_its_full_moon_but_not_its_festivals() -> None:
    # 2025 had a sixth month twice; 2023 a second month twice.
    assert lunar(date(2025, 8, 1)).leap
    assert not is_named(date(2025, 8, 8), ["vu_lan"])
    assert is_named(date(2025, 9, 6), ["vu_lan"])
    assert all(is_named(day, ["full_moon"]) for day in (date(2025, 7, 9), date(2025, 8, 8)))


def test_every_day_is_named_in_both_languages() -> None:
    assert all(name_of(name, "vi") != name_of(name, "en") for name in _DAYS)


def test_rules_on_named_days() -> None:
    tet = Recurring(start=wall("2026-01-01T06:00"), rrule="FREQ=DAILY", on=("tet",))
    assert days(tet)[:4] == ["2026-02-17", "2026-02-18", "2026-02-19", "2027-02-06"]
    moon = Recurring(start=wall("2026-11-01T17:00"), rrule="FREQ=DAILY;UNTIL=20270131", on=("full_moon",))
    assert days(moon) == ["2026-11-23", "2026-12-23", "2027-01-22"]
    work = Recurring(
        start=wall("2026-04-20T17:00"), rrule="FREQ=WEEKLY;BYDAY=TH,FR;UNTIL=20260508", not_on=("public_holiday",)
    )
    assert days(work) == ["2026-04-23", "2026-04-24", "2026-05-07", "2026-05-08"]
    for rule in (tet, moon, work):
        assert RULE.validate_python(rule.model_dump(mode="json")) == rule


def test_sentences() -> None:
    moon = Recurring(start=wall("2026-11-01T17:00"), rrule="FREQ=DAILY", on=("full_moon", "lunar_first"))
    assert describe(moon, "vi", zone=ZONE) == "Vào ngày rằm và mùng một âm lịch, 5 giờ chiều"
    assert (
        describe(moon, "en", zone=ZONE)
        == "On the fifteenth of the lunar month and the first day of the lunar month, 17:00"
    )
    work = Recurring(
        start=wall("2026-04-20T17:00"), rrule="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", not_on=("public_holiday",)
    )
    assert describe(work, "vi", zone=ZONE) == "Thứ Hai đến thứ Sáu, 5 giờ chiều, trừ ngày nghỉ lễ, tết"
    assert describe(work, "en", zone=ZONE) == "Monday to Friday, 17:00, except on public holidays"
    weekly = Recurring(start=wall("2026-04-20T17:00"), rrule="FREQ=WEEKLY;BYDAY=MO", on=("full_moon",))
    assert describe(weekly, "vi", zone=ZONE) == "Thứ Hai hằng tuần, 5 giờ chiều, chỉ vào ngày rằm"


@pytest.mark.parametrize(
    "wrong",
    [
        {"rrule": "FREQ=DAILY;COUNT=3", "on": ["tet"]},
        {"rrule": "FREQ=DAILY;UNTIL=20261230", "on": ["tet"]},
        {"rrule": "FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=1", "on": ["tet"]},
        {"rrule": "FREQ=DAILY", "on": ["christmas"]},
    ],
    ids=str,
)
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RULE.validate_python({"kind": "recurring", "start": "2026-11-23T17:00:00", **wrong})


def test_an_emergency_repeats_until_it_is_called_off() -> None:
    start = datetime(2026, 9, 10, 22, 5, tzinfo=UTC)
    rule = Repeating(start=start)
    two = timedelta(hours=2)
    assert list(rule.instants(start - two, start + 2 * two)) == [start, start + two]
    assert list(rule.instants(start + timedelta(minutes=1), start + two)) == []
    assert list(rule.instants(start + 100 * two, start + 101 * two)) == [start + 100 * two]
    over = Repeating(start=start, until=start + timedelta(hours=5))
    assert list(over.instants(*EVER)) == [start, start + two, start + 2 * two]
    assert describe(rule, "vi", zone=ZONE) == (
        "Cứ 2 giờ một lần, cả ngày lẫn đêm, từ 5 giờ 05 sáng ngày 11/9/2026, cho đến khi có tin mới hoặc lệnh dừng"
    )
    assert describe(over, "en", zone=ZONE) == (
        "Every 2 h, day and night, from 5:05 on 11 September 2026, until 10:05 on 11 September 2026"
    )
    assert RULE.validate_python(rule.model_dump(mode="json")) == rule
    with pytest.raises(ValidationError):
        Repeating(start=start, until=start)


def test_one_date_is_skipped_and_a_week_is_copied() -> None:
    rule = Recurring(start=wall("2026-11-23T17:00"), rrule="FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=5,17")
    assert days(rule.without(date(2026, 11, 25)))[:4] == ["2026-11-23", "2026-11-30", "2026-11-30", "2026-12-02"]
    ended = Recurring(
        start=wall("2026-11-23T17:00"),
        rrule="FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=5,17;UNTIL=20261206",
        skipped=(date(2026, 12, 16),),
    )
    copy = ended.with_week_copied(date(2026, 11, 30), date(2026, 12, 14))
    assert copy is not None
    assert days(copy) == [*days(ended), "2026-12-14", "2026-12-14"]
    assert ended.with_week_copied(date(2026, 11, 2), date(2026, 12, 14)) is None
    assert rule.with_week_copied(date(2026, 11, 30), date(2026, 12, 14)) == rule  # it airs there anyway
