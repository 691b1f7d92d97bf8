"""Sounds made for tests: tones, and any of the formats in which people send recordings."""

import io

import av
import numpy as np

from audio.pcm import Pcm, audio_frames


def tone(seconds: float, hz: float = 500.0, level: float = 0.3, rate: int = 44_100) -> Pcm:
    time = np.arange(int(seconds * rate)) / rate
    return Pcm.from_samples((level * np.sin(2 * np.pi * hz * time)).astype(np.float32), rate)


def encoded(sound: Pcm, container: str = "mp3", codec: str = "libmp3lame") -> bytes:
    buffer = io.BytesIO()
    rate = 48_000 if codec == "libopus" else sound.rate
    with av.open(buffer, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        for frame in (*audio_frames(sound.resampled(rate)), None):
            out.mux(stream.encode(frame))
    return buffer.getvalue()
