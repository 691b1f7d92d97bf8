"""The user guides: two languages of one structure, with a picture of every page that the menu leads to."""

import re
from pathlib import Path

import pytest
from PIL import Image

from api.web.navigation import MENU
from api.web.words import words
from tests.showcase.pages import PAGES

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = {"vi": DOCS / "huong-dan-su-dung.md", "en": DOCS / "user-guide.md"}
ENTRIES = [entry for _, entries in MENU for entry in entries]
MOST_BYTES = 6_000_000


def text(tongue: str) -> str:
    return GUIDES[tongue].read_text("utf-8")


def pictures(tongue: str) -> list[str]:
    """The pictures of a guide, in their order."""
    return re.findall(r"!\[[^\]]+\]\(images/([^)]+)\.png\)", text(tongue))


def outline(tongue: str) -> list[str]:
    """What each block is: a heading with its number, a list by its items' marks, a table, pictures, or a paragraph."""
    blocks = text(tongue).strip().split("\n\n")
    return [" ".join(re.findall(r"^(#+(?: \d+\.)?|\d+\. |- |\||!)", block, re.MULTILINE)) for block in blocks]


def test_both_guides_have_one_structure() -> None:
    assert outline("vi") == outline("en")
    plain = {tongue: [name.removesuffix(f"-{tongue}") for name in pictures(tongue)] for tongue in GUIDES}
    assert plain["vi"] == plain["en"]
    assert all(name.endswith("-vi") for name in pictures("vi"))
    assert all(name.endswith("-en") for name in pictures("en"))


@pytest.mark.parametrize("tongue", GUIDES)
def test_every_page_is_shown_once(tongue: str) -> None:
    wanted = [f"{page.name}{width}-{tongue}" for page in PAGES for width in ("", "-phone")[: 1 + page.phone]]
    assert sorted(pictures(tongue)) == sorted(wanted)


def test_every_picture_is_there_and_all_are_small() -> None:
    files = {path.stem: path for path in (DOCS / "images").glob("*.png")}
    assert set(files) == {*pictures("vi"), *pictures("en")}
    assert sum(path.stat().st_size for path in files.values()) <= MOST_BYTES
    for name, path in files.items():
        with Image.open(path) as picture:
            assert picture.width == (390 if "-phone-" in name else 1366), name


@pytest.mark.parametrize("tongue", GUIDES)
def test_every_page_of_the_menu_is_named_and_shown(tongue: str) -> None:
    for entry in ENTRIES:
        name = words("en" if tongue == "en" else "vi")[entry.word]
        assert f"**{name}" in text(tongue), name
        shown = [page.name for page in PAGES if re.match(rf"{entry.path}(/|\?|$)", page.path)]
        assert {f"{page}-{tongue}" for page in shown} & set(pictures(tongue)), entry.path


@pytest.mark.parametrize("guide", GUIDES.values())
def test_the_guides_are_linked(guide: Path) -> None:
    assert f"docs/{guide.name}" in (DOCS.parent / "README.md").read_text("utf-8")
