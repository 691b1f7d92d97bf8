"""Receipts in: verified, written once, acknowledged after the commit; the log is a chain. On both databases."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from broadcaster import asrun, backlog, ledger, set_apart
from broadcaster.ingestion import Ingestion
from broadcaster.ladder import current, ladder
from broadcaster.storage.models import ReceiptEnvelope, Receiver, RejectedMessage
from devices.links.memory import MemoryLink
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.enrolment import Wiped
from devices.wire.examples import HEALTH, PRESENCE, RECEIPTS, payload
from devices.wire.messages import Acknowledgement, Presence, Reason, Receipt, Receipts, ReceiptState
from devices.wire.signing import Keyring, SigningKey, sign, verify
from tests.commune import STATION, ZONE, Commune
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


def test_what_cannot_be_written_is_set_apart_and_holds_up_nobody(
    commune: Commune, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "DIRECT", 0)
    append = asrun.append

    def failing(session: Session, rows: Sequence[dict[str, Any]], **how: Any) -> None:
        append(session, rows, **how)
        if any(row["state"] == "failed" for row in rows):
            raise ValueError("no log has such a row")

    monkeypatch.setattr(asrun, "append", failing)
    order = _aired(commune)
    device = MemoryLink(commune.broker, "loa-dong")
    device.subscribe(topics.of_receiver("loa-dong", "acknowledgements"))
    device.open()
    gone = commune.clock.now() - timedelta(hours=1)

    def told(number: int, state: ReceiptState, at: datetime | None = None) -> tuple[str, bytes]:
        return commune.message("loa-dong", commune.receipt("loa-dong", order, state, number=number, at=at))

    unreadable = (topics.of_receiver("loa-doai", "receipts"), b"\0.\0.\0")
    states = (ReceiptState.RECEIVED, ReceiptState.FAILED, ReceiptState.READY, ReceiptState.STARTED)
    _take(commune, *(told(number, state) for number, state in enumerate(states, 1)), unreadable)
    _take(commune, *(told(number, state, gone) for number, state in enumerate(states, 11)))
    assert commune.ingestion.waiting == 4
    while commune.ingestion.waiting:
        commune.ingestion.catch_up()
    assert [row.receiver_seq for row in commune.log()] == [1, 3, 4, 11, 13, 14]
    with commune.database.reading() as session:
        kept = [(row.code, row.receiver_id, row.reason) for row in session.scalars(select(RejectedMessage))]
        assert ledger.verify(session, Keyring([commune.signatory.key.public()])).ok
    assert [(code, receiver) for code, receiver, _ in kept] == [
        ("unwritable", "loa-dong"),
        ("malformed", "loa-doai"),
        ("unwritable", "loa-dong"),
    ]
    assert kept[0][2] == "ValueError: no log has such a row"
    documents = [
        verify(each.payload, Keyring([commune.signatory.key.public()]), Acknowledgement)
        for each in device.receive(limit=10, wait_s=1)
    ]
    assert [name for document in documents for name in document.receipts] == [
        f"loa-dong-{n}" for n in (1, 3, 4, 11, 13, 14)
    ]
    device.close()


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
        kept = {(row.code, row.receiver_id): row.times for row in session.scalars(select(RejectedMessage))}
    assert kept == {
        ("unknown_key", "loa-dong"): 1,
        ("bad_signature", "loa-dong"): 1,
        ("unknown_key", "loa-doai"): 1,
        ("unknown_receiver", "la"): 1,
        ("wrong_topic", "loa-dong"): 1,
        ("malformed", "loa-dong"): 2,
    }


def test_receipts_that_cannot_be_true_are_kept_apart_and_the_others_of_their_message_are_logged(
    commune: Commune,
) -> None:
    order = _aired(commune)
    device = MemoryLink(commune.broker, "loa-dong")
    device.subscribe(topics.of_receiver("loa-dong", "acknowledgements"))
    device.open()
    commune.released(_once(commune, hours=2), areas=("thon-doai",))
    commune.planner.run()
    elsewhere = commune.orders()[1].id
    now = commune.clock.now()

    def told(number: int, of: str, state: ReceiptState = ReceiptState.RECEIVED, **at: datetime) -> Receipt:
        return commune.receipt("loa-dong", of, state, number=number, **at)

    receipts = (
        told(1, order),
        told(2, order, at=now + timedelta(hours=1)),
        told(3, order, at=datetime(1970, 1, 1, tzinfo=UTC)),
        told(4, "never-given"),
        told(5, "never-given", ReceiptState.REFUSED),
        told(6, elsewhere),
        told(7, order, ReceiptState.READY),
    )
    _take(commune, commune.message("loa-dong", *receipts))
    _take(commune, commune.message("loa-dong", told(1, order, ReceiptState.FINISHED)))
    assert [(row.receipt_id, row.state) for row in commune.log()] == [
        ("loa-dong-1", "received"),
        ("loa-dong-5", "refused"),
        ("loa-dong-7", "ready"),
    ]
    with commune.database.reading() as session:
        kept = [
            (row.receipt_id, row.code)
            for row in set_apart.listed(session, code=None, receiver=None, before=None, limit=9)
        ]
    assert sorted(kept) == [
        ("loa-dong-1", "reused_id"),
        ("loa-dong-2", "future"),
        ("loa-dong-3", "before_service"),
        ("loa-dong-4", "unknown_order"),
        ("loa-dong-6", "not_addressed"),
    ]
    # All are on disk, so that the receiver need not send them again.
    (first, *_) = device.receive(limit=10, wait_s=1)
    ring = Keyring([commune.signatory.key.public()])
    assert verify(first.payload, ring, Acknowledgement).receipts == tuple(f"loa-dong-{n}" for n in range(1, 8))
    device.close()


def _outage(commune: Commune, order: str, receiver: str, *, first: int, count: int) -> tuple[str, bytes]:
    at = commune.clock.now() - timedelta(minutes=10)
    states = (ReceiptState.RECEIVED, ReceiptState.READY)
    return commune.message(
        receiver,
        *(commune.receipt(receiver, order, states[n % 2], number=n, at=at) for n in range(first, first + count)),
    )


def test_a_backlog_waits_on_disk_behind_what_is_live_and_keeps_each_receivers_order(
    commune: Commune, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "DIRECT", 50)
    monkeypatch.setattr(backlog, "CHUNK", 100)
    acknowledged: list[str] = []
    monkeypatch.setattr(commune.link, "acknowledge", lambda some: acknowledged.extend(each.topic for each in some))
    order = _aired(commune)
    _take(
        commune,
        _outage(commune, order, "loa-dong", first=1, count=100),
        _outage(commune, order, "loa-dong", first=101, count=100),
        commune.message("loa-doai", commune.receipt("loa-doai", order, ReceiptState.STARTED)),
        commune.message("loa-dong", commune.receipt("loa-dong", order, ReceiptState.STARTED, number=201)),
    )
    assert len(acknowledged) == 4, "the broker is rid of them: all are on disk"
    assert [row.receiver_id for row in commune.log()] == ["loa-doai"], "what is live came first"
    assert commune.ingestion.waiting == 3
    # The process dies here: another one finds what waits.
    after = Ingestion(
        commune.database, commune.clock, commune.signatory, commune.link, zone=ZONE, changed=commune.changes.notify
    )
    after.start()
    after.stop()
    while after.waiting:
        after.catch_up()
    told = [row.receiver_seq for row in commune.log() if row.receiver_id == "loa-dong"]
    assert told == list(range(1, 202))
    assert after.waiting == 0
    _take(commune, _outage(commune, order, "loa-dong", first=1, count=100))
    assert len(commune.log()) == 202


def test_what_its_receiver_did_not_sign_never_waits_on_disk(commune: Commune, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "DIRECT", 50)
    order = _aired(commune)
    topic, signed = _outage(commune, order, "loa-dong", first=1, count=100)
    elsewhere = topics.of_receiver("loa-doai", "receipts")  # rightly signed, but by another receiver
    _take(
        commune,
        (topic, signed[:-40] + b"A" * 40),
        (elsewhere, signed),
        (topics.of_receiver("ai-do", "receipts"), signed),
    )
    assert (commune.ingestion.waiting, commune.log()) == (0, [])
    with commune.database.reading() as session:
        kept = {
            (row.receiver_id, row.code)
            for row in set_apart.listed(session, code=None, receiver=None, before=None, limit=9)
        }
    assert kept == {("loa-dong", "bad_signature"), ("loa-doai", "unknown_key"), ("ai-do", "unknown_receiver")}


def test_what_is_no_document_does_not_hold_up_a_receiver_whose_receipts_wait(
    commune: Commune, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "DIRECT", 50)
    order = _aired(commune)
    late = _outage(commune, order, "loa-dong", first=1, count=100)
    _take(commune, late, (late[0], b"no dots"), (late[0], b"."))
    assert commune.ingestion.waiting == 1
    _take(commune, (late[0], b"none here either"))
    with commune.database.reading() as session:
        kept = [row.code for row in set_apart.listed(session, code=None, receiver=None, before=None, limit=9)]
    assert kept == ["malformed"] * 3


def test_a_few_late_receipts_are_written_at_once(commune: Commune) -> None:
    order = _aired(commune)
    _take(commune, _outage(commune, order, "loa-dong", first=1, count=20))
    assert (len(commune.log()), commune.ingestion.waiting) == (20, 0)


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


def test_a_batch_is_looked_up_by_indexes_however_long_the_log_is(commune: Commune) -> None:
    order = _aired(commune)
    asked: dict[str, object] = {}

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked[statement] = parameters

    event.listen(commune.database.engine, "before_cursor_execute", note)
    _take(commune, commune.message("loa-dong", commune.receipt("loa-dong", order, ReceiptState.RECEIVED)))
    event.remove(commune.database.engine, "before_cursor_execute", note)
    tables = ("as_run", "receipt_envelopes", "airing_receivers", "orders", "rejected_messages")
    lookups = {
        statement: parameters
        for statement, parameters in asked.items()
        if statement.startswith("SELECT") and any(f" {table} " in statement for table in tables)
    }
    assert {table for table in tables[:4] for statement in lookups if f"JOIN {table} " in statement} == set(tables[:4])
    with commune.database.reading() as session:
        connection = session.connection()
        if not commune.database.is_sqlite:  # of tables as small as these it would rather read all
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in lookups.items():
            explain = "EXPLAIN QUERY PLAN " if commune.database.is_sqlite else "EXPLAIN "
            plan = [str(row) for row in connection.exec_driver_sql(explain + statement, parameters)]  # type: ignore[arg-type]
            scanned = [
                line
                for line in plan
                if any(f"{word} {table}" in line for word in ("SCAN", "Seq Scan on") for table in tables)
            ]
            assert not scanned, statement


ODD = (
    None, True, -1, 0, 2**31 - 1, 2**31, 2**40, 2**63, 2**70, 0.5, 1e308, float("nan"), float("inf"), "", "\0", "a\0b", "\ud83d", "\x1b[2J", "1e9",
    "0" * 400, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T10:00:60Z", "2026-02-30T00:00:00Z", [], {}, [[]],
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something else could stand in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, each in inner for place in _places(each, (*path, name)))][not path :]


def _with(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = _with(value[path[0]], path[1:], odd)
    return changed


def test_whatever_a_receiver_signs_is_written_or_malformed(commune: Commune) -> None:
    """Each odd value in each place of each document that a receiver may send."""
    now = commune.clock.now()
    receipt = commune.receipt("loa-dong", "never-given", ReceiptState.REFUSED).model_copy(
        update={"reason": Reason.OTHER, "detail": "?", "evidence": RECEIPTS.receipts[-1].evidence}
    )
    receipts = Receipts(station=STATION, receiver="loa-dong", sent_at=now, receipts=(receipt,))
    wiped = Wiped(station=STATION, receiver="loa-dong", wipe="w", at=now, undelivered=0)
    sent = []
    for subject, example in (("receipts", receipts), ("health", HEALTH), ("presence", PRESENCE), ("wiped", wiped)):
        ours = {**payload(example), "station": STATION, "receiver": "loa-dong"}
        for number, (path, odd) in enumerate(product(_places(ours), ODD)):
            if subject == "receipts":  # a new one, so that it is written
                ours["receipts"][0]["id"] = f"odd-{number}"
            document = json.dumps(_with(ours, path, odd)).encode()
            sent.append(
                (topics.of_receiver("loa-dong", subject), commune.keys["loa-dong"].sign_bytes(document, example.TYP))
            )
    _take(commune, *sent)
    with commune.database.reading() as session:
        codes = Counter(session.scalars(select(RejectedMessage.code)))
        kept = session.scalars(select(RejectedMessage.reason).where(RejectedMessage.code == "unwritable")).all()
    assert not kept
    assert codes["malformed"] > 500
    assert len(commune.log()) > 50
