"""gTTS against servers that fail: what the chain hears, and how soon. (Google itself is not asked: tests run without the internet.)"""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from audio.engines.gtts import GttsEngine
from audio.engines.port import EngineTimeoutError, EngineUnavailableError
from audio.render import build_renderer


@pytest.fixture
def silent_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A proxy that takes connections and never answers: what a firewall that swallows packets looks like."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, address)
        yield address


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is not there: the connection is refused at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")


@pytest.mark.usefixtures("silent_server")
def test_a_server_that_never_answers_costs_the_time_limit_and_no_more() -> None:
    start = time.monotonic()
    with pytest.raises((EngineTimeoutError, EngineUnavailableError)):
        GttsEngine().synthesize("xin chào", voice="vi", rate_wpm=150, timeout_s=0.5)
    assert time.monotonic() - start < 2


@pytest.mark.usefixtures("no_server")
def test_a_refused_connection_is_reported_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(EngineUnavailableError, match="gTTS could not be used"):
        GttsEngine().synthesize("xin chào", voice="vi", rate_wpm=150, timeout_s=3)
    assert time.monotonic() - start < 2


@pytest.mark.usefixtures("silent_server")
def test_without_the_internet_espeak_speaks_within_five_seconds_and_the_clip_says_why(tmp_path: Path) -> None:
    with build_renderer(tmp_path, engines=("gtts", "espeak"), gtts_timeout_s=0.5) as renderer:
        start = time.monotonic()
        clip = renderer.render("Mời bà con dự họp.").clip
        assert time.monotonic() - start < 0.5 + 5
    assert clip.engine == "espeak"
    assert clip.fallback
    assert "gtts" in str(clip.fallback_reason)
    assert sorted(path.suffix for path in tmp_path.rglob("*") if path.is_file()) == [".mp3", ".opus"]
