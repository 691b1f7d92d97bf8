"""Documents that must be refused, each with its reason."""

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from devices.conformance.cases import case
from devices.conformance.documents import changed, content, keyed_with, signed, under
from devices.conformance.rig import AREA, OTHER_AREA, NotSeenError, Rig, now
from devices.wire import topics
from devices.wire.messages import Audience, Order, Presence, Receipt
from devices.wire.signing import MAX_SIZE, SigningKey, sign

REFUSALS_PER_MINUTE = 30
FLOOD = 60
_HEADER = {"alg": "EdDSA", "typ": Order.TYP}


def _lacks(rig: Rig, order: Order) -> bytes:
    return signed({k: v for k, v in content(order).items() if k != "play_at"}, Order.TYP, rig.key)


def _with(rig: Rig, order: Order, **fields: Any) -> bytes:
    return signed(content(order) | fields, Order.TYP, rig.key)


def _other_half(rig: Rig, order: Order) -> bytes:
    """Only what this kind of receiver cannot play."""
    return sign(order.model_copy(update={"sound" if rig.kind == "loudspeaker" else "card": None}), rig.key)


def _past(rig: Rig, order: Order) -> bytes:
    at = now() - timedelta(hours=2)
    return sign(order.model_copy(update={"play_at": at, "expires_at": at + timedelta(hours=1)}), rig.key)


FORGERIES: dict[str, tuple[str, Callable[[Rig, Order], bytes]]] = {
    "not-jws": ("malformed", lambda _rig, order: f"play {order.id}".encode()),
    "too-long": ("malformed", lambda _rig, _order: b"A" * (MAX_SIZE + 1)),
    "critical": (
        "malformed",
        lambda rig, order: under(
            _HEADER | {"kid": rig.key.kid, "crit": ["exp"], "exp": 1}, sign(order, rig.key), rig.raw_key
        ),
    ),
    "unencoded": (
        "malformed",
        lambda rig, order: under(_HEADER | {"kid": rig.key.kid, "b64": False}, sign(order, rig.key), rig.raw_key),
    ),
    "no-algorithm": (
        "bad_signature",
        lambda rig, order: under(_HEADER | {"kid": rig.key.kid, "alg": "none"}, sign(order, rig.key), None),
    ),
    "other-algorithm": (
        "bad_signature",
        lambda rig, order: keyed_with(rig.key.public(), Order.TYP, sign(order, rig.key)),
    ),
    "unknown-key": ("unknown_key", lambda rig, order: sign(order, rig.intruder)),
    "stranger": ("bad_signature", lambda rig, order: sign(order, SigningKey.generate(rig.key.kid))),
    "changed": ("bad_signature", lambda rig, order: changed(sign(order, rig.key))),
    "wrong-type": ("wrong_type", lambda rig, _order: sign(rig.configure(50, publish=False), rig.key)),
    "disguised": ("wrong_type", lambda rig, order: signed(content(order), Presence.TYP, rig.key)),
    "missing-field": ("malformed", _lacks),
    "number-as-text": ("malformed", lambda rig, order: _with(rig, order, revision="1")),
    "no-zone": ("malformed", lambda rig, order: _with(rig, order, play_at=content(order)["play_at"].rstrip("Z"))),
    "version": ("malformed", lambda rig, order: _with(rig, order, v=2)),
    "inconsistent": ("malformed", lambda rig, order: _with(rig, order, expires_at=content(order)["play_at"])),
    "wrong-station": (
        "wrong_station",
        lambda rig, order: sign(order.model_copy(update={"station": "dai-khac"}), rig.key),
    ),
    "wrong-audience": (
        "wrong_audience",
        lambda rig, order: sign(order.model_copy(update={"audience": Audience(areas=(OTHER_AREA,))}), rig.key),
    ),
    "wrong-topic": ("wrong_topic", lambda rig, order: sign(order.model_copy(update={"id": "another"}), rig.key)),
    "expired": ("expired", _past),
    "unsupported": ("unsupported", _other_half),
}
"""By the point's name after `refuse.`: the reason, and the bytes, made of a good order."""


@case(*(f"refuse.{name}" for name in FORGERIES), "refuse.not-played")
def refuses(rig: Rig) -> None:
    """All forgeries at once, each on the topic of an order of its own that is due in a moment."""
    sound = rig.sound(0.3)
    sent: dict[str, bytes] = {}
    at = now() + timedelta(seconds=2)
    for name, (_, make) in FORGERIES.items():
        order = rig.order(f"forged-{name}", sound=sound, play_at=at, publish=False)
        sent[name] = rig.publish(topics.area_order(AREA, order.id), make(rig, order))
    deadline = time.monotonic() + rig.patience_s
    for name, (reason, _) in FORGERIES.items():
        with rig.point(f"refuse.{name}", go_on=True):
            _is_refused(rig, name, sent[name], reason, deadline)
    rig.until(at + timedelta(seconds=0.5))
    with rig.point("refuse.not-played"):
        for name in sent:
            rig.never(_named(name), "received", "ready", "started", "finished")


def _named(name: str) -> str:
    return "another" if name == "wrong-topic" else f"forged-{name}"


def _is_refused(rig: Rig, name: str, data: bytes, reason: str, deadline: float) -> None:
    digest = hashlib.sha256(data).hexdigest()

    def look() -> Receipt | None:
        return next((t.receipt for t in list(rig.told) if t.receipt.document_sha256 == digest), None)

    try:
        found = rig.wait(look, "", max(0.0, deadline - time.monotonic()), while_told=True)
    except NotSeenError:
        raise NotSeenError(f"no refusal with its document_sha256 came; {rig.says(_named(name))}") from None
    if found is None or (found.state, found.reason) != ("refused", reason):
        raise NotSeenError(f"{found and found.state}, {found and found.reason}, not refused, {reason}")
    rig.needs(found.order in {_named(name), f"forged-{name}"}, f"the refusal names the order {found.order}")


@case("refuse.flood", phase="last")
def is_flooded(rig: Rig) -> None:
    """A hacked broker sends rubbish: a receiver says so within measure, and goes on."""
    with rig.point("refuse.flood") as note:
        for number in range(FLOOD):
            rig.publish(topics.area_order(AREA, f"flood-{number}"), f"rubbish {number}".encode(), retain=False)
        rig.receipt(rig.order("after-flood").id, "received")
        by_id = {t.receipt.id: t.receipt for t in list(rig.told) if t.receipt.document_sha256 is not None}
        instants = sorted(receipt.at for receipt in by_id.values())
        most = max(
            (sum(first <= at < first + timedelta(seconds=60) for at in instants) for first in instants), default=0
        )
        rig.needs(most <= REFUSALS_PER_MINUTE, f"{most} refusals within a minute")
        note.seen = f"{most} refusals within a minute"
