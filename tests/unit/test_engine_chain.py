"""Which engine speaks, when one is left alone, and what the clip says about it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pytest

from audio.engines.chain import AllEnginesFailedError, Breaker, EngineChain, Link, Manner
from audio.engines.port import Capabilities, EngineRefusedError, EngineTimeoutError, EngineUnavailableError
from audio.pcm import Pcm


class Scripted:
    """An engine that answers as it is told: a sound, or the given errors first."""

    def __init__(
        self,
        name: str,
        errors: Sequence[Exception | None] = (),
        *,
        voices: Mapping[str, tuple[str, ...]] = MappingProxyType({"vi": ("vi",)}),
        variants: bool = False,
    ) -> None:
        self.name = name
        self.capabilities = Capabilities(online=False, voices=voices, rates=(80, 300), variants=variants)
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
    spoken = one.speak(sentences, Manner("vi", 150))
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
    one.speak(["một"], Manner("vi", 120))
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


def test_a_voice_that_is_named_comes_before_the_order_of_engines() -> None:
    first = Scripted("a", voices={"vi": ("vi",), "km": ("km",)})
    second = Scripted("b", voices={"vi": ("vi", "vi-south"), "en": ("en",)}, variants=True)
    one = chain(first, second)

    def says(voice: str, language: str = "vi") -> list[tuple[str, str, str | None]]:
        return [(each.link.engine.name, each.voice, each.instead_of) for each in one.speakers(voice, language)]

    assert says("vi") == [("a", "vi", None), ("b", "vi", None)]
    assert says("vi-south") == [("b", "vi-south", None), ("a", "vi", "vi-south")]
    assert says("vi-south+f2")[0] == ("b", "vi-south+f2", None)
    assert says("vi", "tyz") == [("a", "vi", None), ("b", "vi", None)], "the operator knows which voice can read it"
    assert says("en") == [("a", "vi", "en"), ("b", "vi", "en")], "Vietnamese is for Vietnamese voices"
    assert says("km", "km") == [("a", "km", None)]
    assert says("x", "hmn") == []
    with pytest.raises(AllEnginesFailedError, match="none has 'x'"):
        one.speak(["a"], Manner("x", 150), language="hmn")


def test_a_language_stands_for_the_voice_that_an_engine_has_for_it() -> None:
    file = Scripted("piper", voices={"vi": ("vais1000",)})
    spoken = chain(file).speak(["một"], Manner("vi", 150))
    assert (spoken.voice, spoken.fallback, file.how[0]) == ("vais1000", False, "vais1000")


def test_another_voice_than_the_one_named_is_a_fallback() -> None:
    with_it = Scripted("b", [EngineUnavailableError("down")], voices={"vi": ("south",)})
    spoken = chain(Scripted("a"), with_it).speak(["một"], Manner("south", 150))
    assert (spoken.engine, spoken.voice, spoken.fallback) == ("a", "vi", True)
    assert spoken.fallback_reason == "b: down; a has no voice 'south' and spoke with 'vi'"
