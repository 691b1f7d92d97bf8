"""A clip's parts in order: silence, opening chime, speech with its pauses, closing chime."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from pydub import AudioSegment

from audio import chimes
from audio.encoding import SAMPLE_RATE, whole_frames
from audio.mastering import Part
from audio.pcm import Pcm

_LEAST_PAUSE_MS = 100
"""So that each part ends in silence."""


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
    """One sentence's sound, what makes it that sound, and the pause after it in milliseconds."""

    sound: Pcm
    key: Hashable
    pause_ms: int


def compose(sentences: Sequence[Spoken], frame: Frame) -> list[Part]:
    """The parts at 24 kHz. Speech is trimmed of the engine's own silences, so that the pauses are those of the script (to a frame, 24 ms)."""
    opening = _silence(frame.lead_in_ms)
    closing = _silence(frame.lead_out_ms)
    if frame.chimes:
        opening = opening + chimes.opening() + _silence(frame.after_chime_ms)
        closing = _silence(frame.after_chime_ms) + chimes.closing() + closing
    parts = [Part(whole_frames(_pcm(opening)), ("opening", frame), speech=False)]
    for sentence in sentences:
        spoken = _segment(sentence.sound.resampled(SAMPLE_RATE).trimmed()) + _silence(
            max(sentence.pause_ms, _LEAST_PAUSE_MS)
        )
        parts.append(Part(whole_frames(_pcm(spoken)), (sentence.key, sentence.pause_ms), speech=True))
    parts.append(Part(whole_frames(_pcm(closing), last=True), ("closing", frame), speech=False))
    return parts


def _segment(sound: Pcm) -> AudioSegment:
    return AudioSegment(data=sound.data, sample_width=2, frame_rate=sound.rate, channels=1)


def _pcm(segment: AudioSegment) -> Pcm:
    return Pcm(segment.raw_data, segment.frame_rate)


def _silence(duration_ms: int) -> AudioSegment:
    return AudioSegment.silent(duration=duration_ms, frame_rate=SAMPLE_RATE)
