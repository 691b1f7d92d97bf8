"""Pages about areas, receivers, rules and people, by plain form posts without JavaScript; then all of them in Chromium."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from sqlalchemy import select

from broadcaster import audit
from broadcaster.people import Actor, Role
from broadcaster.storage.models import Area, AuditEntry, Person, Receiver, RejectedMessage
from devices.wire.signing import SigningKey
from tests.browser import axe_violations, chromium, sideways, small_targets
from tests.integration.forms import hidden, refused, seen, sent
from tests.integration.serving import ServedStation

Visit = Callable[[str], httpx.Client]


@pytest.fixture(scope="module")
def station_pages(served: ServedStation) -> ServedStation:
    """Two communes with villages and receivers, and an administrator."""
    station = served.station
    with station.database.writing() as session:
        for area, name, kind, parent in (
            ("thon-doai", "Thôn Đoài", "village", "xa"),
            ("thon-2", "Thôn 2", "village", "xa"),
            ("xa-hung", "Xã Tân Hưng", "commune", "tinh"),
        ):
            session.add(Area(id=area, name=name, kind=kind, parent_id=parent, valid_from=date(2025, 7, 1)))
    for number, (name, area) in enumerate(
        (
            ("Cụm loa Đông", "thon-dong"),
            ("Cụm loa ngã ba", "thon-dong"),
            ("Cụm loa Đoài", "thon-doai"),
            ("Loa UBND", "xa"),
        )
    ):
        key = SigningKey.generate().public()
        station.enrol(receiver=f"loa-{number}", name=name, kind="loudspeaker", area=area, public_key=key)
    station.people.add(username="quan", name="Phạm Quân", role=Role.ADMINISTRATOR, password="mật khẩu của quan")
    password = "mật khẩu của dong"
    station.people.add(username="dong", name="dong", role=Role.OPERATOR, password=password, area="thon-dong")
    return served


@pytest.fixture(scope="module")
def visit(station_pages: ServedStation) -> Visit:
    """Somebody's browser without JavaScript: logged in by the form, with the cookie that came of it."""
    return station_pages.visit


def test_one_administrator_remains_and_accounts_are_changed_from_this_site_alone(
    visit: Visit, station_pages: ServedStation
) -> None:
    admin = visit("quan")
    with station_pages.station.database.reading() as session:
        ids = dict(session.execute(select(Person.username, Person.id)).all())
    refused(admin, f"/people/{ids['quan']}", 409, name="Phạm Quân", roles=["viewer"], areas=[""])
    assert admin.get("/people/nobody").status_code == 404
    assert visit("mai").get("/people").status_code == 403
    with httpx.Client(base_url=station_pages.base, cookies=admin.cookies, trust_env=False) as elsewhere:
        form = {"name": "x", "roles": "viewer"}
        answer = elsewhere.post(f"/people/{ids['xem']}", data=form, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403


def test_rules_hold_below_name_days_and_are_not_written_over(visit: Visit) -> None:
    viet = visit("viet")
    page = seen(viet, "/policies/rule?area=xa&kind=quiet_hours")
    form = {"area": "xa", "revision": hidden(page, "revision"), "kind": "quiet_hours"}
    page = sent(viet, "/policies/rule", to="/policies", **form, begins="20:30", ends="05:00", source="QĐ 12")
    refused(viet, "/policies/rule", 409, **form, begins="22:00", ends="05:00")  # of a revision that is gone
    village = seen(viet, "/policies?area=thon-dong&at=2030-03-04T21:00&minutes=5")
    assert "Giờ hợp lệ gần nhất: 20 giờ 2" in village
    assert "Của Địa bàn xa" in village
    assert 'class="problem"' in viet.get("/policies?area=xa&at=mai&minutes=5").text
    form |= {"revision": hidden(page, "revision"), "kind": "closed_days"}
    refused(viet, "/policies/rule", 422, **form, dates="31/02/2027")
    page = sent(
        viet,
        "/policies/rule",
        to="/policies",
        **form,
        days=["tet"],
        dates="02/09/2027",
        places=["school"],
        binding="yes",
    )
    assert "Không phát vào ba ngày Tết Nguyên đán, 2/9/2027 (gần trường học)" in page
    index = re.findall(r"/policies/rule\?area=xa&index=(\d+)", page)[-1]
    assert "02/09/2027" in seen(viet, f"/policies/rule?area=xa&index={index}")
    sent(viet, "/policies/emergency", to="/policies", area="xa", revision=hidden(page, "revision"), alone="yes")
    assert "Được, khi không kịp" in seen(viet, "/policies?area=thon-dong")
    assert "từ 20 giờ 30 đến 5 giờ" in seen(viet, "/audit?about=policy")
    assert 'name="kind"' not in seen(visit("mai"), "/policies?area=xa")


def test_what_somebody_may_not_change_is_shown_without_forms_and_what_is_not_there_is_said(visit: Visit) -> None:
    viet, mai = visit("viet"), visit("mai")
    assert 'name="reading"' not in seen(viet, "/lexicon?area=xa")
    refused(viet, "/lexicon", 403, area="xa", written="A", reading="a")
    assert 'name="full_volume_dba"' not in seen(mai, "/receivers/loa-0")
    refused(mai, "/receivers/loa-0/revocation", 403, sure="yes")
    for path in ("/receivers/khong-co", "/groups/khong-co"):
        assert viet.get(path).status_code == 404


def test_whose_area_it_is_not_is_told_its_name(visit: Visit) -> None:
    dong = visit("dong")
    told = refused(dong, "/groups/new", 403, name="Nhóm", areas=["xa-hung"], kinds="loudspeaker")
    assert "ngoài phạm vi của bạn. Hãy nhờ người phụ trách địa bàn đó. Địa bàn: Xã Tân Hưng." in told
    policy = {"policy": {"rules": []}, "revision": 0, "break_glass": False}
    problem = dong.put("/api/v1/areas/xa-hung/policy", json=policy).json()
    assert problem["errors"] == [{"outside": ["xa-hung"]}]
    assert "cần quyền trên toàn đài" in dong.get("/set-apart").text


def test_the_address_of_a_form_leads_to_the_page_on_which_it_stands(visit: Visit) -> None:
    viet = visit("viet")
    for path, page in (
        ("/me/password", "/me"),
        ("/groups/g1/removal?lang=en", "/groups/g1?lang=en"),
        ("/policies/removal", "/policies"),
        ("/me/log-ins/x/ending", "/me"),
        ("/logout", "/"),
    ):
        answer = viet.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, page)
    for path in ("/me/khong-co", "/reports/x/khong-co", "//me/password"):
        assert viet.get(path).status_code == 404


def test_areas_below_sound_as_the_one_above(visit: Visit) -> None:
    mai = visit("mai")
    form = {"rate_wpm": "120", "call_mode": "own", "call": "Đây là Đài truyền thanh xã."}
    assert "Đã lưu" in sent(mai, "/sound?area=xa", **form)
    village = seen(mai, "/sound?area=thon-dong")
    assert "Theo cấp trên: Đây là Đài truyền thanh xã." in village
    assert "Để trống: theo cấp trên, 120" in village
    for rate in ("9" * 5000, "²", "79"):
        assert "nhập số trong khoảng 80 – 260" in refused(mai, "/sound?area=xa", 422, rate_wpm=rate)


def test_who_serves_one_village_sees_and_changes_what_lies_there(visit: Visit, station_pages: ServedStation) -> None:
    station_pages.station.people.add(
        username="thon", name="Trưởng thôn", role=Role.OPERATOR, password="mật khẩu của thon", area="thon-dong"
    )
    thon = visit("thon")
    page = seen(thon, "/areas")
    assert "Cụm loa Đông" in page
    assert "Loa UBND" not in page
    assert "Loa UBND" not in seen(thon, "/areas?q=loa")
    assert 'name="full_volume_dba"' in seen(thon, "/receivers/loa-0")
    assert thon.get("/receivers/loa-2").status_code == 403
    refused(thon, "/receivers/loa-2/revocation", 403, sure="yes")
    assert "/policies/rule?area=thon-dong" in seen(thon, "/policies")  # its own village, unasked
    assert "/policies/rule" not in seen(thon, "/policies?area=xa")
    refused(thon, "/groups/new", 403, name="Cả xã", areas=["xa"], kinds=["loudspeaker"])


def test_the_page_of_the_day_leads_to_what_is_to_be_done(visit: Visit) -> None:
    page = seen(visit("viet"), "/operations")
    assert '<a class="button danger" href="/emergencies">' in page
    assert '<a class="button danger" href="/emergencies">' not in seen(visit("mai"), "/operations")


def test_a_split_says_of_what_stands_in_the_commune_itself_where_it_goes(
    visit: Visit, station_pages: ServedStation
) -> None:
    viet = visit("viet")
    day = (station_pages.station.today() + timedelta(days=20)).isoformat()
    split = {"what": "split", "title": "Chia xã", "day": day, "area": "xa", "names": ["Xã Đông", "", "Xã Tây", ""]}
    places = {"children": ["thon-dong", "thon-doai", "thon-2"], "devices": ["loa-3"]}
    page = sent(
        *(viet, "/reorganisations/new"),
        to="/reorganisations/",
        **split,
        **places,
        children_to=["new-0", "new-2", "new-2"],
        devices_to=["xa-hung"],
    )
    assert "Nhập vào: Xã Đông, Xã Tây, Xã Tân Hưng" in page
    assert "Loa UBND: Địa bàn xa → Xã Tân Hưng" in page


def test_the_audit_trail_is_leafed_through(visit: Visit, station_pages: ServedStation) -> None:
    station = station_pages.station
    operator: Actor = station.log_ins.log_in("viet", "mật khẩu của viet")[1]
    with station.database.writing() as session:
        for loudness in range(60, 112):
            at, details = station.clock.now(), {"full_volume_dba": loudness}
            audit.note(session, operator, "receiver-placed", "loa-2", at=at, areas=["thon-doai"], details=details)
        details = {"areas": {"thon-2": "Thôn 2"}}  # as it was named once
        audit.note(session, operator, "areas-added", "xa", at=at, areas=["xa"], details=details)
    viet = visit("viet")
    first = seen(viet, f"/audit?who={operator.id}&about=receiver")
    assert first.count('href="/receivers/') == 50
    assert first.count(">Cụm loa Đoài</a>") >= 49  # by its name, not by its id
    found = re.search(r'href="(/audit\?after=[^"]+)"', first)
    assert found is not None
    older = seen(viet, found[1])
    with station.database.reading() as session:
        rows = session.scalars(
            select(AuditEntry.seq).where(AuditEntry.actor_id == operator.id, AuditEntry.action.startswith("receiver-"))
        ).all()
    assert older.count('href="/receivers/') == len(rows) - 50
    assert "Không có thao tác nào như vậy" in seen(viet, "/audit?who=khong-co")
    areas = seen(viet, f"/audit?who={operator.id}&about=area")
    assert "Thêm địa bàn" in areas
    assert "areas-added" not in areas
    assert '<a class="touch" href="/areas/xa">Địa bàn xa</a>' in areas


def test_receivers_are_on_a_map_and_what_was_missed_without_network_is_shown_after_it(
    station_pages: ServedStation,
) -> None:
    now = station_pages.station.clock.now()
    with station_pages.station.database.writing() as session:
        for receiver, presence, longitude in (("loa-0", "online", 106.33), ("loa-2", "offline", 106.35)):
            row = session.get_one(Receiver, receiver)
            row.latitude, row.longitude = 20.94, longitude
            row.presence, row.presence_at, row.health_at = presence, now - timedelta(minutes=4), now
        session.add(
            RejectedMessage(
                topic="t",
                payload_sha256="0" * 64,
                payload="x",
                code="unknown_order",
                reason="this station knows no order x",
                receiver_id="loa-0",
                received_at=now,
            )
        )
    square = [[106.32, 20.93], [106.36, 20.93], [106.36, 20.95], [106.32, 20.93]]
    client, path = station_pages.as_person("viet"), "/api/v1/areas/xa/outline"
    assert client.put(path, json={"outline": {"type": "Polygon", "coordinates": [square]}}).status_code == 204
    assert client.put(path, json={"outline": {"type": "Polygon", "coordinates": [square[:3]]}}).status_code == 422
    asked: list[str] = []
    said: list[str] = []
    with chromium() as browser:
        context = browser.new_context(base_url=station_pages.base, locale="vi-VN")
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        _log_in(page, "viet", "vi")
        assert not [url for url in asked if "leaflet" in url]  # only on request
        page.get_by_role("link", name="Bản đồ").click()
        expect(page.locator("#map")).to_have_attribute("data-drawn", "2")
        expect(page.locator("#map")).to_have_attribute("data-outlines", "1")
        expect(page.locator(".keys")).to_contain_text("chạy tốt: 1")
        expect(page.locator("#failing + ul")).to_contain_text("Cụm loa Đoài")
        x, y = page.wait_for_function(WELL).json_value()
        page.mouse.click(x, y)
        expect(page.locator(".leaflet-popup-content a")).to_have_attribute("href", "/receivers/loa-0")
        expect(page.locator("#link")).to_have_text("Trực tiếp")
        for presence in ("offline", "online"):  # its shape alone is drawn anew
            with station_pages.station.database.writing() as session:
                session.get_one(Receiver, "loa-0").presence = presence
            station_pages.station.changes.notify()
            page.wait_for_function(f"() => ({WELL})() {'!==' if presence == 'online' else '==='} null", timeout=30_000)
        expect(page.locator("#map")).to_have_attribute("data-drawn", "2")
        places = [url for url in asked if urlsplit(url).path == "/operations/map/places"]
        assert len(places) == 1  # what changed was told without them
        assert [text for text in said if "getImageData" not in text] == []  # our own look at the canvas
        # What changed while there was no network, and where something stands now.
        context.set_offline(True)
        with station_pages.station.database.writing() as session:
            session.get_one(Receiver, "loa-0").presence = "offline"
            session.get_one(Receiver, "loa-1").latitude, session.get_one(Receiver, "loa-1").longitude = 20.945, 106.34
        station_pages.station.changes.notify()
        expect(page.locator("#link")).to_have_text("Mất kết nối, đang nối lại …", timeout=30_000)
        context.set_offline(False)
        page.wait_for_function(f"() => ({WELL})() === null", timeout=30_000)
        expect(page.locator("#map")).to_have_attribute("data-drawn", "3")
        expect(page.locator("#link")).to_have_text("Trực tiếp")
        places = [url for url in asked if urlsplit(url).path == "/operations/map/places"]
        assert len(places) == 2
        with station_pages.station.database.writing() as session:
            session.get_one(Receiver, "loa-0").presence = "online"
        # Logged out meanwhile: to the log-in and back to the page, not to a part of it.
        context.clear_cookies(name="session")
        station_pages.station.changes.notify()
        page.wait_for_url("**/login?next=/operations/map")
        page.fill("#username", "viet")
        page.fill("#password", "mật khẩu của viet")
        page.press("#password", "Enter")
        page.wait_for_url("**/operations/map")
        expect(page.locator("#map")).to_have_attribute("data-drawn", "3")
        page.goto("/operations")
        expect(page.locator("#link")).to_have_text("Trực tiếp")
        context.set_offline(True)
        stop = {"reason": "Sửa điện", "targets": {"areas": ["xa-hung"]}}
        answer = station_pages.as_person("viet").post("/api/v1/stops", json=stop)
        assert answer.status_code < 300, answer.text
        expect(page.locator("#link")).to_have_text("Mất kết nối, đang nối lại …", timeout=30_000)
        assert "Sửa điện" not in page.locator("#alarms").inner_text()
        context.set_offline(False)
        expect(page.locator("#alarms")).to_contain_text("Sửa điện", timeout=30_000)
        expect(page.locator("#link")).to_have_text("Trực tiếp", timeout=30_000)
        told = page.locator("#exceptions li", has_text="của lệnh phát mà đài không biết")
        expect(told).to_contain_text("khôi phục từ bản sao lưu", timeout=30_000)
        told.get_by_role("link", name="Xem").click()
        expect(page.locator("tbody")).to_contain_text("lệnh phát mà đài không biết")
        context.close()
    lifted = station_pages.as_person("viet").post(
        f"/api/v1/stops/{answer.json()['id']}/lifting", json={"reason": "xong"}
    )
    assert lifted.status_code < 300, lifted.text


WELL = """() => {
  const canvas = document.querySelector("#map canvas"), box = canvas.getBoundingClientRect();
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const green = (at) => data[at] === 0x17 && data[at + 1] === 0x66 && data[at + 2] === 0x3a;
  for (let at = 0; at < data.length; at += 4) {
    const x = (at >> 2) % canvas.width, y = Math.floor((at >> 2) / canvas.width), scale = box.width / canvas.width;
    if (green(at)) return [box.left + x * scale, box.top + y * scale];
  }
  return null;
}"""
"""A point of the first receiver on the map that is well, on the screen: it has the colour of what is good."""


def _log_in(page: Page, who: str, tongue: str) -> None:
    page.goto(f"/login?lang={tongue}")
    page.fill("#username", who)
    page.fill("#password", f"mật khẩu của {who}")
    page.press("#password", "Enter")
    page.wait_for_url("**/operations")


def _paths(station_pages: ServedStation) -> dict[str, list[str]]:
    """Every page of these, by who looks at it."""
    station = station_pages.station
    with station.database.reading() as session:
        people = dict(session.execute(select(Person.username, Person.id)).all())
    person, hoa = people["mai"], people["hoa"]
    if not station.absences.coming(hoa):
        away = {"ends_at": (station.clock.now() + timedelta(days=3)).isoformat(), "deputy": people["xem"]}
        away["begins_at"] = station.clock.now().isoformat()
        answer = station_pages.as_person("hoa").post("/api/v1/people/me/absences", json=away)
        assert answer.status_code == 201, answer.text
    proposal = {"written": "VNeID", "reading": "vi en ai đi"}
    assert station_pages.as_person("mai").post("/api/v1/areas/tinh/lexicon/proposals", json=proposal).is_success
    plans = station_pages.as_person("viet").get("/api/v1/reorganisations").json()
    return {
        "viet": [
            *("/operations", "/operations?area=xa", "/operations/map", "/alerts", "/set-apart"),
            *("/areas", "/areas/xa", "/areas?q=loa", "/receivers/loa-0", "/receivers/loa-1", "/receivers/loa-0/wipe"),
            *("/enrolments", "/enrolments?receiver=loa-0", "/groups", "/groups/new", "/reorganisations"),
            *("/reorganisations/new", "/reorganisations/new?what=merge", "/reorganisations/new?what=split&area=xa"),
            *("/policies?area=xa&at=2030-03-04T21:00", "/policies/rule?area=xa&kind=quiet_hours", "/audit"),
            *(f"/reorganisations/{plan['id']}" for plan in plans),
        ],
        "hoa": ["/me/absences"],
        "mai": ["/lexicon?area=xa", "/lexicon?area=tinh", "/lexicon/history?area=tinh", "/sound?area=xa"],
        "quan": ["/people", "/people/new", f"/people/{person}", "/me", station.welcome.link()],
    }


@pytest.mark.parametrize(("tongue", "width", "scheme"), [("vi", 1366, "light"), ("en", 320, "dark")])
def test_every_page_is_fit_for_everybody(station_pages: ServedStation, tongue: str, width: int, scheme: str) -> None:
    found: list[str] = []
    said: list[ConsoleMessage] = []

    def hear(message: ConsoleMessage) -> None:
        said.append(message)

    with chromium() as browser:
        for who, paths in _paths(station_pages).items():
            context = browser.new_context(
                base_url=station_pages.base,
                viewport={"width": width, "height": 800},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            page.on("console", hear)
            _log_in(page, who, tongue)
            for path in paths:
                found += [f"{path}: {fault}" for fault in _faults(page, path)]
            context.close()
    found += [f"console: {message.text}" for message in said]
    assert not found, "\n".join(found)


def _faults(page: Page, path: str) -> list[str]:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, path
    return [*axe_violations(page), *small_targets(page), *(["sideways"] if sideways(page) > 0 else [])]
