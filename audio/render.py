"""An announcement to a finished clip in the store: the one door through which the rest of the project has things spoken."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from audio import synthetic_mark
from audio.announcement import VIETNAMESE, Announcement, Equaliser, Jingle, Text
from audio.composition import Frame, Piece, compose
from audio.engines.chain import EngineChain, Link, Manner
from audio.engines.espeak import EspeakEngine
from audio.engines.gtts import GttsEngine
from audio.engines.piper import PiperEngine
from audio.engines.port import Capabilities, EngineError
from audio.errors import RenderError
from audio.mastering import File, Mastering, MasteringError, Target
from audio.recordings import JINGLE, load
from audio.rendered import Clip, OpusFile, Rendered, Sentence
from audio.sentences import CALL_PAUSE_MS
from audio.speaking import Spoken, play, speak
from audio.store import ClipStore, DiskStore


@dataclass(frozen=True, slots=True)
class Settings:
    """How a station speaks, where an announcement says nothing else.

    ``voice`` and ``rate_wpm`` (words a minute) and ``pitch`` (0 to 100) for Vietnamese; the frame; the mastering target; the longest text (characters, all versions
    together) and the longest clip (seconds) taken.
    """

    voice: str = VIETNAMESE
    rate_wpm: int = 150
    pitch: int = 50
    frame: Frame = field(default_factory=Frame)
    target: Target = field(default_factory=Target)
    max_characters: int = 50_000
    longest_s: float = 5_400.0
    call: str = ""
    """What the station says before each bulletin: "Đây là Đài truyền thanh xã …"."""
    repeats: int = 0
    """How often a bulletin is read again, after "Xin nhắc lại"."""
    equaliser: Equaliser = Equaliser.NONE
    opus: bool = True
    """Whether each clip is made as Opus too."""


class Renderer:
    """Announcements in, clips in the store out. Safe to use from several threads."""

    def __init__(self, store: ClipStore, chain: EngineChain, settings: Settings | None = None) -> None:
        """``settings`` are the station's defaults."""
        self._store = store
        self._chain = chain
        self._settings = settings or Settings()
        self._mastering = Mastering(self._settings.target, opus=self._settings.opus, workers=chain.parallel)

    @property
    def engines(self) -> Mapping[str, Capabilities]:
        """What each engine of the chain offers, by its name, in order of preference."""
        return {link.engine.name: link.engine.capabilities for link in self._chain.links}

    def render(self, announcement: Announcement | str) -> Rendered:
        """Read, speak, compose, master and store; a text alone is Vietnamese, as the station speaks. Raises :class:`RenderError`, and then nothing was stored."""
        if isinstance(announcement, str):
            announcement = Announcement((Text(announcement),))
        settings = self._settings
        self._check_length(announcement)
        try:
            call, spoken = self._spoken(announcement)
            heard = [*([call] if call else []), *spoken]
            pieces = _in_sequence(heard)
            self._check_duration(pieces)
            jingle = announcement.jingle
            parts = compose(
                pieces,
                settings.frame,
                jingle=None if jingle is None else self._jingle(jingle),
                in_place_of_chime=jingle is not None and jingle.in_place_of_chime,
                equaliser=settings.equaliser if announcement.equaliser is None else announcement.equaliser,
            )
            versions = tuple(each.version for each in spoken)
            tags = synthetic_mark.tags(announcement.title, call.version if call else None, versions)
            mastered = self._mastering.master(parts, tags)
        except (EngineError, MasteringError) as error:
            raise RenderError(f"không tạo được tệp âm thanh: {error}", str(error)) from error
        said = [each.version for each in heard]
        sha256 = self._store.put(mastered.mp3.data)
        loudness = mastered.mp3.loudness
        clip = Clip(
            sha256=sha256,
            path=self._store.path(sha256),
            size=len(mastered.mp3.data),
            duration_ms=loudness.duration_ms,
            lufs=loudness.lufs,
            true_peak_dbtp=loudness.true_peak_dbtp,
            clipped=mastered.mp3.clipped,
            engine=tags["SPEECH_ENGINE"],
            voice=tags["SPEECH_VOICE"],
            fallback=any(version.fallback for version in said),
            fallback_reason=synthetic_mark.joined(each.fallback_reason for each in said if each.fallback_reason)
            or None,
            script_sha256=tags["SCRIPT_SHA256"],
            synthetic=synthetic_mark.synthetic(said),
            opus=None if mastered.opus is None else self._opus_file(mastered.opus),
        )
        ends = list(accumulate(part.sound.duration_ms for part in parts))[-2 - len(pieces) : -1]
        sentences = tuple(
            Sentence(piece.words, max(0, end - start - piece.pause_ms), piece.language, start)
            for piece, (start, end) in zip(pieces, pairwise(ends), strict=True)
            if piece.words
        )
        return Rendered(clip, versions, sentences)

    def _opus_file(self, file: File) -> OpusFile:
        sha256 = self._store.put(file.data)
        return OpusFile(
            sha256=sha256,
            path=self._store.path(sha256),
            size=len(file.data),
            duration_ms=file.loudness.duration_ms,
            lufs=file.loudness.lufs,
            true_peak_dbtp=file.loudness.true_peak_dbtp,
            clipped=file.clipped,
        )

    def _spoken(self, announcement: Announcement) -> tuple[Spoken | None, list[Spoken]]:
        """The versions, and the station's call if the first of them is not in Vietnamese speech, which would say it in its own voice."""
        settings = self._settings
        usual = Manner(settings.voice, settings.rate_wpm, settings.pitch)
        repeats = settings.repeats if announcement.repeats is None else announcement.repeats
        words = (settings.call if announcement.call is None else announcement.call).strip()
        call = Text(words) if words else None
        apart: Spoken | None = None
        spoken: list[Spoken] = []
        for version in announcement.versions:
            if call and not (isinstance(version, Text) and version.vietnamese):
                apart, call = speak(call, self._chain, usual), None
            if isinstance(version, Text):
                spoken.append(speak(version, self._chain, usual, call=call, repeats=repeats))
            else:
                spoken.append(play(version, self._store, repeats=repeats))
            call = None
        return apart, spoken

    def _jingle(self, jingle: Jingle) -> Piece:
        sound = load(jingle.sha256, self._store, longest_s=JINGLE.longest_s)
        source = ("jingle", jingle.sha256)
        return Piece(sound, source, source, self._settings.frame.after_chime_ms)

    def _check_length(self, announcement: Announcement) -> None:
        length = sum(len(version.text) for version in announcement.versions if isinstance(version, Text))
        if length > self._settings.max_characters:
            raise RenderError(
                f"văn bản có {length} ký tự, quá {self._settings.max_characters} ký tự của một tệp âm thanh: hãy chia thành nhiều bản tin",
                f"the text has {length} characters, more than the {self._settings.max_characters} that make one clip: split it into several bulletins",
            )

    def _check_duration(self, pieces: Sequence[Piece]) -> None:
        seconds = sum(piece.sound.duration_ms + piece.pause_ms for piece in pieces) / 1000
        if seconds > self._settings.longest_s:
            raise RenderError(
                f"bản tin dài {seconds / 60:.0f} phút, quá {self._settings.longest_s / 60:g} phút: hãy bớt số lần nhắc lại hoặc chia thành nhiều bản tin",
                f"the bulletin lasts {seconds / 60:.0f} min, more than {self._settings.longest_s / 60:g} min: repeat it less often or split it",
            )

    def close(self) -> None:
        """Close the engines; may be called twice."""
        self._chain.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _in_sequence(heard: Sequence[Spoken]) -> list[Piece]:
    """All pieces, with a long pause where a version ends."""
    pieces: list[Piece] = []
    for each in heard:
        if pieces:
            pieces[-1] = replace(pieces[-1], pause_ms=max(pieces[-1].pause_ms, CALL_PAUSE_MS))
        pieces += each.pieces
    return pieces


def build_renderer(
    folder: Path,
    *,
    engines: Sequence[str] = ("gtts", "espeak"),
    gtts_timeout_s: float = 3.0,
    espeak_timeout_s: float = 20.0,
    voice: str = VIETNAMESE,
    rate: int = 150,
    pitch: int = 50,
    workers: int = 2,
    piper_voice: Path | None = None,
    piper_timeout_s: float = 30.0,
    call: str = "",
    repeats: int = 0,
    equaliser: Equaliser | str = Equaliser.NONE,
    opus: bool = True,
) -> Renderer:
    """A renderer that keeps clips in ``folder``, with the named engines in order of preference.

    ``rate`` is words a minute, ``workers`` the number of sentences spoken at the same time. Raises ``ValueError`` for an engine or an equaliser that is not known.
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
    settings = Settings(
        voice=voice, rate_wpm=rate, pitch=pitch, call=call, repeats=repeats, equaliser=Equaliser(equaliser), opus=opus
    )
    return Renderer(DiskStore(folder), chain, settings)
