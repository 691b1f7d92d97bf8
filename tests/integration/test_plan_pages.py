"""Pages of the plan, of emergencies, programmes and campaigns: by plain form posts without JavaScript, then all in Chromium."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import ConsoleMessage
from sqlalchemy import select

from broadcaster.campaigns import CampaignPlan, Goals
from broadcaster.storage.models import Airing, Area, Emergency, ProgrammeRecord
from broadcaster.targets import Targets
from devices.wire.signing import SigningKey
from schedules.programmes import Programme
from tests.brokers import wait_for
from tests.browser import axe_violations, chromium, sideways, small_targets
from tests.integration.forms import hidden, refused, seen, sent
from tests.integration.serving import ServedStation

Visit = Callable[[str], httpx.Client]
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = (datetime.now(ZONE) + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
TITLES = {"routine": "Lịch tiêm chủng", "one": "Cảnh báo lừa đảo", "other": "Thông báo cắt điện"}


@pytest.fixture(scope="module")
def planned(served: ServedStation) -> ServedStation:
    """Two communes; in one of them three receivers and bulletins that clash in two days at noon."""
    with served.station.database.writing() as session:
        for area, name, kind, parent in (
            ("thon-doai", "Thôn Đoài", "village", "xa"),
            ("xa-hung", "Xã Tân Hưng", "commune", "tinh"),
        ):
            session.add(Area(id=area, name=name, kind=kind, parent_id=parent, valid_from=date(2025, 7, 1)))
    for receiver, name, area in (("loa-1", "Cụm loa Đông", "thon-dong"), ("loa-2", "Cụm loa Đoài", "thon-doai")):
        key = SigningKey.generate().public()
        served.station.enrol(receiver=receiver, name=name, kind="loudspeaker", area=area, public_key=key)

    def at(when: datetime, area: str = "xa") -> dict[str, object]:
        return {"rule": {"kind": "once", "at": when.isoformat()}, "targets": {"areas": [area]}}

    served.released(title=TITLES["routine"], plan=[at(NOON - timedelta(hours=2)), at(NOON - timedelta(hours=3))])
    served.released(title=TITLES["one"], priority="priority", plan=[at(NOON)])
    served.released(title=TITLES["other"], priority="priority", plan=[at(NOON + timedelta(seconds=1), "thon-dong")])
    wait_for(lambda: len(_airings(served)) == 4)
    return served


@pytest.fixture(scope="module")
def visit(planned: ServedStation) -> Visit:
    """Somebody's browser without JavaScript, logged in by the form."""
    return planned.visit


def _airings(served: ServedStation) -> dict[tuple[str, datetime], str]:
    with served.station.database.reading() as session:
        rows = session.scalars(select(Airing).where(Airing.priority != "emergency")).all()
    return {(row.title, row.due_at): row.id for row in rows}


def _airing(served: ServedStation, title: str, at: datetime) -> str:
    return f"/schedule/airings/{_airings(served)[title, at.astimezone(UTC)]}"


def test_the_week_shows_what_airs_in_an_area_and_on_a_receiver(visit: Visit) -> None:
    viet, week = visit("viet"), f"&week={NOON.date()}"
    page = seen(viet, f"/schedule?area=xa{week}")
    assert page.count(TITLES["one"]) == 2  # in the table of a wide screen and the list of a narrow one
    assert page.count(TITLES["routine"]) == 4
    assert TITLES["other"] not in seen(viet, f"/schedule?receiver=loa-2{week}")
    assert TITLES["other"] in seen(viet, f"/schedule?receiver=loa-1{week}")
    assert "chưa có lượt phát nào" in seen(viet, f"/schedule?area=xa-hung{week}")
    assert viet.get("/schedule?area=khong-co").status_code == 404
    assert viet.get("/schedule?week=hom-nay").status_code == 422


def test_the_simulated_day_says_what_plays_and_what_loses(visit: Visit) -> None:
    page = seen(visit("mai"), f"/schedule/simulation?receiver=loa-1&day={NOON.date()}")
    assert page.index(TITLES["routine"]) < page.index(TITLES["one"])
    assert "12:00:00" in page
    assert "<rect" in page
    empty = seen(visit("mai"), f"/schedule/simulation?receiver=loa-1&day={NOON.date() + timedelta(days=9)}")
    assert "không phát gì" in empty


def test_a_template_is_drafted_released_by_another_and_said_in_three_actions(
    visit: Visit, planned: ServedStation
) -> None:
    mai, hoa, viet = visit("mai"), visit("hoa"), visit("viet")
    assert "Chưa có mẫu" in seen(viet, "/emergencies")
    text = "Bão số {số bão} cách {địa danh}. Bà con không ra khơi."
    form = {"name": "Bão gần bờ", "area": "xa", "title": "Bão số {số bão}", "text": text}
    page = sent(mai, "/emergencies/templates/new", **form)
    assert "kind.so_bao" in page
    assert "Chọn loại cho từng chỗ trống" in page
    form |= {"kind.so_bao": "number", "highest.so_bao": "20", "kind.dia_danh": "choice"}
    refused(mai, "/emergencies/templates/new", 422, **form)
    page = sent(
        mai,
        "/emergencies/templates/new",
        to="/emergencies/templates/",
        **form,
        **{"choices.dia_danh": "Hải Phòng; Thái Bình"},
    )
    assert "người duyệt khác phải duyệt" in page
    with planned.station.database.reading() as session:
        assert session.scalars(select(Emergency)).all() == []
    found = re.search(r'href="(/emergencies/templates/[0-9a-f-]{36})"', seen(hoa, "/emergencies"))
    assert found is not None
    template, sha256 = found[1], hidden(seen(hoa, found[1]), "content_sha256")
    refused(mai, f"{template}/release", 403, content_sha256=sha256)
    refused(hoa, f"{template}/release", 409, content_sha256="0" * 64)
    assert "Bão gần bờ" in sent(hoa, f"{template}/release", to="/emergencies", content_sha256=sha256)
    # One: the board of emergencies leads to the form; two: the blanks; three: it is said.
    assert f'href="{template}"' in seen(viet, "/emergencies")
    blanks = {"blank.so_bao": "21", "blank.dia_danh": "Hải Phòng", "areas": "xa", "drill": "yes"}
    refused(mai, f"{template}/issue", 403, **blanks)
    kept = refused(viet, f"{template}/issue", 422, **blanks)
    assert 'value="21"' in kept
    blanks |= {"blank.so_bao": "5", "key": hidden(kept, "key")}
    page = sent(viet, f"{template}/issue", to="/emergencies/", **blanks)
    assert "Bão số 5 cách Hải Phòng." in page
    assert "diễn tập" in page
    first = _latest(planned)
    assert first.drill
    sent(viet, f"{template}/issue", to=f"/emergencies/{first.id}", **blanks)  # the second click
    wait_for(lambda: _latest(planned).state == "issued")
    page = seen(viet, f"{template}?references={first.id}&message=update")
    assert "phát ở cùng nơi: Địa bàn xa" in page
    blanks = {"blank.so_bao": "5", "blank.dia_danh": "Thái Bình", "references": first.id, "message": "update"}
    sent(viet, f"{template}/issue", to="/emergencies/", **blanks)
    wait_for(lambda: _latest(planned).references == first.id and _latest(planned).state == "issued")
    path = f"/emergencies/{_latest(planned).id}"
    refused(viet, f"{path}/ending", 422, reason="")
    assert "Đã thôi phát" in sent(viet, f"{path}/ending", to=path, reason="Diễn tập xong")
    refused(viet, f"{path}/ending", 409, reason="Lần nữa")


def _latest(served: ServedStation) -> Emergency:
    with served.station.database.reading() as session:
        found = session.scalars(select(Emergency).order_by(Emergency.asked_at.desc())).first()
    assert found is not None
    return found


def test_a_programme_is_made_changed_and_ended_by_its_form(visit: Visit, planned: ServedStation) -> None:
    hoa = visit("hoa")
    assert "Chưa có chuyên mục nào" in seen(hoa, "/programmes")
    form: dict[str, object] = {
        "name": "Chuyển đổi số",
        "revision": "0",
        "areas": "xa",
        "airings": "2",
        "fallback": "silence",
    }
    slot = {"days.0": ["TU", "TH"], "at.0": "17:10"}
    refused(hoa, "/programmes/new", 422, **form, **slot)
    page = sent(hoa, "/programmes/new", to="/programmes/chuyen-doi-so", **form, **slot, **{"minutes.0": "2,5"})
    assert "Thứ Ba và thứ Năm hằng tuần, 5 giờ 10 chiều" in page
    assert "dài nhất 2 phút 30 giây" in page
    refused(hoa, "/programmes/new", 409, **form)
    planned.released(title="Định danh mức 2", programme="chuyen-doi-so")
    page = seen(hoa, "/programmes/chuyen-doi-so")
    assert page.count("Định danh mức 2") >= 2
    edit = seen(hoa, "/programmes/chuyen-doi-so/form")
    assert 'value="TU" checked' in edit
    form |= {"revision": hidden(edit, "revision"), "start.0": hidden(edit, "start.0"), "minutes.0": "3", "call": ""}
    path = "/programmes/chuyen-doi-so"
    assert "dài nhất 3 phút" in sent(hoa, f"{path}/form", to=path, **form, **slot)
    refused(hoa, f"{path}/form", 409, **form, **slot)
    refused(visit("viet"), f"{path}/form", 403, **form, **slot)
    week = f"/schedule?area=xa&week={NOON.date() + timedelta(days=14)}"
    assert "khung giờ chuyên mục" in seen(hoa, week)
    refused(hoa, f"{path}/ending", 422)
    assert "Chưa có chuyên mục nào" in sent(hoa, f"{path}/ending", to="/programmes", sure="yes")
    with planned.station.database.reading() as session:
        assert session.get_one(ProgrammeRecord, "chuyen-doi-so").revision == 2


@pytest.fixture(scope="module")
def paths(planned: ServedStation) -> dict[str, list[str]]:
    """Every page of these, by who looks at it, with something in it."""
    station = planned.station
    mai, hoa = (station.log_ins.log_in(name, f"mật khẩu của {name}")[1] for name in ("mai", "hoa"))
    plan = CampaignPlan(
        name="Tháng an toàn giao thông",
        starts_on=station.today(),
        ends_on=station.today(),
        goals=Goals(airings=9),
        area="xa",
    )
    campaign = station.campaigns.save(mai, plan)
    station.programmes.save(hoa, Programme(id="sang", name="Bản tin sáng"), Targets(areas=("xa",)), revision=0)
    released = [row for row in station.emergencies.templates(mai) if row.state == "released"]
    one = _airing(planned, TITLES["one"], NOON)
    return {
        "viet": [
            *(f"/schedule?area=xa&week={NOON.date()}", f"/schedule?receiver=loa-1&week={NOON.date()}", one),
            *(f"/schedule/simulation?receiver=loa-1&day={NOON.date()}", "/emergencies", "/emergencies/alone"),
            *(f"/emergencies/templates/{row.id}" for row in released),
            *(f"/emergencies/{row.id}" for row, _ in station.emergencies.standing(mai)),
            *(
                f"/emergencies/templates/{template.id}?references={row.id}&message=cancel"
                for row, _ in station.emergencies.standing(mai)[:1]
                for template in released[:1]
            ),
            one.replace("/schedule", ""),
            one.removeprefix("/schedule"),
        ],
        "hoa": [
            *("/programmes", "/programmes/sang", "/programmes/sang/form", "/campaigns", f"/campaigns/{campaign}"),
            *(f"/campaigns/{campaign}/form", "/emergencies/templates/new", one),
        ],
    }


@pytest.mark.parametrize(("tongue", "width", "scheme"), [("vi", 1366, "light"), ("en", 320, "dark")])
def test_every_page_is_fit_for_everybody(
    planned: ServedStation, paths: dict[str, list[str]], tongue: str, width: int, scheme: str
) -> None:
    found: list[str] = []
    logged: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        logged.append(message.text)

    with chromium() as browser:
        for who, addresses in paths.items():
            context = browser.new_context(
                base_url=planned.base,
                viewport={"width": width, "height": 800},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            page = context.new_page()
            page.on("console", hear)
            page.goto(f"/login?lang={tongue}")
            page.fill("#username", who)
            page.fill("#password", f"mật khẩu của {who}")
            page.press("#password", "Enter")
            page.wait_for_url("**/operations")
            for path in addresses:
                answer = page.goto(path)
                assert answer is not None
                assert answer.status == 200, path
                faults = [*axe_violations(page), *small_targets(page), *(["sideways"] if sideways(page) > 0 else [])]
                found += [f"{path}: {fault}" for fault in faults]
            context.close()
    assert not [*found, *logged], "\n".join([*found, *logged])
