"""What may be announced, how text in other languages is cut, and what the mark says."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.announcement import Announcement, Recording, Text
from audio.errors import RenderError
from audio.rendered import RECORDED, RenderedVersion
from audio.sentences import CALL_PAUSE_MS, sentences_as_written, with_repeats
from audio.synthetic_mark import Synthetic, script_sha256, synthetic, tags

SPOKEN = RenderedVersion("vi", None, "a" * 64, "espeak", "vi", fallback=True, fallback_reason="gtts: no network")
RECORDING = RenderedVersion("hmn", None, "b" * 64, RECORDED, RECORDED, fallback=False, fallback_reason=None)


def test_an_announcement_says_something_a_few_times_in_a_language() -> None:
    with pytest.raises(RenderError, match="nothing to say"):
        Announcement(())
    with pytest.raises(RenderError, match="0 to 5 times"):
        Announcement((Text("a"),), repeats=6)
    for language in ("", "Vietnamese", "vi_VN", "v", "vi-"):
        with pytest.raises(RenderError, match="BCP 47"):
            Text("a", language)
        with pytest.raises(RenderError, match="BCP 47"):
            Recording("0" * 64, language)
    assert Text("a", "vi-VN").vietnamese
    assert not Text("a", "hmn").vietnamese


def test_other_languages_are_cut_at_sentences_and_otherwise_left_alone() -> None:
    assert sentences_as_written("Good evening. It is 7:30!\nPlease\tcome\0 now") == [
        ("Good evening.", 400),
        ("It is 7:30!", 700),
        ("Please come  now", 700),
    ]
    assert [words for words, _ in sentences_as_written("你好。请来开会！谢谢")] == ["你好。", "请来开会！", "谢谢"]
    assert sentences_as_written(" \n...\n!") == []
    assert [words for words, _ in sentences_as_written("cafe\N{COMBINING ACUTE ACCENT}")] == ["café"]


@given(st.text(max_size=3_000))
@settings(max_examples=30)
def test_nothing_that_is_spoken_is_lost_or_too_long(text: str) -> None:
    sentences = sentences_as_written(text)
    assert all(0 < len(words) <= 900 for words, _ in sentences)

    def letters(of: str) -> str:
        return "".join(each for each in unicodedata.normalize("NFC", of) if each.isalnum())

    assert letters("".join(words for words, _ in sentences)) == letters(text)


def test_what_is_repeated_is_announced_in_vietnamese_only() -> None:
    call, body = [("đây là đài.", 0)], [("một.", 400), ("hai.", 0)]
    assert with_repeats(call, body, 1, vietnamese=True) == [
        ("đây là đài.", CALL_PAUSE_MS),
        ("một.", 400),
        ("hai.", CALL_PAUSE_MS),
        ("xin nhắc lại.", CALL_PAUSE_MS),
        ("một.", 400),
        ("hai.", 0),
    ]
    assert [words for words, _ in with_repeats([], body, 2, vietnamese=False)] == ["một.", "hai."] * 3
    assert body == [("một.", 400), ("hai.", 0)], "what was given is not changed"


def test_the_mark_tells_machines_from_people() -> None:
    assert synthetic([SPOKEN]) is Synthetic.TRUE
    assert synthetic([RECORDING, RECORDING]) is Synthetic.FALSE
    assert synthetic([RECORDING, SPOKEN]) is Synthetic.MIXED
    marked = tags("Họp thôn", None, [SPOKEN, RECORDING])
    assert marked["SYNTHETIC_SPEECH"] == "mixed"
    assert marked["SPEECH_VERSIONS"] == "vi synthetic espeak vi; hmn recorded"
    assert (marked["SPEECH_ENGINE"], marked["SPEECH_FALLBACK"]) == ("espeak, recorded", "true")
    assert tags("Họp", SPOKEN, [RECORDING])["SYNTHETIC_SPEECH"] == "mixed", "the call is a machine's"


def test_the_hash_is_the_only_versions_or_that_of_all_in_order() -> None:
    assert script_sha256([SPOKEN]) == SPOKEN.sha256
    both = script_sha256([SPOKEN, RECORDING])
    assert both not in (SPOKEN.sha256, RECORDING.sha256, script_sha256([RECORDING, SPOKEN]))
