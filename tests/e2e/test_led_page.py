"""The LED page in a real browser: what is on the screen, and that nothing is asked of anybody else."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from devices.receiver.page import PageServer, Screen
from tests.brokers import wait_for
from tests.browser import chromium

IDLE = Screen(name="Xã Tân An – Thôn Đông")
TEXT = "Chuyển đổi số: mỗi người dân một tài khoản dịch vụ công, ƯỚC MƠ VƯƠN XA"
PANELS = {"panel-192x64": (192, 64), "panel-320x160": (320, 160), "hd": (1280, 720)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture
def server() -> Iterator[PageServer]:
    made = PageServer(0)
    made.start()
    made.show(IDLE)
    yield made
    made.close()


@pytest.fixture(params=PANELS)
def page(browser: Browser, server: PageServer, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = PANELS[request.param]
    made = browser.new_page(viewport={"width": width, "height": height})
    problems: list[str] = []
    made.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("request", lambda asked: problems.append(asked.url) if f":{server.port}/" not in asked.url else None)
    made.goto(f"http://127.0.0.1:{server.port}/")
    yield made
    made.close()
    assert [problem for problem in problems if "favicon" not in problem and "404" not in problem] == []


def fits(page: Page, selector: str) -> bool:
    """Whether the element lies within the screen."""
    box = page.locator(selector).bounding_box()
    size = page.viewport_size
    assert box is not None
    assert size is not None
    return bool(
        box["x"] >= -1
        and box["y"] >= -1
        and box["x"] + box["width"] <= size["width"] + 1
        and box["y"] + box["height"] <= size["height"] + 1
    )


def test_idle_it_shows_the_clock_and_the_name(page: Page) -> None:
    expect(page.locator("#name")).to_have_text(IDLE.name)
    expect(page.locator("#clock")).to_have_text(re.compile(r"^\d{2}:\d{2}$"))
    expect(page.locator("#card")).to_be_hidden()
    for selector in ("#clock", "#date", "#name"):
        assert fits(page, selector), selector


def font_size(page: Page) -> float:
    return float(page.evaluate("parseFloat(getComputedStyle(document.getElementById('text')).fontSize)"))


@pytest.mark.parametrize("text", ["Thông báo", TEXT])
def test_a_static_card_is_shown_whole_or_scrolls_where_it_would_be_too_small(
    page: Page, server: PageServer, text: str
) -> None:
    expect(page.locator("#name")).to_have_text(IDLE.name)
    server.show(replace(IDLE, showing=True, text=text, style="static"))
    expect(page.locator("#text")).to_have_text(text)
    expect(page.locator("#idle")).to_be_hidden()
    assert page.viewport_size is not None
    height = page.viewport_size["height"]
    assert font_size(page) >= max(min(24, height * 0.75), height / 20)
    if page.locator("#card").get_attribute("class") == "static":
        assert fits(page, "#text")
    else:
        assert (height, text) == (64, TEXT)
    server.show(IDLE)
    expect(page.locator("#card")).to_be_hidden()


def test_a_scrolling_card_moves_at_a_height_that_can_be_read(page: Page, server: PageServer) -> None:
    server.show(replace(IDLE, showing=True, text=TEXT, style="scroll"))
    expect(page.locator("#text")).to_have_text(TEXT)
    at = page.locator("#text").bounding_box()
    assert at is not None
    assert page.viewport_size is not None
    assert at["height"] <= page.viewport_size["height"]
    assert font_size(page) >= min(24, page.viewport_size["height"] * 0.5)

    def moved() -> bool:
        now = page.locator("#text").bounding_box()
        return now is not None and now["x"] < at["x"] - 5

    wait_for(moved, what="the text's movement")


def test_the_letters_are_there_with_all_their_marks(browser: Browser, server: PageServer) -> None:
    """Every Vietnamese letter is drawn by a font that has it: no letter looks like the sign for a missing one."""
    letters = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ"
    page = browser.new_page(viewport={"width": 600, "height": 200})
    page.goto(f"http://127.0.0.1:{server.port}/")
    drawn = page.evaluate(
        """(letters) => {
            const font = `700 60px ${getComputedStyle(document.body).fontFamily}`;
            const draw = (letter) => {
                const canvas = document.createElement("canvas"); canvas.width = 100; canvas.height = 120;
                const pen = canvas.getContext("2d"); pen.font = font; pen.fillText(letter, 10, 85);
                return Array.from(pen.getImageData(0, 0, 100, 120).data.filter((_, i) => i % 4 === 3)).join("");
            };
            return [draw("\\u{10FFFE}"), ...Array.from(letters, draw)];
        }""",
        letters + letters.upper(),
    )
    missing, *pictures = drawn
    assert missing not in pictures
    assert len(set(pictures)) == len(letters) * 2
    page.close()


def test_it_comes_back_when_the_receiver_was_away(browser: Browser) -> None:
    server = PageServer(0)
    server.start()
    server.show(IDLE)
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/")
    expect(page.locator("#name")).to_have_text(IDLE.name)
    wait_for(lambda: server.viewers == 1)
    server.close()
    again = PageServer(server.port)
    again.start()
    again.show(replace(IDLE, showing=True, text="Thông báo khẩn cấp", style="static"))
    expect(page.locator("#text")).to_have_text("Thông báo khẩn cấp", timeout=15_000)
    wait_for(lambda: again.viewers == 1)
    page.close()
    wait_for(lambda: again.viewers == 0, 25, "the end of the stream")
    again.close()
