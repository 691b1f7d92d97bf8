"""Enrolment by code on both databases: who may fetch what, limits, codes that end, places that change hands."""

import secrets
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import select

from broadcaster.credentials import AccountSecrets
from broadcaster.enrolment import PER_ADDRESS, WRONG_CODES_PER_ACTOR, Acceptance, Enrolments
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError, TooManyError
from broadcaster.provisions import Provisions
from broadcaster.receivers import Place
from broadcaster.storage.models import Enrolment, Receiver, ReceiverEvent
from devices.brokers.accounts import hash_secret
from devices.wire.enrolment import (
    BrokerAddress,
    Comparison,
    EnrolmentOffer,
    EnrolmentPoll,
    EnrolmentRequest,
    EnrolmentState,
    ProvisionDocument,
    commitment,
    comparison,
    transcript,
)
from devices.wire.sealing import SealError, SealKey
from devices.wire.signing import Keyring, PublicKey, SigningKey, sign, unverified, verify
from tests.commune import STATION, Commune


@dataclass
class Device:
    """A device, step by step."""

    key: SigningKey = field(default_factory=SigningKey.generate)
    seal_key: SealKey = field(default_factory=SealKey.generate)
    nonce: str = field(default_factory=lambda: secrets.token_hex(32))
    offer: EnrolmentOffer | None = None
    shown: Comparison | None = None

    def request(self) -> bytes:
        return sign(
            EnrolmentRequest(
                public_key=self.key.public().to_jwk(),
                seal_key=self.seal_key.to_jwk(),
                commitment=commitment(self.nonce),
                kind="loudspeaker",
                name="Cụm loa mới",
                software="test 1",
            ),
            self.key,
        )

    def ask(self, enrolments: Enrolments, address: str = "10.0.0.1") -> "Device":
        request = self.request()
        answer = enrolments.ask(request, address=address).encode()
        claimed = unverified(answer, EnrolmentOffer)
        self.offer = verify(answer, Keyring(PublicKey.from_jwk(k) for k in claimed.station_keys), EnrolmentOffer)
        self.shown = comparison(transcript(request, answer), self.nonce)
        return self

    def poll(self, enrolments: Enrolments, **changes: str) -> "EnrolmentState | ProvisionDocument":
        assert self.offer is not None
        fields = {"station": STATION, "enrolment": self.offer.enrolment, "nonce": self.nonce, **changes}
        answer, _ = enrolments.poll(self.offer.enrolment, sign(EnrolmentPoll(**fields), self.key))
        keys = Keyring(PublicKey.from_jwk(k) for k in self.offer.station_keys)
        return verify(answer.encode(), keys, EnrolmentState, ProvisionDocument)

    def waiting(self, enrolments: Enrolments) -> "Device":
        self.ask(enrolments)
        state = self.poll(enrolments)
        assert isinstance(state, EnrolmentState)
        assert state.state == "waiting"
        return self


@pytest.fixture
def enrolments(commune: Commune) -> Enrolments:
    account_secrets = AccountSecrets(bytes(32))
    provisions = Provisions(
        commune.clock,
        commune.signatory,
        account_secrets,
        station_name="Đài xã",
        station_keys=lambda: (commune.signatory.key.public().to_jwk(),),
        broker=lambda: BrokerAddress(host="broker.example", port=8883, tls=True, ca_pem="PEM"),
        media_url="http://media",
    )
    return Enrolments(
        commune.database,
        commune.clock,
        commune.signatory,
        account_secrets=account_secrets,
        receivers=commune.receivers,
        provisions=provisions,
    )


def place(name: str = "loa-moi", *, replace: bool = False) -> Place:
    if replace:
        return Place(name, "loudspeaker", replace=True)
    return Place(name, "loudspeaker", "Cụm loa mới", "thon-dong")


def code_of(device: Device) -> str:
    assert device.shown is not None
    return device.shown.code


def test_only_after_the_code_was_typed_the_device_alone_gets_its_secret(
    commune: Commune, enrolments: Enrolments
) -> None:
    device = Device().waiting(enrolments)
    (row,) = enrolments.waiting()
    assert device.shown is not None
    assert (row.name, row.fingerprint, row.transcript) == ("Cụm loa mới", device.shown.fingerprint, None)
    assert code_of(device) not in (row.code_hash or "")
    enrolments.accept(commune.operator, Acceptance(code_of(device), place(), device.shown.fingerprint.lower()))
    assert enrolments.waiting() == []
    provision = device.poll(enrolments)
    assert isinstance(provision, ProvisionDocument)
    assert (provision.receiver, provision.generation) == ("loa-moi", 1)
    assert (provision.broker.host, provision.broker.ca_pem) == ("broker.example", "PEM")
    secret = device.seal_key.open(provision.sealed_secret).decode()
    (account,) = commune.receivers.accounts("loa-moi")
    assert account.secret_sha256 == hash_secret(secret)
    with pytest.raises(SealError):
        SealKey.generate().open(provision.sealed_secret)
    again = device.poll(enrolments)  # the power went before it was saved
    assert isinstance(again, ProvisionDocument)
    assert device.seal_key.open(again.sealed_secret).decode() == secret


def test_nobody_else_may_ask_what_became_of_it(commune: Commune, enrolments: Enrolments) -> None:
    device = Device().ask(enrolments)
    stranger = Device(offer=device.offer, nonce=device.nonce)
    for who, changes in (
        (stranger, {}),
        (device, {"nonce": "0" * 64}),
        (device, {"station": "another"}),
        (device, {"enrolment": "another"}),
    ):
        with pytest.raises(ForbiddenError):
            who.poll(enrolments, **changes)
    assert enrolments.waiting() == []
    with pytest.raises(NotFoundError):  # nothing was revealed, so that there is no code yet
        enrolments.accept(commune.operator, Acceptance(code_of(device), place()))


def test_whoever_stands_between_shows_another_code(commune: Commune, enrolments: Enrolments) -> None:
    """The man in the middle speaks to the device as a station, and to the station as a device."""
    middle = Device().waiting(enrolments)
    victim = Device()
    request = victim.request()
    forged = EnrolmentOffer(
        station=STATION,
        enrolment="forged",
        station_name="Đài xã",
        station_keys=(middle.key.public().to_jwk(),),
        nonce=secrets.token_hex(32),
        issued_at=commune.clock.now(),
        expires_at=commune.clock.now(),
    )
    shown = comparison(transcript(request, sign(forged, middle.key)), victim.nonce)
    assert middle.shown is not None
    assert shown.fingerprint != middle.shown.fingerprint
    if shown.code != middle.shown.code:  # but once in a million
        with pytest.raises(NotFoundError):
            enrolments.accept(commune.operator, Acceptance(shown.code, place()))
    with pytest.raises(ConflictError, match="stand between"):
        enrolments.accept(commune.operator, Acceptance(middle.shown.code, place(), shown.fingerprint))


def test_a_code_ends_after_a_quarter_of_an_hour(commune: Commune, enrolments: Enrolments) -> None:
    device = Device().waiting(enrolments)
    commune.clock.move(minutes=15)
    with pytest.raises(NotFoundError):
        enrolments.accept(commune.operator, Acceptance(code_of(device), place()))
    assert enrolments.waiting() == []
    with pytest.raises(NotFoundError):
        device.poll(enrolments)


def test_a_refused_device_is_told(commune: Commune, enrolments: Enrolments) -> None:
    device = Device().waiting(enrolments)
    (row,) = enrolments.waiting()
    enrolments.refuse(commune.operator, row.id)
    state = device.poll(enrolments)
    assert isinstance(state, EnrolmentState)
    assert state.state == "refused"
    with pytest.raises(NotFoundError):
        enrolments.accept(commune.operator, Acceptance(code_of(device), place()))
    with pytest.raises(NotFoundError):
        enrolments.refuse(commune.operator, row.id)


def test_one_code_is_never_two_devices(
    commune: Commune, enrolments: Enrolments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadcaster.enrolment.comparison", lambda *_: Comparison("123456", "AAAA-AAAA"))
    Device().waiting(enrolments)
    second = Device().ask(enrolments)
    with pytest.raises(ConflictError):
        second.poll(enrolments)
    with pytest.raises(NotFoundError):
        second.poll(enrolments)
    assert len(enrolments.waiting()) == 1


def test_requests_are_bounded_by_address_and_in_all(commune: Commune, enrolments: Enrolments) -> None:
    for _ in range(PER_ADDRESS):
        Device().ask(enrolments)
    with pytest.raises(TooManyError):
        Device().ask(enrolments)
    for number in range(50):
        Device().ask(enrolments, f"10.0.1.{number}")
    with pytest.raises(TooManyError):
        Device().ask(enrolments, "10.0.2.1")
    commune.clock.move(minutes=16)
    Device().ask(enrolments)
    with commune.database.reading() as session:
        assert len(session.scalars(select(Enrolment)).all()) == 1


def test_wrong_codes_are_counted_also_when_they_are_right_afterwards(commune: Commune, enrolments: Enrolments) -> None:
    device = Device().waiting(enrolments)
    wrong = f"{(int(code_of(device)) + 1) % 10**6:06d}"
    for _ in range(WRONG_CODES_PER_ACTOR):
        with pytest.raises(NotFoundError):
            enrolments.accept(commune.operator, Acceptance(wrong, place()))
    with pytest.raises(TooManyError):
        enrolments.accept(commune.operator, Acceptance(code_of(device), place()))
    other = replace(commune.approver, grants=commune.operator.grants)  # another operator is not held up
    enrolments.accept(other, Acceptance(code_of(device), place()))


def test_what_is_no_request_is_refused(enrolments: Enrolments) -> None:
    device, other = Device(), Device()
    foreign = other.key.sign_bytes(
        unverified(device.request(), EnrolmentRequest).model_dump_json().encode(), EnrolmentRequest.TYP
    )
    for data in (
        b"",
        b"a.b.c",
        b"x" * 70_000,
        foreign,
        sign(EnrolmentPoll(station="s", enrolment="e", nonce="0" * 64), device.key),
    ):
        with pytest.raises(InvalidError):
            enrolments.ask(data, address="10.0.0.9")


def test_a_new_device_takes_a_place_and_the_old_one_is_nobody(commune: Commune, enrolments: Enrolments) -> None:
    before = commune.receivers.accounts("loa-dong")[0]
    device = Device().waiting(enrolments)
    with pytest.raises(ConflictError, match="Replace"):
        enrolments.accept(commune.operator, Acceptance(code_of(device), place("loa-dong")))
    with pytest.raises(InvalidError, match="replace"):
        enrolments.accept(commune.operator, Acceptance(code_of(device), place("loa-khac", replace=True)))
    enrolments.accept(commune.operator, Acceptance(code_of(device), place("loa-dong", replace=True)))
    with commune.database.reading() as session:
        row = session.get_one(Receiver, "loa-dong")
        events = session.scalars(select(ReceiverEvent).where(ReceiverEvent.receiver_id == "loa-dong")).all()
    assert (row.name, row.area_id, row.presence) == ("Máy loa-dong", "thon-dong", None)
    assert [event.event for event in events] == ["enrolled", "replaced"]
    assert events[1].detail == {"previous_key_thumbprint": events[0].key_thumbprint}
    assert events[1].actor_name == commune.operator.name
    after = commune.receivers.accounts("loa-dong")[0]
    assert after.secret_sha256 != before.secret_sha256
    ring = commune.receivers.keyring("loa-dong")
    assert ring is not None
    assert list(ring.values()) == [device.key.public()]


def test_a_device_that_lost_its_answer_takes_its_own_place_again(commune: Commune, enrolments: Enrolments) -> None:
    first = Device().waiting(enrolments)
    enrolments.accept(commune.operator, Acceptance(code_of(first), place()))
    again = Device(key=first.key).waiting(enrolments)
    with pytest.raises(InvalidError, match="another receiver"):
        enrolments.accept(commune.operator, Acceptance(code_of(again), place("loa-khac")))
    enrolments.accept(commune.operator, Acceptance(code_of(again), place(replace=True)))
    provision = again.poll(enrolments)
    assert isinstance(provision, ProvisionDocument)
    assert provision.generation == 2
