"""Sound shaped for reflex horns, the loudspeakers on the poles.

A horn gives nothing useful below its cut-off: the driver only moves further there, distorts and wears out, and what is left of the voice's low end masks the consonants.
Speech needs 350 Hz to 5 kHz, and what is understood is decided between 1 and 5 kHz (TOA Electronics, *Speaker Guide*, "Paging", "Frequency response"; AtlasIED, *Protecting Compression
Drivers*). So: nothing below about 300 Hz, nothing above about 6.5 kHz, where such horns fall off and hiss remains, and a broad lift of 4 dB about 2.5 kHz.
"""

from audio.announcement import Equaliser
from audio.filters import filtered
from audio.pcm import Pcm

_LOW_HZ, _HIGH_HZ = 300, 6_500
_HORN = (
    # Butterworth of the fourth order each (24 dB an octave): two sections with the Q that make one.
    ("highpass", f"f={_LOW_HZ}:t=q:w=0.5412:precision=f32"),
    ("highpass", f"f={_LOW_HZ}:t=q:w=1.3066:precision=f32"),
    ("lowpass", f"f={_HIGH_HZ}:t=q:w=0.5412:precision=f32"),
    ("lowpass", f"f={_HIGH_HZ}:t=q:w=1.3066:precision=f32"),
    ("equalizer", "f=2500:t=q:w=0.8:g=4:precision=f32"),
)


def equalised(sound: Pcm, equaliser: Equaliser, *, room_db: float = 0.0) -> Pcm:
    """The sound for that kind of loudspeaker, of the same length, and ``room_db`` quieter, so that what is at full scale bears the lift."""
    if equaliser is Equaliser.NONE or not sound.frames:
        return sound
    return filtered(sound, (("volume", f"{-room_db}dB:precision=float"), *_HORN))
