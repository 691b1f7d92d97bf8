"""Dashes and slashes that no other rule has taken: what is said "đến", and what a person must look at."""

import re

from audio.script import tables
from audio.script.model import TokenClass
from audio.script.numerals import roman
from audio.script.rules.cursor import Cursor, Reading

_DASH_ROMAN = re.compile(r"-\s?[IVX]{1,5}(?![^\W_])")
_DASH_CODE = re.compile(r"-\s?([^\W\d_]{1,3})(?=\d)")
_AGES = ("tháng", "tuổi", "tuần", "ngày", "năm", "giờ", "phút")
_DASH_AGE = re.compile(r"-\s?\d{1,3}\s(?:tháng|tuổi|tuần|ngày|năm|giờ|phút)(?![^\W_])")
_CHAIN = re.compile(r"-\s?[^\W\d_]{1,3}\d{1,4}\s?-\s?[^\W\d_]{1,3}\d")
_HEAD = re.compile(r"[^\W\d_]{1,3}(?=\d)")
_RUNNING = tables.cues("running numbers")
_DASH_FULL_DATE = re.compile(r"-\s?(?:tháng\s)?\d{1,2}(?:([/.-])\d{1,2}\1|[/.])\d{4}(?!\d)")
_DASH_WHEN = re.compile(
    r"-\s?\d{1,2}(?:\s?[hHg]\d{0,2}|:\d\d|\sgiờ(?:\s\d{1,2})?)['p]?(?:\sphút)?,?\s(?:ngày|thứ|sáng|trưa|chiều|tối|đêm|hôm)"
)
_DAY_PARTS = ("sáng", "trưa", "chiều", "tối", "đêm", "khuya")
_DASH_TIME = re.compile(r"-\s?\d{1,2}\s?(?:[hHg:]|giờ)")
_DASH_WEEKDAY = re.compile(r"-\s?(?:[Tt]hứ\s|[Cc]hủ\s[Nn]hật)")
_NAMED_AGAIN = re.compile(r"-\s?([^\W\d_]{1,7})\s\d")
_COUNTABLE = (TokenClass.NUMBER, TokenClass.ORDINAL, TokenClass.DATE, TokenClass.ROMAN)
_FIGURES = (
    TokenClass.NUMBER,
    TokenClass.MEASURE,
    TokenClass.PERCENT,
    TokenClass.MONEY,
    TokenClass.FRACTION,
    TokenClass.RANGE,
    TokenClass.TIME,
    TokenClass.DATE,
)
_NUMBER_OF = re.compile(r"-\s?\d{1,6}(?:[.,]\d{1,3})?\s([^\W\d_]{1,7})(?![^\W_])")
_SLASH_CODE = re.compile(r"/\s?\dG(?![^\W_])")
_SLASH_DATE = re.compile(r"\s?/\s?\d{1,2}[/-]\d{1,2}(?!\d)")
_TRANSFORMED = re.compile(r"\s?-\s?\d{1,3}(?:\(\d{1,3}\))?\s?/\s?0,4\s?[kK][vV]")
_SLASH_FIGURE = re.compile(r"/\s?\d")


def until(cursor: Cursor) -> Reading | None:
    """The dash that is said "đến": between two codes of one kind, "BĐ1-BĐ2", "Km5+100 - Km7", two Roman numerals, "quý I-II", two times of day, two days of the week."""
    if not cursor.before:
        return None
    before = cursor.before
    if cursor.last is TokenClass.DATE and _DASH_FULL_DATE.match(cursor.text, cursor.place) is not None:
        return Reading(cursor.place + 1, TokenClass.SYMBOL, "đến")  # "(18-10-1930 - 18-10-2025)"
    if cursor.last in (TokenClass.DATE, TokenClass.TIME) and _DASH_WHEN.match(cursor.text, cursor.place) is not None:
        return Reading(cursor.place + 1, TokenClass.SYMBOL, "đến")  # "22h ngày 10/11 - 4h ngày 11/11"
    if cursor.last is TokenClass.WORD:
        found = _DASH_AGE.match(cursor.text, cursor.place)  # "9 tháng - 10 tuổi"
        alike = found is not None and len(before) > 1 and before[-2].isdecimal() and before[-1] in _AGES
        if not alike and before[-1] in _DAY_PARTS:  # "5h sáng-7h tối"
            found = _DASH_TIME.match(cursor.text, cursor.place)
            alike = found is not None and any(each[:1].isdecimal() for each in before[-3:-1])
        if (
            not alike and len(before) > 1 and (before[-2] == "thứ" or before[-2:] == ["chủ", "nhật"])
        ):  # "thứ hai - thứ sáu"
            alike = _DASH_WEEKDAY.match(cursor.text, cursor.place) is not None
    elif cursor.last in _COUNTABLE and len(before) > 1 and _NAMED_AGAIN.match(cursor.text, cursor.place) is not None:
        found = _NAMED_AGAIN.match(cursor.text, cursor.place)  # "tháng 3 - tháng 5", "thôn 1 - thôn 4"
        alike = found is not None and found[1].lower() == before[-2]
        if alike and before[-2] not in _RUNNING and "từ" not in before:
            return Reading(cursor.place + 1, TokenClass.SYMBOL, "", ("đến", "gặp"), certain=False)  # "Thôn 3 - Thôn 5"
    elif cursor.last is TokenClass.ROMAN:
        found = _DASH_ROMAN.match(cursor.text, cursor.place)
        alike = found is not None and roman(cursor.before[-1]) is not None
    else:
        found = _DASH_CODE.match(cursor.text, cursor.place)
        chained = _CHAIN.match(cursor.text, cursor.place) or "-" in cursor.text[max(0, cursor.place - 5) : cursor.place]
        if found is not None and chained and cursor.last is TokenClass.DATE:
            return Reading(cursor.place + 1, TokenClass.SYMBOL, "", ("đến",), certain=False)  # "T2-T4-T6"
        head = _HEAD.match(cursor.before[-1])
        alike = found is not None and head is not None and head[0] == found[1].lower()
    return Reading(cursor.place + 1, TokenClass.SYMBOL, "đến") if alike else None


def doubtful_dash(cursor: Cursor) -> Reading | None:
    """A dash at a number that no rule has explained: it is silent, and a person must look."""
    text, place = cursor.text, cursor.place
    if cursor.last is TokenClass.WORD and _counted_again(cursor):
        return Reading(place + 1, TokenClass.SYMBOL, "", ("đến",), certain=False)  # "12 hộ - 15 hộ"
    if not place or cursor.last not in _FIGURES:
        return None
    if cursor.last is TokenClass.MEASURE and _TRANSFORMED.match(text, place) is not None:
        return Reading(place + 1, TokenClass.SYMBOL, "")  # "250kVA-22/0,4kV"
    figure_after = text[place + 1 : place + 3].strip()[:1].isdecimal()
    tight = text[place - 1].isalnum() and text[place + 1 : place + 2].isalnum()
    if not figure_after and not (tight and text[place - 1].isdecimal()):
        return None
    return Reading(place + 1, TokenClass.SYMBOL, "", ("đến", "gạch ngang"), certain=False)


def _counted_again(cursor: Cursor) -> bool:
    """Whether a number of the same thing stands before the dash and after it."""
    found = _NUMBER_OF.match(cursor.text, cursor.place)
    before = cursor.before
    return found is not None and len(before) > 1 and before[-2][:1].isdecimal() and before[-1] == found[1].lower()


def doubtful_slash(cursor: Cursor) -> Reading | None:
    """A slash between figures that no rule has explained."""
    if cursor.last is None or _SLASH_FIGURE.match(cursor.text, cursor.place) is None:
        return None
    if cursor.last is TokenClass.PHONE and cursor.text[cursor.place + 1 : cursor.place + 2] in ("0", "+", "1"):
        return Reading(cursor.place + 1, TokenClass.SYMBOL, "")  # two numbers to call
    if (cursor.last is TokenClass.CODE and _SLASH_CODE.match(cursor.text, cursor.place) is not None) or (
        cursor.before[-1:] != []
        and cursor.before[-1].endswith(("h", "giờ"))
        and _SLASH_DATE.match(cursor.text, cursor.place) is not None
    ):
        return Reading(cursor.place + 1, TokenClass.SYMBOL, "")  # "4G/5G", "7h/12/9"
    return Reading(cursor.place + 1, TokenClass.SYMBOL, "trên", ("",), certain=False)
