"""A TCP line that a test can cut: a small proxy in front of a real server."""

import contextlib
import socket
import threading


class Line:
    """Forwards connections to a port on 127.0.0.1 until it is cut; a cut line refuses until it is mended."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._whole = True
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection without a goodbye, and refuse new ones."""
        with self._lock:
            self._whole = False
        self.break_connections()

    def mend(self) -> None:
        """Let new connections through."""
        with self._lock:
            self._whole = True

    def break_connections(self) -> None:
        """Break every connection without a goodbye; new ones come through."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _end(*pair)

    @property
    def connections(self) -> int:
        """How many connections are open; one that ended has been forwarded to its last byte."""
        with self._lock:
            return len(self._pairs)

    def close(self) -> None:
        """Stop for good."""
        self._server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            with self._lock:
                whole = self._whole
            if not whole:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        _end(source, sink)
        with self._lock:
            self._pairs = [pair for pair in self._pairs if source not in pair]


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
