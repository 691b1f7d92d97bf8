"""Somebody at a browser, in Vietnamese or English, who finds things by the words that stand on them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from api.problems import Language
from api.web.words import words
from tests.browser import axe_violations, sideways, small_targets
from tests.integration.serving import ServedStation

BOTH = pytest.mark.parametrize("tongue", ["vi", "en"])
"""A test in each language."""


@dataclass
class Visitor:
    """One person, who counts clicks and the fields that are typed into, and notes what goes wrong on the pages."""

    page: Page
    tongue: Language
    clicks: int = 0
    typed: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    @property
    def w(self) -> dict[str, str]:
        """The words of the pages in this person's language."""
        return words(self.tongue)

    def loaded(self) -> None:
        """The page is there as a whole. A click ends when the first of the next page has come, so that what is read at once, and not
        waited for by `expect`, could be read too early."""
        self.page.wait_for_load_state()

    def click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1

    def type(self, what: Locator, text: str) -> None:
        what.fill(text)
        self.typed.add(str(what.get_attribute("id")))

    def button(self, name: str, **options: Any) -> Locator:
        return self.page.get_by_role("button", name=name, **options)

    def link(self, name: str, **options: Any) -> Locator:
        return self.page.get_by_role("link", name=name, **options)

    def labelled(self, name: str) -> Locator:
        """The field with this label."""
        return self.page.get_by_label(name, exact=True)

    def choose(self, name: str, text: str) -> None:
        """Choose from the list with this label by what is read there; names of areas are set in."""
        self.labelled(name).select_option(label=re.sub(r"\s+", " ", text))

    def go(self, word: str) -> None:
        """To a page of the menu, by its word."""
        self.page.get_by_role("navigation", name=self.w["menu"]).get_by_role(
            "link", name=self.w[word], exact=True
        ).click()
        self.loaded()

    def open(self, name: str) -> None:
        """Open what is folded together."""
        self.page.locator("summary").filter(has_text=re.compile(f"^\\s*{re.escape(name)}\\s*$")).click()

    def logs_in(self, username: str, password: str, code: str = "") -> None:
        """Fill in the form of the log-in page and send it."""
        self.labelled(self.w["username"]).fill(username)
        self.labelled(self.w["password"]).fill(password)
        self.labelled(self.w["code"]).fill(code)
        self.button(self.w["login"], exact=True).click()

    def downloaded(self, what: Locator) -> Path:
        """The file that comes of a click, under the name that the browser gives it."""
        with self.page.expect_download() as download:
            what.click()
        path = download.value.path()
        return path.rename(path.with_name(f"{path.name}-{download.value.suggested_filename}"))

    def told(self, what: str) -> None:
        """The page says that it is done."""
        expect(self.page.get_by_role("status").first).to_contain_text(what)

    def refused(self, what: str) -> None:
        """The page says what is wrong, where the person is then. Chromium tells the status of such an answer on the console."""
        told = self.page.get_by_role("alert").first
        self.loaded()
        expect(told).to_contain_text(what)
        if self.page.locator("#problem[autofocus]").count():
            expect(told).to_be_focused()
            expect(told).to_be_in_viewport(ratio=0.9)
        self.problems = [
            problem for problem in self.problems if "the server responded with a status of 4" not in problem
        ]

    def asked_to_tick(self, box: Locator, button: Locator) -> None:
        """Without the tick a browser sends nothing; and where it does not ask for it, the station refuses, and says so in the form itself."""
        button.click()
        expect(box).to_be_focused()
        box.evaluate("box => { box.required = false; }")
        button.click()
        self.refused({"vi": "Đánh dấu ô xác nhận", "en": "Tick the box first"}[self.tongue])
        expect(self.page.locator("form").filter(has=box).get_by_role("alert")).to_be_visible()
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(box).to_have_attribute("required", "")  # the browser asks for it again
        self.fits()

    def fits(self) -> None:
        """The page as it stands now is accessible and fits a phone."""
        self.loaded()
        wide = self.page.viewport_size
        self.page.set_viewport_size({"width": 320, "height": 4000})
        assert not sideways(self.page), self.page.url
        assert axe_violations(self.page) == [], self.page.url
        assert small_targets(self.page) == [], self.page.url
        if wide is not None:
            self.page.set_viewport_size(wide)

    def _heard(self, kind: str, text: str) -> None:
        # htmx tells of a request that a newer one took the place of.
        if kind in ("error", "warning") and not text.startswith(("htmx:afterRequest", "htmx:sendAbort")):
            self.problems.append(text)


@contextmanager
def visiting(
    served: ServedStation,
    browser: Browser,
    who: str | None,
    tongue: Language = "vi",
    beside: str | None = None,
    **options: Any,
) -> Iterator[Visitor]:
    """A browser of somebody who is logged in, or of nobody; in the end nothing may have gone wrong, and no server but the station and one
    `beside` it have been asked."""
    known = (served.base, *([] if beside is None else [beside]))
    context = browser.new_context(
        base_url=served.base,
        **{"viewport": {"width": 1366, "height": 768}, "locale": "vi-VN" if tongue == "vi" else "en-GB", **options},
    )
    context.set_default_timeout(20_000)
    cookies = {"lang": tongue}
    if who is not None:
        cookies["session"] = served.as_person(who).headers["Authorization"].removeprefix("Bearer ")
    context.add_cookies([{"name": name, "value": value, "url": served.base} for name, value in cookies.items()])
    page = context.new_page()
    made = Visitor(page, tongue)
    page.on("console", lambda message: made._heard(message.type, message.text))
    page.on("pageerror", lambda error: made.problems.append(str(error)))
    page.on(
        "request",
        lambda request: made.problems.append(request.url) if not request.url.startswith(known) else None,
    )
    try:
        yield made
        assert made.problems == []
    finally:
        context.close()
