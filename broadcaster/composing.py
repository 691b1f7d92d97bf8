"""What an editor is helped with before a bulletin is saved: documents taken in, texts looked over, readings shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audio.intake import MAX_BYTES, IntakeError, Kind, read_document
from audio.script import Lexicon, Script, TokenClass, nfc
from audio.script.checks import apply as put_in
from audio.script.checks import check
from audio.script.findings import Finding
from broadcaster.bulletins import TITLE_LIMIT
from broadcaster.errors import InvalidError

DOCUMENT_LIMIT = MAX_BYTES


def look_over(text: str, lexicon: Lexicon, *, apply: Sequence[int] = ()) -> tuple[str, tuple[Finding, ...]]:
    """The text in NFC with the proposals of the findings of these numbers put in, and the findings on it then. Raises InvalidError for a number that there is not."""
    findings = check(text, lexicon)
    if apply:
        if max(apply) >= len(findings):
            raise InvalidError(
                f"Văn bản chỉ có {len(findings)} nhận xét. Hãy kiểm tra lại văn bản rồi chọn.",
                f"The text has {len(findings)} findings, so there is no number {max(apply)}. Check it again.",
                field="apply",
            )
        text = put_in(text, [findings[number] for number in apply])
        findings = check(text, lexicon)
    return nfc(text), findings


def take_in(data: bytes, name: str) -> dict[str, Any]:
    """A document's title (its first heading, or a short first line), its text as the script reads it, and its blocks. Raises InvalidError."""
    try:
        document = read_document(data, name)
    except IntakeError as error:
        raise InvalidError(
            f"Không đọc được tệp: {error.vi}.", f"The file cannot be read: {error.en}.", field="file"
        ) from error
    blocks = document.blocks
    first = next((place for place, block in enumerate(blocks) if block.kind is Kind.HEADING), 0)
    title, rest = blocks[first].text, type(document)(blocks[:first] + blocks[first + 1 :])
    if len(title) > TITLE_LIMIT or not rest.blocks:
        title, rest = title[: TITLE_LIMIT - 2].rsplit(" ", 1)[0] + " …" if len(title) > TITLE_LIMIT else title, document
    return {
        "title": title,
        "text": rest.text,
        "blocks": [{"kind": block.kind.value, "text": block.text, "level": block.level} for block in blocks],
    }


SHORT_LIMIT = 140  # characters: what passes on a panel in some twenty seconds
_CUT = 110  # characters of a first line that is no title
_FRAME_MS = 4_900
"""Chimes and silences around the speech (`audio.composition.Frame`)."""
_SYLLABLES_A_WORD = 1.47
"""Engines count words of English length: so many Vietnamese syllables are spoken in the time of one (measured with espeak-ng at 150 a minute)."""
_PAUSE_MS = 400
"""Shorter pauses are the engine's own, within its rate."""
_TIMES = (TokenClass.TIME, TokenClass.TIME_RANGE, TokenClass.DATE, TokenClass.DATE_RANGE)


@dataclass(frozen=True, slots=True)
class Written:
    """What is pasted into one field, as title and text. `title_at` and `text_at` are where they begin in it, in NFC; `title_at` is -1 for a title made of the text."""

    words: str
    title: str
    text: str
    title_at: int
    text_at: int

    @classmethod
    def of(cls, words: str) -> "Written":
        """The first line is the title; a first line that is too long for one is text, and its beginning the title."""
        words = nfc(words.replace("\r\n", "\n"))
        first = len(words) - len(words.lstrip())
        end = words.find("\n", first)
        title = words[first : end if end >= 0 else len(words)].rstrip()
        rest = words[end:] if end >= 0 else ""
        if len(title) > TITLE_LIMIT:
            return cls(words, title[:_CUT].rsplit(" ", 1)[0].rstrip(" ,;:") + " …", words.strip(), -1, first)
        text = rest.strip()
        return cls(words, title, text, first, end + len(rest) - len(rest.lstrip()) if text else len(words))

    def where(self, place: int) -> int | None:
        """Where something of the script of title and text (`speech.read_out`) stands in what was pasted."""
        before = len(self.title) + 2
        if place >= before:
            return self.text_at + place - before
        return self.title_at + min(place, len(self.title)) if self.title_at >= 0 else None


def together(title: str, text: str) -> str:
    """Title and text in one field, from which `Written.of` makes them again."""
    return f"{title}\n{text}"


def short_version(title: str, script: Script) -> str:
    """A proposal for the LED screen: the title, and when it is, if the text says so in its beginning."""
    found: list[tuple[int, int, bool]] = []  # stretches of times and dates, and whether a time of day is among them
    for token in script.tokens:
        if token.cls not in _TIMES or token.start < len(title):
            continue
        clock = token.cls in (TokenClass.TIME, TokenClass.TIME_RANGE)
        gap = script.text[found[-1][1] : token.start] if found else "."
        if len(gap) <= len(" các ngày ") and not set(gap) & set(".;\n"):
            found[-1] = (found[-1][0], token.end, found[-1][2] or clock)
        else:
            found.append((token.start, token.end, clock))
    # A date alone is more often that of a document than that of an event.
    start, end, _ = next((each for each in found if each[2]), (0, 0, False))
    longer = f"{title} – {' '.join(script.text[start:end].split())}"
    return longer if end and len(longer) <= SHORT_LIMIT else title


def expected_ms(script: Script, *, rate_wpm: int, repeats: int) -> int:
    """About how long a bulletin will sound, in milliseconds, before it is spoken."""
    syllables = len(script.plain().split())
    pauses = sum(phrase.pause_ms for phrase in script.phrases if phrase.pause_ms >= _PAUSE_MS)
    once = syllables / (rate_wpm * _SYLLABLES_A_WORD) * 60_000 + pauses
    return round(_FRAME_MS + once * (repeats + 1))
