"""The receiver's clock: what it makes of answers on a line with jitter, with a clock that drifts and is set."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.receiver.timekeeping import MAX_DELAY_S, Sample, Timekeeper
from devices.wire.messages import ClockAnswer

START = 1_795_000_000.0


class World:
    """A station whose clock is right, a receiver whose clocks are not, and a line between them."""

    def __init__(self, *, drift: float, system_wrong_s: float, seed: int) -> None:
        self.true = START
        self.drift = drift
        self.system_wrong_s = system_wrong_s
        self.random = random.Random(seed)
        self.keeper = Timekeeper(ticks=self.ticks, system=self.system)

    def ticks(self) -> float:
        return (self.true - START) * (1 + self.drift) + 12345.0

    def system(self) -> float:
        return self.true + self.system_wrong_s + (self.true - START) * self.drift

    def delay(self, base: float, jitter: float) -> float:
        return base + self.random.expovariate(1 / jitter)

    def burst(self, *, base: float = 0.0005, jitter: float = 0.002, way_back: float = 0.0) -> None:
        answers = []
        for _ in range(8):
            sent = self.ticks()
            self.true += self.delay(base, jitter)
            arrived_us = round(self.true * 1e6)
            self.true += 0.0003
            left_us = round(self.true * 1e6)
            self.true += self.delay(base, jitter) + way_back
            answer = ClockAnswer(station="s", receiver="r", probe="p", arrived_us=arrived_us, left_us=left_us)
            answers.append(Sample.of(sent=sent, arrived=self.ticks(), answer=answer))
            self.true += 0.12
        self.keeper.learn(answers)

    def error_s(self) -> float:
        return abs(self.keeper.now().timestamp() - self.true)


def test_before_any_answer_it_is_the_systems_clock() -> None:
    world = World(drift=0, system_wrong_s=2, seed=1)
    assert world.keeper.offset_s() is None
    assert world.error_s() == pytest.approx(2, abs=1e-5)


@pytest.mark.parametrize("drift", [-100e-6, 0.0, 100e-6])
@pytest.mark.parametrize("wrong", [-2.0, 0.0, 2.0, 3600.0])
def test_a_clock_that_is_wrong_and_drifts_is_corrected_to_a_millisecond(drift: float, wrong: float) -> None:
    errors = []
    for seed in range(10):
        world = World(drift=drift, system_wrong_s=wrong, seed=seed)
        for pause in (4, 9, 14, *[58] * 10):
            world.burst()
            world.true += pause
        for _ in range(10):
            world.true += 5.9
            errors.append(world.error_s())
    errors.sort()
    assert errors[len(errors) // 2] <= 0.001
    assert errors[-1] <= 0.005


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    drift=st.floats(-100e-6, 100e-6),
    base=st.floats(0.0001, 0.2),
    back=st.floats(0, 0.3),
)
def test_it_is_never_more_wrong_than_it_says(seed: int, drift: float, base: float, back: float) -> None:
    """The bound holds whatever the line does, one way slower than the other included."""
    world = World(drift=drift, system_wrong_s=30, seed=seed)
    world.burst(base=base, jitter=base, way_back=back)
    offset = world.keeper.offset_s()
    if offset is None:
        return
    world.true += 20
    uncertainty = (world.keeper.offset_s() or (0, 0))[1]
    assert world.error_s() <= uncertainty + 1e-5


def test_setting_the_systems_clock_moves_nothing() -> None:
    world = World(drift=20e-6, system_wrong_s=0.5, seed=3)
    for _ in range(4):
        world.burst()
        world.true += 10
    for jump in (3600.0, -3600.0, 0.5):
        world.system_wrong_s = jump
        assert world.error_s() <= 0.002
        offset = world.keeper.offset_s()
        assert offset is not None
        assert offset[0] == pytest.approx(-jump, abs=0.02)


def test_after_a_long_silence_a_system_clock_that_may_be_right_is_followed() -> None:
    world = World(drift=100e-6, system_wrong_s=0.0, seed=4)
    world.burst()
    world.drift, world.system_wrong_s = 0.0, 0.0
    world.true += 86400
    assert world.error_s() <= 0.001


def test_answers_that_took_too_long_are_thrown_away() -> None:
    world = World(drift=0, system_wrong_s=1, seed=5)
    world.burst(base=MAX_DELAY_S)
    assert world.keeper.offset_s() is None
