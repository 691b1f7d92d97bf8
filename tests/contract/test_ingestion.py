"""Receipts in: verified, written once, acknowledged after the commit; the log is a chain. On both databases."""

import pytest
from sqlalchemy import select

from broadcaster import asrun
from broadcaster.ladder import current, ladder
from broadcaster.storage.models import ReceiptEnvelope, Receiver, RejectedMessage
from devices.links.memory import MemoryLink
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.messages import Acknowledgement, Presence, ReceiptState
from devices.wire.signing import Keyring, SigningKey, sign, verify
from tests.commune import STATION, Commune
from tests.contract.test_planning import _once


def _take(commune: Commune, *messages: tuple[str, bytes]) -> None:
    commune.ingestion.take([Delivery(topic, payload) for topic, payload in messages])


def _aired(commune: Commune) -> str:
    """An airing whose order is out; returns the order's id."""
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    return commune.orders()[0].id


def test_a_receipt_is_logged_once_with_names_copied_in_and_acknowledged_by_signature(commune: Commune) -> None:
    device = MemoryLink(commune.broker, "loa-dong")
    device.subscribe(topics.of_receiver("loa-dong", "acknowledgements"))
    device.open()
    order = _aired(commune)
    message = commune.message("loa-dong", commune.receipt("loa-dong", order, ReceiptState.RECEIVED))
    for _ in range(3):
        _take(commune, message, message)
    (row,) = commune.log()
    assert (row.receiver_name, row.bulletin_title, row.state) == ("Máy loa-dong", "Chuyển đổi số", "received")
    (first, *_) = device.receive(limit=10, wait_s=1)
    acknowledged = verify(first.payload, Keyring([commune.signatory.key.public()]), Acknowledgement)
    assert acknowledged.receipts == ("loa-dong-1", "loa-dong-1")
    with commune.database.reading() as session:
        assert session.scalars(select(ReceiptEnvelope.document)).all() == [message[1].decode()]
    device.close()


def test_nothing_is_acknowledged_when_the_write_fails(commune: Commune, monkeypatch: pytest.MonkeyPatch) -> None:
    order = _aired(commune)
    message = commune.message("loa-dong", commune.receipt("loa-dong", order, ReceiptState.RECEIVED))
    published: list[str] = []
    with monkeypatch.context() as broken:
        broken.setattr(commune.link, "publish", lambda topic, *_: published.append(topic))
        broken.setattr(asrun, "append", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            _take(commune, message)
    assert published == []
    assert commune.log() == []
    _take(commune, message)
    assert len(commune.log()) == 1


def test_what_does_not_fit_is_kept_apart_with_its_reason(commune: Commune) -> None:
    order = _aired(commune)
    good = commune.receipt("loa-dong", order, ReceiptState.FINISHED)
    topic, payload = commune.message("loa-dong", good)
    forged = commune.message("loa-dong", good, key=SigningKey.generate())
    flipped = (topic, payload[:-3] + (b"AAA" if payload[-3:] != b"AAA" else b"BBB"))
    elsewhere = (topics.of_receiver("loa-doai", "receipts"), payload)
    unknown = (topics.of_receiver("la", "receipts"), payload)
    wrong_subject = (topics.of_receiver("loa-dong", "health"), payload)
    _take(commune, forged, flipped, elsewhere, unknown, wrong_subject, (topic, b"rubbish"), (topic, b"rubbish"))
    assert commune.log() == []
    with commune.database.reading() as session:
        reasons = [(row.reason, row.times) for row in session.scalars(select(RejectedMessage))]
    assert [times for _, times in reasons] == [1, 1, 1, 1, 1, 2]
    assert [
        word
        for word, (reason, _) in zip(
            ("unknown_key", "bad_signature", "unknown_key", "no receiver", "does not belong", "malformed"),
            reasons,
            strict=True,
        )
        if word in reason
    ] == ["unknown_key", "bad_signature", "unknown_key", "no receiver", "does not belong", "malformed"]


def test_a_revoked_receiver_is_not_believed(commune: Commune) -> None:
    order = _aired(commune)
    with commune.database.writing() as session:
        session.get_one(Receiver, "loa-dong").revoked_at = commune.clock.now()
    _take(commune, commune.message("loa-dong", commune.receipt("loa-dong", order, ReceiptState.FINISHED)))
    assert commune.log() == []


def test_the_ladder_says_what_each_receiver_said(commune: Commune) -> None:
    order = _aired(commune)
    states = (ReceiptState.RECEIVED, ReceiptState.READY, ReceiptState.STARTED, ReceiptState.FINISHED)
    for number, state in enumerate(states, 1):
        _take(commune, commune.message("loa-dong", commune.receipt("loa-dong", order, state, number=number)))
    _take(commune, commune.message("led-xa", commune.receipt("led-xa", order, ReceiptState.RECEIVED)))
    with commune.database.reading() as session:
        airing = current(session, commune.clock.now())
        assert airing is not None
        proof = ladder(session, airing)
    assert {climb.receiver: climb.outcome for climb in proof.climbs} == {
        "loa-dong": "finished",
        "led-xa": "received",
        "loa-doai": "unknown",
    }
    assert (proof.count("received"), proof.count("finished")) == (2, 1)


def test_a_late_last_will_does_not_put_out_the_connection_after_it(commune: Commune) -> None:
    def presence(state: str, session: str) -> tuple[str, bytes]:
        document = Presence(
            station=STATION,
            receiver="loa-dong",
            state="online" if state == "online" else "offline",
            session=session,
            at=commune.clock.now(),
            software="test 1",
        )
        return topics.of_receiver("loa-dong", "presence"), sign(document, commune.keys["loa-dong"])

    def seen() -> str | None:
        with commune.database.reading() as session:
            return session.get_one(Receiver, "loa-dong").presence

    first_online, first_will = presence("online", "a"), presence("offline", "a")
    _take(commune, first_online)
    assert seen() == "online"
    commune.clock.move(seconds=5)
    _take(commune, presence("online", "b"))
    _take(commune, first_will)
    assert seen() == "online"
    _take(commune, presence("offline", "b"))
    assert seen() == "offline"
