"""Clips by the SHA-256 of their bytes: what was approved is what is stored, under a name that proves it."""

import hashlib
import os
import re
import tempfile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol

_NAME = re.compile(r"[0-9a-f]{64}")
_SUFFIXES = {b"OggS": ".opus", b"fLaC": ".flac"}
"""By a file's first four bytes; whatever else there is, is MP3."""


class ClipMissingError(KeyError):
    """The store has no clip of that hash: render the bulletin again."""

    def __str__(self) -> str:
        return f"no clip {self.args[0]!r} in the store: render the bulletin again"


class ClipStore(Protocol):
    """Content-addressed bytes. Names are 64 lower-case hexadecimal digits; any other name is a ``ValueError``."""

    def put(self, data: bytes) -> str:
        """Keep ``data``, durably, and return its SHA-256; putting the same bytes again changes nothing."""

    def exists(self, sha256: str) -> bool:
        """Whether the clip is held."""

    def size(self, sha256: str) -> int:
        """Bytes of the clip; ``ClipMissingError`` if it is not held."""

    def open(self, sha256: str) -> BinaryIO:
        """The clip for reading (seekable); ``ClipMissingError`` if it is not held."""

    def path(self, sha256: str) -> Path:
        """Where the clip lies, for a server that sends files; ``ClipMissingError`` if it is not held."""

    def delete(self, sha256: str) -> bool:
        """Forget the clip; whether there was one."""


def suffix_of(data: bytes) -> str:
    """The ending of the name under which a file lies."""
    return _SUFFIXES.get(data[:4], ".mp3")


def _checked(sha256: str) -> str:
    if not _NAME.fullmatch(sha256):
        raise ValueError(f"not the name of a clip: {sha256!r}; a name is the 64 hexadecimal digits of a SHA-256")
    return sha256


class DiskStore:
    """Clips in a folder, ``ab/abcdef….mp3``, the ending by what the bytes are (``.mp3``, ``.opus``, ``.flac``), so that a web server guesses the media type.

    A crash leaves either the whole clip or none: temporary file, fsync, rename, fsync of the folder.
    """

    def __init__(self, folder: Path) -> None:
        """``folder`` is made if it is not there."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _place(self, sha256: str, suffix: str = ".mp3") -> Path:
        return self._folder / _checked(sha256)[:2] / (sha256 + suffix)

    def _found(self, sha256: str) -> Path | None:
        places = (self._place(sha256, suffix) for suffix in (".mp3", *_SUFFIXES.values()))
        return next((place for place in places if place.is_file()), None)

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        place = self._place(sha256, suffix_of(data))
        if place.exists():
            return sha256
        new_folder = not place.parent.exists()
        place.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(place.parent)
        if new_folder:
            _sync_folder(self._folder)
        return sha256

    def exists(self, sha256: str) -> bool:
        return self._found(sha256) is not None

    def path(self, sha256: str) -> Path:
        place = self._found(sha256)
        if place is None:
            raise ClipMissingError(sha256)
        return place

    def size(self, sha256: str) -> int:
        return self.path(sha256).stat().st_size

    def open(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb")

    def delete(self, sha256: str) -> bool:
        place = self._found(sha256)
        if place is None:
            return False
        place.unlink(missing_ok=True)
        _sync_folder(place.parent)
        return True


class MemoryStore:
    """The twin of :class:`DiskStore` for tests: nothing outlives the process, and a path exists only while asked for."""

    def __init__(self, folder: Path) -> None:
        """``folder`` receives a copy when a path is asked for."""
        self._folder = folder
        self._clips: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self._clips[sha256] = data
        return sha256

    def exists(self, sha256: str) -> bool:
        return _checked(sha256) in self._clips

    def _bytes(self, sha256: str) -> bytes:
        try:
            return self._clips[_checked(sha256)]
        except KeyError:
            raise ClipMissingError(sha256) from None

    def path(self, sha256: str) -> Path:
        data = self._bytes(sha256)
        place = self._folder / (sha256 + suffix_of(data))
        place.write_bytes(data)
        return place

    def size(self, sha256: str) -> int:
        return len(self._bytes(sha256))

    def open(self, sha256: str) -> BinaryIO:
        return BytesIO(self._bytes(sha256))

    def delete(self, sha256: str) -> bool:
        return self._clips.pop(_checked(sha256), None) is not None


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
