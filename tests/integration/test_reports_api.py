"""Reports over real HTTP, and by the command line beside the running station."""

import io
import json
import threading
from datetime import date
from pathlib import Path

import pytest
from docx import Document
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import select
from typer.testing import CliRunner

from broadcaster.cli.main import app
from broadcaster.reports import beside, kept
from broadcaster.settings import Settings
from broadcaster.station import Core
from broadcaster.storage.models import Report
from tests import year
from tests.brokers import free_port, wait_for
from tests.held import WAIT_S, Held
from tests.integration.serving import ServedStation, serving

PERIOD = {"starts_on": "2026-01-01", "ends_on": "2026-12-31"}


@pytest.fixture(scope="module")
def logged(served: ServedStation) -> ServedStation:
    """A month of log behind the running station's back."""
    year.write(served.station.database, served.station.signatory, days=30, receivers=6)
    return served


def test_a_report_from_its_beginning_to_its_documents(logged: ServedStation) -> None:
    editor, approver = logged.as_person("mai"), logged.as_person("hoa")
    answer = editor.post("/api/v1/reports", json={"area": "xa", **PERIOD})
    assert answer.status_code == 201, answer.text
    path, report = answer.headers["location"], answer.json()
    assert report["figures"]["total"]["airings"] > 20
    assert report["figures"] == editor.get("/api/v1/reports/figures", params={"area": "xa", **PERIOD}).json()
    assert report["area_names"] == {"thon-dong": "Địa bàn thon-dong", "xa": "Địa bàn xa"}
    filled = {"channels": {"zalo": 98}, "signer": "Nguyễn Văn Thắng"}
    assert editor.put(f"{path}/filled", json={"revision": 1, "filled": filled}).json() == {"revision": 2}
    assert editor.put(f"{path}/filled", json={"revision": 1, "filled": filled}).status_code == 409
    assert editor.put(f"{path}/filled", json={"revision": 2, "filled": {"fax": 1}}).status_code == 422
    assert editor.post(f"{path}/submission", json={"revision": 2}).status_code == 403
    assert approver.post(f"{path}/submission", json={"revision": 2}).json() == {"revision": 3}
    assert editor.get("/api/v1/reports").json()[0]["state"] == "submitted"
    files = {form: approver.get(f"{path}/document.{form}").content for form in ("docx", "pdf", "xlsx")}
    assert any("Nguyễn Văn Thắng" in cell.text for cell in Document(io.BytesIO(files["docx"])).tables[-1].rows[0].cells)
    assert "Nguyễn Văn Thắng" in PdfReader(io.BytesIO(files["pdf"])).pages[-1].extract_text()
    assert load_workbook(io.BytesIO(files["xlsx"]))["Lượt phát"].max_row > 20
    assert approver.get(f"{path}/document.odt").status_code == 422
    assert approver.post(f"{path}/reopening", json={"reason": "Thiếu số liệu"}).json() == {"revision": 4}
    assert logged.anonymous().get(f"{path}/document.pdf").status_code == 401


def test_what_is_still_being_counted_is_asked_for_again(logged: ServedStation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "PAGE_S", 0.2)
    editor, approver = logged.as_person("mai"), logged.as_person("hoa")
    with monkeypatch.context() as patch:
        held = Held(patch)
        answer = editor.post("/api/v1/reports", json={"area": "xa", **PERIOD, "starts_on": "2025-12-01"})
        assert (answer.status_code, answer.json()["figures"]) == (201, None)  # it is begun, once
        path = answer.headers["location"]
        held.reached()
        asked = [
            lambda: editor.get(path),
            lambda: editor.get("/api/v1/reports/figures", params={"area": "xa", **PERIOD}),
            lambda: editor.get(f"{path}/document.docx"),
            lambda: editor.get(f"{path}/document.xlsx"),
            lambda: approver.post(f"{path}/submission", json={"revision": 1}),
        ]
        for ask in asked:
            answer = ask()
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3"), answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            (error,) = answer.json()["errors"]
            assert 0 <= error["done"] <= error["of"]
        assert "handed in with them" in answer.json()["detail"]
        assert editor.get("/api/v1/reports").json()[0]["state"] == "draft"
        held.let_go()
        for ask in asked:
            wait_for(lambda ask=ask: ask().status_code == 200, WAIT_S)  # type: ignore[misc]  # of this turn
    assert approver.post(f"{path}/submission", json={"revision": 1}).json() == {"revision": 2}
    assert editor.get(path).json()["state"] == "submitted"


def test_a_station_stops_at_once_while_reports_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "PAGE_S", 0.2)
    monkeypatch.setattr(kept, "READ_AT_A_LOOK", -1)  # it would wait until enough of the log is kept
    settings = Settings(folder=tmp_path, port=free_port(), broker_port=free_port(), engines=("espeak",))
    before = set(threading.enumerate())
    with serving(settings) as station:
        path = station.as_person("mai").post("/api/v1/reports", json={"area": "xa", **PERIOD}).headers["location"]
        assert station.as_person("hoa").post(f"{path}/submission", json={"revision": 1}).status_code == 503
        assert station.as_person("mai").get(f"{path}/document.xlsx").status_code == 503
    names = {thread.name.partition("_")[0] for thread in set(threading.enumerate()) - before}
    assert not names & {"counting", "handing-in", "documents"}
    core = Core(settings)
    try:
        with core.database.reading() as session:
            assert [row.state for row in session.scalars(select(Report))] == ["draft"]
    finally:
        core.close()


def test_who_owes_a_report_is_told(logged: ServedStation) -> None:
    editor = logged.as_person("mai")
    plan = {"name": "Nghị quyết 57", "starts_on": "2026-01-01", "ends_on": "2030-12-31"}
    assert editor.post("/api/v1/campaigns", json=plan).status_code == 201
    (owed,) = editor.get("/api/v1/reports/board").json()
    assert (owed["area"], owed["campaign_name"], owed["state"]) == ("xa", "Nghị quyết 57", "missing")
    assert date.fromisoformat(owed["due_on"]).strftime("%m-%d") == "12-10"
    body = {"area": "xa", "campaign": owed["campaign"], "due_on": owed["due_on"]}
    assert editor.post("/api/v1/reports", json=body).status_code == 201
    assert editor.get("/api/v1/reports/board", params={"year": owed["due_on"][:4]}).json()[0]["state"] == "draft"
    pressing = editor.get("/api/v1/reports/reminders").json()
    assert [each["due_on"] for each in pressing] == [owed["due_on"]] * (owed["days"] <= 30)
    template = editor.get("/api/v1/reports/template.docx")
    assert "{{ agency }}" in Document(io.BytesIO(template.content)).tables[0].cell(0, 0).text


def test_the_command_line_writes_the_same_figures(logged: ServedStation, tmp_path: Path) -> None:
    out, folder = tmp_path / "figures.json", str(logged.station.settings.folder)
    arguments = ["report", "--area", "xa", "--from", "2026-01-01", "--to", "2026-12-31", "--folder", folder, "-o"]
    done = CliRunner().invoke(app, [*arguments, str(out)])
    assert done.exit_code == 0, done.output
    client = logged.as_person("mai")
    assert json.loads(out.read_bytes()) == client.get("/api/v1/reports/figures", params={"area": "xa", **PERIOD}).json()
    assert CliRunner().invoke(app, [*arguments, str(tmp_path / "report.pdf")]).exit_code == 0
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert CliRunner().invoke(app, [*arguments, str(tmp_path / "report.odt")]).exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures.json", "report.pdf"]
