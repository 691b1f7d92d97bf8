"""`make screenshots`: every page in both languages, into docs/images; `NAME=compose` for one."""

import io
import logging
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from broadcaster.cli.logs import set_up_logs
from tests.browser import launched
from tests.integration.serving import ServedStation
from tests.showcase.day import Day
from tests.showcase.pages import PAGES, Shown

FOLDER = Path("docs/images")
LANGUAGE_PACK = Path("/usr/lib/chromium/locales/vi.pak")
WIDE, PHONE = 1366, 390
HIGHEST, PHONE_HIGH = 1700, 844
"""Pixels; what is below is cut off."""
COLOURS = 96
SEEN = """() => [...document.images].every(each => each.complete || each.getBoundingClientRect().top > innerHeight)"""


class Camera:
    """Browsers by person and language, at one served station."""

    def __init__(self, browsers: dict[str, Browser], served: ServedStation) -> None:
        self._browsers, self._served = browsers, served
        self._contexts: dict[tuple[str | None, str, str], BrowserContext] = {}

    def page(self, who: str | None, tongue: str, scheme: str = "light") -> Page:
        """A new tab, logged in."""
        key = (who, tongue, scheme)
        if key not in self._contexts:
            context = self._browsers[tongue].new_context(
                base_url=self._served.base,
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
                locale="vi-VN" if tongue == "vi" else "en-GB",
            )
            cookies = {"lang": tongue}
            if who is not None:
                authorization = self._served.as_person(who).headers["Authorization"]
                cookies["session"] = authorization.removeprefix("Bearer ")
            context.add_cookies(
                [{"name": name, "value": value, "url": self._served.base} for name, value in cookies.items()]
            )
            self._contexts[key] = context
        return self._contexts[key].new_page()


def look(page: Page, shown: Shown, day: Day, width: int) -> None:
    """Open it as a person would who has that width."""
    page.set_viewport_size({"width": width, "height": 800})
    answer = page.goto(shown.address(day.ids))
    assert answer is not None
    assert answer.status == 200, f"{shown.name}: {answer.status}"
    if page.locator("#link[data-stream]").count():
        expect(page.locator("#link")).to_have_class("pill live")
    if shown.act is not None:
        shown.act(page)


def picture(page: Page) -> bytes:
    """The page as a PNG with few colours, so high that the bar at the window's edge covers nothing; of a phone what its screen shows."""
    width = page.viewport_size["width"] if page.viewport_size else WIDE
    height = PHONE_HIGH
    if width != PHONE:
        height = min(HIGHEST, int(page.evaluate("document.documentElement.scrollHeight")))
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(SEEN)
    raw = page.screenshot(animations="disabled")
    made = Image.open(io.BytesIO(raw)).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    made.save(out, "PNG", optimize=True)
    return out.getvalue()


def require_language_packs() -> None:
    """Say what is missing: without it the fields for days and files are those of an American."""
    if not LANGUAGE_PACK.exists():
        raise SystemExit("The pictures need Chromium in Vietnamese: apt-get install chromium-l10n")


def main(wanted: list[str]) -> None:
    """Live through the day, and take every picture, or those that are wanted."""
    require_language_packs()
    set_up_logs()
    logging.getLogger().setLevel(logging.ERROR)
    expect.set_options(timeout=30_000)
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="showcase-") as folder:
        day = Day(Path(folder))
        print("Preparing the commune (some minutes: its morning session is aired in full) ...", flush=True)
        day.prepare()
        day.morning()
        with day.evening() as served, day.new_station() as new, sync_playwright() as playwright:
            browsers = {
                tongue: launched(playwright, "chromium", LANGUAGE=language)
                for tongue, language in (("vi", "vi"), ("en", "en_GB"))
            }
            cameras = {False: Camera(browsers, served), True: Camera(browsers, new)}
            for shown in PAGES:
                if shown.before is not None:
                    shown.before(served, day.ids)
                if wanted and shown.name not in wanted:
                    continue
                for tongue in ("vi", "en"):
                    for width in (WIDE, PHONE) if shown.phone else (WIDE,):
                        page = cameras[shown.new_station].page(shown.who, tongue)
                        look(page, shown, day, width)
                        name = f"{shown.name}{'-phone' if width == PHONE else ''}-{tongue}.png"
                        (FOLDER / name).write_bytes(picture(page))
                        page.close()
                print(shown.name, flush=True)
    sizes = [file.stat().st_size for file in FOLDER.glob("*.png")]
    print(f"{len(sizes)} pictures, {sum(sizes) / 1e6:.1f} MB in {FOLDER}")


if __name__ == "__main__":
    main(sys.argv[1:])
