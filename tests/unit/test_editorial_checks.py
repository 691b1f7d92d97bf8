"""What an editor is told before a bulletin is released."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.script.checks import Concern, Severity, apply, check

DOCUMENT = """ỦY BAN NHÂN DÂN XÃ
Số:     /KH-UBND
Xã Mai, ngày    tháng 3 năm 2026

Thực hiện Nghị quyết số 57-NQ/TW và Nghị quyết số 57/NQ-TW, Nghị quyết 57-NQ/T, xã mời bà con họp thứ ba, ngày 11/11/2024.
Hạn cuối là ngày 31/4/2026. Chi tiết hỏi tổ công nghệ số./.

Nơi nhận:
- Như trên;
- Lưu: VT.
KT. CHỦ TỊCH
PHÓ CHỦ TỊCH
"""


LETTERHEAD = """ỦY BAN NHÂN DÂN\tCỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM.
XÃ TÂN PHONG\tĐộc lập – Tự do – Hạnh phúc
Mời bà con họp thôn."""


def test_a_letterhead_that_is_pasted_from_a_table_is_not_for_reading() -> None:
    found = [finding for finding in check(LETTERHEAD) if finding.concern is Concern.NOT_FOR_READING]
    # The first line is a title, whose full stop is not its own.
    first, second, _ = LETTERHEAD.split("\n")
    assert [finding.text for finding in found] == [first[:-1], second]


UNICODE = "Thông báo lịch cắt điện\nCông ty Điện lực tạm ngừng cấp điện từ 8h đến 11h.\n\nNgười dân chú ý phòng chống cháy nổ."
OLD = {
    "TCVN3": "Th«ng b¸o lÞch c¾t ®iÖn.\nC«ng ty §iÖn lùc t¹m ngõng cÊp ®iÖn tõ 8h ®Õn 11h.\n\nNg\u00adêi d©n chó ý phßng chèng ch¸y næ.",
    "VNI": "Thoâng baùo lòch caét ñieän.\nCoâng ty Ñieän löïc taïm ngöøng caáp ñieän töø 8h ñeán 11h.\n\nNgöôøi daân chuù yù phoøng choáng chaùy noå.",
}


@pytest.mark.parametrize("encoding", OLD)
def test_an_old_encoding_is_told_and_converted(encoding: str) -> None:
    title, rest = [each for each in check(OLD[encoding]) if each.concern is Concern.OLD_ENCODING]
    assert f"{title.proposal}\n{rest.proposal}" == UNICODE
    assert apply(OLD[encoding], [title, rest]) == UNICODE.replace("\n", ".\n", 1)
    assert encoding in title.cause
    mixed = f"{UNICODE}.\n{OLD[encoding]}"
    (found,) = [each for each in check(mixed) if each.concern is Concern.OLD_ENCODING]
    assert apply(mixed, [found]).endswith(UNICODE.split("\n")[2])


@pytest.mark.parametrize(
    "text",
    [
        UNICODE,
        "Thôn Hà Nam.\nCô giáo vào thôn, hò hát: à ơi, cá cò. Ông bà cô bác.",
        "À la carte.\nL'été à Genève, où l'hôtel « Élysée » ® a été rénové. Zürich, São Paulo.",
        "THÔNG BÁO.\nHÔM NAY, NGÀY 5, XÃ HÀ TÂN THU TIÊU.",
    ],
)
def test_what_is_written_in_unicode_is_in_no_old_encoding(text: str) -> None:
    assert [each for each in check(text) if each.concern is Concern.OLD_ENCODING] == []


def test_each_slip_of_a_document_is_found_with_what_to_put_instead() -> None:
    found = {(finding.concern, finding.text.strip()[:12], finding.proposal) for finding in check(DOCUMENT)}
    assert {
        (Concern.CITATION, "57/NQ-TW", "57-NQ/TW"),
        (Concern.CITATION, "57-NQ/T", "57-NQ/TW"),
        (Concern.DATE, "thứ ba", "thứ hai"),
        (Concern.DATE, "31/4/2026", "30/4/2026"),
        (Concern.NOT_FOR_READING, "Số:     /KH-", ""),
        (Concern.NOT_FOR_READING, "Xã Mai, ngày", ""),
        (Concern.NOT_FOR_READING, "Nơi nhận:\n- ", ""),
        (Concern.NOT_FOR_READING, "./.", "."),
    } <= found


def test_applied_proposals_leave_a_text_with_nothing_more_to_apply() -> None:
    mended = apply(DOCUMENT, check(DOCUMENT))
    assert "57/NQ-TW" not in mended
    assert "Nơi nhận" not in mended
    assert [finding.text for finding in check(mended) if finding.proposal is not None] == []


@pytest.mark.parametrize(
    ("written", "concern"),
    [
        ("UBND huyện Cẩm Giàng", Concern.FORMER_UNIT),
        ("Ban Chỉ huy quân sự huyện", Concern.FORMER_UNIT),
        ("nhà ở quận 1", Concern.FORMER_UNIT),
        ("TP. Hải Dương", Concern.FORMER_UNIT),
        ("từ 25h30 đến 7h75", Concern.DATE),
        ("từ 20/8 đến 15/8/2025", Concern.DATE),
        ("Trang 2/5", Concern.NOT_FOR_READING),
        ("Nơi nhận: Như trên; Lưu: VT.", Concern.NOT_FOR_READING),
        ("tỉnh Hải Dương", Concern.FORMER_UNIT),
        ("khuyến mãi lớn", Concern.ADVERTISING),
        ("Вộ Nội vụ", Concern.MIXED_SCRIPT),
        ("xin\u200bchào", Concern.INVISIBLE),
        ("từ " * 60, Concern.LONG_SENTENCE),
        (unicodedata.normalize("NFD", "đồng bào"), Concern.NOT_NFC),
        ("họp tại XKQW", Concern.UNCERTAIN_READING),
        ("03-NQ/CP", Concern.CITATION),
    ],
)
def test_each_concern_is_found(written: str, concern: Concern) -> None:
    assert concern in {finding.concern for finding in check(written)}


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("Nghị quyết 03-NQ/CP", "Nghị quyết 03/NQ-CP"),
        ("Nghị quyết 57 NQ/TW", "Nghị quyết 57-NQ/TW"),
        ("Nghị quyết 57-NQTW", "Nghị quyết 57-NQ/TW"),
        ("Nghị định 30/2020/NĐ/CP", "Nghị định 30/2020/NĐ-CP"),
        ("Thông tư 39/2020/BTTTT-TT", "Thông tư 39/2020/TT-BTTTT"),
        ("ngày 31/4/2026", "ngày 30/4/2026"),
        ("ngày 12/25/2025", "ngày 25/12/2025"),
        ("ngày 29 tháng 2 năm 2025", "ngày 28 tháng 2 năm 2025"),
        ("sáng thứ ba, ngày 11/11/2024", "sáng thứ hai, ngày 11/11/2024"),
        ("Họp xong.\nNơi nhận:\n- Lưu.", "Họp xong.\n"),
        ("Trang 2/5", ""),
        ("đúng hạn./.", "đúng hạn."),
        ("huyện Cẩm Giàng", "huyện Cẩm Giàng cũ"),
        ("tỉnh Hải Dương", "tỉnh Hải Dương (nay thuộc thành phố Hải Phòng)"),
        ("Họp lúc 8h. Mua ngay kẻo hết! Mời bà con.", "Họp lúc 8h.  Mời bà con."),
        ("Вộ Nội vụ", "Bộ Nội vụ"),
        ("xin\u200bchào", "xinchào"),
        (
            "Xã mời " + "bà con " * 15 + "và đại biểu " + "các thôn " * 10,
            ("Xã mời " + "bà con " * 15).rstrip() + ", và đại biểu " + "các thôn " * 10,
        ),
    ],
)
def test_what_a_finding_proposes_mends_the_text(written: str, mended: str) -> None:
    assert (
        apply(written, [found for found in check(written) if found.concern is not Concern.UNCERTAIN_READING]) == mended
    )
    again = check(mended)
    assert [
        found.text for found in again if found.proposal is not None and found.concern is not Concern.UNCERTAIN_READING
    ] == []


@pytest.mark.parametrize(
    "written",
    [
        "Công văn số 12/UBND-VX, Kế hoạch 873/KH-UBND, Hướng dẫn 36-HD/VPTW",
        "chính sách ưu đãi người có công với cách mạng",
        "từ ngày 15/11/2025 đến 15/02/2026, 24h00 hôm nay",
        "thành phố Hải Phòng, khu vực thị xã, quân 2 trung đội",
    ],
)
def test_what_is_right_is_left_alone(written: str) -> None:
    assert [found for found in check(written) if found.concern is not Concern.UNCERTAIN_READING] == []


@pytest.mark.parametrize(
    "unit", ["ưu đãi lớn ", "mua ngay. ", "57/NQ-TW ", "huyện Cẩm ", "ngày 31/4 ", "25h61 ", "và "]
)
def test_the_checks_cost_grows_with_the_length(unit: str) -> None:
    def seconds(length: int) -> float:
        text, taken = unit * (length // len(unit)), []
        for _ in range(3):  # the least is the text's own; what is more is the machine's
            start = time.process_time()
            check(text)
            taken.append(time.process_time() - start)
        return min(taken)

    short, long = seconds(2_000), seconds(16_000)
    assert long < 8 * max(short, 0.01) * 2.5, f"8 times the text took {long / max(short, 1e-6):.0f} times as long"


def test_a_good_bulletin_has_no_findings() -> None:
    text = "Thực hiện Nghị quyết số 57-NQ/TW ngày 22/12/2024 của Bộ Chính trị, UBND xã mời bà con họp lúc 19h30 thứ hai, ngày 11/11/2024."
    assert check(text) == ()


def test_a_finding_of_another_text_is_refused() -> None:
    (finding,) = (each for each in check("Nghị quyết 57/NQ-TW") if each.severity is Severity.WARNING)
    with pytest.raises(ValueError, match="check the text again"):
        apply("Nghị quyết khác hẳn, dài hơn", [finding])


@given(st.text(max_size=300))
def test_any_text_can_be_checked_and_mended(text: str) -> None:
    found = check(text)
    nfc = unicodedata.normalize("NFC", text)
    if all(nfc[finding.start : finding.end] == finding.text for finding in found):
        apply(text, found)
