"""Connecting, configuration, health, the clock."""

from datetime import timedelta

from devices.conformance.cases import case
from devices.conformance.rig import (
    AREA,
    AREAS,
    HEALTH_EVERY_S,
    NEW_AREA,
    OTHER_AREA,
    RECEIVER,
    CaseOverError,
    NotSeenError,
    Rig,
    now,
)
from devices.conformance.tap import Connection
from devices.wire import topics
from devices.wire.messages import Audience, Document, Presence
from devices.wire.signing import Keyring, RefusedError, SigningKey, sign, verify


@case(
    "connect.session", "connect.subscriptions", "connect.will", "connect.presence", "configuration.taken", phase="first"
)
def connects(rig: Rig) -> None:
    """A receiver connects for the first time and finds its configuration."""
    rig.configure(1)
    with rig.point("connect.session", go_on=True) as note:
        try:
            ended = rig.wait(lambda: rig.tap.connections or rig.ended(), "it did not connect", rig.connect_within_s)
            rig.needs(rig.tap.connections, f"it did not connect: {ended}")
        except NotSeenError as error:
            rig.judge("connect.session", "fail", str(error))
            raise CaseOverError from error
        found = rig.tap.current
        rig.needs(found.level == 4, f"protocol level {found.level}, not 4 (MQTT 3.1.1)")
        rig.needs(not found.clean_session, "clean session was asked for: the broker would keep nothing")
        names = (found.client_id, found.username)
        rig.needs(names == (RECEIVER, RECEIVER), f"client id and user name {names}, not {RECEIVER} both")
        note.seen = "level 4, clean session off"
    own = {topics.of_receiver(RECEIVER, s) for s in ("configuration", "acknowledgements", "clock-answers")}
    own.add(topics.receiver_order(RECEIVER, "+"))
    with rig.point("connect.subscriptions", go_on=True):
        rig.wait(lambda: own <= _at_qos_1(rig.tap.current), _lacking(own, rig.tap.current))
    with rig.point("connect.presence", go_on=True):
        rig.wait(lambda: rig.presence, "no presence came")
        rig.needs(rig.presence[-1].state == "online", f"the first presence says {rig.presence[-1].state}")
    _will(rig)
    with rig.point("configuration.taken"):
        filters = {topics.area_order(area, "+") for area in AREAS}
        rig.wait(lambda: filters <= _at_qos_1(rig.tap.current), _lacking(filters, rig.tap.current))


def _will(rig: Rig) -> None:
    with rig.point("connect.will", go_on=True) as note:
        will = rig.tap.current.will
        if will is None:
            rig.judge("connect.will", "fail", "there is none")
            return
        topic = topics.of_receiver(RECEIVER, "presence")
        rig.needs(
            (will.topic, will.qos, will.retain) == (topic, 1, True), f"{will.topic} QoS {will.qos}, {will.retain=}"
        )
        try:
            found = verify(will.payload, Keyring([rig.public_key]), Presence)
        except RefusedError as error:
            rig.judge("connect.will", "fail", f"it is no signed presence: {error}")
            return
        rig.needs(found.state == "offline", f"it says {found.state}")
        online = rig.presence[-1] if rig.presence else None
        if online is not None:
            same = (found.session, found.at) == (online.session, online.at)
            rig.needs(same, "its session and instant are not those of the presence that followed")
        note.seen = f"session {found.session}"


def _at_qos_1(connection: Connection) -> set[str]:
    return {name for name, qos in connection.filters.items() if qos == 1}


def _lacking(wanted: set[str], connection: Connection) -> str:
    return f"not subscribed at QoS 1 in time: {', '.join(sorted(wanted))}; there are {sorted(connection.filters)}"


@case("health.at-once", phase="first")
def is_well(rig: Rig) -> None:
    """Health comes with the connection and the configuration, not only when the interval is over."""
    with rig.point("health.at-once") as note:
        rig.wait(lambda: rig.health, "no health came", min(rig.patience_s, HEALTH_EVERY_S - 1))
        note.seen = f"{len(rig.health[-1].problems)} problems"


@case("configuration.renewed", phase="first")
def moves(rig: Rig) -> None:
    """A commune is merged: the receiver's line has one more area."""
    with rig.point("configuration.renewed"):
        areas = (*AREAS, NEW_AREA)
        rig.configure(2, areas=areas)
        wanted = {topics.area_order(area, "+") for area in areas}
        rig.wait(lambda: wanted <= _at_qos_1(rig.tap.current), _lacking(wanted, rig.tap.current))
        order = rig.order("new-area", publish=False, audience=Audience(areas=(NEW_AREA,)))
        rig.publish(topics.area_order(NEW_AREA, order.id), order)
        rig.receipt(order.id, "received")


@case("configuration.refused")
def is_not_told_lies(rig: Rig) -> None:
    """Configurations that must change nothing: each would move the receiver to another commune."""
    with rig.point("configuration.refused"):
        topic = topics.of_receiver(RECEIVER, "configuration")
        elsewhere = (AREAS[0], OTHER_AREA)
        lies: list[Document | bytes] = [
            sign(rig.configure(9, publish=False, areas=elsewhere), rig.intruder),
            sign(rig.configure(9, publish=False, areas=elsewhere), SigningKey.generate(rig.key.kid)),
            rig.configure(9, publish=False, areas=elsewhere, receiver="may-khac"),
            rig.configure(9, publish=False, areas=elsewhere, station="dai-khac"),
            rig.configure(9, publish=False, areas=elsewhere, expires_at=now() - timedelta(hours=1)),
            rig.configure(1, publish=False, areas=elsewhere),
        ]
        for lie in lies:
            rig.publish(topic, lie, retain=False)
        order = rig.order("after-lies")  # messages of one connection come in order: what follows has been judged after
        rig.receipt(order.id, "received")
        connection = rig.tap.current
        rig.needs(topics.area_order(OTHER_AREA, "+") not in connection.filters, "it followed a false configuration")
        rig.needs(topics.area_order(AREA, "+") in connection.filters, "it left its area for a false configuration")


@case("health.repeated", "clock.probe")
def goes_on_telling(rig: Rig) -> None:
    """Health comes again, and says how far the station's clock is off."""
    with rig.point("health.repeated", go_on=True) as note:
        before = len(rig.health)
        first = rig.health[-1].at if rig.health else None
        rig.wait(lambda: len(rig.health) > before, "none came", HEALTH_EVERY_S * 1.5 + rig.patience_s / 2)
        if first is not None:
            note.seen = f"{(rig.health[-1].at - first).total_seconds():.1f} s after the one before"
    if not rig.probes:
        rig.judge("clock.probe", "not tried", "the receiver did not ask")
        return
    with rig.point("clock.probe") as note:
        offsets = [h.clock_offset_ms for h in rig.health if h.clock_offset_ms is not None]
        rig.needs(offsets, "it asked, and its health does not say what came out")
        rig.needs(abs(offsets[-1]) < 60_000, f"offset {offsets[-1]} ms: it believed a forged answer")
        note.seen = f"offset {offsets[-1]} ms"
