"""Somebody at a browser, in Vietnamese or English, who finds things by the words that stand on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from api.problems import Language
from api.web.words import words
from tests.browser import axe_violations, sideways, small_targets
from tests.integration.serving import ServedStation


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

    def told(self, what: str) -> None:
        """The page says that it is done."""
        expect(self.page.get_by_role("status").first).to_contain_text(what)

    def refused(self, what: str) -> None:
        """The page says what is wrong. Chromium tells the status of such an answer on the console."""
        expect(self.page.get_by_role("alert").first).to_contain_text(what)
        self.problems = [
            problem for problem in self.problems if "the server responded with a status of 4" not in problem
        ]

    def fits(self) -> None:
        """The page as it stands now is accessible and fits a phone."""
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
    served: ServedStation, browser: Browser, who: str, tongue: Language = "vi", **options: Any
) -> Iterator[Visitor]:
    """A browser of somebody who is logged in; in the end nothing may have gone wrong, and nobody else have been asked."""
    context = browser.new_context(
        base_url=served.base,
        **{"viewport": {"width": 1366, "height": 768}, "locale": "vi-VN" if tongue == "vi" else "en-GB", **options},
    )
    context.set_default_timeout(20_000)
    token = served.as_person(who).headers["Authorization"].removeprefix("Bearer ")
    context.add_cookies(
        [{"name": name, "value": value, "url": served.base} for name, value in (("session", token), ("lang", tongue))]
    )
    page = context.new_page()
    made = Visitor(page, tongue)
    page.on("console", lambda message: made._heard(message.type, message.text))
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
