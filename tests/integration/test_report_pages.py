"""Pages of reports and of the as-run log: two people at one report and who owes one, by plain form posts; then all of them in Chromium."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from docx import Document
from playwright.sync_api import Browser, Page, expect

from broadcaster.campaigns import CampaignPlan
from broadcaster.reports import beside, counting, kept
from broadcaster.storage.models import Area
from tests import year
from tests.brokers import wait_for
from tests.browser import axe_violations, sideways, small_targets
from tests.held import WAIT_S, Held
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


def _begun(logged: ServedStation, period: tuple[date, date]) -> str:
    """A report of a period of one's own."""
    mai = logged.station.log_ins.log_in("mai", "mật khẩu của mai")[1]
    return logged.station.reports.begin(mai, area="xa", period=period)


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


def test_two_who_fill_in_or_hand_in_are_told_of_each_other(visit: Visit) -> None:
    mai, hoa = visit("mai"), visit("hoa")
    path = _report(visit, "xa")
    assert path == _report(visit, "xa")  # begun twice is begun once
    form = {"revision": hidden(seen(mai, f"{path}/form"), "revision"), "zalo": "1.250"}
    sent(mai, f"{path}/form", to=path, **form)
    page = refused(mai, f"{path}/form", 409, **form | {"zalo": "7"})  # of a revision that is gone
    assert 'value="7"' in page
    assert hidden(page, "revision") == "2"
    refused(mai, f"{path}/submission", 403, revision="2")
    assert "Người khác vừa sửa" in refused(hoa, f"{path}/submission", 409, revision="1")
    sent(hoa, f"{path}/submission", to=path, revision="2")
    assert mai.get(f"{path}/form").headers["location"] == path
    sent(hoa, f"{path}/reopening", to=path, reason="Thiếu số liệu Zalo")
    assert "Thiếu số liệu Zalo" in seen(hoa, "/audit?about=report")
    sent(hoa, f"{path}/submission", to=path, revision="4")
    name = mai.get(f"{path}/document.docx").headers["content-disposition"]
    assert 'filename="bao-cao-xa-20' in name


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


def test_a_page_says_that_figures_are_still_counted_and_loads_itself_again(
    logged: ServedStation, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "AGAIN_S", 0.05)
    monkeypatch.setattr(beside, "PAGE_S", 0.2)
    mai, hoa = visit("mai"), visit("hoa")
    period = (date(2026, 1, 1), date(2026, 12, 31))
    report = f"/reports/{_begun(logged, period)}"
    figures = "/reports/figures{}?area=xa&starts_on=2026-01-01&ends_on=2026-12-31"
    with monkeypatch.context() as patch:
        patch.setattr(kept, "READ_AT_A_LOOK", -1)  # whatever is kept, it is too little
        for path, title in (
            (figures.format(""), "Xem số liệu"),
            (report, "Đang tổng hợp số liệu"),
            (figures.format("/document.pdf"), "Đang lập tệp"),
            (f"{report}/document.xlsx", "Đang lập tệp"),
        ):
            answer = mai.get(path)
            assert (answer.status_code, answer.headers["Refresh"]) == (503, "3"), path
            assert f"<title>{title}" in answer.text
            assert "Trang này tự tải lại" in answer.text
            assert "<progress" in answer.text
        answer = hoa.post(f"{report}/submission", data={"revision": "1"})
        assert answer.status_code == 303
        its_page = answer.headers["Location"]
        assert hoa.get(report).headers["Location"] == its_page
        answer = hoa.get(its_page)
        assert (answer.status_code, answer.headers["Refresh"]) == (503, "3")
        assert "<title>Đang nộp báo cáo" in answer.text
        assert "kể cả khi bạn rời trang này" in answer.text
        assert "Đang tổng hợp số liệu" in mai.get(report).text  # somebody else only looks
    # By itself, and whoever reloads the page is told.
    wait_for(lambda: hoa.get(its_page).status_code != 503, WAIT_S)
    wait_for(lambda: mai.get(report).status_code == 200, WAIT_S)
    page = seen(hoa, report)
    assert "đã nộp" in page.split("<dl", 1)[0]
    assert 'action="/reports' + report[8:] + '/reopening"' in page
    assert "Refresh" not in mai.get(report).headers
    wait_for(lambda: mai.get(f"{report}/document.xlsx").status_code == 200, WAIT_S)
    wait_for(lambda: mai.get(figures.format("/document.pdf")).content.startswith(b"%PDF"), WAIT_S)


def test_who_hands_in_what_somebody_changes_meanwhile_is_told_at_the_next_reload(
    logged: ServedStation, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    mai, hoa = visit("mai"), visit("hoa")
    report = f"/reports/{_begun(logged, (date(2026, 1, 2), date(2040, 12, 31)))}"
    form = {"revision": hidden(seen(mai, f"{report}/form"), "revision"), "zalo": "1.250"}
    told: list[httpx.Response] = []
    with monkeypatch.context() as patch:
        patch.setattr(beside, "PAGE_S", 0.2)
        held = Held(patch, at=3)
        its_page = hoa.post(f"{report}/submission", data={"revision": "1"}).headers["Location"]
        held.reached()
        assert mai.post(f"{report}/form", data=form).status_code == 303
        held.let_go()
        wait_for(lambda: (found := hoa.get(its_page)).status_code != 503 and told.append(found) is None, WAIT_S)
    (answer,) = told
    assert answer.status_code == 409
    assert "Người khác vừa sửa" in answer.text
    wait_for(lambda: hoa.get(its_page).status_code == 200, WAIT_S)
    page = seen(hoa, its_page)  # once
    assert 'class="problem"' not in page
    assert "Nộp báo cáo</button>" in page
    assert hoa.post(f"{report}/submission", data={"revision": "2"}).status_code == 303
    wait_for(lambda: "đã nộp" in hoa.get(report).text.split("<dl", 1)[0], WAIT_S)


def test_an_instant_that_is_none_is_refused_in_the_log(visit: Visit) -> None:
    assert "Chọn ngày và giờ" in visit("mai").get("/log?since=mai").text


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
