"""Numbers of official documents: "57-NQ/TW", "147/2024/NĐ-CP", "873/KH-UBND".

An announcer says the kind, the number and the body, not the letters: "Nghị quyết số năm mươi bảy của Trung ương". What the sentence says itself, before or after the number, is not said twice.
Source of the forms: Nghị định 30/2020/NĐ-CP, annex I; Hướng dẫn 36-HD/VPTW (2018); Luật 80/2015/QH13.
"""

import re

from audio.script import tables
from audio.script.letters import names_of
from audio.script.model import TokenClass
from audio.script.numerals import cardinal, in_file_number
from audio.script.rules.cursor import Cursor, Reading

_CODE = r"[A-ZĐƯÂĂÊÔƠ][A-Za-zĐđƯưi]{0,11}\d{0,2}(?:&[A-ZĐ]{1,8})?"
_NUMBER = re.compile(rf"(\d{{1,6}}[a-e]?)(?:/(\d{{4}}))?\s?[-/]\s?({_CODE}(?:[-/.&]{_CODE}){{0,4}})")
_OF_YEAR = re.compile(r"(\d{1,5})/((?:19|20)\d\d)(?![/.-]?[\w]|\s?[/-]\s?[A-ZĐ])")
_BEFORE_NUMBER = frozenset(
    ("luật", "nghị định", "nghị quyết", "thông tư", "quyết định", "chỉ thị", "nđ", "nq", "tt", "qđ")
)
_PARTED = re.compile(
    r"(\d{1,6})(?:\s?/\s?(\d{4}))?\s?[-/]\s?([A-ZĐ][A-Za-zĐđƯư]{0,11}(?:\s?-\s?[A-ZĐ][A-ZĐa-zƯ&]{1,11}){1,2})"
)
_APART = re.compile(r"(\d{1,4})(?:/(\d{4}))?\s([A-ZĐ][A-Za-zĐđ]{1,3}\s?[/-]\s?[A-ZĐ][A-Za-zĐƯư]{1,7})")
_STANDARD = re.compile(r"(\d{1,6})(?:[-](\d{1,3}))?:(\d{4})(?:/([A-ZĐ]{2,10}))?")
_ASSEMBLY = re.compile(r"(QH|UBTVQH)(\d{1,2})")
_GOES_ON = re.compile(r"(?:,?\s{1,2}(?:ban hành\s)?ngày\s[\w\s/.-]{1,32}?)?,?\s{1,2}của\s")
_JOINT = ("TTLT", "NQLT")
_KINDS = (
    "luật",
    "bộ luật",
    "hiến pháp",
    "công văn",
    "văn bản",
    "hướng dẫn",
    "thông tri",
    "chương trình hành động",
    "công điện",
    "quy định",
)


def document_number(at: Cursor) -> Reading | None:
    """The number of a document by its kind and issuing body; unknown letters are spelled, and uncertain."""
    if (
        (dated := at.match(_OF_YEAR)) is not None
        and _kind_before(at, spelled_out=True)
        and 1945 <= int(dated[2]) <= 2100
    ):
        said = f"{in_file_number(dated[1])} năm {cardinal(dated[2])}"  # "Nghị định 144/2021"
        return Reading(dated.end(), TokenClass.DOCUMENT_NUMBER, said)
    found = at.match(_NUMBER)
    parted = _parted(at)
    if parted is not None and (found is None or parted.end() > found.end()):
        found = parted
    if found is None:
        return None
    number, year, codes = found[1], found[2], re.split(r"\s?[-/.]\s?", found[3])
    kinds = tables.document_types()
    issuers = tables.issuers()
    # "TT" and the like are kinds only in front; "57/NQ-TW" and "57-NQ/TW" both begin with the kind.
    kind = kinds.get(codes[0])
    rest = codes[1:] if kind else codes
    if kind is None and codes[0] not in issuers and _ASSEMBLY.fullmatch(codes[0]) is None and not _kind_before(at):
        return None
    words: list[str] = []
    said_kind = _kind_before(at)
    if not said_kind and kind:
        words += [kind, "số"]
    words.append(_numbered(number))
    if year:
        words += ["năm", cardinal(year)]
    body = _body(rest, joint=codes[0] in _JOINT)
    # "Chính phủ ban hành Nghị quyết số 03/NQ-CP": the body is the subject already.
    goes_on = bool(body) and (rest[0].lower() in at.before or (body or "") in " ".join(at.before))
    goes_on = goes_on or _GOES_ON.match(at.text, found.end()) is not None
    certain = _well_formed(number, year, codes)
    if body is None:
        certain = certain and (not rest or goes_on)
        if rest and not goes_on:
            words.append(names_of("".join(rest)))
    elif body and not goes_on:
        words += ["của", body]
    letters = " ".join([_numbered(number), *([cardinal(year)] if year else []), *(names_of(code) for code in codes)])
    return Reading(found.end(), TokenClass.DOCUMENT_NUMBER, " ".join(words), (letters,), certain)


def _numbered(number: str) -> str:
    """ "57"; "30a", a number that was put in between."""
    digits = number.rstrip("abcde")
    return f"{in_file_number(digits)} {names_of(number[len(digits) :])}".strip()


def _parted(at: Cursor) -> re.Match[str] | None:
    """ "02 /KH – BTC": spaces between the parts, only where all of them are known."""
    found = at.match(_PARTED) or at.match(_APART)
    if found is None:
        return None
    codes = re.split(r"\s?[-/]\s?", found[3])
    known = codes[0] in tables.document_types() or codes[0] in tables.issuers()
    return found if known and (at.preceded_by("số") or _kind_before(at)) else None


def _body(codes: list[str], *, joint: bool) -> str | None:
    """The issuing body; empty if the number names none, None if it is not known. Of "UBND-VX" the second part is an office's file mark, which nobody says."""
    if not codes:
        return ""
    assembly = _ASSEMBLY.fullmatch(codes[0])
    if assembly:
        name = "quốc hội" if assembly[1] == "QH" else "ủy ban thường vụ quốc hội"
        return f"{name} khóa {cardinal(assembly[2])}"
    known = [tables.issuers()[code] for code in codes if code in tables.issuers()]
    if joint and len(known) == len(codes):
        return " và ".join(known)
    return tables.issuers().get(codes[0])


def _kind_before(at: Cursor, *, spelled_out: bool = False) -> bool:
    """Whether the kind of document stands just before; ``spelled_out``: "số" alone does not tell it."""
    if at.preceded_by("số"):
        if not spelled_out:
            return True
        return not _BEFORE_NUMBER.isdisjoint(" ".join(at.before[-count:-1]) for count in (2, 3, 4))
    kinds = set(tables.document_types().values()) | set(_KINDS)
    codes = {code.lower() for code in tables.document_types()}
    return any(tail in kinds for tail in at.tails()) or (at.before[-1:] != [] and at.before[-1] in codes)


def _well_formed(number: str, year: str | None, codes: list[str]) -> bool:
    """Whether the number can be what it says; the *form* (57/NQ-TW for 57-NQ/TW) is a matter of the editorial checks, since it is read alike."""
    if len(codes[-1]) == 1 or len(number) > 5:
        return False
    return year is None or 1945 <= int(year) <= 2100


def standard(at: Cursor) -> Reading | None:
    """Standards and technical regulations: "TCVN 7957:2023", "QCVN 26:2010/BTNMT"."""
    if not at.preceded_by("tcvn", "qcvn", "tcxdvn", "iso", "qcđp"):
        return None
    found = at.match(_STANDARD)
    if found is None:
        return None
    words = [cardinal(found[1]) if len(found[1]) < 3 else in_file_number(found[1])]
    if found[2]:
        words += ["gạch", cardinal(found[2])]
    words += ["năm", cardinal(found[3])]
    if found[4] in tables.issuers():
        words += ["của", tables.issuers()[found[4]]]
    return Reading(found.end(), TokenClass.DOCUMENT_NUMBER, " ".join(words))
