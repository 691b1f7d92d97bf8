"""Readings of an area stand before the national ones, and say which version read a script."""

import pytest

from audio.script import Lexicon, LexiconEntry, LexiconError, Settled, TokenClass, read
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
    assert mentions("Hôm nay có cd.", ("CD",))
    assert not mentions("Hôm nay có AB.", ("CD",))


def test_a_decision_for_one_bulletin_holds_where_the_reader_proposes_the_same_and_nowhere_else() -> None:
    text = "Báo cáo theo số 57-NQ/T và QXZK; xem 57-NQ/TW."
    unsettled = {token.text: token for token in read(text).uncertain}
    assert set(unsettled) == {"57-NQ/T", "QXZK"}
    confirmed = Settled("QXZK", unsettled["QXZK"].reading, unsettled["QXZK"].reading)
    chosen = Settled("57-NQ/T", unsettled["57-NQ/T"].reading, "năm mươi bảy")
    settled = read(text, Lexicon().settling([confirmed, chosen]))
    assert settled.uncertain == ()
    readings = {token.text: token.reading for token in settled.tokens}
    assert readings["57-NQ/T"] == "năm mươi bảy"
    assert readings["QXZK"] == unsettled["QXZK"].reading
    assert readings["57-NQ/TW"] == {token.text: token.reading for token in read(text).tokens}["57-NQ/TW"]
    other = Settled("QXZK", "một cách đọc khác", "một hai")
    assert [token.text for token in read(text, Lexicon().settling([other, chosen])).uncertain] == ["QXZK"]
    assert Lexicon().settling([confirmed]).version != Lexicon().version
    assert read(text, Lexicon().settling([confirmed])).sha256 == read(text).sha256


def test_a_decision_stands_before_an_entry_that_came_later() -> None:
    lexicon = Lexicon.of([LexiconEntry("QXZK", "bốn chữ")])
    decision = Settled("QXZK", read("QXZK").tokens[0].reading, "quy ích dét ca")
    assert read("Gửi QXZK", lexicon.settling([decision])).plain() == "gửi quy ích dét ca"


def test_what_a_text_does_not_mention_does_not_count() -> None:
    lexicon = Lexicon.of([LexiconEntry("OCOP", "ốc cốp"), LexiconEntry("VNeID", "vi en i đê")])
    assert lexicon.concerning("sản phẩm ocop") == Lexicon.of([LexiconEntry("OCOP", "ốc cốp")])
    assert lexicon.concerning("không có gì") == Lexicon()


@pytest.mark.parametrize("reading", ["facebook", "", "a  a", "A"])
def test_a_decision_must_be_speakable(reading: str) -> None:
    with pytest.raises(LexiconError):
        Settled("57-NQ/T", "năm bảy", reading)
