"""The process in which espeak-ng runs: one engine a process, because the library is not thread-safe.

Requests and answers go over standard input and output: a 4-byte big-endian length, then JSON; an answer to ``speak`` is followed by ``bytes`` bytes of s16le
sound. Run as a program: ``python espeak_worker.py PARENT_PID``; it imports nothing of this package. It dies with its parent (``prctl(PR_SET_PDEATHSIG)`` and end of input).
"""

import ctypes
import json
import os
import signal
import struct
import sys
from typing import Any, BinaryIO

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS of speak_lib.h
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report a broken installation instead of ending the process
_CHARS_UTF8 = 1
_RATE, _PITCH = 1, 3  # espeak_PARAMETER
_POSITION_CHARACTER = 1
_PHONEMES_IPA = 2
_PR_SET_PDEATHSIG = 1
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


def read_frame(stream: BinaryIO) -> dict[str, Any] | None:
    """One JSON message, or None at the end of input."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    message: dict[str, Any] = json.loads(stream.read(struct.unpack(">I", head)[0]))
    return message


def write_frame(stream: BinaryIO, message: dict[str, Any], tail: bytes = b"") -> None:
    """One JSON message, then the raw bytes that it announces."""
    body = json.dumps(message).encode()
    stream.write(struct.pack(">I", len(body)) + body + tail)
    stream.flush()


class Espeak:
    """espeak-ng by ctypes, in this process. Errors are ``RuntimeError`` with the library's status number."""

    def __init__(self) -> None:
        # Imported here, so that the parent can use this module's framing without loading the library.
        import espeakng_loader  # noqa: PLC0415 - as said above

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self.rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DONT_EXIT
        )
        if self.rate <= 0:
            raise RuntimeError(f"espeak_Initialize answered {self.rate}")
        self._sound = bytearray()
        self._limit = 0
        self._callback = _CALLBACK(self._keep)  # must outlive the library's use of it
        self._library.espeak_SetSynthCallback(self._callback)
        self._voice = ""

    def _keep(self, wave: Any, count: int, _events: Any) -> int:
        if wave and count > 0:
            self._sound += ctypes.string_at(wave, count * 2)
        return int(len(self._sound) > self._limit)  # 1 stops the synthesis

    def _use(self, voice: str) -> None:
        if voice != self._voice:
            status = self._library.espeak_SetVoiceByName(voice.encode())
            if status:
                raise RuntimeError(f"espeak-ng has no voice {voice!r} (status {status})")
            self._voice = voice

    def speak(self, text: str, *, voice: str, rate_wpm: int, pitch: int, max_s: float) -> bytes:
        """The sound of ``text``, s16le at ``self.rate``; more than ``max_s`` seconds of it is an error."""
        self._use(voice)
        self._library.espeak_SetParameter(_RATE, rate_wpm, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        self._sound.clear()
        self._limit = int(max_s * self.rate) * 2
        raw = text.encode()
        status = self._library.espeak_Synth(raw, len(raw) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None)
        if status:
            raise RuntimeError(f"espeak_Synth answered {status}")
        if len(self._sound) > self._limit:
            raise RuntimeError(f"more than {max_s:g} s of sound from {len(text)} characters")
        return bytes(self._sound)

    def phonemes(self, text: str, *, voice: str) -> str:
        """IPA of ``text``, a line a clause; ``(en)`` in it marks a switch to another language."""
        self._use(voice)
        raw = ctypes.c_char_p(text.encode())
        pointer = ctypes.pointer(raw)
        clauses: list[str] = []
        while pointer.contents.value:
            clauses.append((self._library.espeak_TextToPhonemes(pointer, _CHARS_UTF8, _PHONEMES_IPA) or b"").decode())
        return "\n".join(clauses)


def _die_with_parent(parent: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def main() -> None:
    """Answer requests until the end of input."""
    _die_with_parent(int(sys.argv[1]))
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C goes to the whole group; the parent closes us in its own order
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints must not fall between the frames
    requests = sys.stdin.buffer
    espeak = Espeak()
    write_frame(answers, {"rate": espeak.rate})
    while (request := read_frame(requests)) is not None:
        try:
            if request["do"] == "speak":
                sound = espeak.speak(
                    request["text"],
                    voice=request["voice"],
                    rate_wpm=request["rate_wpm"],
                    pitch=request["pitch"],
                    max_s=request["max_s"],
                )
                write_frame(answers, {"bytes": len(sound)}, sound)
            else:
                write_frame(answers, {"phonemes": espeak.phonemes(request["text"], voice=request["voice"])})
        except RuntimeError as error:
            write_frame(answers, {"error": str(error)})


if __name__ == "__main__":
    main()
