"""A report as Word and PDF: the form of Nghị định 30/2020/NĐ-CP, every letter there, nothing of the text taken as markup."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.shared import Mm
from openpyxl import load_workbook
from PIL import ImageFont
from pypdf import PdfReader

from broadcaster.areas import AreaOn
from broadcaster.errors import ConflictError
from broadcaster.reports.annex import as_xlsx
from broadcaster.reports.content import content, count, length
from broadcaster.reports.desk import Below, View
from broadcaster.reports.figures import Aired, Fared, Figures, Part, Scope, Tally
from broadcaster.reports.filled import Channels, Filled, Other
from broadcaster.reports.pdf import FONTS, as_pdf
from broadcaster.reports.word import OWN, as_docx, template_of

NOW = datetime(2026, 12, 9, 1, 15, 7, 123456, tzinfo=UTC)
TALLY = Tally(
    bulletins=214,
    airings=1206,
    unproved=9,
    airtime_ms=12_345_678,
    played_ms=223_456_789,
    receivers=40,
    loudspeakers=36,
    screens=4,
    outcomes={"finished": 42_345, "interrupted": 120, "missed": 311, "refused": 2, "ready": 22},
)
LETTERS = (
    "àáảãạ ằắẳẵặ ầấẩẫậ đ èéẻẽẹ ềếểễệ ìíỉĩị òóỏõọ ồốổỗộ ờớởỡợ ùúủũụ ừứửữự ỳýỷỹỵ "
    "ÀÁẢÃẠ ẰẮẲẴẶ ẦẤẨẪẬ Đ ÈÉẺẼẸ ỀẾỂỄỆ ÌÍỈĨỊ ÒÓỎÕỌ ỒỐỔỖỘ ỜỚỞỠỢ ÙÚỦŨỤ ỪỨỬỮỰ ỲÝỶỸỴ ăâêôơư ĂÂÊÔƠƯ ₫ “…” – ≥"
)
FILLED = Filled(
    superior="Ủy ban nhân dân tỉnh Hải Dương",
    number="128",
    signed_on=date(2026, 2, 9),
    basis="Thực hiện Kế hoạch số 57/KH-UBND.",
    channels=Channels(portal=36, facebook=1120, meetings=6, attendees=1450),
    others=(Other(name="Cuộc thi <trực tuyến> #1", number=1, unit="cuộc"),),
    results="Triển khai đồng bộ & đúng {{ thời gian }} *#set text*.\n" + LETTERS,
    difficulties="Cụm loa thôn Đoài mất điện.",
    proposals="Thay thế 04 cụm loa.",
    signer="Nguyễn Văn Thắng",
    recipients=("Ủy ban nhân dân tỉnh", "Đảng ủy xã"),
)


@pytest.fixture(scope="module")
def view() -> View:
    parts = (Part(key="Gương điển hình", tally=TALLY), Part(key="", tally=TALLY))
    figures = Figures(
        total=TALLY,
        by_group=parts,
        by_programme=(),
        by_area=(Part(key="thon", tally=TALLY), Part(key="xa", tally=TALLY)),
        by_month=(Part(key="2026-02", tally=TALLY),),
        log_rows=123_456,
        log_hash="ab" * 32,
    )
    return View(
        Scope(date(2025, 12, 11), date(2026, 12, 10), area="xa", campaign="nq57"),
        area=AreaOn("xa", "Xã Tân Phong", "commune", "tinh"),
        areas={"xa": "Xã Tân Phong", "thon": "Thôn Đông"},
        campaign="Nghị quyết 57",
        filled=FILLED,
        figures=figures,
        below=(Below("Xã Tân An", "submitted", FILLED), Below("Xã Tân Hòa", "draft", None)),
    )


@pytest.fixture(scope="module")
def said(view: View) -> dict[str, Any]:
    return content(view, now=NOW, zone="Asia/Ho_Chi_Minh")


@pytest.fixture(scope="module")
def pdf(said: dict[str, Any]) -> PdfReader:
    return PdfReader(io.BytesIO(as_pdf(said, made_at=NOW)))


@pytest.fixture(scope="module")
def word(said: dict[str, Any]) -> Any:
    return Document(io.BytesIO(as_docx(said, template_of(Path("nowhere")))))


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for each in (value.values() if isinstance(value, dict) else value) for text in _strings(each)]


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _text(word: Any) -> str:
    """All text of the body, tables included, in its order."""
    return "".join(node.text or "" for node in word.element.body.iter() if node.tag.endswith("}t"))


def test_all_that_is_said_comes_back_from_the_pdf(said: dict[str, Any], pdf: PdfReader) -> None:
    text = _squeezed("".join(page.extract_text() for page in pdf.pages))
    text = text.replace("\xad", "")
    missing = [each for each in _strings(said) if _squeezed(each) not in text]
    assert missing == []
    assert set(_squeezed(LETTERS)) <= set(text)
    assert "�" not in text


def test_every_glyph_of_the_pdf_is_of_our_fonts_and_none_is_the_box_for_missing_ones(pdf: PdfReader) -> None:
    fonts = {str(font.get_object()["/BaseFont"]) for page in pdf.pages for font in page["/Resources"]["/Font"].values()}
    assert {name.split("+")[1].split("-")[0] for name in fonts} == {"BulletinSerif"}
    text = "".join(page.extract_text() for page in pdf.pages)
    for file in sorted(FONTS.glob("*.ttf")):
        font = ImageFont.truetype(str(file), 40)
        box = bytes(font.getmask("\U0010ffff"))
        assert [each for each in set(_squeezed(text + LETTERS)) if bytes(font.getmask(each)) == box] == [], file.name


def test_the_pdf_is_a4_for_archives_and_its_margins_are_lawful(pdf: PdfReader) -> None:
    assert b"pdfaid" in pdf.trailer["/Root"]["/Metadata"].get_data()  # type: ignore[index]  # of pypdf's objects
    assert pdf.metadata is not None
    assert pdf.metadata.title == "Kết quả tuyên truyền “Nghị quyết 57” trên hệ thống truyền thanh cơ sở"
    millimetre = 72 / 25.4
    for page in pdf.pages:
        assert (round(page.mediabox.width / millimetre), round(page.mediabox.height / millimetre)) == (210, 297)
        left: list[float] = []
        page.extract_text(
            visitor_text=lambda text, at, to, _font, _size, left=left: (
                left.append(to[4] * at[0] + to[5] * at[2] + at[4]) if text.strip() else None
            )
        )
        assert min(left) >= 30 * millimetre - 0.1
    first, second = (page.extract_text().split("\n")[0].strip() for page in pdf.pages[:2])
    assert (first == "1", second) == (False, "2")


def test_all_that_is_said_is_in_the_word_document(said: dict[str, Any], word: Any) -> None:
    text = _squeezed(_text(word))
    assert [each for each in _strings(said) if _squeezed(each) not in text] == []
    assert "{%" not in text.replace("{{thờigian}}", "")
    assert "CỘNGHÒAXÃHỘICHỦNGHĨAVIỆTNAMĐộclập-Tựdo-Hạnhphúc" in text


def test_the_word_document_has_the_margins_letters_and_page_numbers_of_the_decree(word: Any) -> None:
    (section,) = word.sections
    sides = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(side / Mm(1)) for side in sides] == [20, 20, 30, 20]
    assert (round(section.page_width / Mm(1)), round(section.page_height / Mm(1))) == (210, 297)
    assert section.different_first_page_header_footer
    assert " PAGE " in "".join(node.text or "" for node in section.header._element.iter())
    assert word.styles["Normal"].font.name == "Times New Roman"
    body = [run for paragraph in word.paragraphs for run in paragraph.runs if run.text.strip()]
    assert {run.font.size.pt for run in body if not run.italic} <= {14.0, None}


def test_a_station_has_a_template_of_its_own_and_is_told_what_is_wrong_with_it(
    said: dict[str, Any], tmp_path: Path
) -> None:
    own = tmp_path / OWN
    own.parent.mkdir()
    made = Document()
    made.add_paragraph("{{ agency }}: {{ overview[1].value }} lượt")
    made.save(str(own))
    assert "ỦY BAN NHÂN DÂN XÃ\u00a0TÂN\u00a0PHONG: 1.206 lượt" in _text(
        Document(io.BytesIO(as_docx(said, template_of(tmp_path))))
    )
    made.add_paragraph("{{ agencie }}")
    made.save(str(own))
    with pytest.raises(ConflictError, match="agencie") as told:
        as_docx(said, template_of(tmp_path))
    assert "Sửa mẫu trong Word" in told.value.vi
    own.write_bytes(b"no document")
    with pytest.raises(ConflictError):
        as_docx(said, template_of(tmp_path))
    made = Document()
    made.add_paragraph("{{ agency.__class__.__mro__ }}")
    made.save(str(own))
    with pytest.raises(ConflictError):
        as_docx(said, template_of(tmp_path))


def test_numbers_lengths_and_days_are_written_as_officials_do(said: dict[str, Any]) -> None:
    assert [count(number) for number in (0, 999, 1000, 1_234_567)] == ["0", "999", "1.000", "1.234.567"]
    assert [length(ms) for ms in (0, 61_999, 3_600_000, 4_444_444_000)] == [
        "00 giây",
        "01 phút 01 giây",
        "1 giờ 00 phút 00 giây",
        "1.234 giờ 34 phút 04 giây",
    ]
    assert said["place_date"] == "Tân Phong, ngày 09 tháng 02 năm 2026"
    assert said["number"] == "Số: 128/BC-UBND"
    assert said["areas"][0]["name"] == "Thiết bị đặt tại trung tâm"
    assert said["chapter"] == {"air": "I", "others": "II", "assessment": "III", "proposals": "IV"}
    assert said["numbers"] == {"groups": "2", "areas": "3", "months": "4"}
    assert [row["value"] for row in said["below_channels"][:2]] == ["36", "1.120"]


def test_an_annex_says_what_of_its_figures_has_left_the_log_for_an_archive(view: View) -> None:
    def aired(number: int) -> Aired:
        fared = (Fared("thon", "loudspeaker", "finished" if number < TALLY.airings else "missed", ("loa",), 1000),)
        facts = (str(number), NOW, "tin", "Bản tin", "y tế", "Sáng", "Nhóm", "routine")
        return Aired(*facts, duration_ms=1000, fared=fared)

    numbers = range(TALLY.airings + TALLY.unproved)
    with as_xlsx(view, map(aired, numbers), zone="Asia/Ho_Chi_Minh") as file:
        assert "Ghi chú" not in load_workbook(file, read_only=True).sheetnames
    with as_xlsx(view, map(aired, numbers[200:]), zone="Asia/Ho_Chi_Minh") as file:
        lines = list(load_workbook(file)["Ghi chú"].iter_rows(values_only=True))
    assert [line[1:] for line in lines[1:3]] == [(1206, 1006), (9, 9)]
    assert "lưu trữ" in str(lines[-1][0])


def test_an_annex_that_is_given_up_leaves_nothing_behind(
    view: View, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def stopping() -> Iterator[Aired]:
        assert len(list(tmp_path.iterdir())) > 0
        raise InterruptedError("the station stops")
        yield  # pragma: no cover  # a generator

    with pytest.raises(InterruptedError):
        as_xlsx(view, stopping(), zone="Asia/Ho_Chi_Minh")
    assert list(tmp_path.iterdir()) == []


def test_a_character_that_no_font_has_costs_nobody_the_report(said: dict[str, Any]) -> None:
    """An emoji that came along with a name made the PDF a fault of the server; a control character was laid at the Word template's door."""

    def odd(value: Any) -> Any:
        if isinstance(value, str):
            return f"{value} 😀\u202e\x0b\U000d040b" if value == name else value
        if isinstance(value, dict):
            return {key: odd(each) for key, each in value.items()}
        return [odd(each) for each in value] if isinstance(value, list | tuple) else value

    name = max((text for text in _strings(said) if text.isprintable()), key=len)
    assert len(PdfReader(io.BytesIO(as_pdf(odd(said), made_at=NOW))).pages) >= 1
    assert _text(Document(io.BytesIO(as_docx(odd(said), template_of(Path("nowhere"))))))
