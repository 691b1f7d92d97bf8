"""Text to the sentences that go to an engine one by one, each with the pause after it in milliseconds."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from audio.script import Phrase, Script, nfc

_SENTENCE_PAUSE_MS = 400
"""Pauses from this length on cut the text into pieces that are spoken one by one; shorter ones are the engine's commas."""
_PARAGRAPH_PAUSE_MS = 700
_LONGEST_SENTENCE = 900
"""Characters; a longer one is cut at a comma or a space, so that no engine gets more than it bears."""
_AGAIN = "xin nhắc lại."
CALL_PAUSE_MS = 900
"""After the station's call, before and after "Xin nhắc lại", and between language versions."""
_END = re.compile(r"(?<=[.!?…;:])\s+|(?<=[。！？；។៕။])")

Sentences = list[tuple[str, int]]


def sentences_of_script(read: Script) -> Sentences:
    """The phrases of a script, joined by commas up to the next long pause."""
    return [(_joined(phrases), phrases[-1].pause_ms if _ends(phrases) else 0) for phrases in _grouped(read)]


def places_of_script(read: Script) -> list[tuple[str, int, int]]:
    """The same sentences, each with its place in the written text."""
    return [
        (_joined(phrases), min(each.start for each in phrases), max(each.end for each in phrases))
        for phrases in _grouped(read)
    ]


def _grouped(read: Script) -> Iterator[list[Phrase]]:
    waiting: list[Phrase] = []
    for phrase in read.phrases:
        waiting.append(phrase)
        if _ends(waiting):
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _ends(phrases: Sequence[Phrase]) -> bool:
    return phrases[-1].pause_ms >= _SENTENCE_PAUSE_MS or sum(len(each.text) for each in phrases) > _LONGEST_SENTENCE


def _joined(phrases: Sequence[Phrase]) -> str:
    return ", ".join(each.text for each in phrases) + "."


def sentences_as_written(text: str) -> Sentences:
    """Text in a language that the script does not read: in NFC, control characters gone, cut at lines and ends of sentences, otherwise as it is."""
    cleaned = "".join(
        each if each == "\n" or not unicodedata.category(each).startswith("C") else " "
        for each in nfc(text).replace("\r\n", "\n")
    )
    sentences: Sentences = []
    for line in cleaned.split("\n"):
        parts = [short for part in _END.split(line) for short in _short(part.strip())]
        spoken = [part for part in parts if any(each.isalnum() for each in part)]
        sentences += [(part, _SENTENCE_PAUSE_MS) for part in spoken[:-1]]
        sentences += [(part, _PARAGRAPH_PAUSE_MS) for part in spoken[-1:]]
    return sentences


def _short(part: str) -> list[str]:
    pieces: list[str] = []
    while len(part) > _LONGEST_SENTENCE:
        cut = max(part.rfind(mark, 0, _LONGEST_SENTENCE) for mark in (",", " ", "，", "、"))
        cut = cut + 1 if cut > 0 else _LONGEST_SENTENCE
        pieces.append(part[:cut].strip())
        part = part[cut:].strip()
    return [*pieces, part]


def with_repeats(call: Sentences, body: Sentences, repeats: int, *, vietnamese: bool) -> Sentences:
    """The call, the body, and the body again; "Xin nhắc lại" before it where that is understood."""
    again = [(_AGAIN, CALL_PAUSE_MS), *body] if vietnamese else body
    return _with_pauses([call, body, *[again] * repeats])


def _with_pauses(stretches: Sequence[Sentences]) -> Sentences:
    """The stretches one after the other, with a long pause where one ends."""
    said: Sentences = []
    for stretch in stretches:
        if said:
            said[-1] = (said[-1][0], max(said[-1][1], CALL_PAUSE_MS))
        said += stretch
    return said
