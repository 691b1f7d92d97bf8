"""Google Translate's speech through gTTS: a good voice, but only online, without a promise of service."""

import queue
import threading
from functools import cache
from io import BytesIO

import av
from gtts import gTTS
from gtts.lang import tts_langs
from gtts.tts import gTTSError

from audio.engines.port import Capabilities, EngineError, EngineRefusedError, EngineTimeoutError, EngineUnavailableError
from audio.pcm import Pcm

_SLOW_BELOW_WPM = 110
_RATE = 24_000


class GttsEngine:
    """gTTS with a time limit on the whole request (its own is None, and per packet), decoded in memory: no file is ever written."""

    @property
    def name(self) -> str:
        return "gtts"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(online=True, voices=_voices(), rates=(100, 150))

    def synthesize(self, text: str, *, voice: str, rate_wpm: int, pitch: int = 50, timeout_s: float) -> Pcm:
        """As :class:`audio.engines.Engine`, but ``timeout_s`` is for each 100 characters, which are a request each; a language is its voice, the only rates are normal and slow (below 110), and ``pitch`` is ignored."""
        del pitch
        if not self.capabilities.offers(voice):
            raise EngineRefusedError(f"gTTS has no voice {voice!r}: its voices are languages such as vi, km, zh-CN")
        answers: queue.SimpleQueue[Pcm | EngineError] = queue.SimpleQueue()

        def fetch() -> None:
            answers.put(_fetch(text, voice, slow=rate_wpm < _SLOW_BELOW_WPM, timeout_s=timeout_s))

        # requests' timeout is for each packet; a server that drips would hold us for ever. A daemon thread does not keep the program from ending.
        threading.Thread(target=fetch, name="gtts", daemon=True).start()
        whole_s = timeout_s * (1 + len(text) // gTTS.GOOGLE_TTS_MAX_CHARS)
        try:
            answer = answers.get(timeout=whole_s)
        except queue.Empty:
            raise EngineTimeoutError(
                f"gTTS did not answer within {whole_s:g} s: the internet is slow or blocked"
            ) from None
        if isinstance(answer, EngineError):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing is held."""


@cache
def _voices() -> dict[str, tuple[str, ...]]:
    """gTTS's own list, by primary language; it asks nobody for it."""
    voices: dict[str, tuple[str, ...]] = {}
    for code in tts_langs():
        voices[code.partition("-")[0]] = (*voices.get(code.partition("-")[0], ()), code)
    return voices


def _fetch(text: str, voice: str, *, slow: bool, timeout_s: float) -> Pcm | EngineError:
    buffer = BytesIO()
    try:
        gTTS(text, lang=voice, slow=slow, lang_check=False, timeout=timeout_s).write_to_fp(buffer)
    except gTTSError as error:
        return EngineUnavailableError(f"gTTS could not be used: {error}")
    except AssertionError:
        return EngineRefusedError("gTTS found nothing to speak in the text")
    except Exception as error:  # noqa: BLE001 - a third party's parser on a third party's answer: whatever it throws, the chain must go on
        return EngineUnavailableError(f"gTTS failed: {type(error).__name__}: {error}")
    if not buffer.tell():
        return EngineUnavailableError("gTTS answered without sound: the service has changed or refuses us")
    buffer.seek(0)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
    parts: list[bytes] = []
    try:
        with av.open(buffer, "r", format="mp3") as container:
            for frame in container.decode(audio=0):
                parts.extend(out.to_ndarray().tobytes() for out in resampler.resample(frame))
        parts.extend(out.to_ndarray().tobytes() for out in resampler.resample(None))
    except (av.FFmpegError, IndexError) as error:
        return EngineUnavailableError(f"gTTS answered with something that is not MP3: {error}")
    return Pcm(b"".join(parts), _RATE)
