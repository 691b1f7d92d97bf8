"""Where a clip sounds: ports and adapters. A sink is opened ahead and started at the instant."""

import math
import threading
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import av.error
import numpy as np
from numpy.typing import NDArray

BLOCK_S = 0.02
Samples = NDArray[np.int16]


class SinkError(Exception):
    """The clip could not be decoded, or the output device failed; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Played:
    """What really sounded."""

    played_ms: int
    expected_ms: int
    level_dbfs: float | None  # RMS of the samples handed to the device; None where there were none


class Playback(Protocol):
    """One clip, ready to sound."""

    def play(self, stop: threading.Event, begun: Callable[[], None]) -> Played:
        """Sound now, until the end or until `stop`. `begun` is called when the first sample goes out.

        Raises SinkError.
        """

    def close(self) -> None:
        """Free the device. Idempotent."""


class Sink(Protocol):
    """An output for sound."""

    name: str

    def prepare(self, order: str, clip: Path) -> Playback:
        """Open the device and decode the beginning, so that `play` begins without delay. Raises SinkError."""


class Decoded:
    """The samples of a clip, mono, 16 bit, at the clip's own rate, without the encoder's padding."""

    def __init__(self, clip: Path) -> None:
        try:
            self._container = av.open(str(clip))
            stream = self._container.streams.audio[0]
            self.rate = int(stream.codec_context.sample_rate)
            self._stream = stream
        except (av.error.FFmpegError, OSError, IndexError) as error:
            raise SinkError(f"The clip {clip.name[:12]}… cannot be decoded: {error}") from error
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=self.rate)

    def blocks(self) -> Iterator[Samples]:
        """Blocks of 20 ms; the last may be shorter."""
        size = round(self.rate * BLOCK_S)
        rest: Samples = np.empty(0, np.int16)
        for piece in self._pieces():
            rest = np.concatenate([rest, piece])
            whole = len(rest) // size * size
            yield from (rest[start : start + size] for start in range(0, whole, size))
            rest = rest[whole:]
        if len(rest):
            yield rest

    def _pieces(self) -> Iterator[Samples]:
        try:
            for frame in self._container.decode(self._stream):
                for out in self._resampler.resample(frame):
                    yield out.to_ndarray().reshape(-1).astype(np.int16, copy=False)
            for out in self._resampler.resample(None):
                yield out.to_ndarray().reshape(-1).astype(np.int16, copy=False)
        except av.error.FFmpegError as error:
            raise SinkError(f"The clip breaks off while decoding: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._container.close()


def first_block(blocks: Iterator[Samples]) -> Samples:
    """The first block. Raises SinkError where there is none."""
    for block in blocks:
        return block
    raise SinkError("The clip holds no sound.")


class Meter:
    """RMS level of all samples, in dB relative to full scale."""

    def __init__(self) -> None:
        self._squares = 0.0
        self.samples = 0

    def add(self, block: Samples) -> None:
        """Count a block that was handed to the device."""
        self._squares += float(np.square(block.astype(np.float64) / 32768).sum())
        self.samples += len(block)

    def level_dbfs(self) -> float | None:
        """None before any sample; silence is given as -120."""
        if not self.samples:
            return None
        return round(max(-120.0, 10 * math.log10(max(self._squares / self.samples, 1e-12))), 2)


class WavSink:
    """Writes what a loudspeaker would sound, at the pace of a sound card, to `{folder}/{order}.wav`."""

    name = "wav"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(self, order: str, clip: Path) -> "WavPlayback":
        return WavPlayback(Decoded(clip), self._folder / f"{order}.wav")


class WavPlayback:
    """Implements Playback; the file bears its name only when it is whole, an interrupted one as far as it came."""

    def __init__(self, decoded: Decoded, path: Path) -> None:
        self._decoded = decoded
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._blocks = decoded.blocks()
        try:
            self._first = first_block(self._blocks)
            self._wave = wave.open(str(self._part), "wb")  # noqa: SIM115 - closed in close()
            self._wave.setparams((1, 2, decoded.rate, 0, "NONE", "not compressed"))
        except SinkError:
            decoded.close()
            raise
        except OSError as error:
            decoded.close()
            raise SinkError(f"{self._part} cannot be written: {error}") from error

    def play(self, stop: threading.Event, begun: Callable[[], None]) -> Played:
        meter, expected = Meter(), 0
        start = time.monotonic()
        block: Samples | None = self._first
        begun()
        try:
            while block is not None:
                self._wave.writeframesraw(block.tobytes())
                meter.add(block)
                # The next block is due when this one has sounded, counted from the start: no drift.
                due = start + meter.samples / self._decoded.rate
                block = next(self._blocks, None)
                if stop.wait(max(0.0, due - time.monotonic())):
                    break
            played = expected = meter.samples
            while block is not None:
                expected += len(block)
                block = next(self._blocks, None)
            self._wave.close()
            self._part.replace(self._path)
        except OSError as error:
            raise SinkError(f"{self._part} cannot be written: {error}") from error
        rate = self._decoded.rate
        return Played(round(played / rate * 1000), round(expected / rate * 1000), meter.level_dbfs())

    def close(self) -> None:
        self._wave.close()
        self._decoded.close()
        self._part.unlink(missing_ok=True)
