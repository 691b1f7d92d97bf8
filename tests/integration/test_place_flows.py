"""Areas, receivers and groups as people enter and change them, in a real browser and in both languages."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select

from api.problems import Language
from broadcaster.people import Role
from broadcaster.settings import Settings
from broadcaster.storage.models import Area, Receiver
from devices.receiver.enrolment import EnrolmentError
from devices.receiver.provision import Provision
from devices.wire.signing import SigningKey, thumbprint
from tests.brokers import free_port
from tests.integration.serving import ServedStation, asking, serving
from tests.integration.visitor import BOTH, visiting


@pytest.fixture(scope="module", autouse=True)
def places(served: ServedStation) -> None:
    """An administrator, a second operator, and for each language a village with a receiver of its own."""
    station = served.station
    for name, role in (("quan", Role.ADMINISTRATOR), ("lam", Role.OPERATOR)):
        station.people.add(username=name, name=f"Người {name}", role=role, password=f"mật khẩu của {name}")
    for tongue in ("vi", "en"):
        with station.database.writing() as session:
            village = {"kind": "village", "parent_id": "xa", "valid_from": date(2025, 7, 1)}
            session.add(Area(id=f"thon-{tongue}", name=f"Thôn Đoài {tongue}", **village))
        for receiver, name, area in (("nga-ba", "Cụm loa ngã ba", "thon-dong"), ("cho", "Cụm loa chợ", "xa")):
            station.enrol(
                receiver=f"{receiver}-{tongue}",
                name=f"{name} {tongue}",
                kind="loudspeaker",
                area=area,
                public_key=SigningKey.generate().public(),
            )


def _row(served: ServedStation, receiver: str) -> Receiver:
    with served.station.database.reading() as session:
        return session.get_one(Receiver, receiver)


def _through_rest(served: ServedStation, receiver: str) -> dict[str, Any]:
    found = served.as_person("xem").get("/api/v1/receivers", params={"limit": 1000}).json()
    return next(each for each in found if each["id"] == receiver)


@BOTH
def test_a_device_is_taken_into_service_by_its_code_and_a_strange_one_is_sent_away(
    served: ServedStation, browser: Browser, tongue: Language, tmp_path: Path
) -> None:
    receiver, name = f"loa-moi-{tongue}", f"Cụm loa mới {tongue}"
    with (
        asking(served, tmp_path / "device", name=name) as device,
        asking(served, tmp_path / "stranger", name=f"Máy lạ {tongue}") as stranger,
        visiting(served, browser, "viet", tongue) as operator,
    ):
        page, w = operator.page, operator.w
        page.goto("/")
        operator.go("nav_enrolments")
        waiting = page.get_by_role("region", name=w["enrol_waiting"])
        expect(waiting).to_contain_text(name)
        expect(waiting).to_contain_text(f"Máy lạ {tongue}")
        nobodys = next(code for code in ("000000", "111111", "222222") if code not in (device.code, stranger.code))
        operator.labelled(w["enrol_code"]).fill(nobodys)
        operator.labelled(w["enrol_fingerprint"]).fill(stranger.fingerprint)
        operator.labelled(w["enrol_id"]).fill(receiver)
        operator.labelled(w["enrol_name"]).fill(name)
        operator.choose(w["enrol_area"], "Địa bàn thon-dong")
        accept = operator.button(w["enrol_accept"], exact=True)
        accept.click()
        operator.refused({"vi": "Không có thiết bị nào đang hiện mã này", "en": "No device shows this code"}[tongue])
        operator.fits()
        operator.labelled(w["enrol_code"]).fill(device.code)
        accept.click()
        operator.refused({"vi": "Dấu nhận dạng khác", "en": "The fingerprint differs"}[tongue])
        for label, value in (
            ("enrol_code", device.code),
            ("enrol_fingerprint", stranger.fingerprint),
            ("enrol_id", receiver),
            ("enrol_name", name),
            ("enrol_area", "thon-dong"),
        ):
            expect(operator.labelled(w[label])).to_have_value(value)
        operator.labelled(w["enrol_fingerprint"]).fill(device.fingerprint)
        accept.click()
        operator.told(w["enrolled"])
        provision = device.outcome()
        assert isinstance(provision, Provision)
        assert (provision.receiver, provision.station_url) == (receiver, served.base)
        expect(waiting).not_to_contain_text(name)
        operator.fits()

        # Another one is not put into the place that is taken, unless somebody says so; and nobody knows it.
        operator.labelled(w["enrol_code"]).fill(stranger.code)
        operator.labelled(w["enrol_fingerprint"]).fill(stranger.fingerprint)
        operator.labelled(w["enrol_id"]).fill(receiver)
        operator.labelled(w["enrol_name"]).fill(f"Máy lạ {tongue}")
        operator.choose(w["enrol_area"], "Địa bàn xa")
        accept.click()
        operator.refused(receiver)
        expect(operator.labelled(w["enrol_name"])).to_have_value(f"Máy lạ {tongue}")
        operator.labelled(w["enrol_fingerprint"]).fill("SAI")
        page.get_by_label(w["enrol_replace"]).check()
        accept.click()
        operator.refused({"vi": "Dấu nhận dạng khác", "en": "The fingerprint differs"}[tongue])
        expect(page.get_by_label(w["enrol_replace"])).to_be_checked()
        expect(operator.labelled(w["enrol_name"])).to_have_value(f"Máy lạ {tongue}")
        expect(operator.labelled(w["enrol_area"])).to_have_value("xa")
        operator.button(w["enrol_refuse_of"] % {"name": f"Máy lạ {tongue}"}).click()
        operator.told(w["enrol_refused"])
        assert isinstance(stranger.outcome(), EnrolmentError)
        expect(page.get_by_text(w["enrol_none"])).to_be_visible()
        operator.go("nav_areas")
        operator.link(name).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page.get_by_role("row").filter(has_text=w["event_enrolled"])).to_contain_text("viet")
    found = _through_rest(served, receiver)
    assert (found["name"], found["area_id"], found["kind"]) == (name, "thon-dong", "loudspeaker")


@BOTH
def test_a_receiver_is_found_moved_and_told_how_loud_it_is(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    receiver, name = f"nga-ba-{tongue}", f"Cụm loa ngã ba {tongue}"
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/")
        operator.go("nav_areas")
        operator.labelled(w["area_search"]).fill("không có ở đây")
        operator.button(w["find"], exact=True).click()
        expect(page.get_by_text(w["areas_not_found"])).to_be_visible()
        operator.fits()
        operator.labelled(w["area_search"]).fill(f"loa nga ba {tongue}")
        operator.button(w["find"], exact=True).click()
        operator.link(name).click()
        expect(page.get_by_text(w["receiver_never_long"])).to_be_visible()

        place, loudness = (page.get_by_role("region", name=w[each]) for each in ("receiver_place", "receiver_loudness"))
        save = place.get_by_role("button", name=w["receiver_save"])
        operator.labelled(w["receiver_name"]).fill(" ")
        operator.choose(w["receiver_area"], f"Thôn Đoài {tongue}")
        save.click()
        operator.refused({"vi": "Nhập tên thiết bị", "en": "Enter the receiver's name"}[tongue])
        expect(operator.labelled(w["receiver_area"])).to_have_value(f"thon-{tongue}")
        expect(operator.labelled(w["receiver_name"])).to_have_attribute("aria-invalid", "true")
        operator.fits()
        operator.labelled(w["receiver_name"]).fill(f"Cụm loa cầu {tongue}")
        save.click()
        operator.told(w["done_receiver_moved"])
        expect(page.get_by_role("navigation", name=w["area_above"])).to_contain_text(f"Thôn Đoài {tongue}")
        event = page.get_by_role("row").filter(has_text=w["event_moved"])
        expect(event).to_contain_text(f"{name} (Địa bàn thon-dong, Địa bàn xa) → Cụm loa cầu {tongue}")
        found = _through_rest(served, receiver)
        assert (found["name"], found["area_id"]) == (f"Cụm loa cầu {tongue}", f"thon-{tongue}")

        save = loudness.get_by_role("button", name=w["receiver_save"])
        operator.choose(w["receiver_special"], w["place_school"])
        operator.labelled(w["receiver_dba"]).fill("to lắm")
        operator.labelled(w["receiver_position"]).fill("20.94012 106.33301")
        save.click()
        operator.refused({"vi": "từ 30 đến 140", "en": "from 30 to 140"}[tongue])
        expect(operator.labelled(w["receiver_dba"])).to_have_value("to lắm")
        expect(operator.labelled(w["receiver_special"])).to_have_value("school")
        operator.fits()
        operator.labelled(w["receiver_dba"]).fill("91,6")
        operator.labelled(w["receiver_position"]).fill("106.33301, 20.94012")  # the other way round
        save.click()
        operator.refused({"vi": "vĩ độ", "en": "latitude"}[tongue])
        expect(operator.labelled(w["receiver_position"])).to_have_value("106.33301, 20.94012")
        expect(operator.labelled(w["receiver_dba"])).to_have_value("91,6")
        operator.labelled(w["receiver_position"]).fill("(20.94012 106.33301)")
        save.click()
        operator.told(w["done_receiver_placed"])
        expect(operator.labelled(w["receiver_position"])).to_have_value("20.94012, 106.33301")
        row = _row(served, receiver)
        assert (row.special_place, row.full_volume_dba, row.latitude) == ("school", 92, 20.94012)


@BOTH
def test_a_receiver_is_renewed_wiped_retired_and_replaced(
    served: ServedStation, browser: Browser, tongue: Language, tmp_path: Path
) -> None:
    receiver, name = f"cho-{tongue}", f"Cụm loa chợ {tongue}"
    with visiting(served, browser, "viet", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/")
        operator.go("nav_areas")
        operator.link(name).click()
        before = _row(served, receiver)
        operator.link(w["renewal"]).click()
        expect(page.get_by_text(w["renewal_long"])).to_be_visible()
        operator.button(w["renewal"], exact=True).click()
        operator.told(w["done_receiver_renewal"])
        assert _row(served, receiver).secret_generation == before.secret_generation + 1
        for step in ("wipe", "revocation"):
            operator.link(w[step], exact=True).click()
            expect(page.get_by_text(w[f"{step}_long"])).to_be_visible()
            operator.link(w["receiver_cancel"]).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(name)
            operator.link(w[step], exact=True).click()
            operator.asked_to_tick(page.get_by_label(w["receiver_sure"]), operator.button(w[step], exact=True))
            operator.fits()
            page.get_by_label(w["receiver_sure"]).check()
            operator.button(w[step], exact=True).click()
            operator.told(w[f"done_receiver_{step}"])
            row = _row(served, receiver)
            assert row.revoked_at is not None if step == "revocation" else row.wipe_id is not None
        expect(page.get_by_text(w["receiver_revoked"], exact=True)).to_be_visible()
        operator.fits()
        expect(operator.labelled(w["receiver_name"])).to_have_count(0)

        # Out of sight, but found, and another device takes the place.
        operator.go("nav_areas")
        expect(operator.link(name)).to_be_hidden()
        page.locator("summary").filter(has_text=w["areas_gone"].partition(" (")[0]).click()
        operator.link(name).click()
        with asking(served, tmp_path / "device", name=name) as device:
            operator.link(w["receiver_replace"]).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(w["enrol_replacing"] % {"name": name})
            operator.labelled(w["enrol_code"]).fill(device.code)
            operator.labelled(w["enrol_fingerprint"]).fill("SAI")
            operator.button(w["enrol_accept"], exact=True).click()
            operator.refused({"vi": "Dấu nhận dạng khác", "en": "The fingerprint differs"}[tongue])
            expect(page.get_by_role("heading", level=1)).to_have_text(w["enrol_replacing"] % {"name": name})
            expect(operator.labelled(w["enrol_code"])).to_have_value(device.code)
            operator.fits()
            operator.labelled(w["enrol_fingerprint"]).fill(device.fingerprint)
            operator.button(w["enrol_accept"], exact=True).click()
            operator.told(w["enrolled"])
            provision = device.outcome()
        assert isinstance(provision, Provision)
        assert provision.receiver == receiver
        page.get_by_role("status").get_by_role("link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page.get_by_role("row").filter(has_text=w["event_replaced"])).to_have_count(1)
        row = _row(served, receiver)
        assert (row.revoked_at, row.area_id, row.wipe_id) == (None, "xa", None)
        assert thumbprint(row.public_key) == thumbprint(device.key.to_jwk())


def _chosen(page: Page, legend: str) -> Locator:
    return page.get_by_role("group", name=legend)


@BOTH
def test_a_group_is_made_changed_by_two_people_at_once_and_removed(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    name = f"Ven sông {tongue}"

    def saved() -> dict[str, Any]:
        found = served.as_person("xem").get("/api/v1/groups").json()
        return {each["name"]: each for each in found if each["name"].endswith(tongue)}

    with (
        visiting(served, browser, "viet", tongue) as operator,
        visiting(served, browser, "lam", tongue) as other,
    ):
        page, w = operator.page, operator.w
        page.goto("/")
        operator.go("nav_groups")
        expect(page.get_by_text(w["groups_none"])).to_be_visible()
        operator.link(w["groups_new"]).click()
        operator.labelled(w["group_name"]).fill(name)
        operator.labelled(w["screen"]).uncheck()
        operator.button(w["group_save"]).click()
        operator.refused({"vi": "Chọn ít nhất một địa bàn", "en": "Choose at least one area"}[tongue])
        expect(operator.labelled(w["group_name"])).to_have_value(name)
        expect(operator.labelled(w["screen"])).not_to_be_checked()
        _chosen(page, w["group_chosen"]).get_by_label("Địa bàn xa", exact=True).check()
        operator.open(w["group_excluded"])
        operator.fits()
        _chosen(page, w["group_excluded"]).get_by_label(f"Thôn Đoài {tongue}", exact=True).check()
        operator.button(w["group_save"]).click()
        operator.told(w["done_group_saved"])
        row = page.get_by_role("listitem").filter(has_text=name)
        expect(row).to_contain_text(w["group_holds"] % {"names": "Địa bàn xa"})
        expect(row).to_contain_text(w["group_without"] % {"names": f"Thôn Đoài {tongue}"})
        expect(row).to_contain_text(w["group_only_loudspeaker"])
        targets = saved()[name]["targets"]
        assert (targets["areas"], targets["excluded_areas"], targets["kinds"]) == (
            ["xa"],
            [f"thon-{tongue}"],
            ["loudspeaker"],
        )
        operator.link(w["groups_new"]).click()
        operator.labelled(w["group_name"]).fill(name)
        _chosen(page, w["group_chosen"]).get_by_label("Địa bàn thon-dong", exact=True).check()
        operator.button(w["group_save"]).click()
        operator.refused({"vi": "Đã có nhóm tên", "en": "There is a group named"}[tongue])
        expect(_chosen(page, w["group_chosen"]).get_by_label("Địa bàn thon-dong", exact=True)).to_be_checked()
        operator.link(w["leave_form"]).click()

        # Both open it; who saves second is told what the first changed, and loses nothing.
        other.page.goto("/")
        other.go("nav_groups")
        for person in (operator, other):
            person.link(name).click()
        other.labelled(w["group_name"]).fill(f"Bờ đê {tongue}")
        other.labelled(w["screen"]).check()
        other.button(w["group_save"]).click()
        other.told(w["done_group_saved"])
        operator.labelled(w["group_name"]).fill(f"Ven suối {tongue}")
        _chosen(page, w["group_chosen"]).get_by_label("Địa bàn thon-dong", exact=True).check()
        operator.button(w["group_save"]).click()
        operator.refused({"vi": "người khác đã lưu thay đổi", "en": "Somebody else has saved a change"}[tongue])
        note = page.locator(".note").filter(has_text=w["changed_meanwhile"])
        expect(note).to_contain_text(f"{w['audit_before']}: {name}")
        expect(note).to_contain_text(f"{w['changed_now']}: Bờ đê {tongue}")
        expect(note).to_contain_text(f"{w['changed_now']}: {w['loudspeaker']}, {w['screen']}")
        expect(operator.labelled(w["group_name"])).to_have_value(f"Ven suối {tongue}")
        expect(_chosen(page, w["group_chosen"]).get_by_label("Địa bàn thon-dong", exact=True)).to_be_checked()
        operator.fits()
        assert f"Bờ đê {tongue}" in saved()
        operator.button(w["group_save"]).click()
        operator.told(w["done_group_saved"])
        (name,) = saved()
        assert name == f"Ven suối {tongue}"
        assert set(saved()[name]["targets"]["areas"]) == {"thon-dong", "xa"}

        operator.link(name).click()
        operator.open(w["group_remove"])
        operator.asked_to_tick(page.get_by_label(w["group_sure"]), operator.button(w["group_remove"], exact=True))
        operator.fits()
        page.get_by_label(w["group_sure"]).check()
        operator.button(w["group_remove"], exact=True).click()
        operator.told(w["done_group_removed"])
        expect(page.get_by_text(name)).to_have_count(0)
        assert saved() == {}


@BOTH
def test_areas_are_searched_added_and_renamed(served: ServedStation, browser: Browser, tongue: Language) -> None:
    def below() -> set[str]:
        areas = served.as_person("xem").get("/api/v1/areas").json()
        return {area["name"] for area in areas if area["parent_id"] == "xa"}

    with visiting(served, browser, "quan", tongue) as admin:
        page, w = admin.page, admin.w
        page.goto("/")
        admin.go("nav_areas")
        admin.labelled(w["area_search"]).fill("dia ban xa")
        admin.button(w["find"], exact=True).click()
        expect(page.get_by_role("heading", name=w["areas_found"] % {"text": "dia ban xa"})).to_be_visible()
        page.get_by_role("main").get_by_role("link", name="Địa bàn xa", exact=True).click()
        admin.open(w["areas_change"])
        admin.labelled(w["areas_names"]).fill(f"Thôn Thượng {tongue}\nThôn Hạ {tongue}\nthôn thượng {tongue}")
        admin.button(w["areas_add_do"], exact=True).click()
        admin.refused(f"thôn thượng {tongue}")
        expect(admin.labelled(w["areas_names"])).to_have_value(
            f"Thôn Thượng {tongue}\nThôn Hạ {tongue}\nthôn thượng {tongue}"
        )
        admin.fits()
        assert f"Thôn Thượng {tongue}" not in below()  # all are added, or none
        admin.labelled(w["areas_names"]).fill(f"Thôn Thượng {tongue}\n\n  Thôn   Hạ {tongue}")
        admin.button(w["areas_add_do"], exact=True).click()
        admin.told(w["done_areas_added"])
        assert {f"Thôn Thượng {tongue}", f"Thôn Hạ {tongue}"} <= below()
        admin.link(f"Thôn Hạ {tongue}").click()
        admin.open(w["areas_change"])
        expect(admin.labelled(w["areas_names"])).to_have_count(0)  # nothing stands below a village
        admin.labelled(w["area_name"]).fill(f"Thôn Thượng {tongue}")
        admin.button(w["area_rename"], exact=True).click()
        admin.refused(f"Thôn Thượng {tongue}")
        expect(admin.labelled(w["area_name"])).to_have_value(f"Thôn Thượng {tongue}")
        admin.fits()
        admin.labelled(w["area_name"]).fill(f"Thôn Trung {tongue}")
        admin.button(w["area_rename"], exact=True).click()
        admin.told(w["done_area_renamed"])
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Thôn Trung {tongue}")
        assert f"Thôn Trung {tongue}" in below()
        assert f"Thôn Hạ {tongue}" not in below()

        # What was done, found again under the areas and by their names.
        admin.go("nav_audit")
        admin.choose(w["audit_what"], w["about_area"])
        admin.button(w["audit_show"]).click()
        added = page.get_by_role("row").filter(has_text=w["action_area-added"]).first
        expect(added.get_by_role("link", name="Địa bàn xa")).to_be_visible()
        added.get_by_text(w["audit_details"]).click()
        expect(added).to_contain_text(f"Thôn Thượng {tongue}, Thôn Hạ {tongue}")
        expect(added).to_contain_text(w["area_kind_village"])
        renamed = page.get_by_role("row").filter(has_text=w["action_area-renamed"]).first
        renamed.get_by_text(w["audit_details"]).click()
        expect(renamed).to_contain_text(f"{w['audit_after']}: Thôn Trung {tongue}")
        renamed.get_by_role("link", name=f"Thôn Trung {tongue}").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Thôn Trung {tongue}")


@BOTH
def test_an_empty_station_becomes_a_commune(tmp_path: Path, browser: Browser, tongue: Language) -> None:
    settings = Settings(
        folder=tmp_path, port=free_port(), broker_port=free_port(), engines=("espeak",), speech_workers=1
    )
    with (
        serving(settings, founding=lambda station: station.database.migrate()) as served,
        visiting(served, browser, None, tongue) as first,
    ):
        page, w = first.page, first.w
        page.goto(served.station.welcome.link())
        first.labelled(w["username"]).fill("quan")
        first.labelled(w["full_name"]).fill("Phạm Minh Quân")
        first.labelled(w["new_password"]).fill("một mật khẩu thật dài")
        first.labelled(w["password_again"]).fill("một mật khẩu khác hẳn")
        first.button(w["welcome_do"]).click()
        first.refused({"vi": "không giống nhau", "en": "The two passwords differ"}[tongue])
        expect(first.labelled(w["full_name"])).to_have_value("Phạm Minh Quân")
        first.fits()
        for label in ("new_password", "password_again"):
            first.labelled(w[label]).fill("một mật khẩu thật dài")
        first.button(w["welcome_do"]).click()
        page.wait_for_url("**/login*")
        first.logs_in("quan", "một mật khẩu thật dài")
        first.go("nav_areas")
        expect(page.get_by_text(w["areas_none_found"])).to_be_visible()
        first.fits()
        first.choose(w["area_kind"], w["area_kind_commune"])
        first.labelled(w["areas_names"]).fill("Xã Tân Phong")
        first.button(w["areas_add_do"], exact=True).click()
        first.told(w["done_areas_added"])
        page.get_by_role("main").get_by_role("link", name="Xã Tân Phong").first.click()
        first.open(w["areas_change"])
        first.labelled(w["areas_names"]).fill("Thôn Đông\nThôn Đoài\n\nThôn Thượng")
        first.button(w["areas_add_do"], exact=True).click()
        expect(first.link("Thôn Thượng")).to_be_visible()
        first.open(w["areas_change"])
        first.fits()
        areas = page.context.request.get("/api/v1/areas").json()
        tops = [(area["name"], area["kind"]) for area in areas if area["parent_id"] is None]
        assert tops == [("Xã Tân Phong", "commune")]
        assert len(areas) == 4
        with served.station.database.reading() as session:
            assert set(session.scalars(select(Area.kind).where(Area.parent_id.is_not(None)))) == {"village"}
