"""The port that every speech engine fits."""

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
    """What an engine offers: ``online`` (needs the internet), its Vietnamese ``voices``, its ``rates`` in words a minute (low, high)."""

    online: bool
    voices: tuple[str, ...]
    rates: tuple[int, int]


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

        ``text`` is Vietnamese in NFC, in spoken form. ``rate_wpm`` is words a minute; ``pitch`` is 0 to 100, 50 the voice's own; an engine
        that cannot change one of them says so in its capabilities and ignores it. Raises a subclass of :class:`EngineError` within about ``timeout_s`` seconds.
        """

    def close(self) -> None:
        """Give back processes and connections; may be called twice."""
