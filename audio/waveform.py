"""A clip's waveform as a small SVG, so that an editor sees where speech and pauses are before listening."""

import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audio.mastering import decode
from audio.pcm import FULL_SCALE


def peaks(sound: Path | bytes, count: int = 400) -> npt.NDArray[np.float32]:
    """The largest magnitude (0 to 1) in each of ``count`` equal stretches of an encoded file, shape (count,)."""
    if not 1 <= count <= 10_000:
        raise ValueError(f"a waveform has 1 to 10,000 peaks, not {count}")
    samples = np.abs(np.frombuffer(decode(sound).data, dtype="<i2").astype(np.int32))
    edges = np.linspace(0, len(samples), count + 1).astype(int)
    found = [samples[start:end].max(initial=0) for start, end in itertools.pairwise(edges)]
    return np.array(found, dtype=np.float32) / np.float32(FULL_SCALE)


def svg(sound: Path | bytes, *, count: int = 400, height: int = 64, label: str = "Dạng sóng của tệp âm thanh") -> str:
    """The waveform as SVG, ``count`` units wide; it takes the colour of the text around it (``currentColor``) and scales with its box."""
    lines = []
    for place, peak in enumerate(peaks(sound, count)):
        half = max(0.5, float(peak) * height / 2)
        lines.append(f"M{place + 0.5:g} {height / 2 - half:.1f}V{height / 2 + half:.1f}")
    safe = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {count} {height}" preserveAspectRatio="none" role="img" aria-label="{safe}">'
        f'<path d="{"".join(lines)}" stroke="currentColor" stroke-width="0.8" fill="none"/></svg>'
    )
