"""The font of cards: its measure, and which characters it has."""

import unicodedata
from functools import cache
from importlib import resources

from PIL import ImageFont

FONT_FILE = resources.files(__package__).joinpath("font/NotoSans-SemiBold-vi.ttf")
ASCENT = 1.06
"""Of the type size: from the base line to the top of the highest Vietnamese letter (Ể and its like)."""
DESCENT = 0.24
LINE = ASCENT + DESCENT
"""Height of a line, in type sizes."""
_EM = 200
_MISSING = "\U0010fffe"


@cache
def font(px: int) -> ImageFont.FreeTypeFont:
    """The font at a type size in pixels."""
    with resources.as_file(FONT_FILE) as path:
        return ImageFont.truetype(str(path), px)


def width(text: str) -> float:
    """Of one line, in type sizes."""
    return font(_EM).getlength(text) / _EM


def normal(text: str) -> str:
    """The text in composed letters (NFC), without characters that only computers see."""
    kept = (c if not unicodedata.category(c).startswith("C") or c == "\n" else " " for c in text)
    return unicodedata.normalize("NFC", "".join(kept))


def missing(text: str) -> str:
    """The characters that the font does not have, each once, in order."""
    found = dict.fromkeys(c for c in normal(text) if not c.isspace() and _is_missing(c))
    return "".join(found)


@cache
def _is_missing(character: str) -> bool:
    return _picture(character) == _picture(_MISSING)


def _picture(character: str) -> tuple[tuple[int, int], bytes]:
    mask = font(40).getmask(character)
    return mask.size, bytes(mask)
