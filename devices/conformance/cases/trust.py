"""Whom the receiver trusts: station keys that follow each other, re-homings, the order to forget everything."""

from datetime import timedelta

from devices.conformance.cases import case
from devices.conformance.rig import AREA, AREAS, LATER, MERGED_AREA, RECEIVER, STATION, Rig, now
from devices.wire import topics
from devices.wire.areas import Rehoming, Rehomings
from devices.wire.enrolment import StationKey, StationKeys, Wipe
from devices.wire.messages import Audience
from devices.wire.signing import SigningKey, sign, thumbprint

_WIPE = topics.of_receiver(RECEIVER, "wipe")
_START_S = 30.0


def _subscribed(rig: Rig, name: str, *points: str) -> bool:
    if rig.tap.current.filters.get(name) == 1:
        return True
    for point in points:
        rig.judge(point, "not tried", f"it does not subscribe to {name}")
    return False


@case("keys.refused", "keys.followed", phase="last")
def is_told_of_keys(rig: Rig) -> None:
    """A stranger announces his key, and then the station its next one."""
    with rig.point("keys.refused", go_on=True):
        stranger = rig.intruder
        for signer in (stranger, SigningKey.generate(rig.key.kid)):
            rig.publish(topics.keys(signer.kid), sign(_keys(9, stranger), signer), retain=False)
        order = rig.order("strangers-key", publish=False)
        rig.publish(topics.area_order(AREA, order.id), sign(order, stranger), retain=False)
        rig.receipt(rig.order("after-strangers-key").id, "received")
        rig.never(order.id, "received")
    with rig.point("keys.followed"):
        following = SigningKey.generate("kiem-thu-2")
        rig.publish(topics.keys(rig.key.kid), _keys(1, rig.key, following))
        order = rig.order("next-key", publish=False)
        rig.publish(topics.area_order(AREA, order.id), sign(order, following))
        rig.receipt(order.id, "received")
        rig.receipt(rig.order("former-key").id, "received")


def _keys(revision: int, *keys: SigningKey) -> StationKeys:
    found = tuple(StationKey(jwk=key.public().to_jwk()) for key in keys)
    return StationKeys(station=STATION, revision=revision, issued_at=now(), keys=found)


@case("rehoming.followed", phase="last")
def is_rehomed(rig: Rig) -> None:
    """The commune is to be merged in an hour: orders of the coming one are taken in now."""
    topic = topics.area_rehomings(AREAS[0])
    if not _subscribed(rig, topic, "rehoming.followed"):
        return
    at = now() + timedelta(hours=1)
    with rig.point("rehoming.followed"):
        rig.coming = (MERGED_AREA,)
        rig.publish(topic, _rehomings(1, Rehoming(area=AREA, line=(AREAS[0], MERGED_AREA), at=at)))
        wanted = topics.area_order(MERGED_AREA, "+")
        rig.wait(lambda: rig.tap.current.filters.get(wanted) == 1, f"it did not subscribe to {wanted} at QoS 1")
        coming = Audience(areas=(MERGED_AREA,))
        early = rig.order("before-merger", publish=False, audience=coming)
        rig.publish(topics.area_order(MERGED_AREA, early.id), early)
        order = rig.order("after-merger", publish=False, audience=coming, play_at=at + LATER)
        rig.publish(topics.area_order(MERGED_AREA, order.id), order)
        rig.receipt(order.id, "received")
        rig.needs(not rig.receipts(early.id), "it took an order of an area that was not yet its own at its `play_at`")
    rig.publish(topic, _rehomings(2))


def _rehomings(revision: int, *rehomings: Rehoming) -> Rehomings:
    return Rehomings(
        station=STATION,
        area=AREAS[0],
        revision=revision,
        issued_at=now(),
        expires_at=now() + timedelta(days=1),
        rehomings=rehomings,
    )


@case("wipe.refused", phase="last")
def is_told_to_forget_by_others(rig: Rig) -> None:
    """By a stranger, and by the station, but meant for the device that stood here before."""
    if not _subscribed(rig, _WIPE, "wipe.refused"):
        return
    with rig.point("wipe.refused"):
        rig.publish(_WIPE, sign(_wipe(rig), SigningKey.generate(rig.key.kid)), retain=False)
        rig.publish(_WIPE, _wipe(rig, of=rig.intruder), retain=False)
        rig.receipt(rig.order("after-wipe").id, "received")
        rig.never("after-wipe", "cancelled")
        rig.needs(not rig.wiped, "it says that it forgot everything")


@case("wipe.done", phase="last", needs_process=True)
def forgets(rig: Rig) -> None:
    """The very last: started once more, it is to deliver what waits and forget everything."""
    if rig.subject is None or not _subscribed(rig, _WIPE, "wipe.done"):
        return
    with rig.point("wipe.done") as note:
        before = rig.tap.current
        rig.subject.start()
        rig.wait(lambda: rig.tap.current is not before, "it did not connect again", _START_S)
        for name in tuple(rig.withheld):
            rig.release(name)  # it forgets only when every receipt has been delivered
        order = rig.order("taken-back-by-wipe")
        rig.receipt(order.id, "received")
        document = _wipe(rig)
        rig.publish(_WIPE, document)
        rig.receipt(order.id, "cancelled", reason="cancelled")
        rig.wait(lambda: rig.wiped, "no `wiped` came", 10 + rig.patience_s)
        rig.needs(rig.wiped[-1].wipe == document.id, "its `wiped` is of another wipe")
        rig.needs(rig.wiped[-1].undelivered == 0, f"{rig.wiped[-1].undelivered} receipts were not delivered")
        note.seen = "every receipt delivered"


def _wipe(rig: Rig, of: SigningKey | None = None) -> Wipe:
    public = rig.public_key if of is None else of.public()
    return Wipe(
        station=STATION,
        receiver=RECEIVER,
        id="quen-het",
        key_thumbprint=thumbprint(public.to_jwk()),
        issued_at=now(),
        expires_at=now() + timedelta(days=1),
        deadline=now() + timedelta(hours=1),
    )
