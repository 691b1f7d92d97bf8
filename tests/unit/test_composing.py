"""What the compose page stands on without a database: words as title and text, proposals, usual times, differences."""

from datetime import UTC, date, datetime, time

import pytest

from audio.script import read
from broadcaster.composing import Written, expected_ms, short_version, together
from broadcaster.errors import InvalidError
from broadcaster.revisions import Stretch, differences
from broadcaster.speech import read_out
from broadcaster.usual_times import EVENING, MORNING, Plain, instead, next_at
from schedules.recurrence import Recurring
from schedules.rules import RULE, AtOnce, Once
from schedules.sentences import describe

ZONE = "Asia/Ho_Chi_Minh"
NOON = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)  # twelve o'clock at the station


@pytest.mark.parametrize(
    "words", ["Họp dân\nMời bà con.", "\n  Họp dân  \r\n\r\n  Mời bà con.\n", "Họp dân\n\n\nMời bà con."]
)
def test_the_first_line_is_the_title_and_places_lead_back(words: str) -> None:
    written = Written.of(words)
    assert (written.title, written.text) == ("Họp dân", "Mời bà con.")
    script = read_out(written.title, written.text)
    for part in ("Họp", "dân", "Mời", "bà con"):
        place = written.where(script.index(part))
        assert place is not None
        assert written.words[place : place + len(part)] == part
    assert Written.of(together(written.title, written.text)).title == written.title


def test_a_first_line_that_is_no_title_is_text() -> None:
    words = "Ủy ban nhân dân xã thông báo " + "họp dân bàn việc làng " * 20
    written = Written.of(words)
    assert written.text == words.strip()
    assert len(written.title) <= 112
    assert written.title.endswith(" …")
    assert written.where(0) is None
    assert written.where(len(written.title) + 2) == 0


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        ("Đúng 19h30 ngày 10/12, mời bà con họp.", "Họp dân – 19h30 ngày 10/12"),
        ("Kế hoạch ngày 10/11/2026. Họp từ 7h đến 9h ngày 12/11.", "Họp dân – 7h đến 9h ngày 12/11"),
        ("Căn cứ văn bản ngày 10/11/2026.", "Họp dân"),
        ("Mời bà con đến dự.", "Họp dân"),
    ],
)
def test_the_led_version_says_when_it_is(text: str, proposed: str) -> None:
    assert short_version("Họp dân", read(read_out("Họp dân", text))).endswith(proposed.removeprefix("Họp dân"))


def test_the_expected_length_grows_with_the_words_and_repeats() -> None:
    script = read("Ủy ban nhân dân xã thông báo lịch tiêm phòng. " * 20)
    once, twice = (expected_ms(script, rate_wpm=150, repeats=repeats) for repeats in (0, 1))
    assert 40_000 < once < 90_000
    assert twice > 1.8 * once - 10_000
    assert expected_ms(script, rate_wpm=200, repeats=0) < once


def test_usual_times_are_the_next_ones() -> None:
    assert next_at(MORNING, NOON, ZONE).at == datetime(2026, 11, 25, 22, 0, tzinfo=UTC)  # tomorrow at five
    assert next_at(EVENING, NOON, ZONE).at == datetime(2026, 11, 25, 10, 0, tzinfo=UTC)


def test_plain_repeats_become_rules() -> None:
    day = date(2026, 11, 26)
    (rule,) = Plain("weekly", day, (time(17),), date(2026, 12, 31), (0, 2)).rules(ZONE)
    assert describe(rule, "vi", zone=ZONE) == "Thứ Hai và thứ Tư hằng tuần, 5 giờ chiều, đến hết ngày 31/12"
    assert [describe(each, "en", zone=ZONE) for each in Plain("daily", day, (time(5), time(17))).rules(ZONE)] == [
        "Every day, 5:00",
        "Every day, 17:00",
    ]
    assert Plain("once", day, (time(17),)).rules(ZONE) == [Once(at=datetime(2026, 11, 26, 10, tzinfo=UTC))]


@pytest.mark.parametrize(
    ("plain", "missing"),
    [
        (Plain("daily", date(2026, 11, 26), ()), "time"),
        (Plain("weekly", date(2026, 11, 26), (time(5),)), "weekday"),
        (Plain("daily", date(2026, 11, 26), (time(5),), date(2026, 11, 1)), "until"),
    ],
)
def test_what_is_missing_is_named(plain: Plain, missing: str) -> None:
    with pytest.raises(InvalidError) as caught:
        plain.rules(ZONE)
    assert caught.value.details["field"] == missing


def test_one_airing_of_a_repeat_moves() -> None:
    (rule,) = Plain("daily", date(2026, 11, 26), (time(17),)).rules(ZONE)
    due, free = datetime(2026, 11, 27, 10, tzinfo=UTC), datetime(2026, 11, 27, 11, 30, tzinfo=UTC)
    moved = instead(rule, due, free)
    assert isinstance(moved, Recurring)
    found = list(moved.instants(NOON, datetime(2026, 11, 29, tzinfo=UTC)))
    assert due not in found
    assert free in found
    assert len(found) == 3
    again = instead(moved, free, due)
    assert list(again.instants(NOON, datetime(2026, 11, 29, tzinfo=UTC)))[1] == due


def test_at_once_is_two_minutes_after_its_release() -> None:
    rule = RULE.validate_json('{"kind": "at_once"}')
    assert rule == AtOnce()
    assert list(rule.instants(NOON, NOON.replace(hour=6))) == [NOON.replace(minute=2)]
    assert list(rule.instants(NOON, NOON)) == []
    assert describe(rule, "vi", zone=ZONE) == "Ngay khi được duyệt"


def test_differences_are_words_within_lines() -> None:
    before = "Đúng 19h30 ngày 10/12 họp dân.\nTại nhà văn hóa."
    after = "Đúng 20h ngày 10/12 họp dân.\nTại nhà văn hóa.\nMời bà con."
    found = differences(before, after)
    assert "".join(each.text for each in found if each.kind != "removed") == after
    assert "".join(each.text for each in found if each.kind != "added") == before
    assert Stretch("removed", "19h30 ") in found
    assert Stretch("added", "20h ") in found
