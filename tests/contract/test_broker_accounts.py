"""One suite for every broker whose accounts the station makes: the embedded one, and Mosquitto's dynamic security."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.brokers.accounts import Account, new_secret, receiver_account, station_account
from devices.brokers.dynamic_security import DynamicSecurity
from devices.brokers.embedded import EmbeddedBroker
from devices.brokers.port import BrokerAccounts, BrokerAccountsError, Synchronised
from devices.links.mqtt import MqttLink
from devices.wire import topics
from tests.brokers import Mosquitto, free_port, wait_for

STATION, LOA, OTHER, ADMIN = (new_secret() for _ in range(4))
AREAS = ("tinh", "xa-tan-an")


def everybody() -> list[Account]:
    return [
        station_account(STATION),
        receiver_account("loa-1", AREAS, LOA),
        receiver_account("loa-2", ("xa-2",), OTHER),
    ]


def admin_link(port: int, password: str = ADMIN) -> MqttLink:
    return MqttLink("127.0.0.1", port, "station~accounts", "admin", password, clean_session=True, backoff_s=(0.05, 0.2))


class Rig:
    """A running broker and its accounts."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.port = free_port()
        self.links: list[MqttLink] = []
        self.accounts: BrokerAccounts
        self._broker: EmbeddedBroker | Mosquitto
        if kind == "embedded":
            broker = EmbeddedBroker(port=self.port, folder=folder)
            self.accounts = broker.accounts
            self._broker = broker
        else:
            self._broker = Mosquitto.dynamic(folder, self.port, ADMIN)
            self.accounts = DynamicSecurity(
                lambda: admin_link(self.port), station="tan-an", several_connections=frozenset({"station"})
            )
        self._broker.start()

    def link(self, name: str, secret: str, *filters: str, client_id: str | None = None) -> MqttLink:
        made = MqttLink("127.0.0.1", self.port, client_id or name, name, secret, backoff_s=(0.05, 0.2))
        made.subscribe(*filters)
        made.open()
        self.links.append(made)
        return made

    def admitted(self, name: str, secret: str, *, client_id: str | None = None) -> bool:
        """Whether the account opens; nothing is left behind."""
        link = MqttLink("127.0.0.1", self.port, client_id or name, name, secret, backoff_s=(5, 5), clean_session=True)
        link.open()
        try:
            deadline = time.monotonic() + 0.7
            while not link.connected and time.monotonic() < deadline:
                time.sleep(0.01)
            return link.connected
        finally:
            link.close()

    def close(self) -> None:
        for link in self.links:
            link.close()
        self.accounts.close()
        self._broker.stop()


@pytest.fixture(params=["embedded", "mosquitto"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(request.param, tmp_path)
    yield made
    made.close()


def opened(*links: MqttLink) -> None:
    for link in links:
        wait_for(lambda: link.connected, what="the connection")  # noqa: B023  called within the turn


def heard(link: MqttLink, count: int) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []

    def take() -> bool:
        deliveries = link.receive(limit=100, wait_s=0.1)
        link.acknowledge(deliveries)
        found.extend((delivery.topic, delivery.payload) for delivery in deliveries)
        return len(set(found)) >= count

    wait_for(take, 15, f"{count} messages")
    return sorted(set(found))  # what is retained while one subscribes may come twice


def test_it_is_made_equal_whatever_stood_before(rig: Rig) -> None:
    first = rig.accounts.synchronise(everybody())
    assert (first.created, first.changed, first.removed) == (("loa-1", "loa-2", "station"), (), ())
    assert not rig.accounts.synchronise(everybody())
    assert rig.admitted("loa-1", LOA)
    assert not rig.admitted("loa-1", OTHER)
    assert not rig.admitted("loa-3", "")
    moved = [station_account(STATION), receiver_account("loa-1", ("xa-3",), LOA)]
    assert rig.accounts.synchronise(moved) == Synchronised(changed=("loa-1",), removed=("loa-2",))
    assert not rig.admitted("loa-2", OTHER)
    renewed = [station_account(STATION), receiver_account("loa-1", ("xa-3",), OTHER)]
    assert rig.accounts.synchronise(renewed) == Synchronised(changed=("loa-1",))
    assert rig.admitted("loa-1", OTHER)
    assert not rig.admitted("loa-1", LOA)


def test_a_receiver_reads_and_writes_what_is_its_own_and_nothing_else(rig: Rig) -> None:
    rig.accounts.synchronise(everybody())
    own = list(receiver_account("loa-1", AREAS, LOA).subscribe)
    foreign = [
        topics.area_order("xa-2", "+"),
        topics.area_order("+", "+"),
        topics.receiver_order("loa-2", "+"),
        topics.of_receiver("loa-2", "configuration"),
        topics.of_receiver("loa-2", "receipts"),
        topics.of_receiver("+", "receipts"),
        "cb/#",
        "cb/v1/areas/#",
        "cb/v1/areas/+/+",
        "cb/v1/areas/xa-2/+",
        "#",
        "$CONTROL/dynamic-security/v1/response",
    ]
    station = rig.link("station", STATION, *station_account(STATION).subscribe)
    loa = rig.link("loa-1", LOA, *own, *foreign)
    opened(station, loa)
    sent = [filter_.replace("+", "1") for filter_ in own]
    for topic in [*sent, topics.area_order("xa-2", "1"), topics.receiver_order("loa-2", "1")]:
        station.publish(topic, b"x", retain=True).result(timeout=10)
    station.publish(topics.of_receiver("loa-1", "wipe"), b"last").result(timeout=10)
    assert {topic for topic, _ in heard(loa, len(sent) + 1)} == set(sent)

    allowed = receiver_account("loa-1", AREAS, LOA).publish
    forbidden = [
        *(
            topics.of_receiver("loa-2", subject)
            for subject in ("receipts", "presence", "health", "clock-probes", "wiped")
        ),  # type: ignore[arg-type]  # literals
        *(topics.of_receiver("loa-1", subject) for subject in ("configuration", "acknowledgements", "wipe")),  # type: ignore[arg-type]  # literals
        topics.area_order("xa-tan-an", "1"),
        topics.keys("k"),
    ]
    for topic in forbidden:
        loa.publish(topic, b"forged")
    for topic in allowed:
        loa.publish(topic, b"honest").result(timeout=10)
    assert sorted(heard(station, len(allowed))) == sorted((topic, b"honest") for topic in allowed)
    assert b"forged" not in {payload for _, payload in heard_now(loa)}


def heard_now(link: MqttLink) -> list[tuple[str, bytes]]:
    return [(delivery.topic, delivery.payload) for delivery in link.receive(limit=100, wait_s=0.3)]


def test_nobody_takes_the_place_of_another_client(rig: Rig) -> None:
    rig.accounts.synchronise(everybody())
    loa = rig.link("loa-1", LOA)
    opened(loa)
    assert not rig.admitted("loa-2", OTHER, client_id="loa-1")
    assert not rig.admitted("loa-2", OTHER, client_id="station")
    assert rig.admitted("station", STATION, client_id="station~clock")
    assert (loa.connected, loa.connections) == (True, 1)


def test_a_removed_account_is_cut_off_at_once_and_others_are_not(rig: Rig) -> None:
    rig.accounts.synchronise(everybody())
    station, loa, other = rig.link("station", STATION), rig.link("loa-1", LOA), rig.link("loa-2", OTHER)
    opened(station, loa, other)
    rig.accounts.remove("loa-1", "never-there")
    wait_for(lambda: not loa.connected, 5, "the end of the connection")
    assert not rig.admitted("loa-1", LOA)
    rig.accounts.remove("loa-1")
    assert [(link.connected, link.connections) for link in (station, other)] == [(True, 1), (True, 1)]


def test_a_new_secret_cuts_off_whoever_has_the_old_one(rig: Rig) -> None:
    rig.accounts.synchronise(everybody())
    loa = rig.link("loa-1", LOA)
    opened(loa)
    rig.accounts.set(receiver_account("loa-1", AREAS, OTHER))
    wait_for(lambda: not loa.connected, 5, "the end of the connection")
    assert rig.admitted("loa-1", OTHER)
    assert not rig.admitted("loa-1", LOA)


def test_a_move_to_another_area_counts_at_once_also_for_an_old_session(rig: Rig) -> None:
    rig.accounts.synchronise(everybody())
    before, after = topics.area_order("xa-tan-an", "+"), topics.area_order("xa-2", "+")
    station, loa = rig.link("station", STATION), rig.link("loa-1", LOA, before, after)
    opened(station, loa)
    rig.accounts.set(receiver_account("loa-1", ("xa-2",), LOA))
    station.publish(topics.area_order("xa-tan-an", "1"), b"no longer for it", retain=True).result(timeout=10)
    station.publish(topics.area_order("xa-2", "1"), b"for it", retain=True).result(timeout=10)
    assert heard(loa, 1)[0] == (topics.area_order("xa-2", "1"), b"for it")
    assert all(payload == b"for it" for _, payload in heard_now(loa))


def test_setting_an_account_that_stands_disturbs_nobody(rig: Rig) -> None:
    rig.accounts.synchronise(everybody())
    loa = rig.link("loa-1", LOA)
    opened(loa)
    rig.accounts.set(*everybody())
    rig.accounts.synchronise(everybody())
    assert heard_now(loa) == []
    assert (loa.connected, loa.connections) == (True, 1)


# ---- Mosquitto alone


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Rig]:
    made = Rig("mosquitto", tmp_path)
    yield made
    made.close()


def test_what_its_administrator_made_is_left_alone(mosquitto: Rig, tmp_path: Path) -> None:
    def by_hand(*command: str) -> None:
        connection = ["-h", "127.0.0.1", "-p", str(mosquitto.port), "-u", "admin", "-P", ADMIN]
        subprocess.run(["mosquitto_ctrl", *connection, "dynsec", *command], check=True, capture_output=True)

    mosquitto.accounts.synchronise(everybody())
    by_hand("createRole", "bridge")
    by_hand("createClient", "bridge", "-p", "bridge-password")
    by_hand("addRoleACL", "receiver loa-1", "publishClientSend", "cb/#", "allow", "9")
    by_hand("addClientRole", "loa-2", "admin", "9")
    assert mosquitto.accounts.synchronise(everybody()) == Synchronised(changed=("loa-1", "loa-2"))
    stored = json.loads((tmp_path / "accounts.json").read_text())
    assert {client["username"] for client in stored["clients"]} == {"admin", "bridge", "station", "loa-1", "loa-2"}
    assert {role["rolename"] for role in stored["roles"]} >= {"admin", "bridge"}
    assert LOA not in json.dumps(stored)


def test_only_its_administrator_administers_it(mosquitto: Rig) -> None:
    mosquitto.accounts.synchronise(everybody())
    command = json.dumps({"commands": [{"command": "deleteClient", "username": "loa-2"}]}).encode()
    for name, secret in (("loa-1", LOA), ("station", STATION)):
        link = mosquitto.link(name, secret)
        opened(link)
        link.publish("$CONTROL/dynamic-security/v1", command).result(timeout=10)
    assert mosquitto.admitted("loa-2", OTHER)


def test_three_hundred_accounts_are_quickly_there_and_quickly_compared(mosquitto: Rig) -> None:
    many = [station_account(STATION), *(receiver_account(f"loa-{n}", AREAS, LOA) for n in range(300))]
    assert len(mosquitto.accounts.synchronise(many).created) == 301
    began = time.monotonic()
    assert not mosquitto.accounts.synchronise(many)
    assert time.monotonic() - began < 20
    assert mosquitto.admitted("loa-299", LOA)


def test_a_secret_that_is_not_known_is_withheld_and_a_wrong_administrator_is_told(mosquitto: Rig) -> None:
    known, unknown = receiver_account("loa-1", AREAS, LOA), receiver_account("loa-2", AREAS, OTHER).stored()
    assert mosquitto.accounts.synchronise([known, unknown]) == Synchronised(created=("loa-1",), withheld=("loa-2",))
    with pytest.raises(BrokerAccountsError, match="renew"):
        mosquitto.accounts.set(unknown)
    # Where the account was made before, it stands although its secret is not known any more.
    assert not mosquitto.accounts.synchronise([known.stored()])
    stranger = DynamicSecurity(lambda: admin_link(mosquitto.port, "wrong"), station="tan-an", patience_s=0.5)
    with pytest.raises(BrokerAccountsError, match="broker_admin_password"):
        stranger.synchronise([known])
    stranger.close()


def test_a_narrower_filter_than_the_account_may_be_subscribed_to(rig: Rig) -> None:
    rig.accounts.synchronise(everybody())
    wide = [filter_ for filter_ in receiver_account("loa-1", AREAS, LOA).subscribe if "+" in filter_]
    narrow = [filter_.replace("+", "narrow") for filter_ in wide]
    station, loa = rig.link("station", STATION), rig.link("loa-1", LOA, *narrow)
    opened(station, loa)
    for topic in narrow:
        station.publish(topic, b"x", retain=True).result(timeout=10)
    assert {topic for topic, _ in heard(loa, len(narrow))} == set(narrow)
