"""What a rendering gives: the files in the store, and what the quality report needs to know of how they came about."""

from dataclasses import dataclass
from pathlib import Path

from audio.encoding import SAMPLE_RATE
from audio.script import Script

MP3 = "audio/mpeg"
OPUS = "audio/ogg; codecs=opus"
RECORDED = "recorded"
"""Stands for engine and voice of what nobody synthesised."""


@dataclass(frozen=True, slots=True)
class OpusFile:
    """The same sound as Opus in Ogg, a third of the bytes: figures as in :class:`Clip`."""

    sha256: str
    path: Path
    size: int
    duration_ms: int
    lufs: float
    true_peak_dbtp: float
    clipped: int
    media_type: str = OPUS


@dataclass(frozen=True, slots=True)
class Clip:
    """A finished audio file in the store.

    ``size`` in bytes; ``lufs``, ``true_peak_dbtp`` and ``clipped`` (samples at full scale) measured on the decoded file; ``engine`` and ``voice`` are those of its versions, "recorded" for a
    recording, joined by a comma where they differ; ``fallback_reason`` says why the first engine did not speak; ``synthetic`` is "true", "false" or "mixed", as in the file's metadata;
    ``script_sha256`` is :attr:`Script.sha256` of what was spoken; with several versions or another kind, a hash over theirs.
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
    clipped: int = 0
    synthetic: str = "true"
    opus: OpusFile | None = None
    media_type: str = MP3
    sample_rate: int = SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class Sentence:
    """What was spoken in one piece, in which language, how long its sound is without the pause, and when it begins in the clip, in milliseconds (to a frame, 24 ms)."""

    text: str
    speech_ms: int
    language: str = "vi"
    start_ms: int = 0

    @property
    def vietnamese(self) -> bool:
        """Whether its words are syllables."""
        return self.language.partition("-")[0] == "vi"


@dataclass(frozen=True, slots=True)
class RenderedVersion:
    """How one language version was made.

    ``script`` is None for a recording and for text in another language; ``sha256`` is the script's, that of the text as it was spoken, or the recording's. ``engine`` and
    ``voice`` are those that spoke, both "recorded" for a recording.
    """

    language: str
    script: Script | None
    sha256: str
    engine: str
    voice: str
    fallback: bool
    fallback_reason: str | None


@dataclass(frozen=True, slots=True)
class Rendered:
    """The clip, its versions, and everything spoken by an engine, sentence by sentence as it is heard (with the station's call and what is repeated)."""

    clip: Clip
    versions: tuple[RenderedVersion, ...]
    sentences: tuple[Sentence, ...] = ()
