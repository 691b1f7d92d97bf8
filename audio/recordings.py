"""Sounds that people upload: recorded speech in place of synthesis, and jingles. What is kept is decoded, mono and bounded, whatever was sent."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from audio.encoding import SAMPLE_RATE
from audio.errors import RecordingError, RenderError
from audio.mastering import decode, measure
from audio.pcm import Pcm, audio_frames
from audio.store import ClipMissingError, ClipStore

_QUIETEST_LUFS = -50.0
"""Below this a recording is its own noise: bringing it to -16 LUFS would be 34 dB of gain."""
_RATES = (4_000, 192_000)
_MOST_CHANNELS = 8
_BEGINS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "MP3": ("mp3", lambda data: data[:3] == b"ID3" or (data[:1] == b"\xff" and data[1:2] >= b"\xe0")),
    "WAV": ("wav", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WAVE"),
    "M4A": ("mov", lambda data: data[4:8] == b"ftyp"),
    "OGG": ("ogg", lambda data: data[:4] == b"OggS"),
    "FLAC": ("flac", lambda data: data[:4] == b"fLaC"),
}
"""By the name that people know: FFmpeg's reader, and how such a file begins."""
FORMATS = tuple(_BEGINS)
"""What may be uploaded."""
_OR = f"{', '.join(FORMATS[:-1])} hoặc {FORMATS[-1]}"
FORMATS_EN = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
_NEXT = f"hãy lưu lại bản ghi dưới dạng {_OR} rồi tải lên lại"
_NEXT_EN = f"save the recording as {FORMATS_EN} and upload it again"


@dataclass(frozen=True, slots=True)
class SoundLimits:
    """What an upload may be: bytes as sent, seconds as decoded."""

    max_bytes: int
    shortest_s: float
    longest_s: float


SPEECH = SoundLimits(max_bytes=100_000_000, shortest_s=1.0, longest_s=1800.0)
JINGLE = SoundLimits(max_bytes=20_000_000, shortest_s=0.5, longest_s=30.0)


@dataclass(frozen=True, slots=True)
class Sound:
    """An imported sound in the store (FLAC, mono, 24 kHz): its hash and bytes there, and its figures. ``clipped`` counts samples at full scale: many mean that it was recorded too loud."""

    sha256: str
    size: int
    duration_ms: int
    lufs: float
    true_peak_dbtp: float
    clipped: int


def import_sound(data: bytes, store: ClipStore, limits: SoundLimits = SPEECH) -> Sound:
    """Decode an uploaded MP3, WAV, M4A, OGG (Vorbis, Opus) or FLAC and keep it for :class:`audio.announcement.Recording` or ``Jingle``.

    The format is told by the first bytes, never by a name, so that no other reader of FFmpeg (playlists that open other addresses) sees the upload; pictures in tags are
    passed over. Decoding stops as soon as the sound is longer than ``limits`` allow. Raises :class:`RecordingError`, and then nothing was stored.
    """
    if len(data) > limits.max_bytes:
        raise RecordingError(
            f"tệp có {len(data) / 1e6:.1f} MB, quá {limits.max_bytes / 1e6:g} MB: hãy nén thành MP3 hoặc cắt ngắn",
            f"the file has {len(data) / 1e6:.1f} MB, more than {limits.max_bytes / 1e6:g} MB: compress it as MP3 or shorten it",
        )
    sound = _decoded(data, limits)
    if sound.frames < limits.shortest_s * sound.rate:
        raise RecordingError(
            f"bản ghi chỉ dài {sound.frames / sound.rate:.1f} giây, phải ít nhất {limits.shortest_s:g} giây: hãy kiểm tra tệp",
            f"the recording has only {sound.frames / sound.rate:.1f} s, it must have at least {limits.shortest_s:g} s: check the file",
        )
    loudness = measure(sound)
    if loudness.lufs < _QUIETEST_LUFS:
        raise RecordingError(
            f"bản ghi gần như im lặng ({loudness.lufs:.0f} LUFS): hãy kiểm tra micrô và ghi lại",
            f"the recording is all but silent ({loudness.lufs:.0f} LUFS): check the microphone and record again",
        )
    flac = _flac(sound)
    return Sound(
        sha256=store.put(flac),
        size=len(flac),
        duration_ms=loudness.duration_ms,
        lufs=loudness.lufs,
        true_peak_dbtp=loudness.true_peak_dbtp,
        clipped=sound.clipped,
    )


def load(sha256: str, store: ClipStore, *, longest_s: float = SPEECH.longest_s) -> Pcm:
    """An imported sound; :class:`RenderError` if the store does not have it, or if it is longer than its use allows."""
    try:
        sound = decode(store.path(sha256))
    except (ClipMissingError, ValueError) as error:
        raise RenderError(
            f"kho không có âm thanh {sha256[:12]}…: hãy tải tệp lên lại",
            f"the store has no sound {sha256[:12]}…: upload the file again",
        ) from error
    if sound.frames > longest_s * sound.rate:
        raise RenderError(
            f"âm thanh {sha256[:12]}… dài {sound.duration_ms / 1000:.0f} giây, quá {longest_s:g} giây: hãy chọn tệp ngắn hơn",
            f"the sound {sha256[:12]}… has {sound.duration_ms / 1000:.0f} s, more than {longest_s:g} s: choose a shorter one",
        )
    return sound


def _format(data: bytes) -> str:
    """FFmpeg's name of the reader for what the first bytes say it is."""
    for reader, begins in _BEGINS.values():
        if begins(data):
            return reader
    raise RecordingError(f"tệp không phải {_OR}: {_NEXT}", f"the file is no {FORMATS_EN}: {_NEXT_EN}")


def _decoded(data: bytes, limits: SoundLimits) -> Pcm:
    try:
        with av.open(io.BytesIO(data), "r", format=_format(data)) as container:
            return _read(container, _audio(container), limits)
    except (av.FFmpegError, ValueError, IndexError) as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(
            f"không giải mã được tệp ({error}): {_NEXT}", f"the file cannot be decoded ({error}): {_NEXT_EN}"
        ) from error


def _audio(container: InputContainer) -> AudioStream:
    if any(not stream.disposition & Disposition.attached_pic for stream in container.streams.video):
        raise RecordingError(
            "tệp có hình chuyển động: hãy tách riêng phần tiếng rồi tải lên",
            "the file holds video: take the sound out of it and upload that alone",
        )
    if len(container.streams.audio) != 1:
        raise RecordingError(
            f"tệp có {len(container.streams.audio)} đường tiếng, phải có đúng một: {_NEXT}",
            f"the file has {len(container.streams.audio)} sound tracks, it must have exactly one: {_NEXT_EN}",
        )
    stream = container.streams.audio[0]
    # A frame of FLAC at 1 Hz would be resampled to gigabytes.
    low, high = _RATES
    if not low <= stream.codec_context.sample_rate <= high or stream.codec_context.channels > _MOST_CHANNELS:
        raise RecordingError(
            f"tiếng có {stream.codec_context.channels} kênh ở {stream.codec_context.sample_rate} Hz: {_NEXT}",
            f"the sound has {stream.codec_context.channels} channels at {stream.codec_context.sample_rate} Hz: {_NEXT_EN}",
        )
    return stream


def _read(container: InputContainer, stream: AudioStream, limits: SoundLimits) -> Pcm:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    sound = io.BytesIO()
    most = int(limits.longest_s * SAMPLE_RATE) * 2
    for frame in _frames(container, stream):
        for out in resampler.resample(frame):
            sound.write(out.to_ndarray().tobytes())
        if sound.tell() > most:
            length = f"{limits.longest_s / 60:g} phút" if limits.longest_s >= 60 else f"{limits.longest_s:g} giây"
            raise RecordingError(
                f"bản ghi dài quá {length}: hãy cắt ngắn rồi tải lên lại",
                f"the recording is longer than {limits.longest_s:g} s: shorten it and upload it again",
            )
    return Pcm(sound.getvalue(), SAMPLE_RATE)


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[av.AudioFrame | None]:
    """What can be decoded, and None at the end. A damaged packet or two, as at the seams of a cut MP3, are passed over; more than one in a hundred are not."""
    good = damaged = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            damaged += 1
            if damaged > 2 + good // 100:
                raise
            continue
        good += 1
        for frame in frames:
            if frame.sample_rate != stream.codec_context.sample_rate:
                raise ValueError(f"its rate changes to {frame.sample_rate} Hz")
            frame.pts = None
            yield frame
    yield None


def _flac(sound: Pcm) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac", container_options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("flac", rate=sound.rate, layout="mono")
        stream.format = "s16"
        for frame in (*audio_frames(sound), None):
            container.mux(stream.encode(frame))
    return buffer.getvalue()
