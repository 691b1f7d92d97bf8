"""iCalendar (RFC 5545) by the icalendar library: the plan as a feed, and an external programme's file as rules."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Calendar, Event
from pydantic import ValidationError

from schedules.recurrence import Moved, Recurring
from schedules.rules import Once

MAX_BYTES = 1_000_000
MAX_EVENTS = 500
PRODUCT = "-//commune-broadcaster//schedules//VI"


class CalendarError(ValueError):
    """The file, or one event of it, can't be taken; `vi` and `en` say why and what to do."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One airing of a feed. `uid` stays the same as long as the airing does; `changed_at` is when it was last changed."""

    uid: str
    title: str
    start: datetime
    duration: timedelta
    changed_at: datetime
    place: str = ""
    description: str = ""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """An event as a rule. `duration` is None if the event does not say how long it lasts."""

    uid: str
    title: str
    rule: Once | Recurring
    duration: timedelta | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was taken from a file, and for each event that was not, its title and why."""

    events: tuple[Imported, ...]
    refused: tuple[tuple[str, CalendarError], ...]


def feed(entries: Iterable[FeedEntry], *, name: str) -> bytes:
    """A calendar to subscribe to."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    for entry in entries:
        event = Event()
        event.add("uid", entry.uid)
        event.add("dtstamp", entry.changed_at.astimezone(UTC))
        event.add("dtstart", entry.start.astimezone(UTC))
        event.add("dtend", (entry.start + entry.duration).astimezone(UTC))
        event.add("summary", entry.title)
        if entry.place:
            event.add("location", entry.place)
        if entry.description:
            event.add("description", entry.description)
        event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def read(data: bytes, *, zone: str) -> Reading:
    """The events of a file as rules; times without a zone, or in UTC, are read in `zone`. Raises CalendarError for the file as a whole."""
    if len(data) > MAX_BYTES:
        raise CalendarError(
            f"Tệp lịch lớn hơn {MAX_BYTES // 1_000_000} MB. Hãy xuất lại với khoảng thời gian ngắn hơn.",
            f"The file is larger than {MAX_BYTES // 1_000_000} MB. Export a shorter period.",
        )
    if data.upper().count(b"BEGIN:VEVENT") > MAX_EVENTS:
        raise CalendarError(
            f"Tệp có hơn {MAX_EVENTS} sự kiện. Hãy xuất lại với khoảng thời gian ngắn hơn.",
            f"The file holds more than {MAX_EVENTS} events. Export a shorter period.",
        )
    try:
        calendar = Calendar.from_ical(data)
        events = list(calendar.walk("VEVENT"))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise CalendarError(
            "Đây không phải tệp lịch iCalendar (.ics) hợp lệ. Hãy xuất lại từ chương trình lịch.",
            "This is no valid iCalendar file (.ics). Export it again from the calendar.",
        ) from error
    series: dict[str, _Series] = {}
    refused: list[tuple[str, CalendarError]] = []
    for number, event in enumerate(events):
        uid = str(event.get("UID") or f"event-{number}")
        found = series.setdefault(uid, _Series())
        if "RECURRENCE-ID" in event:
            found.changes.append(event)
        else:
            found.main = event
    taken: list[Imported] = []
    for uid, found in series.items():
        title = str((found.main or found.changes[0]).get("SUMMARY") or uid)[:300]
        try:
            taken.append(_imported(uid, title, found, zone))
        except CalendarError as error:
            refused.append((title, error))
        except (
            ValueError,
            TypeError,
            AttributeError,
            OverflowError,
        ):  # a property that stands twice, or of another type
            refused.append((title, CalendarError("Không đọc được sự kiện này.", "The event can't be read.")))
    return Reading(tuple(taken), tuple(refused))


@dataclass(slots=True)
class _Series:
    main: Any = None
    changes: list[Any] = field(default_factory=list)


def _imported(uid: str, title: str, series: _Series, zone: str) -> Imported:
    event = series.main
    if event is None:
        raise CalendarError(
            "Sự kiện chỉ là thay đổi của một chuỗi không có trong tệp.", "It changes a series that is not in the file."
        )
    if str(event.get("STATUS")).upper() == "CANCELLED":
        raise CalendarError("Sự kiện đã bị hủy.", "The event is cancelled.")
    start = _time(event.get("DTSTART"))
    duration = _duration(event, start)
    own = _zone(start, zone)
    rrules = _all(event.get("RRULE"))
    if len(rrules) > 1 or "EXRULE" in event:
        raise CalendarError("Sự kiện có nhiều quy tắc lặp; chỉ nhận một.", "The event has several rules; one is taken.")
    extra = tuple(_wall(time, own) for value in _all(event.get("RDATE")) for time in _times(value))
    if not rrules and not extra:
        return Imported(uid, title, Once(at=_instant(start, own)), duration)
    rrule = rrules[0].to_ical().decode() if rrules else "FREQ=DAILY;COUNT=1"
    excluded = [_wall(time, own) for value in _all(event.get("EXDATE")) for time in _times(value)]
    moved = []
    for change in series.changes:
        original = _wall(_time(change.get("RECURRENCE-ID")), own)
        if str(change.get("STATUS")).upper() == "CANCELLED":
            excluded.append(original)
        else:
            moved.append(Moved(original=original, to=_wall(_time(change.get("DTSTART")), own)))
    try:
        rule = Recurring(zone=own.key, start=_wall(start, own), rrule=rrule, extra=extra, moved=tuple(moved))
        rule = Recurring.model_validate({**rule.model_dump(), "skipped": _dates(rule, excluded)})
    except ValidationError as error:
        cause = error.errors()[0]["msg"]
        raise CalendarError(f"Quy tắc lặp không nhận được ({cause}).", f"The rule can't be taken ({cause}).") from error
    return Imported(uid, title, rule, duration)


def _dates(rule: Recurring, excluded: list[datetime]) -> tuple[Any, ...]:
    """The dates of excluded times; a date on which the rule airs at another time as well can't be skipped."""
    zone, days = ZoneInfo(rule.zone), {time.date() for time in excluded}
    for day in days:
        start = datetime.combine(day, datetime.min.time()).replace(tzinfo=zone)
        found = {at.astimezone(zone).replace(tzinfo=None) for at in rule.instants(start, start + timedelta(days=1))}
        if found - set(excluded):
            raise CalendarError(
                f"Ngày {day.day}/{day.month}/{day.year} bỏ một giờ và giữ giờ khác; chỉ bỏ được cả ngày.",
                f"On {day} one time is left out and another kept; only whole days can be left out.",
            )
    return tuple(sorted(days))


def _all(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _times(value: Any) -> Iterator[datetime]:
    for each in value.dts:
        if not isinstance(each.dt, datetime):
            raise _whole_day()
        yield each.dt


def _time(value: Any) -> datetime:
    if value is None:
        raise CalendarError("Sự kiện không có giờ bắt đầu.", "The event has no start.")
    found = value.dt
    if not isinstance(found, datetime):
        raise _whole_day()
    return found


def _whole_day() -> CalendarError:
    return CalendarError(
        "Sự kiện cả ngày không có giờ phát; hãy đặt giờ bắt đầu.",
        "An event of a whole day has no time to air; set a start.",
    )


def _duration(event: Any, start: datetime) -> timedelta | None:
    if "DURATION" in event:
        length = event["DURATION"].dt
    elif "DTEND" in event:
        end = _time(event["DTEND"])
        if (end.tzinfo is None) != (start.tzinfo is None):
            raise CalendarError("Giờ bắt đầu và kết thúc không cùng múi giờ.", "Start and end are not both in a zone.")
        length = end - start
    else:
        return None
    if not isinstance(length, timedelta) or length < timedelta():
        raise CalendarError("Sự kiện kết thúc trước khi bắt đầu.", "The event ends before it starts.")
    return length or None


def _zone(start: datetime, zone: str) -> ZoneInfo:
    if start.tzinfo is None or _key(start.tzinfo) in ("UTC", "Etc/UTC"):
        return ZoneInfo(zone)
    key = _key(start.tzinfo)
    if key not in available_timezones():
        raise CalendarError(
            f"Không biết múi giờ “{key}”; hãy dùng tên IANA như Asia/Ho_Chi_Minh.",
            f"The time zone '{key}' is not known; use an IANA name such as Asia/Ho_Chi_Minh.",
        )
    return ZoneInfo(key)


def _key(zone: tzinfo) -> str:
    return str(getattr(zone, "key", None) or zone.tzname(None) or zone)


def _wall(time: datetime, zone: ZoneInfo) -> datetime:
    return time if time.tzinfo is None else time.astimezone(zone).replace(tzinfo=None)


def _instant(time: datetime, zone: ZoneInfo) -> datetime:
    return (time.replace(tzinfo=zone) if time.tzinfo is None else time).astimezone(UTC)
