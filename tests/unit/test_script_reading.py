"""The reading of official Vietnamese: what is said, where it stands, and how sure we are."""

import sys
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.script import TokenClass, kept, nfc, read
from audio.script.checks import apply, check
from audio.script.syllables import is_syllable, not_syllables
from audio.sentences import sentences_as_written


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
        ("Thông báo số 125 của xã", "thông báo số một trăm hai mươi lăm của xã"),
        ("gọi 0983.123.456", "gọi không chín tám ba một hai ba bốn năm sáu"),
    ],
)
def test_an_announcer_would_say(written: str, spoken: str) -> None:
    assert read(written).plain() == spoken
    assert not read(written).uncertain


@pytest.mark.parametrize(
    "written",
    [
        "sân 25-20 chỗ",  # a span that falls
        "mắc điểm 3/5 tại ngã tư",  # a mark, a share, a date
        "mở 1/5 phải dời",  # a feast's date or a part
        "thôn 5 200 hộ",  # two numbers, or one with a space in it
        "đạt 3/4 danh hiệu",  # a part, or three of four
        "nhà 3 tầng, 2PN",
        "được 1,5đ",  # đồng or điểm
        "bệnh nhân nữ, 34T",
        "Thôn 3 - Thôn 5",  # from the one to the other, or the one against the other
        "di dời 12 hộ/45 khẩu",
        "Thượng tá Trần Q. Minh",
        "số 024.3826.xxxx",
        "mức 7.2 trong bảng",  # a decimal, a part's number, a version
        "xã TAN họp",  # letters, or a name without its marks
        "lấy 1058888 đi",
    ],
)
def test_what_can_be_read_in_two_ways_is_marked(written: str) -> None:
    assert read(written).uncertain


def test_a_short_form_stands_for_the_words_that_explain_it() -> None:
    text = "Quỹ khuyến học khuyến tài (QKHKT) xã.\nQKHKT nhận 5 triệu đồng."
    script = read(text)
    assert script.plain() == "quỹ khuyến học khuyến tài xã quỹ khuyến học khuyến tài nhận năm triệu đồng"
    assert not script.uncertain
    assert read("QKHKT nhận 5 triệu đồng.").uncertain


def test_tokens_stand_where_they_say_also_in_decomposed_text() -> None:
    decomposed = "U\u0309y\u200b ban nha\u0302n da\u0302n, nga\u0300y 09/01/2025"
    script = read(decomposed)
    assert script.plain() == "ủy ban nhân dân ngày chín tháng một năm hai nghìn không trăm hai mươi lăm"
    assert all(script.text[token.start : token.end] == token.text for token in script.tokens)
    assert script.tokens[-1].cls is TokenClass.DATE


@settings(max_examples=600)
@given(st.text(max_size=60))
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


_FRAGMENTS = st.sampled_from(
    [
        *"0123456789./-:,;()+%đĐhHkK \n",
        *(
            "ngày ",
            "tháng ",
            "UBND",
            "NQ/TW",
            "Km",
            "II",
            "\x00",
            "\u0301",
            "\u200b",
            "\u202e",
            "\ufeff",
            "😀",
            "e\u0302\u0301",
        ),
        *(
            "số ",
            "từ ",
            " - ",
            "đồng",
            "/kg",
            "m2",
            "@",
            "www.",
            ".vn",
            "\u2028",
            "½",
            "Ⅳ",
            "①",
            "ﬁ",
            "٣",
            "한",
            "👩\u200d👩\u200d👧",
        ),
    ]
)


@settings(max_examples=600)
@given(st.lists(_FRAGMENTS, max_size=16).map("".join))
def test_any_muddle_of_this_genre_is_read_in_vietnamese_syllables(text: str) -> None:
    script = read(text)
    assert not_syllables(script.plain()) == ()
    assert all(script.text[token.start : token.end] == token.text for token in script.tokens)


@pytest.mark.parametrize("unit", ["a", "1", "\u0301\u200b", "😀\u202e\x00 "])
def test_a_line_of_a_megabyte_is_read_within_seconds(unit: str) -> None:
    start = time.process_time()
    script = read(unit * (1_000_000 // len(unit)))
    assert time.process_time() - start < 8
    assert len(script.plain()) < 2_000_000


def test_marks_that_nobody_sees_change_nothing() -> None:
    plain = "UBND xã họp lúc 19h30 ngày 05/12/2025."
    hidden = "\u202e" + "\u200b".join(unicodedata.normalize("NFD", plain)).replace(" ", " \x00\ufeff") + "\u200f"
    assert read(hidden).plain() == read(plain).plain()
    assert read(plain.replace(" ", " 😀 ")).plain() == read(plain).plain()


def test_no_mark_or_digit_stands_beyond_the_planes_that_are_looked_through() -> None:
    beyond = map(chr, range(0x20000, sys.maxunicode + 1))
    assert not [letter for letter in beyond if unicodedata.combining(letter) or letter.isdecimal()]


def test_no_pile_of_marks_is_kept() -> None:
    """Python puts a pile of marks in order in quadratic time, and all of the station waits for it meanwhile."""
    pile = "a" + "\u0323\u0301" * 2_000
    assert len(nfc(pile)) <= 5
    assert len(kept(pile)) <= 5
    assert len(check(pile)[0].text) <= 5
    assert len(apply(pile, ())) <= 5
    assert sentences_as_written(pile)[0][0] == nfc(pile)
