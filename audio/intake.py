"""Documents to text: pasted, .txt, .docx, .pdf with a text layer. Headings and lists stay visible, lines that were cut by the page are joined.

Files come from people's mail and telephones: sizes are limited before anything is unpacked, and what cannot be read is refused with the next step.
"""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import docx
import pypdf
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from audio.errors import AudioError
from audio.script import nfc

MAX_BYTES = 5_000_000
_MAX_UNPACKED = 60_000_000
_MAX_XML = 10_000_000
"""Bytes of one part of a Word document; read, it takes some twenty times as much memory."""
_MAX_PAGES = 100
MAX_CHARACTERS = 200_000

_ITEM = re.compile(r"\s*(?:[-+•–●▪*]\s+|\d{1,2}(?:\.\d{1,2}){0,2}[.)]\s+|[a-zđ]\)\s+|[IVX]{1,5}\.\s+)")
_ENDED = re.compile(r"[.;:!?…”\"/]\s*$")
_PAGE_NUMBER = re.compile(r"\s*(?:-\s?)?(?:trang\s+)?\d{1,3}(?:\s?/\s?\d{1,3})?(?:\s?-)?\s*", re.IGNORECASE)
_HEADING_STYLE = re.compile(r"(?:heading|tiêu đề)\s*(\d)", re.IGNORECASE)


class IntakeError(AudioError):
    """The document cannot be taken in."""


class Kind(StrEnum):
    """What a block of a document is."""

    HEADING = "heading"
    ITEM = "item"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Block:
    """A heading (``level`` 1 to 6), a list item or a paragraph (level 0), on one line, in NFC."""

    kind: Kind
    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, in order."""

    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """As the script reads it: "# " before headings, "- " before items that bear no mark of their own, a line a block."""
        return "\n".join(_line(block) for block in self.blocks)


def read_document(data: bytes, name: str) -> Document:
    """Take in a file by the ending of its ``name``: .txt, .md, .docx, .pdf. Raises :class:`IntakeError`."""
    if len(data) > MAX_BYTES:
        raise IntakeError(
            f"{name} có {len(data) / 1e6:.1f} MB, quá {MAX_BYTES / 1e6:.0f} MB: hãy dán phần văn bản cần đọc",
            f"{name} has {len(data) / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f} MB: paste the text that is to be read",
        )
    ending = name.lower().rpartition(".")[2]
    try:
        document = Document(tuple(_few(_blocks(data, name, ending), name)))
    except IntakeError:
        raise
    except Exception as error:  # the readers of Word and PDF fail on a foreign file in ways of their own
        kind, kind_vi = ("a Word document", "văn bản Word") if ending == "docx" else ("a PDF", "tệp PDF")
        raise IntakeError(
            f"{name} không phải {kind_vi} đọc được: hãy mở và lưu lại, hoặc dán văn bản",
            f"{name} is not {kind} that can be read: open it and save it anew, or paste the text",
        ) from error
    if not document.blocks:
        raise IntakeError(
            f"{name} không có chữ: nếu là bản quét, hãy gõ lại văn bản hoặc dùng tệp có lớp chữ",
            f"{name} holds no text: if it is a scan, type the text or use a file with a text layer",
        )
    return document


def _few(blocks: Iterable[Block], name: str) -> Iterator[Block]:
    """The blocks, as long as they are not too many characters: nothing behind those is read."""
    characters = 0
    for block in blocks:
        characters += len(block.text)
        if characters > MAX_CHARACTERS:
            raise _too_long(name)
        yield block


def _too_long(name: str) -> IntakeError:
    return IntakeError(
        f"{name} có hơn {MAX_CHARACTERS} ký tự: hãy lấy phần cần đọc",
        f"{name} has more than {MAX_CHARACTERS} characters: take the part that is to be read",
    )


def _blocks(data: bytes, name: str, ending: str) -> Iterable[Block]:
    if ending in ("txt", "md"):
        lines = _decoded(data, name).splitlines()
        if len(lines) > MAX_CHARACTERS:
            raise _too_long(name)
        return _of_lines(lines)
    if ending == "docx":
        return _of_docx(data, name)
    if ending == "pdf":
        return _of_pdf(data, name)
    raise IntakeError(
        f"{name} không phải tệp .txt, .docx hay .pdf: hãy lưu lại ở một trong các dạng này, hoặc dán văn bản",
        f"{name} is not a .txt, .docx or .pdf file: save it as one of them, or paste the text",
    )


def read_pasted(text: str) -> Document:
    """Take in pasted text, with the lines that a page or a mail cut in two joined."""
    if len(text) > MAX_CHARACTERS:
        raise IntakeError(
            f"văn bản có {len(text)} ký tự, quá {MAX_CHARACTERS}: hãy dán phần cần đọc",
            f"the text has {len(text)} characters, more than {MAX_CHARACTERS}: paste the part that is to be read",
        )
    return Document(tuple(_of_lines(text.splitlines())))


def _line(block: Block) -> str:
    if block.kind is Kind.HEADING:
        return f"{'#' * max(1, block.level)} {block.text}"
    if block.kind is Kind.ITEM and _ITEM.match(block.text + " ") is None:
        return f"- {block.text}"
    return block.text


def _decoded(data: bytes, name: str) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise IntakeError(
            f"{name} không phải văn bản UTF-8 (có thể là TCVN3 hoặc VNI): hãy mở và lưu lại ở bảng mã UTF-8, hoặc dán văn bản",
            f"{name} is not UTF-8 text (perhaps TCVN3 or VNI): open it and save it as UTF-8, or paste the text",
        ) from error


def _clean(text: str) -> str:
    return " ".join(nfc(text).replace("\0", " ").split())


def _of_lines(lines: Iterable[str], full_line: int = 10_000) -> Iterator[Block]:
    """Blocks of plain lines: a blank line ends a block; a line that goes on in small letters belongs to the one before.

    After a line of ``full_line`` characters or more, which the page has cut, a number or a capital goes on too.
    """
    waiting: list[
        str
    ] = []  # its last line alone tells whether it goes on: all of it would be looked at with every line
    last = length = 0
    for raw in [*lines, ""]:
        line = _clean(raw)
        heading = re.match(r"(#{1,6})\s+(.*)", line)
        cut = (
            bool(waiting and line) and not _ENDED.search(waiting[-1]) and _ITEM.match(line) is None and heading is None
        )
        goes_on = cut and (line[0].islower() or last >= full_line) and length <= MAX_CHARACTERS
        last = len(line)
        if goes_on:
            waiting.append(line)
            length += len(line)
            continue
        if waiting:
            yield _block(" ".join(waiting))
        waiting = [] if heading or not line else [line]
        length = len(line)
        if heading and heading[2].strip():
            yield Block(Kind.HEADING, heading[2].strip(), len(heading[1]))


def _block(text: str) -> Block:
    return Block(Kind.ITEM if _ITEM.match(text + " ") else Kind.PARAGRAPH, text)


def _of_docx(data: bytes, name: str) -> Iterator[Block]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        largest = max(
            (entry.file_size for entry in entries if entry.filename.lower().endswith((".xml", ".rels"))), default=0
        )
        if sum(entry.file_size for entry in entries) > _MAX_UNPACKED or largest > _MAX_XML:
            most = _MAX_XML if largest > _MAX_XML else _MAX_UNPACKED
            raise IntakeError(
                f"{name} khi giải nén lớn hơn {most / 1e6:.0f} MB: hãy dán phần văn bản cần đọc",
                f"{name} unpacks to more than {most / 1e6:.0f} MB: paste the text that is to be read",
            )
    # By their ids: to look one up in the document takes longer than to read a paragraph.
    styles: dict[str | None, str] = {}
    for part in docx.Document(io.BytesIO(data)).iter_inner_content():
        yield from _of_docx_part(part, styles)


def _of_docx_part(part: Paragraph | Table, styles: dict[str | None, str]) -> Iterator[Block]:
    if isinstance(part, Table):
        yield from _of_table(part)
        return
    style_id = part._p.style
    if style_id not in styles:
        found = part.style
        styles[style_id] = (found.name if found is not None else "") or ""
    style = styles[style_id]
    heading = _HEADING_STYLE.match(style)
    listed = style.startswith("List") or (part._p.pPr is not None and part._p.pPr.numPr is not None)
    for line in part.text.splitlines():
        if not (text := _clean(line)):
            continue
        if heading or style == "Title":
            yield Block(Kind.HEADING, text, int(heading[1]) if heading else 1)
        else:
            yield Block(Kind.ITEM, text) if listed else _block(text)


def _of_table(table: Table) -> Iterator[Block]:
    """Its rows, each with the text of its cells once; a cell that goes on from the row above has that one's text.

    Not by `row.cells`, which makes a cell of each column that one spans: a file may say that it spans two thousand million.
    """
    above: dict[int, str] = {}  # by the column in which a cell begins
    for row in table._tbl.tr_lst:
        here: dict[int, str] = {}
        column = row.grid_before
        for cell in row.tc_lst:
            goes_on = cell.vMerge == "continue"
            here[column] = above.get(column, "") if goes_on else _clean(_Cell(cell, table).text)
            column += cell.grid_span
        if line := ", ".join(dict.fromkeys(text for text in here.values() if text)):
            yield Block(Kind.PARAGRAPH, line)
        above = here


def _of_pdf(data: bytes, name: str) -> list[Block]:
    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise IntakeError(
            f"{name} bị khóa bằng mật khẩu: hãy lưu lại không có mật khẩu",
            f"{name} is locked with a password: save it without one",
        )
    if len(reader.pages) > _MAX_PAGES:
        raise IntakeError(
            f"{name} có {len(reader.pages)} trang, quá {_MAX_PAGES}: hãy lấy phần cần đọc",
            f"{name} has {len(reader.pages)} pages, more than {_MAX_PAGES}: take the part that is to be read",
        )
    pages = [page.extract_text().splitlines() for page in reader.pages]
    repeated = Counter(line.strip() for page in pages for line in {page[0].strip(), page[-1].strip()} if page)
    lines: list[str] = []
    for page in pages:
        kept = [
            line
            for line in page
            if not _PAGE_NUMBER.fullmatch(line) and (len(pages) < 3 or repeated[line.strip()] < len(pages) - 1)
        ]
        while kept and not kept[-1].strip():
            kept.pop()
        lines += kept
    lengths = sorted(len(line) for line in lines)
    full = lengths[len(lengths) * 4 // 5] * 4 // 5 if len(lengths) > 9 else 10_000
    return list(_of_lines(lines, full))
