"""The LED card as the smallest panel will show it, before it is released."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.bulletins import CARD_LIMIT, SHORTEST_CARD_MS, SMALLEST_PANEL
from broadcaster.errors import InvalidError
from devices.cards.drawing import draw, png
from devices.cards.layout import CardError, check, lay_out
from devices.wire.messages import Card

_MOMENTS = (0.3, 0.52, 0.74)
"""Of one pass of a moving text."""


@dataclass(frozen=True, slots=True)
class Preview:
    """At which milliseconds there is something to see, and how long one pass of a moving text takes (0: it stands still)."""

    moments: tuple[int, ...]
    pass_ms: int


def preview(text: str, duration_ms: int) -> Preview:
    """How a card passes. Raises InvalidError for one that could not be read."""
    layout = lay_out(_card(text, duration_ms), SMALLEST_PANEL)
    if not layout.pass_ms:
        return Preview((0,), 0)
    return Preview(tuple(round(layout.pass_ms * part) for part in _MOMENTS), layout.pass_ms)


def picture(text: str, duration_ms: int, *, elapsed_ms: int, now: datetime, zone: str) -> bytes:
    """The panel so many milliseconds after the card began, as PNG. Raises InvalidError."""
    card = _card(text, duration_ms)
    return png(draw(card, SMALLEST_PANEL, local=now.astimezone(ZoneInfo(zone)), elapsed_ms=elapsed_ms))


def _card(text: str, duration_ms: int) -> Card:
    if not text.strip() or len(text) > CARD_LIMIT:
        raise InvalidError(
            f"Trang LED cần từ 1 đến {CARD_LIMIT} ký tự.", f"A card has 1 to {CARD_LIMIT} characters.", field="card"
        )
    card = Card(text=text, duration_ms=max(SHORTEST_CARD_MS, duration_ms))
    try:
        check(card.model_copy(update={"duration_ms": SHORTEST_CARD_MS}), SMALLEST_PANEL)
    except CardError as error:
        raise InvalidError(error.vi, error.en, field="card") from error
    return card
