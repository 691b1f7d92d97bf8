"""Small files that must be whole or absent, and readable for their owner only: keys, accounts, provisions."""

import contextlib
import os
import tempfile
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make names that were just created or renamed in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file of mode 0600 at once. Raises FileExistsError without `overwrite`, and OSError."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            Path(name).replace(path)
        else:
            os.link(name, path)  # fails where something stands, unlike a rename
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
    sync_folder(path.parent)
