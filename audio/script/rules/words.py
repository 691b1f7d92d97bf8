"""Words: Vietnamese ones as they are; abbreviations, names, Roman numerals and codes by the tables; the rest spelled or proposed, and uncertain."""

import re

from audio.script import tables
from audio.script.letters import foreign, names_of
from audio.script.model import TokenClass
from audio.script.numerals import cardinal, month, ordinal, roman
from audio.script.rules import codes
from audio.script.rules.cursor import CAPITALS, SMALL, Cursor, Reading
from audio.script.rules.settling import settled
from audio.script.syllables import is_syllable

WORD = re.compile(r"[^\W\d_]+")
_CHUNK = re.compile(r"[^\W_]{1,30}(?:[&/.'-]{1,2}[^\W_]{1,30}){0,5}\.?")
_SEAM = re.compile(r"[&/.'-]")
_ROMAN = re.compile(r"[IVXLCDMivxlcdm]{1,15}")
_NO_SMALL = re.compile(r"[LCDMlcdm]{1,3}")
_ROMAN_YEAR = re.compile(r"\s?[-/]\s?((?:19|20)\d\d)(?!\d)")
_WIDE = re.compile(r"[^\W\d_]{1,20}(?:[\s-][^\W_]{1,20})?")
_QUARTER = re.compile(r"Q(IV|I{1,3}|[1-4])\s?/\s?(20\d\d)")
_DAY_OF_WEEK = re.compile(r"T(\d{1,2})(?:\s?/\s?((?:19|20)\d\d))?")
_TO_WEEKDAY = re.compile(r"(?:\s?-\s?|,\s?| và |, và )(?:T[2-7](?!\d)|CN(?![^\W_]))")
_DAY_CUES = frozenset(["sáng", "chiều", "tối", "trưa", "đêm", "t2", "t3", "t4", "t5", "t6", "t7", "cn"])
_LONGEST_WORD = 40
_X_TIMES = re.compile(r"x(\d)")
_AND_SO_ON = re.compile(r"[vV]\.\s?[vV]\.?")
_INITIALS = re.compile(r"(?:[A-ZĐ]\.\s?){1,3}[A-ZĐ](?:\.(?=\s|[,;)(]|$))?")
_INITIAL_THEN_NAME = re.compile(rf"[A-ZĐ]\.\s?[{CAPITALS}][{SMALL}]")
_PERSONS = tables.cues("person")
_UNIT_WORD = re.compile(r"[a-zµμ]{1,5}[23]?(?:/[a-z]{1,3}[23]?)?")
_MAGNITUDES = ("triệu", "nghìn", "ngàn", "tỷ", "tỉ", "vạn", "trăm", "chục", "mỗi", "vài", "mấy")
_KIND_GLUED = re.compile(r"([A-ZĐ][A-Za-zĐđ]{1,3})(?=\d{1,6}(?:\s?[-/]\s?[A-ZĐ]|/(?:19|20)\d\d))")
_LETTERED_THINGS = tables.cues("letter")
"""Before a letter that is said by its name."""
_LETTERED_PARTS = tables.cues("small letter")
_LOWER_ROMAN_AFTER = ("thế kỷ", "thế kỉ", "chương", "phần", "mục", "khoản", "đoạn", "phụ lục", "khóa", "thứ")
_SIZES = (TokenClass.NUMBER, TokenClass.MEASURE)
_ENUMERATED = re.compile(r"[^\W\d_]|\d{1,3}[^\W\d_]?|.*\d")
_VOWEL = re.compile(r"[aeiouyàáâãèéêìíòóôõùúýăĩũơưạ-ỹ]", re.IGNORECASE)
_INITIAL_WITH_DOT = re.compile(r"[^\W\d_]\.")
_KIND_OF_NUMBER = re.compile(r"\.?\s{1,2}(?:số:?\s{1,2})?\d{1,6}(?:/\d{4})?\s?[-/]\s?[A-ZĐ]")
_AND = ("và", "đến", "hoặc", "hay")


def word(at: Cursor) -> Reading:  # noqa: PLR0911 - one answer for each form
    """Read what begins with a letter here."""
    found = WORD.match(at.text, at.place)
    assert found is not None  # noqa: S101 - the reader comes here only on a letter
    written, end = found[0], found.end()
    lower = written.lower()
    for rule in (
        _initials,
        codes.road_post,
        _quarter,
        _weekday,
        codes.serial,
        codes.variety,
        _compound,
        codes.ward,
        codes.glued,
        _listed,
        _roman,
        _unit_alone,
    ):
        if (reading := rule(at, written, end)) is not None:
            return reading
    if is_syllable(lower) and not at.joined(end):
        # "xã TAN" among small letters may be letters: an abbreviation bears no marks.
        doubtful = (
            len(written) > 1
            and written.isupper()
            and written.isascii()
            and not at.shouting
            and not at.among_capitals(end)
        )
        return Reading(end, TokenClass.WORD, lower, (names_of(written),) if doubtful else (), certain=not doubtful)
    if (item := _lower_item(at, written, end)) is not None:
        return item
    if written == "x" and (often := at.match(_X_TIMES)) is not None:
        return Reading(often.end(), TokenClass.SYMBOL, f"nhân {cardinal(often[1])}")  # "Toán x2"
    if written in ("đ", "Đ") and at.preceded_by(*_MAGNITUDES):
        return Reading(end, TokenClass.MONEY, "đồng")  # "10-15 ngàn đ/kg"
    if (and_so_on := at.match(_AND_SO_ON)) is not None:
        return Reading(and_so_on.end(), TokenClass.WORD, "vân vân")
    if at.joined(end) and at.text[end].isdecimal() and _apart(written):
        return Reading(end, TokenClass.WORD, lower)  # "ngày28/11", "số57": the space is left out
    after = at.text[end : end + 2]
    digits_follow = after[:1].isdecimal() or (after[:1] == "-" and after[1:].isdecimal() and written.isupper())
    return (codes.code(at) if digits_follow else None) or _letter(at, written, end) or _unknown(written, end)


def _listed(at: Cursor, written: str, end: int) -> Reading | None:  # noqa: PLR0911 - one answer for each form
    """The longest entry of the tables that begins here."""
    glued = at.match(_KIND_GLUED) or _KIND_GLUED.match(at.text, at.place)
    if glued is not None and (kind := tables.document_types().get(glued[1])) is not None:
        return Reading(glued.end(), TokenClass.ABBREVIATION, kind)  # "QĐ749/QĐ-TTg"
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
            return settled(at, part, entry, TokenClass.ABBREVIATION)
        if (entry := tables.name(part)) is not None:
            return settled(at, part, entry, TokenClass.NAME)
    if (
        written not in tables.abbreviations()
        and (said := at.defined.get(longest) or at.defined.get(written)) is not None
    ):
        return Reading(at.place + len(longest if longest in at.defined else written), TokenClass.ABBREVIATION, said)
    del end
    return None


def _quarter(at: Cursor, written: str, end: int) -> Reading | None:
    """ "Q3/2025", "QIII/2025"."""
    del end
    found = at.match(_QUARTER) if written[0] == "Q" else None
    if found is None:
        return None
    said = f"quý {cardinal(roman(found[1]) or found[1])} năm {cardinal(found[2])}"
    return Reading(found.end(), TokenClass.DATE, said)


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
    if at.preceded_by("thứ"):
        return Reading(found.end(), TokenClass.DATE, ordinal(int(found[1])))  # "thứ T7"
    day = f"thứ {ordinal(int(found[1]))}"
    sure = _TO_WEEKDAY.match(at.text, found.end()) is not None
    sure = (
        sure
        or not _DAY_CUES.isdisjoint(at.before[-2:])
        or at.following(found.end())[0] in ("ngày", "hàng", "hằng", "cn")
    )
    return Reading(found.end(), TokenClass.DATE, day, (f"tháng {month(int(found[1]))}",), certain=sure)


def _apart(written: str) -> bool:
    """Whether these letters are a Vietnamese word with its marks, which no code has."""
    lower = written.lower()
    marked = any(char > "\x7f" and char != "đ" for char in lower)
    return len(written) > 1 and marked and is_syllable(lower) and written not in tables.abbreviations()


def _lower_item(at: Cursor, written: str, end: int) -> Reading | None:
    """ "i)", "ii)", "(iii)": marks of a list; "i)" alone is a letter unless "ii)" comes after it."""
    if (
        at.text[end : end + 1] != ")"
        or len(written) > 5
        or not written.islower()
        or (value := roman(written)) is None
        or value > 20
    ):
        return None
    if len(written) == 1 and not (
        at.last is TokenClass.LIST_MARK
        or "ii)" in at.text[end : end + 600]
        or "iv)" in at.text[max(0, end - 600) : end]
    ):
        return None
    return Reading(end, TokenClass.LIST_MARK, cardinal(value))


def _initials(at: Cursor, written: str, end: int) -> Reading | None:
    """ "ông T.V.N.", "chị N.T.H": letters in place of a name; "Trần Q. Minh": one in the middle of it."""
    del end
    if len(written) != 1 or not written.isupper():
        return None
    found = _INITIALS.match(at.text, at.place)
    if found is not None and not at.joined(found.end()) and found[0] not in tables.abbreviations():
        certain = at.after_name() or (at.before[-1:] != [] and at.before[-1] in _PERSONS)
        return Reading(found.end(), TokenClass.NAME, names_of(found[0].replace(".", "")), certain=certain)
    found = _INITIAL_THEN_NAME.match(at.text, at.place)
    if found is None and at.text[at.place + 1 : at.place + 2] == "." and at.after_name():
        return Reading(at.place + 1, TokenClass.NAME, names_of(written))  # "Nguyễn Văn X. (SN 1990)"
    if found is None or not at.after_name():
        return None
    entry = tables.abbreviations().get(f"{written}.")
    others = (entry.reading, *entry.others) if entry is not None else ()
    said = names_of(written)
    return Reading(
        at.place + 2, TokenClass.NAME, said, tuple(each for each in others if each != said), certain=not others
    )


def _unit_alone(at: Cursor, written: str, end: int) -> Reading | None:
    """A unit in small letters that no number carries: "7,4 triệu ha", "mỗi m2"; "ha" alone is no word of an announcement."""
    if not written.islower():
        return None
    found = _UNIT_WORD.match(at.text, at.place)
    if found is None or at.joined(found.end()):
        return None
    said = tables.units().get(found[0])
    if said is None or (len(found[0]) == 1 and not at.preceded_by(*_MAGNITUDES)):
        return None
    if found[0] == "ha" and (at.before[-1:] == ["ha"] or at.following(end)[0] == "ha"):
        return None
    if found[0] in ("min", "oc", "cc", "cal", "dm", "t/h") and not at.preceded_by(*_MAGNITUDES):
        return None
    return Reading(found.end(), TokenClass.MEASURE, said)


def _compound(at: Cursor, written: str, end: int) -> Reading | None:
    """Two words that are one name: "Internet Banking", "big data"."""
    del end
    if written.lower() not in tables.compound_heads():
        return None
    found = at.match(_WIDE)
    entry = tables.name(found[0]) if found is not None and " " in found[0] else None
    return Reading(found.end(), TokenClass.NAME, entry.reading, entry.others) if found and entry else None


def _roman(at: Cursor, written: str, end: int) -> Reading | None:  # noqa: PLR0911 - one answer for each form
    value = roman(written) if _ROMAN.fullmatch(written) and not at.joined(end) else None
    if value is None:
        return None
    numbered = ("chương",) if len(written) == 1 else ("chương", "mục", "phần", "khoản", "điều", "thế kỷ", "năm")
    if _NO_SMALL.fullmatch(written) and not at.preceded_by(*numbered):  # "hạng C", "số CC"
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
    if year is not None and at.preceded_by("quý", "kỳ", "đợt", "học kỳ", "lần", "lần thứ"):
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


def _letter(at: Cursor, written: str, end: int) -> Reading | None:
    """One letter that is no word: "đội B", "điểm đ"."""
    if len(written) != 1 or not (name := names_of(written)):
        return None
    if (
        written.lower() == "x"
        and at.text[end : end + 2].strip()[:1].isdecimal()
        and (at.last in _SIZES or not at.joined(end))
    ):
        return Reading(end, TokenClass.SYMBOL, "nhân", certain=at.last in _SIZES)
    if at.text[end : end + 1] == "/" or at.text[at.place - 1 : at.place] == "/":
        return Reading(end, TokenClass.CODE, name, certain=False)
    if written == "x" and at.last in (*_SIZES, TokenClass.PERCENT, TokenClass.MONEY):
        return Reading(
            end,
            TokenClass.SYMBOL,
            "nhân",
            ("ích",),
            at.following(end)[0] in ("dài", "rộng", "cao", "lương", "mức", "số"),
        )
    last = at.before[-1] if at.before else ""
    if at.text[end : end + 1] in (")", ".") and (not last or at.last is None):
        return Reading(end, TokenClass.LIST_MARK, name)  # "; b) đất ở"
    listed = last in _LETTERED_THINGS if written.isupper() else last in _LETTERED_PARTS
    if written in "NPKS" and at.last is TokenClass.PERCENT:
        listed = True  # "46%N"
    certain = listed or _ENUMERATED.fullmatch(last) is not None or (written.isupper() and at.after_name())
    return Reading(end, TokenClass.CODE, name, certain=certain)


def _unknown(written: str, end: int) -> Reading:
    if len(written) > 1 and written.islower() and (unit := tables.units().get(written)) is not None:
        return Reading(end, TokenClass.MEASURE, unit)
    if len(written) > _LONGEST_WORD:
        return Reading(end, TokenClass.UNKNOWN, "", certain=False)
    letters = names_of(written)
    if (written.isupper() or _VOWEL.search(written) is None) and len(written) <= 8:
        return Reading(end, TokenClass.ABBREVIATION, letters, certain=False)
    said = foreign(written) or letters
    return Reading(end, TokenClass.UNKNOWN, said, (letters,) if letters != said else (), certain=False)
