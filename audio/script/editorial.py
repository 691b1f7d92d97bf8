"""The editorial checks. Each takes the NFC text and its script and gives findings."""

import datetime
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator

from audio.script import tables
from audio.script.findings import Concern, Finding, Severity
from audio.script.model import Script, TokenClass

Check = Callable[[str, Script], Iterator[Finding]]

_BREATH_WORDS = 45
"""Syllables without a pause: at 3 to 4 a second that is 12 s, longer than a reader's breath and a listener's memory."""

_PARTY = ("TW", "TU", "HU", "ĐU", "ThU")
_STATE_ISSUERS = ("CP", "TTg", "UBND", "HĐND")
_CITATION = re.compile(r"(?<![\w/-])(\d{1,5})([-/])([A-ZĐ][A-Za-zĐ]{0,4})([-/])([A-ZĐ][A-Za-zĐ]{0,6})(?![\w/-])")
_DATE = re.compile(
    r"(?<![\d/.])(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?![\d/])|ngày (\d{1,2}) tháng (\d{1,2})(?: năm (\d{4}))?|ngày (\d{1,2})/(\d{1,2})(?![\d/])"
)
_WEEKDAY = re.compile(
    r"(thứ (?:hai|ba|tư|năm|sáu|bảy|[2-7])|chủ nhật),?\s*(?:\(|-|ngày)?\s*(?:ngày )?(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})",
    re.IGNORECASE,
)
_WEEKDAYS = ("hai", "ba", "tư", "năm", "sáu", "bảy", "chủ nhật")
_LINE = re.compile(r"[^\n]+")
_FURNITURE = re.compile(
    r"\s*(?:[*#_\s]{0,8})(?:số:?\s*(?:\.{2,}|…+)?\s*/[A-ZĐ]{1,6}-[A-ZĐ&]{1,12}"
    r"|cộng hòa xã hội chủ nghĩa việt nam|độc lập\s*-\s*tự do\s*-\s*hạnh phúc|(?:trang\s*)?\d{1,3}(?:\s*/\s*\d{1,3})?|-\s?\d{1,3}\s?-|[-_=*.]{3,})[*#_\s]{0,8}",
    re.IGNORECASE,
)
_BLANK_DATE = re.compile(
    r"[^\n]{0,40}ngày\s*(?:\.{2,}|…+)?\s*tháng\s*(?:\.{2,}|…+|\d{1,2})?\s*năm\s*\d{4}[ *_]*", re.IGNORECASE
)
_RECIPIENTS = re.compile(r"[*#_\s]{0,8}nơi nhận\s*:?[*#_\s]{0,8}", re.IGNORECASE)
_UPPER = "".join(
    char for char in map(chr, range(0x41, 0x1EFA)) if char.isupper() and unicodedata.name(char, "").startswith("LATIN")
)
_SIGNATURE = re.compile(
    rf"[*#_\s]{{0,8}}(?:(?:KT|TM|TL|TUQ|Q)\.\s?[{_UPPER} ,]{{3,60}}|(?:PHÓ )?CHỦ TỊCH|(?:PHÓ )?TRƯỞNG BAN|CHÁNH VĂN PHÒNG|(?:PHÓ )?BÍ THƯ)[*#_\s]{{0,8}}"
)
_ANNEX = re.compile(r"[*#_\s]{0,8}phụ lục\b", re.IGNORECASE)
_NAME = rf"[{_UPPER}]\w{{0,10}}(?: [{_UPPER}]\w{{0,10}})?"
_DISTRICT = re.compile(
    rf"\b(?:UBND|HĐND|Ủy ban nhân dân|Hội đồng nhân dân|Huyện ủy|Công an)\s+huyện\b|\bhuyện {_NAME}|\bthị trấn {_NAME}"
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]+")
_LOOKALIKE = dict(zip("АВЕКМНОРСТХаеорсухіАΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTXaeopcyxiAABEZHIKMNOPTYXo", strict=True))
_WORD = re.compile(r"[^\W\d_]+")


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


def _right_form(match: re.Match[str]) -> str:
    number, kind, body = match[1], match[3], match[5]
    if body in _PARTY:
        return f"{number}-{kind}/{body}"
    if body in _STATE_ISSUERS and kind in tables.document_types():
        return f"{number}/{kind}-{body}"
    return match[0]


def _citation(match: re.Match[str], right: str | None) -> Finding:
    cause = f"Số hiệu “{match[0]}” có vẻ sai thể thức" + (
        f"; đúng ra là “{right}”." if right else ": thiếu tên cơ quan ban hành."
    )
    return Finding(Concern.CITATION, Severity.WARNING, match.start(), match.end(), match[0], cause, right)


def dates(text: str, _script: Script) -> Iterator[Finding]:
    """Days that the calendar does not have, and weekdays that do not fit the date."""
    for match in _DATE.finditer(text):
        day, month, year = (int(part) if part else None for part in _parts(match))
        if day is None or month is None:
            continue
        try:
            datetime.date(year or 2024, month, day)  # 2024 has the 29th of February
        except ValueError:
            yield Finding(
                Concern.DATE,
                Severity.ERROR,
                match.start(),
                match.end(),
                match[0],
                f"Lịch không có ngày {day}/{month}" + (f"/{year}." if year else "."),
            )
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


def _parts(match: re.Match[str]) -> tuple[str | None, str | None, str | None]:
    if match[1]:
        return match[1], match[3], match[4]
    return (match[5], match[6], match[7]) if match[5] else (match[8], match[9], None)


def not_for_reading(text: str, _script: Script) -> Iterator[Finding]:
    """Letterhead, blanks to be filled in and page numbers, line by line; the list of recipients and the signature as one block."""
    closing: int | None = None
    end = 0
    for match in _LINE.finditer(text):
        line = match[0]
        if not line.strip():
            continue
        if closing is not None:
            if _ANNEX.match(line) is None:
                end = match.end()
                continue
            yield _closing(text, closing, end)
            closing = None
        if _RECIPIENTS.fullmatch(line) or (match.start() > len(text) // 2 and _SIGNATURE.fullmatch(line)):
            closing, end = match.start(), match.end()
        elif _FURNITURE.fullmatch(line) or _BLANK_DATE.fullmatch(line):
            cause = "Dòng này thuộc thể thức văn bản (tiêu ngữ, số để trống, số trang), thường không đọc trên loa."
            yield Finding(Concern.NOT_FOR_READING, Severity.WARNING, match.start(), match.end(), line, cause, "")
    if closing is not None:
        yield _closing(text, closing, end)


def _closing(text: str, start: int, end: int) -> Finding:
    cause = "Phần “Nơi nhận” và chữ ký ở cuối văn bản thường không đọc trên loa."
    return Finding(Concern.NOT_FOR_READING, Severity.WARNING, start, end, text[start:end], cause, "")


def former_units(text: str, _script: Script) -> Iterator[Finding]:
    """Provinces, ministries and districts that no longer exist."""
    folded = text.lower()
    for written, now in tables.former_units().items():
        place = folded.find(written.lower()) if len(folded) == len(text) else -1
        while place >= 0:
            end = place + len(written)
            if not text[end : end + 1].isalnum():
                cause = f"“{text[place:end]}” không còn từ khi sắp xếp lại năm 2025, nay thuộc {now}. Giữ nguyên nếu nói về thời gian trước đó."
                yield Finding(Concern.FORMER_UNIT, Severity.INFO, place, end, text[place:end], cause)
            place = folded.find(written.lower(), end)
    for match in _DISTRICT.finditer(text):
        cause = f"“{match[0]}”: từ ngày 1/7/2025 không còn cấp huyện. Kiểm tra tên đơn vị hiện nay."
        yield Finding(Concern.FORMER_UNIT, Severity.INFO, match.start(), match.end(), match[0], cause)


def advertising(text: str, _script: Script) -> Iterator[Finding]:
    """Words of advertising."""
    folded = text.lower()
    if len(folded) != len(text):
        return
    for words in tables.advertising():
        for match in re.finditer(rf"\b{re.escape(words)}\b", folded):
            cause = f"“{text[match.start() : match.end()]}” là lời quảng cáo; đài xã không phát quảng cáo khi chưa được phép."
            yield Finding(
                Concern.ADVERTISING,
                Severity.WARNING,
                match.start(),
                match.end(),
                text[match.start() : match.end()],
                cause,
            )


def letters(text: str, _script: Script) -> Iterator[Finding]:
    """Invisible marks, and Cyrillic or Greek letters that look like Latin ones."""
    for match in _INVISIBLE.finditer(text):
        yield Finding(
            Concern.INVISIBLE,
            Severity.INFO,
            match.start(),
            match.end(),
            match[0],
            "Có ký tự ẩn (thường do chép từ nơi khác).",
            "",
        )
    for match in _WORD.finditer(text):
        word = match[0]
        if word.isascii() or not any(char in _LOOKALIKE for char in word):
            continue
        right = "".join(_LOOKALIKE.get(char, char) for char in word)
        cause = f"“{word}” có chữ cái của bảng chữ khác trông giống chữ Việt."
        yield Finding(Concern.MIXED_SCRIPT, Severity.WARNING, match.start(), match.end(), word, cause, right)


def long_sentences(text: str, script: Script) -> Iterator[Finding]:
    """More in one breath than a listener keeps."""
    for phrase in script.phrases:
        count = len(phrase.text.split())
        if count > _BREATH_WORDS:
            cause = (
                f"Câu dài {count} tiếng không có chỗ nghỉ (nên dưới {_BREATH_WORDS}); hãy thêm dấu phẩy hoặc tách câu."
            )
            yield Finding(
                Concern.LONG_SENTENCE, Severity.INFO, phrase.start, phrase.end, text[phrase.start : phrase.end], cause
            )


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
