"""Figures in pairs and rows: fractions, shares, ratios, scores, house numbers, plates of vehicles, shares of a fertiliser."""

import re

from audio.script import tables
from audio.script.letters import names_of
from audio.script.model import TokenClass
from audio.script.numerals import cardinal, spelled
from audio.script.rules.cursor import Cursor, Reading
from audio.script.rules.quantities import number_said, unit_at

_WHOLES = frozenset(
    [
        "xã",
        "thôn",
        "trường",
        "tiêu",
        "chỉ",
        "danh",
        "đội",
        "tổ",
        "huyện",
        "chi",
        "xóm",
        "ấp",
        "khu",
        "đơn",
        "cơ",
        "công",
        "mô",
        "hạng",
        "giải",
        "trạm",
        "hội",
        "ban",
    ]
)
"""What comes in ones: of these "3/4" may be three of four."""
_GLUED_WORD = re.compile(r"(?:diện|số|tổng|dân)(?![^\W_])")  # "1/3diện tích"
_PARTED = (2, 3, 4)
"""What one divides a whole into: "3/4 số hộ" is a part, "4/6 trường" so many of so many."""
_SCORE = re.compile(r"(\d{1,2})\s?-\s?(\d{1,2})")
_SERIES = re.compile(r"\d{1,2}(?:\.\d)?(?:[-:.]\d{1,2}){2,4}")
_DASHED = re.compile(r"\d{1,2}(?:-\d{1,2}){2,4}")
_PLATE = re.compile(r"(\d{2})\s?-?\s?([A-ZĐ]{1,2})(\d?)\s?[-. ]?\s?(\d{3}\.\d{2}|\d{4,5})")
_PLATE_WORDS = ("biển", "biển số", "biển kiểm soát", "biển số xe", "bks", "bsx", "biển đăng ký", "số xe")
_FRACTION = re.compile(r"(\d{1,4})(?:/|\s/\s?|/\s)(\d{1,5}(?!\.\d{3}))")
_OF_MANY = re.compile(
    r"(\d{1,3}(?:\.\d{3}){1,3}(?!\d)|\d{1,4}(?:,\d{1,2})?)\s{0,2}/\s{0,2}(\d{1,3}(?:\.\d{3}){1,3}|\d{1,5},\d{1,2})(?![.,]?\d)"
)
_TIMES = re.compile(r"(\d{1,4})\s?[xX×]\s?(?=\d)")
_RATIO = re.compile(r"(\d{1,4})(?::|\s:\s)(\d{1,3}(?:\.\d{3}){1,2}|\d{1,5})(?!:|[.,]\d)")
_MIXED = re.compile(r"(\d{1,4})\s(\d{1,2})/(\d{1,2})")
_ADDRESS = re.compile(r"(\d{1,4})([A-Za-z]?)((?:/\d{1,4}[A-Za-z]?){1,4})")
_ADDRESS_WORDS = ("số", "ngõ", "ngách", "hẻm", "kiệt", "số nhà", "nhà số", "ngõ số")
_SCORES = tables.cues("score")
_MATCH_WORDS = tables.cues("match")
"""Near these "2-0" may be a score; a person must look."""
_OF_WHOLE = tables.cues("whole")
"""What one has a part of: "3/5 diện tích"."""
_PART_CUES = tables.cues("part")
"""Before a part of a whole; after other words "3/5" may be a date, a share or a mark."""


def score(at: Cursor) -> Reading | None:
    """The score of a match, "2-1", where the sentence speaks of one."""
    found = at.match(_SCORE)
    if found is None or at.following(found.end())[0] in tables.counted() - {"điểm"}:
        return None
    said = f"{cardinal(found[1])} {cardinal(found[2])}"
    if at.preceded_by("tỷ số", "tỉ số") or _SCORES & {
        *at.before[-5:],
        *(" ".join(at.before[place : place + 2]) for place in range(len(at.before))),
    }:
        at.scores = True
        return Reading(found.end(), TokenClass.RANGE, said)
    if at.scores and (not at.before or _SCORE.fullmatch(at.before[-1])):  # "thắng 3-1 (25-20, 23-25)"
        return Reading(found.end(), TokenClass.RANGE, said)
    if not _MATCH_WORDS.isdisjoint(at.before[-6:]) and (at.scores or int(found[1]) >= int(found[2])):
        return Reading(
            found.end(), TokenClass.RANGE, said, (f"{cardinal(found[1])} đến {cardinal(found[2])}",), at.scores
        )
    return None


def series(at: Cursor) -> Reading | None:
    """Shares of a fertiliser, "NPK 16-16-8", "NPK 5:10:3": one after the other. Elsewhere three numbers with dashes may be anything."""
    fertiliser = not {"npk", "npk-s"}.isdisjoint(at.before[-3:])
    found = at.match(_SERIES if fertiliser else _DASHED)
    if found is None:
        return None
    said = " ".join(cardinal(part) for part in re.findall(r"\d+", found[0]))
    return Reading(found.end(), TokenClass.CODE, said, certain=fertiliser)


def plate(at: Cursor) -> Reading | None:
    """The plate of a vehicle, "34A-123.45", "29C1-234.56": digits one by one. Without a word that says so, only the form with a dot is certain."""
    found = at.match(_PLATE)
    if found is None:
        return None
    named = at.preceded_by(*_PLATE_WORDS) or (at.last is TokenClass.CODE and "biển" in at.before)
    if not named and "." not in found[4]:
        return None
    parts = [spelled(found[1]), names_of(found[2]), spelled(found[3]), spelled(found[4].replace(".", ""))]
    return Reading(found.end(), TokenClass.CODE, " ".join(part for part in parts if part))


def ratio(at: Cursor) -> Reading | None:
    """ "bản đồ tỷ lệ 1:2000"; what is no time of day and is not called a ratio is uncertain."""
    found = at.match(_RATIO)
    if found is None:
        return None
    named = at.preceded_by("tỷ lệ", "tỉ lệ", "bản đồ")
    if not named and (len(found[2]) == 2 or len(found[1]) > 2):
        return None
    second = cardinal(found[2].replace(".", ""))
    said = f"{cardinal(found[1])} trên {second}"
    return Reading(found.end(), TokenClass.FRACTION, said, (f"{cardinal(found[1])} {second}",), certain=named)


def times(at: Cursor) -> Reading | None:
    """The first of two numbers that are multiplied, "5x8.000m3/h", "100x50cm"; the second is read with its unit."""
    found = _TIMES.match(at.text, at.place)
    return Reading(found.end(), TokenClass.NUMBER, f"{cardinal(found[1])} nhân") if found is not None else None


def address(at: Cursor) -> Reading | None:
    """A slash that is said as "trên": house numbers "số 12/5", ranks of invalids "thương binh 2/4", "lớp 1/2"."""
    if at.preceded_by("tỷ số", "tỉ số") and (found := at.match(_FRACTION)) is not None:
        return Reading(found.end(), TokenClass.RANGE, f"{cardinal(found[1])} {cardinal(found[2])}")  # "tỷ số 21/18"
    if at.preceded_by(*_ADDRESS_WORDS) and (found := at.match(_ADDRESS)) is not None:
        parts = [
            f"{cardinal(digits)}{' ' + names_of(letter) if letter else ''}"
            for digits, letter in re.findall(r"(\d+)([A-Za-z]?)", found[0])
        ]
        return Reading(found.end(), TokenClass.ADDRESS, " trên ".join(parts))
    if at.preceded_by("thương binh", "bệnh binh", "lớp", "hạng", "bậc") and (found := at.match(_FRACTION)) is not None:
        return Reading(found.end(), TokenClass.FRACTION, f"{cardinal(found[1])} trên {cardinal(found[2])}")
    return None


def fraction(at: Cursor) -> Reading | None:  # noqa: PLR0911 - one answer for each form
    """ "1/2", "23 1/5"; house numbers "12/5" after "số", "ngõ"; "24/24", "123/125" as "trên"."""
    sign = ""
    place = at.place
    if at.text[place] == "-" and not at.text[place - 1 : place].isalnum():
        sign, place = "âm ", place + 1
    found = _MIXED.match(at.text, place)
    if found is not None and not at.joined(found.end()) and int(found[2]) < int(found[3]) <= 20:
        said = f"{sign}{cardinal(found[1])} và {_part(found[2], found[3])[0]}"
        return Reading(found.end(), TokenClass.FRACTION, said)
    found = _OF_MANY.match(at.text, place)
    if found is not None:
        return Reading(found.start(2), TokenClass.FRACTION, f"{sign}{number_said(found[1])} trên")
    found = _FRACTION.match(at.text, place)
    if found is None:
        return None
    unit = unit_at(at, found.end())
    if at.joined(found.end()) and unit is None and _GLUED_WORD.match(at.text, found.end()) is None:
        return None
    said, certain = _part(found[1], found[2])
    if len(found[1]) == len(found[2]) == 4 and found[1][:2] == found[2][:2] == "20":
        certain = False  # "năm 2025/2024": this year compared with that
    following = at.following(found.end())[0]
    if (
        int(found[2]) not in _PARTED
        and following in tables.counted()
        and not (found[2] in ("5", "10") and following == "số")
    ):
        said = f"{cardinal(found[1])} trên {cardinal(found[2])}"  # "4/6 trường"
    elif int(found[2]) in _PARTED and following in _WHOLES and found[1] != "1":  # "đạt 3/4 danh hiệu"
        either = (f"{cardinal(found[1])} trên {cardinal(found[2])}",)
        return Reading(found.end(), TokenClass.FRACTION, sign + said, either, certain=False)
    if unit is not None:
        return Reading(unit[1], TokenClass.MEASURE, f"{sign}{said} {unit[0]}")
    shared = f"{cardinal(found[1])} trên {cardinal(found[2])}"
    if said != shared and at.preceded_by("điểm", "mức", "thang điểm"):
        return Reading(found.end(), TokenClass.FRACTION, shared, (said,), certain=False)
    known = (
        said == shared
        or not at.before
        or following in tables.counted()
        or following in _OF_WHOLE
        or not _PART_CUES.isdisjoint(at.before[-1:])
        or (found[1] == "1" and not 21 <= int(found[2]) <= 35)  # "gia hạn 1/26": a month and its year
    )
    others = () if known else (shared,)
    return Reading(found.end(), TokenClass.FRACTION, sign + said, others, certain and known)


def _part(above: str, below: str) -> tuple[str, bool]:
    top, bottom = int(above), int(below)
    if bottom == 0 or (bottom > 10 and top != 1) or top == bottom:
        return f"{cardinal(top)} trên {cardinal(bottom)}", True
    return f"{cardinal(top)} phần {'tư' if bottom == 4 else cardinal(bottom)}", True
