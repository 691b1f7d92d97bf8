"""Alarms wake one callback, late rather than never."""

import threading
from datetime import UTC, datetime, timedelta

from schedules.alarms import Alarms
from tests.brokers import wait_for


def test_wakes_at_start_when_asked_and_at_an_instant() -> None:
    woken: list[datetime] = []
    alarms = Alarms(lambda: woken.append(datetime.now(UTC)), every_s=3600)
    alarms.start()
    try:
        wait_for(lambda: len(woken) == 1)
        alarms.now()
        wait_for(lambda: len(woken) == 2)
        instant = datetime.now(UTC) + timedelta(milliseconds=200)
        alarms.at(instant)
        wait_for(lambda: len(woken) == 3)
        assert woken[2] >= instant
        alarms.at(instant - timedelta(hours=1))  # long past: APScheduler's default would drop it
        wait_for(lambda: len(woken) == 4)
    finally:
        alarms.stop()


def test_an_alarm_during_a_run_is_one_more_run_after_it_and_never_two_at_once() -> None:
    running = threading.Semaphore(1)
    clashes, runs = [], []
    hold, begun = threading.Event(), threading.Event()

    def work() -> None:
        if not running.acquire(blocking=False):
            clashes.append(1)
            return
        begun.set()
        hold.wait(10)
        runs.append(1)
        running.release()

    alarms = Alarms(work, every_s=3600)
    alarms.start()
    try:
        assert begun.wait(10)
        for _ in range(50):
            alarms.now()
        hold.set()
        wait_for(lambda: len(runs) == 2)
    finally:
        alarms.stop()
    assert (len(runs), clashes) == (2, [])
