"""The plan as an iCalendar feed, and calendars of others as rules, with what is refused."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from schedules.icalendar import MAX_BYTES, MAX_EVENTS, CalendarError, FeedEntry, Imported, feed, read
from schedules.recurrence import Moved, Recurring
from schedules.rules import Once

ZONE = "Asia/Ho_Chi_Minh"
EVER = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
START = datetime(2026, 11, 24, 10, tzinfo=UTC)


def ics(*events: str, head: str = "") -> bytes:
    """A file of events, one property a line."""
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{head}{body}END:VCALENDAR\n"
    return "\n".join(line.strip() for line in text.splitlines()).replace("\n", "\r\n").encode() + b"\r\n"


def one(*events: str) -> Imported:
    """The only event, which is taken."""
    reading = read(ics(*events), zone=ZONE)
    assert reading.refused == ()
    (found,) = reading.events
    return found


def refusal(*events: str) -> str:
    """Why the only event is refused, in English."""
    reading = read(ics(*events), zone=ZONE)
    assert reading.events == ()
    ((_, error),) = reading.refused
    assert error.vi != error.en
    return error.en


def test_a_feed_says_each_airing_in_utc() -> None:
    entry = FeedEntry("a1@xa", "Tiêm chủng; đợt 2, tháng 11", START, timedelta(seconds=90), START, place="Xã Tân An")
    gone = FeedEntry("a2@xa", "Lịch cắt điện", START, timedelta(minutes=2), START, cancelled=True)
    data = feed([entry, gone], name="Lịch phát xã Tân An")
    assert data.startswith(b"BEGIN:VCALENDAR\r\n")
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    first, second = Calendar.from_ical(data).walk("VEVENT")
    assert str(first["SUMMARY"]) == entry.title
    assert (first["DTSTART"].dt, first["DTEND"].dt) == (START, START + timedelta(seconds=90))
    assert first["DTSTART"].to_ical() == b"20261124T100000Z"
    assert [str(event["STATUS"]) for event in (first, second)] == ["CONFIRMED", "CANCELLED"]


def test_what_is_fed_can_be_read() -> None:
    entries = [
        FeedEntry(f"a{n}@xa", f"Bản tin {n}", START + timedelta(hours=n), timedelta(minutes=n + 1), START)
        for n in range(3)
    ]
    reading = read(feed(entries, name="x"), zone=ZONE)
    assert reading.refused == ()
    assert list(reading.events) == [Imported(e.uid, e.title, Once(at=e.start), e.duration) for e in entries]


def test_a_series_with_its_exceptions() -> None:
    main = """
        UID:s1
        SUMMARY:Chuyên mục khuyến nông
        DTSTART;TZID=Asia/Ho_Chi_Minh:20261123T170000
        DURATION:PT10M
        RRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20261231T100000Z
        EXDATE;TZID=Asia/Ho_Chi_Minh:20261126T170000
        RDATE;TZID=Asia/Ho_Chi_Minh:20261128T060000"""
    later = """
        UID:s1
        RECURRENCE-ID;TZID=Asia/Ho_Chi_Minh:20261130T170000
        DTSTART;TZID=Asia/Ho_Chi_Minh:20261130T183000"""
    gone = """
        UID:s1
        STATUS:CANCELLED
        RECURRENCE-ID;TZID=Asia/Ho_Chi_Minh:20261203T170000
        DTSTART;TZID=Asia/Ho_Chi_Minh:20261203T170000"""
    found = one(main, later, gone)
    assert (found.uid, found.title, found.duration) == ("s1", "Chuyên mục khuyến nông", timedelta(minutes=10))
    assert isinstance(found.rule, Recurring)
    assert found.rule.skipped == (date(2026, 11, 26), date(2026, 12, 3))
    assert found.rule.moved == (Moved(original=datetime(2026, 11, 30, 17), to=datetime(2026, 11, 30, 18, 30)),)  # noqa: DTZ001
    instants = [f"{at:%d %H:%M}" for at in found.rule.instants(*EVER)][:4]
    assert instants == ["23 10:00", "27 23:00", "30 11:30", "07 10:00"]


def test_times_without_a_zone_and_in_utc_are_those_of_the_station() -> None:
    for start in ("20261123T170000", "20261123T100000Z"):
        found = one(f"UID:a\nSUMMARY:x\nDTSTART:{start}\nRRULE:FREQ=DAILY;COUNT=2")
        assert isinstance(found.rule, Recurring)
        assert (found.rule.zone, found.rule.start) == (ZONE, datetime(2026, 11, 23, 17))  # noqa: DTZ001
        assert found.duration is None
    berlin = one("UID:a\nDTSTART;TZID=Europe/Berlin:20261123T170000\nRRULE:FREQ=DAILY;COUNT=2")
    assert berlin.title == "a"
    assert [at.hour for at in berlin.rule.instants(*EVER)] == [16, 16]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("UID:a\nDTSTART;VALUE=DATE:20261123", "whole day"),
        ("UID:a\nSUMMARY:x", "no start"),
        ("UID:a\nSTATUS:CANCELLED\nDTSTART:20261123T170000", "cancelled"),
        ("UID:a\nDTSTART:20261123T170000\nDTEND:20261123T160000", "ends before"),
        ("UID:a\nDTSTART:20261123T170000\nRRULE:FREQ=HOURLY", "FREQ must be"),
        ("UID:a\nDTSTART:20261123T170000\nRRULE:FREQ=DAILY;UNTIL=20200101", "airs nothing"),
        ("UID:a\nDTSTART:20261123T170000\nRRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY", "several rules"),
        ("UID:a\nRECURRENCE-ID:20261123T170000\nDTSTART:20261123T170000", "not in the file"),
        ("UID:a\nDTSTART;TZID=Hành tinh X:20261123T170000", ""),
        ("UID:a\nDTSTART:20261123T050000\nRRULE:FREQ=DAILY;BYHOUR=5,17\nEXDATE:20261124T050000", "whole days"),
    ],
)
def test_an_event_that_cannot_be_taken_says_why(event: str, why: str) -> None:
    if why:
        assert why in refusal(event)
    else:  # an unknown zone is read as the station's, or refused; never as another
        reading = read(ics(event), zone=ZONE)
        assert all(found.rule == Once(at=START - timedelta(days=1)) for found in reading.events)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html></html>",
        b"\xff\xfe\x00",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
        b"x" * (MAX_BYTES + 1),
        ics(*["UID:a\nDTSTART:20261123T170000"] * (MAX_EVENTS + 1)),
    ],
    ids=["empty", "html", "bytes", "unbalanced", "large", "many"],
)
def test_a_file_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(CalendarError):
        read(data, zone=ZONE)


@given(st.lists(st.sampled_from(["DTSTART:20261123T170000", "RRULE:FREQ=DAILY", "RRULE:", "DTSTART:x", "EXDATE:20261123T170000", "RDATE:", "DTEND;X=1:20261124T000000Z", "DURATION:PT", "RECURRENCE-ID:9", "STATUS:\x00", "BEGIN:VALARM", "END:VALARM", "x" * 100]), max_size=8))  # fmt: skip
def test_whatever_a_file_holds_it_is_read_or_refused(lines: list[str]) -> None:
    try:
        reading = read(ics("\n".join(["UID:a", *lines])), zone=ZONE)
    except CalendarError:
        return
    assert len(reading.events) + len(reading.refused) <= 1
