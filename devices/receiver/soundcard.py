"""A sound card, by miniaudio (one wheel with its C library, no system package; ALSA and PulseAudio on Linux).

The device is opened ahead and fed silence, so that at the instant only the next period, 10 ms, has to be waited for.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from pathlib import Path

import miniaudio
import numpy as np
import structlog

from devices.receiver.sinks import Meter, Played, Samples, SinkError, Source, first_block

log = structlog.get_logger(__name__)

PERIOD_MS = 10
PERIODS = 3
AHEAD_BLOCKS = 25  # of 20 ms
SILENT_DEVICE_S = 2.0
CARDS = Path("/proc/asound/cards")
REAL_BACKENDS = (miniaudio.Backend.PULSEAUDIO, miniaudio.Backend.ALSA)
"""Left to itself, miniaudio falls back on a device that is none, and a broken card would pass for a played bulletin."""


class SoundCardSink:
    """Plays on the system's default output."""

    def __init__(self, backends: tuple[miniaudio.Backend, ...] = REAL_BACKENDS, *, cards: Path = CARDS) -> None:
        """`cards` is where the kernel lists its sound cards; one that is pulled out is gone from there at once."""
        self._backends = list(backends)
        self._cards = cards
        self.name = "soundcard"

    def prepare(self, order: str, source: Source) -> "SoundCardPlayback":  # noqa: ARG002 - a card keeps no names
        return SoundCardPlayback(source, self._backends)

    def trouble(self) -> str | None:
        if miniaudio.Backend.ALSA not in self._backends:
            return None
        try:
            cards = self._cards.read_text(encoding="utf-8")
        except OSError:
            cards = ""
        return None if re.search(r"^\s*\d+ \[", cards, re.MULTILINE) else "There is no sound card; is it plugged in?"


class SoundCardPlayback:
    """Implements Playback."""

    def __init__(self, source: Source, backends: list[miniaudio.Backend]) -> None:
        self._source = source
        self._blocks = source.blocks()
        self._queue: deque[Samples] = deque()
        self._go = threading.Event()
        self._first = threading.Event()
        self._drained = threading.Event()
        self._ended = False
        self._asked_at = time.monotonic()
        self._handed = Meter(source.rate)
        try:
            self._queue.append(first_block(self._blocks))
            self._fill()
            self._device = miniaudio.PlaybackDevice(
                output_format=miniaudio.SampleFormat.SIGNED16,
                nchannels=1,
                sample_rate=source.rate,
                buffersize_msec=PERIOD_MS,
                callback_periods=PERIODS,
                backends=backends,
                app_name="commune-broadcaster",
            )
            samples = self._samples()
            next(samples)
            self._device.start(samples)
        except SinkError:
            source.close()
            raise
        except miniaudio.MiniaudioError as error:
            source.close()
            raise SinkError(f"The sound card cannot be opened: {error}. Is it plugged in and not in use?") from error

    def play(self, stop: threading.Event, begun: Callable[[], None]) -> Played:
        self._go.set()
        self._wait(self._first, stop)
        if self._first.is_set():
            begun()
        while not stop.is_set() and not self._drained.is_set():
            self._fill()
            self._wait(self._drained, stop, at_most_s=0.05)
        if not stop.is_set():
            stop.wait(PERIOD_MS * PERIODS / 1000)  # what the device has taken is still to sound
        self._device.stop()
        return self._handed.played(rest=sum(map(len, self._queue)) + sum(len(block) for block in self._blocks))

    def close(self) -> None:
        self._device.close()
        self._source.close()

    def _fill(self) -> None:
        while not self._ended and len(self._queue) < AHEAD_BLOCKS:
            block = next(self._blocks, None)
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
