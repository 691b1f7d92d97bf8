"""Forgetting everything that a receiver holds of its station; goes on after a power cut until nothing is left."""

import shutil
from pathlib import Path

from devices.files import sync_folder, write_private
from devices.receiver.provision import KEY_FILE, NEXT_KEY_FILE, PROVISION_FILE

MARK = "wiping"
_FOLDERS = ("clips", "played")
_FILES = (PROVISION_FILE, KEY_FILE, NEXT_KEY_FILE, "journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm")


def wipe(folder: Path) -> None:
    """Forget credentials, key, orders, receipts and clips. Raises OSError; calling it again goes on."""
    write_private(folder / MARK, b"", overwrite=True)
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    sync_folder(folder)
    for name in _FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / MARK).unlink(missing_ok=True)
    sync_folder(folder)


def finish(folder: Path) -> None:
    """End what a power cut broke off."""
    if (folder / MARK).exists():
        wipe(folder)
