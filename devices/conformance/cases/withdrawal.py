"""Orders that are taken back: stops and cancellations."""

import time
from datetime import timedelta

from devices.conformance.attempts import Attempt, MootError, in_time
from devices.conformance.cases import case
from devices.conformance.course import broken_off, finished, on_time
from devices.conformance.rig import AREA, LATER, Rig, now
from devices.wire import topics
from devices.wire.messages import Sound


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
    sounds = [rig.sound(10.0), rig.sound(0.4), rig.sound(0.4)]  # the first: longer than the stop can take
    at = now() + timedelta(seconds=rig.lead_s)
    playing = rig.order("stopped", sound=sounds[0], play_at=at)
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
        at = now() + timedelta(seconds=rig.lead_s)
        barred = rig.order("barred", sound=sounds[1], play_at=at, late_limit_s=1)
        rig.receipt(barred.id, "missed", rig.lead_s + 1 + rig.patience_s, reason="stopped")
        rig.never(barred.id, "started")
    with rig.point("stop.emergency", go_on=True):
        on_time(rig, urgent)
        finished(rig, urgent, 400)


@case("cancel.during")
def is_cancelled_while_it_plays(rig: Rig) -> None:
    """A withdrawal that comes after the beginning."""
    sound = rig.sound(3.0)
    in_time(rig, lambda attempt: _is_cancelled_while_it_plays(rig, attempt, sound))


def _is_cancelled_while_it_plays(rig: Rig, attempt: Attempt, sound: Sound) -> None:
    at = attempt.at
    order = rig.order(attempt.name("cancelled-late"), sound=sound, play_at=at)
    with rig.point("cancel.during") as note:
        begun = rig.receipt(order.id, "started", (at - now()).total_seconds() + rig.patience_s).receipt
        rig.cancel(order, 2)
        if now() > begun.at + timedelta(milliseconds=sound.duration_ms / 2):
            raise MootError("the order was about to end when it was cancelled", order)
        note.seen = broken_off(rig, rig.receipt(order.id, "interrupted", reason="cancelled"))
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
