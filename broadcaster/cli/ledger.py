"""The commands on the as-run log: they read the database alone."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import typer
from sqlalchemy.orm import Session

from broadcaster import ledger
from broadcaster.errors import SetupError
from broadcaster.identity import Signatory
from broadcaster.sealing import FOLDER, seal_months, verify_archive
from broadcaster.settings import load_settings
from broadcaster.station import Core


@contextmanager
def _log(folder: Path | None) -> Iterator[tuple[Session, Signatory]]:
    core = Core(load_settings(folder=folder))
    try:
        with core.database.reading() as session:
            yield session, core.signatory
    finally:
        core.close()


def verify_log(folder: Path | None, *, since: int, archive: Path | None, json_output: bool) -> int:
    """Print what the verification found, in the log or in an archive; 0 if it is right, else 1."""
    with _log(folder) as (session, signatory):
        keys = signatory.ring()
        finding = ledger.verify(session, keys, since=since) if archive is None else verify_archive(archive, keys)
    if json_output:
        typer.echo(json.dumps({**asdict(finding), "ok": finding.ok}, ensure_ascii=False))
    else:
        typer.echo(
            f"{finding.rows} rows of receivers, {finding.actions} of people, {finding.envelopes} signed messages, {finding.checkpoints} checkpoints; "
            f"hash of the last row {finding.hash}"
        )
        for fault in finding.faults:
            typer.echo(f"{fault.table}, row {fault.seq or '?'}: {fault.problem}")
        typer.echo("The log is right." if finding.ok else "The log is NOT right.")
    return 0 if finding.ok else 1


def archive_log(folder: Path | None, *, months: int | None) -> None:
    """Seal what is older than the setting says. Raises SetupError, and ConflictError for a log that is not right."""
    core = Core(load_settings(folder=folder))
    settings = core.settings
    try:
        made = seal_months(
            core.database,
            core.signatory,
            settings.folder / FOLDER,
            now=core.clock.now(),
            zone=settings.zone,
            keep_months=months or settings.log_months,
        )
    except OSError as error:
        raise SetupError(f"Không ghi được tệp lưu trữ: {error}.", f"The archive cannot be written: {error}.") from error
    finally:
        core.close()
    for path in made:
        typer.echo(str(path))
    if not made:
        typer.echo("No whole month is old enough.")


def export_log(folder: Path | None, output: Path, *, since: int) -> None:
    """Write the export whole or not at all. Raises SetupError."""
    part = output.with_name(output.name + ".part")
    try:
        with _log(folder) as (session, signatory), part.open("w", encoding="utf-8") as file:
            keys = signatory.ring()
            file.writelines(ledger.export(session, signatory.station, keys, since=since))
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    except OSError as error:
        raise SetupError(
            f"Không ghi được {output}: {error.strerror}.", f"{output} cannot be written: {error.strerror}."
        ) from error
    finally:
        part.unlink(missing_ok=True)
