"""What makes speech of a script: one Protocol, several engines, a chain that falls back."""

from audio.engines.port import (
    Capabilities,
    Engine,
    EngineCrashedError,
    EngineError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)

__all__ = [
    "Capabilities",
    "Engine",
    "EngineCrashedError",
    "EngineError",
    "EngineRefusedError",
    "EngineTimeoutError",
    "EngineUnavailableError",
]
