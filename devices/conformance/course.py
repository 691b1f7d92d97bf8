"""How an airing went, by the receipts that tell of it."""

from devices.conformance.rig import Rig, Told, now
from devices.wire.messages import Order

PUNCTUAL_S = 4.0
"""Behind its instant an order that is ready may begin: far more than a good receiver needs, less than any lateness limit."""


def on_time(rig: Rig, order: Order) -> Told:
    """`started`, in time; that nothing began early is judged at the end, for all orders. Raises NotSeenError."""
    wait = (order.play_at - now()).total_seconds() + rig.patience_s
    told = rig.receipt(order.id, "started", max(rig.patience_s, wait))
    late = (told.receipt.at - order.play_at).total_seconds()
    rig.needs(late <= PUNCTUAL_S, f"it was ready and began {late:.1f} s late")
    return told


def finished(rig: Rig, order: Order, length_ms: int) -> str:
    """`finished`, with evidence that holds together; how much was played, in words. Raises NotSeenError."""
    told = rig.receipt(order.id, "finished", length_ms / 1000 + rig.patience_s)
    evidence = told.receipt.evidence
    started = next((r for r in rig.receipts(order.id) if r.state == "started"), None)
    rig.needs(evidence is not None, "it has no evidence")
    if evidence is None:
        return ""
    if rig.kind == "loudspeaker":
        wanted = order.sound.sha256 if order.sound else None
        rig.needs(evidence.clip_sha256 == wanted, f"evidence.clip_sha256 is {evidence.clip_sha256}, not the order's")
    played, expected = evidence.played_ms or 0, evidence.expected_ms or 0
    rig.needs(expected and played >= 0.98 * expected, f"played_ms {played} of expected_ms {expected}")
    rig.needs(abs(expected - length_ms) <= 200, f"expected_ms {expected}, where the order says {length_ms}")
    if started is not None:
        took = (told.receipt.at - started.at).total_seconds() * 1000
        rig.needs(took >= 0.9 * length_ms, f"{took:.0f} ms passed between started and finished, for {length_ms} ms")
    return f"{played} of {expected} ms"


def broken_off(rig: Rig, told: Told) -> str:
    """How much was played of what was interrupted, in words. Raises NotSeenError if that is all."""
    evidence = told.receipt.evidence
    played, expected = (evidence.played_ms, evidence.expected_ms) if evidence else (None, None)
    if played is None or expected is None:
        return "without evidence"
    rig.needs(played < 0.98 * expected, f"{played} of {expected} ms were played: that is finished")
    return f"{played} of {expected} ms"
