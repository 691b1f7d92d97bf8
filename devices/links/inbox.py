"""What arrived and was not taken yet: bounded in number and in bytes."""

import time
from collections import deque
from threading import Condition

from devices.links.port import Delivery


class Inbox:
    """A queue of deliveries that says no when it is full, instead of growing or blocking the network thread."""

    def __init__(self, *, messages: int, size: int) -> None:
        self._messages = messages
        self._size = size
        self._bytes = 0
        self._queue: deque[Delivery] = deque()
        self._changed = Condition()

    def put(self, delivery: Delivery) -> bool:
        """Whether there was room."""
        with self._changed:
            if len(self._queue) >= self._messages or self._bytes + len(delivery.payload) > self._size:
                return False
            self._queue.append(delivery)
            self._bytes += len(delivery.payload)
            self._changed.notify()
            return True

    def take(self, *, limit: int, wait_s: float) -> list[Delivery]:
        """Up to `limit` deliveries; waits at most `wait_s` seconds for the first."""
        deadline = time.monotonic() + wait_s
        with self._changed:
            while not self._queue and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            taken = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
            self._bytes -= sum(len(delivery.payload) for delivery in taken)
            return taken

    def clear(self) -> None:
        """Forget what was not taken: its connection is gone, and the broker sends it again."""
        with self._changed:
            self._queue.clear()
            self._bytes = 0

    def __len__(self) -> int:
        return len(self._queue)
