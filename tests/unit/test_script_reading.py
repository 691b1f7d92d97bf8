"""The reading of official Vietnamese: what is said, where it stands, and how sure we are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.script import TokenClass, read
from audio.script.syllables import is_syllable, not_syllables


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Nghị quyết số 57-NQ/TW", "nghị quyết số năm mươi bảy của trung ương"),
        (
            "Nghị quyết số 57-NQ/TW ngày 22/12/2024 của Bộ Chính trị",
            "nghị quyết số năm mươi bảy ngày hai mươi hai tháng mười hai năm hai nghìn không trăm hai mươi tư của bộ chính trị",
        ),
        (
            "theo 147/2024/NĐ-CP",
            "theo nghị định số một trăm bốn mươi bảy năm hai nghìn không trăm hai mươi tư của chính phủ",
        ),
        ("từ ngày 1-5/12", "từ ngày một đến ngày năm tháng mười hai"),
        ("trước ngày 10/12 hàng năm", "trước ngày mười tháng mười hai hàng năm"),
        ("từ 7h30 đến 17h00", "từ bảy giờ ba mươi phút đến mười bảy giờ"),
        ("5h30 - 7h00", "năm giờ ba mươi phút đến bảy giờ"),
        ("Mục II và III, khóa XIII, lần thứ XIV", "mục hai và ba khóa mười ba lần thứ mười bốn"),
        ("I-ốt", "i ốt"),
        ("1,5 tỷ đồng; 50k; 50.000đ", "một phẩy năm tỷ đồng năm mươi nghìn năm mươi nghìn đồng"),
        ("Ai dùng AI?", "ai dùng ây ai"),
        ("đúng quy định./.", "đúng quy định"),
        ("2-3 tháng", "hai đến ba tháng"),
        ("1. Mục đích", "một mục đích"),
        ("số 12/5 đường Lê Lợi", "số mười hai trên năm đường lê lợi"),
        ("gọi 0983.123.456", "gọi không chín tám ba một hai ba bốn năm sáu"),
    ],
)
def test_an_announcer_would_say(written: str, spoken: str) -> None:
    assert read(written).plain() == spoken
    assert not read(written).uncertain


def test_tokens_stand_where_they_say_also_in_decomposed_text() -> None:
    decomposed = "U\u0309y\u200b ban nha\u0302n da\u0302n, nga\u0300y 09/01/2025"
    script = read(decomposed)
    assert script.plain() == "ủy ban nhân dân ngày chín tháng một năm hai nghìn không trăm hai mươi lăm"
    assert all(script.text[token.start : token.end] == token.text for token in script.tokens)
    assert script.tokens[-1].cls is TokenClass.DATE


@given(st.text(max_size=400))
def test_any_text_is_read_in_vietnamese_syllables(text: str) -> None:
    script = read(text)
    assert not_syllables(script.plain()) == ()
    assert all(script.text[token.start : token.end] == token.text for token in script.tokens)
    assert read(text) == script


def test_a_syllable_is_an_initial_a_rhyme_and_a_tone() -> None:
    for word in ["nghị", "quyết", "chuyển", "giếng", "gì", "quốc", "khuỷu", "ngoằn", "hoà", "hòa", "oát", "ý"]:
        assert is_syllable(word), word
    for word in ("facebook", "led", "sac", "kan", "ngi", "hoat", "b", "", "ủyy", "nghịí"):
        assert not is_syllable(word), word
