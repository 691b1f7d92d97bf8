"""Words: Vietnamese ones as they are; abbreviations, names, Roman numerals and codes by the tables; the rest spelled or proposed, and uncertain."""

import re

from audio.script import tables
from audio.script.letters import foreign, names_of
from audio.script.model import TokenClass
from audio.script.numerals import cardinal, in_file_number, month, ordinal, roman, spelled
from audio.script.rules.cursor import Cursor, Reading
from audio.script.syllables import is_syllable
from audio.script.tables import Entry

WORD = re.compile(r"[^\W\d_]+")
_CHUNK = re.compile(r"[^\W_]{1,30}(?:[&/.'-]{1,2}[^\W_]{1,30}){0,5}\.?")
_SEAM = re.compile(r"[&/.'-]")
_ROMAN = re.compile(r"[IVXLCDMivxlcdm]{1,15}")
_ROMAN_YEAR = re.compile(r"\s?/\s?(\d{4})(?!\d)")
_CODE = re.compile(
    r"([^\W\d_]{1,10})-?(\d{1,6}(?:\.\d{1,2})?)([^\W\d_]{0,4})(?:-(\d{1,4}))?|(\d{1,4})([^\W\d_]{1,4})(\d{0,4}(?:\.\d{1,2}(?!\d))?)"
)
_ROAD_POST = re.compile(r"([Kk][Mm]|K)\s?(\d{1,4})\s?\+\s?(\d{1,3})(?:m(?![^\W_]))?")
_DOTTED_CODE = re.compile(r"([A-ZĐ]{1,3})\.(\d{1,4})([A-Z]?)(?![.)]\s|[.,/-]?\d)")
_WITH_ROMAN = re.compile(r"([A-ZĐ]{2,4}?)(IV|V?I{1,3})")
_SERIES_FOLLOWS = re.compile(r"\d{1,2}(?:[-:.]\d{1,2}){2,4}(?![^\W_])")
_VARIETY = re.compile(r"([A-ZĐ][^\W\d_]{0,5})(\s|-)?(\d{1,6})(?:-(\d{1,4}))?([A-Z]{0,2})")
_VARIETY_WORDS = frozenset(["giống", "lúa", "ngô", "lạc", "sắn", "khoai"])
_VARIETY_BEFORE = re.compile(r"[^\W\d_]{1,5}\d[\d-]{0,6}")
_VARIETY_KINDS = frozenset(["thuần", "lai", "nếp", "tẻ", "mới", "thơm", "cao", "như", "là", "gồm", "và"])
_WIDE = re.compile(r"[^\W\d_]{1,20}(?:[\s-][^\W_]{1,20})?")
_DAY_OF_WEEK = re.compile(r"T(\d{1,2})(?:\s?/\s?((?:19|20)\d\d))?")
_DAY_CUES = frozenset(["sáng", "chiều", "tối", "trưa", "đêm", "t2", "t3", "t4", "t5", "t6", "t7", "cn"])
_BOAT = re.compile(r"([A-ZĐ]{1,3})\s?-\s?(\d{4,5})\s?-\s?TS")
_LONGEST_WORD = 40
_LOWER_ROMAN_AFTER = ("thế kỷ", "thế kỉ", "chương", "phần", "mục", "khoản", "đoạn", "phụ lục", "khóa", "thứ")
_SIZES = (TokenClass.NUMBER, TokenClass.MEASURE)
_VOWEL = re.compile(r"[aeiouyàáâãèéêìíòóôõùúýăĩũơưạ-ỹ]", re.IGNORECASE)
_INITIAL_WITH_DOT = re.compile(r"[^\W\d_]\.")
_KIND_OF_NUMBER = re.compile(r"\.?\s{1,2}(?:số:?\s{1,2})?\d{1,6}(?:/\d{4})?\s?[-/]\s?[A-ZĐ]")
_AND = ("và", "đến", "hoặc", "hay")


def word(at: Cursor) -> Reading:
    """Read what begins with a letter here."""
    found = WORD.match(at.text, at.place)
    assert found is not None  # noqa: S101 - the reader comes here only on a letter
    written, end = found[0], found.end()
    lower = written.lower()
    for rule in (_road_post, _weekday, _variety, _compound, _glued, _listed, _roman):
        if (reading := rule(at, written, end)) is not None:
            return reading
    if is_syllable(lower) and not at.joined(end):
        return Reading(end, TokenClass.WORD, lower)
    after = at.text[end : end + 2]
    digits_follow = after[:1].isdecimal() or (after[:1] == "-" and after[1:].isdecimal() and written.isupper())
    return (code(at) if digits_follow else None) or _letter(at, written, end) or _unknown(written, end)


def _listed(at: Cursor, written: str, end: int) -> Reading | None:
    """The longest entry of the tables that begins here."""
    kind = tables.document_types().get(written)
    if kind is not None and _KIND_OF_NUMBER.match(at.text, end):
        return Reading(end, TokenClass.ABBREVIATION, kind)  # "NĐ 30/2020/NĐ-CP"
    chunk = at.match(_CHUNK)
    longest = chunk[0] if chunk is not None else written
    for size in sorted(
        {
            len(longest),
            *(seam.start() for seam in _SEAM.finditer(longest)),
            *(seam.end() for seam in _SEAM.finditer(longest)),
            len(written),
        },
        reverse=True,
    ):
        part = longest[:size]
        if at.joined(at.place + size) or (_INITIAL_WITH_DOT.fullmatch(part) and not at.name_follows(at.place + size)):
            continue
        if (entry := tables.abbreviations().get(part)) is not None:
            if at.shouting and is_syllable(part.lower()):
                return None
            return _settled(at, part, entry, TokenClass.ABBREVIATION)
        if (entry := tables.name(part)) is not None:
            return _settled(at, part, entry, TokenClass.NAME)
    del end
    return None


def _road_post(at: Cursor, written: str, end: int) -> Reading | None:
    """ "Km2+300", "km 45+200": so many kilometres and so many metres from where the road begins."""
    del end
    found = at.match(_ROAD_POST) if written.lower() in ("km", "k") else None
    if found is None:
        return None
    post = "ca" if found[1] == "K" else "ki lô mét"
    return Reading(found.end(), TokenClass.CODE, f"{post} {cardinal(found[2])} cộng {cardinal(found[3])}")


def _weekday(at: Cursor, written: str, end: int) -> Reading | None:
    """ "T2", "T7" of the week; "T5/2026" is a month. Alone it may be anything."""
    del end
    found = at.match(_DAY_OF_WEEK) if written == "T" else None
    if found is None:
        return None
    if found[2]:
        return Reading(found.end(), TokenClass.DATE, f"tháng {month(int(found[1]))} năm {cardinal(found[2])}")
    if not 2 <= int(found[1]) <= 7 or at.preceded_by(
        "nhà", "tòa", "tòa nhà", "phòng", "lô", "khu", "số", "cống", "kênh"
    ):
        return None
    day = f"thứ {ordinal(int(found[1]))}"
    sure = not _DAY_CUES.isdisjoint(at.before[-2:]) or at.following(found.end())[0] in ("ngày", "hàng", "hằng", "cn")
    return Reading(found.end(), TokenClass.DATE, day, (f"tháng {month(int(found[1]))}",), certain=sure)


def _variety(at: Cursor, written: str, end: int) -> Reading | None:
    """The name of a variety of a crop, "TH3-3", "BC15", "IR50404": letters, then a number; three digits and more are said one by one."""
    del end
    if not written[0].isupper() or _VARIETY_WORDS.isdisjoint(at.before[-6:]):
        return None
    found = at.match(_VARIETY)
    if found is None or (is_syllable(found[1].lower()) and not found[1].isupper()) or tables.units().get(found[1]):
        return None
    nearest = at.before[-1]
    named = nearest in _VARIETY_WORDS | _VARIETY_KINDS or _VARIETY_BEFORE.fullmatch(nearest) is not None
    doubtful = found[1] in tables.abbreviations() and found[2] == " " and not found[4]
    if doubtful or (not named and (found[1] in tables.abbreviations() or found[2] == " ")):
        return None  # "giống lúa của HTX 2", "giá lúa tại QL10"
    numbers = [
        cardinal(part) if len(part) < 3 and part[0] != "0" else spelled(part) for part in (found[3], found[4]) if part
    ]
    said = [names_of(found[1]), *numbers, names_of(found[5])]
    return Reading(found.end(), TokenClass.CODE, " ".join(part for part in said if part))


def _compound(at: Cursor, written: str, end: int) -> Reading | None:
    """Two words that are one name: "Internet Banking", "big data"."""
    del end
    if written.lower() not in tables.compound_heads():
        return None
    found = at.match(_WIDE)
    entry = tables.name(found[0]) if found is not None and " " in found[0] else None
    return Reading(found.end(), TokenClass.NAME, entry.reading, entry.others) if found and entry else None


def _glued(at: Cursor, written: str, end: int) -> Reading | None:
    """An abbreviation and its number without a space: "ĐH.05", "BĐII", "NPK16-16-8"."""
    found = at.match(_DOTTED_CODE)
    if found is not None and (entry := tables.abbreviations().get(found[1])) is not None:
        first = _settled(at, found[1], entry, TokenClass.CODE)
        said = f"{first.said} {in_file_number(found[2])} {names_of(found[3])}".strip()
        return Reading(found.end(), TokenClass.CODE, said, first.others, certain=first.certain)
    parts = _WITH_ROMAN.fullmatch(written)
    if (
        parts is not None
        and not at.joined(end)
        and written not in tables.abbreviations()
        and parts[1] in tables.with_roman()
        and (value := roman(parts[2])) is not None
    ):
        return Reading(end, TokenClass.CODE, f"{tables.abbreviations()[parts[1]].reading} {cardinal(value)}")
    if (boat := at.match(_BOAT)) is not None:
        said = f"{names_of(boat[1])} {spelled(boat[2])} tê ét"
        return Reading(boat.end(), TokenClass.CODE, said)
    if written == "NPK" and _SERIES_FOLLOWS.match(at.text, end) is not None:
        return Reading(end, TokenClass.NAME, tables.names()[written].reading)
    return None


def _settled(at: Cursor, written: str, entry: Entry, cls: TokenClass) -> Reading:
    end = at.place + len(written)
    for context in tables.contexts().get(written, ()):
        if context.before and not any(tail in context.before for tail in at.tails()):
            continue
        if context.after and not at.fits_after(end, context.after):
            continue
        others = tuple(other for other in (entry.reading, *entry.others) if other != context.reading)
        return Reading(end, cls, context.reading, others)
    return Reading(end, cls, entry.reading, entry.others, certain=not entry.others)


def _roman(at: Cursor, written: str, end: int) -> Reading | None:
    value = roman(written) if _ROMAN.fullmatch(written) and not at.joined(end) else None
    if value is None or (written.upper() in ("L", "C", "D", "M") and not at.preceded_by("chương")):  # "hạng C", "khu D"
        return None
    manner = _manner(at, written)
    if manner is None:
        if not re.fullmatch("[IVX]{2,6}", written) or (is_syllable(written.lower()) and at.shouting):
            return None
        return Reading(end, TokenClass.ROMAN, cardinal(value), (names_of(written),), certain=not at.shouting)
    if is_syllable(written) and len(written) > 1 and not at.preceded_by(*_LOWER_ROMAN_AFTER):
        return None
    said = ordinal(value) if manner != "cardinal" else cardinal(value)
    year = _ROMAN_YEAR.match(at.text, end)
    if year is not None and at.preceded_by("quý", "kỳ", "đợt", "học kỳ"):
        return Reading(year.end(), TokenClass.DATE, f"{said} năm {cardinal(year[1])}")
    return Reading(end, TokenClass.ROMAN, said)


def _manner(at: Cursor, written: str) -> str | None:
    """How a Roman numeral is read here ("cardinal", "ordinal"), if the words before it say that it is one."""
    for tail in sorted(at.tails() & tables.roman_contexts().keys(), key=len, reverse=True):
        return tables.roman_contexts()[tail]
    after_another = (
        len(at.before) > 1 and at.before[-1] in _AND and roman(at.before[-2]) is not None and written.isupper()
    )
    return "cardinal" if after_another or at.last is TokenClass.ROMAN else None


def code(at: Cursor) -> Reading | None:
    """Letters and digits in one: "COVID-19", "5G", "A1", "B40"."""
    found = at.match(_CODE)
    if found is None:
        return None
    parts: list[str] = []
    certain = True
    for part in re.findall(r"[^\W\d_]+|\d+|(?<=\d)\.(?=\d)", found[0]):
        if part == ".":
            parts.append("chấm")
        elif part in ("x", "X") and parts and found[0][0].isdecimal() and found[0][-1].isdecimal():
            parts.append("nhân")
        elif part[0].isdecimal():
            certain = certain and len(part) < 4  # by digits or as a number: only those who named it know
            parts.append(cardinal(part) if not part.startswith("0") else " ".join(cardinal(digit) for digit in part))
        elif (entry := tables.abbreviations().get(part)) is not None:
            settled = _settled(at, part, entry, TokenClass.CODE) if not parts else None
            parts.append(settled.said if settled else entry.reading)
            certain = certain and (settled.certain if settled else not entry.others)
        elif (entry := tables.name(part)) is not None:
            parts.append(entry.reading)
        else:
            word_like = is_syllable(part.lower()) and (len(part) > 2 or not (part.isascii() or part.isupper()))
            parts.append(part.lower() if word_like else names_of(part))
            certain = certain and bool(parts[-1]) and (len(part) <= 2 or (word_like and not part.isupper()))
    said = " ".join(part for part in parts if part)
    return Reading(found.end(), TokenClass.CODE, said, certain=certain)


def _letter(at: Cursor, written: str, end: int) -> Reading | None:
    """One letter that is no word: "đội B", "điểm đ"."""
    if len(written) != 1 or not (name := names_of(written)):
        return None
    if written.lower() == "x" and at.last in _SIZES and at.text[end : end + 2].strip()[:1].isdecimal():
        return Reading(end, TokenClass.SYMBOL, "nhân")
    if written == "x" and at.last in (*_SIZES, TokenClass.PERCENT, TokenClass.MONEY):
        return Reading(
            end,
            TokenClass.SYMBOL,
            "nhân",
            ("ích",),
            at.following(end)[0] in ("dài", "rộng", "cao", "lương", "mức", "số"),
        )
    certain = written.isupper() or at.preceded_by("điểm", "mục", "khoản", "ý", "nhóm", "loại")
    return Reading(end, TokenClass.CODE, name, certain=certain)


def _unknown(written: str, end: int) -> Reading:
    if len(written) > 1 and (unit := tables.units().get(written)) is not None:
        return Reading(end, TokenClass.MEASURE, unit)
    if len(written) > _LONGEST_WORD:
        return Reading(end, TokenClass.UNKNOWN, "", certain=False)
    letters = names_of(written)
    if (written.isupper() or _VOWEL.search(written) is None) and len(written) <= 8:
        return Reading(end, TokenClass.ABBREVIATION, letters, certain=False)
    said = foreign(written) or letters
    return Reading(end, TokenClass.UNKNOWN, said, (letters,) if letters != said else (), certain=False)
