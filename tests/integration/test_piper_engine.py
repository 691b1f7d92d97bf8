"""Piper with a voice made here: the real runtime, the real way through the chain. Without the extra "piper" only its absence is tested."""

import importlib.util
from pathlib import Path

import pytest

from audio.engines.piper import PiperEngine
from audio.engines.port import EngineRefusedError, EngineUnavailableError
from audio.render import build_renderer
from tests.piper_voice import write_voice

HOW = {"voice": "none", "rate_wpm": 150, "timeout_s": 60.0}
INSTALLED = importlib.util.find_spec("piper") is not None
installed = pytest.mark.skipif(not INSTALLED, reason="the extra 'piper' is not installed")


@installed
def test_a_voice_speaks(tmp_path: Path) -> None:
    engine = PiperEngine(write_voice(tmp_path))
    sound = engine.synthesize("xin chào bà con", **{**HOW, "voice": "test"})  # type: ignore[arg-type]
    assert sound.rate == 22_050
    assert sound.duration_ms > 500
    engine.close()


@installed
def test_a_bulletin_is_spoken_with_the_operators_voice(tmp_path: Path) -> None:
    voice = write_voice(tmp_path)
    with build_renderer(tmp_path / "clips", engines=("piper", "espeak"), piper_voice=voice) as renderer:
        clip = renderer.render("Xin chào bà con. Mời bà con dự họp.").clip
    assert (clip.engine, clip.fallback) == ("piper", False)
    assert abs(clip.lufs + 16) <= 0.5


def test_a_missing_voice_says_what_to_do_and_the_next_engine_speaks(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailableError, match=r"put the .onnx file|install the extra"):
        PiperEngine(tmp_path / "none.onnx").synthesize("xin chào", **HOW)  # type: ignore[arg-type]
    with build_renderer(
        tmp_path / "clips", engines=("piper", "espeak"), piper_voice=tmp_path / "none.onnx"
    ) as renderer:
        clip = renderer.render("Xin chào bà con.").clip
    assert clip.engine == "espeak"
    assert "piper" in str(clip.fallback_reason)


def test_what_it_cannot_do_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(EngineRefusedError):
        PiperEngine(tmp_path / "none.onnx").synthesize("xin chào", voice="none", rate_wpm=20, timeout_s=5)
    with pytest.raises(ValueError, match="piper_voice"):
        build_renderer(tmp_path, engines=("piper",))
