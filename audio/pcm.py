"""Sound in memory: mono, 16 bit signed, little endian, at a stated rate."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""One channel, full scale is ±1.0, shape (n,)."""

FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class Pcm:
    """Mono s16le sound. ``data`` holds two bytes a sample; ``rate`` is in hertz."""

    data: bytes
    rate: int

    def __post_init__(self) -> None:
        if self.rate <= 0 or len(self.data) % 2:
            raise ValueError(f"not mono s16 sound: {len(self.data)} bytes at {self.rate} Hz")

    @property
    def frames(self) -> int:
        """Number of samples."""
        return len(self.data) // 2

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds, rounded."""
        return round(self.frames * 1000 / self.rate)

    @property
    def clipped(self) -> int:
        """Number of samples at full scale: what was louder than that is cut off there."""
        samples = np.frombuffer(self.data, dtype="<i2")
        return int(np.count_nonzero((samples >= FULL_SCALE - 1) | (samples <= -FULL_SCALE)))

    def samples(self, start: int = 0, end: int | None = None) -> Samples:
        """The sound from sample ``start`` to ``end`` as float32, shape (n,), full scale ±1."""
        last = self.frames if end is None else end
        part = np.frombuffer(self.data, dtype="<i2", count=last - start, offset=start * 2)
        return part.astype(np.float32) / np.float32(FULL_SCALE)

    @classmethod
    def from_samples(cls, samples: Samples, rate: int) -> "Pcm":
        """Round float samples to 16 bit; what is beyond full scale is clipped."""
        scaled = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1)
        return cls(scaled.astype("<i2").tobytes(), rate)

    def resampled(self, rate: int) -> "Pcm":
        """The same sound at another rate (FFmpeg's resampler: no audible aliasing, unlike pydub's ``set_frame_rate``)."""
        if rate == self.rate:
            return self
        resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
        parts: list[bytes] = []
        for frame in (*audio_frames(self), None):
            parts.extend(out.to_ndarray().tobytes() for out in resampler.resample(frame))
        wanted = round(self.frames * rate / self.rate) * 2
        data = b"".join(parts)[:wanted]
        return Pcm(data + bytes(wanted - len(data)), rate)

    def faded(self, ms: int) -> "Pcm":
        """The same sound, rising from silence and falling to it in ``ms`` at each end."""
        count = min(self.rate * ms // 1000, self.frames // 2)
        slope = np.linspace(0, 1, count, dtype=np.float32)
        head = Pcm.from_samples(self.samples(0, count) * slope, self.rate)
        tail = Pcm.from_samples(self.samples(self.frames - count) * slope[::-1], self.rate)
        return Pcm(b"".join((head.data, memoryview(self.data)[count * 2 : -count * 2 or None], tail.data)), self.rate)

    def trimmed(self, *, floor: float = 0.003, keep_ms: int = 15) -> "Pcm":
        """Without the silence (below ``floor`` of full scale) at both ends; ``keep_ms`` of it stays, so that no consonant is cut."""
        samples = np.frombuffer(self.data, dtype="<i2")
        loud = (samples > floor * FULL_SCALE) | (samples < -floor * FULL_SCALE)
        if not loud.any():
            return Pcm(b"", self.rate)
        keep = self.rate * keep_ms // 1000
        first, last = max(0, int(loud.argmax()) - keep), min(self.frames, self.frames - int(loud[::-1].argmax()) + keep)
        return Pcm(self.data[first * 2 : last * 2], self.rate)


def collected(frames: Iterable[av.AudioFrame], rate: int, *, block_s: float = 10.0) -> Pcm:
    """Mono float frames at ``rate`` as one sound; floats are held for ``block_s`` seconds only."""
    waiting = av.AudioFifo()
    parts: list[bytes] = []

    def convert() -> None:
        block = waiting.read()
        if block is not None:
            samples: Samples = block.to_ndarray().reshape(-1).astype(np.float32, copy=False)
            parts.append(Pcm.from_samples(samples, rate).data)

    for frame in frames:
        frame.pts = None
        waiting.write(frame)
        if waiting.samples > block_s * rate:
            convert()
    convert()
    return Pcm(b"".join(parts), rate)


def audio_frames(sound: Pcm, *, block_s: float = 1.0) -> Iterator[av.AudioFrame]:
    """The sound as PyAV frames of at most ``block_s`` seconds, with time stamps, so that memory stays bounded."""
    block = max(1, int(sound.rate * block_s)) * 2
    for start in range(0, len(sound.data), block):
        part = np.frombuffer(sound.data[start : start + block], dtype="<i2")[None, :]
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
        frame.sample_rate = sound.rate
        frame.pts = start // 2
        yield frame
