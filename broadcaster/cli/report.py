"""The command for a report: it reads the database alone."""

import os
import shutil
from datetime import date
from pathlib import Path

from broadcaster.errors import SetupError
from broadcaster.reports.documents import Form
from broadcaster.reports.figures import Scope, measure
from broadcaster.settings import load_settings
from broadcaster.station import Core

_FORMS: dict[str, Form] = {".docx": "docx", ".pdf": "pdf", ".xlsx": "xlsx"}


def write_report(
    folder: Path | None, output: Path, *, area: str | None, campaign: str | None, starts_on: date, ends_on: date
) -> None:
    """Write figures (.json) or a document (.docx, .pdf, .xlsx) whole or not at all. Raises SetupError."""
    form = _FORMS.get(output.suffix)
    if form is None and output.suffix != ".json":
        raise SetupError(
            f"Không biết loại tệp '{output.suffix}'. Chọn .docx, .pdf, .xlsx hoặc .json.",
            f"No such kind of file: '{output.suffix}'. Choose .docx, .pdf, .xlsx or .json.",
        )
    scope = Scope(starts_on, ends_on, area=area, campaign=campaign)
    core = Core(load_settings(folder=folder))
    part = output.with_name(output.name + ".part")
    try:
        with part.open("wb") as file:
            if form is None:
                with core.database.reading() as session:
                    figures = measure(session, scope, zone=core.settings.zone)
                file.write(figures.model_dump_json(indent=1).encode() + b"\n")
            else:
                with core.documents.from_log(scope, form) as made:
                    shutil.copyfileobj(made, file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(output)
    except OSError as error:
        raise SetupError(
            f"Không ghi được {output}: {error.strerror}.", f"{output} cannot be written: {error.strerror}."
        ) from error
    finally:
        part.unlink(missing_ok=True)
        core.close()
