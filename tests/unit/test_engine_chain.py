"""Which engine speaks, when one is left alone, and what the clip says about it."""

from collections.abc import Sequence

import pytest

from audio.engines.chain import AllEnginesFailedError, Breaker, EngineChain, Link
from audio.engines.port import Capabilities, EngineRefusedError, EngineTimeoutError, EngineUnavailableError
from audio.pcm import Pcm


class Scripted:
    """An engine that answers as it is told: a sound, or the given errors first."""

    capabilities = Capabilities(online=False, voices=("vi",), rates=(80, 300))

    def __init__(self, name: str, errors: Sequence[Exception | None] = ()) -> None:
        self.name = name
        self.errors = list(errors)
        self.asked: list[str] = []
        self.closed = False

    def synthesize(self, text: str, *, voice: str, rate_wpm: int, pitch: int = 50, timeout_s: float) -> Pcm:
        self.asked.append(text)
        self.how = (voice, rate_wpm, pitch, timeout_s)
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return Pcm(b"\1\0" * 2400, 24_000)

    def close(self) -> None:
        self.closed = True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def chain(*engines: Scripted, clock: Clock | None = None) -> EngineChain:
    return EngineChain(
        [Link(engine, 1.0) for engine in engines],
        clock=clock or Clock(),
        breaker=Breaker(failures=2, rest_s=60, longest_rest_s=200),
    )


def speak(one: EngineChain, *sentences: str) -> tuple[str, bool, str | None]:
    spoken = one.speak(sentences, voice="vi", rate_wpm=150)
    assert len(spoken.sounds) == len(sentences)
    return spoken.engine, spoken.fallback, spoken.fallback_reason


def test_the_first_engine_speaks() -> None:
    assert speak(chain(Scripted("a"), Scripted("b")), "một", "hai", "ba") == ("a", False, None)


def test_a_bulletin_never_changes_its_voice_midway() -> None:
    first, second = Scripted("a", [None, EngineTimeoutError("too slow")]), Scripted("b")
    engine, fallback, reason = speak(chain(first, second), "một", "hai", "ba")
    assert (engine, fallback) == ("b", True)
    assert reason is not None
    assert "too slow" in reason
    assert second.asked == ["một", "hai", "ba"]


def test_an_engine_that_fails_again_rests_longer_each_time() -> None:
    clock = Clock()
    first = Scripted("a", [EngineUnavailableError("no network")] * 4)
    one = chain(first, Scripted("b"), clock=clock)
    speak(one, "một")
    speak(one, "hai")
    assert len(first.asked) == 2
    assert "rests after failing (no network)" in str(speak(one, "ba")[2])
    assert len(first.asked) == 2, "a resting engine is not asked"
    clock.now = 61
    speak(one, "bốn")
    assert len(first.asked) == 3, "after its rest it is tried once"
    clock.now = 61 + 119
    speak(one, "năm")
    assert len(first.asked) == 3, "the second rest is twice as long"
    clock.now = 61 + 121
    speak(one, "sáu")
    clock.now += 201
    assert speak(one, "bảy") == ("a", False, None)
    speak(one, "tám")


def test_a_refused_text_says_nothing_of_the_engines_health() -> None:
    first = Scripted("a", [EngineRefusedError("no such voice")] * 5)
    one = chain(first, Scripted("b"))
    for text in ("một", "hai", "ba", "bốn"):
        assert speak(one, text)[0] == "b"
    assert len(first.asked) == 4


def test_what_was_spoken_before_is_not_spoken_again() -> None:
    first = Scripted("a")
    one = chain(first)
    speak(one, "một", "hai", "một")
    speak(one, "một", "ba")
    assert first.asked == ["một", "hai", "ba"]
    one.speak(["một"], voice="vi", rate_wpm=120)
    assert first.asked[-1] == "một", "another rate is another sound"
    assert first.how == ("vi", 120, 50, 1.0)


def test_a_resting_engine_still_gives_what_it_has_spoken() -> None:
    first = Scripted("a", [None, EngineUnavailableError("down"), EngineUnavailableError("down")])
    one = chain(first, Scripted("b"))
    for text in ("một", "hai", "ba"):
        speak(one, text)
    assert speak(one, "một") == ("a", False, None)


def test_when_none_speaks_each_cause_is_told_and_all_are_closed() -> None:
    engines = Scripted("a", [EngineUnavailableError("no network")]), Scripted("b", [EngineTimeoutError("hangs")])
    one = chain(*engines)
    with pytest.raises(AllEnginesFailedError, match=r"a: no network; b: hangs"):
        speak(one, "một")
    one.close()
    assert [engine.closed for engine in engines] == [True, True]


def test_a_chain_needs_an_engine() -> None:
    with pytest.raises(ValueError, match="at least one"):
        chain()
