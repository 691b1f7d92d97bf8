"""Orders that are played: the ladder, renewal, lateness, precedence, drills, and the forms in which they come."""

import time
from datetime import datetime, timedelta, timezone
from typing import Any

from devices.conformance.attempts import Attempt, MootError, held, in_time
from devices.conformance.cases import case
from devices.conformance.course import broken_off, finished, on_time
from devices.conformance.documents import content, signed
from devices.conformance.rig import AREA, RECEIVER, Rig, now
from devices.wire import topics
from devices.wire.messages import Audience, Drill, Order, Sound

DAMPING_S = 0.5
"""How long a receiver is given to do what it must not, where the case has to wait for that."""


@case("order.received", "order.ready", "order.started", "order.finished", "order.once", "replay.played")
def airs(rig: Rig) -> None:
    """One order from its arrival to its end, and then again."""
    sound = rig.sound(0.5)
    in_time(rig, lambda attempt: _airs(rig, attempt, sound))


def _airs(rig: Rig, attempt: Attempt, sound: Sound) -> None:
    at = attempt.at
    order = rig.order(attempt.name("airs"), sound=sound, play_at=at, publish=False)
    topic = topics.area_order(AREA, order.id)
    data = b""
    for _ in range(3):
        data = rig.publish(topic, order)
    after = rig.order(attempt.name("airs-after-copies"))  # messages of one connection come in order
    with rig.point("order.received"):
        rig.receipt(order.id, "received")
    with rig.point("order.ready"):
        rig.receipt(order.id, "ready")
    held(rig, order)
    if rig.receipt(after.id, "received").at > at:
        raise MootError("a copy came when the order had begun: that is a replay", order)
    with rig.point("order.started") as note:
        told = on_time(rig, order)
        note.seen = f"{(told.receipt.at - order.play_at).total_seconds() * 1000:.0f} ms after its instant"
    with rig.point("order.finished") as note:
        note.seen = finished(rig, order, sound.duration_ms)
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


@case("renew.later", "renew.older")
def is_renewed(rig: Rig) -> None:
    """The hour changes: a second revision with another instant."""
    sound = rig.sound(0.5)
    in_time(rig, lambda attempt: _is_renewed(rig, attempt, sound))


def _is_renewed(rig: Rig, attempt: Attempt, sound: Sound) -> None:
    first = rig.order(attempt.name("renewed"), sound=sound, play_at=attempt.at)
    with rig.point("renew.later"):
        rig.receipt(first.id, "received", revision=1)
        second = rig.order(first.id, sound=sound, play_at=attempt.at + timedelta(seconds=0.4), revision=2)
        if _began_before_it_heard(rig, first.id):
            raise MootError("the first revision had begun when the second arrived", second)
        rig.receipt(first.id, "received", revision=2)
        with rig.point("renew.older", go_on=True):
            rig.publish(topics.area_order(AREA, first.id), first)
            rig.receipt(first.id, "refused", revision=1, reason="replayed")
        told = on_time(rig, second)
        rig.needs(told.receipt.revision == 2, f"revision {told.receipt.revision} began")
        finished(rig, second, sound.duration_ms)
        begun = [r for r in rig.receipts(first.id) if r.state == "started"]
        rig.needs(len(begun) == 1, f"it began {len(begun)} times")


def _began_before_it_heard(rig: Rig, order: str) -> bool:
    """Whether the first revision began before the receiver had the second; waits for the one or the other."""

    def look() -> str | None:
        for receipt in rig.receipts(order):
            if receipt.state == "started" or (receipt.state, receipt.revision) == ("received", 2):
                return receipt.state.value
        return None

    rig.wait(look, f"neither revision came in time; {rig.says(order)}", rig.patience_s, while_told=True)
    return look() == "started"


@case("late.waits", "late.missed")
def is_late(rig: Rig) -> None:
    """Two orders for an instant at which another plays: one may wait, the other may not."""
    sounds = [rig.sound(0.8), rig.sound(0.5), rig.sound(0.5)]
    in_time(rig, lambda attempt: _is_late(rig, attempt, sounds))


def _is_late(rig: Rig, attempt: Attempt, sounds: list[Sound]) -> None:
    at = attempt.at
    playing = rig.order(attempt.name("plays"), sound=sounds[0], play_at=at)
    soon = at + timedelta(seconds=0.3)
    waiting = rig.order(attempt.name("waits"), sound=sounds[1], play_at=soon)
    missing = rig.order(attempt.name("misses"), sound=sounds[2], play_at=soon, late_limit_s=0)
    held(rig, playing, waiting, missing)
    with rig.point("late.waits", go_on=True) as note:
        on_time(rig, playing)
        first = rig.receipt(playing.id, "finished", 1 + rig.patience_s).receipt
        second = rig.receipt(waiting.id, "started", 1 + rig.patience_s).receipt
        # Both instants are the receiver's; the sound of the first ended a little before it was written down.
        rig.needs(second.at >= first.at - timedelta(seconds=0.1), "two orders played at once")
        finished(rig, waiting, 500)
        late = second.evidence.late_ms if second.evidence else None
        note.seen = f"late_ms {late}"
    with rig.point("late.missed"):
        rig.receipt(missing.id, "missed", 1 + rig.patience_s, reason="too_late")
        rig.never(missing.id, "started")


@case("preempt.interrupted", "preempt.plays")
def is_preempted(rig: Rig) -> None:
    """A flood warning while a bulletin plays."""
    sounds = [rig.sound(2.0), rig.sound(0.5)]
    in_time(rig, lambda attempt: _is_preempted(rig, attempt, sounds))


def _is_preempted(rig: Rig, attempt: Attempt, sounds: list[Sound]) -> None:
    at = attempt.at
    routine = rig.order(attempt.name("routine"), sound=sounds[0], play_at=at)
    urgent_at = at + timedelta(seconds=1.2)
    urgent = rig.order(attempt.name("urgent"), sound=sounds[1], play_at=urgent_at, priority="emergency")
    held(rig, routine, urgent)
    with rig.point("preempt.interrupted", go_on=True) as note:
        wait = (at - now()).total_seconds() + rig.patience_s
        begun = rig.receipt(routine.id, "started", wait).receipt
        if begun.at > urgent_at - timedelta(seconds=0.4):
            raise MootError("the order that is to be displaced began too late for that", routine, urgent)
        told = rig.receipt(routine.id, "interrupted", 1 + rig.patience_s, reason="preempted")
        note.seen = broken_off(rig, told)
    with rig.point("preempt.plays"):
        on_time(rig, urgent)
        finished(rig, urgent, 500)


@case("drill.silent")
def is_drilled(rig: Rig) -> None:
    """An order of a type of its own: never live, whether drills are known or not."""
    sound = rig.sound(0.4)
    with rig.stage:
        _is_drilled(rig, sound)


def _is_drilled(rig: Rig, sound: Sound) -> None:
    order = rig.order("drill", sound=sound, play_at=now() + timedelta(seconds=rig.lead_s), publish=False)
    with rig.point("drill.silent") as note:
        rig.publish(topics.area_order(AREA, order.id), signed(content(order), Drill.TYP, rig.key))
        if "drills" not in rig.supported():
            rig.receipt(order.id, "refused", reason="wrong_type")
            note.seen = "it knows no drills"
            return
        wait = (order.play_at - now()).total_seconds() + rig.patience_s
        rig.receipt(order.id, "started", max(rig.patience_s, wait), reason="drill")
        rig.receipt(order.id, "finished", 1 + rig.patience_s, reason="drill")


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
