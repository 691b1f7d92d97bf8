"""Emergencies, stops and airing rules as people go through them in a browser, in both languages."""

import time
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from api.problems import Language
from broadcaster.people import Role
from broadcaster.storage.models import Emergency
from devices.wire.signing import SigningKey
from tests.brokers import wait_for
from tests.integration.serving import ServedStation
from tests.integration.visitor import BOTH, visiting

NUMBERS = {"vi": "4", "en": "5"}


@pytest.fixture(scope="module", autouse=True)
def heard(served: ServedStation) -> ServedStation:
    """A loudspeaker that would hear it."""
    key = SigningKey.generate().public()
    served.station.enrol(receiver="loa-1", name="Cụm loa Đông", kind="loudspeaker", area="thon-dong", public_key=key)
    return served


@pytest.fixture(scope="module")
def codes(served: ServedStation) -> pyotp.TOTP:
    """An approver with one-time codes: chu-tich."""
    station = served.station
    chief = station.people.add(
        username="chu-tich", name="Chủ tịch", role=Role.APPROVER, password="mật khẩu của chu-tich"
    )
    served.as_person("chu-tich")
    secret, _ = station.log_ins.begin_codes(chief)
    made = pyotp.TOTP(secret)
    station.log_ins.confirm_codes(chief, made.at(int(time.time()) - 30))
    return made


def _last(served: ServedStation) -> Emergency:
    with served.station.database.reading() as session:
        found = session.scalars(select(Emergency).order_by(Emergency.asked_at.desc())).first()
    assert found is not None
    return found


@BOTH
def test_an_emergency_from_its_template_to_the_all_clear(
    served: ServedStation, browser: Browser, codes: pyotp.TOTP, tongue: Language
) -> None:
    number = NUMBERS[tongue]
    name, blank = f"Bão gần bờ {number}", f"Bão số {number} cách Hải Phòng"
    with visiting(served, browser, "mai", tongue) as editor:
        page, w = editor.page, editor.w
        editor.page.goto("/operations")
        editor.go("nav_emergencies")
        editor.link(w["em_new"]).first.click()
        page.get_by_label(w["em_name"]).fill(name)
        page.get_by_label(w["em_whose"]).select_option("xa")
        page.get_by_label(w["em_headline"]).fill("Bão số {số bão}")
        page.get_by_label(w["em_text"], exact=True).fill("Bão số {số bão} cách {địa danh}. Bà con không ra khơi.")
        editor.button(w["em_draft_go"]).click()
        expect(page.get_by_role("status")).to_have_text(w["em_describe"])
        first = page.get_by_role("group", name=w["em_blank_of"] % {"name": "số bão"})
        second = page.get_by_role("group", name=w["em_blank_of"] % {"name": "địa danh"})
        first.get_by_label(w["em_kind"]).select_option("number")
        first.get_by_label(w["em_highest"]).fill("20")
        second.get_by_label(w["em_kind"]).select_option("choice")
        editor.button(w["em_draft_go"]).click()
        editor.refused({"vi": "các lựa chọn của “địa danh”", "en": "the choices for “địa danh”"}[tongue])
        expect(first.get_by_label(w["em_highest"])).to_have_value("20")
        editor.fits()
        second.get_by_label(w["em_choices"]).fill("Hải Phòng; Thái Bình")
        editor.button(w["em_draft_go"]).click()
        editor.told(w["done_template_drafted"])
        expect(page.get_by_text(w["em_release_own"])).to_be_visible()
        expect(editor.button(w["em_release"])).to_have_count(0)
    with visiting(served, browser, "chu-tich", tongue) as chief:
        page, w = chief.page, chief.w
        chief.page.goto("/operations")
        chief.go("nav_emergencies")
        chief.link(name).click()
        expect(chief.button(w["em_release"])).to_be_visible()
        code = page.get_by_label(w["plan_code"])
        if code.count():  # a code proves for some time, in whichever language
            code.fill("000000")
            chief.button(w["em_release"]).click()
            chief.refused({"vi": "Mã xác thực không đúng", "en": "code is wrong"}[tongue])
            chief.fits()
            code.fill(codes.now())
        chief.button(w["em_release"]).click()
        chief.told(w["done_template_released"])
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/operations")
        # One: the emergencies; two: the template; three, once its blanks are filled: it is said.
        operator.click(page.locator("#content").get_by_role("link", name=w["op_issue"]))
        operator.click(operator.link(w["em_use_of"] % {"name": name}))
        page.get_by_label("Số bão").fill("21")
        page.get_by_label("Địa danh").select_option("Hải Phòng")
        page.get_by_label(w["em_drill"]).check()
        operator.button(w["em_issue"], exact=True).click()
        operator.refused("20")
        expect(page.get_by_label("Số bão")).to_have_value("21")
        expect(page.get_by_label("Địa danh")).to_have_value("Hải Phòng")
        operator.fits()
        page.get_by_label("Số bão").fill(number)
        operator.click(operator.button(w["em_issue"], exact=True))
        operator.told(w["done_emergency_issued"])
        assert operator.clicks == 3
        expect(page.locator(".said")).to_contain_text(blank)
        wait_for(lambda: _last(served).state == "issued", 60)
        storm = _last(served)
        assert storm.drill
        assert storm.blanks == {"so_bao": number, "dia_danh": "Hải Phòng"}
        operator.page.goto("/operations")
        operator.go("nav_emergencies")
        operator.link(f"Bão số {number}").click()
        expect(page.get_by_text(w["em_state_issued"], exact=True)).to_be_visible()
        operator.fits()
        # The all-clear has what the message has that it ends.
        page.get_by_label(f"{w['em_use_of'] % {'name': name}} ({w['em_message_cancel']})").click()
        expect(page.get_by_label("Số bão")).to_have_value(number)
        expect(page.get_by_label("Địa danh")).to_have_value("Hải Phòng")
        operator.button(w["em_issue_cancel"]).click()
        operator.told(w["done_emergency_issued"])
        expect(page.get_by_text(w["em_message_cancel"], exact=True)).to_be_visible()
        wait_for(lambda: _last(served).references == storm.id and _last(served).state == "issued", 60)
        operator.page.goto("/operations")
        operator.go("nav_emergencies")
        operator.link(f"Bão số {number}").click()
        page.get_by_role("textbox", name=w["reason"]).fill("Diễn tập xong")
        operator.button(w["em_end_go"]).click()
        operator.told(w["done_emergency_ended"])
        expect(page.locator("#content")).to_contain_text("Diễn tập xong")
        assert _last(served).state == "ended"
        with served.station.database.reading() as session:
            assert session.get_one(Emergency, storm.id).state == "ended"
    with visiting(served, browser, "hoa", tongue) as approver:
        page, w = approver.page, approver.w
        approver.page.goto("/operations")
        approver.go("nav_emergencies")
        approver.link(w["em_use_of"] % {"name": name}).click()
        approver.open(w["em_retire"])
        approver.asked_to_tick(page.get_by_label(w["em_retire_sure"]), approver.button(w["em_retire"]))
        page.get_by_label(w["em_retire_sure"]).check()
        approver.button(w["em_retire"]).click()
        approver.told(w["done_template_retired"])
        expect(page.get_by_text(name)).to_have_count(0)


@BOTH
def test_one_person_alone_needs_a_reason_and_a_policy(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    title = f"Vỡ đê {NUMBERS[tongue]}"
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        operator.page.goto("/operations")
        operator.go("nav_emergencies")
        operator.link(w["em_alone"]).click()
        page.get_by_label(w["em_headline"]).fill(title)
        page.get_by_label(w["em_text"], exact=True).fill("Đê vỡ, bà con lên đồi.")
        operator.button(w["em_issue"], exact=True).click()
        expect(page.get_by_label(w["em_alone_reason"])).to_be_focused()  # the browser asks for the reason
        page.get_by_label(w["em_alone_reason"]).fill("Không gọi được ai")
        page.get_by_label("Địa bàn xa", exact=True).check()
        operator.button(w["em_issue"], exact=True).click()
        operator.refused("Địa bàn")  # whose policy does not allow it
        expect(page.get_by_label(w["em_text"], exact=True)).to_have_value("Đê vỡ, bà con lên đồi.")
        operator.fits()
        page.get_by_label(w["em_drill"]).check()
        operator.button(w["em_issue"], exact=True).click()
        operator.told(w["done_emergency_issued"])
        expect(page.locator("#content")).to_contain_text("Không gọi được ai")
        wait_for(lambda: _last(served).state == "issued", 60)
        assert (_last(served).drill, _last(served).reason) == (True, "Không gọi được ai")
        page.reload()
        page.get_by_role("textbox", name=w["reason"]).fill("xong")
        operator.button(w["em_end_go"]).click()
        operator.told(w["done_emergency_ended"])


@BOTH
def test_everything_is_stopped_and_sounds_again(served: ServedStation, browser: Browser, tongue: Language) -> None:
    reason = f"Loa rú {NUMBERS[tongue]}"
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        operator.page.goto("/operations")
        operator.go("nav_emergencies")
        operator.choose(w["em_stop_where"], "Địa bàn xa")
        page.get_by_label(w["em_stop_how_long"]).select_option("60")
        page.get_by_role("textbox", name=w["reason"]).fill(" ")
        operator.button(w["em_stop_go"]).click()
        operator.refused({"vi": "lý do dừng", "en": "why it is stopped"}[tongue])
        expect(page.locator("form[action='/emergencies/stops']").get_by_role("alert")).to_be_visible()
        expect(operator.labelled(w["em_stop_where"])).to_have_value("xa")
        expect(operator.labelled(w["em_stop_how_long"])).to_have_value("60")
        expect(page.get_by_role("textbox", name=w["reason"])).to_have_attribute("aria-invalid", "true")
        operator.fits()
        page.get_by_role("textbox", name=w["reason"]).fill(reason)
        operator.button(w["em_stop_go"]).click()
        operator.told(w["done_em_stopped"])
        card = page.locator("section.alarm", has_text=reason)
        expect(card).to_contain_text(w["em_stopped"])
        operator.fits()
        actor = served.station.log_ins.log_in("viet", "mật khẩu của viet")[1]
        (stop,) = served.station.stops.standing(actor)
        assert stop.published_at is not None
        assert stop.audience["areas"] == ["xa"]
        assert stop.expires_at - stop.issued_at == timedelta(minutes=60)
        assert (stop.published_at - stop.issued_at).total_seconds() < 3
        why = card.get_by_role("textbox", name=w["em_lift_reason"])
        why.fill(" ")
        card.get_by_role("button", name=w["em_lift"]).click()
        operator.refused({"vi": "Hãy ghi lý do", "en": "Say why"}[tongue])
        expect(card.get_by_role("alert")).to_be_visible()
        expect(why).to_have_attribute("aria-invalid", "true")
        operator.fits()
        why.fill(w["em_lift_usual"])
        card.get_by_role("button", name=w["em_lift"]).click()
        operator.told(w["done_em_lifted"])
        expect(page.get_by_text(reason)).to_have_count(0)
        assert served.station.stops.standing(actor) == []


@BOTH
def test_a_stop_that_was_sent_after_the_log_in_ended_is_said_to_be_none(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    with visiting(
        served, browser, "viet", tongue, java_script_enabled=False
    ) as operator:  # nothing else leads to the log-in
        page, w = operator.page, operator.w
        page.goto("/")
        operator.open(w["op_stop_all"])
        operator.labelled(w["op_stop_reason"]).fill("Thử.")
        page.context.clear_cookies(name="session")
        operator.button(w["op_stop_now"], exact=True).click()
        operator.refused(w["login_unsaved"])
        operator.logs_in("viet", "mật khẩu của viet")
        expect(page.get_by_role("heading", level=1)).to_have_text(w["nav_today"])
    assert served.station.stops.standing(served.station.log_ins.log_in("viet", "mật khẩu của viet")[1]) == []


@BOTH
@pytest.mark.parametrize("script", [True, False])
def test_a_stop_that_is_refused_says_so_where_it_was_asked_for(
    *, served: ServedStation, browser: Browser, tongue: Language, script: bool
) -> None:
    small = {"width": 320, "height": 568}
    reason = f"Loa kêu {NUMBERS[tongue]} {script}"
    with visiting(served, browser, "viet", tongue, viewport=small, java_script_enabled=script) as operator:
        page, w = operator.page, operator.w
        page.goto("/operations?area=xa")
        form = page.locator("form[action='/operations/stop']")
        why = form.get_by_label(w["op_stop_reason"])
        operator.open(w["op_stop_all"])
        why.fill(" ")
        form.get_by_role("button").click()
        operator.refused({"vi": "lý do dừng", "en": "why it is stopped"}[tongue])
        expect(form.get_by_role("alert")).to_be_focused()
        expect(why).to_have_value(" ")
        expect(why).to_have_attribute("aria-invalid", "true")
        why.fill(reason)
        if script:  # what is live stays so, and what is typed stays
            operator.fits()
            expect(page.locator("#link")).to_have_text(w["live"])
            stop = {"reason": "Sửa điện", "targets": {"areas": ["thon-dong"]}}
            made = served.as_person("viet").post("/api/v1/stops", json=stop).json()["id"]
            expect(page.locator("#alarms")).to_contain_text("Sửa điện")
            lifted = served.as_person("viet").post(f"/api/v1/stops/{made}/lifting", json={"reason": "xong"})
            assert lifted.is_success, lifted.text
            expect(page.locator("#alarms")).not_to_contain_text("Sửa điện")
            expect(why).to_have_value(reason)
        form.get_by_role("button").click()
        expect(page.locator(".done-box")).to_have_text(w["done_stopped"])
        alarm = page.locator(".alarm.stop", has_text=reason)
        # Somebody else was faster: there is nothing left to lift, which is said where it stood.
        actor = served.station.log_ins.log_in("viet", "mật khẩu của viet")[1]
        (row,) = served.station.stops.standing(actor)
        assert row.audience["areas"] == ["xa"]
        if not script:
            served.station.stops.lift(actor, row.id, reason="xong")
        alarm.get_by_role("button", name=w["op_lift"]).click()
        if script:
            expect(page.locator(".done-box")).to_have_text(w["done_lifted"])
        else:
            operator.refused({"vi": "đã hết hiệu lực", "en": "no longer stands"}[tongue])
            expect(page.locator("section.emergency").get_by_role("alert")).to_be_focused()
        assert served.station.stops.standing(actor) == []


@BOTH
def test_a_rule_is_made_tried_changed_and_removed(served: ServedStation, browser: Browser, tongue: Language) -> None:
    area = {"vi": "xa", "en": "thon-dong"}[tongue]
    said = {
        "vi": ("từ 20 giờ 30 đến 5 giờ", "từ 21 giờ đến 5 giờ"),
        "en": ("20:30", "21:00"),
    }[tongue]
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto(f"/areas/{area}")
        page.locator("#content").get_by_role("link", name=w["policies"]).click()
        page.locator("section[aria-labelledby=own]").get_by_role("link", name=w["rule_quiet_hours"]).click()
        page.get_by_label(w["rule_begins"]).fill("20:30")
        page.get_by_label(w["rule_ends"]).fill("20:30")
        operator.button(w["rule_save"]).click()
        operator.refused({"vi": "phải khác nhau", "en": "at the same time"}[tongue])
        expect(page.get_by_label(w["rule_begins"])).to_have_value("20:30")
        operator.fits()
        page.get_by_label(w["rule_ends"]).fill("05:00")
        operator.button(w["rule_save"]).click()
        operator.told(w["done_policy_saved"])
        own = page.locator("section[aria-labelledby=own]")
        expect(own).to_contain_text(said[0])
        page.get_by_label(w["policies_try_at"]).fill("2030-03-04T21:00")
        operator.button(w["policies_try_go"]).click()
        expect(page.locator("section[aria-labelledby=try] .problem")).to_be_visible()
        page.get_by_label(w["policies_try_at"]).fill("2030-03-04T20:00")
        operator.button(w["policies_try_go"]).click()
        expect(page.locator("section[aria-labelledby=try]")).to_contain_text(w["policies_lawful"])
        own.get_by_role("link", name=w["policies_edit"]).click()
        page.get_by_label(w["rule_begins"]).fill("21:00")
        operator.button(w["rule_save"]).click()
        expect(own).to_contain_text(said[1])
        rules = _rules(served, area)
        assert [(rule["kind"], rule["begins"]) for rule in rules] == [("quiet_hours", "21:00:00")], rules
        # Each form of the page says itself that somebody else changed the rules meanwhile; then it is taken.
        for part, press in (
            ("templates", page.get_by_label(w["policies_take_of"] % {"name": w["template_hanoi-rural-2021"]})),
            ("own", own.get_by_role("button").first),
            ("alone-head", page.locator("form[action='/policies/emergency'] button")),
        ):
            operator.choose(w["policies_alone_label"], w["policies_alone_no"])
            policy = served.as_person("viet").get(f"/api/v1/areas/{area}/policy").json()
            body = {"policy": policy["own"], "revision": policy["revision"], "break_glass": policy["break_glass"]}
            again = served.as_person("viet").put(f"/api/v1/areas/{area}/policy", json=body)
            assert again.is_success, again.text
            press.click()
            operator.refused({"vi": "vừa được người khác sửa", "en": "Somebody else has"}[tongue])
            expect(page.locator(f"section[aria-labelledby={part}]").get_by_role("alert")).to_be_visible()
            assert _rules(served, area) == rules
        expect(operator.labelled(w["policies_alone_label"])).to_have_value("no")
        operator.fits()
        page.get_by_label(w["policies_take_of"] % {"name": w["template_hanoi-rural-2021"]}).click()
        operator.told(w["done_policy_saved"])
        assert len(_rules(served, area)) > 1
        while own.get_by_role("button").count():
            before = own.get_by_role("button").count()
            own.get_by_role("button").first.click()
            expect(own.get_by_role("button")).to_have_count(before - 1)
        assert _rules(served, area) == []


def _rules(served: ServedStation, area: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = served.as_person("viet").get(f"/api/v1/areas/{area}/policy").json()["own"]["rules"]
    return found
