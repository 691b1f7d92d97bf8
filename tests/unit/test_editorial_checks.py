"""What an editor is told before a bulletin is released."""

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


def test_each_slip_of_a_document_is_found_with_what_to_put_instead() -> None:
    found = {(finding.concern, finding.text.strip()[:12], finding.proposal) for finding in check(DOCUMENT)}
    assert {
        (Concern.CITATION, "57/NQ-TW", "57-NQ/TW"),
        (Concern.CITATION, "57-NQ/T", "57-NQ/TW"),
        (Concern.DATE, "thứ ba", "thứ hai"),
        (Concern.DATE, "31/4/2026", None),
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
