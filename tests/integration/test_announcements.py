"""Whole bulletins: several languages, recordings, a jingle; what the files say of themselves, and how they sound."""

import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from audio.announcement import Announcement, Equaliser, Jingle, Recording, Text
from audio.errors import RenderError
from audio.loudness import measured, together
from audio.mastering import decode, measure
from audio.pcm import Pcm
from audio.quality import assess
from audio.recordings import JINGLE, import_sound
from audio.render import Renderer, build_renderer
from audio.store import DiskStore
from audio.wav import wav_of
from audio.waveform import peaks
from tests.sounds import encoded, tone

NEWS = Text("Mời bà con dự họp lúc 19h30 ngày 05/12 tại nhà văn hóa thôn, bàn về Nghị quyết số 57-NQ/TW.")
CALL = "Đây là Đài truyền thanh xã Mai."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def renderer(folder: Path) -> Iterator[Renderer]:
    with build_renderer(folder, engines=("espeak",)) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(folder: Path) -> str:
    """A recording 20 dB too quiet."""
    return import_sound(encoded(tone(5.0, hz=600, level=0.03)), DiskStore(folder)).sha256


@pytest.fixture(scope="module")
def tune(folder: Path) -> str:
    """A jingle at full scale."""
    return import_sound(encoded(tone(3.0, hz=900, level=1.0)), DiskStore(folder), JINGLE).sha256


def stretches(sound: Pcm, *, gap_s: float = 0.4) -> list[Pcm]:
    """What stands between silences of at least ``gap_s``."""
    loud = np.flatnonzero(np.abs(sound.samples()) > 0.005)
    edges = [0, *(np.flatnonzero(np.diff(loud) > gap_s * sound.rate) + 1), len(loud)]
    return [Pcm(sound.data[loud[a] * 2 : (loud[b - 1] + 1) * 2], sound.rate) for a, b in pairwise(edges)]


def pitch(sound: Pcm) -> float:
    """Hertz of the strongest part."""
    spectrum = np.abs(np.fft.rfft(sound.samples()))
    return float(np.argmax(spectrum) * sound.rate / sound.frames)


def tags(path: Path) -> dict[str, str]:
    with av.open(str(path), "r") as container:
        stream = container.streams.audio[0]
        return {name.upper(): value for name, value in {**container.metadata, **stream.metadata}.items()}


def test_versions_jingle_and_recording_come_in_order_each_as_loud_as_the_others(
    renderer: Renderer, quiet: str, tune: str
) -> None:
    versions = (NEWS, Recording(quiet, "hmn"), Text("Please come to the meeting tonight.", "en", voice="en"))
    rendered = renderer.render(Announcement(versions, jingle=Jingle(tune), call=CALL, repeats=1))
    assert assess(rendered).ok
    assert [(each.language, each.engine, each.voice) for each in rendered.versions] == [
        ("vi", "espeak", "vi"),
        ("hmn", "recorded", "recorded"),
        ("en", "espeak", "en"),
    ]
    assert [sentence.language for sentence in rendered.sentences] == ["vi"] * 4 + ["en"] * 2
    assert rendered.sentences[2].text == "xin nhắc lại."
    heard = stretches(decode(rendered.clip.path))
    tones = [place for place, each in enumerate(heard) if each.duration_ms > 2_900 and abs(pitch(each) - 900) < 5]
    recorded = [place for place, each in enumerate(heard) if each.duration_ms > 4_900 and abs(pitch(each) - 600) < 5]
    assert tones == [1], "after the opening chime"
    assert len(recorded) == 2, "and again, as it is repeated"
    assert tones[0] < recorded[0] < recorded[1] < len(heard) - 3, "then English, twice, and the closing chime"
    levels = [measure(heard[place]).lufs for place in (*tones, *recorded)]
    speech = together(measured(each) for each in heard[tones[0] + 1 : recorded[0]]).lufs
    assert all(abs(level - speech) < 1.5 for level in levels), (levels, speech)


@pytest.mark.parametrize("equaliser", list(Equaliser))
def test_both_files_are_within_the_limits_and_say_what_they_are(renderer: Renderer, equaliser: Equaliser) -> None:
    clip = renderer.render(Announcement((NEWS,), title="Họp thôn", equaliser=equaliser)).clip
    assert clip.opus is not None
    assert clip.opus.size < clip.size / 2.5
    assert clip.opus.path.suffix == ".opus"
    for file in (clip, clip.opus):
        loudness = measure(file.path)
        assert abs(loudness.lufs + 16) <= 0.5
        assert loudness.true_peak_dbtp <= -1
        assert abs(loudness.lufs - file.lufs) < 0.05, "measured by parts, with the output gain"
        assert abs(loudness.true_peak_dbtp - file.true_peak_dbtp) < 0.1
        assert abs(loudness.duration_ms - file.duration_ms) < 10
        assert file.clipped == decode(file.path).clipped == 0
        told = tags(file.path)
        assert told["TITLE"] == "Họp thôn"
        assert (told["SYNTHETIC_SPEECH"], told["SPEECH_ENGINE"], told["SPEECH_VOICE"]) == ("true", "espeak", "vi")
        assert told["SPEECH_VERSIONS"] == "vi synthetic espeak vi"
        assert told["SCRIPT_SHA256"] == clip.script_sha256
    envelopes = [peaks(file.path, 100) for file in (clip, clip.opus)]
    assert np.corrcoef(*envelopes)[0, 1] > 0.98, "the two are the same sound"


def test_who_speaks_is_told_of_recordings_too(renderer: Renderer, quiet: str) -> None:
    alone = renderer.render(Announcement((Recording(quiet),), call="")).clip
    assert (alone.synthetic, alone.engine, alone.voice, alone.script_sha256) == ("false", "recorded", "recorded", quiet)
    assert tags(alone.path)["SYNTHETIC_SPEECH"] == "false"
    assert "recorded speech" in tags(alone.path)["COMMENT"]
    called = renderer.render(Announcement((Recording(quiet),), call=CALL))
    assert called.clip.synthetic == "mixed"
    assert tags(called.clip.path)["SPEECH_VERSIONS"] == "call synthetic espeak vi; vi recorded"
    assert len(called.versions) == 1
    assert assess(called).ok
    assert assess(renderer.render(Announcement((Recording(quiet),), call=""))).syllables_a_second is None


def test_a_jingle_may_stand_in_place_of_the_chime(renderer: Renderer, tune: str) -> None:
    jingle = Jingle(tune, in_place_of_chime=True)
    heard = stretches(decode(renderer.render(Announcement((NEWS,), jingle=jingle)).clip.path))
    assert abs(pitch(heard[0]) - 900) < 5
    assert heard[-1].duration_ms < 1_600, "the closing chime stays"


def test_voice_rate_and_pitch_are_the_versions_own(renderer: Renderer) -> None:
    def first(text: Text) -> tuple[int, str]:
        rendered = renderer.render(Announcement((text,)))
        return rendered.sentences[0].speech_ms, rendered.clip.voice

    words = "Mời bà con dự họp tại nhà văn hóa thôn."
    usual, slow = first(Text(words)), first(Text(words, rate_wpm=100))
    assert slow[0] > 1.3 * usual[0]
    assert first(Text(words, voice="vi-vn-x-south"))[1] == "vi-vn-x-south"
    clips = {renderer.render(Announcement((Text(words, pitch=pitch),))).clip.sha256 for pitch in (10, 90)}
    assert len(clips) == 2


def test_what_is_missing_or_unknown_is_said(renderer: Renderer, folder: Path, quiet: str) -> None:
    before = sorted(folder.rglob("*"))
    for said, versions, jingle in [
        ("upload the file again", (Recording("0" * 64),), None),
        ("upload the file again", (NEWS,), Jingle("f" * 64)),
        ("upload the file again", (Recording("../../etc/passwd"),), None),
        ("names no voice", (NEWS, Text("Nyob zoo", "hmn")), None),
        ("no engine speaks this language", (Text("Nyob zoo", "hmn", voice="hmn"),), None),
        ("choose from espeak: en, en-us", (Text("Hello", "en", voice="queen"),), None),
        ("choose from espeak: vi", (Text("Xin chào", voice="en"),), None),
        ("80 to 300 words a minute", (Text("Xin chào", rate_wpm=500),), None),
        ("the pitch is 0 to 100", (Text("Xin chào", pitch=101),), None),
        ("nothing that can be spoken", (Text("... !", "en", voice="en"),), None),
    ]:
        with pytest.raises(RenderError, match=said) as refused:
            renderer.render(Announcement(versions, jingle=jingle))
        assert refused.value.vi != refused.value.en
    assert sorted(folder.rglob("*")) == before
    long = import_sound(encoded(tone(31.0)), DiskStore(folder)).sha256
    with pytest.raises(RenderError, match="choose a shorter one"):
        renderer.render(Announcement((NEWS,), jingle=Jingle(long)))
    with pytest.raises(RenderError, match="repeat it less often"):
        Renderer(renderer._store, renderer._chain, dataclasses.replace(renderer._settings, longest_s=20)).render(
            Announcement((Recording(quiet),), repeats=4)
        )


def test_a_horn_gets_what_it_can_give(renderer: Renderer) -> None:
    def bands(equaliser: Equaliser) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        clip = renderer.render(Announcement((NEWS,), equaliser=equaliser)).clip
        speech = np.concatenate([each.samples() for each in stretches(decode(clip.path))[1:-1]])
        power = np.abs(np.fft.rfft(speech)) ** 2
        hertz = np.fft.rfftfreq(len(speech), 1 / 24_000)
        edges = [(60, 180), (700, 1_300), (2_000, 3_200), (9_000, 11_000)]
        return 10 * np.log10([power[(hertz >= low) & (hertz < high)].sum() for low, high in edges])

    flat, horn = bands(Equaliser.NONE), bands(Equaliser.HORN)
    rumble, middle, presence, hiss = horn - flat - (horn - flat)[1]
    assert rumble < -15
    assert middle == 0
    assert 2 < presence < 5
    assert hiss < -10


def test_a_wav_says_that_it_is_synthetic(renderer: Renderer) -> None:
    clip = renderer.render(NEWS.text).clip
    wav = wav_of(clip.path)
    assert measure(wav).duration_ms == clip.duration_ms
    assert f"SYNTHETIC_SPEECH=true; SCRIPT_SHA256={clip.script_sha256}".encode() in wav


def test_without_opus_there_is_one_file(tmp_path: Path) -> None:
    with build_renderer(tmp_path, engines=("espeak",), opus=False) as only_mp3:
        assert only_mp3.render("Xin chào.").clip.opus is None
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".mp3"]
