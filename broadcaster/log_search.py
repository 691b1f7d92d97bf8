"""Searching the as-run log, and writing what was found as a table: CSV or XLSX, a row at a time."""

import csv
import io
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

import xlsxwriter
from sqlalchemy import ColumnElement, String, cast, select
from sqlalchemy.orm import Session

from broadcaster import log_names
from broadcaster.errors import ConflictError
from broadcaster.storage.models import AsRun

_AT_ONCE = 1000
SHEET_ROWS = 1_048_575
"""Rows of a worksheet below its heading (ECMA-376)."""

COLUMNS: dict[str, tuple[str, str]] = {
    "seq": ("Số thứ tự", "Number"),
    "at": ("Lúc (giờ thiết bị)", "At (receiver's clock)"),
    "received_at": ("Đài nhận lúc", "Received at"),
    "due_at": ("Giờ phát", "Due"),
    "bulletin_title": ("Bản tin", "Bulletin"),
    "field": ("Lĩnh vực", "Field"),
    "programme": ("Chuyên mục", "Programme"),
    "campaign": ("Đợt tuyên truyền", "Campaign"),
    "content_group": ("Nhóm nội dung", "Content group"),
    "priority": ("Mức ưu tiên", "Priority"),
    "receiver_name": ("Thiết bị", "Receiver"),
    "receiver_id": ("Mã thiết bị", "Receiver id"),
    "receiver_kind": ("Loại thiết bị", "Kind of receiver"),
    "area_name": ("Địa bàn", "Area"),
    "state": ("Trạng thái", "State"),
    "reason": ("Lý do", "Reason"),
    "detail": ("Chi tiết", "Detail"),
    "duration_ms": ("Thời lượng (ms)", "Length (ms)"),
    "played_ms": ("Đã phát (ms)", "Played (ms)"),
    "clip_sha256": ("SHA-256 tệp âm thanh", "Clip SHA-256"),
    "airing_id": ("Mã lượt phát", "Airing"),
    "bulletin_id": ("Mã bản tin", "Bulletin id"),
    "drill": ("Diễn tập", "Drill"),
    "hash": ("Mã băm", "Hash"),
}


@dataclass(frozen=True)
class LogQuery:
    """What is looked for; what is None or empty is not asked. `area` means the area and all that was under it then."""

    since: datetime | None = None  # by the receiver's clock, from this instant
    until: datetime | None = None  # before this instant
    area: str | None = None
    receiver: str | None = None
    receiver_name: str | None = None  # part of it, as it was then, with marks and capitals or without
    bulletin: str | None = None
    title: str | None = None  # part of it, in the same way
    airing: str | None = None
    programme: str | None = None  # its id, and so below
    campaign: str | None = None
    states: tuple[str, ...] = ()
    within: frozenset[str] | None = None  # only what happened in these areas

    def conditions(self) -> list[ColumnElement[bool]]:
        """For a SELECT of the log."""
        found: list[ColumnElement[bool]] = []
        if self.since is not None:
            found.append(AsRun.at >= self.since)
        if self.until is not None:
            found.append(AsRun.at < self.until)
        if self.area is not None:
            # The line is kept as JSON text; identifiers hold no quotes, so a quoted one is found whole.
            within = cast(AsRun.area_line, String).contains(f'"{self.area}"', autoescape=True)
            found.append((AsRun.area_id == self.area) | within)
        if self.within is not None:
            found.append(AsRun.area_id.in_(self.within))
        if self.receiver_name:
            found.append(AsRun.receiver_name.in_(log_names.having("receiver", self.receiver_name)))
        if self.title:
            found.append(AsRun.bulletin_title.in_(log_names.having("title", self.title)))
        if self.states:
            found.append(AsRun.state.in_(self.states))
        for column, value in (
            (AsRun.receiver_id, self.receiver),
            (AsRun.bulletin_id, self.bulletin),
            (AsRun.airing_id, self.airing),
            (AsRun.programme_id, self.programme),
            (AsRun.campaign_id, self.campaign),
        ):
            if value is not None:
                found.append(column == value)
        return found


def page(session: Session, query: LogQuery, *, after: int, limit: int) -> list[AsRun]:
    """At most `limit` rows after the sequence number `after`, in order."""
    rows = select(AsRun).where(AsRun.seq > after, *query.conditions()).order_by(AsRun.seq).limit(limit)
    return list(session.scalars(rows))


def latest(session: Session, query: LogQuery, *, before: int | None = None, limit: int) -> list[AsRun]:
    """At most `limit` rows before the sequence number `before`, the newest first."""
    rows = select(AsRun).where(*query.conditions())
    if before is not None:
        rows = rows.where(AsRun.seq < before)
    return list(session.scalars(rows.order_by(AsRun.seq.desc()).limit(limit)))


def _rows(session: Session, query: LogQuery) -> Iterator[AsRun]:
    after = 0
    while found := page(session, query, after=after, limit=_AT_ONCE):
        yield from found
        after = found[-1].seq
        session.expunge_all()  # a year does not fit into memory


def _cells(row: AsRun, zone: ZoneInfo) -> Iterator[Any]:
    for name in COLUMNS:
        value = (row.evidence or {}).get("played_ms") if name == "played_ms" else getattr(row, name)
        yield value.astimezone(zone) if isinstance(value, datetime) else int(value) if value is True else value


def _headings(tongue: str) -> list[str]:
    return [en if tongue == "en" else vi for vi, en in COLUMNS.values()]


def _plain(cell: Any) -> str:
    text = "" if cell is None else cell.isoformat(timespec="milliseconds") if isinstance(cell, datetime) else str(cell)
    # A spreadsheet runs what begins so as a formula: a receiver's name is not to do that (OWASP, CSV injection).
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def as_csv(session: Session, query: LogQuery, *, zone: str, tongue: str) -> Iterator[str]:
    """The table in pieces, with a byte order mark, so that Excel reads it as UTF-8; instants in RFC 3339 with their offset."""
    local = ZoneInfo(zone)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(_headings(tongue))
    for number, row in enumerate(_rows(session, query), 1):
        writer.writerow(_plain(cell) for cell in _cells(row, local))
        if number % _AT_ONCE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def as_xlsx(session: Session, query: LogQuery, *, zone: str, tongue: str) -> IO[bytes]:
    """The table as a workbook in a temporary file, which the caller closes; instants are dates in the station's zone.

    Raises ConflictError for more rows than a worksheet has.
    """
    local = ZoneInfo(zone)
    file = tempfile.TemporaryFile(prefix="as-run-")  # noqa: SIM115  the caller closes it
    with tempfile.TemporaryDirectory(prefix="as-run-") as scratch:
        path = Path(scratch) / "log.xlsx"
        book = xlsxwriter.Workbook(
            path, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        instant = book.add_format({"num_format": "dd/mm/yyyy hh:mm:ss"})
        sheet = book.add_worksheet("Nhật ký" if tongue != "en" else "Log")
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(COLUMNS) - 1, 18)
        sheet.write_row(0, 0, _headings(tongue), book.add_format({"bold": True}))
        last = 0
        for last, row in enumerate(_rows(session, query), 1):
            if last > SHEET_ROWS:
                raise ConflictError(
                    "Quá nhiều dòng cho một bảng tính. Chọn khoảng thời gian ngắn hơn hoặc tải CSV.",
                    "More rows than a worksheet has. Choose a shorter time, or take the CSV.",
                )
            for column, cell in enumerate(_cells(row, local)):
                if isinstance(cell, datetime):
                    sheet.write_datetime(last, column, cell.replace(tzinfo=None), instant)
                elif isinstance(cell, int):
                    sheet.write_number(last, column, cell)
                elif cell is not None:
                    sheet.write_string(last, column, str(cell))
        sheet.autofilter(0, 0, max(last, 1), len(COLUMNS) - 1)
        book.close()
        with path.open("rb") as written:
            shutil.copyfileobj(written, file)
    file.seek(0)
    return file
