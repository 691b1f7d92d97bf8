"""Accounts, one's own page, absences, and bulletins between editor and approver, as people do it in a real browser and in both languages."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select, update

from api.problems import Language
from broadcaster.people import Grant, Role
from broadcaster.storage.models import Area, Bulletin, Person
from devices.wire.signing import SigningKey
from tests.brokers import wait_for
from tests.integration.serving import ServedStation
from tests.integration.visitor import BOTH, Visitor, visiting

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.fixture(scope="module", autouse=True)
def people(served: ServedStation) -> None:
    """An administrator, and for each language people of their own."""
    roles = {"quan": Role.ADMINISTRATOR}
    for tongue in ("vi", "en"):
        roles |= {
            f"{name}-{tongue}": role
            for name, role in (
                ("soan", Role.EDITOR),
                ("duyet", Role.APPROVER),
                ("thay", Role.VIEWER),
                ("vang", Role.APPROVER),
                ("bien", Role.EDITOR),
            )
        }
    for name, role in roles.items():
        served.station.people.add(username=name, name=f"Người {name}", role=role, password=f"mật khẩu của {name}")


def _status(served: ServedStation, username: str, password: str) -> int:
    return served.anonymous().post("/api/v1/sessions", json={"username": username, "password": password}).status_code


@BOTH
def test_an_account_is_made_given_roles_locked_and_reset(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    login, name = f"ngo.sau.{tongue}", f"Ngô Thị Sáu {tongue}"
    with visiting(served, browser, "quan", tongue) as admin, visiting(served, browser, None, tongue) as new:
        page, w = admin.page, admin.w
        page.goto("/")
        admin.go("nav_accounts")
        admin.link(w["person_invite_link"]).click()
        admin.labelled(w["person_name"]).fill(name)
        admin.labelled(w["username"]).fill("Chữ Có Dấu")
        page.get_by_role("radio", name=re.compile(f"^{w['role_editor']}")).check()
        admin.choose(w["person_area"], "Địa bàn thon-dong")
        admin.button(w["person_invite"]).click()
        admin.refused({"vi": "2 – 64 chữ không dấu", "en": "2 – 64 letters without diacritics"}[tongue])
        admin.fits()
        expect(admin.labelled(w["person_name"])).to_have_value(name)
        expect(admin.labelled(w["username"])).to_have_value("chữ có dấu")
        expect(page.get_by_role("radio", name=re.compile(f"^{w['role_editor']}"))).to_be_checked()
        expect(admin.labelled(w["person_area"])).to_have_value("thon-dong")
        admin.labelled(w["username"]).fill(login)
        admin.button(w["person_invite"]).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(w["person_password"] % {"name": name})
        admin.fits()
        given = page.locator("#once").inner_text()
        admin.link(w["person_back"]).click()

        # The person logs in, and has to choose a password before anything else.
        new.page.goto("/")
        new.logs_in(login, "không phải")
        new.refused({"vi": "mật khẩu không đúng", "en": "password is wrong"}[tongue])
        expect(new.labelled(w["username"])).to_have_value(login)
        new.fits()
        new.logs_in(login, given)
        expect(new.page.get_by_text(w["me_must"])).to_be_visible()
        for old, fresh, again, said in (
            (given, "một câu dễ nhớ", "câu khác hẳn", {"vi": "không giống nhau", "en": "not typed twice alike"}),
            (
                "không phải",
                "một câu dễ nhớ",
                "một câu dễ nhớ",
                {"vi": "hiện tại không đúng", "en": "present password is wrong"},
            ),
        ):
            new.labelled(w["me_old"]).fill(old)
            new.labelled(w["me_new"]).fill(fresh)
            new.labelled(w["me_again"]).fill(again)
            new.button(w["me_password"]).click()
            new.refused(said[tongue])
        new.fits()
        new.labelled(w["me_old"]).fill(given)
        new.labelled(w["me_new"]).fill("một câu dễ nhớ")
        new.labelled(w["me_again"]).fill("một câu dễ nhớ")
        new.button(w["me_password"]).click()
        new.told(w["done_password_changed"])
        assert _status(served, login, given) == 401
        new.go("nav_bulletins")
        expect(new.link(w["compose_new"]).first).to_be_visible()

        # One more role, and an account without any is refused.
        admin.labelled(w["people_search"]).fill("ngo thi sau " + tongue)
        admin.button(w["find"], exact=True).click()
        admin.link(name).click()
        admin.labelled(w["person_role_n"] % {"number": 1}).select_option(label=w["person_role_none"])
        admin.labelled(w["person_name"]).fill(f"{name} (mới)")
        admin.button(w["person_save"], exact=True).click()
        admin.refused({"vi": "Chọn một vai trò", "en": "Choose a role"}[tongue])
        expect(admin.labelled(w["person_name"])).to_have_value(f"{name} (mới)")
        admin.fits()
        admin.labelled(w["person_role_n"] % {"number": 1}).select_option(label=w["role_approver"])
        admin.choose(w["person_area_n"] % {"number": 1}, "Địa bàn xa")
        admin.button(w["person_save"], exact=True).click()
        admin.told(w["done_person_saved"])
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{name} (mới)")
        new.page.reload()
        new.go("nav_releases")
        expect(new.page.get_by_role("heading", level=1)).to_have_text(w["releases"])
        mine = _account(served, login)
        assert [(each["role"], each["area"]) for each in mine["roles"]] == [("approver", "xa")]

        # Locked: out at once, and no way in; then let in again.
        page.get_by_label(w["person_disable"]).check()
        admin.button(w["person_save"], exact=True).click()
        admin.told(w["done_person_saved"])
        expect(page.get_by_text(w["person_disabled"], exact=True)).to_be_visible()
        new.go("nav_bulletins")
        expect(new.page.get_by_role("heading", level=1)).to_have_text(w["login"])
        new.logs_in(login, "một câu dễ nhớ")
        new.refused({"vi": "mật khẩu không đúng", "en": "password is wrong"}[tongue])
        page.get_by_label(w["person_disable"]).uncheck()
        admin.button(w["person_save"], exact=True).click()
        expect(page.get_by_text(w["person_active"], exact=True)).to_be_visible()

        # Too many failures, and what the page says then helps.
        wrong = {"vi": "mật khẩu không đúng", "en": "password is wrong"}[tongue]
        for _ in range(3):  # beside the one while it was locked, and the one with the first password
            new.logs_in(login, "không phải")
            new.refused(wrong)
        new.logs_in(login, "một câu dễ nhớ")
        new.refused({"vi": "nhờ người quản trị cấp lại mật khẩu", "en": "ask an administrator"}[tongue])
        sure = page.get_by_label(w["person_sure"] % {"name": f"{name} (mới)"})
        admin.asked_to_tick(sure, admin.button(w["person_reset"]))
        sure.check()
        admin.button(w["person_reset"]).click()
        given = page.locator("#once").inner_text()
        new.logs_in(login, given)
        expect(new.page.get_by_text(w["me_must"])).to_be_visible()
        assert _status(served, login, "một câu dễ nhớ") == 401


@BOTH
def test_a_role_in_an_area_that_has_ended_stays_as_it_is_and_nobody_locks_themselves_out(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    old, name, login = f"thon-cu-{tongue}", f"Người của nơi cũ {tongue}", f"cu-{tongue}"
    everybody, today = f"dong-{tongue}", served.station.today()
    with served.station.database.writing() as session:
        where = {"kind": "village", "parent_id": "xa", "valid_from": today - timedelta(days=9)}
        session.add(Area(id=old, name=f"Thôn Cũ {tongue}", **where))
    for username, called, role, area in (
        (login, name, Role.OPERATOR, old),
        (everybody, f"Người quản trị {tongue}", Role.ADMINISTRATOR, None),
    ):
        password = f"mật khẩu của {username}"
        served.station.people.add(username=username, name=called, role=role, area=area, password=password)
    with served.station.database.writing() as session:
        session.get_one(Area, old).valid_to = today
    with visiting(served, browser, everybody, tongue) as admin:
        page, w = admin.page, admin.w
        page.goto("/people")
        admin.labelled(w["people_search"]).fill(f"thon cu {tongue}")
        admin.button(w["find"], exact=True).click()
        admin.link(name).click()
        area = admin.labelled(w["person_area_n"] % {"number": 1})
        expect(area.locator("option:checked")).to_have_text(f"Thôn Cũ {tongue} {w['area_ended']}")
        admin.labelled(w["person_name"]).fill(f"{name} (mới)")
        admin.button(w["person_save"], exact=True).click()
        admin.told(w["done_person_saved"])
        admin.fits()
        kept = _account(served, login)
        assert [(each["role"], each["area"]) for each in kept["roles"]] == [("operator", old)]
        assert kept["name"] == f"{name} (mới)"

        # One's own account: it is not locked by oneself; whoever is an administrator no more is told that it is saved.
        page.goto("/people")
        admin.labelled(w["people_search"]).fill(everybody)
        admin.button(w["find"], exact=True).click()
        page.get_by_role("main").get_by_role("link", name=f"Người quản trị {tongue}").click()
        page.get_by_label(w["person_disable"]).check()
        admin.button(w["person_save"], exact=True).click()
        admin.refused({"vi": "tài khoản của chính mình", "en": "disable your own account"}[tongue])
        page.get_by_label(w["person_disable"]).uncheck()
        admin.labelled(w["person_role_n"] % {"number": 1}).select_option(label=w["role_viewer"])
        admin.button(w["person_save"], exact=True).click()
        admin.told(w["done_person_saved"])
        expect(page.get_by_role("heading", level=1)).to_have_text(w["me"])


def _account(served: ServedStation, username: str) -> dict[str, Any]:
    everybody = served.as_person("quan").get("/api/v1/people").json()
    found: dict[str, Any] = next(each for each in everybody if each["username"] == username)
    return found


@BOTH
def test_codes_tokens_and_log_ins_on_ones_own_page(served: ServedStation, browser: Browser, tongue: Language) -> None:
    login = f"bien-{tongue}"
    password = f"mật khẩu của {login}"
    with visiting(served, browser, login, tongue) as me, visiting(served, browser, None, tongue) as phone:
        page, w = me.page, me.w
        phone.page.goto("/login")
        phone.logs_in(login, password)
        expect(phone.page.get_by_role("heading", level=1)).to_be_visible()
        page.goto("/")
        me.go("nav_me")
        phone.page.goto("/me")

        # One-time codes, by the key that is shown for typing.
        me.button(w["me_codes_begin"]).click()
        expect(page.get_by_role("img", name=w["me_codes_picture"])).to_be_visible()
        totp = pyotp.TOTP(page.locator("code.secret").inner_text())
        shown = totp.secret
        me.labelled(w["me_codes_confirm"]).fill("000000")
        me.button(w["me_codes_done"]).click()
        me.refused({"vi": "Mã không đúng", "en": "The code is wrong"}[tongue])
        expect(page.locator("code.secret")).to_have_text(shown)  # what was scanned still counts
        me.fits()

        def present() -> str:
            """The code that is shown now, as if none had been used yet: half a minute is left for it, however busy the machine."""
            with served.station.database.writing() as session:
                session.execute(update(Person).where(Person.username == login).values(totp_last_step=None))
            return totp.at(datetime.now(LOCAL))

        me.labelled(w["me_codes_confirm"]).fill(present())
        me.button(w["me_codes_done"]).click()
        me.told(w["done_codes_on"])
        phone.button(w["me_codes_begin"]).click()  # of a page from before
        phone.refused({"vi": "đã bật", "en": "are on"}[tongue])
        expect(phone.page.locator("section[aria-labelledby=codes]").get_by_role("alert")).to_be_visible()

        # A token, with a name that is none, without a code, then made, used and taken back.
        me.open(w["me_token_make"])
        me.labelled(w["me_token_name"]).fill("Cổng thông tin xã")
        page.get_by_label(w["right_read"], exact=True).check()
        me.labelled(w["me_token_days"]).fill("0")
        me.choose(w["me_token_area"], "Địa bàn xa")
        me.labelled(w["me_code"]).fill("000000")
        me.button(w["me_token_make"]).click()
        me.refused({"vi": "Thời hạn từ 1 đến", "en": "It lasts 1 to"}[tongue])
        me.labelled(w["me_token_days"]).fill("30")
        me.labelled(w["me_code"]).fill("000000")
        me.button(w["me_token_make"]).click()
        me.refused({"vi": "Mã xác thực không đúng", "en": "one-time code is wrong"}[tongue])
        expect(me.labelled(w["me_token_name"])).to_have_value("Cổng thông tin xã")
        expect(page.get_by_label(w["right_read"], exact=True)).to_be_checked()
        expect(me.labelled(w["me_token_area"])).to_have_value("xa")
        expect(me.labelled(w["me_token_days"])).to_have_value("30")
        me.fits()
        me.labelled(w["me_code"]).fill(present())
        me.button(w["me_token_make"]).click()
        me.told(w["me_token_made"])
        program = httpx.Client(
            base_url=served.base,
            headers={"Authorization": f"Bearer {page.locator('#once').inner_text()}"},
            trust_env=False,
        )
        with program:
            assert program.get("/api/v1/areas").status_code == 200
            assert program.post("/api/v1/bulletins", json={"title": "x", "text": "x"}).status_code == 403
            me.button(w["me_token_revoke_of"] % {"name": "Cổng thông tin xã"}).click()
            me.told(w["done_token_revoked"])
            expect(page.get_by_text(w["me_tokens_none"])).to_be_visible()
            assert program.get("/api/v1/areas").status_code == 401

        # The phone is seen, ended, and needs a code from now on.
        log_ins = page.get_by_role("region", name=w["me_log_ins"]).get_by_role("listitem")
        expect(log_ins).to_have_count(2)
        log_ins.filter(has_not_text=w["me_log_in_here"]).get_by_role("button").click()
        me.told(w["done_logged_out_there"])
        expect(log_ins).to_have_count(1)
        phone.go("nav_me")
        expect(phone.page.get_by_role("heading", level=1)).to_have_text(w["login"])
        phone.logs_in(login, password)
        phone.refused({"vi": "Nhập mã 6 số", "en": "Enter the 6 digits"}[tongue])
        phone.logs_in(login, password, present())
        expect(phone.page.get_by_role("heading", level=1)).to_have_text(w["me"])  # where it was going

        # The language, from there on; then everywhere else is left at once.
        phone.link(w["other_language"], exact=True).click()
        other = Visitor(phone.page, "en" if tongue == "vi" else "vi")
        expect(phone.page.get_by_role("heading", level=1)).to_have_text(other.w["me"])
        other.go("nav_bulletins")
        expect(phone.page.get_by_role("heading", level=1)).to_have_text(other.w["bulletins"])
        me.go("nav_today")
        expect(page.get_by_text(w["live"], exact=True)).to_be_visible()
        other.go("nav_me")
        other.button(other.w["me_log_out_elsewhere"]).click()
        other.told(other.w["done_logged_out_elsewhere"])
        # A page that is live says so by itself: its stream has ended with the log-in.
        expect(page.get_by_role("heading", level=1)).to_have_text(w["login"], timeout=60_000)
        other.button(other.w["logout"], exact=True).last.click()
        expect(phone.page.get_by_role("heading", level=1)).to_have_text(other.w["login"])
        me.problems = [each for each in me.problems if "401" not in each]  # the stream's answer, which Chromium tells


@BOTH
def test_whoever_is_away_names_a_deputy_who_releases_meanwhile(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    away, deputy, title = f"Người vang-{tongue}", f"Người thay-{tongue}", f"Lịch tiêm chủng {tongue}"
    bulletin = _waiting(served, title)
    today = served.station.today()
    with (
        visiting(served, browser, f"vang-{tongue}", tongue) as absent,
        visiting(served, browser, f"thay-{tongue}", tongue) as other,
    ):
        page, w = absent.page, absent.w
        page.goto("/me")
        absent.link(w["absence_note"], exact=True).click()
        absent.labelled(w["absence_last"]).fill((today - timedelta(days=1)).isoformat())
        absent.labelled(w["absence_deputy"]).select_option(label=deputy)
        absent.labelled(w["absence_reason"]).fill("đi họp tỉnh")
        absent.button(w["absence_note"], exact=True).click()
        absent.refused({"vi": "Ngày cuối không thể trước", "en": "The last day is before"}[tongue])
        expect(absent.labelled(w["absence_deputy"])).to_have_value(_id(served, f"thay-{tongue}"))
        expect(absent.labelled(w["absence_reason"])).to_have_value("đi họp tỉnh")
        absent.fits()
        absent.labelled(w["absence_last"]).fill((today + timedelta(days=2)).isoformat())
        absent.button(w["absence_note"], exact=True).click()
        absent.told(w["done_absence_noted"])
        expect(page.get_by_text(w["absence_now"])).to_be_visible()

        # The deputy reads whose place it is, and releases.
        other.page.goto("/")
        other.go("nav_releases")
        other.link(title, exact=True).click()
        expect(other.page.get_by_text(f"{away}").first).to_be_visible()
        other.fits()
        other.button(w["release_yes"], exact=True).click()
        other.told(w["done_released"])
        assert _state(served, bulletin) == "released"
        with visiting(served, browser, "mai", tongue) as editor:
            editor.page.goto("/")
            editor.go("nav_bulletins")
            editor.link(title, exact=True).click()
            expect(editor.page.get_by_text(re.compile(f"{deputy} .*{away}"))).to_be_visible()

        # Back again: the deputy's way is closed.
        absent.button(re.compile(f"^{w['absence_end_of'].partition('%')[0]}")).click()
        absent.told(w["done_absence_ended"])
        other.go("nav_me")
        expect(
            other.page.get_by_role("navigation", name=w["menu"]).get_by_role("link", name=w["nav_releases"], exact=True)
        ).to_have_count(0)
    refused = served.as_person(f"thay-{tongue}").post(
        "/api/v1/releases", json={"bulletin": bulletin, "content_sha256": "0" * 64}
    )
    assert refused.status_code == 403


@BOTH
def test_of_a_deputy_who_cannot_stand_in_it_is_said(served: ServedStation, browser: Browser, tongue: Language) -> None:
    people = served.station.people
    who, deputy = f"nghi-{tongue}", f"the-{tongue}"
    for username in (who, deputy):
        people.add(username=username, name=f"Bà {username}", role=Role.APPROVER, password=f"mật khẩu của {username}")
    last = (served.station.today() + timedelta(days=5)).isoformat()
    with visiting(served, browser, who, tongue) as absent, visiting(served, browser, deputy, tongue) as other:
        w = absent.w
        said = absent.page.get_by_text(w["absence_deputy_away"] % {"deputy": f"Bà {deputy}"})
        for visitor in (absent, other):
            visitor.page.goto("/me/absences")
            visitor.labelled(w["absence_last"]).fill(last)
            if visitor is absent:
                visitor.labelled(w["absence_deputy"]).select_option(label=f"Bà {deputy}")
            visitor.button(w["absence_note"], exact=True).click()
            visitor.told(w["done_absence_noted"])
            if visitor is absent:
                expect(said).to_have_count(0)
        expect(other.page.get_by_text(w["absence_deputy_away"] % {"deputy": f"Bà {deputy}"})).to_be_visible()
        other.button(re.compile(f"^{w['absence_end_of'].partition('%')[0]}")).click()
        other.told(w["done_absence_ended"])
        absent.page.reload()
        expect(said).to_have_count(0)
        admin = served.station.log_ins.log_in("quan", "mật khẩu của quan")[1]
        held = {"grants": [Grant(Role.APPROVER)], "name": f"Bà {deputy}"}
        people.change(admin, _id(served, deputy), disabled=True, **held)  # type: ignore[arg-type]  # each its own
        absent.page.reload()
        expect(absent.page.get_by_text(w["absence_deputy_disabled"] % {"deputy": f"Bà {deputy}"})).to_be_visible()
        absent.fits()


@BOTH
def test_an_administrator_notes_an_absence_for_somebody(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    who = f"Người duyet-{tongue}"
    with visiting(served, browser, "quan", tongue) as admin:
        page, w = admin.page, admin.w
        page.goto("/people")
        admin.link(who).click()
        admin.link(w["absence_note"], exact=True).click()
        first = served.station.today() + timedelta(days=10)
        for day, last, said in (
            (first, first + timedelta(days=500), {"vi": "dài nhất", "en": "lasts at most"}),
            (first, first - timedelta(days=1), {"vi": "Ngày cuối không thể trước", "en": "The last day is before"}),
        ):
            admin.labelled(w["absence_first"]).fill(day.isoformat())
            admin.labelled(w["absence_last"]).fill(last.isoformat())
            admin.labelled(w["absence_reason"]).fill("nghỉ phép")
            admin.button(w["absence_note"], exact=True).click()
            admin.refused(said[tongue])
            expect(admin.labelled(w["absence_last"])).to_have_value(last.isoformat())
        admin.labelled(w["absence_last"]).fill((first + timedelta(days=1)).isoformat())
        admin.button(w["absence_note"], exact=True).click()
        admin.told(w["done_absence_noted"])
        expect(page.get_by_role("listitem").filter(has_text="nghỉ phép")).to_contain_text(who)
        admin.link(who, exact=True).click()
        expect(page.get_by_text(w["absence_alone"].partition("%(begins)s")[0] % {"name": who})).to_be_visible()
        noted = [each for each in served.as_person("quan").get("/api/v1/absences").json() if each["name"] == who]
        assert [(each["reason"], each["deputy"]) for each in noted] == [("nghỉ phép", None)]
        admin.link(w["absence_note"], exact=True).click()
        admin.button(re.compile(f"^{w['absence_end_of'].partition('%')[0]}")).click()
        admin.told(w["done_absence_ended"])
        assert who not in served.as_person("quan").get("/api/v1/absences").text


@BOTH
def test_of_a_group_that_is_gone_the_editor_chooses_anew_and_what_was_released_airs_where_it_was(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    operator, editor = served.as_person("viet"), served.as_person("mai")
    at = (datetime.now(LOCAL) + timedelta(days=2)).replace(microsecond=0).isoformat()
    served.station.enrol(
        receiver=f"loa-{tongue}",
        name=f"Loa {tongue}",
        kind="loudspeaker",
        area="thon-dong",
        public_key=SigningKey.generate().public(),
    )
    made: dict[str, dict[str, Any]] = {}
    groups = []
    for state in ("draft", "submitted", "released"):
        group = {"name": f"Nhóm {state} {tongue}", "targets": {"areas": ["thon-dong"]}}
        answer = operator.post("/api/v1/groups", json=group)
        assert answer.status_code == 201, answer.text
        groups.append(answer.json()["id"])
        plan = [{"rule": {"kind": "once", "at": at}, "targets": {"groups": groups[-1:]}}]
        content = {"title": f"Tin số {len(groups)}", "plan": plan}
        made[state] = served.released(**content) if state == "released" else served.written(**content)
    path = f"/api/v1/bulletins/{made['submitted']['id']}/submission"
    assert editor.post(path, json={"revision": 1}).status_code == 200
    for group in groups:
        assert operator.delete(f"/api/v1/groups/{group}").is_success
    gone = {"vi": "Nhóm đã chọn làm nơi phát không còn", "en": "The group that was chosen is gone"}[tongue]
    answer = editor.post(f"/api/v1/bulletins/{made['draft']['id']}/submission", json={"revision": 1})
    assert (answer.status_code, answer.json()["errors"]) == (404, [{"group": groups[0]}])
    with visiting(served, browser, "mai", tongue) as writer, visiting(served, browser, "hoa", tongue) as approver:
        page, w = writer.page, writer.w
        page.goto(f"/bulletins/{made['released']['id']}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(made["released"]["title"])
        expect(page.get_by_role("main")).not_to_contain_text(w["summary_nowhere"])
        page.goto(f"/bulletins/{made['draft']['id']}")
        page.locator("input[name=area]").first.check()
        writer.button(w["compose_submit"], exact=True).click()
        writer.loaded()
        expect(page.get_by_text(gone)).to_have_count(0)
        wait_for(lambda: _state(served, made["draft"]["id"]) == "submitted", 20)
        approver.page.goto(f"/releases/{made['submitted']['id']}")
        expect(approver.page.locator(".problem", has_text=gone)).to_be_visible()
        approver.fits()
        approver.open(w["release_no"])
        approver.labelled(w["release_reason"]).fill("Chọn lại nơi phát.")
        approver.button(w["release_no"], exact=True).click()
        approver.told(w["done_returned"])
        assert _state(served, made["submitted"]["id"]) == "returned"


def _id(served: ServedStation, username: str) -> str:
    with served.station.database.reading() as session:
        found = session.scalar(select(Person.id).where(Person.username == username))
    assert found is not None
    return found


def _plan(days: int) -> list[dict[str, Any]]:
    at = (datetime.now(LOCAL) + timedelta(days=days)).replace(hour=17, minute=0, second=0, microsecond=0)
    return [{"rule": {"kind": "once", "at": at.isoformat()}, "targets": {"areas": ["xa"]}}]


def _waiting(served: ServedStation, title: str, days: int = 9) -> str:
    """A bulletin of mai's that waits for release."""
    made = served.written(title=title, plan=_plan(days))
    path = f"/api/v1/bulletins/{made['id']}"
    served.as_person("mai").post(f"{path}/submission", json={"revision": made["revision"]}).raise_for_status()
    found: str = made["id"]
    return found


def _state(served: ServedStation, bulletin: str) -> str:
    found: str = served.as_person("mai").get(f"/api/v1/bulletins/{bulletin}").json()["state"]
    return found


@BOTH
def test_a_bulletin_is_returned_mended_released_withdrawn_and_asked_for_anew(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    title = f"Họp dân thôn Đông {tongue}"
    bulletin = _waiting(served, title, 11)
    with (
        visiting(served, browser, "mai", tongue) as editor,
        visiting(served, browser, f"duyet-{tongue}", tongue) as approver,
    ):
        w = editor.w
        approver.page.goto("/")
        approver.go("nav_releases")
        approver.link(title, exact=True).click()
        approver.open(w["release_no"])
        approver.labelled(w["release_reason"]).fill("   ")
        approver.button(w["release_no"], exact=True).click()
        approver.refused({"vi": "lý do", "en": "why"}[tongue])
        approver.fits()
        approver.labelled(w["release_reason"]).fill("Ghi rõ nhà văn hóa nào.")
        approver.button(w["release_no"], exact=True).click()
        approver.told(w["done_returned"])
        assert _state(served, bulletin) == "returned"

        page = editor.page
        page.goto("/")
        editor.go("nav_bulletins")
        page.get_by_role("navigation", name=w["state"], exact=True).get_by_role(
            "link", name=w["state_returned"]
        ).click()
        row = page.get_by_role("row").filter(has_text=title)
        expect(row).to_contain_text("Ghi rõ nhà văn hóa nào.")
        editor.labelled(w["bulletins_search"]).fill(f"họp thôn {tongue}")
        editor.button(w["find"], exact=True).click()
        expect(page.get_by_text(w["bulletins_none_found"])).to_be_visible()
        expect(editor.labelled(w["bulletins_search"])).to_have_value(f"họp thôn {tongue}")
        editor.labelled(w["bulletins_search"]).fill(f"hop dan THON dong {tongue}")
        editor.button(w["find"], exact=True).click()
        expect(row).to_have_count(1)
        expect(page.get_by_role("row")).to_have_count(2)  # with the one that has the headings
        editor.fits()
        row.get_by_role("link").click()
        expect(page.get_by_text(w["compose_returned"])).to_be_visible()
        _fail_to_speak(served, bulletin)  # as where every voice failed
        page.reload()
        expect(page.get_by_role("alert")).to_have_text(
            {"vi": "Mọi giọng đều hỏng.", "en": "Every voice failed."}[tongue]
        )
        editor.button(w["listen_make_anew"]).click()
        expect(page.locator("#listen audio")).to_be_visible(timeout=60_000)
        page.get_by_role("textbox", name=w["compose_words"], exact=True).fill(title)
        editor.button(w["compose_submit"]).click()
        editor.refused({"vi": "Bản tin chưa có nội dung", "en": "The bulletin has no text yet"}[tongue])
        expect(page.get_by_role("textbox", name=w["compose_words"], exact=True)).to_have_value(title)
        page.get_by_role("textbox", name=w["compose_words"], exact=True).fill(
            f"{title}\nXin chào bà con, họp tại nhà văn hóa thôn Đông."
        )
        editor.button(w["compose_listen"], exact=True).click()
        expect(page.locator("#listen audio")).to_be_visible(timeout=60_000)
        editor.button(w["compose_submit"]).click()
        editor.told(w["done_submitted"])

        # What was changed is seen by the approver, and in the revisions.
        approver.go("nav_releases")
        approver.link(title, exact=True).click()
        expect(approver.page.locator("ins").first).to_contain_text("tại nhà văn hóa thôn Đông")
        approver.button(w["release_yes"], exact=True).click()
        approver.told(w["done_released"])
        editor.link(title, exact=True).click()
        editor.link(re.compile(f"^{w['revision_n'].partition('%')[0]}")).click()
        expect(page.locator("ins").first).to_contain_text("nhà văn hóa")
        editor.fits()
        editor.link(title, exact=True).click()

        # Withdrawn, not without a reason; and asked for anew.
        editor.open(w["withdraw"])
        editor.labelled(w["withdraw_reason"]).fill("   ")
        editor.button(w["withdraw"], exact=True).click()
        editor.refused({"vi": "lý do", "en": "why"}[tongue])
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        editor.fits()
        editor.labelled(w["withdraw_reason"]).fill("Hoãn họp.")
        editor.button(w["withdraw"], exact=True).click()
        editor.told(w["done_withdrawn"])
        expect(page.get_by_text("Hoãn họp.")).to_be_visible()
        assert _state(served, bulletin) == "withdrawn"
        editor.link(w["edit"], exact=True).click()
        editor.button(w["compose_submit"]).click()
        editor.told(w["done_submitted"])
        assert _state(served, bulletin) == "submitted"


def _fail_to_speak(served: ServedStation, bulletin: str) -> None:
    with served.station.database.writing() as session:
        row = session.get_one(Bulletin, bulletin)
        row.rendering, row.clip_sha256, row.quality = "failed", None, None
        row.rendering_error_vi, row.rendering_error_en = "Mọi giọng đều hỏng.", "Every voice failed."
