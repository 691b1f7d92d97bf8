"""Rules in plain words."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.recurrence import Moved, Recurring
from schedules.rules import Once
from schedules.sentences import describe

ZONE = "Asia/Ho_Chi_Minh"


def _wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "rrule", "vi", "en"),
    [
        ("2026-11-23T05:00", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=5,17;UNTIL=20261210",
         "Thứ Hai đến thứ Sáu, 5 giờ sáng và 5 giờ chiều, đến hết ngày 10/12",
         "Monday to Friday, 5:00 and 17:00, until the end of 10 December"),
        ("2026-11-23T17:30", "FREQ=DAILY", "Hằng ngày, 5 giờ 30 chiều", "Every day, 17:30"),
        ("2026-11-23T11:05", "FREQ=DAILY;INTERVAL=3;COUNT=4", "Cứ 3 ngày một lần, 11 giờ 05 trưa, 4 lần", "Every 3 days, 11:05, 4 times"),
        ("2026-11-24T19:00", "FREQ=WEEKLY", "Thứ Ba hằng tuần, 7 giờ tối", "Every Tuesday, 19:00"),
        ("2026-11-23T06:00", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;UNTIL=20270131",
         "Cứ 2 tuần một lần vào thứ Hai và Chủ nhật, 6 giờ sáng, từ ngày 23/11/2026 đến hết ngày 31/1/2027",
         "Every 2 weeks on Monday and Sunday, 6:00, from 23 November 2026 until the end of 31 January 2027"),
        ("2026-11-23T17:00", "FREQ=MONTHLY;BYMONTHDAY=1,15", "Ngày 1 và 15 hằng tháng, 5 giờ chiều", "Day 1 and 15 of every month, 17:00"),
        ("2026-11-23T17:00", "FREQ=MONTHLY;BYMONTHDAY=-1", "Ngày cuối cùng hằng tháng, 5 giờ chiều", "The last day of every month, 17:00"),
        ("2026-11-23T17:00", "FREQ=MONTHLY;BYDAY=1MO", "Thứ Hai đầu tiên hằng tháng, 5 giờ chiều", "The first Monday of every month, 17:00"),
        ("2026-12-22T05:00", "FREQ=YEARLY", "Ngày 22 tháng 12 hằng năm, 5 giờ sáng", "Day 22 in December every year, 5:00"),
        ("2026-11-23T17:00", "FREQ=DAILY;UNTIL=20261130T165900Z", "Hằng ngày, 5 giờ chiều, đến hết ngày 30/11", "Every day, 17:00, until the end of 30 November"),
    ],
)  # fmt: skip
def test_sentences(start: str, rrule: str, vi: str, en: str) -> None:
    rule = Recurring(start=_wall(start), rrule=rrule)
    assert describe(rule, "vi", zone=ZONE) == vi
    assert describe(rule, "en", zone=ZONE) == en


def test_once_and_exceptions() -> None:
    once = Once(at=datetime(2026, 11, 24, 10, tzinfo=UTC))
    assert describe(once, "vi", zone=ZONE) == "Thứ Ba 24/11/2026, 5 giờ chiều"
    assert describe(once, "en", zone=ZONE) == "Tuesday 24 November 2026, 17:00"
    rule = Recurring(
        start=_wall("2026-11-23T17:00"),
        rrule="FREQ=DAILY;COUNT=9",
        skipped=(date(2026, 11, 25),),
        extra=(_wall("2026-11-29T06:00"),),
        moved=(Moved(original=_wall("2026-11-24T17:00"), to=_wall("2026-11-24T18:00")),),
    )
    assert describe(rule, "vi", zone=ZONE) == (
        "Hằng ngày, 5 giờ chiều, 9 lần, trừ ngày 25/11, thêm 6 giờ sáng ngày 29/11, "
        "dời 5 giờ chiều ngày 24/11 sang 6 giờ tối ngày 24/11"
    )


def test_a_few_times_are_listed() -> None:
    rule = Recurring(start=_wall("2026-12-14T17:00"), rrule="FREQ=DAILY;COUNT=1", extra=(_wall("2026-12-16T05:30"),))
    assert describe(rule, "vi", zone=ZONE) == "5 giờ chiều ngày 14/12/2026 và 5 giờ 30 sáng ngày 16/12/2026"
    assert describe(rule, "en", zone=ZONE) == "17:00 on 14 December 2026 and 5:30 on 16 December 2026"


@given(
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    interval=st.integers(1, 9),
    months=st.lists(st.integers(1, 12), unique=True, max_size=4),
    days=st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), unique=True, max_size=7),
    hours=st.lists(st.integers(0, 23), unique=True, max_size=3),
)
def test_every_rule_has_a_sentence(
    *, frequency: str, interval: int, months: list[int], days: list[str], hours: list[int]
) -> None:
    parts = [f"FREQ={frequency}", f"INTERVAL={interval}"]
    for name, values in (("BYMONTH", months), ("BYDAY", days), ("BYHOUR", hours)):
        if values:
            parts.append(f"{name}={','.join(map(str, values))}")
    try:
        rule = Recurring(start=_wall("2026-11-23T17:00"), rrule=";".join(parts))
    except ValueError:
        return  # airs nothing
    for language in ("vi", "en"):
        sentence = describe(rule, language, zone=ZONE)  # type: ignore[arg-type]  # one of the two
        assert sentence[0].isupper()
        assert "  " not in sentence
        assert ", ," not in sentence
