"""The pages in a real browser: the day and its ladder of proof move while one looks, in both languages; the LED page shows."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect

from tests.browser import axe_violations
from tests.e2e.station import StationRig

PHONE = {"width": 320, "height": 640}
TITLE = "Tiêm phòng dại cho chó, mèo"


@dataclass
class Visit:
    """A page of a browser with nothing in its memory, and what went wrong on it."""

    page: Page
    problems: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    @classmethod
    def begin(cls, browser: Browser, base_url: str, *, width: int = 1366, locale: str = "vi-VN") -> "Visit":
        context = browser.new_context(
            base_url=base_url, viewport={"width": width, "height": 768}, locale=locale, color_scheme="light"
        )
        context.set_default_timeout(15_000)
        made = cls(context.new_page())
        # Violations of the content security policy are told on the console as errors.
        made.page.on("console", lambda message: made._heard(message.type, message.text))
        made.page.on("pageerror", lambda error: made.problems.append(str(error)))
        made.page.on("request", lambda request: made.hosts.add(urlsplit(request.url).netloc))
        return made

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(text)

    def end(self, base_url: str) -> None:
        """Nothing went wrong, nobody else was asked for anything."""
        self.page.context.close()
        assert self.problems == []
        assert self.hosts == {urlsplit(base_url).netloc}

    def log_in(self, username: str, password: str, *, words: tuple[str, str, str]) -> None:
        name, secret, button = words
        self.page.get_by_label(name).fill(username)
        self.page.get_by_label(secret).fill(password)
        self.page.get_by_role("button", name=button).click()

    def fits(self) -> bool:
        """Whether nothing makes the page as a whole scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


VIETNAMESE = ("Tên đăng nhập", "Mật khẩu", "Đăng nhập")
ENGLISH = ("User name", "Password", "Log in")


def test_the_ladder_climbs_while_one_looks(rig: StationRig, browser: Browser) -> None:
    led_url = f"http://127.0.0.1:{rig.screen.page_port}"
    vietnamese = Visit.begin(browser, rig.base_url)
    english = Visit.begin(browser, rig.base_url, width=PHONE["width"], locale="en-GB")
    led = Visit.begin(browser, led_url)

    vietnamese.page.goto("/")
    vietnamese.log_in("bientap", rig.passwords["bientap"], words=VIETNAMESE)
    expect(vietnamese.page.get_by_role("heading", name="Vận hành hôm nay")).to_be_visible()
    english.page.goto("/login")
    english.page.get_by_role("link", name="English").click()
    expect(english.page.get_by_label("User name")).to_be_visible()
    assert english.fits()
    english.log_in("vanhanh", rig.passwords["vanhanh"], words=ENGLISH)
    expect(english.page.get_by_role("heading", name="To be dealt with")).to_be_visible()
    led.page.goto("/")
    expect(led.page.locator("#clock")).to_be_visible()
    expect(led.page.locator("#name")).to_have_text(rig.screen.receiver.name)
    for visit, live in ((vietnamese, "Trực tiếp"), (english, "Live")):
        expect(visit.page.locator("#link")).to_have_text(live)
        visit.page.evaluate("window.sameDocument = true")

    aired = rig.release(rig.write(TITLE, "Tiêm phòng dại vào sáng thứ Hai."), lead_s=4)
    # It stands among what comes, moves to what is on air, and one of the two goes on to its ladder.
    for visit in (vietnamese, english):
        expect(visit.page.locator("#coming, #playing").get_by_role("link", name=TITLE)).to_be_visible()
        expect(visit.page.locator("#playing").get_by_role("link", name=TITLE)).to_be_visible()
        assert visit.page.evaluate("window.sameDocument") is True  # nobody reloaded it
        assert visit.fits()
    english.page.locator("#playing").get_by_role("link", name=TITLE).click()
    expect(english.page.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(english.page.locator("#link")).to_have_text("Live")
    english.page.evaluate("window.sameDocument = true")
    expect(led.page.locator("#text")).to_have_text(TITLE)
    everybody = len(rig.receivers)
    expect(vietnamese.page.locator("#playing")).to_contain_text(f"máy xác nhận đã phát {everybody}/{everybody}")
    expect(english.page.locator("#receivers .pill")).to_have_text(["Finished"] * everybody)
    expect(english.page.locator("#confirmed")).to_have_text(f"{everybody}/{everybody}")
    for receiver in rig.receivers:
        expect(english.page.locator(f"[data-receiver='{receiver.id}'] td.done")).to_have_count(4)
    expect(english.page.locator("#log-rows tbody tr").first).to_contain_text("Finished")
    assert axe_violations(english.page) == []
    assert english.page.evaluate("window.sameDocument") is True
    assert english.fits()
    expect(led.page.locator("#clock")).to_be_visible()
    expect(led.page.locator("#text")).to_be_hidden()
    rig.settle(aired)
    for visit, url in ((vietnamese, rig.base_url), (english, rig.base_url), (led, led_url)):
        visit.end(url)


def test_a_wrong_password_is_told_and_the_name_is_kept(rig: StationRig, browser: Browser) -> None:
    visit = Visit.begin(browser, rig.base_url)
    visit.page.goto("/")
    visit.log_in("bientap", "sai", words=VIETNAMESE)
    expect(visit.page.get_by_role("alert")).to_contain_text("mật khẩu")
    expect(visit.page.get_by_label("Tên đăng nhập")).to_have_value("bientap")
    expect(visit.page.get_by_label("Mật khẩu")).to_be_focused()
    assert urlsplit(visit.page.url).path == "/login"
    visit.log_in("bientap", rig.passwords["bientap"], words=VIETNAMESE)
    expect(visit.page.get_by_role("heading", name="Vận hành hôm nay")).to_be_visible()
    visit.page.get_by_role("button", name="Đăng xuất").click()
    expect(visit.page.get_by_role("button", name="Đăng nhập")).to_be_visible()
    visit.page.goto("/")
    assert urlsplit(visit.page.url).path == "/login"
    # The answer's status is 401, which Chromium tells on the console, some time after the page is there.
    visit.problems = [problem for problem in visit.problems if "401" not in problem]
    visit.end(rig.base_url)


def test_the_board_says_when_the_station_is_gone_and_that_it_is_back(rig: StationRig, browser: Browser) -> None:
    visit = Visit.begin(browser, rig.base_url)
    visit.page.goto("/")
    visit.log_in("vanhanh", rig.passwords["vanhanh"], words=VIETNAMESE)
    page, link = visit.page, visit.page.locator("#link")
    expect(link).to_have_text("Trực tiếp")
    page.evaluate("window.sameDocument = true")
    rig.server.kill()
    expect(link).to_have_text("Mất kết nối, đang nối lại …")
    rig.start_server()
    expect(link).to_have_text("Trực tiếp", timeout=30_000)
    # And the page shows again what happens, although nobody reloaded it.
    answer = page.request.post("/operations/stop", form={"reason": "Thử dừng"}, headers={"Origin": rig.base_url})
    assert answer.ok, answer.text()
    expect(page.locator("#alarms")).to_contain_text("Thử dừng")
    assert page.evaluate("window.sameDocument") is True
    page.get_by_role("button", name="Bỏ dừng").click()
    expect(page.locator("#alarms")).to_contain_text("không có lệnh dừng")
    # Chromium tells of each attempt that found nobody.
    visit.problems = [problem for problem in visit.problems if "net::ERR_" not in problem]
    visit.end(rig.base_url)


def test_a_stop_and_a_lost_receiver_are_on_the_page_at_once_and_go_again(rig: StationRig, browser: Browser) -> None:
    visit = Visit.begin(browser, rig.base_url)
    page = visit.page
    page.goto("/")
    visit.log_in("vanhanh", rig.passwords["vanhanh"], words=VIETNAMESE)
    expect(page.locator("#link")).to_have_text("Trực tiếp")
    lost = rig.receivers[0]
    # Other tests of the run may have given cause for lines of their own, such as orders that were forged.
    line = page.locator("#exceptions li", has_text="Mất kết nối").filter(has_text=lost.receiver.name)
    expect(line).to_have_count(0)
    lost.kill()
    expect(line).to_have_count(1, timeout=60_000)
    lost.start()
    expect(line).to_have_count(0)
    page.get_by_text("Dừng tất cả").click()
    page.get_by_label("Lý do dừng").fill("Thử lệnh dừng")
    page.get_by_role("button", name="Dừng ngay").click()
    expect(page.locator("#alarms")).to_contain_text("Thử lệnh dừng")
    page.get_by_role("button", name="Bỏ dừng").click()
    expect(page.locator("#alarms")).to_contain_text("không có lệnh dừng")
    visit.end(rig.base_url)
