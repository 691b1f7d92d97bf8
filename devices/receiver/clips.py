"""Clips on the device: fetched with resumption, verified before they count, addressed by their SHA-256."""

import errno
import hashlib
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path

import httpx
import structlog

from devices.files import sync_folder
from devices.wire.messages import File

log = structlog.get_logger(__name__)

MAX_BYTES = 1024**3
"""About 36 hours of speech at 64 kbit/s."""
RESERVE_BYTES = 64 * 1024**2
"""Of the disk, left free for the journal: without it no receipt could be written."""


_SUFFIX = {"audio/mpeg": ".mp3", "audio/ogg": ".ogg", "image/png": ".png", "image/jpeg": ".jpg"}


class Fetched(Enum):
    """How an attempt to fetch a clip ended."""

    READY = "ready"
    MISMATCH = "mismatch"  # every source that answered gave another file than the released one
    UNAVAILABLE = "unavailable"
    DISK_FULL = "disk_full"


class Clips:
    """The folder of clips. A file stands under its name only when its SHA-256 was verified."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._reserve_bytes = reserve_bytes
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, sound: File) -> Path:
        """Where the verified clip stands, or will."""
        return self._folder / f"{sound.sha256}{_SUFFIX.get(sound.media_type, '.clip')}"

    def present(self, sound: File) -> bool:
        """Whether a file of that name and size is there."""
        try:
            return self.path(sound).stat().st_size == sound.size
        except OSError:
            return False

    def verified(self, sound: File) -> bool:
        """Whether the bytes on the disk are the released ones now; a file that is not is deleted."""
        path = self.path(sound)
        try:
            with path.open("rb") as file:
                good = hashlib.file_digest(file, "sha256").hexdigest() == sound.sha256
        except OSError:
            good = False
        if good:
            os.utime(path)  # used now: the last to be evicted
        else:
            path.unlink(missing_ok=True)
        return good

    def size(self) -> int:
        """Bytes of all clips and parts of clips; 0 where the folder cannot be read."""
        try:
            return sum(found.st_size for _, found in self._files())
        except OSError:
            return 0

    def make_room(self, sound: File, needed: set[str]) -> bool:
        """Whether the clip fits, if need be after deleting clips, the longest unused first, that no order needs.

        `needed` are the SHA-256 of the clips of all orders that are still to play: these are never deleted.
        """
        found = sorted((about.st_mtime, about.st_size, path) for path, about in self._files())
        others = [(size, path) for _, size, path in found if path.stem != sound.sha256]
        total = sum(size for size, _ in others)
        free = shutil.disk_usage(self._folder).free + sum(size for _, size, _ in found) - total
        for size, path in others:
            if total + sound.size <= self._max_bytes and free - sound.size >= self._reserve_bytes:
                break
            if path.stem not in needed:
                path.unlink(missing_ok=True)
                log.info("evicted", clip=path.name[:12])
                total, free = total - size, free + size
        return total + sound.size <= self._max_bytes and free - sound.size >= self._reserve_bytes

    def fetch(
        self, sound: File, media_urls: tuple[str, ...], client: httpx.Client, stop: threading.Event
    ) -> tuple[Fetched, str]:
        """Try each source once, going on where an earlier attempt broke off. Returns how it ended, and a detail."""
        details: list[str] = []
        mismatches = 0
        for base in media_urls:
            url = f"{base.rstrip('/')}/{sound.sha256}"
            for _ in range(2):  # anew from the start, where a resumed part turned out to be wrong
                resumed = self._part(sound).exists()
                try:
                    self._download(sound, url, client, stop)
                    verdict = self._take(sound)
                except httpx.HTTPError as error:
                    details.append(f"{url}: {str(error) or type(error).__name__}")
                    break
                except OSError as error:
                    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                        return Fetched.DISK_FULL, "The disk is full: free some space."
                    details.append(f"{url}: {error}")
                    break
                if verdict is None:
                    return Fetched.READY, url
                details.append(f"{url}: {verdict}")
                if not resumed:
                    mismatches += 1
                    break
            if stop.is_set():
                break
        outcome = Fetched.MISMATCH if mismatches and mismatches == len(media_urls) else Fetched.UNAVAILABLE
        return outcome, "; ".join(details)[:300] or "no media address is configured"

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """What stands in the folder. Another thread may rename or delete a file between its listing and the look at it."""
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    about = entry.stat()
                    if stat.S_ISREG(about.st_mode):
                        yield Path(entry.path), about

    def _part(self, sound: File) -> Path:
        return self._folder / f"{sound.sha256}.part"

    def _download(self, sound: File, url: str, client: httpx.Client, stop: threading.Event) -> None:
        """Append to the part until it has one byte more than it should or the source ends."""
        part = self._part(sound)
        with part.open("ab") as file:
            have = file.tell()
            if have >= sound.size:
                return
            headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {}
            with client.stream("GET", url, headers=headers) as response:
                if have and response.status_code == httpx.codes.PARTIAL_CONTENT:
                    if not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
                        file.truncate(0)
                        raise httpx.RemoteProtocolError("the source answered with another range than was asked for")
                elif response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                    file.truncate(0)
                    raise httpx.RemoteProtocolError("the source has less than was fetched before")
                else:
                    response.raise_for_status()
                    if response.status_code != httpx.codes.OK:
                        raise httpx.RemoteProtocolError(f"status {response.status_code} where 200 or 206 was expected")
                    file.truncate(0)
                    have = 0
                for chunk in response.iter_raw():
                    file.write(chunk[: sound.size + 1 - have])
                    have += len(chunk)
                    if have > sound.size:
                        break
                    if stop.is_set():
                        raise httpx.ReadError("stopped")
            file.flush()
            os.fsync(file.fileno())
        if have < sound.size:
            raise httpx.ReadError(f"the source ended after {have} of {sound.size} bytes")

    def _take(self, sound: File) -> str | None:
        """Give the part its name if it is the released clip, or delete it and say what is wrong."""
        part = self._part(sound)
        size = part.stat().st_size
        with part.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if size == sound.size and found == sound.sha256:
            part.replace(self.path(sound))
            sync_folder(self._folder)
            return None
        part.unlink()
        if size != sound.size:
            return f"more than the {sound.size} bytes of the released clip"
        return f"its SHA-256 is {found}, not the released clip's"
