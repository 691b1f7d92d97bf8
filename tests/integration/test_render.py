"""From text to a clip in the store, with the real engine and encoder."""

import os
import signal
import threading
from pathlib import Path

import av
import numpy as np
import pytest

from audio.engines.espeak import EspeakEngine, _Worker
from audio.errors import RenderError
from audio.mastering import decode, measure
from audio.render import build_renderer

BULLETIN = "Nghị quyết số 57-NQ/TW về với thôn, xóm. Mời bà con dự họp lúc 19h30 ngày 05/12 tại nhà văn hóa thôn."


@pytest.mark.parametrize("text", [BULLETIN, "Xin chào.", "Chú ý! " * 40])
def test_a_bulletin_becomes_a_clip_within_the_limits(tmp_path: Path, text: str) -> None:
    with build_renderer(tmp_path, engines=("espeak",)) as renderer:
        clip = renderer.render(text).clip
    loudness = measure(clip.path)
    assert abs(loudness.lufs + 16) <= 0.5
    assert loudness.true_peak_dbtp <= -1
    assert loudness.duration_ms == clip.duration_ms
    assert abs(loudness.lufs - clip.lufs) < 0.1
    assert abs(loudness.true_peak_dbtp - clip.true_peak_dbtp) < 0.1
    assert clip.engine == "espeak"
    assert not clip.fallback
    with av.open(str(clip.path), "r") as container:
        assert container.metadata["SYNTHETIC_SPEECH"] == "true"
        assert container.metadata["SCRIPT_SHA256"] == clip.script_sha256
        assert container.streams.audio[0].codec_context.channels == 1
        assert container.streams.audio[0].codec_context.sample_rate == clip.sample_rate


def test_the_first_sound_comes_after_the_lead_in_and_not_later(tmp_path: Path) -> None:
    with build_renderer(tmp_path, engines=("espeak",)) as renderer:
        clip = renderer.render(BULLETIN).clip
    loud = np.flatnonzero(np.abs(decode(clip.path).samples()) > 0.02)
    assert 300 <= loud[0] * 1000 / clip.sample_rate <= 320


def test_an_edit_makes_only_what_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spoken: list[str] = []
    synthesize = EspeakEngine.synthesize

    def noted(self: EspeakEngine, text: str, **how: object) -> object:
        spoken.append(text)
        return synthesize(self, text, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(EspeakEngine, "synthesize", noted)
    with build_renderer(tmp_path, engines=("espeak",)) as renderer:
        first = renderer.render("Câu thứ nhất. Câu thứ hai. Câu thứ ba.").clip
        again = renderer.render("Câu thứ nhất. Câu thứ hai. Câu thứ ba.").clip
        assert again == first  # espeak is not bit-reproducible: the same bytes can only come from the cache
        renderer.render("Câu thứ nhất. Câu đã sửa. Câu thứ ba.")
    assert spoken == ["câu thứ nhất.", "câu thứ hai.", "câu thứ ba.", "câu đã sửa."]


def test_the_stations_call_comes_first_and_the_bulletin_is_read_again(tmp_path: Path) -> None:
    with build_renderer(tmp_path, engines=("espeak",), call="Đây là Đài truyền thanh xã Mai.", repeats=1) as renderer:
        rendered = renderer.render("Mời bà con dự họp. Xin cảm ơn.")
    assert [sentence.text for sentence in rendered.sentences] == [
        "đây là đài truyền thanh xã mai.",
        "mời bà con dự họp.",
        "xin cảm ơn.",
        "xin nhắc lại.",
        "mời bà con dự họp.",
        "xin cảm ơn.",
    ]
    assert rendered.versions[0].script.plain() == "mời bà con dự họp xin cảm ơn"


def test_what_cannot_be_spoken_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with build_renderer(tmp_path, engines=("espeak",)) as renderer:
        with pytest.raises(RenderError, match="write at least one word"):
            renderer.render(" \n./. ")
        with pytest.raises(RenderError, match="split it"):
            renderer.render("a " * 40_000)
        with pytest.raises(RenderError, match="no voice 'klingon' for 'vi': choose from espeak: vi,"):
            build_renderer(tmp_path, engines=("espeak",), voice="klingon").render("a")
    assert list(tmp_path.rglob("*.mp3")) == []


def test_a_worker_killed_in_the_middle_of_a_bulletin_costs_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(f"Câu thứ {number} của bản tin hôm nay." for number in range(1, 9))
    with build_renderer(tmp_path / "usual", engines=("espeak",), opus=False) as renderer:
        usual = renderer.render(text)
    asked: list[str] = []
    killed: list[int] = []
    ask = _Worker.ask

    def dying(self: _Worker, request: dict[str, object], deadline: float) -> object:
        asked.append(str(request["text"]))
        if len(asked) == 4:
            os.kill(self.pid, signal.SIGSTOP)  # it takes the sentence, and is in the middle of it
            killer = threading.Timer(0.05, os.kill, (self.pid, signal.SIGKILL))
            killer.start()
            killed.append(self.pid)
        return ask(self, request, deadline)

    monkeypatch.setattr(_Worker, "ask", dying)
    with build_renderer(tmp_path / "killed", engines=("espeak",), opus=False) as renderer:
        rendered = renderer.render(text)
        assert killed[0] not in renderer._chain.links[0].engine.worker_pids  # type: ignore[attr-defined]
    words = [sentence.text for sentence in rendered.sentences]
    assert words == [sentence.text for sentence in usual.sentences]
    assert len(set(words)) == 8
    assert sorted(asked) == sorted([*words, asked[3]]), "one sentence was asked for again, no other"
    assert abs(rendered.clip.duration_ms / usual.clip.duration_ms - 1) < 0.01
    assert not rendered.clip.fallback
    assert len(list((tmp_path / "killed").rglob("*.mp3"))) == 1


def test_a_worker_killed_between_two_bulletins_is_replaced(tmp_path: Path) -> None:
    with build_renderer(tmp_path, engines=("espeak",)) as renderer:
        renderer.render("Xin chào.")
        (link,) = renderer._chain.links
        for pid in link.engine.worker_pids:  # type: ignore[attr-defined]
            os.kill(pid, signal.SIGKILL)
        assert renderer.render("Xin chào bà con.").clip.duration_ms > 4_000
