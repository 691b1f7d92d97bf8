"""What a device shows while it waits to be enrolled: on a terminal, and as a page on localhost, each with a QR code."""

import html
import io
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import segno

from devices.receiver.enrolment import Shown
from devices.receiver.page import PageError

_STYLE = (
    "body{margin:0;min-height:100vh;display:grid;place-content:center;justify-items:center;gap:2vmin;background:#101418;"
    "color:#fff;font-family:'Noto Sans','DejaVu Sans',sans-serif;text-align:center}"
    "h1{font-size:5vmin;margin:0}p{font-size:3.5vmin;margin:0;color:#c9d3dc}"
    "#code{font-size:16vmin;font-weight:700;letter-spacing:.08em;color:#fff;font-variant-numeric:tabular-nums}"
    "#fingerprint{font-family:'DejaVu Sans Mono',monospace;font-size:5vmin;color:#fff}"
    "svg{background:#fff;width:34vmin;height:34vmin}"
)


def page(shown: Shown | None) -> str:
    """The page as HTML; it asks for itself again every two seconds, and needs no script."""
    if shown is None:
        body = "<h1>Đang kết nối đài …</h1><p>Connecting to the station …</p>"
    else:
        code = shown.comparison.code
        qr = segno.make(shown.address, error="m", micro=False).svg_inline(scale=4, omitsize=True, border=4)
        body = (
            f"<h1>{html.escape(shown.station_name)}</h1>"
            "<p>Nhập mã này tại đài để đưa thiết bị vào hoạt động · Type this code at the station</p>"
            f'<p id="code">{code[:3]} {code[3:]}</p>'
            "<p>Dấu nhận dạng phải giống hệt ở hai nơi · The fingerprint must be the same in both places</p>"
            f'<p id="fingerprint">{html.escape(shown.comparison.fingerprint)}</p>{qr}'
        )
    return (
        '<!doctype html><html lang="vi"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">'
        f"<title>Đăng ký thiết bị</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )


class EnrolmentPage:
    """Serves the page on 127.0.0.1 until `close`; the LED page may then take the port."""

    def __init__(self, port: int) -> None:
        """Raises PageError."""
        self.shown: Shown | None = None
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise PageError(f"Port {port} for the page cannot be had ({error.strerror}); choose another.") from error
        self._server.page = self
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.2,), name="enrolment-page", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def tell(shown: Shown | None) -> None:
    """Write the code to the terminal, once for each code; the QR code only where somebody looks."""
    if shown is None:
        return
    code = shown.comparison.code
    picture = io.StringIO()
    if sys.stdout.isatty():
        segno.make(shown.address, error="m", micro=False).terminal(out=picture, compact=True)
    sys.stdout.write(
        f"\n{shown.station_name} ({shown.station_url})\n"
        f"Mã đăng ký (enrolment code): {code[:3]} {code[3:]}\n"
        f"Dấu nhận dạng (fingerprint): {shown.comparison.fingerprint}\n{picture.getvalue()}"
    )
    sys.stdout.flush()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    page: EnrolmentPage


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "receiver"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        here = self.headers.get("Host", "").partition(":")[0] in {"127.0.0.1", "localhost"}
        body = page(self.server.page.shown).encode() if here else b""
        self.send_response(HTTPStatus.OK if here else HTTPStatus.MISDIRECTED_REQUEST)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server gives it
        """Quiet: the page asks every two seconds."""
