"""The port that every speech engine fits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from audio.pcm import Pcm


class EngineError(RuntimeError):
    """An engine did not speak. The message says which engine, the cause, and what to do."""


class EngineTimeoutError(EngineError):
    """The engine did not answer within its time limit."""


class EngineCrashedError(EngineError):
    """The engine's process ended while it spoke; the next request gets a new process."""


class EngineUnavailableError(EngineError):
    """The engine cannot be reached or is not installed: no network, refused, missing voice file."""


class EngineRefusedError(EngineError):
    """The engine works but does not take this text, voice or rate."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine offers.

    ``online``: it needs the internet. ``voices``: by language (a BCP 47 primary tag), the usual one first. ``rates``: words a minute (low, high). ``pitch``: whether it
    can be changed. ``variants``: whether ``+f2`` or the like may follow a voice's name.
    """

    online: bool
    voices: Mapping[str, tuple[str, ...]]
    rates: tuple[int, int]
    pitch: bool = False
    variants: bool = False

    def offers(self, voice: str, language: str | None = None) -> bool:
        """Whether it has a voice of that name, for ``language`` if one is given."""
        name = voice.partition("+")[0] if self.variants else voice
        return any(name in names for tag, names in self.voices.items() if language in (None, tag))


class Engine(Protocol):
    """A speech engine. Safe to call from several threads at once."""

    @property
    def name(self) -> str:
        """Short and stable: it stands in the clip's metadata and in the as-run log."""

    @property
    def capabilities(self) -> Capabilities:
        """What the engine offers."""

    def synthesize(self, text: str, *, voice: str, rate_wpm: int, pitch: int = 50, timeout_s: float) -> Pcm:
        """Speak one sentence.

        ``text`` is in NFC; Vietnamese is in spoken form. ``voice`` is one of its own. ``rate_wpm`` is words a minute; ``pitch`` is 0 to 100, 50 the voice's own; an engine
        that cannot change it says so in its capabilities and ignores it. Raises a subclass of :class:`EngineError` within about ``timeout_s`` seconds.
        """

    def close(self) -> None:
        """Give back processes and connections; may be called twice."""
