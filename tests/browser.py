"""Debian's Chromium, driven by Playwright, for pages on this machine; what makes a page hard to use, found by machine."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser that looks nothing up outside."""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


def launched(playwright: Playwright, **environment: str) -> Browser:
    """The same, beside others; what is put into its environment."""
    path = shutil.which("chromium")
    assert path is not None, "The tests need Debian's chromium: apt-get install chromium"
    return playwright.chromium.launch(executable_path=path, args=FLAGS, env={**os.environ, **environment})


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds on a page by WCAG 2.2 AA and its best practices: rule, element, what is wrong. Empty: nothing."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:160]}: {node['failureSummary']}"
        for violation in found
        for node in violation["nodes"]
    ]


def sideways(page: Page) -> int:
    """By how many pixels the page is wider than its window: nobody should have to scroll sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


SMALL_TARGETS = """() => [...document.querySelectorAll("a, button, select, summary, label.tick, textarea, input:not([type=hidden], [type=checkbox], [type=radio])")]
  .filter(each => each.checkVisibility({checkVisibilityCSS: true}) && !each.closest(".skip, .hidden-text, p.text"))
  .map(each => [each, each.getBoundingClientRect()])
  .filter(([each, box]) => box.width > 0 && box.height < 43.5 && box.left >= 0)
  .map(([each, box]) => `${each.outerHTML.slice(0, 120)}: ${box.height}`)"""


def small_targets(page: Page) -> list[str]:
    """What is touched and is less than 44 pixels high."""
    return list(page.evaluate(SMALL_TARGETS))
