"""One suite for every sink. The sound card is tried on miniaudio's null device: this proves pace and accounting, not
sound."""

import io
import threading
import time
import wave
from pathlib import Path
from typing import Any

import av
import miniaudio
import numpy as np
import pytest

from devices.receiver.sinks import Decoded, Meter, Sink, SinkError, Source, ToneSource, WavSink
from devices.receiver.soundcard import SoundCardSink
from devices.wire.messages import Tone
from tests.punctuality import LATE_MS
from tests.station import tone


@pytest.fixture(params=["wav", "soundcard"])
def sink(request: pytest.FixtureRequest, tmp_path: Path) -> Sink:
    if request.param == "wav":
        return WavSink(tmp_path / "played")
    return SoundCardSink(backends=(miniaudio.Backend.NULL,))


def clip(tmp_path: Path, seconds: float, **changes: Any) -> Decoded:
    path = tmp_path / f"{seconds}.mp3"
    path.write_bytes(tone(seconds))
    return Decoded(path, **changes)


class Begun:
    def __init__(self) -> None:
        self.at: list[float] = []

    def __call__(self) -> None:
        self.at.append(time.monotonic())


def test_it_plays_the_whole_clip_in_real_time(sink: Sink, tmp_path: Path) -> None:
    playback = sink.prepare("o1", clip(tmp_path, 1.0))
    begun = Begun()
    asked = time.monotonic()
    played = playback.play(threading.Event(), begun)
    took = time.monotonic() - begun.at[0]
    playback.close()
    playback.close()
    assert len(begun.at) == 1
    assert (begun.at[0] - asked) * 1000 <= LATE_MS
    assert -100 < (took - 1.0) * 1000 <= LATE_MS
    assert abs(played.played_ms - 1000) <= 50
    assert played.expected_ms == played.played_ms
    assert played.level_dbfs == pytest.approx(-15.1, abs=0.5)


def test_it_stops_at_once_and_says_how_far_it_came(sink: Sink, tmp_path: Path) -> None:
    playback = sink.prepare("o1", clip(tmp_path, 3.0))
    stop, begun = threading.Event(), Begun()
    threading.Timer(0.4, stop.set).start()
    asked = time.monotonic()
    played = playback.play(stop, begun)
    assert time.monotonic() - asked < 1.0
    playback.close()
    assert 200 <= played.played_ms <= 700
    assert abs(played.expected_ms - 3000) <= 50


def test_it_stands_ready_in_silence(sink: Sink, tmp_path: Path) -> None:
    playback = sink.prepare("o1", clip(tmp_path, 0.2))
    assert not threading.Event().wait(0.3)  # it must bear to wait
    played = playback.play(threading.Event(), Begun())
    playback.close()
    assert abs(played.played_ms - 200) <= 50


@pytest.mark.parametrize("content", [b"", b"no music", b"\xff\xfb" + bytes(100)])
def test_what_is_no_clip_is_said_plainly(sink: Sink, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp3"
    path.write_bytes(content)
    with pytest.raises(SinkError):
        sink.prepare("o1", Decoded(path))


def test_without_a_card_it_fails_and_does_not_pretend(tmp_path: Path) -> None:
    cards = Path("/proc/asound/cards")
    if cards.exists() and "no soundcards" not in cards.read_text():
        pytest.skip("this machine has a sound card")
    with pytest.raises(SinkError, match="cannot be opened"):
        SoundCardSink().prepare("o1", clip(tmp_path, 0.2))


def test_a_sink_that_works_has_no_trouble(sink: Sink, tmp_path: Path) -> None:
    assert sink.trouble() is None
    gone = tmp_path / "gone"
    wav = WavSink(gone)
    gone.rmdir()
    assert wav.trouble() is not None


def test_a_card_that_is_pulled_out_is_missed(tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    sink = SoundCardSink(cards=cards)
    assert sink.trouble() is not None
    cards.write_text(" 1 [Device         ]: USB-Audio - USB Audio Device\n                      Generic USB Audio\n")
    assert sink.trouble() is None
    cards.write_text("--- no soundcards ---\n")
    assert sink.trouble() is not None


def test_the_wav_holds_the_samples_of_the_clip_and_nothing_else(tmp_path: Path) -> None:
    sink, source = WavSink(tmp_path / "played"), clip(tmp_path, 0.7)
    playback = sink.prepare("o1", source)
    assert not (tmp_path / "played" / "o1.wav").exists()
    playback.play(threading.Event(), Begun())
    playback.close()
    with wave.open(str(tmp_path / "played" / "o1.wav")) as file:
        written = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        rate = file.getframerate()
    decoded = clip(tmp_path, 0.7)
    samples = np.concatenate(list(decoded.blocks()))
    decoded.close()
    assert np.array_equal(written, samples)
    assert abs(len(written) / rate - 0.7) < 0.001  # gapless: the encoder's delay and padding are gone
    assert [entry.name for entry in (tmp_path / "played").iterdir()] == ["o1.wav"]


def test_a_stereo_clip_is_played_in_mono_at_its_own_level(tmp_path: Path) -> None:
    out = io.BytesIO()
    side = (np.sin(2 * np.pi * 440 * np.arange(44100) / 44100) * 8000).astype(np.int16)
    with av.open(out, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=44100)
        stream.codec_context.layout = "stereo"
        stream.codec_context.format = "s16p"
        frame = av.AudioFrame.from_ndarray(np.stack([side, side]), format="s16p", layout="stereo")
        frame.sample_rate = 44100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    path = tmp_path / "stereo.mp3"
    path.write_bytes(out.getvalue())
    playback = WavSink(tmp_path / "played").prepare("o1", Decoded(path))
    played = playback.play(threading.Event(), Begun())
    playback.close()
    assert abs(played.played_ms - 1000) <= 2
    assert played.level_dbfs == pytest.approx(-15.3, abs=0.5)


def test_it_goes_on_from_where_it_was_stopped_at_its_gain(sink: Sink, tmp_path: Path) -> None:
    playback = sink.prepare("o1", clip(tmp_path, 1.0, from_ms=600, gain=0.1))
    played = playback.play(threading.Event(), Begun())
    playback.close()
    assert abs(played.played_ms - 400) <= 50
    assert played.level_dbfs == pytest.approx(-15.1 - 20, abs=0.5)


def test_a_drill_is_as_long_and_silent(sink: Sink, tmp_path: Path) -> None:
    playback = sink.prepare("o1", clip(tmp_path, 0.4, gain=0.0))
    played = playback.play(threading.Event(), Begun())
    playback.close()
    assert abs(played.played_ms - 400) <= 50
    assert played.level_dbfs == -120


def test_a_self_test_sounds_at_its_level(sink: Sink) -> None:
    source: Source = ToneSource(Tone(hertz=1000, duration_ms=500, level_dbfs=-30))
    playback = sink.prepare("o1", source)
    played = playback.play(threading.Event(), Begun())
    playback.close()
    assert abs(played.played_ms - 500) <= 50
    assert played.level_dbfs == pytest.approx(-30, abs=0.3)


def test_positions_are_samples_of_a_steady_pace() -> None:
    meter = Meter(1000)
    for _ in range(3600 * 50):  # an hour in blocks of 20 ms
        meter.add(np.zeros(20, np.int16))
    played = meter.played(rest=500)
    assert 4 <= len(played.positions) <= 12
    assert [position for _, position in played.positions] == sorted({position for _, position in played.positions})
    assert (played.played_ms, played.expected_ms) == (3_600_000, 3_600_500)
