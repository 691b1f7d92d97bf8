"""Debian's Chromium, driven by Playwright, for pages on this machine; what makes a page hard to use, found by machine."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.base import AXE_SCRIPT
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


def launched(playwright: Playwright, program: str = "chromium-headless-shell", **environment: str) -> Browser:
    """The same, beside others; what is put into its environment. The headless shell is Chromium without the windows, menus and languages of a
    desktop, which cost `chromium --headless` more than most pages do; pictures and speeds that are published are of `chromium`."""
    path = shutil.which(program)
    assert path is not None, f"Debian's Chromium is needed: apt-get install {program}"
    return playwright.chromium.launch(executable_path=path, args=FLAGS, env={**os.environ, **environment})


VIOLATIONS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .flatMap(({id, nodes}) => nodes.map(({html, failureSummary}) => `${id}: ${html.slice(0, 160)}: ${failureSummary}`))"""
"""The sentences are made there: all that axe-core returns is megabytes of it."""


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds on a page by WCAG 2.2 AA and its best practices: rule, element, what is wrong. Empty: nothing."""
    page.evaluate(AXE_SCRIPT)
    return list(page.evaluate(VIOLATIONS))


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
