"""A place's life on both databases: moved, renewed, revoked, wiped; what counts afterwards and what is written down."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from broadcaster.credentials import AccountSecrets
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, TooManyError
from broadcaster.expiries import Expiries
from broadcaster.lifecycle import KEY_OVERLAP, Lifecycle
from broadcaster.provisions import Provisions
from broadcaster.station_keys import KeyTimes
from broadcaster.storage.models import AiringReceiver, Receiver
from devices.brokers.accounts import hash_secret
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.enrolment import BrokerAddress, KeyProof, ProvisionDocument, RenewalRequest, Wipe, Wiped
from devices.wire.messages import ReceiptState
from devices.wire.sealing import SealKey
from devices.wire.signing import Keyring, SigningKey, sign, thumbprint, verify
from schedules.rules import Once
from tests.commune import STATION, Commune

LOA = "loa-dong"
_NOW = datetime(2026, 11, 23, tzinfo=UTC)
KEY = KeyTimes(
    kid="k",
    file="f",
    jwk=SigningKey.generate("k").public().to_jwk(),
    created_at=_NOW,
    signs_from=_NOW,
    renew_by=_NOW + timedelta(days=3000),
)


@pytest.fixture
def lifecycle(commune: Commune) -> Lifecycle:
    provisions = Provisions(
        commune.clock,
        commune.signatory,
        AccountSecrets(bytes(32)),
        station_name="Đài xã",
        station_keys=lambda: (commune.signatory.key.public().to_jwk(),),
        broker=lambda: BrokerAddress(host="broker.example", port=1883),
        media_url="http://media",
    )
    return Lifecycle(
        commune.database, commune.clock, commune.signatory, receivers=commune.receivers, provisions=provisions
    )


def request(commune: Commune, key: SigningKey, seal: SealKey, **fields: object) -> bytes:
    values = {"station": STATION, "receiver": LOA, "generation": 1, "change": True, "seal_key": seal.to_jwk(), **fields}
    return sign(RenewalRequest(**values), key)  # type: ignore[arg-type]  # the model checks them


def opened(commune: Commune, answer: str, seal: SealKey) -> tuple[ProvisionDocument, str]:
    document = verify(answer.encode(), Keyring([commune.signatory.key.public()]), ProvisionDocument)
    return document, seal.open(document.sealed_secret).decode()


def secret_hash(commune: Commune) -> str:
    with commune.database.reading() as session:
        return session.get_one(Receiver, LOA).secret_sha256


def test_a_move_gives_other_rights_and_a_new_configuration(commune: Commune, lifecycle: Lifecycle) -> None:
    before = commune.receivers.configurations()
    lifecycle.move(commune.operator, LOA, area="thon-doai", name="Cụm loa mới")
    (account,) = commune.receivers.accounts(LOA)
    assert account.may_read(topics.area_order("thon-doai", "1"))
    assert not account.may_read(topics.area_order("thon-dong", "1"))
    after = commune.receivers.configurations()
    assert [a.topic for a, b in zip(after, before, strict=True) if a != b] == [topics.of_receiver(LOA, "configuration")]
    moved = lifecycle.history(commune.operator, LOA)[-1]
    assert (moved.event, moved.area_id, moved.detail) == (
        "moved",
        "thon-doai",
        {"name": "Máy loa-dong", "area": "thon-dong"},
    )
    with pytest.raises(InvalidError):
        lifecycle.move(commune.operator, LOA, area="nowhere")


def test_of_a_revoked_receiver_nothing_is_expected_or_believed(commune: Commune, lifecycle: Lifecycle) -> None:
    commune.released(Once(at=commune.clock.now() + timedelta(hours=1)))
    commune.planner.run()
    (airing,) = commune.airings()
    lifecycle.revoke(commune.operator, LOA)
    with commune.database.reading() as session:
        expected = set(session.scalars(select(AiringReceiver.receiver_id).where(AiringReceiver.airing_id == airing.id)))
    assert expected == {"loa-doai", "led-xa"}
    assert commune.receivers.accounts(LOA) == []
    assert commune.receivers.keyring(LOA) is None
    cleared = {item.topic for item in lifecycle.standing() if item.document == ""}
    assert topics.of_receiver(LOA, "configuration") in cleared
    (order,) = commune.orders()
    topic, payload = commune.message(LOA, commune.receipt(LOA, order.id, ReceiptState.FINISHED))
    commune.ingestion.take([Delivery(topic, payload)])
    assert commune.log() == []
    with pytest.raises(NotFoundError):
        lifecycle.revoke(commune.operator, LOA)
    assert [event.event for event in lifecycle.history(commune.operator, LOA)] == ["enrolled", "revoked"]


def test_a_secret_changes_once_however_often_it_is_asked_for(commune: Commune, lifecycle: Lifecycle) -> None:
    seal, again = SealKey.generate(), SealKey.generate()
    data = request(commune, commune.keys[LOA], seal)
    first, secret = opened(commune, lifecycle.renewal(LOA, data)[0], seal)
    assert (first.generation, hash_secret(secret)) == (2, secret_hash(commune))
    answer, changed = lifecycle.renewal(LOA, data)  # sent again by somebody, or the answer was lost
    assert (changed, opened(commune, answer, seal)[1]) == (False, secret)
    answer, changed = lifecycle.renewal(LOA, request(commune, commune.keys[LOA], again, generation=2, change=False))
    assert (changed, opened(commune, answer, again)[1]) == (False, secret)
    with pytest.raises(TooManyError):
        lifecycle.renewal(LOA, request(commune, commune.keys[LOA], again, generation=2))
    lifecycle.renew_secret(commune.operator, LOA)
    assert hash_secret(secret) != secret_hash(commune)


def test_nobody_else_renews(commune: Commune, lifecycle: Lifecycle) -> None:
    seal = SealKey.generate()
    for data in (
        request(commune, SigningKey.generate(), seal),
        request(commune, commune.keys["loa-doai"], seal),
        request(commune, commune.keys[LOA], seal, receiver="loa-doai"),
        request(commune, commune.keys[LOA], seal, station="another"),
        b"nonsense",
    ):
        with pytest.raises(ForbiddenError):
            lifecycle.renewal(LOA, data)
    assert len(lifecycle.history(commune.operator, LOA)) == 1


def test_a_new_key_is_proved_and_the_old_one_overlaps(commune: Commune, lifecycle: Lifecycle) -> None:
    old, new, seal = commune.keys[LOA], SigningKey.generate(), SealKey.generate()

    def proof(key: SigningKey, generation: int = 1) -> str:
        return sign(KeyProof(station=STATION, receiver=LOA, generation=generation), key).decode()

    for bad in (None, proof(old), proof(new, generation=7)):
        with pytest.raises(InvalidError):
            lifecycle.renewal(LOA, request(commune, old, seal, new_key=new.public().to_jwk(), new_key_proof=bad))
    data = request(commune, old, seal, new_key=new.public().to_jwk(), new_key_proof=proof(new))
    document, _ = opened(commune, lifecycle.renewal(LOA, data)[0], seal)
    assert document.key_thumbprint == thumbprint(new.public().to_jwk())
    again, _ = opened(commune, lifecycle.renewal(LOA, data)[0], seal)  # still signed with the old key
    assert again.generation == document.generation == 2
    ring = commune.receivers.keyring(LOA)
    assert ring is not None
    assert set(ring) == {old.kid, new.kid}
    commune.clock.move(seconds=KEY_OVERLAP.total_seconds())
    with pytest.raises(ForbiddenError):
        lifecycle.renewal(LOA, data)


def test_a_wipe_ends_with_the_receivers_own_word(commune: Commune, lifecycle: Lifecycle) -> None:
    lifecycle.ask_wipe(commune.operator, LOA)
    with pytest.raises(ConflictError):
        lifecycle.ask_wipe(commune.operator, LOA)
    (standing,) = [item for item in lifecycle.standing() if item.document]
    assert standing.topic == topics.of_receiver(LOA, "wipe")
    document = verify(standing.document.encode(), Keyring([commune.signatory.key.public()]), Wipe)
    assert document.key_thumbprint == thumbprint(commune.keys[LOA].public().to_jwk())
    word = Wiped(station=STATION, receiver=LOA, wipe="another", at=commune.clock.now(), undelivered=0)
    assert not lifecycle.wiped(word)
    assert lifecycle.wiped(word.model_copy(update={"wipe": document.id, "undelivered": 3}))
    assert not lifecycle.wiped(word.model_copy(update={"wipe": document.id}))
    assert [event.event for event in lifecycle.history(commune.operator, LOA)] == ["enrolled", "wipe-asked", "wiped"]
    assert lifecycle.history(commune.operator, LOA)[-1].detail == {"undelivered": 3}
    assert all(item.document == "" for item in lifecycle.standing())


def test_configurations_are_renewed_long_before_they_expire(commune: Commune) -> None:
    commune.dispatcher.run()
    found = Expiries(commune.database, commune.clock, keys=lambda: [KEY], certificates=[])
    (first, *_) = [item for item in found.all() if item.subject == "configuration"]
    commune.clock.instant = first.at - timedelta(days=91)
    commune.dispatcher.run()
    assert min(item.at for item in found.all() if item.subject == "configuration") == first.at
    commune.clock.move(days=2)
    commune.dispatcher.run()
    assert min(item.at for item in found.all() if item.subject == "configuration") > first.at + timedelta(days=300)


def test_what_is_not_renewed_is_told_of_at_sixty_thirty_and_seven_days(
    commune: Commune, caplog: pytest.LogCaptureFixture
) -> None:
    commune.dispatcher.run()
    expiries = Expiries(commune.database, commune.clock, keys=lambda: [KEY], certificates=[])
    end = next(item.at for item in expiries.all() if item.subject == "configuration")
    told = []
    for days in (61, 60, 59, 30, 29, 7, 1, 0, -1):
        commune.clock.instant = end - timedelta(days=days)
        caplog.clear()
        expiries.tell()
        if [record for record in caplog.records if f"configuration {LOA}" in record.getMessage()]:
            told.append(days)
        assert len(expiries.pressing()) == (0 if days > 60 else 3)
    assert told == [60, 30, 7, 0]
