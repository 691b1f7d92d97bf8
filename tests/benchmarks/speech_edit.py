"""One word of a ten-minute bulletin is changed: what the second rendering costs, against the first."""

import tempfile
import time
from pathlib import Path

from audio.render import build_renderer
from tests.benchmarks.result import Result
from tests.benchmarks.speech_pipeline import ten_minutes


def run() -> Result:
    """The CPU time of the edit, and of the first rendering, without that of espeak's own processes (a twentieth of the first)."""
    text = ten_minutes()
    with tempfile.TemporaryDirectory() as folder, build_renderer(Path(folder), engines=("espeak",)) as renderer:
        renderer.render("Khởi động.")  # the processes are up, as they are when an editor works
        start = time.process_time()
        renderer.render(text)
        first = time.process_time() - start
        start = time.process_time()
        renderer.render(text.replace("nhà văn hóa thôn 30", "nhà văn hóa thôn ba mốt", 1))
        edit = time.process_time() - start
    return Result("speech_edit", edit, "CPU s", first, "<= 0.15")
