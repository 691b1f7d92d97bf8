"""What was made before and may be wanted again, within a limit of bytes: an edit of one word must not cost the whole bulletin."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Least recently used values go first. Safe to use from several threads."""

    def __init__(self, max_bytes: int, size: Callable[[Value], int]) -> None:
        """``size`` gives the bytes of a value."""
        self._max_bytes = max_bytes
        self._size = size
        self._held: OrderedDict[Hashable, Value] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """The value, or None."""
        with self._lock:
            value = self._held.get(key)
            if value is not None:
                self._held.move_to_end(key)
            return value

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._held

    def put(self, key: Hashable, value: Value) -> Value:
        """Keep a value (one larger than the whole cache is not kept) and give it back."""
        size = self._size(value)
        with self._lock:
            older = self._held.pop(key, None)
            if older is not None:
                self._bytes -= self._size(older)
            if size <= self._max_bytes:
                self._held[key] = value
                self._bytes += size
            while self._bytes > self._max_bytes:
                self._bytes -= self._size(self._held.popitem(last=False)[1])
        return value
