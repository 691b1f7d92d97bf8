"""A bulletin's text to a finished clip in the store: the one door through which the rest of the project has things spoken."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from audio import script
from audio.composition import Frame, Spoken, compose
from audio.engines.chain import EngineChain, Link
from audio.engines.espeak import EspeakEngine
from audio.engines.gtts import GttsEngine
from audio.engines.piper import PiperEngine
from audio.engines.port import EngineError
from audio.mastering import SAMPLE_RATE, Mastering, MasteringError, Target
from audio.script import Lexicon, Script
from audio.store import ClipStore, DiskStore

MEDIA_TYPE = "audio/mpeg"
_SENTENCE_PAUSE_MS = 400
"""Pauses from this length on cut the text into pieces that are spoken one by one; shorter ones are the engine's commas."""
_LONGEST_SENTENCE = 900
"""Characters; a longer one is cut at a comma, so that no engine gets more than it bears."""


_AGAIN = "xin nhắc lại."
_CALL_PAUSE_MS = 900
"""After the station's call, and before and after "Xin nhắc lại"."""


class RenderError(ValueError):
    """The text could not be made into a clip: the cause and the next step, in Vietnamese and in English."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


@dataclass(frozen=True, slots=True)
class Clip:
    """A finished audio file in the store.

    ``size`` in bytes; ``lufs`` and ``true_peak_dbtp`` measured on the decoded file; ``fallback_reason`` says why the first engine did not speak;
    ``script_sha256`` is :attr:`Script.sha256` of what was spoken.
    """

    sha256: str
    path: Path
    size: int
    duration_ms: int
    lufs: float
    true_peak_dbtp: float
    engine: str
    voice: str
    fallback: bool
    fallback_reason: str | None
    script_sha256: str
    media_type: str = MEDIA_TYPE
    sample_rate: int = SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was spoken in one piece, and how long its sound is without the pause, in milliseconds (to a frame, 24 ms)."""

    text: str
    speech_ms: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """The clip, the script that it speaks, and its sentences."""

    clip: Clip
    script: Script
    sentences: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """How a station speaks: ``voice`` and ``rate_wpm`` (words a minute) and ``pitch`` (0 to 100) for the engine; the frame; the mastering target; the longest text taken."""

    voice: str = "vi"
    rate_wpm: int = 150
    pitch: int = 50
    frame: Frame = field(default_factory=Frame)
    target: Target = field(default_factory=Target)
    max_characters: int = 50_000
    call: str = ""
    """What the station says before each bulletin: "Đây là Đài truyền thanh xã …"."""
    repeats: int = 0
    """How often a bulletin is read again, after "Xin nhắc lại"."""


class Renderer:
    """Text in, clip in the store out. Safe to use from several threads."""

    def __init__(self, store: ClipStore, chain: EngineChain, settings: Settings | None = None) -> None:
        """``settings`` are the station's defaults."""
        self._store = store
        self._chain = chain
        self._settings = settings or Settings()
        self._mastering = Mastering(self._settings.target, workers=chain.parallel)

    def render(self, text: str, lexicon: Lexicon | None = None) -> Rendered:
        """Read, speak, compose, master and store ``text``; ``lexicon`` is that of the area. Raises :class:`RenderError`, and then nothing was stored."""
        settings = self._settings
        if len(text) > settings.max_characters:
            raise RenderError(
                f"văn bản có {len(text)} ký tự, quá {settings.max_characters} ký tự của một tệp âm thanh: hãy chia thành nhiều bản tin",
                f"the text has {len(text)} characters, more than the {settings.max_characters} that make one clip: split it into several bulletins",
            )
        read = script.read(text, lexicon or Lexicon())
        body = spoken_sentences(read)
        if not body:
            raise RenderError(
                "văn bản không có gì đọc được: hãy viết ít nhất một từ",
                "the text holds nothing that can be spoken: write at least one word",
            )
        again = [(_AGAIN, _CALL_PAUSE_MS), *body]
        call = [
            (words, _CALL_PAUSE_MS) for words, _ in spoken_sentences(script.read(settings.call, lexicon or Lexicon()))
        ]
        sentences = _with_pauses([call, body, *[again] * settings.repeats])
        try:
            spoken = self._chain.speak(
                [words for words, _ in sentences],
                voice=settings.voice,
                rate_wpm=settings.rate_wpm,
                pitch=settings.pitch,
            )
            voice = (spoken.engine, settings.voice, settings.rate_wpm, settings.pitch)
            pieces = [
                Spoken(sound, (voice, words), pause_ms)
                for sound, (words, pause_ms) in zip(spoken.sounds, sentences, strict=True)
            ]
            tags = {
                "title": "Bản tin truyền thanh",
                "comment": f"Giọng đọc tổng hợp bằng máy (synthetic speech): {spoken.engine}, {settings.voice}",
                "SYNTHETIC_SPEECH": "true",
                "SPEECH_ENGINE": spoken.engine,
                "SPEECH_VOICE": settings.voice,
                "SPEECH_FALLBACK": str(spoken.fallback).lower(),
                "SCRIPT_SHA256": read.sha256,
            }
            parts = compose(pieces, settings.frame)
            mastered = self._mastering.master(parts, tags, voice)
        except (EngineError, MasteringError) as error:
            raise RenderError(f"không tạo được giọng đọc: {error}", str(error)) from error
        sha256 = self._store.put(mastered.mp3)
        clip = Clip(
            sha256=sha256,
            path=self._store.path(sha256),
            size=len(mastered.mp3),
            duration_ms=mastered.loudness.duration_ms,
            lufs=mastered.loudness.lufs,
            true_peak_dbtp=mastered.loudness.true_peak_dbtp,
            engine=spoken.engine,
            voice=settings.voice,
            fallback=spoken.fallback,
            fallback_reason=spoken.fallback_reason,
            script_sha256=read.sha256,
        )
        lengths = [part.sound.duration_ms for part in parts if part.speech]
        heard = tuple(
            Sentence(words, max(0, length - pause_ms))
            for (words, pause_ms), length in zip(sentences, lengths, strict=True)
        )
        return Rendered(clip, read, heard)

    def close(self) -> None:
        """Close the engines; may be called twice."""
        self._chain.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _with_pauses(stretches: Sequence[list[tuple[str, int]]]) -> list[tuple[str, int]]:
    """The stretches one after the other, with a long pause where one ends."""
    said: list[tuple[str, int]] = []
    for stretch in stretches:
        if said:
            said[-1] = (said[-1][0], max(said[-1][1], _CALL_PAUSE_MS))
        said += stretch
    return said


def spoken_sentences(read: Script) -> list[tuple[str, int]]:
    """What goes to the engine one by one, and the pause in milliseconds after each: the phrases, joined by commas up to the next long pause."""
    sentences: list[tuple[str, int]] = []
    waiting: list[str] = []
    for phrase in read.phrases:
        waiting.append(phrase.text)
        if phrase.pause_ms >= _SENTENCE_PAUSE_MS or sum(map(len, waiting)) > _LONGEST_SENTENCE:
            sentences.append((", ".join(waiting) + ".", phrase.pause_ms))
            waiting = []
    if waiting:
        sentences.append((", ".join(waiting) + ".", 0))
    return sentences


def build_renderer(
    folder: Path,
    *,
    engines: Sequence[str] = ("gtts", "espeak"),
    gtts_timeout_s: float = 3.0,
    espeak_timeout_s: float = 20.0,
    voice: str = "vi",
    rate: int = 150,
    pitch: int = 50,
    workers: int = 2,
    piper_voice: Path | None = None,
    piper_timeout_s: float = 30.0,
    call: str = "",
    repeats: int = 0,
) -> Renderer:
    """A renderer that keeps clips in ``folder``, with the named engines in order of preference.

    ``rate`` is words a minute, ``workers`` the number of sentences spoken at the same time. Raises ``ValueError`` for an engine that is not known.
    """
    made: list[Link] = []
    for name in engines:
        if name == "gtts":
            made.append(Link(GttsEngine(), gtts_timeout_s))
        elif name == "espeak":
            made.append(Link(EspeakEngine(workers=workers), espeak_timeout_s))
        elif name == "piper":
            if piper_voice is None:
                raise ValueError("the engine piper needs a voice file: give piper_voice, the path of its .onnx file")
            made.append(Link(PiperEngine(piper_voice), piper_timeout_s))
        else:
            raise ValueError(f"no speech engine is called {name!r}: choose from gtts, piper, espeak")
    chain = EngineChain(made, clock=time.monotonic, parallel=workers)
    return Renderer(
        DiskStore(folder), chain, Settings(voice=voice, rate_wpm=rate, pitch=pitch, call=call, repeats=repeats)
    )
