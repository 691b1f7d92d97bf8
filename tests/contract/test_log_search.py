"""The log is searched and written as tables, on both databases."""

import csv
import io
import unicodedata
from datetime import datetime, timedelta

import openpyxl
import pytest

from broadcaster import asrun
from broadcaster.log_search import COLUMNS, LogQuery, as_csv, as_xlsx, latest, page
from broadcaster.storage.models import AsRun
from devices.links.port import Delivery
from devices.wire.messages import Evidence, ReceiptState
from tests.commune import ZONE, Commune
from tests.contract.test_planning import _once

ACTIONS = 6  # of people, who wrote, submitted and released the two: they stand before the receivers' rows in the chain


@pytest.fixture
def logged(commune: Commune) -> Commune:
    """Two bulletins, each received, one also played, by two loudspeakers."""
    for title in ("Chuyển đổi số", "=HYPERLINK(1)"):
        commune.released(_once(commune, hours=1), title=title)
        commune.planner.run()
    for number, order in enumerate(commune.orders(), 1):
        for name in ("loa-dong", "loa-doai"):
            commune.clock.move(minutes=1)
            receipts = [commune.receipt(name, order.id, ReceiptState.RECEIVED, number=2 * number)]
            if number == 1:
                played = commune.receipt(name, order.id, ReceiptState.FINISHED, number=2 * number + 1)
                receipts.append(played.model_copy(update={"evidence": Evidence(played_ms=20_000)}))
            commune.ingestion.take([Delivery(*commune.message(name, *receipts))])
    return commune


def _found(commune: Commune, query: LogQuery) -> list[int]:
    with commune.database.reading() as session:
        return [row.seq - ACTIONS for row in page(session, query, after=0, limit=100)]


def test_the_log_is_found_by_time_area_receiver_bulletin_and_state(logged: Commune) -> None:
    everything = _found(logged, LogQuery())
    assert everything == [1, 2, 3, 4, 5, 6]
    assert _found(logged, LogQuery(area="tinh")) == everything
    assert _found(logged, LogQuery(area="thon-dong")) == [1, 2, 5]
    assert _found(logged, LogQuery(area="thon")) == []
    assert _found(logged, LogQuery(receiver="loa-doai", states=("finished",))) == [4]
    assert _found(logged, LogQuery(title="=HYPER")) == [5, 6]
    assert (
        _found(logged, LogQuery(receiver_name="oa-doa")) == _found(logged, LogQuery(receiver="loa-doai")) == [3, 4, 6]
    )
    with logged.database.reading() as session:
        newest = [row.seq - ACTIONS for row in latest(session, LogQuery(area="thon-dong"), before=ACTIONS + 5, limit=9)]
    assert newest == [2, 1]
    assert _found(logged, LogQuery(title="%")) == []
    assert _found(logged, LogQuery(title="tin")) == []
    with logged.database.reading() as session:
        (first, *_) = page(session, LogQuery(), after=0, limit=1)
    assert (first.bulletin_id is not None, first.field, first.area_line) == (
        True,
        "chuyển đổi số",
        ["tinh", "xa", "thon-dong"],
    )
    assert _found(logged, LogQuery(bulletin=first.bulletin_id)) == [1, 2, 3, 4]
    assert _found(logged, LogQuery(since=first.at + timedelta(seconds=1), until=logged.clock.now())) == [3, 4, 5]


def test_titles_and_receivers_are_found_without_marks_and_capitals_too(logged: Commune) -> None:
    for typed in ("chuyen doi so", "Chuyển  ĐỔI", unicodedata.normalize("NFD", "đổi số")):
        assert _found(logged, LogQuery(title=typed)) == [1, 2, 3, 4]
    with logged.database.reading() as session:
        first = page(session, LogQuery(), after=0, limit=1)[0]
        row = {column.key: getattr(first, column.key) for column in AsRun.__table__.columns}
    renamed = {"bulletin_title": "Tiêm chủng", "receiver_name": "Cụm loa Đình Đông"}
    with logged.database.writing() as session:
        rows = [{**row, **renamed, "receipt_id": f"another-{number}"} for number in range(2)]
        asrun.append(session, rows, signatory=logged.signatory, now=logged.clock.now())
    assert _found(logged, LogQuery(receiver_name="dinh dong", title="TIEM")) == [7, 8]
    assert _found(logged, LogQuery(receiver_name="đình", title="chuyen doi so")) == []


def test_tables_hold_the_rows_in_local_time_and_run_no_formula(logged: Commune) -> None:
    with logged.database.reading() as session:
        text = "".join(as_csv(session, LogQuery(), zone=ZONE, tongue="vi"))
        with as_xlsx(session, LogQuery(), zone=ZONE, tongue="en") as file:
            sheet = openpyxl.load_workbook(file).active
    assert text.startswith("\ufeff")
    heading, *rows = csv.reader(io.StringIO(text[1:]))
    assert heading[:2] == ["Số thứ tự", "Lúc (giờ thiết bị)"]
    cells = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    assert [row["seq"] for row in cells] == [str(ACTIONS + number) for number in range(1, 7)]
    assert [row["played_ms"] for row in cells] == ["", "20000", "", "20000", "", ""]
    assert cells[0]["at"].endswith("+07:00")
    assert cells[4]["bulletin_title"] == "'=HYPERLINK(1)"
    assert sheet is not None
    table = list(sheet.iter_rows(values_only=True))
    assert table[0][:2] == ("Number", "At (receiver's clock)")
    assert len(table) == 7
    assert table[1][1] == datetime.fromisoformat(cells[0]["at"]).replace(tzinfo=None)
    assert table[5][list(COLUMNS).index("bulletin_title")] == "=HYPERLINK(1)"
    assert sheet.cell(6, list(COLUMNS).index("bulletin_title") + 1).data_type == "s"
