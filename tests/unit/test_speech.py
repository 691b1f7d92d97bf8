"""Places in the script are places in the title or the text; a speech is known by its hash."""

import dataclasses
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from audio.script import Lexicon, LexiconEntry, Settled, read
from broadcaster.quality import without
from broadcaster.sound import Sound
from broadcaster.speech import Speech, Version, place, read_out

WRITTEN = st.text(min_size=1, max_size=40).map(lambda text: unicodedata.normalize("NFC", text).strip()).filter(bool)


@given(WRITTEN, WRITTEN)
def test_each_token_is_found_again_where_it_was_written(title: str, text: str) -> None:
    parts = {"title": title + ".", "text": text}
    for token in read(read_out(title, text)).tokens:
        part, start, end = place(title, token.start, token.end)
        assert parts[part][start:end] == token.text


def test_a_speech_differs_by_whatever_can_be_heard() -> None:
    speech = Speech("Tin", "Chào OCOP", None, (), Lexicon(), Sound(voice="vi"))
    others = [
        dataclasses.replace(speech, title="Tin mới"),
        dataclasses.replace(speech, text="Chào"),
        dataclasses.replace(speech, recording="0" * 64),
        dataclasses.replace(speech, versions=(Version("km", recording="0" * 64),)),
        dataclasses.replace(speech, versions=(Version("en", "Hello"),)),
        dataclasses.replace(speech, lexicon=Lexicon.of([LexiconEntry("OCOP", "ốc cốp")])),
        dataclasses.replace(speech, lexicon=Lexicon().settling([Settled("OCOP", "o xê o pê", "ốc cốp")])),
        *(
            dataclasses.replace(speech, sound=Sound(voice="vi").model_copy(update={name: value}))
            for name, value in {
                "voice": "vi-vn-x-south",
                "rate_wpm": 130,
                "pitch": 60,
                "equaliser": "horn",
                "call": "Đây là đài",
                "repeats": 1,
                "jingle": "0" * 64,
                "jingle_in_place_of_chime": True,
            }.items()
        ),
    ]
    assert len({speech.sha256, *(other.sha256 for other in others)}) == len(others) + 1


def test_sound_is_laid_one_over_the_other() -> None:
    station = Sound(voice="vi", rate_wpm=150, call="Đây là đài")
    assert Sound(rate_wpm=130, call="").over(station) == Sound(voice="vi", rate_wpm=130, call="")


def test_what_is_settled_leaves_the_report_and_nothing_else_does() -> None:
    doubts = [{"text": "QXZK", "reading": "quy"}, {"text": "AB", "reading": "a bê"}]
    loud = {"fault": "loudness", "vi": "v", "en": "e"}
    faults = [*({"fault": "uncertain_reading", **doubt} for doubt in doubts), loud]
    left = without({"uncertain": doubts, "faults": faults, "lufs": -20.0}, {("QXZK", "quy"), ("AB", "khác")})
    assert left == {"uncertain": doubts[1:], "faults": faults[1:], "lufs": -20.0}
