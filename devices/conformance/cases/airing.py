"""Orders that are played: the ladder, renewal, lateness, precedence, cancellation."""

import time
from datetime import datetime, timedelta, timezone
from typing import Any

from devices.conformance.cases import case
from devices.conformance.documents import content, signed
from devices.conformance.rig import AREA, LATER, RECEIVER, Rig, Told, now
from devices.wire import topics
from devices.wire.messages import Audience, Drill, Order

PUNCTUAL_S = 2.0
"""Behind its instant an order that is ready may begin: far more than a good receiver needs, less than any lateness limit."""
DAMPING_S = 0.5
"""How long a receiver is given to do what it must not, where the case has to wait for that."""


@case("order.received", "order.ready", "order.started", "order.finished", "order.once", "replay.played")
def airs(rig: Rig) -> None:
    """One order from its arrival to its end, and then again."""
    sound = rig.sound(0.5)
    order = rig.order("airs", sound=sound, play_at=rig.slot(0.5), publish=False)
    topic = topics.area_order(AREA, order.id)
    data = b""
    for _ in range(3):
        data = rig.publish(topic, order)
    with rig.point("order.received"):
        rig.receipt(order.id, "received")
    with rig.point("order.ready"):
        rig.receipt(order.id, "ready")
    with rig.point("order.started") as note:
        told = _on_time(rig, order)
        note.seen = f"{(told.receipt.at - order.play_at).total_seconds() * 1000:.0f} ms after its instant"
    with rig.point("order.finished") as note:
        note.seen = _finished(rig, order, sound.duration_ms)
    with rig.point("order.once"):
        rig.never(order.id, "refused", "missed", "failed")
        states = [r.state.value for r in rig.receipts(order.id)]
        rig.needs(states == ["received", "ready", "started", "finished"], rig.says(order.id))
    with rig.point("replay.played"):
        rig.publish(topic, data)
        rig.publish(topic, order.model_copy(update={"revision": 9, "play_at": now() + timedelta(seconds=1)}))
        rig.receipt(order.id, "refused", revision=1, reason="replayed")
        rig.receipt(order.id, "refused", revision=9, reason="replayed")
        states = [r.state.value for r in rig.receipts(order.id)]
        rig.needs(states.count("received") == 1, rig.says(order.id))


def _on_time(rig: Rig, order: Order) -> Told:
    """`started`, in time; that nothing began early is judged at the end, for all orders. Raises NotSeenError."""
    wait = (order.play_at - now()).total_seconds() + rig.patience_s
    told = rig.receipt(order.id, "started", max(rig.patience_s, wait))
    late = (told.receipt.at - order.play_at).total_seconds()
    rig.needs(late <= PUNCTUAL_S, f"it was ready and began {late:.1f} s late")
    return told


def _finished(rig: Rig, order: Order, length_ms: int, within_s: float = 0.0) -> str:
    told = rig.receipt(order.id, "finished", length_ms / 1000 + rig.patience_s + within_s)
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


@case("renew.later", "renew.older")
def is_renewed(rig: Rig) -> None:
    """The hour changes: a second revision with another instant."""
    sound = rig.sound(0.5)
    second_at = rig.slot(0.5)
    first = rig.order("renewed", sound=sound, play_at=second_at - timedelta(seconds=0.4))
    with rig.point("renew.later"):
        rig.receipt(first.id, "received", revision=1)
        second = rig.order("renewed", sound=sound, play_at=second_at, revision=2)
        rig.receipt(first.id, "received", revision=2)
        with rig.point("renew.older", go_on=True):
            rig.publish(topics.area_order(AREA, first.id), first)
            rig.receipt(first.id, "refused", revision=1, reason="replayed")
        told = _on_time(rig, second)
        rig.needs(told.receipt.revision == 2, f"revision {told.receipt.revision} began")
        _finished(rig, second, sound.duration_ms)
        begun = [r for r in rig.receipts(first.id) if r.state == "started"]
        rig.needs(len(begun) == 1, f"it began {len(begun)} times")


@case("late.waits", "late.missed")
def is_late(rig: Rig) -> None:
    """Two orders for an instant at which another plays: one may wait, the other may not."""
    sounds = [rig.sound(0.8), rig.sound(0.5), rig.sound(0.5)]
    at = rig.slot(1.5)
    playing = rig.order("plays", sound=sounds[0], play_at=at)
    soon = at + timedelta(seconds=0.3)
    waiting = rig.order("waits", sound=sounds[1], play_at=soon)
    rig.order("misses", sound=sounds[2], play_at=soon, late_limit_s=0)
    with rig.point("late.waits", go_on=True) as note:
        _on_time(rig, playing)
        first = rig.receipt("plays", "finished", 1 + rig.patience_s).receipt
        second = rig.receipt("waits", "started", 1 + rig.patience_s).receipt
        # Both instants are the receiver's; the sound of the first ended a little before it was written down.
        rig.needs(second.at >= first.at - timedelta(seconds=0.1), "two orders played at once")
        _finished(rig, waiting, 500)
        late = second.evidence.late_ms if second.evidence else None
        note.seen = f"late_ms {late}"
    with rig.point("late.missed"):
        rig.receipt("misses", "missed", 1 + rig.patience_s, reason="too_late")
        rig.never("misses", "started")


@case("preempt.interrupted", "preempt.plays")
def is_preempted(rig: Rig) -> None:
    """A flood warning while a bulletin plays."""
    sounds = [rig.sound(2.0), rig.sound(0.5)]
    at = rig.slot(1.7)
    rig.order("routine", sound=sounds[0], play_at=at)
    urgent = rig.order("urgent", sound=sounds[1], play_at=at + timedelta(seconds=1.2), priority="emergency")
    with rig.point("preempt.interrupted", go_on=True) as note:
        wait = (at - now()).total_seconds() + rig.patience_s
        rig.receipt("routine", "started", wait)
        told = rig.receipt("routine", "interrupted", 1 + rig.patience_s, reason="preempted")
        note.seen = _broken_off(rig, told)
    with rig.point("preempt.plays"):
        _on_time(rig, urgent)
        _finished(rig, urgent, 500)


def _broken_off(rig: Rig, told: Told) -> str:
    evidence = told.receipt.evidence
    played, expected = (evidence.played_ms, evidence.expected_ms) if evidence else (None, None)
    if played is None or expected is None:
        return "without evidence"
    rig.needs(played < 0.98 * expected, f"{played} of {expected} ms were played: that is finished")
    return f"{played} of {expected} ms"


@case("drill.silent")
def is_drilled(rig: Rig) -> None:
    """An order of a type of its own: never live, whether drills are known or not."""
    sound = rig.sound(0.4)
    order = rig.order("drill", sound=sound, play_at=rig.slot(0.4), publish=False)
    with rig.point("drill.silent") as note:
        rig.publish(topics.area_order(AREA, order.id), signed(content(order), Drill.TYP, rig.key))
        if "drills" not in rig.supported():
            rig.receipt(order.id, "refused", reason="wrong_type")
            note.seen = "it knows no drills"
            return
        rig.receipt(order.id, "started", rig.lead_s + 3 + rig.patience_s, reason="drill")
        rig.receipt(order.id, "finished", 1 + rig.patience_s, reason="drill")


@case("stop.silences", "stop.bars", "stop.emergency", "stop.told", phase="last")
def is_stopped(rig: Rig) -> None:
    """Silence for everybody, an emergency all the same, and the lifting."""
    if "stops" not in rig.supported():
        for name in ("stop.silences", "stop.bars", "stop.emergency", "stop.told"):
            rig.judge(name, "not tried", "its presence does not say that it supports stops")
        return
    try:
        _silence(rig)
    finally:
        rig.stop(2, lifted=True)  # whatever was seen: other cases follow
    with rig.point("stop.told"):
        rig.wait(lambda: any(rig.STOP in health.stops for health in list(rig.health)), "health did not name it")
        rig.wait(lambda: rig.STOP not in rig.health[-1].stops, "health still names it after it was lifted")


def _silence(rig: Rig) -> None:
    sounds = [rig.sound(4.0), rig.sound(0.4), rig.sound(0.4)]
    at = now() + timedelta(seconds=rig.lead_s)
    playing = rig.order("stopped", sound=sounds[0], play_at=at)
    barred = rig.order("barred", sound=sounds[1], play_at=at + timedelta(seconds=1), late_limit_s=0)
    with rig.point("stop.silences") as note:
        rig.receipt(playing.id, "started", rig.lead_s + rig.patience_s)
        began = time.monotonic()
        rig.stop(1)
        urgent = rig.order(
            "after-stop", sound=sounds[2], play_at=now() + timedelta(seconds=rig.lead_s), priority="emergency"
        )
        rig.receipt(playing.id, "interrupted", 3 + rig.patience_s, reason="stopped")
        took = time.monotonic() - began
        rig.needs(took <= 3, f"it took {took:.1f} s")
        note.seen = f"{took:.2f} s after the stop"
    with rig.point("stop.bars", go_on=True):
        rig.receipt(barred.id, "missed", 2 + rig.patience_s, reason="stopped")
        rig.never(barred.id, "started")
    with rig.point("stop.emergency", go_on=True):
        _on_time(rig, urgent)
        _finished(rig, urgent, 400)


@case("cancel.during")
def is_cancelled_while_it_plays(rig: Rig) -> None:
    """A withdrawal that comes after the beginning."""
    sound = rig.sound(2.0)
    at = rig.slot(0.9)
    order = rig.order("cancelled-late", sound=sound, play_at=at)
    with rig.point("cancel.during") as note:
        rig.receipt(order.id, "started", (at - now()).total_seconds() + rig.patience_s)
        rig.cancel(order, 2)
        note.seen = _broken_off(rig, rig.receipt(order.id, "interrupted", reason="cancelled"))
        rig.never(order.id, "finished", "cancelled")


@case("cancel.before", "cancel.remembered", "cancel.renewed")
def is_cancelled_before_it_plays(rig: Rig) -> None:
    """A withdrawal that comes in time, the order again, and the order renewed."""
    order = rig.order("cancelled", late_limit_s=5, play_at=now() + timedelta(seconds=60))
    with rig.point("cancel.before"):
        rig.receipt(order.id, "received")
        rig.cancel(order, 2)
        rig.receipt(order.id, "cancelled", reason="cancelled")
    with rig.point("cancel.remembered", go_on=True):
        rig.publish(topics.area_order(AREA, order.id), order)
        rig.receipt(order.id, "refused", reason="replayed")
    with rig.point("cancel.renewed"):
        rig.order("cancelled", revision=3, play_at=now() + LATER)
        rig.receipt(order.id, "received", revision=3)


@case("order.own-topic", "order.others", "order.unknown-fields", "order.null-fields", "order.offset")
def reads_all_that_is_rightly_written(rig: Rig) -> None:
    """Orders in forms that are rarer, and one that is for others."""
    with rig.point("order.own-topic", go_on=True):
        mine = rig.order("own-topic", publish=False, audience=Audience(receivers=(RECEIVER,)))
        rig.publish(topics.receiver_order(RECEIVER, mine.id), mine)
        rig.receipt(mine.id, "received")
    rig.order("others", audience=Audience(areas=(AREA,), excluded=(RECEIVER,)))
    for name, form in (("unknown-fields", _with_more), ("null-fields", _with_null), ("offset", _in_local_time)):
        order = rig.order(f"form-{name}", publish=False)
        with rig.point(f"order.{name}", go_on=True):
            rig.publish(topics.area_order(AREA, order.id), signed(form(rig, content(order)), Order.TYP, rig.key))
            rig.receipt(order.id, "received")
    with rig.point("order.others"):
        time.sleep(DAMPING_S)
        rig.needs(not rig.receipts("others"), rig.says("others"))


def _with_more(_rig: Rig, fields: dict[str, Any]) -> dict[str, Any]:
    more = {"x-later": {"of": ["a", "minor", "version", 1.5, None]}}
    return {name: value | more if isinstance(value, dict) else value for name, value in fields.items()} | more


def _with_null(rig: Rig, fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"card" if rig.kind == "loudspeaker" else "sound": None}


def _in_local_time(_rig: Rig, fields: dict[str, Any]) -> dict[str, Any]:
    zone = timezone(timedelta(hours=7))
    at = {name: datetime.fromisoformat(fields[name]).astimezone(zone).isoformat() for name in ("play_at", "expires_at")}
    return fields | at
