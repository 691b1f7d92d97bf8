"""The report that blocks or lets pass a clip, and its picture."""

import dataclasses
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from audio.quality import Fault, assess
from audio.render import Renderer, build_renderer
from audio.waveform import peaks, svg

GENRE = Path(__file__).parents[1] / "data" / "genre.tsv"
TEXT = "Ủy ban nhân dân xã mời bà con trong thôn đến nhà văn hóa dự buổi nói chuyện về chuyển đổi số. Xin cảm ơn."


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renderer]:
    with build_renderer(tmp_path_factory.mktemp("clips"), engines=("espeak",)) as made:
        yield made


def test_a_good_clip_may_be_released(renderer: Renderer) -> None:
    quality = assess(renderer.render(TEXT))
    assert quality.ok, quality.faults
    assert quality.syllables == 25
    assert 2.4 <= quality.syllables_a_second <= 4.3
    assert quality.slowest == quality.fastest


def test_an_uncertain_word_blocks_the_release(renderer: Renderer) -> None:
    quality = assess(renderer.render(TEXT + " Liên hệ QXZK."))
    assert [found.fault for found in quality.faults] == [Fault.UNCERTAIN]
    assert "QXZK" in quality.faults[0].vi


def test_each_figure_out_of_bounds_is_a_fault(renderer: Renderer) -> None:
    good = renderer.render(TEXT)
    loud = dataclasses.replace(good, clip=dataclasses.replace(good.clip, lufs=-14.0, true_peak_dbtp=-0.2))
    assert [found.fault for found in assess(loud).faults] == [Fault.LOUDNESS, Fault.TRUE_PEAK]
    hurried = dataclasses.replace(
        good, sentences=tuple(dataclasses.replace(each, speech_ms=each.speech_ms // 2) for each in good.sentences)
    )
    assert [found.fault for found in assess(hurried).faults] == [Fault.RATE]
    assert [found.fault for found in assess(dataclasses.replace(good, sentences=())).faults] == [Fault.EMPTY]


def test_clipping_in_either_file_is_a_fault(renderer: Renderer) -> None:
    good = renderer.render(TEXT)
    assert good.clip.opus is not None
    worse = dataclasses.replace(good.clip, opus=dataclasses.replace(good.clip.opus, clipped=400, lufs=-18.0))
    found = assess(dataclasses.replace(good, clip=worse)).faults
    assert [each.fault for each in found] == [Fault.LOUDNESS, Fault.CLIPPING]
    assert all("Opus" in each.vi and "Opus" in each.en for each in found)


def test_the_report_can_be_kept(renderer: Renderer) -> None:
    quality = assess(renderer.render(TEXT + " Liên hệ QXZK."))
    kept = json.loads(json.dumps(quality.as_dict()))
    assert kept["ok"] is False
    assert kept["faults"][0]["fault"] == "uncertain_reading"
    assert kept["doubts"][0]["token"]["text"] == "QXZK"
    assert kept["engine"] == "espeak"


@pytest.mark.parametrize("rate", [100, 175])
def test_ordinary_sentences_at_ordinary_rates_are_no_fault(tmp_path: Path, rate: int) -> None:
    lines = GENRE.read_text(encoding="utf-8").splitlines()
    phrases = [line.split("\t")[1] for line in lines if not line.startswith("# ")]
    long = [phrase for phrase in phrases if len(phrase.split()) > 12][:16]
    assert len(long) == 16
    with build_renderer(tmp_path, engines=("espeak",), rate=rate, opus=False) as made:
        quality = assess(made.render("\n".join(long)))
    assert Fault.RATE not in [found.fault for found in quality.faults]
    assert quality.slowest is not None
    assert quality.fastest is not None
    assert quality.slowest < quality.fastest


def test_the_waveform_shows_silence_and_speech(renderer: Renderer) -> None:
    clip = renderer.render(TEXT).clip
    high = peaks(clip.path, 200)
    assert high[0] < 0.01
    assert high[-1] < 0.01
    assert 0.5 < high.max() < 0.9
    picture = ET.fromstring(svg(clip.path, count=200, label='a & "b" <c>'))  # noqa: S314 - made by us
    assert picture.attrib["aria-label"] == 'a & "b" <c>'
    assert picture[0].attrib["d"].count("M") == 200
    with pytest.raises(ValueError, match="peaks"):
        peaks(Path("x"), 0)
