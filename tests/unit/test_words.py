"""The words of the pages: in both languages, with the same figures in both, and one for everything that a receiver can say."""

import re

import pytest

from api.web.words import words
from devices.wire.messages import Reason, ReceiptState

FIGURE = re.compile(r"%\((\w+)\)")


def test_every_word_is_said_in_both_languages() -> None:
    vi, en = words("vi"), words("en")
    assert vi.keys() == en.keys()
    assert all(text.strip() for tongue in (vi, en) for text in tongue.values())


def test_every_state_and_reason_has_its_words() -> None:
    assert {state.value for state in ReceiptState} <= words("vi").keys()
    assert {f"reason_{reason.value}" for reason in Reason} <= words("vi").keys()


@pytest.mark.parametrize("name", [name for name, text in words("vi").items() if "%" in text])
def test_both_languages_have_the_same_figures(name: str) -> None:
    assert set(FIGURE.findall(words("vi")[name])) == set(FIGURE.findall(words("en")[name]))
