"""A sound card, by miniaudio (one wheel with its C library, no system package; ALSA and PulseAudio on Linux).

The device is opened ahead and fed silence, so that at the instant only the next period, 10 ms, has to be waited for.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from pathlib import Path

import miniaudio
import numpy as np
import structlog

from devices.receiver.sinks import Decoded, Meter, Played, Samples, SinkError, first_block

log = structlog.get_logger(__name__)

PERIOD_MS = 10
PERIODS = 3
AHEAD_BLOCKS = 25  # of 20 ms
SILENT_DEVICE_S = 2.0
REAL_BACKENDS = (miniaudio.Backend.PULSEAUDIO, miniaudio.Backend.ALSA)
"""Left to itself, miniaudio falls back on a device that is none, and a broken card would pass for a played bulletin."""


class SoundCardSink:
    """Plays on the system's default output."""

    def __init__(self, backends: tuple[miniaudio.Backend, ...] = REAL_BACKENDS) -> None:
        self._backends = list(backends)
        self.name = "soundcard"

    def prepare(self, order: str, clip: Path) -> "SoundCardPlayback":  # noqa: ARG002 - a card keeps no names
        return SoundCardPlayback(Decoded(clip), self._backends)


class SoundCardPlayback:
    """Implements Playback."""

    def __init__(self, decoded: Decoded, backends: list[miniaudio.Backend]) -> None:
        self._decoded = decoded
        self._source = decoded.blocks()
        self._queue: deque[Samples] = deque()
        self._go = threading.Event()
        self._first = threading.Event()
        self._drained = threading.Event()
        self._ended = False
        self._asked_at = time.monotonic()
        self._handed = Meter()
        try:
            self._queue.append(first_block(self._source))
            self._fill()
            self._device = miniaudio.PlaybackDevice(
                output_format=miniaudio.SampleFormat.SIGNED16,
                nchannels=1,
                sample_rate=decoded.rate,
                buffersize_msec=PERIOD_MS,
                callback_periods=PERIODS,
                backends=backends,
                app_name="commune-broadcaster",
            )
            samples = self._samples()
            next(samples)
            self._device.start(samples)
        except SinkError:
            decoded.close()
            raise
        except miniaudio.MiniaudioError as error:
            decoded.close()
            raise SinkError(f"The sound card cannot be opened: {error}. Is it plugged in and not in use?") from error

    def play(self, stop: threading.Event, begun: Callable[[], None]) -> Played:
        self._go.set()
        self._wait(self._first, stop)
        if self._first.is_set():
            begun()
        while not stop.is_set() and not self._drained.is_set():
            self._fill()
            self._wait(self._drained, stop, at_most_s=0.05)
        played = self._handed.samples
        if not stop.is_set():
            stop.wait(PERIOD_MS * PERIODS / 1000)  # what the device has taken is still to sound
        self._device.stop()
        expected = played + sum(map(len, self._queue)) + sum(len(block) for block in self._source)
        rate = self._decoded.rate
        level = self._handed.level_dbfs()
        return Played(round(played / rate * 1000), round(expected / rate * 1000), level)

    def close(self) -> None:
        self._device.close()
        self._decoded.close()

    def _fill(self) -> None:
        while not self._ended and len(self._queue) < AHEAD_BLOCKS:
            block = next(self._source, None)
            if block is None:
                self._ended = True
            else:
                self._queue.append(block)

    def _wait(self, event: threading.Event, stop: threading.Event, at_most_s: float = 60.0) -> None:
        deadline = time.monotonic() + at_most_s
        while not event.wait(0.005) and not stop.is_set() and time.monotonic() < deadline:
            if time.monotonic() - self._asked_at > SILENT_DEVICE_S:
                raise SinkError("The sound card takes no more samples; check its cable and its driver.")

    def _samples(self) -> Generator[bytes, int, None]:
        """On the device's thread: as many frames as it asks for; silence before the start and after the end."""
        rest: Samples = np.empty(0, np.int16)
        frames = yield b""
        while True:
            self._asked_at = time.monotonic()
            if not self._go.is_set():
                frames = yield bytes(2 * frames)
                continue
            while len(rest) < frames and self._queue:
                rest = np.concatenate([rest, self._queue.popleft()])
            out, rest = rest[:frames], rest[frames:]
            self._handed.add(out)
            self._first.set()
            if not len(rest) and not self._queue and self._ended:
                self._drained.set()
            frames = yield out.tobytes() + bytes(2 * (frames - len(out)))
