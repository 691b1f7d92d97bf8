"""From the parts of a clip to one MP3, and the same as Opus, that meet the loudness target, proved on decoded sound.

Speech is brought to the target by one gain for the whole bulletin and a look-ahead true-peak limiter; each part is encoded by itself (:mod:`audio.encoding`, :mod:`audio.opus`), decoded
again and measured; the parts' energies together are the file's. A part that was made before with the same gain is taken from the cache.
"""

import io
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import av

from audio.cache import Cache
from audio.encoding import SAMPLE_RATE, decode_piece, encode_piece, join
from audio.gain import SilentError, settled_gain
from audio.limiter import limit
from audio.loudness import Loudness, Measured, UndecodableError, measure, measured, together
from audio.opus import decode_packets, encode_packets, join_packets
from audio.pcm import Pcm

__all__ = ["SAMPLE_RATE", "Loudness", "Mastered", "Mastering", "MasteringError", "Part", "Target", "decode", "measure"]

_ENCODER_LOSS_LU = 0.3
"""LAME cuts what is above some 10 kHz, and the K weighting counts it: 0.4 LU of espeak's hiss, 0.1 of a recorded voice."""
_PEAK_MARGIN_DB = 0.8
"""The encoders may overshoot: LAME by some tenths of a decibel, Opus by up to 1."""
_MARGIN_LU = 0.1
"""For other people's meters."""
_DECODERS_DB = 0.1
"""By which other decoders' peaks may differ."""
_OPUS_ALLOWANCE_DB = 0.4
"""By which a piece of Opus may be over the peak, if the whole file's output gain can take it back: encoding one piece in six again would cost more than 0.4 LU are worth."""
_REMEMBERED_GAINS = 8
_REMEMBERED_SOURCES = 1_000


Frames = TypeVar("Frames")


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

    ``key`` names everything that makes this sound what it is. Parts of one ``source`` (a voice, a recording) get one gain; None is at its level already (chimes, silence).
    """

    sound: Pcm
    key: Hashable
    source: Hashable | None


@dataclass(frozen=True, slots=True)
class File:
    """A finished file and what was measured on it after decoding; ``clipped`` counts samples at full scale."""

    data: bytes
    loudness: Loudness
    clipped: int


@dataclass(frozen=True, slots=True)
class Mastered:
    """The clip as MP3, and as Opus if that was asked for."""

    mp3: File
    opus: File | None = None


@dataclass(frozen=True, slots=True)
class _Heard:
    measured: Measured
    clipped: int

    @classmethod
    def of(cls, decoded: Pcm) -> "_Heard":
        return cls(measured(decoded), decoded.clipped)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part in each encoding, and what is heard of it."""

    mp3: bytes
    mp3_heard: _Heard
    opus: tuple[bytes, ...] = ()
    opus_heard: _Heard | None = None

    @property
    def size(self) -> int:
        energies = sum(heard.measured.energies.nbytes for heard in (self.mp3_heard, self.opus_heard) if heard)
        return len(self.mp3) + sum(map(len, self.opus)) + energies


class Mastering:
    """Makes files of parts. Safe to use from several threads."""

    def __init__(
        self, target: Target | None = None, *, opus: bool = True, workers: int = 2, cache_bytes: int = 96_000_000
    ) -> None:
        """``workers`` parts are worked on at the same time; ``cache_bytes`` of encoded parts are kept (a minute has 0.8 megabytes). Without ``opus`` there is only the MP3."""
        self._target = target or Target()
        self._ceiling_db = self._target.true_peak_dbtp - _PEAK_MARGIN_DB
        self._opus = opus
        self._workers = workers
        self._pieces: Cache[_Piece] = Cache(cache_bytes, lambda piece: piece.size)
        self._gains: Cache[tuple[float, ...]] = Cache(_REMEMBERED_SOURCES, lambda _gains: 1)

    def master(self, parts: Sequence[Part], tags: Mapping[str, str]) -> Mastered:
        """Bring the parts to the target and join them; ``tags`` become ID3 text frames and Vorbis comments.

        Each source is brought to the target by itself, so that none is louder than the other; what the whole still lacks, all get. An edited bulletin keeps the gains
        that it had, so that what did not change can be taken from the cache. Raises :class:`MasteringError` for silence, and if the target is not met after ``target.attempts``.
        """
        target = self._target
        gains = {
            source: self._gain(source, [part for part in parts if part.source == source])
            for source in dict.fromkeys(part.source for part in parts)
            if source is not None
        }
        strict = False
        for attempt in range(1, target.attempts + 1):
            gains = {source: round(gain_db, 2) for source, gain_db in gains.items()}
            pieces = self._made(parts, gains, strict=strict)
            margin_lu = _MARGIN_LU if attempt < target.attempts else 0.0
            files = [_mp3(pieces, tags)]
            if self._opus:
                files.append(_opus(pieces, tags, target))
            if all(target.met_by(file.loudness, margin_lu=margin_lu) for file in files):
                self._keep(gains)
                return Mastered(*files)
            mp3, *others = (file.loudness for file in files)
            if not target.met_by(mp3, margin_lu=margin_lu):
                more = 1.2 * (target.lufs - mp3.lufs)  # a limiter gives back less than it is asked for
            elif not strict:
                strict, more = True, 0.0
            else:
                more = target.lufs - target.tolerance_lu + 2 * margin_lu - others[0].lufs
            gains = {source: gain_db + more for source, gain_db in gains.items()}
        reached = ", ".join(
            f"{file.loudness.lufs:.1f} LUFS at {file.loudness.true_peak_dbtp:.1f} dBTP" for file in files
        )
        raise MasteringError(
            f"the clip stayed at {reached}, the target being {target.lufs:g} ±{target.tolerance_lu:g} LUFS and at most {target.true_peak_dbtp:g} dBTP: "
            "look for very short or very uneven sound in it"
        )

    def _keep(self, gains: Mapping[Hashable, float]) -> None:
        for source, gain_db in gains.items():
            older = (each for each in self._gains.get(source) or () if each != gain_db)
            self._gains.put(source, (gain_db, *older)[:_REMEMBERED_GAINS])

    def _gain(self, source: Hashable, parts: Sequence[Part]) -> float:
        """Of the gains that suited this source, the one with which most of these parts were made; found anew if that is less than half of them."""
        made = {
            gain: sum((part.key, gain, False) in self._pieces for part in parts)
            for gain in self._gains.get(source) or ()
        }
        best = max(made, key=lambda gain: made[gain], default=None)
        if best is not None and made[best] * 2 >= len(parts):
            return best
        try:
            return settled_gain([part.sound for part in parts], self._target.lufs + _ENCODER_LOSS_LU, self._ceiling_db)
        except SilentError as error:
            raise MasteringError(
                "there is nothing to hear in the speech: the engine gave silence for this text, or the recording is empty; try another engine, voice or recording"
            ) from error

    def _made(self, parts: Sequence[Part], gains: Mapping[Hashable, float], *, strict: bool) -> list[_Piece]:
        def make(part: Part) -> _Piece:
            gain_db = 0.0 if part.source is None else gains[part.source]
            key = (part.key, gain_db, strict)
            return self._pieces.get(key) or self._pieces.put(key, self._piece(part, gain_db, strict=strict))

        with ThreadPoolExecutor(self._workers, thread_name_prefix="mastering") as pool:
            return list(pool.map(make, parts))

    def _piece(self, part: Part, gain_db: float, *, strict: bool) -> _Piece:
        def limited(ceiling_db: float) -> Pcm:
            return limit(part.sound, gain_db=gain_db, ceiling_db=ceiling_db)

        def hear_mp3(frames: bytes) -> _Heard:
            decoded = decode_piece(frames)
            return _Heard.of(Pcm(decoded.data[: len(part.sound.data)], decoded.rate))

        def hear_opus(packets: tuple[bytes, ...]) -> _Heard:
            return _Heard.of(decode_packets(packets))

        usual = limited(self._ceiling_db)
        most = self._target.true_peak_dbtp - _DECODERS_DB
        mp3, mp3_heard = self._under_the_peak(usual, limited, encode_piece, hear_mp3, most)
        if not self._opus:
            return _Piece(mp3, mp3_heard)
        most += 0.0 if strict else _OPUS_ALLOWANCE_DB
        return _Piece(mp3, mp3_heard, *self._under_the_peak(usual, limited, encode_packets, hear_opus, most))

    def _under_the_peak(
        self,
        sound: Pcm,
        limited: Callable[[float], Pcm],
        encode: Callable[[Pcm], Frames],
        hear: Callable[[Frames], _Heard],
        most_dbtp: float,
    ) -> tuple[Frames, _Heard]:
        """A part encoded, with a lower ceiling if the encoder lifted a peak over what the decoded file may have."""
        ceiling_db = self._ceiling_db
        for _ in range(self._target.attempts):
            frames = encode(sound)
            heard = hear(frames)
            over_db = heard.measured.true_peak_dbtp - most_dbtp
            if over_db <= 0:
                break
            ceiling_db -= over_db + _DECODERS_DB
            sound = limited(ceiling_db)
        return frames, heard


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


def _mp3(pieces: Sequence[_Piece], tags: Mapping[str, str]) -> File:
    heard = [piece.mp3_heard for piece in pieces]
    return File(
        join([piece.mp3 for piece in pieces], tags),
        together(each.measured for each in heard),
        sum(each.clipped for each in heard),
    )


def _opus(pieces: Sequence[_Piece], tags: Mapping[str, str], target: Target) -> File:
    """With the output gain that brings it to the target, as far as its peaks allow."""
    heard = [piece.opus_heard for piece in pieces if piece.opus_heard]
    loudness = together(each.measured for each in heard)
    gain_db = min(target.lufs - loudness.lufs, target.true_peak_dbtp - _DECODERS_DB - loudness.true_peak_dbtp)
    return File(
        join_packets([piece.opus for piece in pieces], tags, gain_db=gain_db),
        Loudness(loudness.lufs + gain_db, loudness.true_peak_dbtp + gain_db, loudness.duration_ms),
        sum(each.clipped for each in heard),
    )
