"""The editorial checks. Each takes the NFC text and its script and gives findings."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

from audio.script import tables
from audio.script.editorial_dates import dates
from audio.script.editorial_words import advertising, former_units, letters, long_sentences
from audio.script.findings import Concern, Finding, Severity
from audio.script.model import Script, TokenClass
from audio.script.old_encodings import old_encodings
from audio.script.rules.cursor import CAPITALS

Check = Callable[[str, Script], Iterator[Finding]]

_PARTY = ("TW", "TU", "HU", "ĐU", "ThU")
_STATE_ISSUERS = ("CP", "TTg", "UBND", "HĐND")
_SWAPPED = ("TT", "NĐ", "QĐ", "NQ", "TTLT")
"""Kinds of documents that bear a year; after the body they stand in the wrong place."""
_CITATION = re.compile(
    r"(?<![\w/-])(\d{1,5}(?:/\d{4})?)([-/ ])([A-ZĐ][A-Za-zĐ]{0,4})([-/])([A-ZĐ][A-Za-zĐ]{0,6})(?![\w/-])"
)
_RUN_TOGETHER = re.compile(r"(?<![\w/-])(\d{1,5}(?:/\d{4})?)[-/]([A-ZĐ]{2,3}?)(TW|TU|CP|TTg|UBND|HĐND)(?![\w/-])")
"""The mark between the kind and the body left out: "57-NQTW", "147/2024/NĐCP"."""
_LINE = re.compile(r"[^\n]+")
_FURNITURE = re.compile(
    r"\s*(?:[*#_\s]{0,8})(?:số:?\s*(?:\.{2,}|…+)?\s*/[A-ZĐ]{1,6}-[A-ZĐ&]{1,12}"
    r"|(?:[^\n\t]{1,80}\t\s*)?(?:cộng h(?:òa|oà) xã hội chủ nghĩa việt nam|độc lập\s*[-–—]\s*tự do\s*[-–—]\s*hạnh phúc)|(?:trang\s*)?\d{1,3}(?:\s*/\s*\d{1,3})?|-\s?\d{1,3}\s?-|[-_=*.]{3,})[*#_\s]{0,8}",
    re.IGNORECASE,
)
_BLANK_DATE = re.compile(
    r"[^\n]{0,40}ngày\s*(?:\.{2,}|…+)?\s*tháng\s*(?:\.{2,}|…+|\d{1,2})?\s*năm\s*\d{4}[ *_]*", re.IGNORECASE
)
_RECIPIENTS = re.compile(r"[*#_\s]{0,8}nơi nhận\s*(?::.{0,400})?[*#_\s]{0,8}", re.IGNORECASE)
_SIGNATURE = re.compile(
    rf"[*#_\s]{{0,8}}(?:(?:KT|TM|TL|TUQ|Q)\.\s?[{CAPITALS} ,]{{3,60}}|(?:PHÓ )?CHỦ TỊCH|(?:PHÓ )?TRƯỞNG BAN|CHÁNH VĂN PHÒNG|(?:PHÓ )?BÍ THƯ|(?:PHÓ )?TRƯỞNG CÔNG AN|(?:PHÓ )?CHỈ HUY TRƯỞNG|[(\[]?[Đđ]ã ký[)\]]?)[*#_\s]{{0,8}}"
)
_ANNEX = re.compile(r"[*#_\s]{0,8}phụ lục\b", re.IGNORECASE)


def uncertain_readings(_text: str, script: Script) -> Iterator[Finding]:
    """Tokens whose reading a person must settle."""
    for token in script.uncertain:
        said = f"đang đọc là “{token.reading}”" if token.reading else "chưa đọc được"
        cause = f"Không chắc cách đọc “{token.text[:40]}”: {said}. Hãy viết rõ bằng lời hoặc chọn cách đọc."
        yield Finding(
            Concern.UNCERTAIN_READING, Severity.ERROR, token.start, token.end, token.text, cause, token.reading or None
        )


def citations(text: str, _script: Script) -> Iterator[Finding]:
    """Document numbers in the wrong form: the Party writes 57-NQ/TW, the State 03/NQ-CP; or cut short beside the whole one."""
    found = list(_CITATION.finditer(text))
    whole = Counter(match[0] for match in found if _right_form(match) == match[0])
    for match in found:
        right = _right_form(match)
        if right != match[0]:
            yield _citation(match, right)
            continue
        longer = [each for each in whole if each != match[0] and each.startswith(match[0]) and len(match[5]) < 2]
        if len(match[5]) == 1:
            yield _citation(match, longer[0] if longer else None)
    for match in _RUN_TOGETHER.finditer(text):
        if match[2] in tables.document_types():
            yield _citation(match, _form(match[1], match[2], match[3]))


def _right_form(match: re.Match[str]) -> str:
    number, kind, body = match[1], match[3], match[5]
    if kind in tables.issuers() and body in _SWAPPED and "/" in number:  # "39/2020/BTTTT-TT"
        kind, body = body, kind
    elif body not in (*_PARTY, *_STATE_ISSUERS) or (kind not in tables.document_types() and body not in _PARTY):
        return match[0]
    return _form(number, kind, body)


def _form(number: str, kind: str, body: str) -> str:
    return f"{number}-{kind}/{body}" if body in _PARTY else f"{number}/{kind}-{body}"


def _citation(match: re.Match[str], right: str | None) -> Finding:
    cause = f"Số hiệu “{match[0]}” có vẻ sai thể thức" + (
        f"; đúng ra là “{right}”." if right else ": thiếu tên cơ quan ban hành."
    )
    return Finding(Concern.CITATION, Severity.WARNING, match.start(), match.end(), match[0], cause, right)


def not_for_reading(text: str, _script: Script) -> Iterator[Finding]:
    """Letterhead, blanks to be filled in and page numbers, line by line; the list of recipients and the signature as one block."""
    closing: int | None = None
    end = 0
    for match in _LINE.finditer(text):
        line = match[0]
        if not line.strip():
            continue
        bare = (
            line.removesuffix(".") if match.start() == 0 else line
        )  # a title has a full stop of its own when it is read out
        if closing is not None:
            if _ANNEX.match(line) is None:
                end = match.end()
                continue
            yield _closing(text, closing, end)
            closing = None
        if _RECIPIENTS.fullmatch(line) or (match.start() > len(text) // 2 and _SIGNATURE.fullmatch(line)):
            closing, end = match.start(), match.end()
        elif _FURNITURE.fullmatch(bare) or _BLANK_DATE.fullmatch(bare):
            cause = "Dòng này thuộc thể thức văn bản (tiêu ngữ, số để trống, số trang), thường không đọc trên loa."
            end = match.start() + len(bare)
            yield Finding(Concern.NOT_FOR_READING, Severity.WARNING, match.start(), end, bare, cause, "")
    if closing is not None:
        yield _closing(text, closing, end)


def _closing(text: str, start: int, end: int) -> Finding:
    cause = "Phần “Nơi nhận” và chữ ký ở cuối văn bản thường không đọc trên loa."
    return Finding(Concern.NOT_FOR_READING, Severity.WARNING, start, end, text[start:end], cause, "")


def end_marks(_text: str, script: Script) -> Iterator[Finding]:
    """ "./." ends an official document; it is not spoken, and may go."""
    for token in script.tokens:
        if token.cls is TokenClass.END_MARK:
            yield Finding(
                Concern.NOT_FOR_READING,
                Severity.INFO,
                token.start,
                token.end,
                token.text,
                "Dấu kết thúc văn bản “./.”: máy không đọc.",
                ".",
            )


ALL: tuple[Check, ...] = (
    old_encodings,
    uncertain_readings,
    citations,
    dates,
    not_for_reading,
    former_units,
    advertising,
    letters,
    long_sentences,
    end_marks,
)
