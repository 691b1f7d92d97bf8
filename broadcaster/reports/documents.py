"""A report as a file: Word, PDF, or the workbook that is its annex."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal

from sqlalchemy.orm import Session

from broadcaster.clock import Clock
from broadcaster.people import Actor
from broadcaster.reports.annex import as_xlsx
from broadcaster.reports.content import content
from broadcaster.reports.desk import Reports, View
from broadcaster.reports.figures import Scope
from broadcaster.reports.pdf import as_pdf
from broadcaster.reports.word import as_docx, template_of
from broadcaster.storage.database import Database

Form = Literal["docx", "pdf", "xlsx"]
MEDIA_TYPES: dict[Form, str] = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Documents:
    """Writes reports down. All that a document says is read in one state of the database."""

    def __init__(self, database: Database, clock: Clock, reports: Reports, *, folder: Path) -> None:
        self._database = database
        self._clock = clock
        self._reports = reports
        self._folder = folder

    def of(self, actor: Actor, report: str, form: Form) -> IO[bytes]:
        """A report's document, as a file that the caller closes. Raises NotFoundError, ConflictError for a broken template."""
        self._reports.read(actor, report)  # whether this person may
        return self._written(lambda session: self._reports.view(session, report), form)

    def of_scope(self, scope: Scope, form: Form, *, anew: bool = False) -> IO[bytes]:
        """The same with nothing filled in; `anew`: each row of the log counted, however long that takes."""
        return self._written(lambda session: self._reports.unfilled(session, scope, anew=anew), form)

    def template(self) -> Path:
        """The Word template in force, for whoever wants to edit it."""
        return template_of(self._folder)

    def _written(self, view: Callable[[Session], View], form: Form) -> IO[bytes]:
        now, zone = self._clock.now(), self._reports.zone
        with self._database.reading() as session:
            found = view(session)
            if form == "xlsx":
                return as_xlsx(session, found, zone=zone)
        said = content(found, now=now, zone=zone)
        file = tempfile.TemporaryFile(prefix="report-")  # noqa: SIM115  the caller closes it
        file.write(as_pdf(said, made_at=now) if form == "pdf" else as_docx(said, self.template()))
        file.seek(0)
        return file
