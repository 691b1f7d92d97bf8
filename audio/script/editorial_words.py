"""The editorial checks of wording: units that are no more, advertising, strange letters, sentences without a rest."""

import itertools
import re
from collections.abc import Iterator, Mapping

from audio.script import tables
from audio.script.findings import Concern, Finding, Severity
from audio.script.model import Script, Token
from audio.script.rules.cursor import CAPITALS

_BREATH_WORDS = 45
"""Syllables without a pause: at 3 to 4 a second that is 12 s, longer than a reader's breath and a listener's memory."""
_SHORTEST_BREATH = 12
"""Syllables; a rest sooner than that chops the sentence."""
_JOINING = frozenset(("và", "nhằm", "để", "nhưng", "nếu", "khi", "đồng", "gồm", "sau", "trước"))
"""Words before which a sentence may rest."""
_NAME = rf"[{CAPITALS}]\w{{0,10}}(?: [{CAPITALS}]\w{{0,10}})?"
_DISTRICT = re.compile(
    r"\b(?:UBND|HĐND|MTTQ|Ủy ban nhân dân|Hội đồng nhân dân|Ủy ban Mặt trận Tổ quốc|Công an|Ban Chỉ huy [Qq]uân sự|Tòa án nhân dân|Viện Kiểm sát nhân dân)"
    rf"\s+(?:quận|huyện|thị xã|thị trấn)\b(?: {_NAME})?|\bHuyện ủy\b|\b[Cc]ấp huyện\b|\b(?:[Hh]uyện|[Tt]hị trấn|[Tt]hị xã|[Qq]uận) (?:{_NAME}|\d{{1,2}}\b)"
)
_SAID_FORMER = re.compile(r"\s?(?:\((?:cũ|trước đây|nay )|cũ\b|trước đây\b|,? nay (?:là|thuộc)\b)")
"""The text itself says that the unit is one of the past."""
_SENTENCE = re.compile(r"[^\S\n]*((?:[^\n.!?]|[.!?](?!\s))+[.!?]?)")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]+")
_LOOKALIKE = dict(zip("АВЕКМНОРСТХаеорсухіАΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEKMHOPCTXaeopcyxiAABEZHIKMNOPTYXo", strict=True))
_WORD = re.compile(r"[^\W\d_]+")


def _former(units: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each unit in all the ways in which it is written."""
    for written, now in units.items():
        yield written, now
        kind, _, name = written.partition(" phố ")
        if kind == "thành":
            for short in ("TP ", "TP. ", "TP."):
                yield short + name, now


def former_units(text: str, _script: Script) -> Iterator[Finding]:
    """Provinces, ministries and districts that no longer exist."""
    folded = text.lower()
    for written, now in _former(tables.former_units()):
        place = folded.find(written.lower()) if len(folded) == len(text) else -1
        while place >= 0:
            end = place + len(written)
            if not text[end : end + 1].isalnum() and _SAID_FORMER.match(text, end) is None:
                cause = f"“{text[place:end]}” không còn từ khi sắp xếp lại năm 2025, nay thuộc {now}. Giữ nguyên nếu nói về thời gian trước đó."
                proposal = f"{text[place:end]} (nay thuộc {now})"
                yield Finding(Concern.FORMER_UNIT, Severity.INFO, place, end, text[place:end], cause, proposal)
            place = folded.find(written.lower(), end)
    for match in _DISTRICT.finditer(text):
        if _SAID_FORMER.match(text, match.end()) is not None:
            continue
        cause = f"“{match[0]}”: từ ngày 1/7/2025 không còn cấp huyện. Kiểm tra tên đơn vị hiện nay."
        proposal = f"{match[0]} cũ"
        yield Finding(Concern.FORMER_UNIT, Severity.INFO, match.start(), match.end(), match[0], cause, proposal)


def advertising(text: str, _script: Script) -> Iterator[Finding]:
    """Sentences with words of advertising; they may go."""
    folded = text.lower()
    if len(folded) != len(text):
        return
    for sentence in _SENTENCE.finditer(text):
        found = tables.advertising_words().search(folded, *sentence.span(1))
        if found is None:
            continue
        words = text[found.start() : found.end()]
        cause = f"“{words}” là lời quảng cáo; đài xã không phát quảng cáo khi chưa được phép."
        yield Finding(Concern.ADVERTISING, Severity.WARNING, *sentence.span(1), sentence[1], cause, "")


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
    """More in one breath than a listener keeps; where there are words that join, a comma before them gives a rest."""
    tokens = iter(script.tokens)
    for phrase in script.phrases:
        count = len(phrase.text.split())
        if count <= _BREATH_WORDS:
            continue
        inside = itertools.takewhile(
            lambda token, end=phrase.end: token.start < end,  # type: ignore[misc]
            itertools.dropwhile(lambda token, start=phrase.start: token.start < start, tokens),  # type: ignore[misc]
        )
        cause = f"Câu dài {count} tiếng không có chỗ nghỉ (nên dưới {_BREATH_WORDS}); hãy thêm dấu phẩy hoặc tách câu."
        written = text[phrase.start : phrase.end]
        proposal = _with_rests(written, phrase.start, list(inside))
        yield Finding(Concern.LONG_SENTENCE, Severity.INFO, phrase.start, phrase.end, written, cause, proposal)


def _with_rests(written: str, start: int, tokens: list[Token]) -> str | None:
    """The sentence with a comma before the last joining word of each breath; None if there is none to put."""
    rests: list[int] = []
    since, last_join, since_join = 0, -1, 0
    for token in tokens:
        if token.reading in _JOINING and since > _SHORTEST_BREATH:
            last_join, since_join = token.start, 0
        count = len(token.reading.split())
        since, since_join = since + count, since_join + count
        if since > _BREATH_WORDS and last_join >= 0:  # else at the first one that comes
            rests.append(last_join - start)
            since, last_join = since_join, -1
    for place in reversed(rests):
        written = f"{written[:place].rstrip()}, {written[place:]}"
    return written if rests else None
