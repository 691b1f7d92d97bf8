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


def verify_log(folder: Path | None, *, since: int, json_output: bool) -> int:
    """Print what the verification found; 0 if the log is right, else 1."""
    with _log(folder) as (session, signatory):
        finding = ledger.verify(session, signatory.ring(), since=since)
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
