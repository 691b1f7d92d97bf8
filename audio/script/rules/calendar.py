"""Dates and times of day, and spans of them."""

import re

from audio.script import tables
from audio.script.model import TokenClass
from audio.script.numerals import cardinal, month, roman
from audio.script.rules.cursor import Cursor, Reading

_D, _M, _Y = r"([12]\d|3[01]|0?[1-9])", r"(1[0-2]|0?[1-9])", r"(\d{4})"
_TO = r"\s{0,2}(?:-{1,2}|đến hết|đến|tới)\s{0,2}(?:ngày\s)?"
_DATE = re.compile(rf"{_D}\s?([/.-])\s?{_M}\s?\2\s?{_Y}")
_SHORT_YEAR = re.compile(rf"{_D}([/.-]){_M}\2(\d{{2}})(?![/.-]\d)")
_DAY_MONTH = re.compile(rf"{_D}(/|\s?/\s?|[.-]){_M}")
_DAY_MONTH_APART = re.compile(r"(1[3-9]|2\d|3[01]|[4-9]|1[0-2])\s-\s(0?[1-9]|1[0-2])(?!\s?[-/.]?\d)")
_PARTS = re.compile(r"\d{1,2}(?:\.\d{1,2}){1,4}")
_MONTH_YEAR = re.compile(rf"{_M}\s?[/.-]\s?{_Y}")
_DAYS_DATE = re.compile(rf"{_D}{_TO}{_D}(?:\s?/\s?|\.){_M}(?:[/.]{_Y})?")
_FIRST_DASH = re.compile(r"\d{1,2}\s{0,2}-")
_DAYS_DASHED = re.compile(rf"{_D} (?:đến|tới)(?: hết)? (?:ngày )?{_D}-{_M}(?:-{_Y})?")
_TWO_DAYS = re.compile(rf"{_D},{_D}/{_M}(?:/{_Y})?")
_SPAN = re.compile(rf"{_D}[/.]{_M}(?:[/.]{_Y})?{_TO}{_D}[/.]{_M}(?:[/.]{_Y})?")
_MONTHS_YEAR = re.compile(rf"{_M}{_TO}{_M}[/.]{_Y}")
_MONTHS = re.compile(rf"{_M}\s?-\s?{_M}(?![/.-]\d)")
_TO_MONTH = re.compile(r"\s(?:đến|tới)(?: hết)? tháng ")
_OF_YEAR = re.compile(r"(?=\d{1,2}-|(?!19|20)\d{1,4}\s?/|\d{1,2}\s?/)(\d{1,4})\s?[-/]\s?((?:19|20)\d\d)")
_THOUSANDS = re.compile(r"[.,]\d")
_OF_EACH_MONTH = (("hàng", "tháng"), ("hằng", "tháng"), ("mỗi", "tháng"), ("của", "tháng"), ("trong", "tháng"))
_QUARTER_YEAR = re.compile(r"(IV|I{1,3}|[1-4])\s?[-/]\s?((?:19|20)\d\d)")

_DAY_WORDS = tables.cues("day")
_DATE_CUES = tables.cues("date")
_HOLIDAYS = frozenset(
    (
        (3, 2),
        (27, 2),
        (8, 3),
        (26, 3),
        (21, 4),
        (30, 4),
        (1, 5),
        (7, 5),
        (15, 5),
        (19, 5),
        (1, 6),
        (5, 6),
        (21, 6),
        (26, 6),
        (28, 6),
        (27, 7),
        (28, 7),
        (19, 8),
        (2, 9),
        (10, 10),
        (13, 10),
        (20, 10),
        (9, 11),
        (20, 11),
        (19, 12),
        (22, 12),
        (1, 1),
    )
)
_NUMBERED = tables.cues("numbered parts")
"""After these dots stand between the numbers of parts: "mục 1.2" is no date."""
_COUNTED_OFF = tables.cues("no span of days")
"""After these "3-5/12" is no span of days."""
_NEAR_CUES = tables.cues("date near")
_TO_MEASURE = re.compile(r"\s?-\s?\d{1,4}(?:[.,]\d{1,2})?\s?(?:%|tỷ|triệu|tấn|tạ|lần|kg|ha|m\b|km|độ|°)")
_SHARE_WORDS = tables.cues("share")
"""After these a slash divides a whole, also where "tới" and "đến" could lead to a date."""
_OF_WHOLE = tables.cues("whole of a share")
"""What one has a part of: "1/4 dân số"."""
_FEAST_CUES = tables.cues("feast")
"""Before a national day, or what bears its name, besides the words before any date."""
_COUNTED_THING = re.compile(r"\s?[a-zà-ỹđ%]")
_CLOCK = re.compile(r"(2[0-4]|[01]?\d)(?:\s?giờ\s?|\s?[hHg]\s?)([0-5]\d)(?:\s{0,2}(?:phút|ph|p|'))?")
_CLOCK_SHORT = re.compile(r"(2[0-4]|[01]?\d)\s?[hH]([0-9])(?:p|ph|')?(?!\d)")
_CLOCK_WORDS = re.compile(r"(2[0-4]|[01]?\d)\s?[hH]")
_COLON = re.compile(r"(2[0-4]|[01]?\d):([0-5]\d)(?::([0-5]\d))?")
_DURATION = re.compile(r"(\d{1,3})\s?(?:p|ph|')(?:\s?([0-5]?\d)\s?(?:s|''|\"))?")
_RATIO = re.compile(r"\d{1,3}:\d")
_RANGE_DASH = re.compile(r"\s{0,2}(?:-{1,2}|đến)\s{0,2}")
_RESULT = re.compile(r"(\d{1,2})(?:\"|'')(\d{2})(?!\d)")
_SECONDS = re.compile(r"(\d{1,3})s")


def date_span(at: Cursor) -> Reading | None:  # noqa: PLR0911 - one answer for each form
    """ "15/7 - 30/8/2025", "1-5/12", "1-5/12/2025"."""
    day = "" if at.preceded_by(*_DAY_WORDS) else "ngày "
    if (found := at.match(_SPAN)) is not None:
        first = _said(found[1], found[2], found[3])
        return Reading(
            found.end(),
            TokenClass.DATE_RANGE,
            f"{day}{first} {_until(found)} ngày {_said(found[4], found[5], found[6])}",
            certain=_possible(found[1], found[2]) and _possible(found[4], found[5]),
        )
    if (found := at.match(_DAYS_DATE) or at.match(_DAYS_DASHED)) is not None and int(found[1]) < int(found[2]):
        if at.preceded_by("đêm", "sáng", "chiều", "tối"):  # "đêm 28-29/11"
            said = f"{cardinal(found[1])} đến {_said(found[2], found[3], found[4])}"
            return Reading(found.end(), TokenClass.DATE_RANGE, said)
        if not _FIRST_DASH.match(found[0]) and not (
            at.preceded_by(*_DAY_WORDS, "từ", "các ngày", "trong") or at.last is TokenClass.SYMBOL
        ):
            return None  # "Chỉ thị 15 đến hết ngày 17/8"
        certain = not at.preceded_by(*_COUNTED_OFF)
        last = _said(found[2], found[3], found[4])
        return Reading(
            found.end(),
            TokenClass.DATE_RANGE,
            f"{day}{cardinal(found[1])} {_until(found)} ngày {last}",
            certain=certain,
        )
    if at.preceded_by(*_DAY_WORDS) and (found := at.match(_TWO_DAYS)) is not None and int(found[1]) < int(found[2]):
        said = f"{cardinal(found[1])} ngày {_said(found[2], found[3], found[4])}"  # "ngày 27,28/6/2019"
        return Reading(found.end(), TokenClass.DATE, said)
    if at.preceded_by("tháng") and (found := at.match(_MONTHS_YEAR)) is not None:
        said = f"{month(int(found[1]))} đến tháng {month(int(found[2]))} năm {cardinal(found[3])}"
        return Reading(found.end(), TokenClass.DATE_RANGE, said)
    return None


def _until(found: re.Match[str]) -> str:
    return "đến hết" if "hết" in found[0] else "đến"


def of_year(at: Cursor) -> Reading | None:
    """A month or a quarter with its year: "tháng 3/2025", "quý II/2025", "quý 2/2025"."""
    if at.preceded_by("tháng") and (found := at.match(_MONTH_YEAR)) is not None:
        return Reading(found.end(), TokenClass.DATE, f"{month(int(found[1]))} năm {cardinal(found[2])}")
    if at.preceded_by("tháng") and (found := at.match(_MONTHS)) is not None and int(found[1]) != int(found[2]):
        # "từ tháng 4-5 đến tháng 10-11": each end is about two months
        ends = at.preceded_by("từ tháng", "đến tháng", "khoảng tháng", "tới tháng") and (
            _TO_MONTH.match(at.text, found.end()) is not None or at.preceded_by("đến tháng", "tới tháng")
        )
        link = "tháng" if ends else "đến tháng"
        said = f"{month(int(found[1]))} {link} {month(int(found[2]))}"
        return Reading(found.end(), TokenClass.DATE_RANGE, said)
    if (
        at.preceded_by("đợt", "kỳ", "vòng", "phiên", "họp", "lần", "lần thứ", "tuần", "số", "bản tin")
        and (found := at.match(_OF_YEAR)) is not None
    ):
        return Reading(found.end(), TokenClass.DATE, f"{cardinal(found[1])} năm {cardinal(found[2])}")
    if at.preceded_by("quý") and (found := at.match(_QUARTER_YEAR)) is not None:
        quarter = roman(found[1]) or int(found[1])
        return Reading(found.end(), TokenClass.DATE, f"{cardinal(quarter)} năm {cardinal(found[2])}")
    return None


def date(at: Cursor) -> Reading | None:  # noqa: PLR0911 - one answer for each form
    """ "09/01/2025", "01.3.2025", "10/12", "30-4", "3/2025"."""
    day = "" if at.preceded_by(*_DAY_WORDS) else "ngày "
    if at.preceded_by(*_NUMBERED) and at.match(_PARTS) is not None:
        return None
    if (found := at.match(_DATE)) is not None:
        said = day + _said(found[1], found[3], found[4])
        return Reading(found.end(), TokenClass.DATE, said, certain=_possible(found[1], found[3]))
    if (found := at.match(_SHORT_YEAR)) is not None:
        year = f"20{found[4]}" if int(found[4]) < 50 else f"19{found[4]}"
        certain = found[2] == "/" and _possible(found[1], found[3])
        return Reading(found.end(), TokenClass.DATE, day + _said(found[1], found[3], year), certain=certain)
    if (found := at.match(_DAY_MONTH)) is not None:
        if "-" in found[2] and at.following(found.end()) in _OF_EACH_MONTH:
            return None  # "từ mùng 5-10 hàng tháng"
        return _day_month(at, found, day)
    if at.preceded_by("ngày") and (found := at.match(_DAY_MONTH_APART)) is not None and int(found[1]) > int(found[2]):
        sure = int(found[1]) > 12 and at.following(found.end())[0] not in tables.counted()  # "ngày 21 - 4"
        return Reading(found.end(), TokenClass.DATE, _said(found[1], found[2], None), certain=sure)
    found = None if at.preceded_by("tỷ lệ", "tỉ lệ", "bản đồ", "số") else at.match(_MONTH_YEAR)
    if found is not None and 1945 <= int(found[2]) <= 2100:
        said = f"tháng {month(int(found[1]))} năm {cardinal(found[2])}"
        return Reading(found.end(), TokenClass.DATE, said, certain=not at.preceded_by("ngày"))
    return None


def _day_month(at: Cursor, found: re.Match[str], day: str) -> Reading | None:  # noqa: PLR0911 - one answer for each form
    """A day and a month without a year look like a fraction, a share or a span: the words around tell."""
    if _THOUSANDS.match(at.text, found.end()) is not None:
        return None  # "24/2.015 hộ"
    if found[2] == "." and _TO_MEASURE.match(at.text, found.end()) is not None:
        return None  # "1.5 - 2%"
    if "/" in found[2] and at.preceded_by(*_SHARE_WORDS):
        return None  # "chiếm tới 1/4"
    first, second = int(found[1]), int(found[3])
    feast = (first, second) in _HOLIDAYS
    following = at.following(found.end())
    yearly = following in (("hàng", "năm"), ("hằng", "năm")) or following[0] == "âm"
    counted = following[0] in tables.counted() and not yearly and at.text[found.end()] not in ",("
    counted = counted or (following[0] in _OF_WHOLE and not _cue_near(at)) or at.preceded_by("vòng", "vòng loại")
    if (first, second) == (24, 7) and not _cue_near(at):
        always = not {"trực", "phục", "hoạt", "hỗ", "liên", "sóng", "giờ"}.isdisjoint(at.before[-6:])
        return Reading(found.end(), TokenClass.FRACTION, "hai mươi tư trên bảy", ("hai mươi tư tháng bảy",), always)
    if first == second and found[2] == "/" and not (_cue_near(at) or set(at.before[-2:]) & _DATE_CUES or yearly):
        shared = f"{cardinal(first)} trên {cardinal(second)}"  # "mắt 10/10", "đủ 12/12"
        sure = counted or not feast or at.preceded_by("mắt", "thị lực", "đạt", "điểm", "đủ")
        return Reading(found.end(), TokenClass.FRACTION, shared, (day + _said(found[1], found[3], None),), sure)
    if at.preceded_by("số", "ngõ", "ngách", "hẻm", "kiệt", "số nhà"):
        certain = None
    elif not at.before and not following[0]:
        certain = False if feast or first > second else None  # alone on its line: nothing tells
    elif "/" in found[2]:
        certain = _slash_date(at, found, counted=counted, yearly=yearly)
    else:
        certain = _dash_date(at, found, counted=counted)
    if certain is None:
        return None
    if feast and (
        at.preceded_by(
            "lễ", "dịp", "quốc khánh", "đường", "phố", "phường", "cầu", "trường", "chợ", "công viên", "sân vận động"
        )
        or not (_cue_near(at) or set(at.before[-2:]) & _DATE_CUES)
    ):
        day = ""  # "Quốc khánh 2/9", "dịp 30/4": the feast has its date for a name
    said = day + _said(found[1], found[3], None)
    others = () if certain else (f"{cardinal(first)} trên {cardinal(second)}",)
    return Reading(found.end(), TokenClass.DATE, said, others, certain=certain and _possible(found[1], found[3]))


def _slash_date(at: Cursor, found: re.Match[str], *, counted: bool, yearly: bool) -> bool | None:
    """Whether "10/12" is a date (True: certainly), or a fraction or share (None)."""
    first, second = int(found[1]), int(found[3])
    feast = (first, second) in _HOLIDAYS
    cue = bool(set(at.before[-2:]) & _DATE_CUES) and not counted
    if cue or yearly or _cue_near(at):
        return True
    small = found[1][0] != "0" and found[3][0] != "0" and first <= second <= 10
    if counted or (small and not feast):
        return None
    return first > second or (feast and (not small or _feast_named(at)))


def _feast_named(at: Cursor) -> bool:
    """Whether something before tells that "1/5" or "2/9" is the feast and not a part."""
    return bool(at.before) and (
        not _FEAST_CUES.isdisjoint(at.before[-4:])
        or not _DATE_CUES.isdisjoint(at.before[-4:])
        or at.last is TokenClass.DATE
        or at.before[-1][:1].isdecimal()
    )


def _dash_date(at: Cursor, found: re.Match[str], *, counted: bool) -> bool | None:
    """Whether "30-4" or "22.7" is a date (True: certainly), or a span or a decimal (None)."""
    first, second = int(found[1]), int(found[3])
    feast = (first, second) in _HOLIDAYS
    falling = first > second and found[2] == "-" and not at.preceded_by("tháng")  # no span falls: "trước 31-12"
    if (
        counted
        or (at.scores and not _cue_near(at))
        or at.preceded_by(
            "thôn",
            "xóm",
            "ấp",
            "tổ",
            "tdp",
            "đội",
            "cấp",
            "lớp",
            "bậc",
            "cụm",
            "khóm",
            "khối",
            "tổ dân phố",
            "tỷ số",
            "tỉ số",
            "số hòa",
            "số hoà",
            "hòa",
            "hoà",
            "thắng",
            "thua",
            "mỗi ngày",
            "một ngày",
        )
        or not (_cue_near(at) or feast or (falling and not _DATE_CUES.isdisjoint(at.before[-2:])))
    ):
        return None
    if feast:
        named = _cue_near(at) or not (_DATE_CUES | _FEAST_CUES).isdisjoint(at.before[-2:])
        if not named and first < second and _COUNTED_THING.match(at.text, found.end()) is not None:
            return None  # "pha 1-6 gói", "sâu 2-9 cm"
        return named
    return (
        first >= second or found[2] != "-" or "0" in (found[1][0], found[3][0])
    )  # "ngày 5-7": the fifth of July, or the fifth to the seventh


def _cue_near(at: Cursor) -> bool:
    """ "ngày", "sáng", "hôm nay" and the like just before, or "ngày 1 đến"."""
    last = at.before[-1:] or [""]
    if last[0] in _NEAR_CUES:
        return True
    return last[0] in ("đến", "tới", "và", "-") and len(at.before) > 2 and at.before[-3] in ("ngày", "từ")


def _said(day: str, of_month: str, year: str | None) -> str:
    said = f"{cardinal(day)} tháng {month(int(of_month))}"
    return f"{said} năm {cardinal(year)}" if year else said


def _possible(day: str, of_month: str) -> bool:
    return int(day) <= (29 if int(of_month) == 2 else 30 if int(of_month) in (4, 6, 9, 11) else 31)


def time(at: Cursor) -> Reading | None:
    """ "7h30", "17 giờ 15", "19h30'", "8:05", "7h", and spans of them: "5h30 - 7h00"."""
    first = _clock(at, at.place)
    if first is None or (
        at.preceded_by("tỷ lệ", "tỉ lệ", "tỷ số", "tỉ số", "theo tỷ lệ") and _RATIO.match(at.text, at.place)
    ):
        return None
    said, end, certain = first
    dash = _RANGE_DASH.match(at.text, end)
    if dash is not None and (second := _clock(at, dash.end())) is not None:
        return Reading(second[1], TokenClass.TIME_RANGE, f"{said} đến {second[0]}", certain=certain)
    return Reading(end, TokenClass.TIME, said, certain=certain)


def _clock(at: Cursor, place: int) -> tuple[str, int, bool] | None:
    found = _CLOCK.match(at.text, place)
    if found is not None and not at.joined(found.end()):
        return _hours(found[1], found[2], None), found.end(), True
    found = _CLOCK_SHORT.match(at.text, place)
    if found is not None and not at.joined(found.end()):
        sure = (
            at.preceded_by("từ", "đến", "lúc", "vào", "hồi", "khoảng", "tới")
            or found[0][-1] == "'"
            or found[2] == "0"
            or place != at.place
        )
        return _hours(found[1], found[2], None), found.end(), sure
    found = _CLOCK_WORDS.match(at.text, place)
    if found is not None and not at.joined(found.end()) and at.text[found.end() : found.end() + 1] != "/":
        return _hours(found[1], None, None), found.end(), True
    found = _COLON.match(at.text, place)
    if found is not None and not at.joined(found.end()):
        return _hours(found[1], found[2], found[3]), found.end(), not at.preceded_by("tỷ số", "tỉ số", "tỷ lệ", "tỉ lệ")
    return None


def _hours(hours: str, minutes: str | None, seconds: str | None) -> str:
    said = f"{cardinal(hours)} giờ"
    if minutes and int(minutes):
        said += f" {cardinal(minutes)} phút"
    if seconds and int(seconds):
        said += f" {cardinal(seconds)} giây"
    return said


def duration(at: Cursor) -> Reading | None:
    """ "30p", "3p20s", "30s", "90'"."""
    found = at.match(_DURATION)
    if found is not None:
        said = f"{cardinal(found[1])} phút"
        if found[2] and int(found[2]):
            said += f" {cardinal(found[2])} giây"
        return Reading(found.end(), TokenClass.TIME, said)
    found = at.match(_RESULT)
    if found is not None:  # "10"25" on the track
        said = f"{cardinal(found[1])} giây {cardinal(found[2])}"
        return Reading(
            found.end(), TokenClass.TIME, said, certain=not {"lục", "chạy", "tích", "giải"}.isdisjoint(at.before[-6:])
        )
    found = at.match(_SECONDS)
    return Reading(found.end(), TokenClass.TIME, f"{cardinal(found[1])} giây") if found is not None else None
