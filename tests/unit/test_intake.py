"""Files that people send become text with its structure, or are refused with the next step."""

import io
import re
import zipfile

import docx
import pytest
from docx.text.paragraph import Paragraph

from audio import intake
from audio.intake import MAX_BYTES, MAX_CHARACTERS, Block, IntakeError, Kind, read_document, read_pasted
from audio.script import read


def word(build: object = None) -> bytes:
    document = docx.Document()
    document.add_heading("KẾ HOẠCH", 1)
    document.add_paragraph("Thực hiện Nghị quyết số 57-NQ/TW.")
    document.add_paragraph("Mời bà con dự họp", style="List Bullet")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Thôn 3", "19h30"
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def pdf(*pages: list[str]) -> bytes:
    """A PDF with a text layer: one font, whose codes a ToUnicode table gives back."""
    letters = sorted({char for page in pages for line in page for char in line})
    codes = {char: f"{place + 1:04X}" for place, char in enumerate(letters)}
    table = "\n".join(f"<{code}> <{char.encode('utf-16-be').hex()}>" for char, code in codes.items())
    cmap = f"/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange {len(codes)} beginbfchar\n{table}\nendbfchar endcmap end end"
    kids = " ".join(f"{5 + 2 * place} 0 R" for place in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type0 /BaseFont /F /Encoding /Identity-H /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /F "
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 500 >>] /ToUnicode 4 0 R >>",
        f"<< /Length {len(cmap)} >> stream\n{cmap}\nendstream",
    ]
    for place, page in enumerate(pages):
        shown = " ".join(f"<{''.join(codes[char] for char in line)}> Tj 0 -20 Td" for line in page)
        content = f"BT /F 12 Tf 50 700 Td {shown} ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >> /Contents {6 + 2 * place} 0 R >>"
        )
        objects.append(f"<< /Length {len(content)} >> stream\n{content}\nendstream")
    out = "%PDF-1.7\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj {body} endobj\n"
    table_at = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n" + "".join(f"{place:010} 00000 n \n" for place in places)
    return (out + f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table_at}\n%%EOF").encode("latin-1")


def test_word_keeps_headings_lists_and_tables() -> None:
    document = read_document(word(), "ke-hoach.docx")
    assert document.blocks == (
        Block(Kind.HEADING, "KẾ HOẠCH", 1),
        Block(Kind.PARAGRAPH, "Thực hiện Nghị quyết số 57-NQ/TW."),
        Block(Kind.ITEM, "Mời bà con dự họp"),
        Block(Kind.PARAGRAPH, "Thôn 3, 19h30"),
    )
    assert document.text.splitlines()[0] == "# KẾ HOẠCH"
    assert read(document.text).plain().startswith("kế hoạch thực hiện nghị quyết số năm mươi bảy")


def test_a_pdf_loses_its_page_numbers_and_joins_what_the_page_cut() -> None:
    data = pdf(
        ["1. Mục đích", "Biểu dương, khen thưởng kịp thời, tôn vinh và nhân", "1"],
        ["rộng những sáng kiến.", "2. Yêu cầu", "2"],
    )
    assert [block.text for block in read_document(data, "a.PDF").blocks] == [
        "1. Mục đích",
        "Biểu dương, khen thưởng kịp thời, tôn vinh và nhân rộng những sáng kiến.",
        "2. Yêu cầu",
    ]


def test_plain_text_in_the_encodings_that_windows_writes() -> None:
    for data in ("Xin chào".encode(), b"\xef\xbb\xbf" + "Xin chào".encode(), "Xin chào".encode("utf-16")):
        assert read_document(data, "a.txt").text == "Xin chào"


def test_pasted_lines_are_joined_but_paragraphs_and_items_are_not() -> None:
    text = "Các phòng, ban có trách\nnhiệm thực hiện.\nđúng hạn\n\n- một\n- hai\n## Mục\nTiếp"
    assert read_pasted(text).text == "Các phòng, ban có trách nhiệm thực hiện.\nđúng hạn\n- một\n- hai\n## Mục\nTiếp"


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"x" * (MAX_BYTES + 1), "a.txt", "paste the text"),
        ("đồng".encode("cp1258", "replace"), "a.txt", "UTF-8"),
        (b"PK not a zip", "a.docx", "is not a Word document"),
        (b"%PDF-1.7 broken", "a.pdf", "PDF that can be read"),
        (b"x", "a.exe", "save it as one of them"),
        (b" \n ", "a.txt", "holds no text"),
        (pdf([" "]), "a.pdf", "scan"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_next_step(data: bytes, name: str, why: str) -> None:
    with pytest.raises(IntakeError, match=why):
        read_document(data, name)


def test_a_zip_bomb_is_not_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * 80_000_000)
    with pytest.raises(IntakeError, match="unpacks to more than"):
        read_document(buffer.getvalue(), "a.docx")


def test_what_is_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of 5 MB may hold millions of short lines that go on, and all of a paragraph was looked at again with each of them: for hours."""
    seen: list[int] = []

    class Ended:
        def search(self, text: str) -> re.Match[str] | None:
            seen.append(len(text))
            return ended.search(text)

    ended = intake._ENDED
    monkeypatch.setattr(intake, "_ENDED", Ended())
    assert len(read_document(("ab\n" * 5_000).encode(), "a.txt").blocks) == 1
    assert max(seen) == 2
    lines = MAX_CHARACTERS // 2 + 5_000
    for text in ("ab\n" * lines, "\n" * (MAX_CHARACTERS + 2)):
        seen.clear()
        with pytest.raises(IntakeError, match=r"more than 200000 characters"):
            read_document(text.encode(), "a.txt")
        assert len(seen) <= MAX_CHARACTERS // 2 + 2


def test_the_style_of_a_paragraph_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To look it up takes two milliseconds: ten thousand paragraphs, of 40 kB, took twenty seconds."""
    asked: list[Paragraph] = []
    own = Paragraph.style.fget
    assert own is not None

    def style(paragraph: Paragraph) -> object:
        asked.append(paragraph)
        return own(paragraph)

    document = docx.Document()
    for number in range(50):
        document.add_paragraph(f"Điều {number}.", style="List Bullet" if number % 2 else None)
    buffer = io.BytesIO()
    document.save(buffer)
    monkeypatch.setattr(Paragraph, "style", property(style))
    blocks = read_document(buffer.getvalue(), "a.docx").blocks
    assert [block.kind for block in blocks[:2]] == [Kind.PARAGRAPH, Kind.ITEM]
    assert (len(blocks), len(asked)) == (50, 2)


def test_a_word_document_of_empty_paragraphs_is_no_way_to_take_memory() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == "word/document.xml":
                data = data.replace(b"</w:body>", b"<w:p/>" * 2_000_000 + b"</w:body>")
            target.writestr(entry, data)
    with pytest.raises(IntakeError, match="unpacks to more than 10 MB"):
        read_document(buffer.getvalue(), "a.docx")


def test_a_cell_of_a_table_is_read_once_however_far_it_spans() -> None:
    document = docx.Document()
    table = document.add_table(3, 3)
    for row, texts in enumerate((("Thôn 3", "19h30", "Nhà văn hóa"), ("x", "20h00", "Sân"), ("Thôn 4", "21h00", ""))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(0, 0).merge(table.cell(1, 0)).text = "Thôn 3"
    table.cell(2, 1).merge(table.cell(2, 2)).text = "21h00"
    table._tbl.tr_lst[2].tc_lst[1].tcPr.gridSpan.val = 2_000_000_000
    buffer = io.BytesIO()
    document.save(buffer)
    blocks = read_document(buffer.getvalue(), "a.docx").blocks
    assert [block.text for block in blocks] == ["Thôn 3, 19h30, Nhà văn hóa", "Thôn 3, 20h00, Sân", "Thôn 4, 21h00"]
