"""The as-run log and reports, as people search, download, fill in and hand in: in a real browser and in both languages."""

import csv
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from docx import Document
from openpyxl import load_workbook
from playwright.sync_api import Browser, expect
from pypdf import PdfReader
from sqlalchemy import func, select

from api.problems import Language
from broadcaster.campaigns import CampaignPlan
from broadcaster.people import Role
from broadcaster.storage.models import Area, AsRun, ProgrammeRecord
from tests import year
from tests.integration.serving import ServedStation
from tests.integration.visitor import Visitor, visiting

NAME = "Nghị quyết số 57-NQ/TW"
BOTH = pytest.mark.parametrize("tongue", ["vi", "en"])
COMMUNE = {"vi": "Địa bàn xa", "en": "Xã Tân Hưng"}
"""Each language reports for a commune of its own."""


@pytest.fixture(scope="module", autouse=True)
def logged(served: ServedStation) -> None:
    """Two communes, a programme, a campaign that is on, and a month of log that lies in the period of its report."""
    station = served.station
    station.people.add(username="quan", name="quan", role=Role.ADMINISTRATOR, password="mật khẩu của quan")
    with station.database.writing() as session:
        session.add(
            Area(id="xa-hai", name="Xã Tân Hưng", kind="commune", parent_id="tinh", valid_from=date(2025, 7, 1))
        )
        session.flush()
        session.add(ProgrammeRecord(id="nong-nghiep", name="Nông nghiệp", field="x"))
    due_on = station.reports.deadline.next(station.today())
    mai = station.log_ins.log_in("mai", "mật khẩu của mai")[1]
    starts_on, _ = station.reports.deadline.period(due_on)
    campaign = station.campaigns.save(
        mai, CampaignPlan(name=NAME, starts_on=starts_on, ends_on=due_on + timedelta(days=20))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(year, "CAMPAIGN", (campaign, NAME))
        year.write(station.database, station.signatory, year=due_on.year, days=30, receivers=6)


def _rows(visitor: Visitor) -> list[int]:
    """Numbers of the rows of the log that stand on the page, from the top."""
    return [int(text[1:]) for text in visitor.page.locator("td.moment small").all_inner_texts()]


def _counted(served: ServedStation, *conditions: object) -> int:
    with served.station.database.reading() as session:
        return session.scalar(select(func.count()).select_from(AsRun).where(*conditions)) or 0  # type: ignore[arg-type]


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
        local = one.at.astimezone(served.station.zone)
        visitor.labelled(w["log_since"]).fill(local.strftime("%Y-%m-%dT%H:%M"))
        visitor.labelled(w["log_until"]).fill((local - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"))
        visitor.labelled(w["rep_area"]).select_option(label="Địa bàn xa")
        visitor.labelled(w["log_outcome"]).select_option(label=w["log_outcome_ill"])
        visitor.labelled(w["receiver"]).fill("cum loa 2")
        visitor.labelled(w["bulletin"]).fill(one.bulletin_title.lower() if one.bulletin_title else "")
        visitor.labelled(w["log_programme"]).select_option(label="Nông nghiệp")
        visitor.labelled(w["log_campaign"]).select_option(label=NAME)
        visitor.button(w["log_find"], exact=True).click()
        visitor.refused({"vi": "Lúc cuối", "en": "The end"}[tongue])
        expect(visitor.labelled(w["receiver"])).to_have_value("cum loa 2")
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
        if script:
            visitor.fits()
        visitor.link(w["log_all"], exact=True).click()
        assert _rows(visitor) == newest
