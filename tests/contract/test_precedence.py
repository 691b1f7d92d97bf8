"""The planner foresees what a receiver does: random days, simulated by the one and played by the other's rules, second by second."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from devices.receiver import player, precedence
from devices.wire.messages import Audience, Order, Sound
from schedules.day_plan import PlannedOrder, plan_day
from schedules.policies import Policies, Policy, Spot
from schedules.priorities import RANK, Item
from schedules.simulation import CLEAR, FINISHED_SHARE, RUN_BACK

BEGINS = datetime(2026, 11, 24, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def _day(draw: random.Random, count: int) -> list[Item]:
    return [
        Item(
            id=f"a{number:03}",
            due_at=BEGINS + draw.randrange(0, 2 * 3600, draw.choice([1, 60, 300])) * SECOND,
            duration=draw.choice([5, 30, 90, 300]) * SECOND,
            priority=draw.choices(["routine", "priority", "emergency"], [75, 20, 5])[0],
            receivers=frozenset({"loa-1"}),
            issued_at=BEGINS - draw.randrange(1, 4) * timedelta(hours=1),
            late_limit=draw.choice([0, 30, 120, 1800]) * SECOND,
            position=draw.choice([0, 0, 1, 2]),
            interrupted=draw.choice(["resume", "restart", "move", "drop"]),
        )
        for number in range(count)
    ]


def _sent(planned: PlannedOrder) -> Order:
    item = planned.item
    return Order(
        station="xa",
        id=f"{item.id}.moved" if planned.moved else item.id,
        revision=1,
        airing=item.id,
        audience=Audience(receivers=("loa-1",)),
        priority=item.priority,
        title="",
        issued_at=planned.due_at if planned.moved else item.issued_at,
        play_at=planned.due_at,
        late_limit_s=int(planned.late_limit.total_seconds()),
        expires_at=planned.expires_at,
        interrupted=planned.interrupted,
        sound=Sound(sha256="0" * 64, size=1, duration_ms=int(item.duration.total_seconds() * 1000)),
    )


@dataclass
class _Playing:
    order: Order
    since: datetime
    from_ms: int

    def heard_ms(self, now: datetime) -> int:
        return self.from_ms + int((now - self.since).total_seconds() * 1000)

    def over(self, now: datetime) -> bool:
        assert self.order.sound is not None
        return self.heard_ms(now) >= self.order.sound.duration_ms


def _played(orders: list[Order]) -> tuple[list[tuple[str, datetime, datetime]], set[str]]:
    """As `devices.receiver.player` does it, a second at a time: what sounded, and what was missed."""
    ready, missed = {order.id: order for order in orders}, set()
    paused: dict[str, tuple[Order, int]] = {}
    sounded: list[tuple[str, datetime, datetime]] = []
    playing: _Playing | None = None
    now = BEGINS
    while ready or playing or paused:
        if playing is not None and playing.over(now):
            sounded.append((playing.order.airing, playing.since, now))
            playing = None
        for order in [order for order in ready.values() if order.latest_start < now]:
            missed.add(ready.pop(order.id).airing)
        soon = [order for order in ready.values() if order.play_at <= now + player.CLEAR]
        for name, (order, position_ms) in list(paused.items()):
            assert order.sound is not None
            if now + timedelta(milliseconds=order.sound.duration_ms - position_ms) > order.expires_at:
                del paused[name]
        going_on = [
            order for order, _ in paused.values() if not any(precedence.displaces(other, order) for other in soon)
        ]
        candidate = precedence.first([*(order for order in ready.values() if order.play_at <= now), *going_on])
        if candidate is not None and playing is not None and precedence.displaces(candidate, playing.order):
            sounded.append((playing.order.airing, playing.since, now))
            heard, order = playing.heard_ms(now), playing.order
            assert order.sound is not None
            if order.interrupted != "drop" and heard < player.FINISHED_SHARE * order.sound.duration_ms:
                paused[order.id] = order, max(0, heard - player.RUN_BACK_MS) if order.interrupted == "resume" else 0
            playing = None
        if candidate is not None and playing is None:
            _, position_ms = paused.pop(candidate.id, (candidate, 0))
            playing = _Playing(candidate, now, position_ms)
            ready.pop(candidate.id, None)
        now += SECOND
    return sounded, missed


@pytest.mark.parametrize("seed", range(12))
def test_what_is_planned_is_what_a_receiver_plays(seed: int) -> None:
    draw = random.Random(seed)
    items = _day(draw, draw.choice([5, 40, 150]))
    spot = Spot("loa-1", ("xa",))
    plan = plan_day(items, [spot], Policies({}, national=Policy()))
    sounded, missed = _played([_sent(planned) for planned in plan.orders()])
    assert [(play.item, play.start, play.end) for play in plan.timeline("loa-1")] == sounded
    assert {fate.item.id for fate in plan.at("loa-1") if fate.outcome == "missed"} == missed


def test_the_days_above_show_every_outcome() -> None:
    found = set()
    for seed in range(12):
        draw = random.Random(seed)
        items = _day(draw, draw.choice([5, 40, 150]))
        found |= set(plan_day(items, [Spot("loa-1", ("xa",))], Policies({}, national=Policy())).totals())
    assert found == {"played", "resumed", "restarted", "moved", "dropped", "missed"}


def test_both_know_the_same_numbers() -> None:
    assert RANK == precedence.RANK
    assert (player.FINISHED_SHARE, player.CLEAR) == (FINISHED_SHARE, CLEAR)
    assert timedelta(milliseconds=player.RUN_BACK_MS) == RUN_BACK
