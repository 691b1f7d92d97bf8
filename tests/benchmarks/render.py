"""Rendering: text to mastered clip in the store, against the parts that no pipeline can do without.

The limit is the CPU time of the raw library calls for the same text: the engine speaking the script in one go, and one
encoding of its samples to MP3.
"""

import io
import resource
import tempfile
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from audio.engines.espeak import EspeakEngine
from audio.render import build_renderer
from audio.script import read
from tests.benchmarks.result import Result

TEXT = "\n".join(
    f"Thông báo thứ {number}: từ ngày {number}/12, bà con nộp hồ sơ trực tuyến tại bộ phận một cửa của UBND xã, "
    "theo Nghị quyết số 57-NQ/TW về phát triển khoa học, công nghệ, đổi mới sáng tạo và chuyển đổi số quốc gia."
    for number in range(1, 25)
)


def _cpu_s() -> float:
    """User and system seconds of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(item.ru_utime + item.ru_stime for item in used)


def _encode(samples: npt.NDArray[np.int16], rate: int) -> None:
    with av.open(io.BytesIO(), "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate, layout="mono")
        stream.bit_rate = 64_000
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def run() -> Result:
    """The whole pipeline, then its raw parts."""
    with tempfile.TemporaryDirectory() as folder:
        before = _cpu_s()
        renderer = build_renderer(Path(folder), engines=("espeak",))
        clip = renderer.render(TEXT).clip
        renderer.close()
        value = _cpu_s() - before
        before = _cpu_s()
        engine = EspeakEngine()
        spoken = [
            engine.synthesize(read(line).plain(), voice="vi", rate_wpm=150, timeout_s=60) for line in TEXT.splitlines()
        ]
        engine.close()
        _encode(np.frombuffer(b"".join(sound.data for sound in spoken), np.int16), spoken[0].rate)
        limit = _cpu_s() - before
    minutes = clip.duration_ms / 60_000
    return Result("render", value / minutes, "CPU s per minute of audio", limit / minutes, "<= 2.5")
