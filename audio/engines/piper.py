"""Piper: a neural voice that works offline, from a voice file that the operator supplies (``voice.onnx`` with ``voice.onnx.json`` beside it).

``piper-tts`` is an extra of its own (``pip install 'commune-broadcaster[piper]'``): with its runtime it is as large as the rest of the station.
"""

import importlib
import queue
import re
import threading
from pathlib import Path
from typing import Any

from audio.engines.port import Capabilities, EngineError, EngineRefusedError, EngineTimeoutError, EngineUnavailableError
from audio.pcm import Pcm

_USUAL_WPM = 150


class PiperEngine:
    """One voice, loaded when first needed, one sentence at a time: its phoneme library is not safe to use from two threads."""

    def __init__(self, voice_file: Path) -> None:
        """``voice_file`` is the ``.onnx`` file; piper's own begin with the language (``vi_VN-vais1000-medium``), any other name is taken for Vietnamese."""
        self._voice_file = voice_file
        self._voice: Any = None  # piper.PiperVoice, whose package need not be installed
        self._speaking = threading.Lock()

    @property
    def _language(self) -> str:
        named = re.match(r"([a-z]{2,3})_[A-Z]{2}-", self._voice_file.stem)
        return named[1] if named else "vi"

    @property
    def name(self) -> str:
        return "piper"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(online=False, voices={self._language: (self._voice_file.stem,)}, rates=(75, 300))

    def synthesize(self, text: str, *, voice: str, rate_wpm: int, pitch: int = 50, timeout_s: float) -> Pcm:
        """As :class:`audio.engines.Engine`; ``pitch`` is ignored."""
        del pitch
        low, high = self.capabilities.rates
        if not self.capabilities.offers(voice):
            raise EngineRefusedError(f"piper has no voice {voice!r}: it has {self._voice_file.stem}")
        if not low <= rate_wpm <= high:
            raise EngineRefusedError(f"piper speaks {low} to {high} words a minute, not {rate_wpm}")
        answers: queue.SimpleQueue[Pcm | EngineError] = queue.SimpleQueue()

        def speak() -> None:
            with self._speaking:
                answers.put(self._spoken(text, rate_wpm))

        # The runtime cannot be interrupted; a daemon thread does not keep the program from ending.
        threading.Thread(target=speak, name="piper", daemon=True).start()
        try:
            answer = answers.get(timeout=timeout_s)
        except queue.Empty:
            raise EngineTimeoutError(
                f"piper did not answer within {timeout_s:g} s: the machine is too slow for this voice, or busy"
            ) from None
        if isinstance(answer, EngineError):
            raise answer
        return answer

    def _spoken(self, text: str, rate_wpm: int) -> Pcm | EngineError:
        try:
            piper = importlib.import_module("piper")
        except ImportError as error:
            return EngineUnavailableError(f"piper is not installed ({error}): install the extra 'piper'")
        try:
            if self._voice is None:
                self._voice = piper.PiperVoice.load(self._voice_file)
            how = piper.SynthesisConfig(length_scale=_USUAL_WPM / rate_wpm)
            chunks = list(self._voice.synthesize(text, syn_config=how))
        except FileNotFoundError as error:
            return EngineUnavailableError(
                f"piper's voice is missing: {error.filename}; put the .onnx file and its .onnx.json there"
            )
        except Exception as error:  # noqa: BLE001 - a third party's runtime on a file of the operator's: whatever it throws, the chain must go on
            return EngineUnavailableError(f"piper failed on {self._voice_file.name}: {type(error).__name__}: {error}")
        if not chunks:
            return EngineRefusedError("piper found nothing to speak in the text")
        return Pcm(b"".join(chunk.audio_int16_bytes for chunk in chunks), chunks[0].sample_rate)

    def close(self) -> None:
        """Forget the voice."""
        self._voice = None
