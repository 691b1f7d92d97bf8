"""The written text as the rules see it: NFC, without invisible marks, with one kind of dash, quote and space; every character knows where it came from."""

import re
import unicodedata
from dataclasses import dataclass

_LAST = 0x1FFFF
"""Marks and digits stand in Unicode's first two planes (a test looks through the others); going through all costs each process a fifth of a second."""
_COMBINING = "".join(chr(code) for code in range(0x300, _LAST + 1) if unicodedata.combining(chr(code)))
_PILED = re.compile(f"([{_COMBINING}]{{4}})[{_COMBINING}]+")
"""No letter of any language bears more marks; a pile of them costs quadratic time when put in canonical order (Unicode TR 15, stream-safe text)."""
_LETTER_AND_MARKS = re.compile(f".[{_COMBINING}]*", re.DOTALL)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]+"
)
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_SAME_LENGTH = str.maketrans(
    {
        **dict.fromkeys(
            "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "
        ),
        **dict.fromkeys("\r\x85\u2028\u2029", "\n"),
        **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
        **dict.fromkeys("“”„‟«»〝〞＂", '"'),
        **dict.fromkeys("‘’‚‛′＇`´", "'"),
        "÷": "-",
        "µ": "μ",
        "Φ": "Ø",
        "ø": "Ø",
        "φ": "Ø",
        "⌀": "Ø",
        "⁄": "/",
        "∕": "/",
        "²": "2",
        "³": "3",
        "º": "°",
        "˚": "°",
        "Ð": "Đ",
        "ð": "đ",
        **{chr(code): str(unicodedata.decimal(chr(code))) for code in range(0x80, _LAST + 1) if chr(code).isdecimal()},
        **{chr(0xFF01 + step): chr(0x21 + step) for step in range(94)},
    }
)


@dataclass(frozen=True, slots=True)
class Source:
    """``nfc`` is the text that offsets refer to; ``clean`` is what the rules read; ``origin`` says for each character of ``clean`` from where to where it stands in ``nfc`` (None: the same place)."""

    nfc: str
    clean: str
    origin: tuple[tuple[int, int], ...] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``clean[start:end]`` (not empty) stands in ``nfc``."""
        if self.origin is None:
            return start, end
        return self.origin[start][0], self.origin[end - 1][1]


def nfc(text: str) -> str:
    """The text in NFC, without piles of marks, which Python's own `normalize` would take quadratic time for while all else waits."""
    return unicodedata.normalize("NFC", _PILED.sub(r"\1", text))


def kept(text: str) -> str:
    """A text as it is kept, shown and spoken: without marks that turn the direction of writing. With them a screen shows 12:30 where 03:21 is read out,
    and who approves what is seen would approve something else."""
    return nfc(_TURNING.sub("", text)).strip()


def source_of(text: str) -> Source:
    """Prepare any string; never raises."""
    written = nfc(text)
    flat = written.translate(_SAME_LENGTH)
    if _INVISIBLE.search(flat) is None:
        return Source(written, flat, None)
    kept: list[str] = []
    origin: list[tuple[int, int]] = []
    place = 0
    for match in _INVISIBLE.finditer(flat):
        kept.append(flat[place : match.start()])
        origin.extend((each, each + 1) for each in range(place, match.start()))
        place = match.end()
    kept.append(flat[place:])
    origin.extend((each, each + 1) for each in range(place, len(flat)))
    return _composed(written, "".join(kept), origin)


def _composed(written: str, clean: str, origin: list[tuple[int, int]]) -> Source:
    """Letters and their marks put together again where only something invisible kept them apart."""
    if _PILED.search(clean) is None and unicodedata.is_normalized("NFC", clean):
        return Source(written, clean, tuple(origin))
    whole: list[str] = []
    places: list[tuple[int, int]] = []
    for match in _LETTER_AND_MARKS.finditer(clean):
        letters = unicodedata.normalize("NFC", match[0][:5])
        whole.append(letters)
        places.extend([(origin[match.start()][0], origin[match.end() - 1][1])] * len(letters))
    return Source(written, "".join(whole), tuple(places))
