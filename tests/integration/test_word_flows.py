"""The lexicon, how areas sound, alerts, what was set apart and the audit trail, as people use them in a real browser and in both languages."""

from datetime import date, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import delete, select

from api.problems import Language
from broadcaster.people import Role
from broadcaster.storage.models import Alert, Area, LexiconProposal, RejectedMessage
from devices.wire.signing import SigningKey
from tests.brokers import wait_for
from tests.integration.serving import ServedStation
from tests.integration.visitor import BOTH, visiting


def _apart(served: ServedStation, receiver: str, code: str, count: int) -> None:
    """Messages that bear a receiver's name and do not fit."""
    station = served.station
    with station.database.writing() as session:
        session.add_all(
            RejectedMessage(
                topic="t",
                payload_sha256=f"{receiver}-{code}-{number}",
                payload="x",
                code=code,
                reason=f"why it does not fit ({number})",
                receiver_id=receiver,
                received_at=station.clock.now(),
            )
            for number in range(count)
        )


@pytest.fixture(scope="module", autouse=True)
def places(served: ServedStation) -> None:
    """For each language a village with a receiver in whose name somebody forges, and an editor of the commune."""
    station = served.station
    for tongue in ("vi", "en"):
        with station.database.writing() as session:
            village = {"kind": "village", "parent_id": "xa", "valid_from": date(2025, 7, 1)}
            session.add(Area(id=f"thon-{tongue}", name=f"Thôn Đoài {tongue}", **village))
        station.enrol(
            receiver=f"loa-{tongue}",
            name=f"Cụm loa Đoài {tongue}",
            kind="loudspeaker",
            area=f"thon-{tongue}",
            public_key=SigningKey.generate().public(),
        )
        _apart(served, f"loa-{tongue}", "bad_signature", 3)
        station.people.add(
            username=f"xa-{tongue}", name=f"Người xã {tongue}", role=Role.EDITOR, area="xa",
            password=f"mật khẩu của xa-{tongue}",
        )  # fmt: skip


def _in_force(served: ServedStation, area: str, written: str) -> list[tuple[str, str]]:
    """Whose entry holds for a term in an area, and how it is read, as programs are told."""
    entries = served.as_person("xem").get(f"/api/v1/areas/{area}/lexicon").json()["entries"]
    return [(each["area"], each["spoken"]) for each in entries if each["written"] == written]


def _read(served: ServedStation, area: str, text: str) -> str:
    """What is spoken for a text in an area."""
    answer = served.as_person("xem").post("/api/v1/bulletins/script", json={"text": text, "area": area})
    assert answer.status_code == 200, answer.text
    plain: str = answer.json()["plain"]
    return plain


@BOTH
def test_a_reading_is_added_heard_overridden_and_removed(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    term, title = {"vi": "QXZV", "en": "QXZE"}[tongue], f"Hội chợ của xã {tongue}"
    served.written(title=title, text=f"Mời bà con xem sản phẩm {term}.")
    with visiting(served, browser, "mai", tongue) as editor:
        page, w = editor.page, editor.w
        page.goto("/")
        editor.go("nav_lexicon")
        page.get_by_role("navigation", name=w["area_above"]).get_by_role("link", name="Địa bàn tinh").click()
        written, reading = (
            page.get_by_role("region", name=w["lexicon_add"]).get_by_label(w[each], exact=True)
            for each in ("lexicon_written", "lexicon_reading")
        )
        written.fill(term)
        reading.fill("ocop xyz")
        editor.labelled(w["lexicon_note"]).fill("như đài tỉnh")
        editor.button(w["lexicon_save"]).click()
        editor.refused({"vi": "âm tiết", "en": "syllable"}[tongue])
        expect(written).to_have_value(term)
        expect(reading).to_have_value("ocop xyz")
        expect(editor.labelled(w["lexicon_note"])).to_have_value("như đài tỉnh")
        editor.fits()
        reading.fill("ô xê ô pê")
        editor.button(w["lexicon_save"]).click()
        page.reload()  # which sends nothing again
        editor.told(w["lexicon_done"] % {"written": term, "spoken": "ô xê ô pê"})
        history = served.as_person("xem").get("/api/v1/areas/tinh/lexicon/history", params={"written": term}).json()
        assert [entry["reading"] for entry in history] == ["ô xê ô pê"]
        editor.fits()
        page.get_by_role("main").get_by_role("link", name=title).click()
        expect(page.get_by_text(title).first).to_be_visible()
        editor.go("nav_lexicon")
        assert _in_force(served, "thon-dong", term) == [("tinh", "ô xê ô pê")]
        assert "ô xê ô pê" in _read(served, "thon-dong", f"Xem {term}.")

        # Below it is had from above, and read otherwise.
        page.get_by_role("navigation", name=w["area_below"]).get_by_role("link", name=f"Thôn Đoài {tongue}").click()
        search = editor.labelled(w["lexicon_search"])
        search.fill("khongco")
        editor.button(w["find"], exact=True).click()
        expect(page.get_by_text(w["lexicon_not_found"])).to_be_visible()
        editor.fits()
        search.fill(term.lower())
        editor.button(w["find"], exact=True).click()
        row = page.get_by_role("row").filter(has_text=term)
        expect(row).to_contain_text("ô xê ô pê")
        expect(row).to_contain_text("Địa bàn tinh")
        editor.link(w["lexicon_override_of"] % {"written": term}).click()
        editor.labelled(w["lexicon_spelled"]).check()
        editor.button(w["lexicon_save"]).click()
        editor.told(f"“{term}”")
        expect(page.get_by_text(w["spoken_anew_none"])).to_be_visible()
        ((area, spoken),) = _in_force(served, f"thon-{tongue}", term)
        assert (area, spoken != "ô xê ô pê") == (f"thon-{tongue}", True)
        editor.link(w["lexicon_back"]).click()
        row = page.get_by_role("row").filter(has_text=term)
        expect(row).to_contain_text(w["lexicon_own"])
        editor.button(w["lexicon_remove_of"] % {"written": term}).click()
        editor.told(w["lexicon_removed"] % {"written": term})
        editor.fits()
        editor.link(w["lexicon_back"]).click()
        assert _in_force(served, f"thon-{tongue}", term) == [("tinh", "ô xê ô pê")]
        editor.link(w["lexicon_history"]).click()
        row = page.get_by_role("row").filter(has_text=term)
        expect(row).to_contain_text(spoken)
        expect(row.get_by_role("cell").last).to_contain_text("mai")  # who ended it
        editor.fits()


@BOTH
def test_a_reading_is_proposed_for_the_province_which_declines_or_accepts_it(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    good, bad = {"vi": ("VQXK", "VQXD"), "en": ("EQXK", "EQXD")}[tongue]
    with visiting(served, browser, f"xa-{tongue}", tongue) as proposer:
        page, w = proposer.page, proposer.w
        page.goto("/")
        proposer.go("nav_compose")
        page.wait_for_url("**/compose")  # and its scripts
        page.locator("#words").fill(f"Thông báo {tongue}\nGửi {good} và {bad} báo cáo.")
        for term in (good, bad):
            expect(page.get_by_label(w["reading_own_label"] % {"text": term})).to_have_count(1)
            proposer.choose(w["compose_scope"], w["scope_propose"] % {"name": "Địa bàn tinh"})
            item = page.locator("ul.readings > li").filter(has_text=term)
            item.locator("summary").click()
            own = page.get_by_label(w["reading_own_label"] % {"text": term})
            own.fill("quy xê dét ca")
            proposer.fits()  # meanwhile the page shows the readings anew: what was typed there is kept
            expect(own).to_have_value("quy xê dét ca")
            expect(page.locator(".htmx-request")).to_have_count(
                0
            )  # a button that is taken away while it is pressed does nothing
            item.get_by_role("button", name=w["reading_use"]).click()
            expect(own).to_have_count(0)
        proposer.button(w["compose_save"]).click()
        proposer.told(w["done_saved"])
        proposer.go("nav_lexicon")
        page.get_by_role("navigation", name=w["area_above"]).get_by_role("link", name="Địa bàn tinh").click()
        proposals = page.get_by_role("region", name=w["proposals"])
        expect(proposals).to_contain_text(good)
        expect(proposals.get_by_text(w["proposal_answer"], exact=True)).to_have_count(0)  # the province's to answer
        proposer.fits()
    assert _in_force(served, "tinh", good) == []
    with visiting(served, browser, "mai", tongue) as keeper, visiting(served, browser, "lan", tongue) as other:
        for person in (keeper, other):
            person.page.goto("/")
            person.go("nav_lexicon")
            above = person.page.get_by_role("navigation", name=w["area_above"])
            above.get_by_role("link", name="Địa bàn tinh").click()
        page, w = keeper.page, keeper.w
        proposals = page.get_by_role("region", name=w["proposals"])
        item = proposals.get_by_role("listitem").filter(has_text=bad)
        expect(item).to_contain_text(f"Người xã {tongue}")
        item.get_by_text(w["proposal_answer"], exact=True).click()
        keeper.button(w["proposal_decline_of"] % {"written": bad}).click()
        keeper.refused({"vi": "lý do không nhận", "en": "why it is declined"}[tongue])
        expect(item.get_by_label(w["proposal_reason"])).to_be_visible()
        keeper.fits()
        item.get_by_label(w["proposal_reason"]).fill("đã có cách đọc")
        keeper.button(w["proposal_decline_of"] % {"written": bad}).click()
        keeper.told(w["done_proposal_declined"])
        expect(page.get_by_text(bad)).to_have_count(0)
        item = proposals.get_by_role("listitem").filter(has_text=good)
        item.get_by_text(w["proposal_answer"], exact=True).click()
        item.get_by_label(w["proposal_reason"]).fill("đúng")
        keeper.button(w["proposal_accept_of"] % {"written": good}).click()
        keeper.told(w["lexicon_done"] % {"written": good, "spoken": "quy xê dét ca"})
        # Somebody else who had the page open is told, where they are.
        theirs = other.page.get_by_role("listitem").filter(has_text=good)
        theirs.get_by_text(w["proposal_answer"], exact=True).click()
        other.button(w["proposal_accept_of"] % {"written": good}).click()
        other.refused({"vi": "đã có người trả lời", "en": "answered already"}[tongue])
        expect(other.page.get_by_role("row").filter(has_text=good)).to_contain_text("quy xê dét ca")
        other.fits()
    assert _in_force(served, "thon-dong", good) == [("tinh", "quy xê dét ca")]
    assert _in_force(served, "tinh", bad) == []
    with served.station.database.reading() as session:
        decided = session.execute(
            select(LexiconProposal.written, LexiconProposal.decision, LexiconProposal.reason).where(
                LexiconProposal.written.in_((good, bad))
            )
        ).all()
    assert sorted(map(tuple, decided)) == sorted([(good, "accepted", "đúng"), (bad, "declined", "đã có cách đọc")])


@BOTH
def test_an_area_gets_a_sound_of_its_own(served: ServedStation, browser: Browser, tongue: Language) -> None:
    with visiting(served, browser, "mai", tongue) as editor:
        page, w = editor.page, editor.w
        page.goto("/")
        editor.go("nav_sound")
        page.get_by_role("navigation", name=w["area_below"]).get_by_role("link", name=f"Thôn Đoài {tongue}").click()
        editor.labelled(w["sound_rate"]).fill("999")
        editor.choose(w["sound_equaliser"], w["equaliser_horn"])
        editor.choose(w["sound_repeats"], w["sound_repeats_n"] % {"number": 1})
        editor.choose(w["sound_call"], w["sound_call_own"])
        editor.labelled(w["sound_call_text"]).fill(f"Đây là Đài truyền thanh thôn Đoài {tongue}.")
        editor.button(w["sound_save"], exact=True).click()
        editor.refused("80 – 260")
        for label, value in (("sound_rate", "999"), ("sound_equaliser", "horn"), ("sound_repeats", "1")):
            expect(editor.labelled(w[label])).to_have_value(value)
        expect(editor.labelled(w["sound_call_text"])).to_have_value(f"Đây là Đài truyền thanh thôn Đoài {tongue}.")
        editor.fits()
        editor.labelled(w["sound_rate"]).fill("120")
        editor.button(w["sound_save"], exact=True).click()
        editor.told(w["done_sound_saved"])
        expect(page.get_by_text(w["spoken_anew_none"])).to_be_visible()
        now = page.get_by_role("region", name=w["sound_now"])
        for said in ("120", w["equaliser_horn"], w["sound_repeats_n"] % {"number": 1}, f"thôn Đoài {tongue}."):
            expect(now).to_contain_text(said)
        editor.fits()
    own = served.as_person("xem").get(f"/api/v1/areas/thon-{tongue}/sound").json()["own"]
    assert {name: own[name] for name in ("rate_wpm", "equaliser", "repeats", "call")} == {
        "rate_wpm": 120,
        "equaliser": "horn",
        "repeats": 1,
        "call": f"Đây là Đài truyền thanh thôn Đoài {tongue}.",
    }


def _alert(served: ServedStation, tongue: str) -> Any:
    with served.station.database.reading() as session:
        return session.scalar(select(Alert).where(Alert.key == f"forged_receipts:thon-{tongue}"))


@BOTH
def test_an_alert_is_taken_in_hand_and_what_was_set_apart_is_looked_at(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    receiver, name = f"loa-{tongue}", f"Cụm loa Đoài {tongue}"
    _apart(served, receiver, "future", 51)
    wait_for(lambda: _alert(served, tongue), 30)
    with visiting(served, browser, "viet", tongue) as operator, visiting(served, browser, "viet", tongue) as later:
        page, w = operator.page, operator.w
        for person in (operator, later):
            person.page.goto("/")
            person.go("nav_alerts")
        alert = page.get_by_role("region", name=w["al_standing"]).get_by_role("listitem").filter(has_text=name)
        expect(alert).to_contain_text("3")
        operator.fits()
        alert.get_by_label(w["al_note"]).fill(f"đã gọi thôn Đoài {tongue}")
        alert.get_by_role("button", name=w["al_acknowledge"]).click()
        operator.told(w["done_acknowledged"])
        expect(alert).to_contain_text(f"đã gọi thôn Đoài {tongue}")
        expect(alert.get_by_role("button")).to_have_count(0)
        operator.fits()
        found = served.as_person("xem").get("/api/v1/alerts", params={"standing": True}).json()
        (known,) = (each for each in found if each["id"] == _alert(served, tongue).id)
        assert (known["acknowledged_name"], known["note"]) == ("viet", f"đã gọi thôn Đoài {tongue}")

        operator.link(w["apart_title"]).click()
        operator.choose(w["reason"], w["apart_future"])
        operator.button(w["find"], exact=True).click()
        rows = page.get_by_role("row").filter(has_text=w["apart_future"])
        expect(rows).to_have_count(50)
        operator.link(w["older"]).click()
        expect(rows.filter(has_text="(0)")).to_have_count(1)
        expect(operator.labelled(w["reason"])).to_have_value("future")  # still
        operator.fits()
        operator.link(w["log_newest"]).click()
        operator.choose(w["reason"], w["apart_malformed"])
        operator.button(w["find"], exact=True).click()
        expect(page.get_by_text(w["apart_none"])).to_be_visible()
        operator.fits()
        operator.choose(w["reason"], w["apart_bad_signature"])
        operator.button(w["find"], exact=True).click()
        operator.link(name).first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(name)

        # Its cause goes away while somebody looks at it.
        with served.station.database.writing() as session:
            session.execute(delete(RejectedMessage).where(RejectedMessage.receiver_id == receiver))
        wait_for(lambda: _alert(served, tongue).resolved_at is not None, 30)
        late = later.page.get_by_role("listitem").filter(has_text=name)
        late.get_by_label(w["al_note"]).fill("tôi xem")
        late.get_by_role("button", name=w["al_acknowledge"]).click()
        later.refused({"vi": "đã tự hết", "en": "resolved already"}[tongue])
        expect(later.page.get_by_role("region", name=w["al_over"])).to_contain_text(name)
        later.fits()


@BOTH
def test_the_audit_trail_is_searched_by_subject_person_and_day(
    served: ServedStation, browser: Browser, tongue: Language
) -> None:
    name = f"Ven sông {tongue}"
    for client, group in ((served.as_person("viet"), name), (served.as_person("viet"), f"{name} hai")):
        body = {"name": group, "targets": {"areas": [f"thon-{tongue}"]}}
        assert client.post("/api/v1/groups", json=body).status_code == 201
    today = served.station.today()
    with visiting(served, browser, "hoa", tongue) as reader:
        page, w = reader.page, reader.w
        page.goto("/")
        reader.go("nav_audit")
        reader.choose(w["audit_what"], w["about_group"])
        reader.button(w["audit_show"]).click()
        row = page.get_by_role("row").filter(has=reader.link(name, exact=True))
        expect(row).to_contain_text(w["action_group-saved"])
        row.get_by_text(w["audit_details"]).click()
        expect(row).to_contain_text(f"Thôn Đoài {tongue}")
        reader.fits()
        row.get_by_role("link", name="viet").click()
        expect(page.get_by_text(w["audit_only_of"] % {"name": "viet"})).to_be_visible()
        expect(reader.labelled(w["audit_what"])).to_have_value("group")
        reader.choose(w["audit_what"], w["about_lexicon"])
        reader.button(w["audit_show"]).click()
        expect(page.get_by_text(w["audit_none_found"])).to_be_visible()
        reader.fits()
        reader.link(w["audit_all_people"]).click()
        expect(page.get_by_text(w["audit_only_of"] % {"name": "viet"})).to_have_count(0)
        expect(reader.labelled(w["audit_what"])).to_have_value("lexicon")

        reader.choose(w["audit_what"], w["about_group"])
        reader.labelled(w["audit_since"]).fill(today.isoformat())
        reader.labelled(w["audit_until"]).fill((today - timedelta(days=1)).isoformat())
        reader.button(w["audit_show"]).click()
        reader.refused({"vi": "Ngày cuối đứng trước", "en": "The last day comes before"}[tongue])
        expect(reader.labelled(w["audit_since"])).to_have_value(today.isoformat())
        expect(reader.labelled(w["audit_what"])).to_have_value("group")
        reader.fits()
        reader.labelled(w["audit_since"]).fill("")
        reader.button(w["audit_show"]).click()
        expect(page.get_by_text(w["audit_none_found"])).to_be_visible()  # nothing until yesterday
        reader.labelled(w["audit_since"]).fill(today.isoformat())
        reader.labelled(w["audit_until"]).fill((today + timedelta(days=1)).isoformat())
        reader.button(w["audit_show"]).click()
        expect(reader.link(f"{name} hai")).to_have_count(1)
    with visiting(served, browser, "viet", tongue) as operator:
        operator.page.goto("/")
        operator.go("nav_audit")
        operator.link(name, exact=True).click()
        expect(operator.page.get_by_role("heading", level=1)).to_have_text(name)
    entries = served.as_person("hoa").get("/api/v1/audit", params={"action": "group"}).json()
    assert {f"{name} hai", name} <= {entry["after"]["name"] for entry in entries}
