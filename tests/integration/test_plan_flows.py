"""Programmes, campaigns, the schedule and mergers as people go through them in a browser, in both languages."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from api.problems import Language
from broadcaster.storage.models import Airing, Area, Reorganisation
from devices.wire.signing import SigningKey
from tests.brokers import wait_for
from tests.integration.serving import ServedStation
from tests.integration.visitor import BOTH, Visitor, visiting

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = (datetime.now(ZONE) + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
NOONS = {"vi": NOON, "en": NOON + timedelta(hours=4)}
NUMBERS = {"vi": "một", "en": "hai"}
"""Each language has its own things, so that neither finds what the other left."""


@pytest.fixture(scope="module", autouse=True)
def planned(served: ServedStation) -> ServedStation:
    """Communes to merge and to split, two receivers, and for each language bulletins of which two clash."""
    station = served.station
    with station.database.writing() as session:
        session.add(Area(id="thon-doai", name="Thôn Đoài", kind="village", parent_id="xa", valid_from=date(2025, 7, 1)))
        for tongue, number in NUMBERS.items():
            for name in ("Tân Hưng", "Tân Bình"):
                area = f"{tongue}-{'hung' if name == 'Tân Hưng' else 'binh'}"
                session.add(
                    Area(id=area, name=f"Xã {name} {number}", kind="commune", parent_id="tinh", valid_from=date(2025, 7, 1))
                )  # fmt: skip
    for receiver, name, area in (("loa-1", "Cụm loa Đông", "thon-dong"), ("loa-2", "Cụm loa Đoài", "thon-doai")):
        key = SigningKey.generate().public()
        station.enrol(receiver=receiver, name=name, kind="loudspeaker", area=area, public_key=key)

    def at(when: datetime, area: str = "xa") -> dict[str, Any]:
        return {"rule": {"kind": "once", "at": when.isoformat()}, "targets": {"areas": [area]}}

    for tongue, number in NUMBERS.items():
        noon = NOONS[tongue]
        served.released(
            title=f"Tiêm chủng {number}", plan=[at(noon - timedelta(hours=2)), at(noon - timedelta(hours=3))]
        )
        served.released(title=f"Lừa đảo {number}", priority="priority", plan=[at(noon)])
        later = at(noon + timedelta(seconds=1), "thon-dong")
        served.released(title=f"Cắt điện {number}", priority="priority", plan=[later])
    wait_for(lambda: len(_airings(served)) == 8)
    return served


def _airings(served: ServedStation) -> dict[tuple[str, datetime], Airing]:
    with served.station.database.reading() as session:
        return {(row.title, row.due_at): row for row in session.scalars(select(Airing))}


def _airing(served: ServedStation, title: str, at: datetime) -> Airing:
    return _airings(served)[title, at.astimezone(UTC)]


def _starts(served: ServedStation, title: str, at: datetime) -> datetime:
    row = _airing(served, title, at)
    return row.starts_at or row.due_at


def _week(visitor: Visitor, day: date) -> None:
    """From the week at hand to the one with this day, by the button, as far as it is away."""
    page, monday = visitor.page, day - timedelta(days=day.weekday())
    today = datetime.now(ZONE).date()
    for _ in range((monday - (today - timedelta(days=today.weekday()))).days // 7):
        before = page.locator("#week").inner_text()
        visitor.link(visitor.w["plan_after"]).click()
        expect(page.locator("#week")).not_to_have_text(before)
    expect(page.locator("#week")).to_contain_text(monday.strftime("%d/%m"))


@BOTH
def test_an_airing_is_found_put_in_order_moved_and_skipped(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    noon, number = NOONS[tongue], NUMBERS[tongue]
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/operations")
        operator.go("nav_schedule")
        page.get_by_role("link", name="Địa bàn tinh").first.click()
        page.get_by_role("link", name="Địa bàn xa").first.click()
        _week(operator, noon.date())
        page.locator("table.week").get_by_role("link", name=f"Lừa đảo {number}").click()
        expect(page.get_by_role("link", name=f"Cắt điện {number}")).to_be_visible()
        page.get_by_label(f"Cắt điện {number} → Lừa đảo {number}").check()
        operator.button(w["plan_order_go"]).click()
        operator.told(w["done_clash_decided"])
        second = _starts(served, f"Cắt điện {number}", noon + timedelta(seconds=1))
        assert _starts(served, f"Lừa đảo {number}", noon) > second
        operator.link(w["plan_title"]).last.click()
    with visiting(served, browser, "hoa", tongue) as approver:
        page, w = approver.page, approver.w
        page.goto("/schedule?area=xa")
        _week(approver, noon.date())
        page.locator("table.week").get_by_role("link", name=f"Tiêm chủng {number}").first.click()
        moved = page.url
        page.get_by_label(w["plan_move_to"]).fill("2026-01-01T05:00")
        page.get_by_label(w["reason"]).last.fill("Họp dân")
        approver.button(w["plan_move_go"]).click()
        approver.refused({"vi": "quá gần hoặc đã qua", "en": "too near"}[tongue])
        expect(page.locator("form[action$='/move']").get_by_role("alert")).to_be_visible()
        expect(page.get_by_label(w["reason"]).last).to_have_value("Họp dân")
        expect(page.get_by_label(w["reason"]).first).to_have_value("")  # which belongs to another form
        expect(page.get_by_label(w["plan_move_to"])).to_have_value("2026-01-01T05:00")
        approver.fits()
        later = noon + timedelta(hours=1, minutes=30)
        page.get_by_label(w["plan_move_to"]).fill(f"{later:%Y-%m-%dT%H:%M}")
        approver.button(w["plan_move_go"]).click()
        approver.told(w["done_airing_moved"])
        expect(page.locator(".note")).to_contain_text(f"{noon - timedelta(hours=3):%H:%M}")
        assert _starts(served, f"Tiêm chủng {number}", noon - timedelta(hours=3)) == later
        page.get_by_label(w["reason"]).first.fill(" ")
        approver.button(w["plan_skip_go"]).click()
        approver.refused({"vi": "Hãy ghi lý do", "en": "Say why"}[tongue])
        expect(page.locator("form[action$='/skip']").get_by_role("alert")).to_be_visible()
        page.get_by_label(w["reason"]).first.fill("Trạm y tế đổi ngày")
        approver.button(w["plan_skip_go"]).click()
        approver.told(w["done_airing_skipped"])
        assert page.url.startswith(moved.partition("?")[0])
        page.get_by_text(w["plan_per_receiver"]).click()
        approver.link("Cụm loa Đoài").click()
        # What this receiver does on that day, and what will not air.
        lost = page.locator("section[aria-labelledby=lost]")
        expect(lost).to_contain_text(f"Tiêm chủng {number}")
        expect(lost).to_contain_text("Trạm y tế đổi ngày")
        expect(page.locator("tbody")).to_contain_text(f"Lừa đảo {number}")
        expect(page.locator("tbody")).not_to_contain_text(f"Cắt điện {number}")  # only for the other village
        page.get_by_label(w["receiver"]).select_option("loa-1")
        approver.button(w["sim_go"]).click()
        expect(page.locator("tbody")).to_contain_text(f"Cắt điện {number}")


@BOTH
def test_a_week_is_copied_as_drafts(served: ServedStation, browser: Browser, tongue: Language) -> None:
    day, weeks = NOONS[tongue].date(), {"vi": 2, "en": 3}[tongue]
    monday = day - timedelta(days=day.weekday())
    with visiting(served, browser, "mai", tongue) as editor:
        page, w = editor.page, editor.w
        page.goto("/schedule?area=xa")
        _week(editor, day)
        editor.open(w["plan_copy"])
        page.get_by_label(w["plan_copy_to"]).fill(monday.isoformat())
        editor.button(w["plan_copy_go"] % {"start": f"{monday:%d/%m}"}).click()
        editor.refused({"vi": "phải sau tuần được chép", "en": "after"}[tongue])
        expect(page.get_by_label(w["plan_copy_to"])).to_have_value(monday.isoformat())
        page.get_by_label(w["plan_copy_to"]).fill((monday + timedelta(weeks=weeks, days=2)).isoformat())  # of that week
        editor.button(w["plan_copy_go"] % {"start": f"{monday:%d/%m}"}).click()
        expect(page.get_by_role("status").first).to_contain_text(re.compile(r"\d"))
        items = served.as_person("mai").get("/api/v1/bulletins", params={"limit": 100}).json()["items"]
        copies = [row for row in items if row["state"] == "draft" and NUMBERS[tongue] in row["title"]]
        assert (day + timedelta(weeks=weeks)).isoformat() in str([row["plan"] for row in copies])
        editor.link(w["plan_see_drafts"]).click()
        expect(page.get_by_role("link", name=copies[0]["title"]).first).to_be_visible()


@BOTH
def test_a_programme_is_made_changed_and_ended(served: ServedStation, browser: Browser, tongue: Language) -> None:
    name = f"Chuyển đổi số {NUMBERS[tongue]}"
    with visiting(served, browser, "hoa", tongue) as approver:
        page, w = approver.page, approver.w
        page.goto("/operations")
        approver.go("nav_programmes")
        approver.link(w["prog_new"]).click()
        page.get_by_label(w["prog_name"]).fill(name)
        first = page.get_by_role("group", name=w["prog_slot"] % {"number": 1})
        for day in (1, 3):
            first.get_by_label(w[f"plan_day_{day}"], exact=True).check()
        first.get_by_label(w["prog_at"]).fill("17:10")
        page.get_by_label("Địa bàn xa", exact=True).check()
        page.get_by_label(w["prog_airings"]).fill("2")
        approver.button(w["prog_save"]).click()
        approver.refused({"vi": "Khung giờ 1", "en": "Slot 1"}[tongue])  # how long it may last is missing
        expect(first.get_by_label(w["prog_minutes"])).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label(w["prog_name"])).to_have_value(name)
        expect(first.get_by_label(w["plan_day_3"], exact=True)).to_be_checked()
        expect(page.get_by_label("Địa bàn xa", exact=True)).to_be_checked()
        approver.fits()
        first.get_by_label(w["prog_minutes"]).fill("2,5")
        approver.button(w["prog_save"]).click()
        approver.told(w["done_programme_saved"])
        slots = page.locator("section[aria-labelledby=slots]")
        expect(slots).to_contain_text(
            "Thứ Ba và thứ Năm hằng tuần, 5 giờ 10 chiều" if tongue == "vi" else "Every Tuesday and Thursday, 17:10"
        )
        expect(page.locator("section[aria-labelledby=sessions] li").first).to_be_visible()
        (programme,) = [row for row in _programmes(served) if row["name"] == name]
        served.released(title=f"Định danh {NUMBERS[tongue]}", programme=programme["id"])
        page.reload()
        expect(page.locator("section[aria-labelledby=queue]")).to_contain_text(f"Định danh {NUMBERS[tongue]}")
        approver.link(w["prog_edit"]).click()
        first.get_by_label(w["prog_minutes"]).fill("3")
        page.get_by_label(w["prog_airings"]).fill("4")
        approver.button(w["prog_save"]).click()
        approver.told(w["done_programme_saved"])
        assert [
            row["rules"]["airings"] if "rules" in row else row["airings"]
            for row in _programmes(served)
            if row["name"] == name
        ] == [4]
        approver.open(w["prog_end"])
        approver.asked_to_tick(page.get_by_label(w["prog_end_sure"]), approver.button(w["prog_end"]))
        assert name in [row["name"] for row in _programmes(served)]
        page.get_by_label(w["prog_end_sure"]).check()
        approver.button(w["prog_end"]).click()
        approver.told(w["done_programme_ended"])
        expect(page.get_by_role("link", name=name)).to_have_count(0)
        assert name not in [row["name"] for row in _programmes(served)]


def _programmes(served: ServedStation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = served.as_person("hoa").get("/api/v1/programmes").json()
    return found


@BOTH
def test_a_campaign_is_planned_and_changed(served: ServedStation, browser: Browser, tongue: Language) -> None:
    name = f"Nghị quyết 57, đợt {NUMBERS[tongue]}"
    with visiting(served, browser, "mai", tongue) as editor:
        page, w = editor.page, editor.w
        page.goto("/operations")
        editor.go("nav_campaigns")
        editor.link(w["camp_new"]).click()
        page.get_by_label(w["camp_name"]).fill(name)
        page.get_by_label(w["camp_starts"]).fill("2026-01-01")
        page.get_by_label(w["camp_ends"]).fill("2025-12-31")
        page.get_by_label(w["camp_groups"]).fill("Chuyển đổi số\n\nKhoa học")
        page.get_by_label(w["camp_airings"], exact=True).fill("100")
        editor.button(w["camp_save"], exact=True).click()
        editor.refused({"vi": "không trước ngày bắt đầu", "en": "not before it"}[tongue])
        expect(page.get_by_label(w["camp_name"])).to_have_value(name)
        expect(page.get_by_label(w["camp_ends"])).to_have_value("2025-12-31")
        editor.fits()
        page.get_by_label(w["camp_ends"]).fill("2099-12-31")
        editor.button(w["camp_save"], exact=True).click()
        editor.told(w["done_campaign_saved"])
        expect(page.locator("section[aria-labelledby=progress]")).to_contain_text("0 / 100")
        expect(page.locator("section[aria-labelledby=groups]")).to_contain_text("Khoa học")
        editor.link(w["camp_edit"], exact=True).click()
        page.get_by_label(w["camp_airings"], exact=True).fill("nhiều")
        editor.button(w["camp_save"], exact=True).click()
        editor.refused({"vi": "số từ 1", "en": "number from 1"}[tongue])
        expect(page.get_by_label(w["camp_airings"], exact=True)).to_have_value("nhiều")
        expect(page.get_by_label(w["camp_airings"], exact=True)).to_have_attribute("aria-invalid", "true")
        page.get_by_label(w["camp_airings"], exact=True).fill("200")
        editor.button(w["camp_save"], exact=True).click()
        editor.told(w["done_campaign_saved"])
        expect(page.locator("section[aria-labelledby=progress]")).to_contain_text("0 / 200")
        editor.link(w["camp_title"]).last.click()
        expect(page.get_by_role("link", name=name)).to_be_visible()
        (row,) = [row for row in served.as_person("mai").get("/api/v1/campaigns").json() if row["name"] == name]
        assert row["goals"]["airings"] == 200


@BOTH
def test_communes_are_merged_by_two_people_and_the_plan_undone(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    number = NUMBERS[tongue]
    title, day = f"Nghị quyết 1656, {number}", served.station.today() + timedelta(days=20)
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/operations")
        operator.go("nav_reorganisations")
        operator.link(w["reorganisations_new"]).click()
        operator.link(w["reorganisation_merge_communes"]).click()
        page.get_by_label(w["reorganisation_title"]).fill(title)
        page.get_by_label(w["reorganisation_day"]).fill(day.isoformat())
        page.get_by_label(w["reorganisation_new_name"]).fill(f"Xã Tân Hưng Bình {number}")
        page.get_by_label(f"Xã Tân Hưng {number}").check()
        operator.button(w["reorganisation_plan"]).click()
        operator.refused({"vi": "ít nhất hai địa bàn", "en": "two areas"}[tongue])
        expect(page.get_by_label(w["reorganisation_title"])).to_have_value(title)
        expect(page.get_by_label(f"Xã Tân Hưng {number}")).to_be_checked()
        operator.fits()
        page.get_by_label(f"Xã Tân Bình {number}").check()
        operator.button(w["reorganisation_plan"]).click()
        operator.told(w["done_reorganisation_planned"])
        expect(page.locator("section[aria-labelledby=change]")).to_contain_text(f"Xã Tân Hưng Bình {number}")
        expect(page.locator("p.note")).to_contain_text(w["reorganisation_not_own"])
    with visiting(served, browser, "hoa", tongue) as approver:
        page, w = approver.page, approver.w
        page.goto("/operations")
        approver.go("nav_reorganisations")
        approver.link(title).click()
        expect(page.locator("section[aria-labelledby=change]")).to_contain_text(f"Xã Tân Bình {number}")
        approver.fits()
        approver.button(w["reorganisation_approve"]).click()
        approver.told(w["done_reorganisation_approved"])
        assert _reorganisation(served, title).state == "approved"
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/reorganisations")
        operator.link(title).click()
        operator.open(w["reorganisation_undo"])
        page.get_by_label(w["reorganisation_undo_reason"]).fill("Hoãn đến năm sau")
        operator.button(w["reorganisation_undo"]).click()
        operator.told(w["done_reorganisation_undone"])
        expect(page.locator(".facts")).to_contain_text("Hoãn đến năm sau")
        assert _reorganisation(served, title).state == "undone"


def _reorganisation(served: ServedStation, title: str) -> Reorganisation:
    with served.station.database.reading() as session:
        return session.scalars(select(Reorganisation).where(Reorganisation.title == title)).one()


@BOTH
def test_a_commune_is_split(served: ServedStation, browser: Browser, tongue: Language) -> None:
    number = NUMBERS[tongue]
    title, day = f"Chia xã {number}", served.station.today() + timedelta(days=30)
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/reorganisations")
        operator.link(w["reorganisations_new"]).click()
        operator.link(w["reorganisation_split"], exact=True).click()
        page.get_by_label(w["reorganisation_split_area"]).select_option("xa")
        operator.button(w["reorganisation_next"]).click()
        page.get_by_label(w["reorganisation_title"]).fill(title)
        page.get_by_label(w["reorganisation_day"]).fill(day.isoformat())
        for place, name in ((1, f"Xã Đông {number}"), (2, f"Xã Đoài {number}")):
            page.get_by_label(w["reorganisation_new_n"] % {"number": place}).fill(name)
        page.get_by_label("Địa bàn thon-dong").select_option(index=1)
        operator.button(w["reorganisation_plan"]).click()
        operator.refused("Thôn Đoài")  # which has nowhere to go
        expect(page.get_by_label(w["reorganisation_new_n"] % {"number": 2})).to_have_value(f"Xã Đoài {number}")
        operator.fits()
        page.get_by_label("Thôn Đoài").select_option(index=2)
        operator.button(w["reorganisation_plan"]).click()
        operator.told(w["done_reorganisation_planned"])
        change = page.locator("section[aria-labelledby=change]")
        expect(change).to_contain_text(f"Xã Đông {number}")
        expect(change).to_contain_text("Thôn Đoài")
        operator.open(w["reorganisation_undo"])
        page.get_by_label(w["reorganisation_undo_reason"]).fill("Chưa thống nhất")
        operator.button(w["reorganisation_undo"]).click()
        operator.told(w["done_reorganisation_undone"])
        assert _reorganisation(served, title).state == "undone"
