"""A report as a file: Word, PDF, or the workbook that is its annex."""

import tempfile
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import IO, Literal

from broadcaster.clock import Clock
from broadcaster.people import Actor, Right
from broadcaster.reports import figures, kept
from broadcaster.reports.annex import as_xlsx
from broadcaster.reports.beside import Beside, Progress
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
    """Writes reports down, beside whoever waits. The airings of an annex are those of its figures: the log's up to the row that they name."""

    def __init__(self, database: Database, clock: Clock, reports: Reports, *, folder: Path) -> None:
        self._database = database
        self._clock = clock
        self._reports = reports
        self._folder = folder
        self._writing = Beside[IO[bytes]](clock, name="documents", threads=4, drop=lambda file: file.close())

    def of(self, actor: Actor, report: str, form: Form, *, wait_s: float | None = None) -> IO[bytes]:
        """A report's document, as a file that the caller closes.

        Raises NotFoundError, ConflictError for a broken template, CountingError while it is being written: asked for again, it is there.
        """
        row = self._reports.read(actor, report)  # whether this person may

        def view(progress: Progress) -> View:
            return self._reports.view(report, count=lambda scope: self._reports.counting.awaited(scope, progress))

        return self._written((actor.id, report, row.revision, form), view, form, wait_s)

    def of_scope(self, actor: Actor, scope: Scope, form: Form, *, wait_s: float | None = None) -> IO[bytes]:
        """The same with nothing filled in."""
        actor.need(Right.READ, scope.area)

        def view(progress: Progress) -> View:
            return self._reports.unfilled(scope, self._reports.counting.awaited(scope, progress))

        return self._written((actor.id, scope, form), view, form, wait_s)

    def from_log(self, scope: Scope, form: Form) -> IO[bytes]:
        """The same from the log alone, each row of it counted anew, however long that takes."""
        zone = self._reports.zone
        with self._database.reading() as session:
            view = self._reports.unfilled(scope, figures.measure(session, scope, zone=zone))
            if form != "xlsx":
                return self._said(view, form)
            return as_xlsx(view, figures.airings(session, scope, zone=zone), zone=zone)

    def template(self) -> Path:
        """The Word template in force, for whoever wants to edit it."""
        return template_of(self._folder)

    def close(self) -> None:
        """Stop what is being written."""
        self._writing.close()

    def _written(self, name: Hashable, view: Callable[[Progress], View], form: Form, wait_s: float | None) -> IO[bytes]:
        def write(progress: Progress) -> IO[bytes]:
            if form != "xlsx":
                return self._said(view(progress), form)
            progress.part(0, 2)
            found = view(progress)
            total, last, zone = found.figures.total, found.figures.log_rows, self._reports.zone
            progress.part(1, 2)
            progress.at(0, total.airings + total.unproved)
            with self._database.reading() as session:
                airings = kept.airings(session, found.scope, zone=zone, last=last)
                return as_xlsx(found, progress.over(airings), zone=zone)

        while True:
            file = self._writing.outcome(name, wait_s=wait_s)
            if file is not None:
                return file
            self._writing.begin(name, write)

    def _said(self, view: View, form: Form) -> IO[bytes]:
        now = self._clock.now()
        said = content(view, now=now, zone=self._reports.zone)
        file = tempfile.TemporaryFile(prefix="report-")  # noqa: SIM115  the caller closes it
        file.write(as_pdf(said, made_at=now) if form == "pdf" else as_docx(said, self.template()))
        file.seek(0)
        return file
