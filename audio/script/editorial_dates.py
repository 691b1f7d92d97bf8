"""The editorial checks of days and times: what the calendar or the clock does not have."""

import calendar
import datetime
import re
from collections.abc import Iterator

from audio.script.findings import Concern, Finding, Severity
from audio.script.model import Script

_DATE = re.compile(
    r"(?<![\d/.])(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?![\d/])|ngày (\d{1,2}) tháng (\d{1,2})(?: năm (\d{4}))?|ngày (\d{1,2})/(\d{1,2})(?![\d/])"
)
_WEEKDAY = re.compile(
    r"(thứ (?:hai|ba|tư|năm|sáu|bảy|[2-7])|chủ nhật),?\s*(?:\(|-|ngày)?\s*(?:ngày )?(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?<![\w.,/:-])(\d{1,2})(?:h| giờ )(\d{2})(?![\w/.,]\d|\d)")
_SPAN = re.compile(
    r"(?<![\d/.])(\d{1,2})/(\d{1,2})(?:/(\d{4}))?\s?(?:-|–|đến(?: hết)?(?: ngày)?)\s?(\d{1,2})/(\d{1,2})/(\d{4})(?![\d/])"
)
_WEEKDAYS = ("hai", "ba", "tư", "năm", "sáu", "bảy", "chủ nhật")


def dates(text: str, _script: Script) -> Iterator[Finding]:
    """Days that the calendar does not have, and weekdays that do not fit the date."""
    for match in _DATE.finditer(text):
        day, month, year = (int(part) if part else None for part in _parts(match))
        if day is None or month is None:
            continue
        if _in_calendar(day, month, year):
            continue
        cause = f"Lịch không có ngày {day}/{month}" + (f"/{year}." if year else ".")
        proposal = _nearest(match, day, month, year)
        yield Finding(Concern.DATE, Severity.ERROR, match.start(), match.end(), match[0], cause, proposal)
    yield from _times(text)
    for match in _WEEKDAY.finditer(text):
        try:
            weekday = datetime.date(int(match[4]), int(match[3]), int(match[2])).weekday()
        except ValueError:
            continue
        written = match[1].lower().removeprefix("thứ ")
        if written in (_WEEKDAYS[weekday], str(weekday + 2)):
            continue
        right = _WEEKDAYS[weekday] if weekday == 6 else f"thứ {_WEEKDAYS[weekday]}"
        cause = f"Ngày {match[2]}/{match[3]}/{match[4]} là {right}, không phải {match[1].lower()}."
        yield Finding(Concern.DATE, Severity.WARNING, match.start(1), match.end(1), match[1], cause, right)


def _in_calendar(day: int, month: int, year: int | None) -> bool:
    try:
        datetime.date(year or 2024, month, day)  # 2024 has the 29th of February
    except ValueError:
        return False
    return True


def _nearest(match: re.Match[str], day: int, month: int, year: int | None) -> str | None:
    """What was probably meant: month and day the other way round, or the last day of the month; None if neither."""
    if _in_calendar(month, day, year):
        day, month = month, day
    elif 1 <= month <= 12 and 28 < day <= 31:
        day = calendar.monthrange(year or 2024, month)[1]
    else:
        return None
    if match[1]:
        return match[2].join((str(day), str(month), match[4]))
    if match[5]:
        return f"ngày {day} tháng {month}" + (f" năm {year}" if year else "")
    return f"ngày {day}/{month}"


def _times(text: str) -> Iterator[Finding]:
    """Times that the clock does not have, "25h30", "7h75"; and spans of dates that end before they begin."""
    for match in _CLOCK.finditer(text):
        if int(match[1]) > 24 or int(match[2] or 0) > 59 or (int(match[1]) == 24 and int(match[2] or 0) > 0):
            cause = f"Đồng hồ không có “{match[0]}”."
            yield Finding(Concern.DATE, Severity.ERROR, match.start(), match.end(), match[0], cause)
    for match in _SPAN.finditer(text):
        last_year = int(match[6])
        first, last = (
            (int(match[3] or last_year), int(match[2]), int(match[1])),
            (last_year, int(match[5]), int(match[4])),
        )
        if first > last and _in_calendar(first[2], first[1], first[0]) and _in_calendar(last[2], last[1], last[0]):
            cause = f"“{match[0]}”: ngày kết thúc trước ngày bắt đầu."
            yield Finding(Concern.DATE, Severity.WARNING, match.start(), match.end(), match[0], cause)


def _parts(match: re.Match[str]) -> tuple[str | None, str | None, str | None]:
    if match[1]:
        return match[1], match[3], match[4]
    return (match[5], match[6], match[7]) if match[5] else (match[8], match[9], None)
