"""Work that is done beside: once under a name, its result given to one who asks, and given up if nobody comes."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from broadcaster.errors import CountingError
from broadcaster.reports.beside import Beside, Progress
from tests.brokers import wait_for
from tests.conftest import SteppedClock

WAIT_S = 30


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(datetime(2026, 12, 9, 1, tzinfo=UTC))


@pytest.fixture
def dropped() -> list[str]:
    return []


@pytest.fixture
def beside(clock: SteppedClock, dropped: list[str]) -> Iterator[Beside[str]]:
    made = Beside[str](clock, name="test", threads=2, drop=dropped.append)
    yield made
    made.close()


def test_each_result_is_given_once_and_made_once_until_then(beside: Beside[str]) -> None:
    assert beside.outcome("a") is None
    beside.begin("a", lambda _: "first")
    beside.begin("a", lambda _: "second")
    assert beside.outcome("a", wait_s=WAIT_S) == "first"
    assert beside.outcome("a", wait_s=WAIT_S) is None
    beside.begin("a", lambda _: "third")
    assert beside.outcome("a", wait_s=WAIT_S) == "third"


def test_how_far_it_is_is_told_over_all_its_parts(beside: Beside[str]) -> None:
    steps: list[threading.Event] = [threading.Event() for _ in range(3)]
    reached: list[threading.Event] = [threading.Event() for _ in range(3)]

    def stand(nth: int) -> None:
        reached[nth].set()
        assert steps[nth].wait(WAIT_S)

    def work(progress: Progress) -> str:
        progress.part(0, 2)
        progress.at(1, 4)
        stand(0)
        progress.part(1, 2)
        progress.at(0, 10)
        for number in progress.over(range(10)):
            if number == 5:
                stand(1)
        stand(2)
        return "done"

    beside.begin("a", work)
    found = []
    for step, here in zip(steps, reached, strict=True):
        assert here.wait(WAIT_S)
        with pytest.raises(CountingError) as told:
            beside.outcome("a", wait_s=0)
        found.append((told.value.done, told.value.of, told.value.percent))
        step.set()
    assert found == [(1, 8, 12), (16, 20, 80), (20, 20, 99)]
    assert beside.outcome("a", wait_s=WAIT_S) == "done"


def test_what_went_wrong_is_told_once_and_then_it_is_begun_anew(
    beside: Beside[str], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Progress) -> str:
        raise LookupError("no such row")

    beside.begin("a", fail)
    with pytest.raises(LookupError, match="no such row"):
        beside.outcome("a", wait_s=WAIT_S)
    assert "what was done beside failed: a" in caplog.text  # also if nobody asks
    beside.begin("a", lambda _: "well")
    assert beside.outcome("a", wait_s=WAIT_S) == "well"


def test_what_nobody_comes_for_is_given_up_after_ten_minutes(
    beside: Beside[str], clock: SteppedClock, dropped: list[str]
) -> None:
    ended = threading.Event()

    def work(_: Progress) -> str:
        ended.set()
        return "a file"

    beside.begin("a", work)
    assert ended.wait(WAIT_S)
    beside.begin("b", lambda _: "another")
    assert beside.outcome("b", wait_s=WAIT_S) == "another"
    assert dropped == []
    clock.move(minutes=10)
    assert beside.outcome("a", wait_s=WAIT_S) == "a file"  # nobody had to make place
    ended.clear()
    beside.begin("a", work)
    assert ended.wait(WAIT_S)

    def given_up() -> bool:
        clock.move(minutes=10)
        beside.begin("b", lambda _: "another")
        return "a file" in dropped

    wait_for(given_up, WAIT_S)
    assert beside.outcome("a") is None


def test_a_station_that_stops_waits_for_no_work_and_gives_up_what_is_done(
    clock: SteppedClock, dropped: list[str]
) -> None:
    beside = Beside[str](clock, name="test", threads=1, drop=dropped.append)
    begun = threading.Event()

    def endless(progress: Progress) -> str:
        begun.set()
        while True:
            progress.rest(WAIT_S)

    beside.begin("done", lambda _: "a file")
    beside.begin("endless", endless)
    beside.begin("waiting", lambda _: "never")
    assert begun.wait(WAIT_S)
    beside.close()
    assert dropped == ["a file"]
    assert beside.outcome("endless") is None
