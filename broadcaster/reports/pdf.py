"""A report as PDF, set by Typst in fonts of the package's own: no office program, no fonts of the system."""

import json
import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst
from PIL import ImageFont

from audio.script import nfc

FONTS = Path(__file__).parent / "font"
_TEMPLATE = Path(__file__).parent / "templates" / "report.typ"


def as_pdf(content: dict[str, Any], *, made_at: datetime) -> bytes:
    """The document as PDF/A-2a (ISO 19005-2): tagged, with its fonts inside."""
    made = typst.compile(
        _TEMPLATE,
        font_paths=[FONTS],
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["a-2a"],
        sys_inputs={"data": json.dumps(_showable(content), ensure_ascii=False)},
        timestamp=made_at.replace(microsecond=0),  # PDF knows seconds
    )
    assert isinstance(made, bytes)  # noqa: S101  one file, not pages
    return made


def _showable(value: Any) -> Any:
    """The same with a question mark for each character that the fonts do not have: PDF/A has no other, and for an emoji nobody loses a report."""
    if isinstance(value, str):
        return "".join(_shown(each) for each in nfc(value))
    if isinstance(value, dict):
        return {name: _showable(each) for name, each in value.items()}
    return [_showable(each) for each in value] if isinstance(value, list | tuple) else value


@cache
def _shown(character: str) -> str:
    if character in "\n\t" or character.isspace():
        return character
    if unicodedata.category(character) in ("Cc", "Cf"):  # what only computers see
        return ""
    there = all(_drawn(font, character) != _drawn(font, "\uffff") for font in _fonts())
    return character if there else "?"


@cache
def _fonts() -> tuple[ImageFont.FreeTypeFont, ...]:
    return tuple(ImageFont.truetype(path, 20) for path in sorted(FONTS.glob("*.ttf")))


def _drawn(font: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
