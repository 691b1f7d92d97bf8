"""A look-ahead limiter on true peaks: loud enough for a horn loudspeaker in the wind, never over the ceiling between the samples."""

import numpy as np
import numpy.typing as npt

from audio.pcm import Pcm, Samples

_BLOCK_S = 30
_TAPS = 12
_PHASES = 4  # BS.1770-4 annex 2: at least four times oversampled


def limit(sound: Pcm, *, gain_db: float, ceiling_db: float, look_ahead_ms: float = 4.0) -> Pcm:
    """``sound`` times ``gain_db``, held under ``ceiling_db`` (dB true peak, to about 0.1 dB).

    The gain falls before a peak and recovers after it within ``look_ahead_ms``. It works in blocks of 30 s, so its working memory does not grow with the length.
    """
    gain, ceiling = 10 ** (gain_db / 20), 10 ** (ceiling_db / 20)
    reach = max(1, round(sound.rate * look_ahead_ms / 1000))
    margin = 2 * reach + _TAPS
    block = sound.rate * _BLOCK_S
    done: list[bytes] = []
    for start in range(0, sound.frames, block):
        end = min(sound.frames, start + block)
        left, right = max(0, start - margin), min(sound.frames, end + margin)
        part = sound.samples(left, right) * np.float32(gain)
        part *= _reduction(_true_peaks(part), ceiling, reach)
        done.append(Pcm.from_samples(part[start - left : end - left], sound.rate).data)
    return Pcm(b"".join(done), sound.rate)


def _true_peaks(part: Samples) -> Samples:
    """The largest magnitude on or beside each sample, four times oversampled."""
    peaks = np.abs(part)
    for phase in range(1, _PHASES):
        between = np.abs(
            np.convolve(part, _interpolator(phase / _PHASES), mode="full")[_TAPS // 2 : _TAPS // 2 + len(part)]
        )
        np.maximum(peaks, between, out=peaks)
        np.maximum(peaks[1:], between[:-1], out=peaks[1:])
    return peaks


def _interpolator(offset: float) -> npt.NDArray[np.float32]:
    """Windowed sinc that gives the value ``offset`` of a sample after each sample."""
    # convolve(x, h)[n + TAPS/2] = sum x[n + TAPS/2 - k] h[k]; the value at n + offset needs h[k] = sinc(offset - (TAPS/2 - k)).
    position = offset - (_TAPS // 2 - np.arange(_TAPS + 1))
    window = np.cos(np.pi * position / (_TAPS + 2)) ** 2
    taps = np.sinc(position) * window
    scaled: npt.NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return scaled


def _reduction(peaks: Samples, ceiling: float, reach: int) -> Samples:
    """Gain for each sample, at most 1: the least that any sample within ``reach`` needs, smoothed over the same distance."""
    needed = np.minimum(np.float32(1), np.float32(ceiling) / np.maximum(peaks, np.float32(1e-9)))
    if needed.min() >= 1:
        return needed
    width = 2 * reach + 1
    least = _sliding_minimum(np.pad(needed, 2 * reach, constant_values=1), width)
    sums = np.cumsum(np.concatenate(([0.0], least.astype(np.float64))))
    smooth: Samples = ((sums[width:] - sums[:-width]) / width).astype(np.float32)
    return smooth


def _sliding_minimum(values: Samples, width: int) -> Samples:
    """Minimum of each ``width`` neighbours, shape (n - width + 1,), in time that does not depend on ``width`` (van Herk 1992)."""
    count = len(values) - width + 1
    padded = np.pad(values, (0, -len(values) % width), constant_values=np.inf).reshape(-1, width)
    forward = np.minimum.accumulate(padded, axis=1).ravel()
    backward = np.minimum.accumulate(padded[:, ::-1], axis=1)[:, ::-1].ravel()
    least: Samples = np.minimum(backward[:count], forward[width - 1 : width - 1 + count])
    return least
