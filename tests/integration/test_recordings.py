"""Sounds that people upload: taken in as they are, or refused and nothing kept."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audio import recordings
from audio.errors import RecordingError
from audio.mastering import decode, measure
from audio.pcm import Pcm, audio_frames
from audio.recordings import JINGLE, SoundLimits, import_sound
from audio.store import DiskStore
from tests.sounds import encoded, tone

RATE = 44_100
FORMATS = [
    ("mp3", "libmp3lame"),
    ("wav", "pcm_s16le"),
    ("mp4", "aac"),
    ("ogg", "libopus"),
    ("flac", "flac"),
]


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "clips")


@pytest.mark.parametrize(("container", "codec"), FORMATS)
def test_each_usual_format_is_taken(store: DiskStore, container: str, codec: str) -> None:
    sound = import_sound(encoded(tone(2.0), container, codec), store)
    assert abs(sound.duration_ms - 2000) < 100
    assert abs(sound.lufs - measure(tone(2.0)).lufs) < 0.5
    assert sound.clipped == 0
    kept = store.path(sound.sha256)
    assert kept.suffix == ".flac"
    assert (decode(kept).rate, kept.stat().st_size) == (24_000, sound.size)


def test_a_picture_in_the_tags_is_no_video(store: DiskStore) -> None:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as out:
        stream = out.add_stream("libmp3lame", rate=RATE, layout="mono")
        picture = out.add_stream("png", width=16, height=16, pix_fmt="rgb24")
        picture.disposition = Disposition.attached_pic
        image = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        for packet in (*picture.encode(image), *picture.encode(None)):
            out.mux(packet)
        for frame in (*audio_frames(tone(2.0)), None):
            out.mux(stream.encode(frame))
    assert b"APIC" in buffer.getvalue()
    assert import_sound(buffer.getvalue(), store).duration_ms > 1900


def video() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as out:
        picture = out.add_stream("mpeg4", rate=10, width=16, height=16)
        sound = out.add_stream("aac", rate=RATE, layout="mono")
        for _ in range(10):
            out.mux(picture.encode(av.VideoFrame(16, 16, "yuv420p")))
        out.mux(picture.encode(None))
        for frame in (*audio_frames(tone(1.0)), None):
            out.mux(sound.encode(frame))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (lambda: b"", "no MP3"),
        (lambda: b"<html>a page</html>", "no MP3"),
        (lambda: b"#EXTM3U\nhttp://127.0.0.1:9/secret.mp3\n", "no MP3"),
        (lambda: b"ffconcat version 1.0\nfile /etc/passwd\n", "no MP3"),
        (lambda: b"ID3" + bytes(5000), "cannot be decoded"),
        (lambda: b"OggS" + bytes(range(256)) * 20, "cannot be decoded"),
        (lambda: encoded(tone(2.0), "flac", "flac")[:90], "cannot be decoded|only 0.0 s"),
        (video, "holds video"),
        (lambda: encoded(tone(0.2)), "at least 1 s"),
        (lambda: encoded(tone(2.0, level=0.0005)), "all but silent"),
        (lambda: encoded(tone(6.0)), "longer than 5 s"),
        (lambda: encoded(tone(4.0, level=0.9), "wav", "pcm_s16le"), "more than 0.2 MB"),
        (lambda: encoded(tone(3.0, rate=1_000), "wav", "pcm_s16le"), "1000 Hz"),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    store: DiskStore, tmp_path: Path, data: Callable[[], bytes], said: str
) -> None:
    with pytest.raises(RecordingError, match=said) as refused:
        import_sound(data(), store, SoundLimits(max_bytes=200_000, shortest_s=1.0, longest_s=5.0))
    assert refused.value.vi
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_decoding_stops_at_the_longest_length(store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour of silence has few bytes and many samples."""
    bomb = encoded(Pcm(bytes(2 * 8_000 * 3_600), 8_000), "flac", "flac")
    assert len(bomb) < 1_000_000
    seen: list[int] = []
    frames = recordings._frames

    def counted(*how: object) -> Iterator[av.AudioFrame | None]:
        for frame in frames(*how):  # type: ignore[arg-type]
            seen.append(frame.samples if frame else 0)
            yield frame

    monkeypatch.setattr("audio.recordings._frames", counted)
    with pytest.raises(RecordingError, match="longer than 30 s"):
        import_sound(bomb, store, JINGLE)
    assert 30 <= sum(seen) / 8_000 < 35


@given(
    st.binary(max_size=400),
    st.sampled_from([b"ID3\4\0\0", b"RIFF\xff\0\0\0WAVEfmt ", b"OggS\0\2", b"fLaC\0", b"\0\0\0\x18ftypM4A "]),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_are_refused_whatever_is_in_them(tmp_path: Path, data: bytes, head: bytes) -> None:
    with pytest.raises(RecordingError):
        import_sound(head + data, DiskStore(tmp_path))
