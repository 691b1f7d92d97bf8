"""Where sound goes: ports and adapters. A sink is opened ahead and started at the instant."""

import math
import os
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

from devices.wire.messages import Tone

BLOCK_S = 0.02
POSITIONS = 12
"""How many samples of its position a playback keeps: every five seconds, of a long one every second one, and so on."""
POSITION_EVERY_S = 5.0
TONE_RATE = 24_000
TONE_RAMP_S = 0.01
Samples = NDArray[np.int16]


class SinkError(Exception):
    """The clip could not be decoded, or the output device failed; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Played:
    """What really sounded."""

    played_ms: int
    expected_ms: int
    level_dbfs: float | None  # RMS of the samples handed to the device; None where there were none
    positions: tuple[tuple[float, int], ...] = ()  # time.monotonic() and milliseconds handed over by then


class Source(Protocol):
    """Samples to sound: mono, 16 bit, `rate` a second, the gain applied."""

    rate: int

    def blocks(self) -> Iterator[Samples]:
        """Blocks of 20 ms; the last may be shorter. Raises SinkError."""

    def close(self) -> None:
        """Free what was held. Idempotent."""


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

    def prepare(self, order: str, source: Source) -> Playback:
        """Open the device and decode the beginning, so that `play` begins without delay. Raises SinkError.

        The playback closes the source; so does a failure here.
        """

    def trouble(self) -> str | None:
        """Why nothing could sound now, as a sentence; None if nothing is known to be wrong."""


class Decoded:
    """The samples of a clip, mono, 16 bit, at the clip's own rate, without the encoder's padding."""

    def __init__(self, clip: Path, *, from_ms: int = 0, gain: float = 1.0) -> None:
        """`from_ms`: pass over so much of the beginning; `gain`: a factor, 0 gives silence of the same length."""
        self._skip_ms = from_ms
        self._gain = gain
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
        skip = round(self.rate * self._skip_ms / 1000)
        for piece in self._pieces():
            skipped = min(skip, len(piece))
            skip -= skipped
            rest = np.concatenate([rest, self._with_gain(piece[skipped:])])
            whole = len(rest) // size * size
            yield from (rest[start : start + size] for start in range(0, whole, size))
            rest = rest[whole:]
        if len(rest):
            yield rest

    def _with_gain(self, piece: Samples) -> Samples:
        return piece if self._gain == 1.0 else (piece * self._gain).astype(np.int16)

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


class ToneSource:
    """A sine for a self-test, eased in and out."""

    def __init__(self, tone: Tone, *, gain: float = 1.0) -> None:
        self.rate = TONE_RATE
        at = np.arange(round(tone.duration_ms / 1000 * self.rate)) / self.rate
        amplitude = 10 ** (tone.level_dbfs / 20) * math.sqrt(2) * gain
        ramp = np.minimum(1.0, np.minimum(at, at[::-1]) / TONE_RAMP_S)
        self._samples: Samples = (np.sin(2 * np.pi * tone.hertz * at) * ramp * amplitude * 32767).astype(np.int16)

    def blocks(self) -> Iterator[Samples]:
        size = round(self.rate * BLOCK_S)
        yield from (self._samples[start : start + size] for start in range(0, len(self._samples), size))

    def close(self) -> None:
        """Nothing is held."""


def first_block(blocks: Iterator[Samples]) -> Samples:
    """The first block. Raises SinkError where there is none."""
    for block in blocks:
        return block
    raise SinkError("The clip holds no sound.")


class Meter:
    """RMS level of all samples, in dB relative to full scale, and how far it was when."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._squares = 0.0
        self._every = POSITION_EVERY_S * rate
        self._next = self._every / 2
        self._positions: list[tuple[float, int]] = []
        self.samples = 0

    def add(self, block: Samples) -> None:
        """Count a block that was handed to the device."""
        self._squares += float(np.square(block.astype(np.float64) / 32768).sum())
        self.samples += len(block)
        if self.samples >= self._next:
            self._positions.append((time.monotonic(), self.milliseconds()))
            if len(self._positions) > POSITIONS:
                self._positions = self._positions[1::2]
                self._every *= 2
            self._next = self.samples + self._every

    def milliseconds(self) -> int:
        """How much sound was handed over."""
        return round(self.samples / self._rate * 1000)

    def played(self, *, rest: int) -> Played:
        """What it comes to, `rest` samples before the end."""
        expected = round((self.samples + rest) / self._rate * 1000)
        return Played(self.milliseconds(), expected, self.level_dbfs(), tuple(self._positions))

    def level_dbfs(self) -> float | None:
        """None before any sample; silence is given as -120."""
        if not self.samples:
            return None
        return round(max(-120.0, 10 * math.log10(max(self._squares / self.samples, 1e-12))), 2)


class WavSink:
    """Writes what a loudspeaker would sound, at the pace of a sound card, to `{folder}/{order}.wav`.

    What an interrupted order sounds when it goes on stands in `{order}.2.wav`, and so on.
    """

    name = "wav"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(self, order: str, source: Source) -> "WavPlayback":
        path, number = self._folder / f"{order}.wav", 2
        while path.exists():  # an order that was interrupted and goes on
            path, number = self._folder / f"{order}.{number}.wav", number + 1
        return WavPlayback(source, path)

    def trouble(self) -> str | None:
        return None if os.access(self._folder, os.W_OK) else f"{self._folder} cannot be written."


class WavPlayback:
    """Implements Playback; the file bears its name only when it is whole, an interrupted one as far as it came."""

    def __init__(self, source: Source, path: Path) -> None:
        self._source = source
        self._path = path
        self._part = path.with_name(f"{path.name}.part")
        self._blocks = source.blocks()
        try:
            self._first = first_block(self._blocks)
            self._wave = wave.open(str(self._part), "wb")  # noqa: SIM115 - closed in close()
            self._wave.setparams((1, 2, source.rate, 0, "NONE", "not compressed"))
        except SinkError:
            source.close()
            raise
        except OSError as error:
            source.close()
            raise SinkError(f"{self._part} cannot be written: {error}") from error

    def play(self, stop: threading.Event, begun: Callable[[], None]) -> Played:
        meter, rest = Meter(self._source.rate), 0
        start = time.monotonic()
        block: Samples | None = self._first
        begun()
        try:
            while block is not None:
                self._wave.writeframesraw(block.tobytes())
                meter.add(block)
                # The next block is due when this one has sounded, counted from the start: no drift.
                due = start + meter.samples / self._source.rate
                block = next(self._blocks, None)
                if stop.wait(max(0.0, due - time.monotonic())):
                    break
            while block is not None:
                rest += len(block)
                block = next(self._blocks, None)
            self._wave.close()
            self._part.replace(self._path)
        except OSError as error:
            raise SinkError(f"{self._part} cannot be written: {error}") from error
        return meter.played(rest=rest)

    def close(self) -> None:
        self._wave.close()
        self._source.close()
        self._part.unlink(missing_ok=True)
