"""From text to a clip in the store, with the real engine and encoder."""

import os
import signal
from pathlib import Path

import av
import pytest

from audio.mastering import measure
from audio.render import RenderError, build_renderer

BULLETIN = "Nghị quyết số 57-NQ/TW về với thôn, xóm. Mời bà con dự họp lúc 19h30 ngày 05/12 tại nhà văn hóa thôn."


def test_a_bulletin_becomes_a_clip_within_the_limits(tmp_path: Path) -> None:
    with build_renderer(tmp_path, engines=("espeak",)) as renderer:
        clip = renderer.render(BULLETIN).clip
    loudness = measure(clip.path)
    assert abs(loudness.lufs + 16) <= 0.5
    assert loudness.true_peak_dbtp <= -1
    assert (loudness.lufs, loudness.duration_ms) == (clip.lufs, clip.duration_ms)
    assert clip.engine == "espeak"
    assert not clip.fallback
    with av.open(str(clip.path), "r") as container:
        assert container.metadata["SYNTHETIC_SPEECH"] == "true"
        assert container.metadata["SCRIPT_SHA256"] == clip.script_sha256
        assert container.streams.audio[0].codec_context.channels == 1


def test_what_cannot_be_spoken_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with build_renderer(tmp_path, engines=("espeak",)) as renderer:
        with pytest.raises(RenderError, match="write at least one word"):
            renderer.render(" \n./. ")
        with pytest.raises(RenderError, match="split it"):
            renderer.render("a " * 40_000)
    assert list(tmp_path.rglob("*.mp3")) == []


def test_a_worker_killed_between_two_bulletins_is_replaced(tmp_path: Path) -> None:
    with build_renderer(tmp_path, engines=("espeak",)) as renderer:
        renderer.render("Xin chào.")
        (link,) = renderer._chain.links
        for pid in link.engine.worker_pids:  # type: ignore[attr-defined]
            os.kill(pid, signal.SIGKILL)
        assert renderer.render("Xin chào bà con.").clip.duration_ms > 4_000
