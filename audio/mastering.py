"""From the parts of a clip to one MP3 that meets the loudness target, proved on decoded sound.

Speech is brought to the target by one gain for the whole bulletin and a look-ahead true-peak limiter; each part is encoded by itself (:mod:`audio.encoding`), decoded
again and measured; the parts' energies together are the file's. A part that was made before with the same gain is taken from the cache.
"""

import io
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av

from audio.cache import Cache
from audio.encoding import SAMPLE_RATE, decode_piece, encode_piece, join
from audio.limiter import limit
from audio.loudness import Loudness, Measured, UndecodableError, measure, measured, together
from audio.pcm import Pcm

__all__ = ["SAMPLE_RATE", "Loudness", "Mastered", "Mastering", "MasteringError", "Part", "Target", "decode", "measure"]

_ENCODER_LOSS_LU = 0.3
"""LAME cuts what is above some 10 kHz, and the K weighting counts it: 0.4 LU of espeak's hiss, 0.1 of a recorded voice."""
_PEAK_MARGIN_DB = 0.8
"""The encoder may overshoot by some tenths of a decibel."""
_MARGIN_LU = 0.1
"""For other people's meters."""
_REMEMBERED_GAINS = 8
_EXCERPT_S = 45


class MasteringError(RuntimeError):
    """The sound could not be brought within the limits; the message has the figures that were reached."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the decoded file must meet: loudness within ``tolerance_lu`` of ``lufs``, and true peak at most ``true_peak_dbtp``."""

    lufs: float = -16.0
    tolerance_lu: float = 0.5
    true_peak_dbtp: float = -1.0
    attempts: int = 6

    def met_by(self, loudness: Loudness, *, margin_lu: float = 0.0) -> bool:
        """Whether a measured file is within the limits, and ``margin_lu`` better."""
        return (
            abs(loudness.lufs - self.lufs) <= self.tolerance_lu - margin_lu
            and loudness.true_peak_dbtp <= self.true_peak_dbtp
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the clip at 24 kHz, whole frames long, that begins and ends in silence.

    ``speech`` gets the gain; the rest (chimes, silence) is at its level already. ``key`` names everything that makes this sound what it is.
    """

    sound: Pcm
    key: Hashable
    speech: bool


@dataclass(frozen=True, slots=True)
class Mastered:
    """The finished file and what was measured on it after decoding."""

    mp3: bytes
    loudness: Loudness


@dataclass(frozen=True, slots=True)
class _Piece:
    frames: bytes
    measured: Measured


class Mastering:
    """Makes files of parts. Safe to use from several threads."""

    def __init__(self, target: Target | None = None, *, workers: int = 2, cache_bytes: int = 64_000_000) -> None:
        """``workers`` parts are worked on at the same time; ``cache_bytes`` of encoded parts are kept (a minute has half a megabyte)."""
        self._target = target or Target()
        self._workers = workers
        self._pieces: Cache[_Piece] = Cache(
            cache_bytes, lambda piece: len(piece.frames) + piece.measured.energies.nbytes
        )
        self._gains: dict[Hashable, tuple[float, ...]] = {}

    def master(self, parts: Sequence[Part], tags: Mapping[str, str], voice: Hashable) -> Mastered:
        """Bring the parts to the target and join them; ``tags`` become ID3 text frames.

        ``voice`` names what speaks: an edited bulletin keeps the gain that it had, so that what did not change can be taken from the cache.
        Raises :class:`MasteringError` for silence, and if the target is not met after ``target.attempts``.
        """
        target = self._target
        ceiling_db = target.true_peak_dbtp - _PEAK_MARGIN_DB
        gain_db = self._gain_before(parts, voice, ceiling_db)
        if gain_db is None:
            gain_db = _settled_gain(
                _excerpt([part.sound for part in parts if part.speech]), target.lufs + _ENCODER_LOSS_LU, ceiling_db
            )
        for attempt in range(1, target.attempts + 1):
            gain_db = round(gain_db, 2)
            pieces = self._made(parts, gain_db, ceiling_db)
            loudness = together(piece.measured for piece in pieces)
            if target.met_by(loudness, margin_lu=_MARGIN_LU if attempt < target.attempts else 0.0):
                self._gains[voice] = (gain_db, *(each for each in self._gains.get(voice, ()) if each != gain_db))[
                    :_REMEMBERED_GAINS
                ]
                return Mastered(join([piece.frames for piece in pieces], tags), loudness)
            if loudness.true_peak_dbtp > target.true_peak_dbtp:
                ceiling_db -= loudness.true_peak_dbtp - target.true_peak_dbtp + 0.2
            gain_db += (target.lufs - loudness.lufs) * 1.2  # a limiter gives back less than it is asked for
        raise MasteringError(
            f"the clip stayed at {loudness.lufs:.1f} LUFS and {loudness.true_peak_dbtp:.1f} dBTP, the target being {target.lufs:g} ±{target.tolerance_lu:g} LUFS "
            f"and at most {target.true_peak_dbtp:g} dBTP: look for very short or very uneven sound in it"
        )

    def _gain_before(self, parts: Sequence[Part], voice: Hashable, ceiling_db: float) -> float | None:
        """Of the gains that suited this voice, the one with which most of these parts were made; None if that is less than half of them."""
        speech = [part for part in parts if part.speech]
        made = {
            gain: sum(_key(part, gain, ceiling_db) in self._pieces for part in speech)
            for gain in self._gains.get(voice, ())
        }
        best = max(made, key=lambda gain: made[gain], default=None)
        return best if best is not None and made[best] * 2 >= len(speech) else None

    def _made(self, parts: Sequence[Part], gain_db: float, ceiling_db: float) -> list[_Piece]:
        def make(part: Part) -> _Piece:
            key = _key(part, gain_db, ceiling_db)
            return self._pieces.get(key) or self._pieces.put(key, _piece(part, gain_db, ceiling_db))

        with ThreadPoolExecutor(self._workers, thread_name_prefix="mastering") as pool:
            return list(pool.map(make, parts))


def _key(part: Part, gain_db: float, ceiling_db: float) -> Hashable:
    return (part.key, gain_db, ceiling_db) if part.speech else (part.key, ceiling_db)


def decode(sound: Path | bytes) -> Pcm:
    """An encoded file as mono sound at its own rate; raises :class:`audio.loudness.UndecodableError`."""
    source = io.BytesIO(sound) if isinstance(sound, bytes) else sound
    try:
        with av.open(source, "r") as container:
            stream = container.streams.audio[0]
            rate = stream.codec_context.sample_rate
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
            data = [
                out.to_ndarray().tobytes() for frame in container.decode(stream) for out in resampler.resample(frame)
            ]
            data += [out.to_ndarray().tobytes() for out in resampler.resample(None)]
    except (av.FFmpegError, IndexError) as error:
        raise UndecodableError(f"the file holds no sound that can be decoded ({error})") from error
    return Pcm(b"".join(data), rate)


def _piece(part: Part, gain_db: float, ceiling_db: float) -> _Piece:
    frames = encode_piece(limit(part.sound, gain_db=gain_db if part.speech else 0.0, ceiling_db=ceiling_db))
    decoded = decode_piece(frames)
    heard = Pcm(decoded.data[: len(part.sound.data)], decoded.rate)
    return _Piece(frames, measured(heard))


def _settled_gain(speech: Pcm, wanted_lufs: float, ceiling_db: float) -> float:
    """The gain in dB at which ``speech``, limited, has the wanted loudness: limiting takes some of it, which is settled here, before paying for an encoding."""
    loudness = together([measured(speech, peak=False)])
    if loudness.lufs <= -70:
        raise MasteringError(
            "there is nothing to hear in the speech: the engine gave silence for this text; try another engine or voice"
        )
    gain_db = wanted_lufs - loudness.lufs
    for _ in range(3):
        limited = limit(speech, gain_db=gain_db, ceiling_db=ceiling_db)
        short = wanted_lufs - together([measured(limited, peak=False)]).lufs
        gain_db += short
        if abs(short) < 0.1:
            break
    return gain_db


def _excerpt(sounds: Sequence[Pcm]) -> Pcm:
    """Some three quarters of a minute of the speech, evenly taken from all of it; the result is proved on the whole."""
    total_s = sum(sound.frames for sound in sounds) / SAMPLE_RATE
    step = max(1, round(total_s / _EXCERPT_S))
    return Pcm(b"".join(sound.data for sound in sounds[::step]), SAMPLE_RATE)
