"""Pages of reports and of the as-run log: by plain form posts without JavaScript, then in Chromium."""

import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from docx import Document
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from broadcaster.campaigns import CampaignPlan
from broadcaster.storage.models import Area
from tests import year
from tests.browser import axe_violations, sideways, small_targets
from tests.integration.forms import hidden, refused, seen, sent
from tests.integration.serving import ServedStation

Visit = Callable[[str], httpx.Client]
NAME = "Nghị quyết số 57-NQ/TW"


@pytest.fixture(scope="module")
def logged(served: ServedStation) -> ServedStation:
    """Two communes, a campaign that is on, and a month of log that lies in the period of its report."""
    station = served.station
    with station.database.writing() as session:
        session.add(
            Area(id="xa-hai", name="Xã Tân Hưng", kind="commune", parent_id="tinh", valid_from=date(2025, 7, 1))
        )
    due_on = station.reports.deadline.next(station.today())
    mai = station.log_ins.log_in("mai", "mật khẩu của mai")[1]
    starts_on, _ = station.reports.deadline.period(due_on)
    plan = CampaignPlan(name=NAME, starts_on=starts_on, ends_on=due_on + timedelta(days=20))
    campaign = station.campaigns.save(mai, plan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(year, "CAMPAIGN", (campaign, NAME))
        year.write(station.database, station.signatory, year=due_on.year, days=30, receivers=6)
    return served


@pytest.fixture(scope="module")
def visit(logged: ServedStation) -> Visit:
    """Somebody's browser without JavaScript, logged in by the form."""
    return logged.visit


def _owed(page: str, area: str) -> dict[str, str]:
    """What the button that begins an area's report sends."""
    form = re.search(
        rf'<form method="post" action="/reports">(<input type="hidden" name="area" value="{area}">.*?)</form>', page
    )
    assert form is not None, area
    return {name: hidden(form[1], name) for name in ("area", "campaign", "starts_on", "ends_on")}


def _report(visit: Visit, area: str) -> str:
    """The path of the area's report, begun here or before."""
    page = seen(visit("mai"), "/reports")
    if f'name="area" value="{area}"><input type="hidden" name="campaign"' in page:
        answer = visit("mai").post("/reports", data=_owed(page, area))
        return answer.headers["location"].partition("?")[0]
    begun = visit("mai").post("/reports", data={**_figures_form(page), "area": area})
    return begun.headers["location"]


def _figures_form(page: str) -> dict[str, str]:
    """What the form of figures asks for unless something else is chosen."""
    form = page.split('action="/reports/figures"', 1)[1]
    chosen = re.findall(r'<option value="([^"]*)" selected>', form)
    dates = re.findall(r'name="(starts_on|ends_on)" type="date" value="([^"]*)"', form)
    return {"area": chosen[0], "campaign": chosen[1], **dict(dates)}


def test_a_report_is_begun_filled_in_submitted_and_opened_again(visit: Visit, logged: ServedStation) -> None:
    mai, hoa = visit("mai"), visit("hoa")
    board = seen(mai, "/reports")
    assert board.count("chưa lập") == 3  # the two communes and their province
    path = _report(visit, "xa")
    assert path == _report(visit, "xa")  # begun twice is begun once
    page = seen(mai, path)
    assert "Chưa điền gì" in page
    assert "Nộp báo cáo</button>" not in page  # an editor's is not to hand it in
    total = logged.as_person("mai").get(f"/api/v1{path}").json()["figures"]["total"]
    assert f'<dd class="big">{total["airings"]}</dd>' in page
    form = {
        "revision": hidden(seen(mai, f"{path}/form"), "revision"),
        "zalo": "1.250",
        "results": "Bà con biết dùng VNeID.",
    }
    page = refused(mai, f"{path}/form", 422, **form | {"zalo": "nhiều lắm"})
    assert 'value="nhiều lắm"' in page
    assert "Bà con biết dùng VNeID." in page
    refused(mai, f"{path}/form", 422, **form, other_name="Loa kéo", other_number="", other_unit="buổi")
    others = {"other_name": ["Loa kéo", ""], "other_number": ["12", ""], "other_unit": ["buổi", ""]}
    page = sent(
        mai, f"{path}/form", to=path, **form, **others, signer="Nguyễn Văn Thắng", recipients="UBND tỉnh\nĐảng ủy xã"
    )
    assert "1.250 bài đăng" in page
    assert "12 buổi" in page
    page = refused(mai, f"{path}/form", 409, **form | {"zalo": "7"})  # of a revision that is gone
    assert 'value="7"' in page
    assert hidden(page, "revision") == "2"
    refused(mai, f"{path}/submission", 403, revision="2")
    assert "Người khác vừa sửa" in refused(hoa, f"{path}/submission", 409, revision="1")
    page = sent(hoa, f"{path}/submission", to=path, revision="2")
    assert "Đã nộp: số liệu là của lúc nộp" in page
    assert mai.get(f"{path}/form").headers["location"] == path
    refused(hoa, f"{path}/reopening", 422, reason=" ")
    assert "Đã mở lại" in sent(hoa, f"{path}/reopening", to=path, reason="Thiếu số liệu Zalo")
    assert "Thiếu số liệu Zalo" in seen(hoa, "/audit?about=report")
    sent(hoa, f"{path}/submission", to=path, revision="4")
    files = {form: mai.get(f"{path}/document.{form}") for form in ("docx", "pdf", "xlsx")}
    assert 'filename="bao-cao-xa-20' in files["docx"].headers["content-disposition"]
    assert "Nguyễn Văn Thắng" in Document(io.BytesIO(files["docx"].content)).tables[-1].cell(0, 1).text
    assert "Nguyễn Văn Thắng" in PdfReader(io.BytesIO(files["pdf"].content)).pages[-1].extract_text()
    assert load_workbook(io.BytesIO(files["xlsx"].content))["Lượt phát"].max_row > 20


def test_the_board_tells_who_owes_and_the_province_sums_up(visit: Visit) -> None:
    mai, hoa = visit("mai"), visit("hoa")
    commune = _report(visit, "xa")
    if "đã nộp" not in seen(mai, commune).split("<dl", 1)[0]:
        revision = hidden(seen(mai, f"{commune}/form"), "revision")
        sent(mai, f"{commune}/form", to=commune, revision=revision, zalo="1250")
        sent(hoa, f"{commune}/submission", to=commune, revision=hidden(seen(hoa, commune), "revision"))
    page = seen(mai, "/reports?state=done")
    assert "Đúng hạn 1" in page
    assert "Xã Tân Hưng" not in page.split('id="board"', 1)[1].split("</section>", 1)[0]
    assert "Chưa nộp 2" in page
    assert "chưa có đợt tuyên truyền nào" in seen(mai, "/reports?year=2031")
    province = seen(mai, _report(visit, "tinh"))
    assert "Đã nộp 1/1" in province
    assert "1.250 bài đăng" in province.split("Cộng các báo cáo đã nộp", 1)[1]
    visitor = visit("viet")
    assert "Lập báo cáo</button>" not in seen(visitor, "/reports")
    refused(visitor, "/reports", 403, **_figures_form(seen(visitor, "/reports")))


def test_figures_of_any_place_and_period(visit: Visit) -> None:
    mai = visit("mai")
    usual = _figures_form(seen(mai, "/reports"))
    page = seen(mai, f"/reports/figures?{httpx.QueryParams(usual | {'area': 'xa'})}")
    assert NAME in page
    assert "Theo nhóm nội dung" in page
    village = usual | {"area": "thon-dong", "campaign": ""}
    assert "Mọi nội dung đã phát: Địa bàn thon-dong" in seen(mai, f"/reports/figures?{httpx.QueryParams(village)}")
    nothing = usual | {"starts_on": "2020-01-01", "ends_on": "2020-12-31"}
    assert "Nhật ký chưa có lượt phát nào như vậy" in seen(mai, f"/reports/figures?{httpx.QueryParams(nothing)}")
    wrong = mai.get("/reports/figures", params=usual | {"starts_on": "2027-01-01", "ends_on": "2026-01-01"})
    assert wrong.status_code == 422
    assert "Ngày cuối đứng trước ngày đầu" in wrong.text
    own = {"area": "xa", "campaign": "", "starts_on": "2026-01-01", "ends_on": "2026-03-31"}
    sent(mai, "/reports", to="/reports/", **own)
    assert "01/01/2026 – 31/03/2026" in seen(mai, "/reports")
    sheet = mai.get("/reports/figures/document.xlsx", params=usual | {"area": "xa"})
    assert load_workbook(io.BytesIO(sheet.content))["Lượt phát"].max_row > 20


def test_the_log_is_searched_leafed_through_and_exported_as_it_was_searched(visit: Visit) -> None:
    mai = visit("mai")
    page = seen(mai, "/log")
    assert page.count('href="/airings/') == 50
    found = re.search(r'href="(/log\?[^"]*before=[^"]+)"', page)
    assert found is not None
    older = seen(mai, found[1])
    numbers = [[int(seq) for seq in re.findall(r"<small>#(\d+)</small>", each)] for each in (page, older)]
    assert numbers[0] == sorted(numbers[0], reverse=True)
    assert max(numbers[1]) < min(numbers[0])
    asked = {
        "area": "thon-dong",
        "outcome": "ill",
        "receiver": "loa 2",
        "campaign": "",
        "title": "Bản tin",
        "since": "2020-01-01T00:00",
    }
    page = seen(mai, f"/log?{httpx.QueryParams(asked)}")
    states = set(re.findall(r'<span class="pill (\w+)">', page))
    assert states <= {"refused", "failed", "missed", "interrupted"}
    assert states
    assert "Cụm loa 4" not in page
    export = re.search(r'href="(/api/v1/as-run.csv\?[^"]+)"', page)
    assert export is not None
    lines = mai.get(export[1]).text.splitlines()
    assert "Thiết bị" in lines[0]
    assert len(lines) - 1 >= len(re.findall(r"<small>#", page))
    assert all("Cụm loa 2" in line for line in lines[1:])
    assert "Không có dòng nào như vậy" in seen(mai, "/log?receiver=khong-co")
    assert "Chọn ngày và giờ" in mai.get("/log?since=mai").text


def _log_in(browser: Browser, served: ServedStation, *, tongue: str, width: int, scheme: str) -> tuple[Page, list[str]]:
    context = browser.new_context(
        base_url=served.base,
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"/login?lang={tongue}")
    page.fill("#username", "hoa")
    page.fill("#password", "mật khẩu của hoa")
    page.press("#password", "Enter")
    page.wait_for_url("**/operations")
    return page, said


@pytest.mark.parametrize(("tongue", "width", "scheme"), [("vi", 1366, "light"), ("en", 320, "dark")])
def test_the_yearly_report_takes_three_clicks_and_every_page_is_fit_for_everybody(
    *, logged: ServedStation, visit: Visit, browser: Browser, tmp_path: Path, tongue: str, width: int, scheme: str
) -> None:
    path = _report(visit, "xa")
    words = ("Báo cáo", "Xem số liệu") if tongue == "vi" else ("Reports", "Show the figures")
    found: list[str] = []
    page, said = _log_in(browser, logged, tongue=tongue, width=width, scheme=scheme)
    if width < 900:
        page.goto("/operations#menu")  # on a phone the menu is opened first
    page.locator("#menu").get_by_role("link", name=words[0], exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words[0])
    page.get_by_role("button", name=words[1]).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)
    with page.expect_download() as download:
        page.get_by_role("link", name="DOCX").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert Document(str(file)).tables
    report = f"{path}/form" if "đã nộp" not in seen(visit("mai"), path).split("<dl", 1)[0] else path
    for address in ("/reports", page.url, path, report, "/log"):
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        faults = [*axe_violations(page), *small_targets(page), *(["sideways"] if sideways(page) > 0 else [])]
        found += [f"{address}: {fault}" for fault in faults]
    page.context.close()
    assert not [*found, *said], "\n".join([*found, *said])
