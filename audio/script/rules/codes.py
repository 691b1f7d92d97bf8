"""Letters and figures in one: "COVID-19", "ĐH.05", "Km2+300", varieties of crops, serial numbers, wards by number."""

import re

from audio.script import tables
from audio.script.letters import names_of
from audio.script.model import TokenClass
from audio.script.numerals import cardinal, decimal_part, in_file_number, roman, spelled
from audio.script.rules.cursor import Cursor, Reading
from audio.script.rules.settling import settled
from audio.script.syllables import is_syllable

_CODE = re.compile(
    r"([^\W\d_]{1,10})-?(\d{1,6}(?:\.\d{1,2})?)([^\W\d_]{0,4})(?:-(\d{1,4}))?|(\d{1,4})([^\W\d_]{1,4})(\d{0,4}(?:\.\d{1,2}(?!\d))?)"
)
_ROAD_POST = re.compile(r"([Kk][Mm]|K)\s?(\d{1,4})\s?\+\s?(\d{1,3})(?:m(?![^\W_]))?")
_DOTTED_CODE = re.compile(r"([A-ZĐ]{1,3})\.(\d{1,4})([A-Z]?)(?![.)]\s|[.,/-]?\d)")
_WITH_ROMAN = re.compile(r"([A-ZĐ]{2,4}?)(IV|V?I{1,3})")
_SERIES_FOLLOWS = re.compile(r"\d{1,2}(?:[-:.]\d{1,2}){2,4}(?![^\W_])")
_VARIETY = re.compile(r"([A-ZĐ][^\W\d_]{0,5})(\s|-)?(\d{1,6})(?:-(\d{1,4}))?([A-Z]{0,2})")
_VARIETY_WORDS = tables.cues("variety")
_VARIETY_PREFIXES = tables.cues("variety prefix")
_NUMBERED_SHORT = tables.cues("numbered short form")
"""Short forms that a number follows without a space; after others the letters are a code."""
_VARIETY_BEFORE = re.compile(r"[^\W\d_]{1,5}\d[\d-]{0,6}")
_VARIETY_KINDS = tables.cues("variety kind")
_BOAT = re.compile(r"([A-ZĐ]{1,3})\s?-\s?(\d{4,5})\s?-\s?TS")
_COMMA_TAIL = re.compile(r",(\d{1,2})(?![\d.,]*\d)(?![^\W\d_])")
_CONCRETE = frozenset(("btxm", "btct", "đá", "dày", "vữa"))
"""Near these "M200" is a grade of concrete."""
_FUEL = re.compile(r"(\d{2})\s?-\s?(I{1,3}|IV|V)")
_SERIAL = re.compile(r"[A-ZĐ]{1,4}\d{1,6}(?:[.-]\d{1,12}){2,6}")
_WARD = re.compile(r"[A-ZĐ]\.\s?(\d{1,4})(?![.,/]?\d)")
_WARDS = {"P": "phường", "F": "phường", "Q": "quận", "Đ": "điều"}


def road_post(at: Cursor, written: str, end: int) -> Reading | None:
    """ "Km2+300", "km 45+200": so many kilometres and so many metres from where the road begins."""
    del end
    found = at.match(_ROAD_POST) if written.lower() in ("km", "k") else None
    if found is None:
        return None
    post = "ca" if found[1] == "K" else "ki lô mét"
    return Reading(found.end(), TokenClass.CODE, f"{post} {cardinal(found[2])} cộng {cardinal(found[3])}")


def variety(at: Cursor, written: str, end: int) -> Reading | None:
    """The name of a variety of a crop, "TH3-3", "BC15", "IR50404": letters, then a number; three digits and more are said one by one."""
    del end
    if not written[0].isupper() or not (at.crops or written in _VARIETY_PREFIXES):
        return None
    found = at.match(_VARIETY)
    if found is None or (is_syllable(found[1].lower()) and not found[1].isupper()) or tables.units().get(found[1]):
        return None
    nearest = at.before[-1] if at.before else ""
    named = not found[2] and (found[1] not in _NUMBERED_SHORT or found[1] in ("NĐ", "NQ", "NV") or bool(found[4]))
    named = named or nearest in _VARIETY_WORDS | _VARIETY_KINDS or _VARIETY_BEFORE.fullmatch(nearest) is not None
    doubtful = found[1] in tables.abbreviations() and found[2] == " " and not found[4]
    if doubtful or (not named and (found[1] in tables.abbreviations() or found[2] == " ")):
        return None  # "giống lúa của HTX 2", "giá lúa tại QL10"
    numbers = [
        cardinal(part) if len(part) < 3 and part[0] != "0" else spelled(part) for part in (found[3], found[4]) if part
    ]
    said = [names_of(found[1]), *numbers, names_of(found[5])]
    return Reading(found.end(), TokenClass.CODE, " ".join(part for part in said if part))


def fuel(at: Cursor) -> Reading | None:
    """ "RON 95-III": the octane number and the level of the exhaust standard."""
    found = at.match(_FUEL) if at.preceded_by("ron", "điêzen", "diesel", "do", "e5", "e10") else None
    if found is None:
        return None
    return Reading(found.end(), TokenClass.CODE, f"{cardinal(found[1])} {cardinal(roman(found[2]) or 0)}")


def serial(at: Cursor, written: str, end: int) -> Reading | None:
    """A code of letters and several groups of digits, "H23.45.12-251105-0012": one by one, and a person must look."""
    del written, end
    found = at.match(_SERIAL)
    if found is None or found[0].startswith("NPK"):
        return None
    parts = [spelled(part) if part.isdecimal() else names_of(part) for part in re.findall(r"\d+|[^\W\d_]+", found[0])]
    return Reading(found.end(), TokenClass.CODE, " ".join(parts), certain=False)


def ward(at: Cursor, written: str, end: int) -> Reading | None:
    """ "P.5, Q.1": a ward and a district by number; "P.203" a room; "khoản 1 Đ.9"."""
    del end
    found = at.match(_WARD) if written in _WARDS else None
    if found is None:
        return None
    if written == "Đ" and {"khoản", "điểm", "theo"}.isdisjoint(at.before[-4:]):
        return None
    named = "phòng" if written == "P" and len(found[1]) > 2 else _WARDS[written]
    return Reading(found.end(), TokenClass.ADDRESS, f"{named} {in_file_number(found[1])}")


def glued(at: Cursor, written: str, end: int) -> Reading | None:
    """An abbreviation and its number without a space: "ĐH.05", "BĐII", "NPK16-16-8"."""
    found = at.match(_DOTTED_CODE)
    if found is not None and (entry := tables.abbreviations().get(found[1])) is not None:
        first = settled(at, found[1], entry, TokenClass.CODE)
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
        elif (
            part == "M"
            and not parts
            and (at.preceded_by("mác", "bê tông", "btct", "btxm", "vữa") or not _CONCRETE.isdisjoint(at.before[-8:]))
        ):
            parts += [] if at.preceded_by("mác") else ["mác"]  # "mác M250", "bê tông M200"
        elif part in ("x", "X") and parts and found[0][0].isdecimal() and found[0][-1].isdecimal():
            parts.append("nhân")
        elif part[0].isdecimal():
            certain = certain and len(part) < 4  # by digits or as a number: only those who named it know
            parts.append(cardinal(part) if not part.startswith("0") else " ".join(cardinal(digit) for digit in part))
        elif (entry := tables.abbreviations().get(part)) is not None and (
            len(part) > 2 or part in _NUMBERED_SHORT or "-" in found[0]
        ):
            first = settled(at, part, entry, TokenClass.CODE) if not parts else None
            certain = certain and not parts  # "2PN": what stands after a number may be anything
            parts.append(first.said if first else entry.reading)
            certain = certain and (first.certain if first else not entry.others)
        elif (entry := tables.name(part)) is not None:
            parts.append(entry.reading)
        else:
            word_like = is_syllable(part.lower()) and (len(part) > 2 or not (part.isascii() or part.isupper()))
            parts.append(part.lower() if word_like else names_of(part))
            certain = certain and bool(parts[-1]) and (len(part) <= 2 or (word_like and not part.isupper()))
            certain = certain and part not in tables.abbreviations()  # "2PN", "BC15": the letters may stand for words
    said = " ".join(part for part in parts if part)
    tail = _COMMA_TAIL.match(at.text, found.end())
    if tail is not None and found[0][-1].isdecimal():  # "cột H8,5": or two codes with the space left out
        return Reading(tail.end(), TokenClass.CODE, f"{said} phẩy {decimal_part(tail[1])}", certain=False)
    return Reading(found.end(), TokenClass.CODE, said, certain=certain)
