"""The pages have a word for everything that a receiver can say."""

from api.web.words import WORDS, number
from devices.wire.messages import Reason, ReceiptState


def test_every_state_and_reason_has_its_words() -> None:
    assert {state.value for state in ReceiptState} <= WORDS.keys()
    assert {f"reason_{reason.value}" for reason in Reason} <= WORDS.keys()


def test_decimals_stand_after_a_comma_in_vietnamese() -> None:
    assert number(19.46, tongue="vi") == "19,5"
    assert number(19.46, tongue="en") == "19.5"
