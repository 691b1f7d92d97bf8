"""The real espeak-ng in its worker processes: what it says, and what happens when a process dies, hangs or loses its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audio.engines.espeak import EspeakEngine, _Worker
from audio.engines.port import EngineRefusedError, EngineTimeoutError, EngineUnavailableError
from audio.script import read

DATA = Path(__file__).parents[1] / "data" / "genre.tsv"
HOW = {"voice": "vi", "rate_wpm": 150}


@pytest.fixture
def engine() -> Iterator[EspeakEngine]:
    made = EspeakEngine(workers=2)
    yield made
    made.close()


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_sentence_has_the_length_of_speech(engine: EspeakEngine) -> None:
    words = "ủy ban nhân dân xã thông báo lịch tiếp công dân định kỳ hàng tháng"
    slow = engine.synthesize(words, voice="vi", rate_wpm=100, timeout_s=20)
    quick = engine.synthesize(words, voice="vi", rate_wpm=150, timeout_s=20)
    for sound, low, high in ((slow, 2.0, 3.0), (quick, 2.8, 4.3)):
        assert low <= len(words.split()) / (sound.trimmed().duration_ms / 1000) <= high


def test_bulletins_never_switch_the_voice_to_english(engine: EspeakEngine) -> None:
    written = [
        line.split("\t")[1] for line in DATA.read_text(encoding="utf-8").splitlines() if not line.startswith("# ")
    ]
    text = "\n".join(read(phrase).plain() for phrase in written)
    assert len(text) > 10_000
    heard = "\n".join(engine.phonemes(line) for line in text.splitlines())
    assert "(en)" not in heard
    assert "(en)" in engine.phonemes("xin chào facebook"), "or the test could not fail"


def test_several_sentences_at_once_use_several_processes(engine: EspeakEngine) -> None:
    threads = [
        threading.Thread(target=engine.synthesize, args=("xin chào bà con " * 40,), kwargs={**HOW, "timeout_s": 60})
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(engine.worker_pids) == 2


def test_a_killed_process_is_replaced_and_the_sentence_spoken_once(engine: EspeakEngine) -> None:
    engine.synthesize("xin chào", **HOW, timeout_s=20)  # type: ignore[arg-type]
    (pid,) = engine.worker_pids
    done: list[int] = []
    speaking = threading.Thread(
        target=lambda: done.append(engine.synthesize("bà con chú ý " * 380, **HOW, timeout_s=60).duration_ms)
    )  # type: ignore[arg-type]
    os.kill(pid, signal.SIGSTOP)  # it is in the middle of the sentence for as long as we like
    speaking.start()
    os.kill(pid, signal.SIGKILL)
    speaking.join(60)
    assert len(done) == 1
    assert done[0] > 100_000
    assert pid not in engine.worker_pids


def test_a_process_that_cannot_start_is_reported(engine: EspeakEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audio.engines.espeak.sys.executable", "/bin/false")
    with pytest.raises(EngineUnavailableError, match="could not start"):
        engine.synthesize("xin chào", **HOW, timeout_s=20)  # type: ignore[arg-type]
    monkeypatch.undo()
    assert engine.synthesize("xin chào", **HOW, timeout_s=20).duration_ms > 300  # type: ignore[arg-type]


def test_a_process_killed_while_it_starts_is_replaced(engine: EspeakEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, killed = _Worker.ask, list[int]()

    def dying(self: _Worker, request: dict[str, object], deadline: float) -> object:
        if not killed:
            os.kill(self.pid, signal.SIGKILL)
            killed.append(self.pid)
        return ask(self, request, deadline)

    monkeypatch.setattr(_Worker, "ask", dying)
    assert engine.synthesize("xin chào", **HOW, timeout_s=20).duration_ms > 300  # type: ignore[arg-type]
    assert killed


def test_a_process_that_hangs_is_ended_within_the_limit(engine: EspeakEngine) -> None:
    engine.synthesize("xin chào", **HOW, timeout_s=20)  # type: ignore[arg-type]
    (pid,) = engine.worker_pids
    os.kill(pid, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(EngineTimeoutError, match="time limit"):
        engine.synthesize("xin chào", **HOW, timeout_s=0.3)  # type: ignore[arg-type]
    assert time.monotonic() - start < 3
    until(lambda: not alive(pid))
    assert engine.synthesize("xin chào", **HOW, timeout_s=20).duration_ms > 300  # type: ignore[arg-type]


def test_a_worker_dies_with_its_parent() -> None:
    program = (
        "from audio.engines.espeak import EspeakEngine\n"
        "import sys\n"
        "engine = EspeakEngine(workers=1)\n"
        "engine.synthesize('xin chào', voice='vi', rate_wpm=150, timeout_s=30)\n"
        "print(engine.worker_pids[0], flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert alive(worker)
        parent.kill()
        parent.wait()
        until(lambda: not alive(worker))


@pytest.mark.parametrize(
    "how",
    [
        {"voice": "klingon", "rate_wpm": 150},
        {"voice": "vi+../x", "rate_wpm": 150},
        {"voice": "vi", "rate_wpm": 20},
        {"voice": "vi", "rate_wpm": 150, "pitch": 101},
    ],
)
def test_what_it_cannot_do_it_refuses(engine: EspeakEngine, how: dict[str, object]) -> None:
    with pytest.raises(EngineRefusedError):
        engine.synthesize("xin chào", **how, timeout_s=20)  # type: ignore[arg-type]
    with pytest.raises(EngineRefusedError, match="cut the text"):
        engine.synthesize("a" * 5_001, **HOW, timeout_s=20)  # type: ignore[arg-type]


def test_a_closed_engine_says_so(engine: EspeakEngine) -> None:
    engine.synthesize("xin chào", **HOW, timeout_s=20)  # type: ignore[arg-type]
    (pid,) = engine.worker_pids
    engine.close()
    assert not alive(pid)
    with pytest.raises(EngineUnavailableError, match="closed"):
        engine.synthesize("xin chào", **HOW, timeout_s=20)  # type: ignore[arg-type]
