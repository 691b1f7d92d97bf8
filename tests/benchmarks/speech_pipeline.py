"""The whole way from text to clip, against the sum of the raw library calls that it wraps, on ten minutes of speech.

Run as a program it prints the table of stages that stands in docs/speech.md.
"""

import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from pydub import AudioSegment

from audio import script
from audio.engines.espeak_worker import Espeak
from audio.limiter import limit
from audio.loudness import measured
from audio.mastering import decode
from audio.pcm import Pcm, audio_frames
from audio.render import build_renderer
from audio.sentences import sentences_of_script
from tests.benchmarks.result import Result

T = TypeVar("T")


def ten_minutes() -> str:
    """A bulletin that is spoken in about ten minutes."""
    return "\n".join(
        f"Thông báo thứ {number}: từ ngày {number % 28 + 1}/12/2025, bà con nộp hồ sơ trực tuyến tại bộ phận một cửa của UBND xã hoặc nhà văn hóa thôn {number}, "
        "theo Nghị quyết số 57-NQ/TW về phát triển khoa học, công nghệ, đổi mới sáng tạo và chuyển đổi số quốc gia."
        for number in range(1, 33)
    )


def _cpu(work: Callable[[], T]) -> tuple[T, float]:
    """The answer, and the CPU seconds of this process and of its ended children."""
    before = os.times()
    answer = work()
    after = os.times()
    return answer, sum(after[:4]) - sum(before[:4])


def _raw_encoding(sound: Pcm) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=sound.rate, layout="mono", options={"compression_level": "7"})
        stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(
            np.frombuffer(sound.data, np.int16).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = sound.rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return buffer.getvalue()


def _raw_opus(sound: Pcm) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=sound.rate, layout="mono", options={"application": "audio"})
        stream.bit_rate = 24_000
        for frame in (*audio_frames(sound), None):
            container.mux(stream.encode(frame))
    return buffer.getvalue()


def stages() -> list[tuple[str, float]]:
    """CPU seconds of each raw call that no way of doing this can leave out, on the ten minutes: speak, resample, join, limit once, and for MP3 and Opus encode, decode and measure once."""
    sentences = sentences_of_script(script.read(ten_minutes()))
    espeak = Espeak()
    _, reading = _cpu(lambda: script.read(ten_minutes()))
    spoken, speaking = _cpu(
        lambda: [
            Pcm(espeak.speak(words, voice="vi", rate_wpm=150, pitch=50, max_s=600), espeak.rate)
            for words, _ in sentences
        ]
    )
    fine, resampling = _cpu(lambda: [sound.resampled(24_000) for sound in spoken])
    pause = AudioSegment.silent(500, frame_rate=24_000)
    segments = [AudioSegment(data=sound.data, sample_width=2, frame_rate=24_000, channels=1) for sound in fine]
    mix, joining = _cpu(lambda: Pcm(b"".join((segment + pause).raw_data for segment in segments), 24_000))
    limited, limiting = _cpu(lambda: limit(mix, gain_db=4.0, ceiling_db=-1.8))
    mp3, encoding = _cpu(lambda: _raw_encoding(limited))
    decoded, decoding = _cpu(lambda: decode(mp3))
    _, measuring = _cpu(lambda: measured(decoded))
    opus, opus_encoding = _cpu(lambda: _raw_opus(limited))
    opus_decoded, opus_decoding = _cpu(lambda: decode(opus))
    _, opus_measuring = _cpu(lambda: measured(opus_decoded))
    return [
        ("read the text", reading),
        ("espeak-ng", speaking),
        ("resample to 24 kHz (PyAV)", resampling),
        ("join with pauses (pydub)", joining),
        ("limit once (numpy)", limiting),
        ("encode MP3 once (LAME in PyAV)", encoding),
        ("decode MP3 once (PyAV)", decoding),
        ("measure MP3 once (FFmpeg)", measuring),
        ("encode Opus once (libopus in PyAV)", opus_encoding),
        ("decode Opus once (PyAV)", opus_decoding),
        ("measure Opus once (FFmpeg, 48 kHz)", opus_measuring),
    ]


def whole() -> tuple[float, float]:
    """Minutes of audio, and CPU seconds, of the ten minutes from text to files."""

    def render() -> float:
        with tempfile.TemporaryDirectory() as folder, build_renderer(Path(folder), engines=("espeak",)) as renderer:
            return renderer.render(ten_minutes()).clip.duration_ms / 60_000

    return _cpu(render)


def run() -> Result:
    """The CPU time of the whole, and of its raw parts together."""
    minutes, seconds = whole()
    return _result(minutes, seconds, stages())


def _result(minutes: float, seconds: float, raw: list[tuple[str, float]]) -> Result:
    limit_s = sum(each for _, each in raw)
    return Result("speech_pipeline", seconds / minutes, "CPU s per minute of audio", limit_s / minutes, "<= 1.15")


def _table() -> None:
    """Print the stages for docs/speech.md, all from one run."""
    minutes, seconds = whole()
    raw = stages()
    result = _result(minutes, seconds, raw)
    print("| stage | CPU s per minute of audio |\n|---|---|")
    for name, each in raw:
        print(f"| {name} | {each / minutes:.3f} |")
    print(
        f"| **sum of the raw parts** | **{result.limit:.3f}** |\n| **the whole pipeline** | **{result.value:.3f}** ({result.ratio:.2f} x) |"
    )


if __name__ == "__main__":
    _table()
