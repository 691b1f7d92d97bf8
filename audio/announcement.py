"""What a clip is to say: the language versions in sequence, and what stands around them. None everywhere means: as the station does it."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from audio.errors import RenderError
from audio.script import Lexicon

VIETNAMESE = "vi"
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
MOST_REPEATS = 5


class Equaliser(StrEnum):
    """What the sound is shaped for before its loudness is set: nothing, or reflex horns out of doors."""

    NONE = "none"
    HORN = "horn"


@dataclass(frozen=True, slots=True)
class Text:
    """A language version that is to be spoken by an engine.

    ``language`` is a BCP 47 tag. Vietnamese is read by :func:`audio.script.read` with ``lexicon``; text in any other language goes to the engine as it is written, and its
    ``voice`` must be named. ``voice`` is one that an engine of the chain offers, or a language's tag for whatever voice an engine has for it; ``rate_wpm`` is words a
    minute, ``pitch`` 0 to 100 (50 the voice's own).
    """

    text: str
    language: str = VIETNAMESE
    lexicon: Lexicon = field(default_factory=Lexicon)
    voice: str | None = None
    rate_wpm: int | None = None
    pitch: int | None = None

    def __post_init__(self) -> None:
        _check_language(self.language)

    @property
    def vietnamese(self) -> bool:
        """Whether the script reads it."""
        return self.language.partition("-")[0] == VIETNAMESE


@dataclass(frozen=True, slots=True)
class Recording:
    """A language version that somebody has recorded: a sound of :func:`audio.recordings.import_sound`, by its SHA-256."""

    sha256: str
    language: str = VIETNAMESE

    def __post_init__(self) -> None:
        _check_language(self.language)


@dataclass(frozen=True, slots=True)
class Jingle:
    """A programme's jingle: an imported sound, after the opening chime or in its place."""

    sha256: str
    in_place_of_chime: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """A whole bulletin as it is to be heard: chime, jingle, call, each version (and again ``repeats`` times), closing chime.

    ``title`` names the clip in its metadata and is not spoken. ``call`` is what the station says first; an empty one is none.
    """

    versions: tuple[Text | Recording, ...]
    title: str = "Bản tin truyền thanh"
    jingle: Jingle | None = None
    call: str | None = None
    repeats: int | None = None
    equaliser: Equaliser | None = None

    def __post_init__(self) -> None:
        if not self.versions:
            raise RenderError(
                "bản tin chưa có nội dung: hãy viết văn bản hoặc tải lên bản ghi âm",
                "the bulletin has nothing to say: give a text or a recording",
            )
        if self.repeats is not None and not 0 <= self.repeats <= MOST_REPEATS:
            raise RenderError(
                f"số lần nhắc lại phải từ 0 đến {MOST_REPEATS}, không phải {self.repeats}",
                f"a bulletin is repeated 0 to {MOST_REPEATS} times, not {self.repeats}",
            )


def _check_language(language: str) -> None:
    if not _LANGUAGE.fullmatch(language):
        raise RenderError(
            f"“{language[:40]}” không phải mã ngôn ngữ: hãy dùng mã BCP 47 như vi, km, hmn, cjm",
            f"{language[:40]!r} is no language: use a BCP 47 tag such as vi, km, hmn, cjm",
        )
