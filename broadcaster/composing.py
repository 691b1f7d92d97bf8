"""What an editor is helped with before a bulletin is saved: documents taken in, texts looked over, readings shown."""

import unicodedata
from collections.abc import Sequence
from typing import Any

from audio.intake import MAX_BYTES, IntakeError, Kind, read_document
from audio.script import Lexicon
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
    return unicodedata.normalize("NFC", text), findings


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
