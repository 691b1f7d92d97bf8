"""Airings: the row decides, however late, often or at once it is looked at. On SQLite and on PostgreSQL."""

import json
import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from broadcaster.planning import FAULT
from broadcaster.storage.models import AiringReceiver, Receiver, Release
from devices.links.memory import MemoryLink
from devices.wire import topics
from devices.wire.messages import Cancellation, Configuration, Order
from devices.wire.signing import Keyring, verify
from schedules.recurrence import Recurring
from schedules.rules import Once
from tests.commune import Commune


def _once(commune: Commune, **after: float) -> Once:
    return Once(at=commune.clock.now() + timedelta(**after))


def _daily(rrule: str) -> Recurring:
    """From today, at 17:00 in Viet Nam."""
    return Recurring(start=datetime(2026, 11, 23, 17), rrule=rrule)  # noqa: DTZ001  wall-clock


def test_a_release_becomes_an_airing_an_order_and_three_receivers(commune: Commune) -> None:
    rule = _once(commune, hours=1)
    bulletin = commune.released(rule)
    commune.planner.run()
    (airing,) = commune.airings(bulletin)
    assert (airing.state, airing.due_at, airing.duration_ms) == ("dispatched", rule.at, 20_000)
    (record,) = commune.orders()
    order = commune.read(record)
    assert (order.play_at, order.airing, order.audience.areas) == (rule.at, airing.id, ("xa",))
    assert order.sound is not None
    assert order.sound.sha256 == airing.clip_sha256
    assert record.topics == [topics.area_order("xa", order.id)]  # one publish, however many receivers


def test_running_again_or_twice_at_once_changes_nothing(commune: Commune) -> None:
    commune.released(_daily("FREQ=DAILY"))
    threads = [threading.Thread(target=commune.new_planner().run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    airings, orders = commune.airings(), commune.orders()
    assert len(airings) == 14
    assert len({airing.due_at for airing in airings}) == 14
    assert len(orders) == 2  # within 48 h
    commune.new_planner().run()
    assert (len(commune.airings()), len(commune.orders())) == (14, 2)


def test_days_come_in_as_time_goes_on(commune: Commune) -> None:
    commune.released(_daily("FREQ=DAILY;UNTIL=20261231"))
    for _ in range(30):
        commune.planner.run()
        commune.clock.move(days=1)
    states = [airing.state for airing in commune.airings()]
    assert len(states) == 39
    assert states.count("missed") == 0
    assert set(states) == {"closed", "dispatched", "planned"}


def test_what_was_due_while_the_station_was_off_is_missed_and_says_so(commune: Commune) -> None:
    commune.released(_daily("FREQ=DAILY;COUNT=5"))
    commune.clock.move(days=3)
    commune.new_planner().run()
    airings = commune.airings()
    assert [airing.state for airing in airings] == ["missed", "missed", "missed", "dispatched", "dispatched"]
    assert all(airing.state_reason for airing in airings if airing.state == "missed")


def test_a_station_that_is_back_within_the_late_limit_still_sends(commune: Commune) -> None:
    commune.released(_once(commune, hours=1))
    commune.clock.move(hours=1, seconds=119)
    commune.planner.run()
    assert [airing.state for airing in commune.airings()] == ["dispatched"]


def test_what_was_due_before_its_release_is_not_an_airing(commune: Commune) -> None:
    bulletin = commune.written(_once(commune, minutes=5))
    commune.clock.move(minutes=10)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    commune.planner.run()
    assert commune.airings() == []


def test_an_edit_takes_the_order_back_with_a_signed_cancellation(commune: Commune) -> None:
    bulletin = commune.released(_once(commune, hours=1))
    commune.planner.run()
    commune.dispatcher.run()
    (sent,) = commune.orders()
    assert sent.published_at is not None
    commune.bulletins.edit(commune.editor, bulletin, commune.draft(_once(commune, hours=1), title="Khác"), revision=1)
    (taken,) = commune.orders()
    assert taken.published_at is None
    document = verify(taken.document.encode(), Keyring([commune.signatory.key.public()]), Order, Cancellation)
    assert isinstance(document, Cancellation)
    assert (document.order, document.revision) == (sent.id, sent.revision + 1)
    commune.dispatcher.run()
    assert commune.broker.retained(taken.topics[0]) == taken.document.encode()
    assert [airing.state for airing in commune.airings()] == ["cancelled"]
    # The next release of the same instant is another airing, with another order.
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=2)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    commune.planner.run()
    assert sorted(airing.state for airing in commune.airings()) == ["cancelled", "dispatched"]
    assert len({order.id for order in commune.orders()}) == 2


def test_an_order_is_cleared_from_the_broker_when_it_has_expired(commune: Commune) -> None:
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    commune.dispatcher.run()
    (order,) = commune.orders()
    assert commune.broker.retained(order.topics[0]) == order.document.encode()
    commune.clock.instant = order.expires_at
    commune.planner.run()
    commune.dispatcher.run()
    assert commune.broker.retained(order.topics[0]) is None
    assert [airing.state for airing in commune.airings()] == ["closed"]
    assert commune.orders()[0].cleared_at is not None


def test_a_broker_that_lost_everything_gets_everything_again(commune: Commune) -> None:
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    assert commune.dispatcher.run()
    commune.broker.stop(forget=True)
    assert not commune.dispatcher.run()
    commune.broker.start()
    assert commune.dispatcher.run()
    (order,) = commune.orders()
    assert commune.broker.retained(order.topics[0]) == order.document.encode()
    assert commune.broker.retained(topics.of_receiver("loa-dong", "configuration")) is not None


def test_what_can_no_longer_begin_is_not_sent_again(commune: Commune) -> None:
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    commune.dispatcher.run()
    (order,) = commune.orders()
    commune.clock.move(hours=1, seconds=121)
    commune.broker.stop(forget=True)
    commune.broker.start()
    assert commune.dispatcher.run()
    assert commune.broker.retained(order.topics[0]) is None
    assert commune.broker.retained(topics.of_receiver("loa-dong", "configuration")) is not None


def test_an_enrolment_sends_configurations_and_no_order_again(commune: Commune) -> None:
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    assert commune.dispatcher.run()
    watcher = MemoryLink(commune.broker, "watcher")
    watcher.subscribe(topics.area_order("xa", "+"), topics.of_receiver("+", "configuration"))
    watcher.open()
    assert len(watcher.receive(limit=10, wait_s=1)) == 4  # what is retained
    commune.dispatcher.reconfigure()
    assert commune.dispatcher.run()
    sent = [topics.parse(delivery.topic) for delivery in watcher.receive(limit=10, wait_s=1)]
    assert [topic.subject for topic in sent if topic] == ["configuration"] * 3
    watcher.close()


def test_a_configuration_is_signed_anew_only_when_it_changes_or_ages(commune: Commune) -> None:
    ring = Keyring([commune.signatory.key.public()])

    def revisions() -> list[int]:
        documents = [item.document.encode() for item in commune.receivers.configurations()]
        return [verify(document, ring, Configuration).revision for document in documents]

    assert revisions() == [1, 1, 1]
    commune.clock.move(days=300)
    assert revisions() == [1, 1, 1]
    commune.clock.move(days=50)
    assert revisions() == [2, 2, 2]
    first = verify(commune.receivers.configurations()[0].document.encode(), ring, Configuration)
    assert first.areas[0] == "tinh"


def _spoilt(commune: Commune, bulletin: str, **changes: object) -> str:
    """The release of a bulletin, with something else in its content than any release has; returns what it was."""
    with commune.database.writing() as session:
        release = session.scalars(select(Release).where(Release.bulletin_id == bulletin)).one()
        content = release.content
        session.execute(
            update(Release)
            .where(Release.id == release.id)
            .values(content=json.dumps({**json.loads(content), **changes}))
        )
    return content


def _mended(commune: Commune, bulletin: str, content: str) -> None:
    with commune.database.writing() as session:
        session.execute(update(Release).where(Release.bulletin_id == bulletin).values(content=content))


def test_a_release_that_cannot_be_planned_holds_up_no_other(commune: Commune) -> None:
    bulletins = [commune.released(_once(commune, hours=hours)) for hours in (1, 2, 3)]
    content = _spoilt(commune, bulletins[1], schedules=[{"id": "x", "rule": {"kind": "moon"}, "targets": {}}])
    for _ in range(2):
        commune.planner.run()
        assert {airing.bulletin_id for airing in commune.airings()} == {bulletins[0], bulletins[2]}
        assert len(commune.orders()) == 2
        (failure,) = commune.planner.failures
        assert failure.startswith("release ")
    _mended(commune, bulletins[1], content)
    commune.planner.run()
    assert len(commune.orders()) == 3
    assert commune.planner.failures == ()


def test_an_airing_whose_order_cannot_be_made_is_tried_until_it_is_too_late_and_holds_up_no_other(
    commune: Commune,
) -> None:
    bulletins = [commune.released(_once(commune, hours=hours)) for hours in (60, 61, 62)]
    commune.planner.run()
    assert commune.orders() == []
    content = _spoilt(commune, bulletins[0], card={"kind": "text"})
    _spoilt(commune, bulletins[1], card={"kind": "text"})
    commune.clock.move(hours=50)
    commune.planner.run()
    assert [airing.state for airing in commune.airings()] == ["planned", "planned", "dispatched"]
    assert [airing.state_reason for airing in commune.airings()] == [FAULT, FAULT, None]
    assert len(commune.planner.failures) == 2
    _mended(commune, bulletins[0], content)
    commune.planner.run()
    assert [airing.state_reason for airing in commune.airings()] == [None, FAULT, None]
    commune.clock.move(hours=13)
    commune.planner.run()
    states = {airing.bulletin_id: (airing.state, airing.state_reason) for airing in commune.airings()}
    assert states[bulletins[1]] == ("missed", FAULT)
    assert states[bulletins[0]][0] == "closed"
    assert commune.planner.failures == ()


def test_a_run_that_failed_at_its_end_is_done_again_as_a_whole(
    commune: Commune, monkeypatch: pytest.MonkeyPatch
) -> None:
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    with commune.database.writing() as session:
        session.execute(update(Receiver).where(Receiver.id == "loa-dong").values(revoked_at=commune.clock.now()))

    def failing(*_: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(commune.planner, "_next", failing)
        with pytest.raises(OSError, match="disk"):
            commune.planner.run()
    with commune.database.reading() as session:
        assert "loa-dong" in session.scalars(select(AiringReceiver.receiver_id)).all()
    commune.planner.run()
    assert commune.planner.moved
    with commune.database.reading() as session:
        assert sorted(session.scalars(select(AiringReceiver.receiver_id))) == ["led-xa", "loa-doai"]


def test_a_receiver_whose_configuration_cannot_be_made_holds_up_no_order(commune: Commune) -> None:
    commune.released(_once(commune, hours=1))
    with commune.database.writing() as session:
        session.execute(update(Receiver).where(Receiver.id == "loa-dong").values(name="Loa " * 60))
    commune.planner.run()
    assert commune.dispatcher.run()
    (order,) = commune.orders()
    assert commune.broker.retained(topics.area_order("xa", order.id)) is not None
    told = {name: commune.broker.retained(topics.of_receiver(name, "configuration")) for name in commune.keys}
    assert [name for name, document in told.items() if document is None] == ["loa-dong"]
    assert commune.receivers.failures == ("loa-dong",)
