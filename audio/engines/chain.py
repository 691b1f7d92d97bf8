"""Engines in order of preference; the first that speaks the whole text wins, so that a bulletin never changes its voice midway."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from audio.cache import Cache
from audio.engines.port import Engine, EngineError, EngineRefusedError
from audio.pcm import Pcm

_REMEMBERED_BYTES = 64_000_000
"""Of speech, some 24 minutes."""


class AllEnginesFailedError(EngineError):
    """No engine of the chain spoke; the message names each and its cause."""


@dataclass(frozen=True, slots=True)
class Link:
    """An engine of the chain, and the seconds that one sentence may take it."""

    engine: Engine
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Breaker:
    """When an engine is left alone: after ``failures`` in a row, for ``rest_s`` seconds, doubled at each further failure up to ``longest_rest_s``."""

    failures: int = 2
    rest_s: float = 60.0
    longest_rest_s: float = 1_800.0


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the chain gives: the sound of each sentence, by which engine with which of its voices, and why not by the first one."""

    sounds: tuple[Pcm, ...]
    engine: str
    voice: str
    fallback: bool
    fallback_reason: str | None


@dataclass(frozen=True, slots=True)
class Speaker:
    """An engine that may speak, with the voice that it would use; ``instead_of`` is the voice asked for, if it has another one."""

    link: Link
    voice: str
    instead_of: str | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak: a voice, words a minute, and a pitch from 0 to 100 (50 the voice's own)."""

    voice: str
    rate_wpm: int
    pitch: int = 50


@dataclass(slots=True)
class _Health:
    failures: int = 0
    closed_until: float = 0.0
    last_cause: str = ""


@dataclass(frozen=True, slots=True)
class EngineChain:
    """Engines tried in order, each behind its circuit breaker.

    ``clock`` gives monotonic seconds. ``parallel`` is how many sentences are spoken at the same time.
    """

    links: Sequence[Link]
    clock: Callable[[], float]
    breaker: Breaker = field(default_factory=Breaker)
    parallel: int = 2
    spoken: Cache[Pcm] = field(
        default_factory=lambda: Cache(_REMEMBERED_BYTES, lambda sound: len(sound.data)), repr=False, compare=False
    )
    _health: dict[str, _Health] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.links:
            raise ValueError("a chain needs at least one engine")
        self._health.update({link.engine.name: _Health() for link in self.links})

    def speakers(self, voice: str, language: str) -> list[Speaker]:
        """Who may speak, in order: the engines that have the voice (a language's tag stands for any voice of it), then those with another voice of the language.

        Vietnamese is spoken by Vietnamese voices only; text in another language by any voice that is named, for many have none of their own.
        """
        primary = language.partition("-")[0]
        having: list[Speaker] = []
        others: list[Speaker] = []
        for link in self.links:
            offered = link.engine.capabilities
            suits = primary != "vi" or offered.offers(voice, "vi") or voice == "vi"
            if suits and offered.offers(voice):
                having.append(Speaker(link, voice))
            elif suits and voice in offered.voices:
                having.append(Speaker(link, offered.voices[voice][0]))
            elif primary in offered.voices:
                others.append(Speaker(link, offered.voices[primary][0], instead_of=voice))
        return having + others

    def speak(self, sentences: Sequence[str], manner: Manner, *, language: str = "vi") -> Spoken:
        """Speak every sentence with the first engine that can; raises :class:`AllEnginesFailedError`."""
        causes: list[str] = []
        for speaker in self.speakers(manner.voice, language):
            link = speaker.link
            name, health = link.engine.name, self._health[link.engine.name]
            how = replace(manner, voice=speaker.voice)
            everything_known = len(self._remembered(link, sentences, how)) == len(set(sentences))
            if health.closed_until > self.clock() and not everything_known:
                causes.append(f"{name} rests after failing ({health.last_cause})")
                continue
            try:
                sounds = self._speak_all(link, sentences, how)
            except EngineError as error:
                causes.append(f"{name}: {error}")
                if not isinstance(error, EngineRefusedError):  # a text that it does not take says nothing of its health
                    self._note_failure(health, str(error))
                continue
            health.failures = 0
            if speaker.instead_of is not None:
                causes.append(f"{name} has no voice {speaker.instead_of!r} and spoke with {speaker.voice!r}")
            return Spoken(sounds, name, speaker.voice, bool(causes), "; ".join(causes) or None)
        raise AllEnginesFailedError(
            "no speech engine could speak: " + ("; ".join(causes) or f"none has {manner.voice!r}")
        )

    def _speak_all(self, link: Link, sentences: Sequence[str], how: Manner) -> tuple[Pcm, ...]:
        def speak(sentence: str) -> Pcm:
            return link.engine.synthesize(
                sentence, voice=how.voice, rate_wpm=how.rate_wpm, pitch=how.pitch, timeout_s=link.timeout_s
            )

        made = self._remembered(link, sentences, how)
        missing = [sentence for sentence in dict.fromkeys(sentences) if sentence not in made]
        if missing:
            made[missing[0]] = speak(missing[0])  # alone: an engine that is down costs one time limit, not several
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="speech") as pool:
            waiting = {sentence: pool.submit(speak, sentence) for sentence in missing[1:]}
            try:
                made.update({sentence: future.result() for sentence, future in waiting.items()})
            except EngineError:
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        for sentence in missing:
            self.spoken.put((link.engine.name, how, sentence), made[sentence])
        return tuple(made[sentence] for sentence in sentences)

    def _remembered(self, link: Link, sentences: Sequence[str], how: Manner) -> dict[str, Pcm]:
        """The sentences that this engine has spoken before, in this way."""
        found = {sentence: self.spoken.get((link.engine.name, how, sentence)) for sentence in dict.fromkeys(sentences)}
        return {sentence: sound for sentence, sound in found.items() if sound is not None}

    def _note_failure(self, health: _Health, cause: str) -> None:
        health.failures += 1
        health.last_cause = cause
        beyond = health.failures - self.breaker.failures
        if beyond >= 0:
            rest = min(self.breaker.rest_s * 2 ** min(beyond, 16), self.breaker.longest_rest_s)
            health.closed_until = self.clock() + rest

    def close(self) -> None:
        """Close every engine."""
        for link in self.links:
            link.engine.close()
