"""The gain that a voice, a recording or a jingle needs: found on a part of it before paying for an encoding, proved afterwards on the whole."""

from collections.abc import Sequence

from audio.limiter import limit
from audio.loudness import measured, together
from audio.pcm import Pcm

_EXCERPT_S = 45
_SLICE_S = 10
_SILENT_LUFS = -70.0


class SilentError(ValueError):
    """There is nothing to hear in the sound."""


def settled_gain(sounds: Sequence[Pcm], wanted_lufs: float, ceiling_db: float) -> float:
    """The gain in dB at which the sounds, limited, have the wanted loudness: limiting takes some of it. They have one rate. Raises :class:`SilentError`."""
    excerpt = _excerpt(sounds)
    loudness = together([measured(excerpt, peak=False)])
    if loudness.lufs <= _SILENT_LUFS:
        raise SilentError("there is nothing to hear in the sound")
    gain_db = wanted_lufs - loudness.lufs
    for _ in range(3):
        limited = limit(excerpt, gain_db=gain_db, ceiling_db=ceiling_db)
        short = wanted_lufs - together([measured(limited, peak=False)]).lufs
        gain_db += short
        if abs(short) < 0.1:
            break
    return gain_db


def _excerpt(sounds: Sequence[Pcm]) -> Pcm:
    """Some three quarters of a minute, evenly taken from all of it."""
    rate = sounds[0].rate
    size = _SLICE_S * rate * 2
    places = [(sound, start) for sound in sounds for start in range(0, len(sound.data), size)]
    step = max(1, round(sum(sound.frames for sound in sounds) / rate / _EXCERPT_S))
    return Pcm(b"".join(sound.data[start : start + size] for sound, start in places[::step]), rate)
