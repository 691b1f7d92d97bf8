"""Every page that the guides show, in the order in which it is looked at. A new page: one line here.

A path may have the names of `Day.ids` in braces. `act` does what a person does before there is something to see; `before` what happens in
the commune before that line and all after it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playwright.sync_api import FilePayload, Page, expect

from audio.pcm import Pcm
from tests.brokers import wait_for
from tests.integration.serving import ServedStation
from tests.showcase.bulletins import PASTED
from tests.showcase.commune import COMMUNE
from tests.sounds import encoded, tone

Ids = dict[str, str]
YEAR = "starts_on=2025-12-11&ends_on=2026-12-10"


@dataclass(frozen=True)
class Shown:
    """One page: the name of its picture, where it is, who looks at it, whether a phone's width is shown too, and whether the station is a new one."""

    name: str
    path: str
    who: str | None = "viet"
    phone: bool = False
    new_station: bool = False
    act: Callable[[Page], None] | None = None
    before: Callable[[ServedStation, Ids], None] | None = None

    def address(self, ids: Mapping[str, str]) -> str:
        """The path with its ids."""
        return self.path.format_map(ids)


def _paste(page: Page) -> None:
    page.locator("#words").fill(PASTED)
    expect(page.locator(".unsure").first).to_be_visible()
    expect(page.locator("#card-seen img").first).to_be_visible()
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def _first_areas(page: Page) -> None:
    page.locator("#kind").select_option("commune")
    page.locator("#names").fill("Xã Tân Phong")


def _upload(page: Page) -> None:
    page.locator("#file").set_input_files(
        FilePayload(name="nhac-hieu-xa-tan-phong.mp3", mimeType="audio/mpeg", buffer=encoded(_jingle()))
    )
    page.locator("button[value=upload]").click()
    expect(page.get_by_role("status")).to_be_visible()


def _jingle() -> Pcm:
    """Six seconds of a made-up tune."""
    return Pcm(b"".join(tone(1.5, hz).data for hz in (392.0, 523.25, 659.25, 783.99)), 44_100)


def _storm(served: ServedStation, ids: Ids) -> None:
    blanks = {"so_bao": "5", "khoang_cach": "120", "luc_nao": "đêm nay", "noi_nao": "toàn xã"}
    ids["emergency"] = _issue(served, ids["storm"], blanks, {"targets": {"areas": [COMMUNE]}})


def _all_clear(served: ServedStation, ids: Ids) -> None:
    sending = {"targets": {"areas": [COMMUNE]}, "message": "cancel", "references": ids["emergency"]}
    ids["all_clear"] = _issue(served, ids["calm"], {"so_bao": "5"}, sending)


def _stop(served: ServedStation, ids: Ids) -> None:
    body = {"reason": "Loa hú liên tục", "targets": {"areas": ["thon-dong"]}, "minutes": 60}
    served.as_person("viet").post("/api/v1/stops", json=body).raise_for_status()


def _issue(served: ServedStation, template: str, blanks: dict[str, str], sending: dict[str, object]) -> str:
    client = served.as_person("viet")
    body = {"template": template, "blanks": blanks, "sending": sending}
    answer = client.post("/api/v1/emergencies", json=body)
    assert answer.is_success, answer.text
    made: str = answer.json()["id"]
    said = lambda: {row["id"]: row["state"] for row in client.get("/api/v1/emergencies").json()}  # noqa: E731
    wait_for(lambda: said()[made] != "preparing", 120, "the emergency")
    return made


def _report(served: ServedStation, ids: Ids) -> None:
    body = {"area": COMMUNE, "campaign": ids["campaign"], "due_on": "2026-12-10"}
    answer = served.as_person("mai").post("/api/v1/reports", json=body)
    assert answer.is_success, answer.text
    ids["report"] = answer.json()["id"]


def _away(served: ServedStation, ids: Ids) -> None:
    deputy = next(
        row["id"] for row in served.as_person("quan").get("/api/v1/people").json() if row["username"] == "son"
    )
    period = {"begins_at": "2026-11-30T00:00:00+07:00", "ends_at": "2026-12-05T00:00:00+07:00"}
    body = {"deputy": deputy, "area": COMMUNE, "reason": "Đi tập huấn ở tỉnh", **period}
    served.as_person("hoa").post("/api/v1/people/me/absences", json=body).raise_for_status()


def _link(served: ServedStation, ids: Ids) -> None:
    ids["welcome"] = served.station.welcome.link()


PAGES = (
    Shown("operations", "/operations", phone=True),
    Shown("map", "/operations/map"),
    Shown("airing", "/airings/{airing}"),
    Shown("compose", "/compose?new=1", "mai", phone=True, act=_paste),
    Shown("bulletins", "/bulletins", "mai"),
    Shown("bulletin", "/bulletins/{resolution}", "mai"),
    Shown("revisions", "/bulletins/{skills}/revisions", "mai"),
    Shown("releases", "/releases", "hoa", phone=True),
    Shown("release", "/releases/{skills}", "hoa", phone=True),
    Shown("schedule", f"/schedule?area={COMMUNE}", phone=True),
    Shown("schedule-airing", "/schedule/airings/{coming}", "hoa"),
    Shown("simulation", "/schedule/simulation?receiver=loa-dong-dinh"),
    Shown("programmes", "/programmes", "hoa"),
    Shown("programme", "/programmes/chuyen-doi-so", "hoa"),
    Shown("programme-form", "/programmes/chuyen-doi-so/form", "hoa"),
    Shown("campaigns", "/campaigns", "mai"),
    Shown("campaign", "/campaigns/{campaign}", "mai"),
    Shown("log", "/log"),
    Shown("reports", "/reports", "mai"),
    Shown("report-figures", f"/reports/figures?area={COMMUNE}&campaign={{campaign}}&{YEAR}", "mai"),
    Shown("report", "/reports/{report}", "hoa", before=_report),
    Shown("report-form", "/reports/{report}/form", "mai"),
    Shown("areas", "/areas/thon-bai"),
    Shown("founding", "/areas", "quan", act=_first_areas, new_station=True),
    Shown("receiver", "/receivers/loa-bai-dinh"),
    Shown("enrolments", "/enrolments"),
    Shown("groups", "/groups"),
    Shown("group", "/groups/{group}"),
    Shown("lexicon", f"/lexicon?area={COMMUNE}", "mai"),
    Shown("sound", f"/sound?area={COMMUNE}", "mai"),
    Shown("jingle", f"/sound?area={COMMUNE}", "mai", act=_upload),
    Shown("policies", f"/policies?area={COMMUNE}"),
    Shown("reorganisations", "/reorganisations"),
    Shown("reorganisation", "/reorganisations/{merger}", "quan"),
    Shown("alerts", "/alerts"),
    Shown("set-apart", "/set-apart", "quan"),
    Shown("people", "/people", "quan"),
    Shown("person-new", "/people/new", "quan"),
    Shown("audit", "/audit"),
    Shown("me", "/me", "hoa"),
    Shown("absences", "/me/absences", "hoa", before=_away),
    Shown("login", "/login", None),
    Shown("welcome", "{welcome}", None, before=_link),
    Shown("emergency-issue", "/emergencies/templates/{storm}"),
    Shown("emergency", "/emergencies/{emergency}", before=_storm),
    Shown("all-clear", "/emergencies/templates/{calm}?references={emergency}&message=cancel"),
    Shown("emergencies", "/emergencies", phone=True, before=_stop),
)
