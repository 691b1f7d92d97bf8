"""Loudness and true peak, as ITU-R BS.1770-4 and EBU R 128 define them.

The K weighting is done by FFmpeg's ``biquad``, the true peak is that of its ``ebur128``. The energies are kept in steps of 4 ms, so that parts of a file that were measured
one by one give together what the file gives, wherever its gating blocks begin.
"""

import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from audio.filters import graph, pulled
from audio.pcm import Pcm, audio_frames

SILENT = -120.0
_ABSOLUTE_GATE = -70.0
_RELATIVE_GATE_LU = -10.0
_STEPS_A_SECOND = 250
_BLOCK = 100
"""Steps of 4 ms in a gating block of 400 ms."""
_HOP = 25
"""Steps between the beginnings of two blocks: they overlap by three quarters."""


class UndecodableError(ValueError):
    """A file holds no sound that can be decoded; the message names it."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """``lufs``: integrated loudness; ``true_peak_dbtp``: dB true peak; -120 stands for silence. ``duration_ms``: length after decoding."""

    lufs: float
    true_peak_dbtp: float
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What a part contributes to the whole: its K-weighted energies (mean squares of 4 ms each), its true peak (dBTP) and its length in seconds."""

    energies: npt.NDArray[np.float32]
    true_peak_dbtp: float
    seconds: float


def measure(sound: Path | Pcm | bytes) -> Loudness:
    """Loudness of sound in memory, of an encoded file's bytes, or of a file (MP3, WAV, whatever FFmpeg reads), decoded first.

    Several channels are mixed to one. Raises :class:`UndecodableError` if the file holds no sound that can be decoded.
    """
    return together([measured(sound)])


def measured(sound: Path | Pcm | bytes, *, peak: bool = True) -> Measured:
    """The energies of a sound, as :func:`measure` takes it; without ``peak`` it is three times as quick and the peak is -120."""
    if isinstance(sound, Pcm):
        return _metered(audio_frames(sound), sound.rate, peak=peak)
    source = io.BytesIO(sound) if isinstance(sound, bytes) else sound
    try:
        with av.open(source, "r") as container:
            stream = container.streams.audio[0]
            return _metered(container.decode(stream), stream.codec_context.sample_rate, peak=peak)
    except (av.FFmpegError, IndexError) as error:
        name = "the encoded sound" if isinstance(sound, bytes) else sound
        raise UndecodableError(f"{name} holds no sound that can be decoded ({error})") from error


def together(parts: Iterable[Measured]) -> Loudness:
    """The loudness of parts played one after the other, each of which begins and ends in silence: BS.1770-4's two gates over the blocks of the whole."""
    all_parts = list(parts)
    energies = np.concatenate([part.energies for part in all_parts]).astype(np.float64) if all_parts else np.empty(0)
    return Loudness(
        lufs=_integrated(energies),
        true_peak_dbtp=max((part.true_peak_dbtp for part in all_parts), default=SILENT),
        duration_ms=round(sum(part.seconds for part in all_parts) * 1000),
    )


def _integrated(energies: npt.NDArray[np.float64]) -> float:
    if energies.size < _BLOCK:  # shorter than a block: what there is, is the block
        energies = np.pad(energies, (0, _BLOCK - energies.size))
    sums = np.concatenate(([0.0], np.cumsum(energies)))
    powers = (sums[_BLOCK:] - sums[:-_BLOCK])[::_HOP] / _BLOCK
    powers = powers[powers > _power(_ABSOLUTE_GATE)]
    if not powers.size:
        return SILENT
    gate = _power(_lufs(float(powers.mean())) + _RELATIVE_GATE_LU)
    return _lufs(float(powers[powers > gate].mean()))


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power)


def _metered(frames: Iterable[av.AudioFrame], rate: int, *, peak: bool) -> Measured:
    fine_rate = rate if rate % _STEPS_A_SECOND == 0 else 48_000
    weighting = graph(fine_rate, _k_weighting(fine_rate))
    meter = graph(fine_rate, [("ebur128", "metadata=1:framelog=quiet:peak=true")]) if peak else None
    energies: list[npt.NDArray[np.float32]] = []
    rest = np.empty(0, dtype=np.float32)
    true_peak = 0.0
    count = 0
    resampler = av.AudioResampler(format="flt", layout="mono", rate=fine_rate)
    step = fine_rate // _STEPS_A_SECOND
    waiting = av.AudioFifo()
    for raw in _with_end(frames):
        for frame in resampler.resample(raw):
            frame.pts = None
            waiting.write(frame)
        if raw is not None and waiting.samples < fine_rate:
            continue  # a decoder's frames are short: by the second is quicker
        block = waiting.read()
        if block is not None:
            block.pts = count
            count += block.samples
            weighting.push(block)
            if meter is not None:
                meter.push(block)
        if raw is None:
            weighting.push(None)
            if meter is not None:
                meter.push(_silence(fine_rate, count))  # so that the meter's last step looks at the last samples
                meter.push(None)
        samples = np.concatenate([rest, *(frame.to_ndarray().reshape(-1) for frame in pulled(weighting))])
        whole = len(samples) // step * step
        energies.append(np.mean(np.square(samples[:whole].reshape(-1, step)), axis=1))
        rest = samples[whole:]
        if meter is not None:
            true_peak = max(
                [true_peak, *(float(frame.metadata.get("lavfi.r128.true_peak", 0)) for frame in pulled(meter))]
            )
    if rest.size:
        energies.append(np.array([np.square(rest).sum() / step], dtype=np.float32))
    peak_db = 20 * math.log10(true_peak) if true_peak > 1e-6 else SILENT
    return Measured(np.concatenate(energies), peak_db, count / fine_rate)


def _with_end(frames: Iterable[av.AudioFrame]) -> Iterator[av.AudioFrame | None]:
    yield from frames
    yield None


def _silence(rate: int, start: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, rate // 10), dtype=np.float32), format="flt", layout="mono")
    frame.sample_rate, frame.pts = rate, start
    return frame


def _k_weighting(rate: int) -> list[tuple[str, str]]:
    """BS.1770-4's two filters at any rate: the shelf of the head and the high pass, their analogue parameters put through the bilinear transform (as libebur128 does)."""
    k = math.tan(math.pi * 1681.974450955533 / rate)
    high, q = 10 ** (3.999843853973347 / 20), 0.7071752369554196
    mid = high**0.4996667741545416
    norm = 1 + k / q + k * k
    shelf = (
        (high + mid * k / q + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - mid * k / q + k * k) / norm,
        2 * (k * k - 1) / norm,
        (1 - k / q + k * k) / norm,
    )
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    norm = 1 + k / q + k * k
    high_pass = (1.0, -2.0, 1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm)
    names = ("b0", "b1", "b2", "a1", "a2")
    return [
        (
            "biquad",
            ":".join(f"{name}={value!r}" for name, value in zip(names, each, strict=True)) + ":a0=1:precision=f64",
        )
        for each in (shelf, high_pass)
    ]
