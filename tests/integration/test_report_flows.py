"""The as-run log and reports, as people search, download, fill in and hand in: in a real browser and in both languages."""

import csv
import re
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from docx import Document
from openpyxl import load_workbook
from playwright.sync_api import Browser, Route, expect
from pypdf import PdfReader
from sqlalchemy import select

from api.problems import Language
from broadcaster.campaigns import CampaignPlan
from broadcaster.people import Role
from broadcaster.reports import beside
from broadcaster.storage.models import Area, AsRun, ProgrammeRecord, Report
from tests import year
from tests.held import Held
from tests.integration.serving import ServedStation
from tests.integration.visitor import BOTH, Visitor, visiting

NAME = "Nghị quyết số 57-NQ/TW"
COMMUNE = {"vi": "Địa bàn xa", "en": "Xã Tân Hưng"}
"""Each language reports for a commune of its own."""


@pytest.fixture(scope="module", autouse=True)
def logged(served: ServedStation) -> None:
    """Two communes, a programme, a campaign that is on, and a month of log that lies in the period of its report."""
    station = served.station
    station.people.add(username="quan", name="quan", role=Role.ADMINISTRATOR, password="mật khẩu của quan")
    mai = station.log_ins.log_in("mai", "mật khẩu của mai")[1]
    with station.database.writing() as session:
        session.add(
            Area(id="xa-hai", name="Xã Tân Hưng", kind="commune", parent_id="tinh", valid_from=date(2025, 7, 1))
        )
        session.flush()
        session.add(
            ProgrammeRecord(
                id="nong-nghiep", name="Nông nghiệp", rules=[], targets={}, revision=1, changed_by=mai.id,
                changed_at=station.clock.now(), ended_at=station.clock.now(),
            )
        )  # fmt: skip
    due_on = station.reports.deadline.next(station.today())
    starts_on, _ = station.reports.deadline.period(due_on)
    campaign = station.campaigns.save(
        mai, CampaignPlan(name=NAME, starts_on=starts_on, ends_on=due_on + timedelta(days=20))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(year, "CAMPAIGN", (campaign, NAME))
        year.write(station.database, station.signatory, year=due_on.year, days=30, receivers=6)


def _rows(visitor: Visitor) -> list[int]:
    """Numbers of the rows of the log that stand on the page, from the top."""
    visitor.loaded()
    return [int(text[1:]) for text in visitor.page.locator("td.moment small").all_inner_texts()]


@BOTH
@pytest.mark.parametrize("script", [True, False])
def test_the_log_is_searched_leafed_through_and_downloaded(
    *, served: ServedStation, browser: Browser, tongue: Language, script: bool
) -> None:
    with visiting(served, browser, "xem", tongue, java_script_enabled=script) as visitor:
        page, w = visitor.page, visitor.w
        page.goto("/")
        visitor.go("log")
        newest = _rows(visitor)
        assert newest == sorted(newest, reverse=True)
        assert len(newest) == 50
        visitor.link(w["older"]).click()
        expect(visitor.link(w["log_newest"])).to_be_visible()
        assert max(_rows(visitor)) < min(newest)
        visitor.link(w["log_newest"]).click()
        expect(visitor.link(w["log_newest"])).to_have_count(0)

        # Everything that can be looked for, at once; nothing of that is found, and then a little less is asked for.
        with served.station.database.reading() as session:
            one = session.scalars(
                select(AsRun).where(
                    AsRun.receiver_name == "Cụm loa 2", AsRun.state == "refused", AsRun.programme_id == "nong-nghiep",
                    AsRun.campaign == NAME,
                )
            ).first()  # fmt: skip
        assert one is not None
        local = one.at.astimezone(ZoneInfo(served.station.settings.zone))
        visitor.labelled(w["log_since"]).fill(local.strftime("%Y-%m-%dT%H:%M"))
        visitor.labelled(w["log_until"]).fill((local - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))
        visitor.labelled(w["rep_area"]).select_option(label="Địa bàn xa")
        visitor.labelled(w["log_outcome"]).select_option(label=w["log_outcome_ill"])
        visitor.labelled(w["receiver"]).fill("cum LOA 2")
        visitor.labelled(w["bulletin"]).fill((one.bulletin_title or "").replace("Bản", "ban"))
        visitor.labelled(w["log_programme"]).select_option(label="Nông nghiệp")
        visitor.labelled(w["log_campaign"]).select_option(label=NAME)
        visitor.button(w["log_find"], exact=True).click()
        visitor.refused({"vi": "kết thúc đứng trước", "en": "ends before it begins"}[tongue])
        expect(visitor.labelled(w["receiver"])).to_have_value("cum LOA 2")
        if script:
            visitor.fits()
        visitor.labelled(w["log_until"]).fill((local + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))
        visitor.button(w["log_find"], exact=True).click()
        expect(page.get_by_role("row").filter(has_text=f"#{one.seq}")).to_contain_text(w["refused"])
        assert one.seq in _rows(visitor)

        # What was found is downloaded, in both forms, and nothing else.
        found = len(_rows(visitor))
        file = visitor.downloaded(visitor.link(w["log_csv"], exact=True))
        lines = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
        assert len(lines) == found
        assert {line[{"vi": "Thiết bị", "en": "Receiver"}[tongue]] for line in lines} == {"Cụm loa 2"}
        book = load_workbook(visitor.downloaded(visitor.link(w["log_xlsx"], exact=True)))
        assert book.active is not None
        assert book.active.max_row == found + 1
        visitor.labelled(w["receiver"]).fill("khong-co")
        visitor.button(w["log_find"], exact=True).click()
        expect(page.get_by_text(w["log_none_found"])).to_be_visible()
        visitor.link(w["log_all"], exact=True).click()
        assert _rows(visitor) == newest


@BOTH
def test_a_report_is_begun_filled_in_handed_in_opened_again_and_downloaded(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    commune = COMMUNE[tongue]
    of = f"{commune}, {NAME}"
    with (
        visiting(served, browser, "mai", tongue) as editor,
        visiting(served, browser, "hoa", tongue) as approver,
    ):
        page, w = editor.page, editor.w
        page.goto("/")
        editor.go("nav_reports")
        row = page.get_by_role("table").first.get_by_role("row").filter(has_text=commune)
        expect(row).to_contain_text(w["rep_state_missing"])
        editor.button(f"{w['rep_begin']}: {of}").click()
        editor.told(w["done_report_begun"])
        expect(page.get_by_text(w["rep_hand_in_who"])).to_be_visible()
        expect(editor.button(w["rep_hand_in"], exact=True)).to_have_count(0)

        # A number that is none, and a channel without its number; what else was typed is kept.
        editor.link(w["rep_fill"], exact=True).click()
        zalo = editor.labelled(f"{w['rep_channel_zalo']} ({w['rep_unit_zalo']})")
        zalo.fill("nhiều lắm")
        editor.labelled(w["rep_form_results"]).fill("Bà con biết dùng VNeID.")
        editor.labelled(w["rep_form_other_name"] % {"row": 1}).fill("Loa kéo")
        editor.labelled(w["rep_form_signer"]).fill("Nguyễn Văn Thắng")
        editor.button(w["rep_form_save"], exact=True).click()
        editor.refused({"vi": "Kênh khác cần có tên và số lượng", "en": "needs its name and a number"}[tongue])
        editor.labelled(w["rep_form_other_number"] % {"row": 1}).fill("12")
        editor.labelled(w["rep_form_other_unit"] % {"row": 1}).fill("buổi")
        editor.labelled(w["rep_form_other_name"] % {"row": 2}).fill("Bản tin in")
        editor.labelled(w["rep_form_other_number"] % {"row": 2}).fill("300")
        editor.labelled(w["rep_form_other_unit"] % {"row": 2}).fill("tờ")
        editor.button(w["rep_form_save"], exact=True).click()
        editor.refused({"vi": "“nhiều lắm” không phải là số đếm", "en": "“nhiều lắm” is no count"}[tongue])
        expect(zalo).to_have_value("nhiều lắm")
        expect(zalo).to_have_attribute("aria-invalid", "true")
        editor.fits()
        zalo.fill("1.250")
        expect(editor.labelled(w["rep_form_results"])).to_have_value("Bà con biết dùng VNeID.")
        expect(editor.labelled(w["rep_form_signer"])).to_have_value("Nguyễn Văn Thắng")
        editor.button(w["rep_form_save"], exact=True).click()
        editor.told(w["done_report_filled"])
        expect(page.get_by_role("row").filter(has_text=w["rep_channel_zalo"])).to_contain_text(
            {"vi": "1.250", "en": "1,250"}[tongue]
        )
        for other, number in (("Loa kéo", "12"), ("Bản tin in", "300")):
            expect(page.get_by_role("row").filter(has_text=other)).to_contain_text(number)

        # An approver hands it in, opens it again with a reason, and hands it in once more.
        approver.page.goto("/")
        approver.go("nav_reports")
        approver.link(f"{w['rep_open_it']}: {of}").click()
        approver.button(w["rep_hand_in"], exact=True).click()
        approver.told(w["done_report_submitted"])
        assert _report(served, commune)["state"] == "submitted"
        approver.open(w["rep_reopen"])
        approver.labelled(w["rep_reopen_reason"]).fill("   ")
        approver.button(w["rep_reopen"], exact=True).click()
        approver.refused({"vi": "lý do", "en": "why"}[tongue])
        expect(approver.page.get_by_role("heading", level=1)).to_contain_text(NAME)
        approver.fits()
        approver.labelled(w["rep_reopen_reason"]).fill("Thiếu số liệu Facebook")
        approver.button(w["rep_reopen"], exact=True).click()
        approver.told(w["done_report_reopened"])
        assert _report(served, commune)["state"] == "draft"
        approver.button(w["rep_hand_in"], exact=True).click()
        approver.told(w["done_report_submitted"])

        # The files, as the browser saves them; the figures are those of the page.
        total = _report(served, commune)["figures"]["total"]
        if total["airings"]:
            expect(approver.page.locator(".facts .big").nth(1)).to_have_text(str(total["airings"]))
        else:
            expect(approver.page.get_by_text(w["rep_nothing"])).to_be_visible()
        assert bool(total["airings"]) == (commune == "Địa bàn xa")  # nothing aired in the other one
        word = Document(str(approver.downloaded(approver.link(w["rep_docx"], exact=True))))
        assert "Nguyễn Văn Thắng" in word.tables[-1].cell(0, 1).text
        pdf = PdfReader(approver.downloaded(approver.link(w["rep_pdf"], exact=True)))
        assert "Nguyễn Văn Thắng" in pdf.pages[-1].extract_text()
        annex = load_workbook(approver.downloaded(approver.link(w["rep_xlsx"], exact=True)))
        assert ("Lượt phát" in annex.sheetnames) == bool(total["airings"])

        # The board knows it.
        editor.go("nav_reports")
        editor.link(re.compile(f"^{w['rep_done'].partition(' %')[0]} [12]$")).click()
        expect(page.get_by_role("table").first.get_by_role("row").filter(has_text=commune)).to_contain_text(
            w["rep_state_submitted"]
        )
        editor.fits()


@BOTH
def test_figures_of_another_period_and_a_report_on_them(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    with visiting(served, browser, "mai", tongue) as visitor:
        page, w = visitor.page, visitor.w
        page.goto("/")
        visitor.go("nav_reports")
        visitor.labelled(w["rep_area"]).select_option(label="Địa bàn thon-dong")
        visitor.labelled(w["rep_campaign"]).last.select_option(label=w["rep_any_campaign"])
        visitor.labelled(w["rep_from"]).fill("2027-01-01")
        visitor.labelled(w["rep_to"]).fill("2026-01-01")
        visitor.button(w["rep_show"], exact=True).click()
        visitor.refused({"vi": "Ngày cuối đứng trước ngày đầu", "en": "ends before it begins"}[tongue])
        expect(visitor.labelled(w["rep_from"])).to_have_value("2027-01-01")
        expect(visitor.labelled(w["rep_area"])).to_have_value("thon-dong")
        visitor.fits()
        visitor.labelled(w["rep_from"]).fill("2020-01-01")
        visitor.labelled(w["rep_to"]).fill("2020-12-31")
        visitor.button(w["rep_show"], exact=True).click()
        expect(page.get_by_text(w["rep_nothing"])).to_be_visible()
        page.emulate_media(media="print")
        printed = f"{w['rep_from']} 01/01/2020 {w['rep_to'].lower()} 31/12/2020"
        expect(page.get_by_text(printed)).to_be_visible()
        page.emulate_media(media="screen")
        visitor.link(w["rep_reporting_year"], exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{w['rep_any_campaign']}: Địa bàn thon-dong")
        annex = load_workbook(visitor.downloaded(visitor.link(w["rep_xlsx"], exact=True)))
        assert annex["Lượt phát"].max_row > 20
        own = {"vi": "2026-03-31", "en": "2026-06-30"}[tongue]
        visitor.labelled(w["rep_from"]).fill("2026-01-01")
        visitor.labelled(w["rep_to"]).fill(own)
        visitor.button(w["rep_show"], exact=True).click()
        visitor.button(w["rep_begin_long"], exact=True).click()
        visitor.told(w["done_report_begun"])
        visitor.go("nav_reports")
        day = date.fromisoformat(own).strftime("%d/%m/%Y")
        expect(page.get_by_role("region", name=w["rep_own"])).to_contain_text(f"01/01/2026 – {day}")


@pytest.mark.parametrize(("tongue", "script"), [("vi", True), ("en", False)])
def test_who_hands_in_a_large_report_watches_it_or_goes_away(
    *, served: ServedStation, browser: Browser, monkeypatch: pytest.MonkeyPatch, tongue: Language, script: bool
) -> None:
    monkeypatch.setattr(beside, "PAGE_S", 0.2)
    body = {"area": "xa", "starts_on": "2025-01-01", "ends_on": {"vi": "2040-01-01", "en": "2040-02-01"}[tongue]}
    report = served.as_person("mai").post("/api/v1/reports", json=body).json()["id"]
    with visiting(served, browser, "hoa", tongue, java_script_enabled=script) as visitor:
        page, w = visitor.page, visitor.w
        page.goto(f"/reports/{report}")
        with monkeypatch.context() as patch:
            held = Held(patch)
            visitor.button(w["rep_hand_in"], exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(w["rep_counting_submission"])
            expect(page.get_by_role("progressbar")).to_be_visible()
            if script:
                page.route(re.compile("handed_in"), _still)
                page.reload()
                visitor.fits()
                page.unroute(re.compile("handed_in"))
            page.goto("/reports")
            page.goto(f"/reports/{report}")
            expect(page.get_by_role("heading", level=1)).to_have_text(w["rep_counting_submission"])
            held.let_go()
            visitor.told(w["done_report_submitted"])  # the page loads itself again

        with monkeypatch.context() as patch:
            held = Held(patch)
            visitor.link(w["rep_xlsx"], exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(w["rep_counting_document"])
            with page.expect_download() as download:
                held.let_go()
        path = download.value.path()
        assert load_workbook(path.rename(path.with_suffix(".xlsx")))["Lượt phát"].max_row > 20
        visitor.link(w["back"], exact=True).click()
        expect(page.get_by_text(w["rep_submitted_long"])).to_be_visible()
        # Chromium tells the status of a page that is not ready on the console.
        visitor.problems = [each for each in visitor.problems if "a status of 503" not in each]


def _still(route: Route) -> None:
    """The page as it is, but that it does not load itself again while it is looked at."""
    answer = route.fetch()
    route.fulfill(response=answer, headers={name: each for name, each in answer.headers.items() if name != "refresh"})


def _report(served: ServedStation, commune: str) -> dict[str, Any]:
    """The report that is owed by a commune."""
    client = served.as_person("mai")
    area = {"Địa bàn xa": "xa", "Xã Tân Hưng": "xa-hai"}[commune]
    with served.station.database.reading() as session:
        row = session.scalar(select(Report.id).where(Report.area_id == area, Report.due_on.is_not(None)))
    found: dict[str, Any] = client.get(f"/api/v1/reports/{row}").json()
    return found
