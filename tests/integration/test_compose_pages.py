"""Writing and releasing as people do it, in a real browser: clicks are counted, with JavaScript and without."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from api.web.words import words
from broadcaster.storage.models import Area
from devices.wire.signing import SigningKey
from tests.browser import chromium
from tests.integration.serving import ServedStation

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
            Area(
                id=f"thon-{n}", name=f"Thôn {n}", kind="village", parent_id="xa", valid_from=datetime(2025, 7, 1).date()
            )
            for n in range(1, 4)
        )
    villages = ("thon-dong", "thon-1", "thon-2", "thon-3")
    for n in range(LOUDSPEAKERS + SCREENS):
        station.receivers.enrol(
            receiver=f"may-{n}",
            name=f"Cụm loa số {n}",
            kind="loudspeaker" if n < LOUDSPEAKERS else "screen",
            area=villages[n % 4],
            public_key=SigningKey.generate().public(),
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=20_000)
    with chromium() as made:
        yield made
    expect.set_options(timeout=5_000)


@dataclass
class Visitor:
    """Somebody at a browser, who counts clicks and fields that are typed into."""

    page: Page
    tongue: Any
    clicks: int = 0
    typed: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    bytes: dict[str, int] = field(default_factory=dict)

    @property
    def w(self) -> dict[str, str]:
        return words(self.tongue)

    def click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1

    def type(self, what: Locator, text: str) -> None:
        what.fill(text)
        self.typed.add(str(what.get_attribute("id")))

    def button(self, name: str, **options: Any) -> Locator:
        return self.page.get_by_role("button", name=name, **options)


@contextmanager
def visiting(
    served: ServedStation, browser: Browser, who: str, tongue: str = "vi", **options: Any
) -> Iterator[Visitor]:
    context = browser.new_context(base_url=served.base, **{"viewport": {"width": 1366, "height": 768}, **options})
    context.set_default_timeout(20_000)
    token = served.as_person(who).headers["Authorization"].removeprefix("Bearer ")
    context.add_cookies(
        [{"name": name, "value": value, "url": served.base} for name, value in (("session", token), ("lang", tongue))]
    )
    page = context.new_page()
    made = Visitor(page, tongue)
    page.on(
        "console", lambda message: made.problems.append(message.text) if message.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: made.problems.append(str(error)))
    page.on(
        "request",
        lambda request: made.problems.append(request.url) if not request.url.startswith(served.base) else None,
    )
    try:
        yield made
        assert made.problems == []
    finally:
        context.close()


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


@pytest.mark.parametrize("tongue", ["vi", "en"])
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
        assert len(page.locator("tbody tr").filter(has_text=TITLE).all()) == (1 if tongue == "vi" else 2)
    with visiting(served, browser, "hoa", tongue, viewport={"width": 390, "height": 780}) as approver:
        page, w = approver.page, approver.w
        page.goto("/releases")
        approver.click(page.get_by_role("link", name=w["release_look"]).first)
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
