"""Test vectors of what needs a history: messages one after another, and the receipts that they must bring forth."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from devices.wire import topics
from devices.wire.examples import AREA, CANCELLATION, ORDER, RECEIVER, key
from devices.wire.messages import Audience, Document
from devices.wire.signing import sign

PLAYED = "played"
"""Stands among messages for the receiver's having played the order to its end."""
_TOPIC = topics.area_order(AREA, ORDER.id)
_SECOND = ORDER.model_copy(update={"revision": 2, "play_at": ORDER.play_at + timedelta(minutes=5)})
_THIRD = ORDER.model_copy(update={"revision": 3, "play_at": ORDER.play_at + timedelta(minutes=10)})
_OTHER_FIRST = ORDER.model_copy(update={"title": "Một bản tin khác"})
_FOREIGN = ORDER.model_copy(update={"station": "dai-binh-an"})
_FOR_OTHERS = ORDER.model_copy(update={"revision": 2, "audience": Audience(areas=(AREA,), excluded=(RECEIVER,))})
_STEPS: tuple[tuple[str, tuple[tuple[int, Document | str], ...], tuple[str, ...]], ...] = (
    ("copies of an order that waits", ((1, ORDER), (1, ORDER), (2, ORDER), (2, ORDER), (2, ORDER)), ("received",)),
    ("another document of the same revision", ((1, ORDER), (1, _OTHER_FIRST)), ("received", "refused/replayed")),
    (
        "a higher revision, then the lower one again",
        ((1, ORDER), (1, _SECOND), (1, ORDER)),
        ("received", "received", "refused/replayed"),
    ),
    (
        "played, then again over the same connection",
        ((1, ORDER), (1, PLAYED), (1, ORDER)),
        ("received", PLAYED, "refused/replayed"),
    ),
    (
        "played, then handed out again after a connection: retained, out of the session, and once too often",
        ((1, ORDER), (1, PLAYED), (2, ORDER), (2, ORDER), (2, ORDER)),
        ("received", PLAYED, "refused/replayed"),
    ),
    (
        "played, then in a higher revision",
        ((1, ORDER), (1, PLAYED), (1, _SECOND)),
        ("received", PLAYED, "refused/replayed"),
    ),
    (
        "cancelled, then again, then renewed",
        ((1, ORDER), (1, CANCELLATION), (1, ORDER), (1, _THIRD)),
        ("received", "cancelled/cancelled", "refused/replayed", "received"),
    ),
    (
        "the cancellation before its order",
        ((1, CANCELLATION), (1, ORDER), (1, ORDER)),
        ("refused/replayed",),
    ),
    (
        "an old cancellation of a renewed order",
        ((1, _THIRD), (1, CANCELLATION)),
        ("received", "refused/replayed"),
    ),
    (
        "renewed for others, then the first revision again",
        ((1, ORDER), (1, _FOR_OTHERS), (1, ORDER), (1, ORDER)),
        ("received", "cancelled/cancelled", "refused/replayed"),
    ),
    (
        "a document that is refused is told of once, over connections too",
        ((1, _FOREIGN), (1, _FOREIGN), (2, _FOREIGN), (2, ORDER)),
        ("refused/wrong_station", "received"),
    ),
)


def sequences() -> list[dict[str, Any]]:
    """For protocol-vectors.json."""
    return [
        {"name": name, "messages": _messages(steps), "receipts": [word for word in receipts if word != PLAYED]}
        for name, steps, receipts in _STEPS
    ]


def _messages(steps: Sequence[tuple[int, Document | str]]) -> list[dict[str, Any]]:
    station = key("station-2026")
    return [
        {PLAYED: ORDER.id}
        if isinstance(step, str)
        else {"connection": connection, "topic": _TOPIC, "jws": sign(step, station).decode()}
        for connection, step in steps
    ]
