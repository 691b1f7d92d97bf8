"""Operating today: what needs somebody's hand, with its true cause, and nothing else. On both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broadcaster.operating.exceptions import CAUSES, Trouble, grouped, worst
from broadcaster.operating.lights import StationLights
from broadcaster.operating.rows import Light, Today
from broadcaster.operating.today import Operating
from broadcaster.storage.models import Receiver
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.messages import Evidence, Health, Presence, Reason, Receipt, ReceiptState
from devices.wire.signing import sign
from tests.commune import STATION, ZONE, Commune
from tests.contract.test_planning import _once


class Board:
    """A commune whose receivers speak, and what the page shows of it."""

    def __init__(self, commune: Commune) -> None:
        self.commune = commune
        self.operating = Operating(commune.database, commune.clock, zone=ZONE)
        self._numbers = dict.fromkeys(commune.keys, 0)

    def take(self, topic: str, payload: bytes) -> None:
        self.commune.ingestion.take([Delivery(topic, payload)])

    def online(self, *names: str, state: str = "online") -> None:
        for name in names:
            document = Presence(
                station=STATION, receiver=name, state="online" if state == "online" else "offline", session="s",
                at=self.commune.clock.now(), software="test 1",
            )  # fmt: skip
            self.take(topics.of_receiver(name, "presence"), sign(document, self.commune.keys[name]))

    def health(self, name: str, **figures: Any) -> None:
        document = Health(
            station=STATION, receiver=name, at=self.commune.clock.now(), uptime_s=9, cache_bytes=0, outbox=0, orders=0,
            **{"disk_free_bytes": 10**10, **figures},
        )  # fmt: skip
        self.take(topics.of_receiver(name, "health"), sign(document, self.commune.keys[name]))

    def say(self, name: str, order: str, state: ReceiptState, **more: Any) -> None:
        self._numbers[name] += 1
        receipt = Receipt(
            id=f"{name}-{self._numbers[name]}", sequence=self._numbers[name], order=order, revision=1, state=state,
            at=self.commune.clock.now(), **more,
        )  # fmt: skip
        self.take(*self.commune.message(name, receipt))

    def order(self, *, minutes: float) -> str:
        """An airing to come; its order's id. Orders count as published."""
        self.commune.released(_once(self.commune, hours=minutes / 60))
        self.commune.planner.run()
        self.commune.link.open()
        self.commune.dispatcher.run()
        return self.commune.orders()[-1].id

    def today(self, area: str | None = None) -> Today:
        return self.operating.today(self.commune.operator, area)

    def causes(self) -> dict[str, str]:
        """What is on the list: the receiver and the cause."""
        return {name: line.cause for line in self.today().exceptions for name in line.ids}


@pytest.fixture
def board(commune: Commune) -> Board:
    return Board(commune)


def test_a_receiver_that_was_never_heard_of_is_no_exception(board: Board) -> None:
    board.order(minutes=10)
    today = board.today()
    assert (today.exceptions, today.coming, today.totals.not_in_service) == ((), (), 3)
    board.online("loa-dong")
    today = board.today()
    assert [(row.all, row.ready) for row in today.coming] == [(1, 0)]
    assert today.totals.not_in_service == 2
    assert today.rows <= 100


def test_each_receiver_stands_there_with_its_true_cause_and_leaves_when_it_is_gone(board: Board) -> None:
    commune = board.commune
    order = board.order(minutes=10)
    board.online("loa-dong", "loa-doai", "led-xa")
    commune.clock.move(minutes=2)
    board.say("loa-dong", order, ReceiptState.READY)
    board.say("led-xa", order, ReceiptState.RECEIVED)
    assert board.causes() == {"loa-doai": "not_ready", "led-xa": "not_ready"}
    assert {line.reason for line in board.today().exceptions} == {"unheard", "received"}
    assert [(row.ready, row.all) for row in board.today().coming] == [(1, 3)]
    board.say("led-xa", order, ReceiptState.READY)
    board.say("loa-doai", order, ReceiptState.READY)
    board.online("loa-doai", state="offline")
    assert board.causes() == {"loa-doai": "lost"}
    commune.clock.move(minutes=8)
    board.say("loa-dong", order, ReceiptState.STARTED)
    board.say("led-xa", order, ReceiptState.STARTED)
    (playing,) = board.today().playing
    assert (playing.started, playing.finished, playing.all) == (2, 0, 3)
    board.say("loa-dong", order, ReceiptState.FINISHED, evidence=Evidence(level_dbfs=-91.0))
    board.say("led-xa", order, ReceiptState.FAILED, reason=Reason.SINK_FAILED)
    commune.clock.move(minutes=4)
    assert board.causes() == {"loa-dong": "silent", "loa-doai": "lost", "led-xa": "failed"}
    assert board.today().totals.turns_well == 1
    # It comes back and delivers what it had: it missed the airing.
    board.online("loa-doai")
    board.say("loa-doai", order, ReceiptState.MISSED, reason=Reason.TOO_LATE)
    assert board.causes()["loa-doai"] == "missed"
    assert [row.strip[-1] for row in board.today().places if row.area == "thon-doai"] == ["ill"]
    # The next airing goes well everywhere: nothing is left to do.
    second = board.order(minutes=1)
    commune.clock.move(minutes=1)
    for name in commune.keys:
        board.say(name, second, ReceiptState.FINISHED, evidence=Evidence(level_dbfs=-18.0))
    commune.clock.move(minutes=3)
    board.online(*commune.keys)
    assert board.causes() == {}
    totals = board.today().totals
    assert (totals.airings, totals.turns_well, totals.turns_ill, totals.played_minutes) == (2, 4, 3, 1.3)


def test_what_a_receiver_says_of_itself_and_what_it_refuses(board: Board) -> None:
    board.online("loa-dong", "loa-doai", "led-xa")
    board.health("loa-dong", disk_free_bytes=1)
    board.health("loa-doai", clock_offset_ms=-7_200_000.0, temperature_c=85.0)
    board.health("led-xa", conditions=("output_missing",), problems=("no page",))
    assert board.causes() == {"loa-dong": "disk_full", "loa-doai": "clock", "led-xa": "output"}
    (line,) = (line for line in board.today().exceptions if line.cause == "clock")
    assert (line.figure, line.also, line.action) == (-7_200_000.0, ("hot",), "replace_battery")
    for name in board.commune.keys:
        board.health(name)
    assert board.causes() == {}
    board.say("loa-dong", "forged", ReceiptState.REFUSED, reason=Reason.BAD_SIGNATURE)
    board.say("led-xa", "old", ReceiptState.REFUSED, reason=Reason.REPLAYED)
    assert board.causes() == {"loa-dong": "forged"}


def test_a_new_picture_of_the_same_log_says_the_same(board: Board) -> None:
    commune = board.commune
    order = board.order(minutes=1)
    board.online("loa-dong", "loa-doai", "led-xa")
    board.today()
    commune.clock.move(minutes=1)
    board.say("loa-dong", order, ReceiptState.FINISHED, evidence=Evidence(level_dbfs=-20.0))
    board.say("loa-doai", order, ReceiptState.INTERRUPTED, reason=Reason.RESTARTED)
    board.today()
    commune.clock.move(minutes=5)
    board.online("loa-dong", "loa-doai", "led-xa")
    followed = board.today()
    assert board.causes() == {"loa-doai": "interrupted", "led-xa": "no_word"}
    restarted = Operating(commune.database, commune.clock, zone=ZONE).today(commune.operator)
    assert restarted == followed


def test_a_page_of_one_area_shows_that_area(board: Board) -> None:
    board.online("loa-dong", "loa-doai", "led-xa")
    board.online("loa-dong", "loa-doai", state="offline")
    assert {line.area for line in board.today("thon-dong").exceptions} == {"thon-dong"}
    assert board.today("thon-dong").totals.receivers == 1
    with board.commune.database.writing() as session:
        session.get_one(Receiver, "loa-dong").revoked_at = board.commune.clock.now()
    assert board.today("thon-dong").exceptions == ()


# ---- without a database


def _trouble(number: int, area: str, cause: str = "lost") -> Trouble:
    return Trouble(f"r{number}", f"Loa {number}", area, cause, datetime(2026, 11, 23, tzinfo=UTC))


def test_a_village_without_power_is_one_line_and_the_worst_comes_first() -> None:
    names = {"v1": "Thôn Một", "v2": "Thôn Hai", "xa": "Xã"}
    parents = {"v1": "xa", "v2": "xa", "xa": None}
    sizes = {"v1": 5, "v2": 9, "xa": 14}
    troubles = [*(_trouble(n, "v1") for n in range(5)), _trouble(7, "v2", "hot"), _trouble(8, "v2", "forged")]
    lines = grouped(troubles, names=names, sizes=sizes, parents=parents, most=40)
    assert [(line.cause, line.area_name, line.size, line.of) for line in lines] == [
        ("forged", "Thôn Hai", 1, 9),
        ("lost", "Thôn Một", 5, 5),
        ("hot", "Thôn Hai", 1, 9),
    ]
    many = [*troubles, *(_trouble(n, "v2", CAUSES[n]) for n in range(3, 12))]
    fewer = grouped(many, names=names, sizes=sizes, parents=parents, most=3)
    assert sum(line.size for line in fewer) == len(many), "nothing is lost where lines are drawn together"
    assert {line.area for line in fewer} == {"xa"}


def test_of_several_troubles_the_worst_is_the_cause() -> None:
    (one,) = worst([_trouble(1, "v", "hot"), _trouble(1, "v", "silent"), _trouble(1, "v", "clock")])
    assert (one.cause, one.also) == ("silent", ("clock", "hot"))


def test_what_the_station_sees_of_itself_stands_in_the_lights(board: Board) -> None:
    dark = Light("broker", "bad", "away")
    seen = Operating(board.commune.database, board.commune.clock, zone=ZONE, lights=lambda: (dark,))
    assert [light.name for light in seen.today(board.commune.operator).lights] == ["broker", "clock", "data"]


@pytest.mark.parametrize(
    ("ago", "failures", "light"),
    [
        (None, 0, Light("planning", "warn", "starting")),
        (timedelta(seconds=40), 0, Light("planning", "good", "well")),
        (timedelta(seconds=40), 3, Light("planning", "warn", "partly", 3)),
        (timedelta(minutes=7), 0, Light("planning", "bad", "stands", 7)),
    ],
)
def test_orders_that_are_not_made_are_seen(
    commune: Commune, ago: timedelta | None, failures: int, light: Light
) -> None:
    lights = StationLights(
        commune.database,
        connected=lambda: True,
        publishing_s=lambda: 0.0,
        engines=lambda: ("espeak",),
        planned=lambda: (ago, failures),
    )
    assert lights.all()[-1] == light
