"""The LED page: served on localhost to the browser that fills the screen."""

import json
import queue
import threading
import time
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from devices.wire.messages import Card

KEEPALIVE_S = 3.0
"""How soon a page that went away is noticed: receipts tell how many pages showed a card."""
MAX_VIEWERS = 16
MIN_SIDE, MAX_SIDE = 16, 16_384
_HERE = "devices.receiver"
_FILES = {
    "/": (_HERE, "page.html", "text/html; charset=utf-8"),
    "/page.css": (_HERE, "page.css", "text/css; charset=utf-8"),
    "/page.js": (_HERE, "page.js", "text/javascript; charset=utf-8"),
    "/worker.js": (_HERE, "page.worker.js", "text/javascript; charset=utf-8"),
    "/font.ttf": ("devices.cards", "font/NotoSans-SemiBold-vi.ttf", "font/ttf"),
}
_IMAGES = {".png": "image/png", ".jpg": "image/jpeg"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; font-src 'self'; "
    "img-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PageError(Exception):
    """The page cannot be served; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What the page shows: a card, or the clock and the station's name while there is none."""

    name: str = ""
    zone: str = "Asia/Ho_Chi_Minh"
    card: Card | None = None
    image: Path | None = None  # of a card of that kind: the verified file
    began: float = 0.0  # time.monotonic() at which the card's beginning was, or would have been


@dataclass(frozen=True, slots=True, eq=False)
class Viewer:
    """A page that is connected: its size in pixels, and what it is to be told."""

    width: int
    height: int
    told: "queue.SimpleQueue[Screen | None]"

    def event(self, screen: Screen) -> str:
        """What the page draws, measured for its size."""
        from devices.cards.layout import Panel, lay_out, lay_out_idle  # noqa: PLC0415 - a loudspeaker has no page

        panel, card = Panel(self.width, self.height), screen.card
        found: dict[str, Any] = {
            "showing": card is not None,
            "name": screen.name,
            "zone": screen.zone,
            "idle": asdict(lay_out_idle(screen.name, panel)),
        }
        if card is not None:
            layout = lay_out(card, panel)
            found |= {
                "layout": asdict(layout),
                "text": card.text,
                "image": None if screen.image is None else screen.image.stem,
                "elapsed_ms": round((time.monotonic() - screen.began) * 1000),
            }
        return json.dumps(found, ensure_ascii=False)


class PageServer:
    """Serves the page and tells each connected one what to show, at once and whenever it changes."""

    def __init__(self, port: int) -> None:
        self._screen = Screen()
        self._viewers: set[Viewer] = set()
        self._lock = threading.Lock()
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise PageError(
                f"Port {port} for the LED page cannot be had ({error.strerror}); choose another."
            ) from error
        self._server.page = self
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.2,), name="led-page", daemon=True)

    def start(self) -> None:
        """Serve until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving and end all streams."""
        with self._lock:
            for viewer in self._viewers:
                viewer.told.put(None)
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def show(self, screen: Screen) -> None:
        """Show this on every page that is connected, and on those that come."""
        with self._lock:
            self._screen = screen
            for viewer in self._viewers:
                viewer.told.put(screen)

    @property
    def screen(self) -> Screen:
        """What is shown now."""
        return self._screen

    @property
    def viewers(self) -> int:
        """How many pages are connected."""
        return len(self._viewers)

    def shows_ms(self, card: Card) -> int:
        """How long the card is to stay: until its text has passed once on every page that is connected."""
        from devices.cards.layout import Panel, lay_out  # noqa: PLC0415 - a loudspeaker has no page

        with self._lock:
            panels = {Panel(viewer.width, viewer.height) for viewer in self._viewers}
        return max((lay_out(card, panel).shows_ms for panel in panels), default=card.duration_ms)

    def join(self, width: int, height: int) -> Viewer | None:
        """A stream of what to show, beginning with the present; None if there are too many."""
        with self._lock:
            if len(self._viewers) >= MAX_VIEWERS:
                return None
            viewer = Viewer(width, height, queue.SimpleQueue())
            viewer.told.put(self._screen)
            self._viewers.add(viewer)
            return viewer

    def leave(self, viewer: Viewer) -> None:
        """End a stream."""
        with self._lock:
            self._viewers.discard(viewer)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    page: PageServer


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "led"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if self.headers.get("Host", "").partition(":")[0] not in {"127.0.0.1", "localhost"}:
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, "text/plain", b"")  # another name: DNS rebinding
        elif path == "/events":
            self._stream(query)
        elif path in _FILES:
            package, name, media_type = _FILES[path]
            self._answer(HTTPStatus.OK, media_type, resources.files(package).joinpath(name).read_bytes())
        elif (image := self.server.page.screen.image) is not None and path == f"/image/{image.stem}":
            self._answer(HTTPStatus.OK, _IMAGES[image.suffix], image.read_bytes())
        elif path == "/favicon.ico":
            self._answer(HTTPStatus.NO_CONTENT, "image/png", b"")  # browsers ask for one; a kiosk shows none
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"")

    def _answer(self, status: HTTPStatus, media_type: str, body: bytes) -> None:
        self.close_connection = True  # one page on this machine: nothing to gain by keeping connections
        self.send_response(status)
        self.send_header("Connection", "close")
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, query: str) -> None:
        page, asked = self.server.page, dict(parse_qsl(query))
        try:
            sizes = [int(asked[name]) for name in ("width", "height")]
        except (KeyError, ValueError):
            sizes = [0]
        if not all(MIN_SIDE <= size <= MAX_SIDE for size in sizes):
            self._answer(HTTPStatus.BAD_REQUEST, "text/plain", b"width and height are needed")
            return
        viewer = page.join(*sizes)
        if viewer is None:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", b"")
            return
        self.close_connection = True
        try:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Connection", "close")
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"retry: 1000\n\n")
            while True:
                try:
                    screen = viewer.told.get(timeout=KEEPALIVE_S)
                except queue.Empty:
                    self.wfile.write(b": here\n\n")
                    continue
                if screen is None:
                    return
                self.wfile.write(f"data: {viewer.event(screen)}\n\n".encode())
        except OSError:
            pass  # the page went away
        finally:
            page.leave(viewer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """Quiet: a page that reconnects is nothing to tell."""
