"""Where something airs: the station's day, the fewest publishes, orders that follow their receivers. On both databases."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from broadcaster.bulletins import Draft
from broadcaster.errors import ConflictError, InvalidError
from broadcaster.storage.models import AiringReceiver, Area, Receiver
from broadcaster.targets import Places, Targets
from devices.links.port import Delivery
from devices.receiver.intake import Intake
from devices.receiver.journal import Journal
from devices.receiver.place import Place
from devices.wire import topics
from devices.wire.messages import Audience, Cancellation, Configuration, Order
from devices.wire.signing import Keyring, verify
from schedules.recurrence import Recurring
from schedules.rules import Once
from tests.commune import Commune
from tests.unit.devices.test_intake import Plays, SoundOutput


def _once(commune: Commune, **after: float) -> Once:
    return Once(at=commune.clock.now() + timedelta(**after))


def _draft(commune: Commune, rule: Once | Recurring, targets: Targets) -> Draft:
    draft = commune.draft(None)
    return Draft(**{**vars(draft), "plan": ((rule, targets),)})


def _released(commune: Commune, rule: Once | Recurring, targets: Targets) -> str:
    bulletin = commune.bulletins.write(commune.editor, _draft(commune, rule, targets))
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=1)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    return bulletin


def _receivers(commune: Commune) -> list[str]:
    with commune.database.reading() as session:
        return list(session.scalars(select(AiringReceiver.receiver_id).order_by(AiringReceiver.receiver_id)))


def _move(commune: Commune, receiver: str, area: str) -> None:
    with commune.database.writing() as session:
        session.execute(update(Receiver).where(Receiver.id == receiver).values(area_id=area))


def test_areas_are_those_of_the_stations_day_on_which_it_airs(commune: Commune) -> None:
    """At 18:00 UTC it is 1:00 of the next day in Viet Nam; and a bulletin may be written before its area begins."""
    commune.clock.instant = datetime(2026, 11, 23, 18, tzinfo=UTC)
    with commune.database.writing() as session:
        for name, start in (("thon-moi", date(2026, 11, 24)), ("thon-sau", date(2026, 11, 26))):
            session.add(Area(id=name, name=name, kind="village", parent_id="xa", valid_from=start))
    commune.released(_once(commune, minutes=30), areas=("thon-moi",))  # type: ignore[arg-type]
    commune.released(_once(commune, hours=47), areas=("thon-sau",))  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="thon-sau"):
        commune.written(_once(commune, hours=46, minutes=50), areas=("thon-sau",))  # type: ignore[arg-type]
    _move(commune, "loa-dong", "thon-moi")
    commune.planner.run()
    first, second = commune.orders()
    assert [order.topics for order in (first, second)] == [
        [topics.area_order("thon-moi", first.id)],
        [topics.area_order("thon-sau", second.id)],
    ]
    assert _receivers(commune) == ["loa-dong"]


FEWEST: list[tuple[dict[str, list[str]], list[str], list[str]]] = [
    ({"areas": ["tinh"]}, ["areas/tinh"], ["led-xa", "loa-doai", "loa-dong"]),
    ({"areas": ["tinh", "xa", "thon-dong"], "receivers": ["loa-doai"]}, ["areas/tinh"], ["led-xa", "loa-doai", "loa-dong"]),
    ({"areas": ["thon-dong", "thon-doai"]}, ["areas/thon-doai", "areas/thon-dong"], ["loa-doai", "loa-dong"]),
    ({"areas": ["xa"], "excluded_areas": ["thon-dong"]}, ["areas/xa"], ["led-xa", "loa-doai"]),
    ({"areas": ["xa", "thon-dong"], "excluded_areas": ["xa"], "receivers": ["led-xa"]}, [], []),
    ({"areas": ["xa"], "excluded": ["loa-dong"], "kinds": ["loudspeaker"]}, ["areas/xa"], ["loa-doai"]),
    ({"areas": ["thon-dong"], "receivers": ["led-xa", "loa-dong"]}, ["areas/thon-dong", "receivers/led-xa"], ["led-xa", "loa-dong"]),
    ({"areas": ["thon-dong"], "receivers": ["led-xa"], "kinds": ["loudspeaker"]}, ["areas/thon-dong"], ["loa-dong"]),
]  # fmt: skip


def test_targets_come_to_the_fewest_publishes(commune: Commune) -> None:
    with commune.database.reading() as session:
        places = Places(session, date(2026, 11, 23))
    for targets, published, reached in FEWEST:
        found = places.resolve(Targets.model_validate(targets))
        audience = found.audience
        topics_of = [f"areas/{area}" for area in audience.areas] + [f"receivers/{name}" for name in audience.receivers]
        assert topics_of == published, targets
        assert [place.id for place in found.receivers] == reached, targets
        for place in places.receivers.values():  # what the server counts on is what a receiver decides by itself
            told = audience.includes(receiver=place.id, kind=place.kind, areas=places.lines[place.area_id])
            assert told == (place.id in reached), targets


def test_places_that_follow_a_change_are_those_that_would_be_read_anew(commune: Commune) -> None:
    day = date(2026, 11, 23)
    with commune.database.writing() as session:
        ended = {"valid_from": date(2025, 7, 1), "valid_to": date(2026, 11, 1)}
        session.add(Area(id="thon-cu", name="Thôn cũ", kind="village", parent_id="xa", **ended))
        session.flush()
        kept = Places(session, day)
        for receiver, change in (
            ("loa-dong", {"area_id": "thon-doai"}),
            ("loa-dong", {"area_id": "xa", "name": "Loa đình", "special_place": "school"}),
            ("loa-doai", {"area_id": "thon-cu"}),
            ("led-xa", {"revoked_at": commune.clock.now()}),
            ("loa-doai", {"area_id": "thon-dong"}),
            ("led-xa", {"revoked_at": None, "area_id": "tinh"}),
        ):
            session.execute(update(Receiver).where(Receiver.id == receiver).values(**change))
            kept, anew = kept.following(session, {receiver}), Places(session, day)
            assert kept.receivers == anew.receivers
            assert {area: kept.under(area) for area in kept.lines} == {area: anew.under(area) for area in anew.lines}
            assert kept.resolve(Targets(areas=("xa",))) == anew.resolve(Targets(areas=("xa",)))
        session.rollback()


def test_a_release_binds_to_what_a_group_is_and_not_to_its_name(commune: Commune) -> None:
    group = commune.groups.save(commune.operator, name="Hai thôn", targets=Targets(areas=("thon-dong", "thon-doai")))
    bulletin = commune.bulletins.write(
        commune.editor, _draft(commune, _once(commune, hours=1), Targets(groups=(group,), receivers=("led-xa",)))
    )
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=1)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    commune.groups.save(commune.operator, name="Hai thôn", targets=Targets(areas=("thon-dong",)), group=group)
    with pytest.raises(ConflictError, match="not what you saw"):
        commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    content, digest = commune.releases.preview(commune.approver, bulletin)
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    commune.groups.remove(commune.operator, group)
    commune.planner.run()
    assert _receivers(commune) == ["led-xa", "loa-dong"]
    assert content["schedules"][0]["targets"]["areas"] == ["thon-dong"]


def test_groups_hold_what_there_is_under_names_of_their_own(commune: Commune) -> None:
    save = commune.groups.save
    group = save(commune.operator, name="Loa", targets=Targets(receivers=("loa-dong",)))
    with pytest.raises(ConflictError):
        save(commune.operator, name="Loa", targets=Targets(areas=("xa",)))
    with pytest.raises(InvalidError, match="sao-hoa"):
        save(commune.operator, name="Sao", targets=Targets(areas=("sao-hoa",)))
    with pytest.raises(InvalidError, match="no other groups"):
        save(commune.operator, name="Nhóm của nhóm", targets=Targets(groups=(group,)))
    with pytest.raises(InvalidError, match="no group"):
        commune.bulletins.write(commune.editor, _draft(commune, _once(commune, hours=1), Targets(groups=("no-such",))))


class _Device:
    """One receiver's real judgement, on the in-memory broker."""

    def __init__(self, commune: Commune, name: str) -> None:
        self.commune, self.name = commune, name
        self.journal = Journal(":memory:")  # type: ignore[arg-type]
        self.place = Place(commune.signatory.station, name)
        self.place.output = SoundOutput()
        self._ring = Keyring([commune.signatory.key.public()])
        self.intake = Intake(
            self.place,
            self._ring,
            self.journal,
            commune.clock,
            Plays(),
            changed=lambda: None,
            configured=self._configured,
            rehomed=lambda found, _: self.place.rehomings.update({found.area: found}),
            clock_answered=lambda *_: None,
        )

    def _configured(self, configuration: Configuration, _: bytes) -> None:
        self.place.configuration = configuration

    def look(self) -> dict[str, tuple[int, str]]:
        """Take in all that is retained, twice, as brokers do; the orders with revision and state."""
        broker = self.commune.broker
        for _ in range(2):
            for topic in sorted(broker._retained, key=lambda topic: "configuration" not in topic):
                self.intake.handle(Delivery(topic, broker._retained[topic], 1))
        rows = self.journal._db.execute("SELECT id, revision, state FROM orders").fetchall()
        return {row[0]: (row[1], row[2]) for row in rows}


def _settle(commune: Commune) -> None:
    commune.planner.run()
    if commune.planner.moved:
        commune.dispatcher.renew_configurations()
    assert commune.dispatcher.run()


def test_an_order_that_stands_follows_its_receivers_and_is_never_playable_twice(commune: Commune) -> None:
    """loa-dong is moved from one village to the other while orders for both stand."""
    _released(commune, _once(commune, hours=1), Targets(areas=("thon-dong",)))
    _released(commune, _once(commune, hours=2), Targets(areas=("xa",), excluded_areas=("thon-dong",)))
    _settle(commune)
    device = _Device(commune, "loa-dong")
    east, others = commune.orders()
    assert device.look() == {east.id: (1, "received")}
    _move(commune, "loa-dong", "thon-doai")
    _settle(commune)
    assert device.look()[others.id] == (2, "received")
    renewed = commune.orders()[1]
    assert (renewed.revision, renewed.topics) == (2, [topics.area_order("xa", renewed.id)])
    assert commune.read(renewed).audience.excluded == ()
    assert _receivers(commune) == ["led-xa", "loa-doai", "loa-dong"]
    _move(commune, "loa-dong", "thon-dong")
    _settle(commune)
    # The third revision is no longer for it: what it held is taken back with it.
    assert device.look()[others.id] == (2, "cancelled")
    assert _receivers(commune) == ["led-xa", "loa-doai", "loa-dong"]


def test_where_an_order_stood_before_a_cancellation_stands(commune: Commune) -> None:
    _released(commune, _once(commune, hours=1), Targets(receivers=("loa-dong", "loa-doai")))
    _settle(commune)
    device = _Device(commune, "loa-doai")
    (order,) = commune.orders()
    assert device.look() == {order.id: (1, "received")}
    with commune.database.writing() as session:
        session.execute(update(Receiver).where(Receiver.id == "loa-doai").values(revoked_at=commune.clock.now()))
    _settle(commune)
    (renewed,) = commune.orders()
    assert (renewed.revision, renewed.topics) == (3, [topics.receiver_order("loa-dong", order.id)])
    left = topics.receiver_order("loa-doai", order.id)
    document = verify(
        (commune.broker.retained(left) or b""), Keyring([commune.signatory.key.public()]), Order, Cancellation
    )
    assert isinstance(document, Cancellation)
    assert (document.revision, document.audience) == (2, Audience(receivers=("loa-doai",), excluded=("loa-dong",)))
    assert device.look() == {order.id: (1, "cancelled")}
    commune.clock.instant = renewed.expires_at
    _settle(commune)
    assert commune.broker.retained(left) is None


def test_an_order_whose_last_receiver_is_gone_is_taken_back(commune: Commune) -> None:
    _released(commune, _once(commune, hours=1), Targets(receivers=("loa-dong",)))
    _settle(commune)
    with commune.database.writing() as session:
        session.execute(update(Receiver).where(Receiver.id == "loa-dong").values(revoked_at=commune.clock.now()))
    _settle(commune)
    (airing,) = commune.airings()
    assert airing.state == "cancelled"
    assert airing.state_reason is not None
    assert commune.orders()[0].cancelled


def test_a_change_elsewhere_renews_nothing(commune: Commune) -> None:
    _released(commune, _once(commune, hours=1), Targets(areas=("thon-dong",)))
    _settle(commune)
    _move(commune, "loa-doai", "xa")
    _settle(commune)
    assert [order.revision for order in commune.orders()] == [1]


@pytest.mark.parametrize("hour", [1, -1])
def test_a_clock_that_jumps_by_an_hour_and_back_loses_and_doubles_nothing(commune: Commune, hour: int) -> None:
    """Three airings in the hour around the jump; one is released while the clock is wrong."""
    for minutes in (20, 40):
        _released(commune, _once(commune, minutes=minutes), Targets(areas=("xa",)))
    late = _once(commune, minutes=50)
    _settle(commune)
    before = {order.id: order.document for order in commune.orders()}
    commune.clock.move(hours=hour)
    _settle(commune)
    written = _released(commune, late, Targets(areas=("thon-dong",)))
    _settle(commune)
    commune.clock.move(hours=-hour, minutes=1)
    _settle(commune)
    assert [airing.state for airing in commune.airings()] == ["dispatched"] * len(commune.airings())
    assert {order.id: order.document for order in commune.orders() if order.id in before} == before
    for order in commune.orders():
        assert commune.broker.retained(order.topics[0]) == order.document.encode()
    # Released by a clock that ran ahead, its instant was over by then: it is no airing. Else it is one, once.
    assert len(commune.airings(written)) == (0 if hour > 0 else 1)
    commune.clock.move(hours=2)
    _settle(commune)
    assert {airing.state for airing in commune.airings()} == {"closed"}


def test_an_hour_ahead_for_good_says_what_was_missed(commune: Commune) -> None:
    """Planned and not yet sent, as by a station that was off, then the clock jumps past it: missed; set back: sent."""
    _released(commune, _once(commune, minutes=30), Targets(areas=("xa",)))
    commune.clock.move(hours=1)
    _settle(commune)
    assert [airing.state for airing in commune.airings()] == ["missed"]
    commune.clock.move(minutes=-50)
    _settle(commune)
    assert [airing.state for airing in commune.airings()] == ["dispatched"]


def test_a_server_stopped_over_three_instants_ends_with_the_right_states(commune: Commune) -> None:
    """Two orders had gone out and stand on the broker; the third bulletin was released and never sent."""
    for minutes in (10, 20):
        _released(commune, _once(commune, minutes=minutes), Targets(areas=("xa",)))
    _settle(commune)
    _released(commune, _once(commune, minutes=30), Targets(areas=("xa",)))
    commune.clock.move(hours=1)
    commune.planner = commune.new_planner()
    commune.planner.run()
    assert [airing.state for airing in commune.airings()] == ["closed", "closed", "missed"]
    commune.planner.run()
    assert [airing.state for airing in commune.airings()] == ["closed", "closed", "missed"]
    assert len(commune.orders()) == 2
