"""The kit's clips, and the file server that gives them out well or badly."""

import hashlib
import io
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import av
import numpy as np

from devices.wire.messages import Sound

Manner = Literal["good", "changed", "longer", "breaks off", "no ranges", "second only", "absent"]
LONGER = 32 * 1024 * 1024
"""Bytes that are offered where a clip is longer than it should be: more than sockets hold."""


def clip(seconds: float, hertz: float, *, level: float = 0.1, rate: int = 24000) -> bytes:
    """A tone as MP3, mono, 24 kHz, 64 kbit/s: what stations send; `level` is its amplitude, 1 at full scale."""
    time = np.arange(round(seconds * rate)) / rate
    samples = (np.sin(2 * np.pi * hertz * time) * level * 32767).astype(np.int16).reshape(1, -1)
    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=rate)
        stream.codec_context.layout = "mono"
        stream.codec_context.format = "s16p"
        stream.bit_rate = 64000
        frame = av.AudioFrame.from_ndarray(samples, format="s16p", layout="mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Request:
    """One GET of a clip: at which of the two addresses, from which byte."""

    sha256: str
    address: str
    first: int


class ClipServer:
    """HTTP/1.1 at /a/{sha256} and /b/{sha256}, each clip in a manner of its own."""

    def __init__(self, host: str, advertised: str) -> None:
        self.requests: list[Request] = []
        self.sent: dict[str, int] = {}  # bytes of the longest answer, by clip
        self._clips: dict[str, tuple[bytes, Manner]] = {}
        self._server = ThreadingHTTPServer((host, 0), _Handler)
        self._server.daemon_threads = True
        self._server.clips = self  # type: ignore[attr-defined]  # read by the handler
        base = f"http://{advertised}:{self._server.server_address[1]}"
        self.urls = (f"{base}/a", f"{base}/b")
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="clips", daemon=True).start()

    def put(self, data: bytes, seconds: float, manner: Manner = "good") -> Sound:
        """Offer a clip; what an order says of it."""
        digest = hashlib.sha256(data).hexdigest()
        self._clips[digest] = (data, manner)
        return Sound(sha256=digest, size=len(data), duration_ms=round(seconds * 1000))

    def get(self, digest: str) -> tuple[bytes, Manner]:
        """The clip and its manner."""
        return self._clips.get(digest, (b"", "absent"))

    def asked(self, sound: Sound) -> list[Request]:
        """All requests for a clip, in order."""
        return [request for request in self.requests if request.sha256 == sound.sha256]

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        clips: ClipServer = self.server.clips  # type: ignore[attr-defined]  # set by ClipServer
        address, _, digest = self.path.strip("/").partition("/")
        data, manner = clips.get(digest)
        asked = self.headers.get("Range", "")
        first = int(asked[6:-1]) if asked.startswith("bytes=") and asked[6:-1].isdigit() and asked[-1] == "-" else 0
        before = len([request for request in clips.requests if request.sha256 == digest])
        clips.requests.append(Request(digest, address, first))
        if manner == "absent" or (manner == "second only" and address == "a"):
            self._start(503 if manner == "second only" else 404, 0)
            return
        if manner == "no ranges":
            first = 0
        if first >= len(data):
            self._start(416, 0)
            return
        length = LONGER if manner == "longer" else len(data) - first
        self._start(206 if first else 200, length, f"bytes {first}-{len(data) - 1}/{len(data)}" if first else None)
        body = data[first:]
        if manner == "changed":
            body = body[:-1] + bytes([body[-1] ^ 1])
        elif manner in {"breaks off", "no ranges"} and not before:
            body = body[: len(body) // 2]
            self.close_connection = True
        sent = 0
        try:
            while sent < (length if manner == "longer" else len(body)):
                piece = body[sent : sent + 65536] if sent < len(body) else bytes(65536)
                self.wfile.write(piece)
                sent += len(piece)
        except OSError:
            self.close_connection = True
        clips.sent[digest] = max(sent, clips.sent.get(digest, 0))

    def _start(self, status: int, length: int, content_range: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("Content-Type", "audio/mpeg")
        if content_range is not None:
            self.send_header("Content-Range", content_range)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """Quiet: the report says what was seen."""
