"""From a mix to an MP3 that meets the loudness target, proved on the decoded file.

Loudness and true peak are those of ITU-R BS.1770-4 / EBU R 128, measured by FFmpeg's ``ebur128``. The file is 64 kbit/s mono MP3 at 24 kHz: both engines
give at most 24 kHz, horn loudspeakers end near 8 kHz, and at this rate LAME has twice the bits for each sample that it would have at 48 kHz; MPEG-2 Layer III at 24 kHz
is read by every decoder that reads MP3. The encoder's delay and padding are written in the file (LAME tag), so that the decoded length is the true one.
"""

import io
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.filter import Graph

from audio.limiter import limit
from audio.pcm import Pcm, audio_frames

SAMPLE_RATE = 24_000
BIT_RATE = 64_000
_SILENT = -120.0
_ENCODER_LOSS_LU = 0.3
"""LAME cuts what is above some 10 kHz, and the K weighting counts it: 0.4 LU of espeak's hiss, 0.1 of a recorded voice."""
_PEAK_MARGIN_DB = 0.8
"""The encoder may overshoot by some tenths of a decibel."""


class MasteringError(RuntimeError):
    """The sound could not be brought within the limits; the message has the figures that were reached."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """``lufs``: integrated loudness; ``true_peak_dbtp``: dB true peak; -120 stands for silence. ``duration_ms``: length after decoding."""

    lufs: float
    true_peak_dbtp: float
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Target:
    """What the decoded file must meet: loudness within ``tolerance_lu`` of ``lufs``, and true peak at most ``true_peak_dbtp``."""

    lufs: float = -16.0
    tolerance_lu: float = 0.5
    true_peak_dbtp: float = -1.0
    attempts: int = 6

    def met_by(self, loudness: Loudness) -> bool:
        """Whether a measured file is within the limits."""
        return abs(loudness.lufs - self.lufs) <= self.tolerance_lu and loudness.true_peak_dbtp <= self.true_peak_dbtp


@dataclass(frozen=True, slots=True)
class Mastered:
    """The finished file and what was measured on it after decoding."""

    mp3: bytes
    loudness: Loudness


def measure(sound: Path | Pcm | bytes) -> Loudness:
    """Loudness of sound in memory, of an encoded file's bytes, or of a file (MP3, WAV, whatever FFmpeg reads), decoded first.

    Several channels are mixed to one. Raises ``MasteringError`` if the file holds no sound that can be decoded.
    """
    if isinstance(sound, Pcm):
        return _loudness(audio_frames(sound), sound.rate, peak=True)
    source = io.BytesIO(sound) if isinstance(sound, bytes) else sound
    try:
        with av.open(source, "r") as container:
            stream = container.streams.audio[0]
            rate = stream.codec_context.sample_rate
            return _loudness(_mono(container.decode(stream), rate), rate, peak=True)
    except (av.FFmpegError, IndexError) as error:
        name = "the encoded clip" if isinstance(sound, bytes) else sound
        raise MasteringError(f"{name} holds no sound that can be decoded ({error})") from error


def master(mix: Pcm, tags: Mapping[str, str], target: Target | None = None) -> Mastered:
    """Bring ``mix`` (at 24 kHz) to the target and encode it; ``tags`` become ID3 text frames.

    Gain, then a look-ahead true-peak limiter, then the encoder; then the *decoded* file is measured and gain and ceiling are corrected, until it meets the target.
    Raises ``MasteringError`` for silence and if the target is not met after ``target.attempts``.
    """
    target = target or Target()
    if mix.rate != SAMPLE_RATE:
        raise ValueError(f"the mix must be at {SAMPLE_RATE} Hz, not {mix.rate}")
    excerpt = _excerpt(mix)
    loudness = _loudness(audio_frames(excerpt), mix.rate, peak=False)
    if loudness.lufs <= -70:
        raise MasteringError(
            "there is nothing to hear in the mix: the engine gave silence for this text; try another engine or voice"
        )
    wanted = target.lufs + _ENCODER_LOSS_LU
    ceiling_db = target.true_peak_dbtp - _PEAK_MARGIN_DB
    gain_db = wanted - loudness.lufs
    for _ in range(
        4
    ):  # limiting costs loudness: settle that on the excerpt, before paying for the whole and its encoding
        limited = limit(excerpt, gain_db=gain_db, ceiling_db=ceiling_db)
        short = wanted - _loudness(audio_frames(limited), mix.rate, peak=False).lufs
        gain_db += short
        if abs(short) < 0.05:
            break
    for _ in range(target.attempts):
        mp3 = encode_mp3(limit(mix, gain_db=gain_db, ceiling_db=ceiling_db), tags)
        loudness = measure(mp3)
        if target.met_by(loudness):
            return Mastered(mp3, loudness)
        if loudness.true_peak_dbtp > target.true_peak_dbtp:
            ceiling_db -= loudness.true_peak_dbtp - target.true_peak_dbtp + 0.2
        gain_db += (target.lufs - loudness.lufs) * 1.2  # a limiter gives back less than it is asked for
    raise MasteringError(
        f"the clip stayed at {loudness.lufs:.1f} LUFS and {loudness.true_peak_dbtp:.1f} dBTP, the target being {target.lufs:g} ±{target.tolerance_lu:g} LUFS "
        f"and at most {target.true_peak_dbtp:g} dBTP: look for very short or very uneven sound in it"
    )


def _excerpt(mix: Pcm) -> Pcm:
    """What stands for a long mix while the gain is sought: 24 evenly spaced slices of 5 s. The result is proved on the whole."""
    slice_bytes, count = mix.rate * 5 * 2, 24
    if len(mix.data) <= slice_bytes * count:
        return mix
    step = (len(mix.data) - slice_bytes) // (count - 1) // 2 * 2
    return Pcm(b"".join(mix.data[place * step : place * step + slice_bytes] for place in range(count)), mix.rate)


def encode_mp3(sound: Pcm, tags: Mapping[str, str]) -> bytes:
    """``sound`` as 64 kbit/s mono MP3 with ID3v2.4 tags; names that ID3 does not know become ``TXXX`` frames."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        container.metadata.update(dict(tags))
        stream = container.add_stream("libmp3lame", rate=sound.rate, options={"compression_level": "7"})
        stream.bit_rate = BIT_RATE
        stream.layout = "mono"
        for frame in audio_frames(sound):
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return buffer.getvalue()


def decode(sound: Path | bytes) -> Pcm:
    """An encoded file as mono sound at its own rate; raises ``MasteringError`` as :func:`measure` does."""
    source = io.BytesIO(sound) if isinstance(sound, bytes) else sound
    try:
        with av.open(source, "r") as container:
            stream = container.streams.audio[0]
            rate = stream.codec_context.sample_rate
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
            parts = [
                out.to_ndarray().tobytes() for frame in container.decode(stream) for out in resampler.resample(frame)
            ]
            parts += [out.to_ndarray().tobytes() for out in resampler.resample(None)]
    except (av.FFmpegError, IndexError) as error:
        raise MasteringError(f"the file holds no sound that can be decoded ({error})") from error
    return Pcm(b"".join(parts), rate)


def _mono(frames: Iterable[av.AudioFrame], rate: int) -> Iterator[av.AudioFrame]:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    for frame in frames:
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _loudness(frames: Iterable[av.AudioFrame], rate: int, *, peak: bool) -> Loudness:
    graph: Graph | None = None
    found: dict[str, str] = {}
    count = 0

    def drain(running: Graph) -> None:
        while True:
            try:
                found.update(running.pull().metadata)
            except (av.BlockingIOError, av.EOFError):
                return

    tail = np.zeros((1, rate // 2), dtype=np.float32)
    for frame in frames:
        if graph is None:
            graph = _meter(frame.format.name, rate, peak=peak)
            tail = tail.astype(np.int16 if frame.format.name.startswith("s16") else np.float32)
        count += frame.samples
        graph.push(frame)
        drain(graph)
    if graph is None:
        return Loudness(_SILENT, _SILENT, 0)
    if (
        count < rate
    ):  # shorter than the meter's window of 0.4 s and its steps: silence after it is not counted, but lets it look at everything
        pad = av.AudioFrame.from_ndarray(tail, format="s16" if tail.dtype == np.int16 else "flt", layout="mono")
        pad.sample_rate, pad.pts = rate, count
        graph.push(pad)
    graph.push(None)
    drain(graph)
    lufs = float(found.get("lavfi.r128.I", "-inf"))
    true_peak = float(found.get("lavfi.r128.true_peak", "0"))
    return Loudness(
        lufs=lufs if math.isfinite(lufs) else _SILENT,
        true_peak_dbtp=20 * math.log10(true_peak) if true_peak > 1e-6 else _SILENT,
        duration_ms=round(count * 1000 / rate),
    )


def _meter(sample_format: str, rate: int, *, peak: bool) -> Graph:
    graph = Graph()
    source = graph.add_abuffer(sample_rate=rate, format=sample_format, layout="mono")
    meter = graph.add("ebur128", "metadata=1:framelog=quiet" + (":peak=true" if peak else ""))
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    return graph
