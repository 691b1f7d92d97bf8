"""Piper with a voice made here: the real runtime, the real way through the chain. Without the extra "piper" only its absence is tested."""

import importlib.util
import json
from pathlib import Path

import pytest

from audio.engines.piper import PiperEngine
from audio.engines.port import EngineRefusedError, EngineUnavailableError
from audio.render import build_renderer
from broadcaster.cli.speech import say_text
from broadcaster.errors import SetupError
from broadcaster.settings import Settings, load_settings
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


def test_an_operator_names_the_voice_file_in_the_settings(tmp_path: Path) -> None:
    voice = write_voice(tmp_path)
    given = load_settings(engines=("piper", "espeak"), piper_voice=voice, folder=tmp_path)
    assert isinstance(given, Settings)
    assert given.piper_voice == voice
    for wrong in (None, tmp_path / "none.onnx"):
        with pytest.raises(SetupError, match="Setting 'piper_voice' is wrong"):
            load_settings(engines=("piper",), piper_voice=wrong)


def test_say_speaks_with_the_voice_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the extra it says so, and the next engine speaks."""
    how = {"language": "vi", "voice": None, "rate": 150, "pitch": 50, "equaliser": "none", "json_output": True}
    out = tmp_path / "out.mp3"
    say_text("Xin chào.", out, engines=["piper", "espeak"], piper_voice=write_voice(tmp_path), **how)  # type: ignore[arg-type]
    facts = json.loads(capsys.readouterr().out)
    assert facts["engine"] == ("piper" if INSTALLED else "espeak")
    assert facts["fallback"] is not INSTALLED
    assert out.stat().st_size > 1_000
