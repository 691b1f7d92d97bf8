"""How far a receiver got by its own word, whatever order its receipts stand in."""

from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.ladder import Climb
from broadcaster.storage.models import AsRun

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def _climb(*receipts: str) -> Climb:
    """From receipts as `state` or `state:reason`, a second apart."""
    climb = Climb("loa-1", "Cụm loa 1", "loudspeaker", "thon-dong")
    for second, receipt in enumerate(receipts):
        state, _, reason = receipt.partition(":")
        climb.take(AsRun(state=state, at=NOON + timedelta(seconds=second), reason=reason or None, evidence=None))
    return climb


@pytest.mark.parametrize(
    ("receipts", "outcome", "reason"),
    [
        ((), "unknown", None),
        (("received", "ready"), "ready", None),
        (("received", "ready", "started", "finished"), "finished", None),
        (("received", "ready", "started", "interrupted:restarted"), "interrupted", "restarted"),
        (("refused:expired",), "refused", "expired"),
        # The receiver took the order in, and what it then fetched was not the released clip: that is an end.
        (("received", "refused:clip_mismatch"), "refused", "clip_mismatch"),
        (("refused:bad_signature", "received", "refused:clip_mismatch"), "refused", "clip_mismatch"),
        # A forged or repeated copy undoes nothing.
        (("refused:bad_signature", "received", "ready"), "ready", None),
        (("received", "ready", "started", "finished", "refused:replayed"), "finished", None),
        (("received", "missed:clip_unavailable", "refused:replayed"), "missed", "clip_unavailable"),
    ],
)
def test_the_outcome_and_its_reason(receipts: tuple[str, ...], outcome: str, reason: str | None) -> None:
    climb = _climb(*receipts)
    assert climb.outcome == outcome
    assert climb.reason == reason
