"""Pages of areas, receivers and groups in a province: what is too much for a page is said and found, and nobody is told what is untrue of
other people's areas. In a real browser and in both languages."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser, Locator, expect
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from api.problems import Language
from broadcaster.people import Role
from broadcaster.settings import Settings
from broadcaster.station import Station
from broadcaster.storage.models import Area, AreaMove, AreaSuccessor, GrantRecord, Person, Receiver, Reorganisation
from devices.wire.signing import SigningKey
from tests.brokers import free_port
from tests.integration.serving import ServedStation, found, serving
from tests.integration.visitor import BOTH, Visitor, visiting

COMMUNES = 105
HERE, THERE = 102, 30
"""Receivers in the commune itself, and one in each of others."""
TROUBLED = "Cụm loa 100"
LEFT = 120
"""The receiver of the village that came out of a commune that has ended."""


def _merge(session: Session, station: Station) -> None:
    """Yesterday Xã Cũ ended: its village stands under another commune."""
    day = station.today() - timedelta(days=1)
    session.add(Area(id="xa-cu", name="Xã Cũ", kind="commune", parent_id="tinh", valid_from=date(2025, 7, 1)))
    session.flush()
    session.add(Area(id="thon-cu", name="Thôn Cũ", kind="village", parent_id="xa-cu", valid_from=date(2025, 7, 1)))
    planner = session.scalars(select(Person.id).where(Person.username == "tinh")).one()
    merger = {"title": "Sáp nhập", "day": day, "plan": {}, "state": "in_force", "planned_by": planner}
    session.add(Reorganisation(id="sap-nhap", planned_at=station.clock.now(), **merger))
    session.flush()
    session.add(AreaMove(area_id="thon-cu", day=day, parent_id="xa-5", reorganisation_id="sap-nhap"))
    session.add(AreaSuccessor(area_id="xa-cu", successor_id="xa-5", day=day, reorganisation_id="sap-nhap"))
    session.get_one(Area, "xa-cu").valid_to = day
    for name in ("cu-vi", "cu-en"):
        grant = session.scalars(select(GrantRecord).join(Person).where(Person.username == name)).one()
        grant.area_id = "xa-cu"


def _founded(station: Station) -> None:
    found(station)
    people = {"tinh": (Role.OPERATOR, "tinh"), "xa": (Role.OPERATOR, "xa"), "thon": (Role.VIEWER, "thon-dong")}
    people |= {f"cu-{tongue}": (Role.OPERATOR, "xa") for tongue in ("vi", "en")}
    for name, (role, area) in people.items():
        station.people.add(username=name, name=name, role=role, area=area, password=f"mật khẩu của {name}")
    with station.database.writing() as session:
        for number in range(COMMUNES):
            at = {"kind": "commune", "parent_id": "tinh", "valid_from": date(2025, 7, 1)}
            session.add(Area(id=f"xa-{number}", name=f"Xã {number}", **at))
        session.flush()
        _merge(session, station)
        lone = {LEFT: "thon-cu", HERE + THERE - 1: "xa-3"}
        key, now = SigningKey.generate().public().to_jwk(), station.clock.now()
        session.execute(
            insert(Receiver),
            [
                {
                    "id": f"loa-{number}",
                    "name": f"Cụm loa {number}",
                    "kind": "loudspeaker",
                    "area_id": "xa" if number < HERE else lone.get(number, f"xa-{number - HERE + 10}"),
                    "public_key": key,
                    "secret_sha256": f"{number:064x}",
                    "enrolled_at": now,
                    "presence": "offline" if f"Cụm loa {number}" == TROUBLED else "online",
                    "presence_at": now,
                }
                for number in range(HERE + THERE)
            ],
        )


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStation]:
    """A province of many communes, of which some have receivers."""
    folder = tmp_path_factory.mktemp("province")
    settings = Settings(folder=folder, port=free_port(), broker_port=free_port(), engines=("espeak",), speech_workers=1)
    with serving(settings, founding=_founded) as running:
        yield running


def _devices(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("main").get_by_role("link", name=TROUBLED.split(maxsplit=1)[0])


@BOTH
def test_what_is_too_much_for_a_page_is_said_with_the_worst_first(
    province: ServedStation, browser: Browser, tongue: Language
) -> None:
    with visiting(province, browser, "tinh", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/areas/xa")
        expect(page.get_by_text(w["areas_worst"] % {"all": HERE, "shown": 100})).to_be_visible()
        expect(page.get_by_text(w["areas_online_of"] % {"online": HERE - 1, "all": HERE})).to_be_visible()
        expect(_devices(operator)).to_have_count(100)
        expect(_devices(operator).first).to_contain_text(TROUBLED)
        operator.fits()
        operator.labelled(w["area_search"]).fill("cum loa")
        operator.button(w["find"], exact=True).click()
        told = w["areas_more_devices"] % {"all": HERE + THERE, "shown": 50}
        expect(page.get_by_text(told)).to_be_visible()
        expect(_devices(operator)).to_have_count(50)
        operator.fits()
        operator.labelled(w["area_search"]).fill("cum loa 131")
        operator.button(w["find"], exact=True).click()
        expect(_devices(operator)).to_have_count(1)
        page.goto("/operations")
        operator.link(w["op_more_places"].partition(" ")[2].partition(" ")[2]).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(w["areas"])
        page.goto("/policies?area=tinh")
        page.get_by_role("link", name=w["area_below_all"] % {"number": COMMUNES + 1}).click()
        expect(page.get_by_role("main").get_by_role("link", name=f"Xã {COMMUNES - 1}", exact=True)).to_be_visible()


@BOTH
def test_of_other_peoples_areas_nobody_is_told_that_nothing_stands_there(
    province: ServedStation, browser: Browser, tongue: Language
) -> None:
    with visiting(province, browser, "thon", tongue) as viewer, visiting(province, browser, "xa", tongue) as operator:
        page, w = viewer.page, viewer.w
        page.goto("/areas/xa-3")
        expect(page.get_by_text(w["areas_yours"])).to_be_visible()
        expect(page.get_by_text(w["areas_empty"])).to_have_count(0)
        viewer.fits()
        page.goto("/areas/tinh")
        expect(page.get_by_text(w["areas_yours"])).to_be_visible()
        expect(page.get_by_text(w["areas_no_devices"])).to_have_count(0)
        page.goto(
            "/areas/thon-dong"
        )  # one's own, which has none; who does not operate is not led to where they may not go
        expect(page.get_by_text(w["areas_empty"])).to_be_visible()
        expect(viewer.link(w["areas_add"], exact=True)).to_have_count(0)
        operator.page.goto("/areas/tinh")
        online = operator.w["areas_online_of_yours"] % {"online": HERE - 1, "all": HERE}
        expect(operator.page.get_by_text(online)).to_be_visible()
        operator.page.goto("/areas/thon-dong")
        expect(operator.page.get_by_role("main").get_by_role("link", name=w["areas_add"], exact=True)).to_be_visible()


@BOTH
def test_a_group_of_a_province_is_chosen_by_communes_and_then_by_receivers(
    province: ServedStation, browser: Browser, tongue: Language
) -> None:
    name = f"Ven sông {tongue}"
    with visiting(province, browser, "tinh", tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/groups/new")
        expect(page.get_by_text(w["group_communes"])).to_be_visible()
        chosen = page.get_by_role("group", name=w["group_chosen"])
        expect(chosen.get_by_label("Cụm loa")).to_have_count(0)
        chosen.get_by_label("Xã 7", exact=True).check()
        operator.labelled(w["group_name"]).fill(name)
        operator.fits()
        operator.button(w["group_save"]).click()
        operator.told(w["done_group_saved"])
        operator.link(name).click()
        operator.link("Xã 3", exact=True).click()
        expect(chosen.get_by_label("Xã 7", exact=True)).to_be_checked()
        chosen.get_by_label("Cụm loa 131", exact=True).check()
        operator.button(w["group_save"]).click()
        operator.told(w["done_group_saved"])
        operator.link(name).click()  # all communes again: the receiver is not drawn, and stays chosen
        expect(chosen.get_by_label("Cụm loa 131", exact=True)).to_be_checked()
        operator.button(w["group_save"]).click()
        operator.told(w["done_group_saved"])
    groups = {each["name"]: each["targets"] for each in province.as_person("tinh").get("/api/v1/groups").json()}
    assert (groups[name]["areas"], groups[name]["receivers"]) == (["xa-7"], ["loa-131"])


@BOTH
def test_who_served_a_commune_that_has_ended_begins_with_what_is_left_of_it_and_stops_it(
    province: ServedStation, browser: Browser, tongue: Language
) -> None:
    who = f"cu-{tongue}"
    with visiting(province, browser, who, tongue) as operator:
        page, w = operator.page, operator.w
        page.goto("/")
        operator.go("nav_areas")
        expect(operator.link(f"Cụm loa {LEFT}")).to_be_visible()
        operator.fits()
        heading = page.get_by_role("heading", level=1)
        for word in ("nav_schedule", "nav_policies", "nav_lexicon", "nav_sound"):
            operator.go(word)
            expect(heading).to_contain_text("Thôn Cũ")
        operator.go("log")  # what was played while it stood is still looked for by it
        operator.choose(w["rep_area"], f"Xã Cũ {w['area_ended']}")
        operator.button(w["log_find"], exact=True).click()
        expect(page.get_by_text(w["log_none_found"])).to_be_visible()
        expect(operator.labelled(w["rep_area"])).to_have_value("xa-cu")
        operator.go("nav_today")
        operator.open(w["op_stop_all"])
        operator.labelled(w["op_stop_reason"]).fill(f"Sự cố {tongue}")
        operator.button(w["op_stop_now"], exact=True).click()
        expect(page.locator(".done-box")).to_have_text(w["done_stopped"])
    (row,) = (
        each
        for each in province.station.stops.standing(province.station.log_ins.log_in(who, f"mật khẩu của {who}")[1])
        if each.reason == f"Sự cố {tongue}"
    )
    assert row.audience["areas"] == ["thon-cu"]


@BOTH
def test_what_is_printed_is_the_page_itself_dark_on_white(
    province: ServedStation, browser: Browser, tongue: Language
) -> None:
    with visiting(province, browser, "tinh", tongue, color_scheme="dark") as operator:
        page, w = operator.page, operator.w
        page.goto("/schedule?area=xa")
        others = page.get_by_role("navigation", name=w["plan_others"])
        expect(others).to_be_visible()

        def ink() -> list[int]:
            return [int(part) for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).color"))]

        assert min(ink()) > 192
        page.emulate_media(media="print")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(others).to_be_hidden()
        page.goto("/policies?area=tinh")
        expect(page.get_by_role("navigation", name=w["area_pages"])).to_be_hidden()
        expect(page.get_by_role("navigation", name=w["area_below"])).to_be_hidden()
        assert max(ink()) < 64  # and not the light ink of the dark screen
