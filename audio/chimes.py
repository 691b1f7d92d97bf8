"""The station's chimes, made here from sine waves: nobody else's recording, nothing to download."""

from functools import cache

import numpy as np
from pydub import AudioSegment

from audio.encoding import SAMPLE_RATE
from audio.pcm import Pcm, Samples

_OPENING = (("D5", 587.33), ("F#5", 739.99), ("A5", 880.00))  # a rising major chord: attention
_CLOSING = (("A5", 880.00), ("D5", 587.33))  # and down again: it is over
_STEP_S = 0.38
_RING_S = 1.1
_PARTIALS = (
    (1.0, 1.0, 3.2),
    (2.0, 0.28, 5.0),
    (3.01, 0.10, 8.0),
    (4.2, 0.04, 12.0),
)  # multiple of the pitch, strength, decay per second


def _bell(pitch_hz: float, seconds: float) -> Samples:
    time = np.arange(int(SAMPLE_RATE * seconds)) / SAMPLE_RATE
    sound = np.zeros_like(time)
    for multiple, strength, decay in _PARTIALS:
        sound += strength * np.exp(-decay * time) * np.sin(2 * np.pi * pitch_hz * multiple * time)
    sound *= np.minimum(1.0, time / 0.008)  # a soft stroke, no click
    return sound.astype(np.float32)


def _play(notes: tuple[tuple[str, float], ...]) -> AudioSegment:
    length = int(SAMPLE_RATE * (_STEP_S * (len(notes) - 1) + _RING_S))
    sound = np.zeros(length, dtype=np.float32)
    for place, (_name, pitch_hz) in enumerate(notes):
        start = int(SAMPLE_RATE * _STEP_S * place)
        bell = _bell(pitch_hz, (length - start) / SAMPLE_RATE)
        sound[start : start + len(bell)] += bell
    sound *= np.float32(
        0.635 / np.abs(sound).max()
    )  # -16 LUFS, as the speech that follows: a clip of two words has little else
    data = Pcm.from_samples(sound, SAMPLE_RATE).data
    return AudioSegment(data=data, sample_width=2, frame_rate=SAMPLE_RATE, channels=1).fade_out(250)


@cache
def opening() -> AudioSegment:
    """Three rising notes, 1.9 s, 24 kHz mono."""
    return _play(_OPENING)


@cache
def closing() -> AudioSegment:
    """Two falling notes, 1.5 s, 24 kHz mono."""
    return _play(_CLOSING)
