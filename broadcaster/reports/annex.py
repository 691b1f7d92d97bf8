"""The annex of a report as a workbook: the figures as numbers, and every airing that they come from, written as it is read."""

import tempfile
from collections.abc import Iterable, Sequence
from typing import IO, Any
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from broadcaster.log_search import SHEET_ROWS
from broadcaster.reports.content import OUTCOMES
from broadcaster.reports.desk import View
from broadcaster.reports.figures import Aired, Part

_PARTS = ("Bản tin", "Lượt phát", "Thời lượng", "Thiết bị", "Thời lượng trên các thiết bị")
_AIRINGS = ("Giờ phát", "Bản tin", "Chuyên mục", "Nhóm nội dung", "Lĩnh vực", "Mức ưu tiên", "Thời lượng", "Phát trọn vẹn", "Đã trả lời", "Mã lượt phát")  # fmt: skip
_PRIORITIES = {"routine": "Thông thường", "priority": "Ưu tiên", "emergency": "Khẩn cấp"}
_DAY_MS = 86_400_000


class _Book:
    def __init__(self, file: IO[bytes], scratch: str) -> None:
        # Rows go to the disk as they are written: a province's year does not fit into memory.
        plain = {"strings_to_formulas": False, "strings_to_urls": False}
        self.book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": scratch, **plain})
        base = {"font_name": "Times New Roman", "font_size": 12}
        self.plain = self.book.add_format(base)
        self.bold = self.book.add_format({**base, "bold": True, "text_wrap": True, "valign": "vcenter"})
        self.length = self.book.add_format({**base, "num_format": "[h]:mm:ss"})
        self.instant = self.book.add_format({**base, "num_format": "dd/mm/yyyy hh:mm:ss"})

    def sheet(self, name: str, heads: Sequence[str], widths: Sequence[int]) -> Worksheet:
        """An empty sheet with its heading, for one page's width on paper."""
        made = self.book.add_worksheet(name)
        made.set_paper(9)
        made.set_landscape()
        made.fit_to_pages(1, 0)
        made.repeat_rows(0)
        made.freeze_panes(1, 0)
        for column, width in enumerate(widths):
            made.set_column(column, column, width)
        made.write_row(0, 0, heads, self.bold)
        return made

    def write(self, sheet: Worksheet, row: int, cells: Iterable[Any]) -> None:
        """Numbers as numbers, lengths (`timedelta`-like tuples of milliseconds) as days, so that they can be added up."""
        for column, cell in enumerate(cells):
            if isinstance(cell, tuple):
                sheet.write_number(row, column, cell[0] / _DAY_MS, self.length)
            elif isinstance(cell, int):
                sheet.write_number(row, column, cell, self.plain)
            elif isinstance(cell, str):
                sheet.write_string(row, column, cell, self.plain)
            else:
                sheet.write_datetime(row, column, cell.replace(tzinfo=None), self.instant)


def as_xlsx(view: View, airings: Iterable[Aired], *, zone: str) -> IO[bytes]:
    """The workbook in a temporary file, which the caller closes. Airings beyond a worksheet's rows go on in further sheets."""
    file = tempfile.TemporaryFile(prefix="report-")  # noqa: SIM115  the caller closes it
    try:
        with tempfile.TemporaryDirectory(prefix="report-") as scratch:
            book = _Book(file, scratch)
            try:
                _write(book, view, airings, ZoneInfo(zone))
            finally:
                book.book.close()  # what it has put on the disk, too
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _write(book: _Book, view: View, airings: Iterable[Aired], zone: ZoneInfo) -> None:
    _totals(book, view)
    for name, parts, names in (
        ("Nhóm nội dung", view.figures.by_group, {"": "Không thuộc nhóm nào"}),
        ("Chuyên mục", view.figures.by_programme, {"": "Ngoài chuyên mục"}),
        ("Địa bàn", view.figures.by_area, view.areas),
        ("Tháng", view.figures.by_month, {}),
    ):
        _parts(book, name, parts, names)
    listed, total = _airings(book, airings, zone), view.figures.total
    if listed != (total.airings, total.unproved):
        _note(book, listed, (total.airings, total.unproved))


def _totals(book: _Book, view: View) -> None:
    total = view.figures.total
    sheet = book.sheet("Tổng hợp", ("Chỉ tiêu", "Kết quả"), (55, 24))
    lines: list[tuple[str, Any]] = [
        ("Từ ngày", f"{view.scope.starts_on:%d/%m/%Y}"),
        ("Đến ngày", f"{view.scope.ends_on:%d/%m/%Y}"),
        ("Địa bàn", view.area.name if view.area else "Tất cả"),
        ("Đợt tuyên truyền", view.campaign or "Tất cả"),
        ("Bản tin đã phát", total.bulletins),
        ("Lượt phát", total.airings),
        ("Lượt phát chưa thiết bị nào xác nhận phát trọn vẹn", total.unproved),
        ("Tổng thời lượng phát sóng", (total.airtime_ms,)),
        ("Tổng thời lượng phát trên các thiết bị", (total.played_ms,)),
        ("Thiết bị xác nhận đã phát", total.receivers),
        ("Trong đó: cụm loa", total.loudspeakers),
        ("Trong đó: màn hình LED", total.screens),
        *((f"Lượt thiết bị: {OUTCOMES.get(name, name)}", number) for name, number in total.outcomes.items()),
        ("Nhật ký phát sóng đến dòng", view.figures.log_rows),
        ("Mã băm của dòng đó", view.figures.log_hash),
    ]
    for row, line in enumerate(lines, 1):
        book.write(sheet, row, line)


def _parts(book: _Book, name: str, parts: Iterable[Part], names: dict[str, str]) -> None:
    sheet = book.sheet(name, (name, *_PARTS), (55, 12, 12, 16, 12, 24))
    for row, part in enumerate(parts, 1):
        tally = part.tally
        cells = (tally.bulletins, tally.airings, (tally.airtime_ms,), tally.receivers, (tally.played_ms,))
        book.write(sheet, row, (names.get(part.key, part.key), *cells))


def _note(book: _Book, listed: tuple[int, int], submitted: tuple[int, int]) -> None:
    """Rows that left the log for an archive are in what was submitted, but no longer here to be listed."""
    sheet = book.sheet("Ghi chú", ("Lượt phát", "Trong số liệu", "Còn liệt kê được"), (60, 18, 18))
    names = ("Có thiết bị xác nhận phát trọn vẹn", "Chưa thiết bị nào xác nhận phát trọn vẹn")
    for row, line in enumerate(zip(names, submitted, listed, strict=True), 1):
        book.write(sheet, row, line)
    book.write(sheet, 4, ("Phần nhật ký đã đưa vào lưu trữ không còn liệt kê ở đây; số liệu giữ nguyên như đã nộp.",))


def _airings(book: _Book, airings: Iterable[Aired], zone: ZoneInfo) -> tuple[int, int]:
    """How many were listed: played whole by some receiver, and the others."""
    whole = others = 0
    widths = (22, 50, 22, 40, 22, 16, 14, 14, 14, 40)
    sheets, row = 0, SHEET_ROWS
    for aired in airings:
        if row == SHEET_ROWS:
            sheets, row = sheets + 1, 0
            sheet = book.sheet("Lượt phát" if sheets == 1 else f"Lượt phát {sheets}", _AIRINGS, widths)
        row += 1
        cells = (
            *(aired.due_at.astimezone(zone), aired.title or "", aired.programme or "", aired.group or ""),
            *(aired.field or "", _PRIORITIES.get(aired.priority or "", "")),
            *((aired.duration_ms,), aired.finished, aired.answered, aired.id),
        )
        book.write(sheet, row, cells)
        whole, others = (whole + 1, others) if aired.finished else (whole, others + 1)
    return whole, others
