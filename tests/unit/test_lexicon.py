"""Readings of an area stand before the national ones, and say which version read a script."""

import pytest

from audio.script import Lexicon, LexiconEntry, LexiconError, TokenClass, read
from audio.script.lexicon import mentions


def test_the_nearest_area_wins_and_the_nation_remains() -> None:
    province = [LexiconEntry("OCOP", "mỗi xã một sản phẩm"), LexiconEntry("Lai Cách", "lai cách")]
    commune = [LexiconEntry("OCOP", "ốc cốp")]
    script = read("UBND xã giới thiệu sản phẩm OCOP", Lexicon.of(province, commune))
    assert script.plain() == "ủy ban nhân dân xã giới thiệu sản phẩm ốc cốp"
    assert script.tokens[-1].cls is TokenClass.LEXICON
    assert not script.uncertain


def test_a_term_of_several_words_or_spelled_out() -> None:
    lexicon = Lexicon.of(
        [LexiconEntry("Big Data", "dữ liệu lớn"), LexiconEntry("XYZ"), LexiconEntry("H'Mông", "hờ mông")]
    )
    assert read("BIG DATA và xyz, người H'Mông", lexicon).plain() == "dữ liệu lớn và ích i dét người hờ mông"


def test_case_counts_where_the_term_is_also_a_vietnamese_word() -> None:
    lexicon = Lexicon.of([LexiconEntry("AN", "an ninh")])
    assert read("giữ AN cho dân an tâm", lexicon).plain() == "giữ an ninh cho dân an tâm"


def test_only_whole_words() -> None:
    assert read("OCOPE", Lexicon.of([LexiconEntry("OCOP", "ốc cốp")])).uncertain


@pytest.mark.parametrize(
    ("written", "reading"),
    [("", "a"), (" A", "a"), ("A", "facebook"), ("A", ""), ("A", "a  a"), ("/x", "a"), ("x" * 81, "a")],
)
def test_an_entry_that_cannot_be_used_says_why(written: str, reading: str) -> None:
    with pytest.raises(LexiconError):
        LexiconEntry(written, reading)


def test_a_version_changes_with_the_readings_and_with_nothing_else() -> None:
    one, two = LexiconEntry("AB", "a bê"), LexiconEntry("CD", "xê dê")
    assert (
        Lexicon.of([one, two]).version == Lexicon.of([two], [one]).version == read("x", Lexicon.of([one, two])).lexicon
    )
    assert Lexicon.of([one]).version != Lexicon.of([one, two]).version
    changed = Lexicon.of([one]).changed_since(Lexicon.of([one, two]))
    assert changed == {"CD"}
    assert mentions("Hôm nay có cd.", changed)
    assert not mentions("Hôm nay có AB.", changed)
