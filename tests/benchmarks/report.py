"""The figures of a yearly report over 100,000 rows of the log.

The limit is the raw scan: the same rows fetched whole by the driver and thrown away, in the same run. Besides: keeping what the log says of each
airing, a look at the figures from that; figures, Word, PDF and workbook together in at most 10 s.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from broadcaster.identity import Signatory
from broadcaster.reports import kept
from broadcaster.reports.annex import as_xlsx
from broadcaster.reports.content import content
from broadcaster.reports.deadlines import Deadline
from broadcaster.reports.desk import Reports
from broadcaster.reports.figures import Scope, figures_of, measure
from broadcaster.reports.kept import Keeper
from broadcaster.reports.pdf import as_pdf
from broadcaster.reports.word import as_docx, template_of
from broadcaster.storage.database import Database
from devices.wire.signing import SigningKey
from tests import year
from tests.benchmarks.result import Result
from tests.conftest import SteppedClock

ZONE = "Asia/Ho_Chi_Minh"
ROWS = 100_000
SCOPE = Scope(date(2025, 12, 11), date(2026, 12, 31), area="xa")


@dataclass(frozen=True)
class ReportResult(Result):
    """Also all documents of the report together, with a bound of their own."""

    rows: int
    keeping_s: float  # CPU, once for each row of the log
    look_s: float  # CPU, the figures from what is kept
    documents_s: float

    @property
    def ok(self) -> bool:
        """Whether both bounds are kept."""
        return super().ok and self.documents_s <= 10


def _best(work: Callable[[], object], times: int = 3) -> float:
    """CPU seconds of the fastest of a few runs."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def run() -> Result:
    """A year of a commune with 24 receivers and three airings a day."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder}/station.db")
        database.migrate()
        rows = year.write(database, Signatory("s", SigningKey.generate()), receivers=24, airings=4)
        if rows < ROWS:
            raise AssertionError(f"only {rows} rows")
        raw = database.engine.raw_connection()

        def scan() -> None:
            cursor = raw.cursor()
            cursor.execute("SELECT * FROM as_run")
            while cursor.fetchmany(2000):
                pass
            cursor.close()

        def figures() -> None:
            with database.reading() as session:
                if not measure(session, SCOPE, zone=ZONE).total.airings:
                    raise AssertionError("nothing was counted")

        def looked_at() -> None:
            with database.reading() as session:
                if figures_of(session, kept.airings(session, SCOPE, zone=ZONE), zone=ZONE) != measured:
                    raise AssertionError("what is kept is not what the log says")

        limit, value = _best(scan), _best(figures)
        with database.reading() as session:
            measured = measure(session, SCOPE, zone=ZONE)
        began = time.process_time()
        while Keeper(database).step():
            pass
        keeping, look = time.process_time() - began, _best(looked_at)
        raw.close()
        now = datetime(2026, 12, 31, tzinfo=UTC)
        began = time.perf_counter()
        with database.reading() as session:
            reports = Reports(database, SteppedClock(now), zone=ZONE, deadline=Deadline(12, 10))
            view = reports.unfilled(SCOPE, figures_of(session, kept.airings(session, SCOPE, zone=ZONE), zone=ZONE))
            said = content(view, now=now, zone=ZONE)
            as_xlsx(view, kept.airings(session, SCOPE, zone=ZONE, last=view.figures.log_rows), zone=ZONE).close()
            as_docx(said, template_of(folder))
            as_pdf(said, made_at=now)
        documents = time.perf_counter() - began
        database.close()
    return ReportResult(
        name="report",
        value=value,
        unit="CPU s for the figures of a year",
        limit=limit,
        goal="<= 2",
        rows=rows,
        keeping_s=round(keeping, 2),
        look_s=round(look, 3),
        documents_s=round(documents, 2),
    )
