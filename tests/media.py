"""A file server for clips, with HTTP Range, that a test can slow down, break off and forge."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Media:
    """Serves `clips[sha256]` at /{sha256}; records each request's range and the bytes it sent."""

    def __init__(self) -> None:
        self.clips: dict[str, bytes] = {}
        self.requests: list[tuple[str, int]] = []  # name, first byte
        self.break_after: int | None = None  # bytes of a response after which the line breaks
        self.bytes_per_s: int | None = None
        self.down = False
        self.ignore_range = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.media = self  # type: ignore[attr-defined]  # read by the handler
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        media: Media = self.server.media  # type: ignore[attr-defined]  # set by Media
        name = self.path.strip("/")
        data = media.clips.get(name)
        if media.down or data is None:
            self.send_response(503 if media.down else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first = 0
        wanted = self.headers.get("Range")
        if wanted and not media.ignore_range:
            first = int(wanted.removeprefix("bytes=").rstrip("-"))
        media.requests.append((name, first))
        if first >= len(data):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        self._send(media, data[first:])

    def _send(self, media: Media, data: bytes) -> None:
        sent = 0
        try:
            while sent < len(data):
                step = 4096 if media.bytes_per_s or media.break_after is not None else len(data)
                self.wfile.write(data[sent : sent + step])
                sent += step
                if media.break_after is not None and sent >= media.break_after:
                    self.close_connection = True
                    return
                if media.bytes_per_s:
                    time.sleep(step / media.bytes_per_s)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        pass
