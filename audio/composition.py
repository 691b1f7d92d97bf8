"""A clip's parts in order: silence, opening chime, speech with its pauses, closing chime."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydub import AudioSegment

from audio import chimes
from audio.mastering import SAMPLE_RATE
from audio.pcm import Pcm


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the speech. Lengths are in milliseconds."""

    chimes: bool = True
    lead_in_ms: int = 300
    """Silence before the first sound: an amplifier that wakes up must not swallow it."""
    after_chime_ms: int = 500
    lead_out_ms: int = 300


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence's sound and the pause after it, in milliseconds."""

    sound: Pcm
    pause_ms: int


def compose(sentences: Sequence[Spoken], frame: Frame) -> Pcm:
    """The whole mix at 24 kHz. Speech is trimmed of the engine's own silences, so that the pauses are those of the script."""
    parts: list[AudioSegment] = [_silence(frame.lead_in_ms)]
    if frame.chimes:
        parts += [chimes.opening(), _silence(frame.after_chime_ms)]
    for place, sentence in enumerate(sentences):
        parts.append(_segment(sentence.sound.resampled(SAMPLE_RATE).trimmed()))
        if place + 1 < len(sentences):
            parts.append(_silence(sentence.pause_ms))
    if frame.chimes:
        parts += [_silence(frame.after_chime_ms), chimes.closing()]
    parts.append(_silence(frame.lead_out_ms))
    return _joined(parts)


def _segment(sound: Pcm) -> AudioSegment:
    return AudioSegment(data=sound.data, sample_width=2, frame_rate=sound.rate, channels=1)


def _silence(duration_ms: int) -> AudioSegment:
    return AudioSegment.silent(duration=duration_ms, frame_rate=SAMPLE_RATE)


def _joined(parts: Iterable[AudioSegment]) -> Pcm:
    # One join of the bytes: adding segments one by one copies everything so far each time.
    return Pcm(b"".join(part.raw_data for part in parts), SAMPLE_RATE)
