"""Backup and restore: one file that holds all that a station is, made while it runs.

The database is copied as of one instant before the clips are, so every clip that it names is there. Sentences that
were spoken before (a cache) and the broker's files (made from the database) are left out.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import inspect, make_url, update

from broadcaster import ledger
from broadcaster.errors import SetupError
from broadcaster.identity import signatory
from broadcaster.settings import Settings
from broadcaster.storage.database import Database
from broadcaster.storage.models import OrderRecord, Receiver

FORMAT = 1
_MANIFEST = "manifest.json"
_DATABASES = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
_KEPT = ("keys", "clips", "templates", "archive")
_REVISIONS_APART = 1_000_000
"""Configurations and orders that went out after the backup had higher revisions than it knows: receivers would refuse
as old what a restored station sends, were it not to begin well above."""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `files` are paths in the archive with their SHA-256."""

    format: int
    software: str
    station: str
    database: str  # sqlite | postgresql
    made_at: str  # RFC 3339
    files: dict[str, str]


def back_up(settings: Settings, output: Path, *, now: datetime) -> Manifest:
    """Write a backup, whole or not at all, readable for its owner only: it holds the station's private key. Raises SetupError."""
    kind = make_url(settings.database).get_backend_name()
    part = output.with_name(output.name + ".part")
    with tempfile.TemporaryDirectory(prefix="broadcaster-backup-") as scratch:
        copy = Path(scratch) / _DATABASES[kind]
        (_copy_sqlite if kind == "sqlite" else _copy_postgresql)(settings.database, copy)
        sources = {copy.name: copy} | {
            path.relative_to(settings.folder).as_posix(): path
            for folder in _KEPT
            for path in sorted((settings.folder / folder).rglob("*"))
            if path.is_file() and not path.name.startswith(".") and path.suffix not in (".part", ".tmp")
        }
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                files: dict[str, str] = {}
                with tarfile.open(fileobj=file, mode="w") as archive:
                    for name, path in sources.items():
                        files[name] = _sha256(path)
                        archive.add(path, name, recursive=False)
                    manifest = Manifest(
                        FORMAT, version("commune-broadcaster"), settings.station, kind, now.isoformat(), files
                    )
                    text = Path(scratch) / _MANIFEST
                    text.write_text(json.dumps(asdict(manifest), ensure_ascii=False, indent=1), encoding="utf-8")
                    archive.add(text, _MANIFEST)
                file.flush()
                os.fsync(file.fileno())
            part.replace(output)
        except FileExistsError as error:
            raise SetupError(
                f"Đang có sao lưu khác ghi vào {part}, hoặc lần trước dừng giữa chừng: xóa tệp này rồi làm lại.",
                f"{part} exists: another backup is being written, or one was cut off; remove it and try again.",
            ) from error
        except OSError as error:
            part.unlink(missing_ok=True)
            raise SetupError(
                f"Không ghi được {output}: {error.strerror}.", f"{output} cannot be written: {error.strerror}."
            ) from error
    return manifest


def restore(settings: Settings, archive: Path) -> tuple[Manifest, ledger.Finding]:
    """Make the station of a backup in an empty folder (and an empty PostgreSQL database). Raises SetupError.

    Every file is compared with the manifest before anything takes its place; then the log is verified. Nothing is
    left behind on failure.
    """
    if settings.folder.exists() and any(settings.folder.iterdir()):
        raise SetupError(
            f"Thư mục {settings.folder} không trống. Chọn một thư mục mới.",
            f"The folder {settings.folder} is not empty. Choose a new one.",
        )
    settings.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.folder.parent) as scratch:
        inside = Path(scratch)
        manifest = _unpack(archive, inside)
        if manifest.station != settings.station:
            raise SetupError(
                f"Bản sao lưu là của đài '{manifest.station}', thiết lập ghi '{settings.station}'.",
                f"The backup is of the station '{manifest.station}', the settings say '{settings.station}'.",
            )
        kind = make_url(settings.database).get_backend_name()
        if kind != manifest.database:
            raise SetupError(
                f"Bản sao lưu dùng {manifest.database}, thiết lập dùng {kind}. Đặt BROADCASTER_DATABASE_URL cho khớp.",
                f"The backup holds a {manifest.database} database, the settings name {kind}. Set BROADCASTER_DATABASE_URL.",
            )
        copy = inside / _DATABASES[kind]
        if kind == "postgresql":
            _fill_postgresql(settings.database, copy)
            copy.unlink()
        (inside / _MANIFEST).unlink()
        inside.chmod(0o700)
        if settings.folder.exists():
            settings.folder.rmdir()
        if kind == "sqlite":
            copy.rename(inside / Path(make_url(settings.database).database or "broadcaster.db").name)
        inside.rename(settings.folder)
        inside.mkdir()  # for the temporary folder's own end
    return manifest, _wake(settings)


def _wake(settings: Settings) -> ledger.Finding:
    """Bring the schema up to date, begin configurations anew, and verify the log."""
    database = Database(settings.database)
    try:
        database.migrate()
        with database.writing() as session:
            session.execute(update(OrderRecord).values(revision=OrderRecord.revision + _REVISIONS_APART))
            session.execute(
                update(Receiver).values(
                    configuration_revision=Receiver.configuration_revision + _REVISIONS_APART,
                    configuration_sha256=None,
                    configuration_document=None,
                    configuration_expires_at=None,
                )
            )
        keys = signatory(settings.folder, settings.station).ring()
        with database.reading() as session:
            return ledger.verify(session, keys)
    finally:
        database.close()


def _unpack(archive: Path, into: Path) -> Manifest:
    try:
        with tarfile.open(archive, mode="r:") as tar:
            tar.extractall(into, filter="data")
        stated = json.loads((into / _MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(**stated)
    except (OSError, tarfile.TarError, ValueError, TypeError) as error:
        raise SetupError(
            f"{archive} không phải bản sao lưu hoàn chỉnh: {error}.", f"{archive} is not a whole backup: {error}."
        ) from error
    if manifest.format != FORMAT:
        raise SetupError(
            f"Bản sao lưu thuộc định dạng {manifest.format}; cần phần mềm mới hơn.",
            f"The backup has format {manifest.format}; a later version of the software reads it.",
        )
    found = {path.relative_to(into).as_posix(): path for path in _files(into)}
    found.pop(_MANIFEST)
    wrong = sorted(set(found) ^ set(manifest.files)) or [
        name for name, path in found.items() if _sha256(path) != manifest.files[name]
    ]
    if wrong:
        raise SetupError(
            f"Bản sao lưu bị hỏng: {', '.join(wrong[:5])}. Dùng bản sao lưu khác.",
            f"The backup is damaged: {', '.join(wrong[:5])}. Use another one.",
        )
    return manifest


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_sqlite(url: str, copy: Path) -> None:
    path = Path(make_url(url).database or "")
    if not path.is_file():
        raise SetupError(f"Không có cơ sở dữ liệu {path}.", f"There is no database {path}.")
    try:
        # SQLite's own backup: one state of the database, however many write meanwhile.
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise SetupError(
            f"Không sao chép được cơ sở dữ liệu: {error}.", f"The database cannot be copied: {error}."
        ) from error


def _copy_postgresql(url: str, copy: Path) -> None:
    _client("pg_dump", "--format=custom", "--no-owner", f"--file={copy}", f"--dbname={_libpq(url)}")


def _fill_postgresql(url: str, copy: Path) -> None:
    database = Database(url)
    try:
        if inspect(database.engine).get_table_names():
            raise SetupError(
                "Cơ sở dữ liệu không trống. Tạo một cơ sở dữ liệu mới rồi làm lại.",
                "The database is not empty. Make a new one and try again.",
            )
    finally:
        database.close()
    _client("pg_restore", "--no-owner", "--single-transaction", "--exit-on-error", f"--dbname={_libpq(url)}", str(copy))


def _libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _client(program: str, *arguments: str) -> None:
    """PostgreSQL's own programs read and write a database of one instant; they must be as new as the server."""
    path = shutil.which(program)
    if path is None:
        raise SetupError(
            f"Không có chương trình {program}. Cài gói postgresql-client.",
            f"There is no program {program}. Install the package postgresql-client.",
        )
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        cause = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        raise SetupError(f"{program} không xong: {cause}", f"{program} failed: {cause}")
