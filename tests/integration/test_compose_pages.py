"""Writing and releasing as people do it, in a real browser: clicks are counted, with JavaScript and without."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, Dialog, Route, expect

from broadcaster.campaigns import CampaignPlan
from broadcaster.composing import DOCUMENT_LIMIT
from broadcaster.people import Role
from broadcaster.storage.models import Area, Receiver
from broadcaster.targets import Targets
from devices.wire.signing import SigningKey
from schedules.programmes import Programme, Slot
from schedules.recurrence import Recurring
from tests.brokers import wait_for
from tests.browser import axe_violations, sideways, small_targets
from tests.integration.forms import hidden
from tests.integration.serving import ServedStation
from tests.integration.visitor import BOTH, visiting

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")
TITLE = "Học kỹ năng số tại nhà văn hóa"
TEXT = f"{TITLE}\nĐúng 19h30 ngày 10/12, tổ TCNSCĐ hướng dẫn bà con nộp hồ sơ trực tuyến.\nKính mời bà con tham dự."
LOUDSPEAKERS, SCREENS = 40, 4


@pytest.fixture(scope="module", autouse=True)
def commune(served: ServedStation) -> None:
    """44 receivers in four villages, without the handshakes of real ones."""
    station = served.station
    with station.database.writing() as session:
        session.add_all(
            Area(id=f"thon-{n}", name=f"Thôn {n}", kind="village", parent_id="xa", valid_from=date(2025, 7, 1))
            for n in range(1, 4)
        )
        session.flush()
        villages = ("thon-dong", "thon-1", "thon-2", "thon-3")
        session.add_all(
            Receiver(
                id=f"may-{n}",
                name=f"Cụm loa số {n}",
                kind="loudspeaker" if n < LOUDSPEAKERS else "screen",
                area_id=villages[n % 4],
                public_key=SigningKey.generate().public().to_jwk(),
                secret_sha256="0" * 64,
                enrolled_at=station.clock.now(),
            )
            for n in range(LOUDSPEAKERS + SCREENS)
        )


def waiting(served: ServedStation, **content: Any) -> dict[str, Any]:
    """A bulletin that waits for release."""
    bulletin = served.written(**content)
    served.as_person("mai").post(
        f"/api/v1/bulletins/{bulletin['id']}/submission", json={"revision": bulletin["revision"]}
    ).raise_for_status()
    return bulletin


def at(days: int, hour: int, minute: int = 0) -> str:
    local = datetime.now(LOCAL) + timedelta(days=days)
    return local.replace(hour=hour, minute=minute, second=0, microsecond=0).isoformat()


def plan(days: int, hour: int, minute: int = 0) -> list[dict[str, Any]]:
    return [{"rule": {"kind": "once", "at": at(days, hour, minute)}, "targets": {"areas": ["xa"]}}]


@BOTH
def test_from_paste_to_release(served: ServedStation, browser: Browser, tongue: str) -> None:
    with visiting(served, browser, "mai", tongue) as editor:
        page, w = editor.page, editor.w
        page.goto("/compose?new=1")
        expect(page.locator("#summary")).to_contain_text(w["summary_loudspeakers"] % {"count": 40})
        editor.type(page.locator("#words"), TEXT)
        expect(page.locator(".unsure")).to_have_text("TCNSCĐ")
        expect(page.locator("#card")).to_have_value(f"{TITLE} – 19h30 ngày 10/12")
        expect(page.locator("#card-seen img")).to_have_count(3)
        editor.click(editor.button(w["reading_right"]))
        expect(page.locator(".settled")).to_have_text("TCNSCĐ")
        editor.click(page.get_by_text(w["chip_evening"]))
        expect(page.locator("#summary")).to_contain_text("17:00")
        assert editor.page.url.endswith("/compose?new=1")
        editor.click(editor.button(w["compose_listen"], exact=True))
        heard = page.locator(".now-heard")
        expect(heard).to_contain_text(TITLE)  # it plays, and the sentence that is heard is marked
        expect(heard).to_contain_text("TCNSCĐ")
        expect(page.locator("#summary")).not_to_contain_text(w["about"])
        assert re.search(r"/bulletins/[0-9a-f-]{36}$", page.url)
        editor.click(editor.button(w["compose_submit"]))
        expect(page.get_by_role("status").first).to_have_text(w["done_submitted"])
        assert (editor.clicks, editor.typed) == (4, {"words"})
        expect(page.locator("tbody tr").filter(has_text=TITLE)).to_have_count(1 if tongue == "vi" else 2)
    with visiting(served, browser, "hoa", tongue, viewport={"width": 390, "height": 780}) as approver:
        page, w = approver.page, approver.w
        page.goto("/releases")
        approver.click(page.get_by_role("link", name=w["release_look"]).first)
        page.wait_for_url("**/releases/*")
        page.evaluate("document.querySelector('audio').play()")  # the browser's own button lies in its shadow
        approver.clicks += 1
        expect(page.locator(".now-heard")).to_be_visible()
        approver.click(approver.button(w["release_yes"], exact=True))
        expect(page.get_by_role("status").first).to_have_text(w["done_released"])
        assert approver.clicks == 3
    served.as_person("mai").post(
        f"/api/v1/bulletins/{_newest(served)['id']}/withdrawal", json={"reason": "xong"}
    ).raise_for_status()


def _newest(served: ServedStation) -> dict[str, Any]:
    found: dict[str, Any] = served.as_person("mai").get("/api/v1/bulletins").json()["items"][0]
    return found


def test_without_javascript_the_same_can_be_done(served: ServedStation, browser: Browser) -> None:
    with visiting(served, browser, "mai", java_script_enabled=False) as editor:
        page, w = editor.page, editor.w
        page.goto("/compose?new=1")
        page.locator("#words").fill(TEXT.replace(TITLE, "Không có tập lệnh"))
        page.locator("label[for=when-other]").click()
        page.locator("#day").fill(at(2, 5)[:10])
        page.locator("#time1").fill("16:45")
        editor.button(w["compose_save"]).click()
        expect(page.get_by_role("status").first).to_have_text(w["done_saved"])
        expect(page.locator("#summary")).to_contain_text("16:45")
        editor.button(w["reading_right"]).click()
        expect(page.locator(".settled")).to_have_text("TCNSCĐ")
        editor.button(w["compose_listen"], exact=True).click()
        path = urlsplit(page.url).path
        wait_for(lambda: served.as_person("mai").get(f"/api/v1{path}").json()["rendering"] == "done", 60)
        page.goto(path)
        expect(page.locator("audio")).to_be_visible()
        editor.button(w["compose_submit"]).click()
        expect(page.get_by_role("status").first).to_have_text(w["done_submitted"])
        editor.problems.clear()
    with visiting(served, browser, "hoa", java_script_enabled=False) as approver:
        page, w = approver.page, approver.w
        page.goto(path.replace("/bulletins", "/releases"))
        expect(page.locator("audio")).to_be_visible()
        page.locator("summary").filter(has_text=w["release_no"]).click()
        page.get_by_label(w["release_reason"]).fill("Ghi rõ địa điểm.")
        approver.button(w["release_no"], exact=True).click()
        expect(page.get_by_role("status").first).to_have_text(w["done_returned"])
    with visiting(served, browser, "mai", java_script_enabled=False) as editor:
        page, w = editor.page, editor.w
        page.goto(path)
        expect(page.locator(".note").first).to_contain_text("Ghi rõ địa điểm.")
        editor.button(w["compose_submit"]).click()
    with visiting(served, browser, "hoa", java_script_enabled=False) as approver:
        approver.page.goto(path.replace("/bulletins", "/releases"))
        approver.button(approver.w["release_yes"], exact=True).click()
        expect(approver.page.get_by_role("status").first).to_have_text(approver.w["done_released"])


def test_what_is_typed_is_kept_within_five_seconds(served: ServedStation, browser: Browser) -> None:
    with visiting(served, browser, "lan") as editor:
        page, w = editor.page, editor.w
        page.goto("/compose")
        with page.expect_response("**/compose/unfinished", timeout=5_000) as kept:
            page.locator("#words").press_sequentially("Lịch cắt điện", delay=20)
        assert kept.value.status == 204
        page.locator("#words").press_sequentially(" ngày mai")
        page.goto("/bulletins")  # leaving the page sends what is left
        wait_for(lambda: "Lịch cắt điện ngày mai" in served.as_person("lan").get("/bulletins").text)
        page.reload()
        expect(page.get_by_role("link", name="Lịch cắt điện ngày mai")).to_be_visible()
        page.get_by_role("link", name=w["compose_new"]).last.click()
        expect(page.locator("#words")).to_have_value("Lịch cắt điện ngày mai")
        editor.button(w["compose_discard"]).click()
        expect(page.locator("#words")).to_have_value("")
        page.goto("/bulletins")
        expect(page.get_by_role("link", name="Lịch cắt điện ngày mai")).to_have_count(0)


def test_boxes_have_three_states_files_are_taken_in_and_proposals_applied(
    served: ServedStation, browser: Browser
) -> None:
    with visiting(served, browser, "mai") as editor:
        page = editor.page
        page.goto("/compose?new=1")
        village = page.locator("input[name=area][value=thon-dong]")
        commune = page.locator("input[name=area][value=xa]")
        village.uncheck()
        assert commune.evaluate("box => [box.checked, box.indeterminate]") == [False, True]
        expect(page.locator("#count")).to_contain_text("30 loa")
        expect(page.locator("#count")).to_contain_text("33 mất kết nối")
        village.check()
        commune.uncheck()
        expect(page.locator("#count")).to_have_text(editor.w["compose_nowhere"])
        page.locator("input[name=receiver][value=may-1]").dispatch_event("click")  # a loudspeaker
        page.locator("input[name=kind][value=loudspeaker]").uncheck()
        expect(page.locator("#count")).to_have_text(editor.w["compose_no_receiver"])
        expect(page.locator("#summary")).to_contain_text(editor.w["summary_no_receiver"])
        page.locator("input[name=kind][value=loudspeaker]").check()
        commune.check()
        village.uncheck()
        village.check()
        assert commune.evaluate("box => [box.checked, box.indeterminate]") == [True, False]
        text = "Thông báo họp dân\n\nSáng  ngày 31/11 tại nhà văn hóa.\nNơi nhận:\n- Như trên;\n- Lưu: VT."
        page.locator("input[type=file]").set_input_files(
            {"name": "thong-bao.txt", "mimeType": "text/plain", "buffer": text.encode()}
        )
        expect(page.locator("#words")).to_have_value(re.compile("^Thông báo họp dân\n"))
        apply = page.locator("[data-apply]")
        before = apply.count() if expect(apply.first).to_be_visible() is None else 0
        proposal = apply.first.get_attribute("data-proposal")
        place = apply.first.get_attribute("data-text") or ""
        apply.first.click()
        expect(apply).to_have_count(before - 1)
        assert proposal is not None
        if not proposal:
            assert place not in page.locator("#words").input_value()


def test_a_clash_shows_at_once_with_one_free_time(served: ServedStation, browser: Browser) -> None:
    served.released(title="Đã có", plan=plan(3, 17))
    wait_for(lambda: served.as_person("mai").get("/api/v1/airings", params={"limit": 100}).json())
    with visiting(served, browser, "mai") as editor:
        page, w = editor.page, editor.w
        page.goto("/compose?new=1")
        page.locator("#words").fill("Tin mới\nXin chào bà con.")
        page.get_by_text(w["chip_other"], exact=True).click()
        page.locator("#day").fill(at(3, 17)[:10])
        page.locator("#time1").fill("17:00")
        expect(page.locator("#plan .note")).to_contain_text("“Đã có”")
        page.locator("#plan button").click()
        expect(page.locator("#plan .note")).to_have_count(0)
        expect(page.locator("#summary")).not_to_contain_text("17:00 ")
        expect(page.locator("input[name=rule]")).to_be_checked()
        page.get_by_text(w["chip_other"], exact=True).click()
        page.locator("#repeat").select_option("weekly")
        page.locator("[name=weekday][value='0']").check()
        page.locator("#time1").fill("06:00")
        expect(page.locator("#plan")).to_contain_text("Thứ Hai hằng tuần, 6 giờ sáng")
        assert page.locator("#plan p").first.inner_text().count("06:00 ") == 5


@BOTH
def test_a_bulletin_leads_to_its_airings_and_its_log(served: ServedStation, browser: Browser, tongue: str) -> None:
    title = {"vi": "Lịch trực Tết", "en": "Lịch trực trạm"}[tongue]
    bulletin = served.released(title=title, plan=plan(3, {"vi": 9, "en": 10}[tongue], 30))["id"]
    ask = {"bulletin": bulletin}
    wait_for(lambda: served.as_person("mai").get("/api/v1/airings", params=ask).json())
    with visiting(served, browser, "xem", tongue) as reader:
        page, w = reader.page, reader.w
        page.goto(f"/bulletins/{bulletin}")
        airings = page.get_by_role("region", name=w["bulletin_airings"])
        expect(airings.get_by_role("listitem")).to_contain_text(w["plan_state_planned"])
        reader.fits()
        airings.get_by_role("listitem").get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        page.goto(f"/bulletins/{bulletin}")
        reader.link(w["bulletin_log"]).click()
        expect(reader.labelled(w["bulletin"])).to_have_value(title)


def test_a_hundred_clicks_make_one_bulletin(served: ServedStation) -> None:
    client = served.as_person("mai")
    form = {
        "key": "bấm-nhiều",
        "words": "Bấm nhiều lần\nXin chào.",
        "area": "xa",
        "kind": "loudspeaker",
        "when": "morning",
    }

    def click(do: str) -> httpx.Response:
        return client.post("/compose", data={**form, "do": do})

    first = click("listen")
    path = first.headers["location"].partition("?")[0]
    wait_for(lambda: client.get(f"/api/v1{path}").json()["rendering"] == "done", 60)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(click, ["submit"] * 100))
    assert {(answer.status_code, answer.headers.get("location")) for answer in answers} == {
        (303, "/bulletins?done=submitted")
    }
    items = client.get("/api/v1/bulletins", params={"limit": 100}).json()["items"]
    (bulletin,) = [item for item in items if item["title"] == "Bấm nhiều lần"]
    assert (bulletin["state"], bulletin["revision"], len(bulletin["plan"])) == ("submitted", 1, 1)


@BOTH
def test_what_another_saved_meanwhile_is_told_and_taken_the_place_of_knowingly(
    served: ServedStation, browser: Browser, tongue: str
) -> None:
    made = served.written(title="Họp thôn", text="Mời bà con họp lúc 7 giờ.", plan=plan(7, 5))
    path = f"/bulletins/{made['id']}"
    with visiting(served, browser, "mai", tongue) as editor:
        page, w = editor.page, editor.w
        page.goto(path)
        other = {"title": "Họp thôn", "text": "Mời bà con họp lúc 8 giờ.", "plan": plan(7, 5)}
        served.as_person("lan").put(f"/api/v1{path}", params={"revision": 1}, json=other).raise_for_status()
        with page.expect_response("**/compose/unfinished") as kept:
            page.locator("#words").fill("Họp thôn\nMời bà con họp lúc 7 giờ tối.")
        assert kept.value.status == 204
        editor.button(w["compose_save"]).click()
        editor.refused("lan")
        expect(page.locator("ins")).to_have_text("7 giờ tối.")
        expect(page.locator("del")).to_have_text("8 giờ.")
        expect(page.locator("#words")).to_have_value("Họp thôn\nMời bà con họp lúc 7 giờ tối.")
        editor.fits()
        page.goto(path)  # somebody who goes away instead, and comes back
        expect(page.locator(".note").first).to_contain_text("lan")
        expect(page.locator("#words")).to_have_value("Họp thôn\nMời bà con họp lúc 7 giờ tối.")
        editor.button(w["compose_save"]).click()
        editor.told(w["done_saved"])
    assert served.as_person("mai").get(f"/api/v1{path}").json()["text"] == "Mời bà con họp lúc 7 giờ tối."


@BOTH
def test_a_time_that_is_over_is_said_and_what_is_ticked_beside_it_stays(
    served: ServedStation, browser: Browser, tongue: str
) -> None:
    made = served.written(title="Có giờ rồi", plan=plan(8, 5))
    with visiting(served, browser, "mai", tongue, java_script_enabled=False) as editor:
        page, w = editor.page, editor.w
        page.goto(f"/bulletins/{made['id']}")
        page.locator("label[for=when-other]").click()
        assert datetime.fromisoformat(f"{page.locator('#day').input_value()}T17:00+07:00") > datetime.now(LOCAL)
        page.locator("#day").fill(at(-1, 5)[:10])
        editor.button(w["compose_save"]).click()
        editor.refused({"vi": "Giờ phát đã qua", "en": "This time is over"}[tongue])
        expect(page.locator("[name=rule]")).to_be_checked()
        expect(page.locator("#summary")).to_contain_text("05:00")
        expect(page.locator("#summary")).not_to_contain_text("17:00")
        page.locator("#day").fill(at(9, 5)[:10])
        editor.button(w["compose_save"]).click()
        editor.told(w["done_saved"])
        expect(page.locator("[name=rule]")).to_have_count(2)


@BOTH
def test_nothing_is_lost_with_the_line_or_with_the_log_in(served: ServedStation, browser: Browser, tongue: str) -> None:
    title = {"vi": "Đường dây đứt", "en": "Dây lại đứt"}[tongue]
    with visiting(served, browser, "lan", tongue) as editor:
        page, w = editor.page, editor.w
        page.goto("/compose?new=1")
        lost = page.get_by_role("alert").filter(has_text=w["compose_lost"])
        page.context.set_offline(True)
        page.locator("#words").fill(f"{title}\nMời bà con họp.")
        expect(lost).to_be_visible()
        editor.button(w["compose_submit"]).click()  # the page is not left
        expect(page.locator("#words")).to_have_value(f"{title}\nMời bà con họp.")
        page.context.set_offline(False)
        expect(lost).to_be_hidden()
        expect(page.locator("#seen")).to_contain_text(title)  # by itself
        cookies = page.context.cookies()
        ended = [{**each, "value": "hết"} if each["name"] == "session" else each for each in cookies]
        page.context.add_cookies(ended)
        page.locator("#words").fill(f"{title}\nMời bà con họp lúc 7 giờ.")
        expect(lost).to_be_visible()
        editor.fits()
        expect(lost.get_by_role("link", name=w["compose_log_in_again"])).to_have_attribute("target", "_blank")
        page.context.add_cookies(cookies)
        expect(lost).to_be_hidden()
        with page.expect_response("**/listen") as answer:
            editor.button(w["compose_listen"], exact=True).click()
        answer.value.finished()
        expect(page.locator("audio")).to_be_visible()
        assert _newest(served)["text"] == "Mời bà con họp lúc 7 giờ."
        editor.problems.clear()  # Chromium tells of requests that failed


def test_the_player_comes_though_a_look_for_it_failed(served: ServedStation, browser: Browser) -> None:
    with visiting(served, browser, "lan") as editor:
        page, w = editor.page, editor.w
        page.goto("/compose?new=1")
        page.locator("#words").fill("Nghe sau\nMời bà con họp.")
        page.route("**/bulletins/*/listen", lambda route: route.abort(), times=1)
        editor.button(w["compose_listen"], exact=True).click()
        expect(page.locator("audio")).to_be_visible()
        editor.problems.clear()  # Chromium tells of the request that failed


@BOTH
def test_a_file_takes_the_place_of_what_was_typed_only_when_that_is_said(
    served: ServedStation, browser: Browser, tongue: str
) -> None:
    with visiting(served, browser, "mai", tongue) as editor:
        page, w = editor.page, editor.w
        page.goto("/compose?new=1")
        page.locator("#words").fill("Chữ đã gõ\nRất nhiều.")
        expect(page.locator("#kept")).to_contain_text(w["compose_autosaved"])  # and says nothing more then
        asked: list[str] = []
        answers = iter((False, True, True))

        def answer(dialog: Dialog) -> None:
            asked.append(dialog.message)
            dialog.accept() if next(answers) else dialog.dismiss()

        page.on("dialog", answer)
        file = {"name": "tep.txt", "mimeType": "text/plain", "buffer": "Chữ của tệp\nÍt thôi.".encode()}
        page.locator("input[type=file]").set_input_files(file)
        expect(page.locator("#words")).to_have_value("Chữ đã gõ\nRất nhiều.")
        page.route("**/compose/intake", lambda route: route.abort(), times=1)
        page.locator("input[type=file]").set_input_files(file)
        expect(page.locator("#kept")).to_have_text(w["compose_file_unsent"])
        page.locator("input[type=file]").set_input_files(file)
        expect(page.locator("#words")).to_have_value("Chữ của tệp\nÍt thôi.")
        assert asked == [w["compose_replace"]] * 3
        editor.problems.clear()  # Chromium tells of the request that failed


@BOTH
def test_a_text_in_an_old_encoding_is_converted_before_anything_else(
    served: ServedStation, browser: Browser, tongue: str
) -> None:
    with visiting(served, browser, "mai", tongue) as editor:
        page, w = editor.page, editor.w
        page.goto("/compose?new=1")
        page.locator("#words").fill("Th«ng b¸o häp d©n\nKÝnh mêi bµ con ®Õn nhµ v¨n hãa.\nB¾t ®Çu tõ 19h.")
        change = editor.button(w["apply_change"])
        expect(change).to_have_count(2)  # the title, and the text
        expect(page.locator(".unsure").first).to_be_visible()
        expect(page.get_by_role("heading", name=w["compose_uncertain"])).to_have_count(0)
        change.last.click()
        expect(change).to_have_count(1)
        change.click()
        expect(page.locator("#words")).to_have_value(
            "Thông báo họp dân\nKính mời bà con đến nhà văn hóa.\nBắt đầu từ 19h."
        )
        expect(page.locator("#seen")).to_contain_text(w["compose_nothing_to_mend"])


def test_a_bulletin_says_that_its_times_are_over_and_leads_its_approver_on(served: ServedStation) -> None:
    over = served.written(title="Đã qua", plan=plan(-1, 5))
    none = served.written(title="Chưa có giờ")
    for bulletin, said in ((over, "Giờ phát đã qua, 40 loa"), (none, "Chưa chọn giờ")):
        assert said in unescape(served.visit("mai").get(f"/bulletins/{bulletin['id']}").text)
    waits = waiting(served, title="Chờ người duyệt", plan=plan(10, 5))["id"]
    link = f'href="/releases/{waits}"'
    assert link in served.visit("hoa").get(f"/bulletins/{waits}").text
    assert link not in served.visit("mai").get(f"/bulletins/{waits}").text


def test_an_approver_sees_the_programme_its_places_and_the_campaign(served: ServedStation) -> None:
    chief = served.station.log_ins.log_in("hoa", "mật khẩu của hoa")[1]
    slot = Slot(rule=Recurring(start=f"{at(0, 9)[:10]}T09:00:00", rrule="FREQ=DAILY"), seconds=300)
    column = Programme(id="nha-nong", name="Bạn nhà nông", slots=(slot,))
    served.station.programmes.save(chief, column, Targets(areas=("thon-2",)), revision=0)
    first = datetime.now(LOCAL).date()
    campaign = served.station.campaigns.save(
        chief,
        CampaignPlan(name="Mùa vụ", starts_on=first, ends_on=first + timedelta(days=30), content_groups=("Lúa",)),
    )
    content = {"programme": "nha-nong", "campaign": campaign, "content_group": "Lúa"}
    waits = waiting(served, title="Lịch gieo mạ", **content)["id"]
    page = unescape(served.visit("hoa").get(f"/releases/{waits}").text)
    assert "Phát theo chuyên mục “Bạn nhà nông”" in page
    assert "<strong>Bạn nhà nông.</strong> Thôn 2 (10 loa, 1 màn hình, 11 mất kết nối)" in page
    assert ">Mùa vụ: Lúa<" in page
    for count, more in ((5, False), (6, True)):
        rule = {"kind": "recurring", "start": f"{at(11, 5)[:10]}T05:00:00", "rrule": f"FREQ=DAILY;COUNT={count}"}
        made = waiting(served, title="Năm lượt", plan=[{"rule": rule, "targets": {"areas": ["xa"]}}])
        assert (" …</span>" in served.visit("hoa").get(f"/releases/{made['id']}").text) is more
        served.as_person("mai").post(
            f"/api/v1/bulletins/{made['id']}/withdrawal", json={"reason": "xong"}
        ).raise_for_status()


def test_two_tabs_with_the_same_new_bulletin_lose_neither(served: ServedStation) -> None:
    client = served.visit("lan")
    form = {"key": "hai-the", "bulletin": "", "revision": "0", "area": "xa", "kind": "loudspeaker", "do": "save"}
    first = client.post("/compose", data={**form, "words": "Thẻ một\nCủa thẻ một."})
    assert first.status_code == 303
    second = client.post("/compose", data={**form, "words": "Thẻ hai\nCủa thẻ hai."})
    page = unescape(second.text)
    assert second.status_code == 409
    assert "chính bạn ở một cửa sổ khác đã lưu bản sửa 1" in page
    assert "Thẻ hai\nCủa thẻ hai." in page
    assert "<del>một</del>" in page
    told = {name: hidden(second.text, name) for name in ("key", "bulletin", "revision")}
    again = client.post("/compose", data={**form, **told, "words": "Thẻ hai\nCủa thẻ hai."})
    assert again.headers["location"] == first.headers["location"]
    assert _newest(served)["title"] == "Thẻ hai"


def test_a_form_is_sent_once_while_its_answer_is_awaited(served: ServedStation, browser: Browser) -> None:
    with visiting(served, browser, "mai") as editor:
        page, w = editor.page, editor.w
        page.goto("/campaigns/new")
        editor.labelled(w["camp_name"]).fill("Chiến dịch bấm hai lần")
        editor.labelled(w["camp_starts"]).fill(at(0, 5)[:10])
        editor.labelled(w["camp_ends"]).fill(at(9, 5)[:10])
        held: list[Route] = []
        page.route(
            "**/campaigns/**", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
        )
        editor.button(w["camp_save"], exact=True).element_handle().evaluate(
            "b => new Promise(done => { b.click(); setTimeout(() => { b.click(); done(); }, 300); })"
        )
        while not held:
            page.wait_for_timeout(10)
        (sent,) = held
        sent.continue_()
        editor.told(w["done_campaign_saved"])


def test_a_file_that_is_not_taken_leads_back_to_the_page(served: ServedStation) -> None:
    client = served.visit("mai")
    for files, status in (({"file": ("", b"")}, 422), ({"file": ("lon.docx", bytes(DOCUMENT_LIMIT + 20_000))}, 413)):
        page = client.post("/compose/intake", files=files)
        asked = client.post("/compose/intake", files=files, headers={"Accept": "application/json"})
        assert (page.status_code, asked.status_code) == (status, status), page.text
        assert 'id="problem"' in page.text
        assert 'id="words"' in page.text
        assert asked.json()["problem"] in unescape(page.text)


def test_what_is_no_longer_spoken_anew_is_not_lost(served: ServedStation) -> None:
    bulletin = served.written(title="Nói lại", text="Xin chào bà con.")
    form = {"bulletin": bulletin["id"], "key": bulletin["id"], "revision": "7", "words": "Nói lại\nChữ chưa lưu."}
    answer = served.visit("mai").post(f"/bulletins/{bulletin['id']}/anew", data={**form, "area": "xa"})
    assert answer.status_code == 409
    assert 'id="problem"' in answer.text
    assert "Chữ chưa lưu." in answer.text


def test_a_session_is_released_in_one_act_and_an_edit_says_that_it_voids(
    served: ServedStation, browser: Browser
) -> None:
    first = waiting(served, title="Tin thứ nhất", plan=plan(4, 5))
    second = waiting(served, title="Tin thứ hai", plan=plan(4, 5))
    with visiting(served, browser, "hoa", "en") as approver:
        page, w = approver.page, approver.w
        page.goto("/releases")
        for title in ("Tin thứ nhất", "Tin thứ hai"):
            page.get_by_label(w["release_choose"] % {"title": title}).check()
        # Meanwhile one of them is edited and submitted again: nothing is released.
        content = {"title": "Tin thứ hai", "text": "Xin chào bà con, họp lúc 7 giờ.", "plan": plan(4, 5)}
        editor = served.as_person("mai")
        path = f"/api/v1/bulletins/{second['id']}"
        editor.put(path, params={"revision": second["revision"]}, json=content).raise_for_status()
        wait_for(lambda: editor.get(path).json()["rendering"] == "done", 60)
        revision = editor.get(path).json()["revision"]
        editor.post(f"{path}/submission", json={"revision": revision}).raise_for_status()
        approver.button(w["release_all"]).click()
        approver.refused("Nothing was released. “Tin thứ hai”: The content is not what you saw")
        expect(page.get_by_label(w["release_choose"] % {"title": "Tin thứ nhất"})).to_be_checked()
        expect(
            page.get_by_label(w["release_choose"] % {"title": "Tin thứ hai"})
        ).not_to_be_checked()  # not as it is now
        assert editor.get(f"/api/v1/bulletins/{first['id']}").json()["state"] == "submitted"
        page.goto(f"/releases/{second['id']}")
        expect(page.locator("ins")).to_contain_text("họp lúc 7 giờ")
        page.goto("/releases")
        for title in ("Tin thứ nhất", "Tin thứ hai"):
            page.get_by_label(w["release_choose"] % {"title": title}).check()
        approver.button(w["release_all"]).click()
        expect(page.get_by_role("status").first).to_have_text(w["done_released"])
    with visiting(served, browser, "mai") as visitor:
        page, w = visitor.page, visitor.w
        page.goto(f"/bulletins/{first['id']}")
        expect(page.get_by_text(w["edit_voids"])).to_be_visible()
        page.get_by_role("link", name=w["edit"], exact=True).click()
        expect(page.get_by_text(w["compose_released_note"])).to_be_visible()
        page.locator("#words").fill("Tin thứ nhất\nNội dung khác.")
        visitor.button(w["compose_save"]).click()
        expect(page.get_by_role("status").first).to_have_text(w["done_saved"])
    assert editor.get(f"/api/v1/bulletins/{first['id']}").json()["state"] == "draft"


def test_who_has_codes_is_asked_for_one_and_nobody_releases_their_own(served: ServedStation) -> None:
    station = served.station
    chief = station.people.add(
        username="chu-tich", name="Chủ tịch", role=Role.APPROVER, password="mật khẩu của chu-tich"
    )
    client = served.as_person("chu-tich")
    secret, _ = station.log_ins.begin_codes(chief)
    totp = pyotp.TOTP(secret)
    now = int(datetime.now(LOCAL).timestamp())
    station.log_ins.confirm_codes(chief, totp.at(now - 30))
    bulletin = waiting(served, title="Cần mã", plan=plan(5, 5))
    path = f"/releases/{bulletin['id']}"
    seen = client.get(f"/api/v1/bulletins/{bulletin['id']}/release-preview").json()["content_sha256"]
    assert 'name="code"' in client.get(path).text
    refused = client.post(path, data={"content_sha256": seen})
    assert (refused.status_code, 'name="code"' in refused.text) == (403, True)
    assert client.post(path, data={"content_sha256": seen, "code": "000000"}).status_code == 403
    done = client.post(path, data={"content_sha256": seen, "code": totp.at(now)}, headers={"Origin": served.base})
    assert (done.status_code, done.headers.get("location")) == (303, "/releases?done=released"), done.text
    own = served.written("hoa", title="Của mình", plan=plan(5, 6))
    hoa = served.as_person("hoa")
    hoa.post(f"/api/v1/bulletins/{own['id']}/submission", json={"revision": own["revision"]}).raise_for_status()
    seen = hoa.get(f"/api/v1/bulletins/{own['id']}/release-preview").json()["content_sha256"]
    assert hoa.post(f"/releases/{own['id']}", data={"content_sha256": seen}).status_code == 403
    assert served.as_person("mai").get("/releases").status_code == 403


@pytest.mark.parametrize(("tongue", "scheme"), [("vi", "light"), ("en", "dark")])
def test_every_page_is_accessible_fits_a_phone_and_is_small(
    served: ServedStation, browser: Browser, tongue: str, scheme: str
) -> None:
    released = served.released(title="Đã duyệt", plan=plan(6, 6))["id"]
    submitted = waiting(served, title="Chờ duyệt", plan=plan(6, 5))["id"]
    unsure = served.written(title="Chưa chắc", text="Tổ TCNSCĐ mời họp 31/11.", plan=plan(6, 17))["id"]
    paths = {
        "/compose?new=1": "mai",
        f"/bulletins/{unsure}": "mai",
        f"/bulletins/{released}": "mai",
        "/bulletins": "mai",
        f"/bulletins/{submitted}/revisions": "mai",
        "/releases": "hoa",
        f"/releases/{submitted}": "hoa",
    }
    for who in ("mai", "hoa"):
        with visiting(served, browser, who, tongue, color_scheme=scheme) as visitor:
            page = visitor.page
            for path in (path for path, person in paths.items() if person == who):
                # So high that the bar at the window's edge covers nothing while axe looks.
                page.set_viewport_size({"width": 320, "height": 4000})
                page.goto(path)
                assert not sideways(page), path
                for summary in page.locator("details:not([open]) > summary").all():
                    if summary.is_visible():
                        summary.click()
                assert axe_violations(page) == [], path
                assert small_targets(page) == [], path
                assert not sideways(page), path
    client = served.as_person("mai")
    page_bytes = _compressed(client, "/compose?new=1")
    scripts = sum(_compressed(client, f"/static/{name}") for name in SCRIPTS)
    assert scripts <= 25_000
    assert page_bytes + scripts + sum(_compressed(client, f"/static/{name}") for name in STYLES) <= 60_000


SCRIPTS = ("forms.js", "vendor/htmx-2.0.11.min.js", "compose.js", "player.js")
STYLES = ("style.css", "compose.css", "icon.svg")


def _compressed(client: httpx.Client, path: str) -> int:
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        return sum(len(part) for part in answer.iter_raw())
