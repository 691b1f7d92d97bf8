"""The report that blocks or lets pass a clip, and its picture."""

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from audio.quality import Fault, assess
from audio.render import Renderer, build_renderer
from audio.waveform import peaks, svg

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
    assert [fault for fault, _ in quality.faults] == [Fault.UNCERTAIN]
    assert "QXZK" in quality.faults[0][1]


def test_each_figure_out_of_bounds_is_a_fault(renderer: Renderer) -> None:
    good = renderer.render(TEXT)
    loud = dataclasses.replace(good, clip=dataclasses.replace(good.clip, lufs=-14.0, true_peak_dbtp=-0.2))
    assert [fault for fault, _ in assess(loud).faults] == [Fault.LOUDNESS, Fault.TRUE_PEAK]
    hurried = dataclasses.replace(
        good, sentences=tuple(dataclasses.replace(each, speech_ms=each.speech_ms // 2) for each in good.sentences)
    )
    assert [fault for fault, _ in assess(hurried).faults] == [Fault.RATE]
    assert [fault for fault, _ in assess(dataclasses.replace(good, sentences=())).faults] == [Fault.EMPTY]


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
