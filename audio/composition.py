"""A clip's parts in order: silence, opening chime, jingle, speech with its pauses, closing chime."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from pydub import AudioSegment

from audio import chimes
from audio.announcement import Equaliser
from audio.encoding import SAMPLE_RATE, whole_frames
from audio.equaliser import equalised
from audio.mastering import Part
from audio.pcm import Pcm

_LEAST_PAUSE_MS = 100
"""So that each part ends in silence."""
_ROOM_DB = 6.0
_FADE_MS = 10
"""So that what was recorded with its room's noise begins and ends in silence too."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around the speech. Lengths are in milliseconds."""

    chimes: bool = True
    lead_in_ms: int = 300
    """Silence before the first sound: an amplifier that wakes up must not swallow it."""
    after_chime_ms: int = 500
    lead_out_ms: int = 300


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence, a recording or a jingle: its sound, what it comes from, what makes it that sound, and the pause after it in milliseconds.

    ``words`` is what an engine spoke, in ``language``; empty for what was recorded.
    """

    sound: Pcm
    source: Hashable
    key: Hashable
    pause_ms: int
    words: str = ""
    language: str = ""


def compose(
    pieces: Sequence[Piece],
    frame: Frame,
    *,
    jingle: Piece | None = None,
    in_place_of_chime: bool = False,
    equaliser: Equaliser = Equaliser.NONE,
) -> list[Part]:
    """The parts at 24 kHz: the opening, the jingle if there is one, a part for each piece, the closing.

    Speech is trimmed of the engine's own silences, so that the pauses are those of the script (to a frame, 24 ms).
    """
    opening = _silence(frame.lead_in_ms)
    closing = _silence(frame.lead_out_ms)
    if frame.chimes and not (jingle and in_place_of_chime):
        opening = opening + chimes.opening() + _silence(frame.after_chime_ms)
    if frame.chimes:
        closing = _silence(frame.after_chime_ms) + chimes.closing() + closing

    def part(sound: AudioSegment, key: Hashable, source: Hashable | None, *, last: bool = False) -> Part:
        room_db = 0.0 if source is None else _ROOM_DB  # what has a source gets its gain later
        shaped = equalised(Pcm(sound.raw_data, sound.frame_rate), equaliser, room_db=room_db)
        return Part(whole_frames(shaped, last=last), (key, equaliser), None if source is None else (source, equaliser))

    return [
        part(opening, ("opening", frame, jingle is not None and in_place_of_chime), None),
        *(part(_segment(piece), (piece.key, piece.pause_ms), piece.source) for piece in ([jingle] if jingle else [])),
        *(part(_segment(piece), (piece.key, piece.pause_ms), piece.source) for piece in pieces),
        part(closing, ("closing", frame), None, last=True),
    ]


def _segment(piece: Piece) -> AudioSegment:
    sound = piece.sound.resampled(SAMPLE_RATE).trimmed()
    if not piece.words:
        sound = sound.faded(_FADE_MS)
    segment = AudioSegment(data=sound.data, sample_width=2, frame_rate=sound.rate, channels=1)
    return segment + _silence(max(piece.pause_ms, _LEAST_PAUSE_MS))


def _silence(duration_ms: int) -> AudioSegment:
    return AudioSegment.silent(duration=duration_ms, frame_rate=SAMPLE_RATE)
