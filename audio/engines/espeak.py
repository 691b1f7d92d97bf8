"""espeak-ng: offline speech that is always there, in supervised worker processes."""

import contextlib
import json
import os
import queue
import re
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import espeakng_loader

from audio.engines import espeak_worker
from audio.engines.port import (
    Capabilities,
    EngineCrashedError,
    EngineError,
    EngineRefusedError,
    EngineTimeoutError,
    EngineUnavailableError,
)
from audio.pcm import Pcm

_VARIANT = re.compile(r"(\+[a-z0-9]{1,12})?")
_MAX_CHARACTERS = 5_000
_START_LIMIT_S = 15.0
T = TypeVar("T")


@cache
def _voices() -> dict[str, tuple[str, ...]]:
    """What the data files of espeak-ng offer, by primary language; the general voice of a language stands before those of its regions."""
    files = (Path(espeakng_loader.get_data_path()) / "lang").rglob("*")
    names = {file.name.lower() for file in files if file.is_file()}
    voices: dict[str, tuple[str, ...]] = {}
    for name in sorted(names, key=lambda each: (len(each), each)):
        primary = name.partition("-")[0]
        voices[primary] = (*voices.get(primary, ()), name)
    return voices


class _Worker:
    """One child process and its two pipes. Not shared between threads."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            # By its path, not as a module: it needs nothing of this package, and starts ten times as quickly.
            [sys.executable, "-P", espeak_worker.__file__, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self._rate = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], deadline: float) -> tuple[dict[str, Any], bytes]:
        """Send one request and wait for its answer until ``deadline`` (monotonic seconds)."""
        if not self._rate:
            self._rate = int(self._read_message(max(deadline, time.monotonic() + _START_LIMIT_S))["rate"])
        assert self._process.stdin is not None  # noqa: S101 - a PIPE was asked for; it tells mypy
        try:
            espeak_worker.write_frame(self._process.stdin, request)  # type: ignore[arg-type]  # an unbuffered pipe writes as BinaryIO does
        except OSError as error:
            raise self._ended() from error
        answer = self._read_message(deadline)
        return answer, self._read(int(answer.get("bytes", 0)), deadline)

    @property
    def rate(self) -> int:
        return self._rate

    def _read_message(self, deadline: float) -> dict[str, Any]:
        size = struct.unpack(">I", self._read(4, deadline))[0]
        message: dict[str, Any] = json.loads(self._read(size, deadline))
        return message

    def _read(self, size: int, deadline: float) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - as above
        handle = self._process.stdout.fileno()
        parts = bytearray()
        while len(parts) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([handle], [], [], left)[0]:
                raise EngineTimeoutError(
                    "espeak did not answer within its time limit; it was ended and the next request gets a new process"
                )
            part = os.read(handle, min(1 << 20, size - len(parts)))
            if not part:
                raise self._ended()
            parts += part
        return bytes(parts)

    def _ended(self) -> EngineError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code = self._process.returncode
        if not self._rate and (code is None or code >= 0):  # a signal says nothing of the installation
            return EngineUnavailableError(
                f"espeak could not start (exit {code}): check that espeakng-loader is installed whole"
            )
        return EngineCrashedError(
            f"espeak's process ended while it spoke (exit {code}); the next request gets a new one"
        )

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


class EspeakEngine:
    """espeak-ng in up to ``workers`` processes, started when first needed.

    A process that crashes, is killed or hangs becomes an :class:`EngineError`; its place is taken by a new one. A crash or kill is tried once more in a new
    process before it is reported, since the text is seldom to blame.
    """

    def __init__(self, *, workers: int = 2) -> None:
        """``workers`` is the number of sentences spoken at the same time, one process each."""
        self._places: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(workers):
            self._places.put(None)
        # A child told to die with its parent dies with the *thread* that started it: so one thread, that lives as long as the engine, starts them all.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="espeak-starter")
        self._workers: set[_Worker] = set()
        self._closed = False

    @property
    def name(self) -> str:
        return "espeak"

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(online=False, voices=_voices(), rates=(80, 300), pitch=True, variants=True)

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""
        return tuple(worker.pid for worker in tuple(self._workers) if worker.alive)

    def synthesize(self, text: str, *, voice: str, rate_wpm: int, pitch: int = 50, timeout_s: float) -> Pcm:
        base = voice.partition("+")[0]
        low, high = self.capabilities.rates
        if not self.capabilities.offers(voice) or not _VARIANT.fullmatch(voice[len(base) :]):
            raise EngineRefusedError(
                f"espeak has no voice {voice!r}: in Vietnamese it has {', '.join(_voices()['vi'])}, with +f2 or the like after it if wanted"
            )
        if not low <= rate_wpm <= high or not 0 <= pitch <= 100:
            raise EngineRefusedError(
                f"espeak speaks {low} to {high} words a minute at pitch 0 to 100, not {rate_wpm} at {pitch}"
            )
        if len(text) > _MAX_CHARACTERS:
            raise EngineRefusedError(
                f"espeak takes at most {_MAX_CHARACTERS} characters at a time, not {len(text)}: cut the text into sentences"
            )
        # A letter takes far less than a second even at the lowest rate: more sound than that is noise.
        request = {
            "do": "speak",
            "text": text.replace("\0", " "),
            "voice": voice,
            "rate_wpm": rate_wpm,
            "pitch": pitch,
            "max_s": 10 + len(text),
        }
        return self._ask(request, timeout_s, lambda _answer, sound, rate: Pcm(sound, rate))

    def phonemes(self, text: str, *, voice: str = "vi", timeout_s: float = 30.0) -> str:
        """IPA of ``text``; ``(en)`` in it marks where the voice would switch to English."""
        return self._ask(
            {"do": "phonemes", "text": text, "voice": voice},
            timeout_s,
            lambda answer, _sound, _rate: str(answer["phonemes"]),
        )

    def _ask(self, request: dict[str, Any], timeout_s: float, result: Callable[[dict[str, Any], bytes, int], T]) -> T:
        deadline = time.monotonic() + timeout_s
        try:
            return self._ask_once(request, deadline, result)
        except EngineCrashedError:
            return self._ask_once(request, deadline, result)

    def _ask_once(
        self, request: dict[str, Any], deadline: float, result: Callable[[dict[str, Any], bytes, int], T]
    ) -> T:
        if self._closed:
            raise EngineUnavailableError("espeak was closed: build a new engine")
        try:
            worker = self._places.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise EngineTimeoutError(
                "every espeak process was busy for the whole time limit: raise the number of workers or the limit"
            ) from None
        keep: _Worker | None = None
        try:
            if worker is None or not worker.alive:
                if worker is not None:
                    self._end(worker)
                worker = self._starter.submit(_Worker).result()
                self._workers.add(worker)
            answer, sound = worker.ask(request, deadline)
            keep = worker
            if "error" in answer:
                raise EngineRefusedError(f"espeak refused the text: {answer['error']}")
            return result(answer, sound, worker.rate)
        finally:
            if keep is None and worker is not None:
                self._end(worker)
            self._places.put(keep)

    def _end(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        worker.end()

    def close(self) -> None:
        """End every worker."""
        self._closed = True
        for worker in tuple(self._workers):
            self._end(worker)
        self._starter.shutdown(wait=True)
