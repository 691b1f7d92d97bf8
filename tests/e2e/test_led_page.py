"""The LED page in a real browser: what is on the screen, and that nothing is asked of anybody else."""

import io
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import correlation
from zoneinfo import ZoneInfo

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from devices.cards.drawing import draw
from devices.cards.layout import Panel, lay_out, lay_out_idle
from devices.cards.lettering import width
from devices.receiver.page import PageServer, Screen
from devices.wire.messages import Card
from tests.brokers import wait_for

IDLE = Screen(name="Xã Tân An – Thôn Đông")
TEXT = "Chuyển đổi số: mỗi người dân một tài khoản dịch vụ công, ƯỚC MƠ VƯƠN XA"
MARKS = "Nghị quyết số 57-NQ/TW, chuyển đổi số: ẵ ễ ộ ữ Ỵ"
PANELS = {"panel-192x32": (192, 32), "panel-320x160": (320, 160), "hd": (1280, 720)}


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
    idle = lay_out_idle(IDLE.name, panel_of(page))
    assert fits(page, "#clock")
    assert page.locator("#date").is_visible() == bool(idle.date_px)
    assert page.locator("#name").is_visible() == bool(idle.name_px)
    for selector, px in (("#date", idle.date_px), ("#name", idle.name_px)):
        assert not px or idle.name_pass_ms or fits(page, selector), selector


def font_size(page: Page) -> float:
    return float(page.evaluate("parseFloat(getComputedStyle(document.getElementById('text')).fontSize)"))


def panel_of(page: Page) -> Panel:
    assert page.viewport_size is not None
    return Panel(page.viewport_size["width"], page.viewport_size["height"])


def card(text: str = TEXT, **changes: object) -> Card:
    return Card.model_validate({"text": text, "style": "static", "duration_ms": 60_000, **changes})


def show(page: Page, server: PageServer, shown: Card, image: Path | None = None, ago_s: float = 0.0) -> None:
    """Show a card that began so long ago, and wait until the page draws it."""
    expect(page.locator("#name")).to_have_text(IDLE.name)
    server.show(replace(IDLE, card=shown, image=image, began=time.monotonic() - ago_s))
    expect(page.locator("#idle")).to_be_hidden()


def lit_columns(picture: Image.Image) -> list[float]:
    """How much of each column is lit, 0 to 1."""
    grey = picture.convert("L").point(lambda value: 255 if value > 100 else 0)
    return [value / 255 for value in grey.resize((grey.width, 1), Image.Resampling.BOX).tobytes()]


def test_a_static_card_is_shown_whole_or_scrolls_where_it_would_be_too_small(page: Page, server: PageServer) -> None:
    for text in ("Thông báo", TEXT):
        show(page, server, card(text))
        layout = lay_out(card(text), panel_of(page))
        expect(page.locator("#text")).to_have_text("\n".join(layout.lines), use_inner_text=True)
        assert font_size(page) == layout.px >= panel_of(page).least_px
        if layout.kind == "still":
            assert fits(page, "#text")
        else:
            assert text == TEXT
    server.show(IDLE)
    expect(page.locator("#card")).to_be_hidden()


def test_a_scrolling_card_moves_at_a_height_that_can_be_read(page: Page, server: PageServer) -> None:
    show(page, server, card(style="scroll"))
    expect(page.locator("#text")).to_have_text(TEXT)
    at = page.locator("#text").bounding_box()
    assert at is not None
    assert at["height"] <= panel_of(page).height
    assert font_size(page) >= panel_of(page).least_px

    def moved() -> bool:
        now = page.locator("#text").bounding_box()
        return now is not None and now["x"] < at["x"] - 5

    wait_for(moved, what="the text's movement")


def test_the_page_and_the_picture_show_the_same(page: Page, server: PageServer) -> None:
    """Column by column: the same letters of the same font at the same places, in Chromium and by Pillow."""
    for wanted in (*(card(MARKS, kind=kind) for kind in ("text", "slogan", "clock")), card(MARKS, style="scroll")):
        show(page, server, wanted)
        expect(page.locator(f"#card.{lay_out(wanted, panel_of(page)).kind}")).to_be_visible()
        compare(page, wanted)


def compare(page: Page, wanted: Card) -> None:
    """Of the picture only what both have: the page is not asked to draw single pixels as Pillow does."""
    layout, panel = lay_out(wanted, panel_of(page)), panel_of(page)
    if layout.kind == "moving":
        box = page.locator("#text").bounding_box()
        assert box is not None
        assert box["width"] == pytest.approx(width(layout.lines[0]) * layout.px, rel=0.01)
        assert box["y"] + box["height"] / 2 == pytest.approx(panel.height / 2, abs=1)
        ground = page.locator("#card").bounding_box()
        assert ground is not None
        assert (ground["width"], ground["height"]) == (panel.width, panel.height)
        return
    page.evaluate("document.fonts.ready")
    drawn = Image.open(io.BytesIO(page.screenshot()))
    zone = ZoneInfo(IDLE.zone)
    own = draw(wanted, panel, local=datetime.now(zone))
    assert drawn.size == own.size
    theirs, ours = lit_columns(drawn), lit_columns(own)
    if os.environ.get("KEEP_PICTURES"):
        drawn.save(Path(os.environ["KEEP_PICTURES"]) / f"{wanted.kind}-{panel.height}-page.png")
        own.save(Path(os.environ["KEEP_PICTURES"]) / f"{wanted.kind}-{panel.height}-own.png")
    assert correlation(smooth(theirs, panel.height // 40 + 2), smooth(ours, panel.height // 40 + 2)) > 0.9
    assert sum(theirs) == pytest.approx(sum(ours), rel=0.12)


def smooth(values: list[float], reach: int) -> list[float]:
    """Each the mean of its neighbours: rounding to whole pixels differs between the two."""
    return [
        sum(values[max(0, at - reach) : at + reach + 1]) / len(values[max(0, at - reach) : at + reach + 1])
        for at in range(len(values))
    ]


def test_an_image_is_shown_from_the_receiver_itself(page: Page, server: PageServer, tmp_path: Path) -> None:
    path = tmp_path / f"{'a' * 64}.png"
    Image.new("RGB", (40, 20), "red").save(path)
    shown = card("Cờ", kind="image", image={"sha256": "a" * 64, "size": path.stat().st_size, "media_type": "image/png"})
    show(page, server, shown, path)
    expect(page.locator("#image")).to_be_visible()
    wait_for(lambda: page.evaluate("document.getElementById('image').complete"), what="the image")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    assert picture.getpixel((picture.width // 2, picture.height // 2)) == (255, 0, 0)
    assert httpx.get(f"http://127.0.0.1:{server.port}/image/{'b' * 64}", trust_env=False).status_code == 404


def test_a_card_stays_until_its_text_has_passed_once(page: Page, server: PageServer) -> None:
    """And a page that comes late, or again, goes on where the others are."""
    short = card(TEXT, style="scroll", duration_ms=1000)
    show(page, server, short, ago_s=2.0)
    wait_for(lambda: server.viewers == 1)
    layout = lay_out(short, panel_of(page))
    assert server.shows_ms(short) == layout.shows_ms >= layout.pass_ms > 1000
    box = page.locator("#text").bounding_box()
    assert box is not None
    way = panel_of(page).width + width(layout.lines[0]) * layout.px
    assert box["x"] < panel_of(page).width - way * 2000 / layout.pass_ms * 0.9


def test_the_page_is_there_while_the_receiver_is_not(browser: Browser) -> None:
    server = PageServer(0)
    server.start()
    server.show(IDLE)
    context = browser.new_context(viewport={"width": 320, "height": 160})
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/")
    expect(page.locator("#name")).to_have_text(IDLE.name)
    wait_for(lambda: page.evaluate("navigator.serviceWorker.controller !== null"), what="the service worker")
    server.close()
    page.reload()
    expect(page.locator("#name")).to_have_text(IDLE.name)
    expect(page.locator("#clock")).to_have_text(re.compile(r"^\d{2}:\d{2}$"))
    assert page.evaluate("document.fonts.load('24px Card').then((found) => found.length)") == 1
    context.close()


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
    again.show(replace(IDLE, card=card("Thông báo khẩn cấp")))
    expect(page.locator("#text")).to_have_text("Thông báo khẩn cấp", use_inner_text=True, timeout=15_000)
    wait_for(lambda: again.viewers == 1)
    page.close()
    wait_for(lambda: again.viewers == 0, 25, "the end of the stream")
    again.close()
