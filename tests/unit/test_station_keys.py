"""Keys that follow each other: the station's plan, and what receivers make of it, also those that were away."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from broadcaster.errors import ConflictError, InvalidError
from broadcaster.expiries import level_of
from broadcaster.identity import Signatory, signatory
from broadcaster.station_keys import KeyRing
from devices.links.port import Delivery
from devices.receiver.journal import Journal
from devices.receiver.provision import BrokerAccess, Provision
from devices.receiver.trust import Pins, Trust
from devices.wire import topics
from devices.wire.enrolment import Wipe
from devices.wire.messages import ClockAnswer
from devices.wire.signing import SigningKey, UnknownKeyError, sign, thumbprint, verify
from tests.conftest import SteppedClock

STATION, LOA = "tan-phong", "loa-1"


class Station:
    def __init__(self, folder: Path, clock: SteppedClock) -> None:
        self.signatory: Signatory = signatory(folder, STATION)
        self.folder = folder
        self.clock = clock
        self.ring = KeyRing(folder, clock, self.signatory)

    def says(self) -> bytes:
        """Any document, signed with the key whose time it is."""
        self.ring.look()
        return self.signatory.sign(
            ClockAnswer(station=STATION, receiver=LOA, probe="p", arrived_us=1, left_us=2)
        ).encode()


class Device:
    def __init__(self, folder: Path, station: Station) -> None:
        folder.mkdir()
        self.folder = folder
        self.key = SigningKey.generate()
        access = BrokerAccess(host="h", port=1, username=LOA, secret="s" * 32)
        Provision(station=STATION, receiver=LOA, station_keys=station.ring.public(), broker=access).save(folder)
        self.journal = Journal(folder / "journal.sqlite")
        self.repinned = 0
        self.start(station.clock)

    def start(self, clock: SteppedClock) -> None:
        """As after a restart: from what is on its disk."""
        provision = Provision.load(self.folder)
        self.pins = Pins(provision.pins(), clock)
        self.trust = Trust(
            *(self.folder, provision, self.key, self.pins),
            journal=self.journal,
            clock=clock,
            repinned=lambda: setattr(self, "repinned", self.repinned + 1),
        )

    def hears(self, station: Station) -> None:
        """Everything that is retained, again and again while it changes what is believed, as after subscribing anew."""
        before = -1
        while before != self.repinned:
            before = self.repinned
            for topic, document in station.ring.standing():
                self.trust.handle(Delivery(topic, document.encode()))

    def believes(self, document: bytes) -> bool:
        try:
            verify(document, self.pins, ClockAnswer)
        except UnknownKeyError:
            return False
        return True


@pytest.fixture
def station(tmp_path: Path, clock: SteppedClock) -> Station:
    return Station(tmp_path / "station", clock)


@pytest.fixture
def device(tmp_path: Path, station: Station) -> Iterator[Callable[[str], Device]]:
    made: list[Device] = []

    def make(name: str) -> Device:
        made.append(Device(tmp_path / name, station))
        return made[-1]

    yield make
    for found in made:
        found.journal.close()


def test_the_next_key_is_known_before_it_signs_and_the_old_one_ends(
    station: Station, device: Callable[[str], Device]
) -> None:
    loa = device("loa")
    first = station.says()
    station.ring.rotate()
    loa.hears(station)
    assert station.says() == first  # the old key still signs
    station.clock.move(days=30)
    second = station.says()
    assert second != first
    assert loa.believes(first)
    assert loa.believes(second)
    loa.start(station.clock)
    assert loa.believes(second)
    station.clock.move(days=60)
    assert not loa.believes(first)
    assert loa.believes(second)
    loa.start(station.clock)
    assert not loa.believes(first)
    assert station.ring.look() is False
    assert len(station.ring.public()) == 1
    assert not (station.folder / "keys" / "station.json").exists()


def test_who_was_away_all_the_while_catches_up_key_by_key(station: Station, device: Callable[[str], Device]) -> None:
    loa = device("loa")
    for _ in range(2):
        station.ring.rotate()
        station.clock.move(days=200)
        station.says()
    assert not loa.believes(station.says())
    loa.hears(station)
    assert loa.believes(station.says())
    assert loa.repinned == 2
    loa.start(station.clock)
    assert loa.believes(station.says())


def test_of_a_stolen_key_nothing_is_believed_by_new_receivers_and_nothing_new_by_old_ones(
    station: Station, device: Callable[[str], Device]
) -> None:
    station.ring.rotate()
    before = device("before")
    before.hears(station)
    stolen = station.says()
    station.ring.replace_stolen()
    before.hears(station)
    assert not before.believes(station.says())  # it has to be enrolled anew
    after = device("after")
    assert not after.believes(stolen)
    assert after.believes(station.says())
    assert {topic for topic, document in station.ring.standing() if not document} >= {
        topics.keys(kid) for kid in before.pins
    }


def test_old_news_of_keys_is_no_news(station: Station, device: Callable[[str], Device]) -> None:
    loa = device("loa")
    station.ring.rotate()
    old = station.ring.standing()
    loa.hears(station)
    station.clock.move(days=31)
    station.says()
    station.ring.rotate()
    loa.hears(station)
    pinned = set(loa.pins)
    for topic, document in old:
        loa.trust.handle(Delivery(topic, document.encode()))
    intruder = SigningKey.generate()
    forged = Signatory(STATION, intruder)
    loa.trust.handle(
        Delivery(
            topics.keys(intruder.kid),
            forged.sign(ClockAnswer(station=STATION, receiver=LOA, probe="p", arrived_us=1, left_us=2)).encode(),
        )
    )
    assert set(loa.pins) == pinned


def test_a_rotation_is_planned_with_room_and_one_at_a_time(station: Station) -> None:
    with pytest.raises(InvalidError):
        station.ring.rotate(overlap=timedelta(days=6))
    station.ring.rotate()
    with pytest.raises(ConflictError):
        station.ring.rotate()


def test_another_process_sees_what_this_one_planned(station: Station) -> None:
    other = Station(station.folder, station.clock)
    station.ring.rotate()
    assert other.ring.look() is True
    assert other.ring.public() == station.ring.public()
    assert other.ring.look() is False
    station.clock.move(days=30)
    assert other.ring.look() is True
    assert other.says() == station.says()


def test_a_wipe_is_believed_from_a_pinned_key_for_this_key_while_it_lasts(
    station: Station, device: Callable[[str], Device]
) -> None:
    loa = device("loa")
    now = station.clock.now()
    good = Wipe(
        station=STATION,
        receiver=LOA,
        id="w",
        key_thumbprint=thumbprint(loa.key.public().to_jwk()),
        issued_at=now,
        expires_at=now + timedelta(days=1),
        deadline=now + timedelta(hours=1),
    )
    other = thumbprint(SigningKey.generate().public().to_jwk())
    topic = topics.of_receiver(LOA, "wipe")
    for document in (
        sign(good, SigningKey.generate()),
        sign(good, loa.key),
        *(
            station.signatory.sign(good.model_copy(update=change)).encode()
            for change in ({"receiver": "loa-2"}, {"key_thumbprint": other}, {"station": "x"}, {"expires_at": now})
        ),
    ):
        assert loa.trust.handle(Delivery(topic, document))
        assert loa.trust.wipe is None
    loa.trust.handle(Delivery(topic, station.signatory.sign(good).encode()))
    assert loa.trust.wipe == good
    assert loa.trust.may_forget()
    loa.start(station.clock)
    assert loa.trust.wipe == good


@pytest.mark.parametrize(
    ("days", "level"), [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0.5, 7), (0, 0), (-3, 0)]
)
def test_levels_of_expiry(clock: SteppedClock, days: float, level: int | None) -> None:
    assert level_of(clock.now() + timedelta(days=days), clock.now()) == level
