"""Tells whoever watches that something changed. What changed is read from the database, so that nothing can be missed."""

import asyncio
import threading


class Changes:
    """A counter that threads raise and coroutines wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self._closed = False
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._version

    @property
    def closed(self) -> bool:
        """Whether the station is stopping: watchers should end."""
        return self._closed

    def notify(self) -> None:
        """Something changed; may be called from any thread."""
        with self._lock:
            self._version += 1
            waiting = list(self._waiting)
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Wake everybody for the last time."""
        self._closed = True
        self.notify()

    async def pause(self, seconds: float) -> None:
        """Let changes come together: so long, or until the station stops."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not self._closed and (left := deadline - asyncio.get_running_loop().time()) > 0:
            await self.wait(self._version, left)

    async def wait(self, seen: int, timeout_s: float) -> int:
        """The version as soon as it differs from `seen`, or after `timeout_s`."""
        event = asyncio.Event()
        entry = (asyncio.get_running_loop(), event)
        with self._lock:
            if self._version != seen:
                return self._version
            self._waiting.add(entry)
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._waiting.discard(entry)
        return self._version
