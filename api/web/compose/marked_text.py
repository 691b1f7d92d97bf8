"""The text in the sentences in which it is heard, with what is uncertain and what was settled marked in its place."""

from collections.abc import Sequence

from api.web.compose.form import Form, Settling
from api.web.compose.seen import Piece, SentenceSeen, Uncertain
from audio.script import Script
from broadcaster.storage.models import Bulletin


def sentences_of(
    script: Script, uncertain: Sequence[Uncertain], form: Form, row: Bulletin | None
) -> tuple[SentenceSeen, ...]:
    """The text in the sentences in which it is heard; while there is no clip of it, in lines."""
    before = len(form.written.title) + 2
    spans: dict[tuple[int, int], list[str]] = {}
    for each in ((row.quality if row is not None else None) or {}).get("sentences", ()):
        shift = 0 if each["part"] == "title" else before
        span = (max(0, each["start"] + shift), min(len(script.text), each["end"] + shift))
        spans.setdefault(span, []).append(f"{each['start_ms']}-{each['end_ms']}")
    bounds = sorted(spans) or list(_lines(script.text))
    marks = _marks(script, uncertain, form.settlings)
    found: list[SentenceSeen] = []
    at = 0
    for start, end in bounds:
        if start < at:
            continue
        if start > at:
            found.append(SentenceSeen(tuple(_cut(script.text, at, start, marks))))
        found.append(SentenceSeen(tuple(_cut(script.text, start, end, marks)), " ".join(spans.get((start, end), ()))))
        at = end
    if at < len(script.text):
        found.append(SentenceSeen(tuple(_cut(script.text, at, len(script.text), marks))))
    return tuple(found)


def _lines(text: str) -> list[tuple[int, int]]:
    found, at = [], 0
    for line in text.splitlines(keepends=True):
        found.append((at, at + len(line)))
        at += len(line)
    return found


def _marks(
    script: Script, uncertain: Sequence[Uncertain], settlings: Sequence[Settling]
) -> list[tuple[int, int, int | None, str]]:
    numbers = {(each.text, each.reading): number for number, each in enumerate(uncertain)}
    chosen = {each.written: each.reading for each in settlings}
    marks: list[tuple[int, int, int | None, str]] = []
    for token in script.tokens:
        if not token.certain:
            marks.append((token.start, token.end, numbers[token.text, token.reading], ""))
        elif token.text in chosen and chosen[token.text] == token.reading:
            marks.append((token.start, token.end, None, token.reading))
    return marks


def _cut(text: str, start: int, end: int, marks: Sequence[tuple[int, int, int | None, str]]) -> list[Piece]:
    pieces: list[Piece] = []
    at = start
    for first, last, number, reading in marks:
        if first < at or last > end:
            continue
        if first > at:
            pieces.append(Piece(text[at:first]))
        pieces.append(Piece(text[first:last], number, reading))
        at = last
    if at < end:
        pieces.append(Piece(text[at:end]))
    return pieces
