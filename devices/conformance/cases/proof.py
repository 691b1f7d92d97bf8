"""Receipts until they are acknowledged, broken lines, power cuts."""

import time
from collections import Counter
from datetime import timedelta

from devices.conformance.cases import case
from devices.conformance.rig import RECEIVER, NotSeenError, Rig, Told, now
from devices.wire import topics
from devices.wire.signing import SigningKey

AGAIN_S = 7.0
"""The first repetition comes after about 5 s."""
START_S = 30.0
RECONNECT_S = 15.0
KEPT = "kept"


@case("receipt.again")
def is_not_acknowledged(rig: Rig) -> None:
    """Nobody acknowledges but the broker and a forger."""
    rig.withheld.add(KEPT)
    order = rig.order(KEPT)
    with rig.point("receipt.again") as note:
        first = rig.receipt(order.id, "received")
        names = [r.id for r in rig.receipts(order.id)]
        rig.acknowledge(names, now(), rig.intruder)
        rig.acknowledge(names, now(), SigningKey.generate(rig.key.kid))
        rig.wait(lambda: len(_copies(rig, first.receipt.id)) > 1, "it was not sent again", AGAIN_S + rig.patience_s / 2)
        copies = _copies(rig, first.receipt.id)
        note.seen = f"again after {(copies[1].at - copies[0].at).total_seconds():.1f} s"


def _copies(rig: Rig, receipt: str) -> list[Told]:
    return [told for told in list(rig.told) if told.receipt.id == receipt]


@case(
    "alone.plays", "alone.subscribes", "alone.innocent", "receipt.reconnection", "receipt.freed", "refuse.once",
    phase="last",
)  # fmt: skip
def loses_the_line(rig: Rig) -> None:
    """The line is cut before an order's instant, and mended after its end."""
    rig.withheld.update((KEPT, "alone"))
    asked = now()
    order = rig.order("alone", sound=rig.sound(0.5), play_at=now() + timedelta(seconds=rig.lead_s))
    with rig.point("alone.plays"):
        rig.receipt(order.id, "ready")
    before, told, sessions = rig.tap.current, len(rig.told), {p.session for p in rig.presence}
    refused = Counter(t.receipt.document_sha256 for t in rig.told if t.receipt.document_sha256)
    waiting = {r.id: r for name in (KEPT, "alone") for r in rig.receipts(name)}
    # It has read what was acknowledged well before the order that it is ready for now.
    safe = {name for name, at in rig.acknowledged.items() if at < asked - timedelta(seconds=0.5)}
    rig.tap.cut()
    rig.until(order.play_at + timedelta(seconds=1.5))
    mended = now()
    rig.tap.mend()
    with rig.point("alone.subscribes"):
        rig.wait(lambda: rig.tap.current is not before, "it did not connect again", RECONNECT_S)
        again = rig.tap.current
        rig.wait(lambda: set(before.filters) <= set(again.filters), "it did not subscribe anew")
        rig.wait(
            lambda: any(p.state == "online" and p.session not in sessions for p in list(rig.presence)),
            "there was no presence of a new session",
        )
    with rig.point("alone.plays", go_on=True) as note:
        started = rig.receipt(order.id, "started", RECONNECT_S).receipt
        rig.receipt(order.id, "finished", RECONNECT_S)
        rig.needs(started.at < mended, f"it began at {started.at}, when the line was mended, not at {order.play_at}")
        note.seen = f"{(started.at - order.play_at).total_seconds() * 1000:.0f} ms after its instant"
    with rig.point("receipt.reconnection", go_on=True):
        for name, first in waiting.items():
            rig.wait(
                lambda name=name: any(t.receipt.id == name for t in rig.told[told:]),  # type: ignore[misc]  # bound now
                f"the receipt {first.state} of {first.order} was not sent again",
            )
        numbers = {(t.receipt.id, t.receipt.sequence) for t in list(rig.told) if t.receipt.id in waiting}
        rig.needs(len(numbers) == len(waiting), "a receipt came again with another sequence")
    rig.release("alone")
    rig.receipt(rig.order("after-line").id, "received")  # what the broker hands out again has been judged by now
    later = rig.told[told:]
    with rig.point("receipt.freed", go_on=True):
        twice = [t.receipt for t in later if t.receipt.id in safe]
        rig.needs(not twice, f"{len(twice)} came again, such as {twice[0].state} of {twice[0].order}" if twice else "")
    with rig.point("alone.innocent", go_on=True):
        guilty = [t.receipt for t in later if t.receipt.reason == "replayed"]
        rig.needs(not guilty, f"{guilty[0].order} is called a replay" if guilty else "")
    with rig.point("refuse.once", go_on=True):
        ids = {t.receipt.id: t.receipt.document_sha256 for t in list(rig.told) if t.receipt.document_sha256}
        repeated = [digest for digest, times in Counter(ids.values()).items() if times > 1]
        rig.needs(refused, "nothing was refused before")
        rig.needs(not repeated, f"{len(repeated)} documents were refused twice")


@case(
    "restart.interrupted", "restart.plays", "restart.receipts", "restart.goodbye", phase="last", needs_process=True
)  # fmt: skip
def loses_power(rig: Rig) -> None:
    """The power goes while one order plays and another waits; when it is back, the broker is not."""
    if rig.subject is None:
        return
    rig.withheld.add("cut-off")
    sounds = [rig.sound(10.0), rig.sound(0.5)]  # the first: longer than any line takes to tell of its beginning
    at = now() + timedelta(seconds=rig.lead_s)
    cut_off = rig.order("cut-off", sound=sounds[0], play_at=at)
    waits = rig.order("waits-for-power", sound=sounds[1], play_at=at + timedelta(seconds=1.2))
    with rig.point("restart.interrupted"):
        rig.receipt(waits.id, "ready")
        started = rig.receipt(cut_off.id, "started", rig.lead_s + rig.patience_s)
    before = {r.id: r for r in rig.receipts(cut_off.id)}
    told = len(rig.told)
    rig.subject.kill()
    rig.tap.cut()
    calls = rig.tap.turned_away
    rig.subject.start()
    restarted = time.monotonic()
    with rig.point("restart.plays") as note:
        rig.wait(lambda: rig.tap.turned_away > calls, "after its restart it did not look for the broker", START_S)
        took = time.monotonic() - restarted  # it may need as long again before anything sounds
        rig.until(max(waits.play_at, now()) + timedelta(seconds=max(0.9, took)))
        mended = now()
        rig.tap.mend()
        begun = rig.receipt(waits.id, "started", RECONNECT_S).receipt
        rig.receipt(waits.id, "finished", RECONNECT_S)
        rig.needs(begun.at < mended, f"it began at {begun.at}, when the line was mended, not at {waits.play_at}")
        note.seen = f"{(begun.at - waits.play_at).total_seconds():.2f} s after its instant"
    with rig.point("restart.interrupted", go_on=True):
        rig.receipt(cut_off.id, "interrupted", reason="restarted")
        rig.never(cut_off.id, "finished")
        again = [r for r in rig.receipts(cut_off.id) if r.state == "started" and r.id != started.receipt.id]
        rig.needs(not again, "it was played again")
    with rig.point("restart.receipts", go_on=True):
        for name, first in before.items():
            rig.wait(
                lambda name=name: any(t.receipt.id == name for t in rig.told[told:]),  # type: ignore[misc]  # bound now
                f"the receipt {first.state} of before did not come again",
            )
    with rig.point("restart.goodbye") as note:
        connection = rig.tap.current
        code = rig.subject.stop(max(10.0, rig.patience_s))
        topic = topics.of_receiver(RECEIVER, "presence")
        rig.wait(lambda: connection.goodbye, "it did not send DISCONNECT")
        last = [p for p in connection.published if p.topic == topic]
        rig.wait(lambda: rig.presence[-1].state == "offline", "it did not publish `offline`")
        rig.needs(last and last[-1].retain, "its `offline` is not retained")
        note.seen = f"ended with {code}"


def judge_what_was_said(rig: Rig) -> None:
    """Points about everything that the receiver published and subscribed, judged at the end."""
    said = [p for connection in rig.tap.connections for p in connection.published]
    with rig.point("documents.signed", go_on=True) as note:
        rig.needs(not rig.faults, f"{len(rig.faults)} faults, such as {rig.faults[0]}" if rig.faults else "")
        rig.needs(said, "it published nothing")
        note.seen = f"{len(said)} documents"
    with rig.point("documents.limits", go_on=True) as note:
        longest = max((len(p.payload) for p in said), default=0)
        rig.needs(longest <= 65_536, f"a document of {longest} bytes")
        note.seen = f"the longest has {longest} bytes"
    with rig.point("topics.own", go_on=True):
        retained = {topics.of_receiver(RECEIVER, "presence"): True}
        for subject in ("receipts", "health", "clock-probes", "wiped"):
            retained[topics.of_receiver(RECEIVER, subject)] = False
        for p in said:
            if p.topic not in retained:
                raise_not_seen(f"it wrote to {p.topic}")
            rig.needs(p.qos == 1 and p.retain == retained[p.topic], f"{p.topic}: QoS {p.qos}, retain {p.retain}")
        for connection in rig.tap.connections:
            for name in connection.filters:
                rig.needs(_may_read(name, rig), f"it subscribed to {name}")
    with rig.point("order.punctual", go_on=True) as note:
        begun = [
            (told, order)
            for told in rig.told
            if told.receipt.state == "started"
            and (order := rig.orders.get((told.receipt.order, told.receipt.revision))) is not None
        ]
        rig.needs(begun, "nothing began")
        for told, order in begun:
            if min(told.receipt.at, told.at) < order.play_at:
                raise_not_seen(f"{order.id} was due at {order.play_at}; begun {told.receipt.at}, told of {told.at}")
            rig.needs(told.receipt.at <= order.latest_start, f"{order.id} began after its latest start")
        note.seen = f"{len({order.id for _, order in begun})} orders"
    with rig.point("receipt.sequence", go_on=True) as note:
        numbers = {t.receipt.id: t.receipt.sequence for t in rig.told}
        rig.needs(numbers, "no receipt came")
        rig.needs(len(set(numbers.values())) == len(numbers), "a sequence was used for two receipts")
        lowest, highest = min(numbers.values()), max(numbers.values())
        rig.needs(highest - lowest + 1 == len(numbers), f"{len(numbers)} receipts from {lowest} to {highest}")
        note.seen = f"{lowest} to {highest}"


def raise_not_seen(what: str) -> None:
    """For expressions."""
    raise NotSeenError(what)


def _may_read(name: str, rig: Rig) -> bool:
    areas = rig.coming if rig.configuration is None else (*rig.configuration.areas, *rig.coming)
    own = {topics.of_receiver(RECEIVER, s) for s in ("configuration", "acknowledgements", "clock-answers", "wipe")}
    own |= {topics.receiver_order(RECEIVER, "+"), topics.receiver_stop(RECEIVER, "+"), topics.keys("+")}
    for area in areas:
        own |= {topics.area_order(area, "+"), topics.area_stop(area, "+"), topics.area_rehomings(area)}
    return name in own
