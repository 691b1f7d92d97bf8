"""A report as PDF, set by Typst in fonts of the package's own: no office program, no fonts of the system."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import typst

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
        sys_inputs={"data": json.dumps(content, ensure_ascii=False)},
        timestamp=made_at.replace(microsecond=0),  # PDF knows seconds
    )
    assert isinstance(made, bytes)  # noqa: S101  one file, not pages
    return made
