"""Properties of a planned day: random days with hundreds of airings, on receivers of several areas."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.airtime import SESSION_PAUSE
from schedules.day_plan import DayPlan, plan_day
from schedules.policies import TEMPLATES, Policies, Policy, Spot
from schedules.policy_rules import QuietHours, SessionMinutes, SessionsADay
from schedules.priorities import RANK, Item
from schedules.simulation import FINISHED_SHARE

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MIDNIGHT = datetime(2026, 11, 23, 17, tzinfo=UTC)  # 24 November in Viet Nam, a Tuesday
SPOTS = [
    Spot(f"{commune}-{number}", ("tinh", commune), place="school" if number == 2 else None)
    for commune in ("xa-a", "xa-b", "xa-c")
    for number in range(3)
]
POLICIES = Policies(
    {
        "tinh": TEMPLATES["hanoi-rural-2021"],
        "xa-a": Policy(rules=(SessionsADay(most=6), SessionMinutes(most=15))),
        "xa-b": Policy(rules=(QuietHours(begins=time(22), ends=time(4)), QuietHours(begins=time(12), ends=time(13)))),
    }
)
SETS = [frozenset(spot.receiver for spot in SPOTS if spot.areas[1] in areas) for areas in (["xa-a"], ["xa-b"], ["xa-c"], ["xa-a", "xa-b", "xa-c"])]  # fmt: skip
SETS += [frozenset({"xa-a-2", "xa-b-1"}), frozenset({"xa-c-0"})]


@st.composite
def days(draw: st.DrawFn, most: int = 300) -> list[Item]:
    """A day's airings, crowded enough to clash, whole seconds."""
    random = draw(st.randoms(use_true_random=False))
    count = draw(st.integers(1, most))
    spread = draw(st.sampled_from([1800, 3600, 6 * 3600, 24 * 3600]))
    begins = MIDNIGHT + timedelta(hours=draw(st.sampled_from([0, 5, 11.5, 20, 20.5])))  # near quiet hours
    return [
        Item(
            id=f"a{number}",
            due_at=begins + timedelta(seconds=random.randrange(0, spread, random.choice([1, 60]))),
            duration=timedelta(seconds=random.choice([20, 90, 180, 600])),
            priority=random.choices(["routine", "priority", "emergency"], [70, 20, 10])[0],
            receivers=random.choice(SETS),
            issued_at=MIDNIGHT - timedelta(seconds=random.randrange(3)),
            late_limit=timedelta(seconds=random.choice([0, 120, 3600])),
            position=random.choice([0, 0, 1, 2]),
            interrupted=random.choice(["resume", "restart", "move", "drop"]),
        )
        for number in range(count)
    ]


def _check(plan: DayPlan, items: list[Item]) -> None:
    for spot in SPOTS:
        fates = plan.at(spot.receiver)
        planned = [item for item in items if spot.receiver in item.receivers]
        assert sorted(fate.item.id for fate in fates) == sorted(item.id for item in planned)
        _nothing_at_once(plan, spot)
        _higher_is_never_delayed(plan, spot)
        _lawful(plan, spot)
        for fate in fates:
            heard = sum((play.end - play.start for play in fate.plays), timedelta())
            assert (not fate.plays) == (fate.outcome in ("skipped", "missed"))
            assert bool(fate.refusals) == (fate.outcome == "skipped")
            if fate.outcome in ("played", "resumed"):
                assert heard >= FINISHED_SHARE * fate.item.duration
            if fate.outcome in ("restarted", "moved"):
                assert fate.plays[-1].end - fate.plays[-1].start >= FINISHED_SHARE * fate.item.duration
            if fate.outcome in ("resumed", "restarted", "moved", "dropped"):
                assert fate.by is not None
                assert RANK[plan.items[fate.by].priority] > RANK[fate.item.priority]
    assert sum(plan.totals().values()) == sum(len(item.receivers) for item in items)


def _nothing_at_once(plan: DayPlan, spot: Spot) -> None:
    timeline = plan.timeline(spot.receiver)
    assert all(play.start < play.end for play in timeline)
    assert all(one.end <= other.start for one, other in pairwise(timeline))
    for play in timeline:
        item = plan.items[play.item]
        assert play.start >= item.due_at
        assert play.end - play.start <= item.duration - play.offset
        assert item.interrupted == "resume" or play.offset == timedelta()


def _higher_is_never_delayed(plan: DayPlan, spot: Spot) -> None:
    """Between its instant and its start, only what is of its class or higher sounds; the same for what is missed."""
    timeline = plan.timeline(spot.receiver)
    for fate in plan.at(spot.receiver):
        if fate.outcome == "skipped":
            continue
        begun = fate.plays[0].start if fate.plays else fate.item.latest_start
        before = [
            play
            for play in timeline
            if play.start < begun and play.end > fate.item.due_at and play.item != fate.item.id
        ]
        assert all(RANK[plan.items[play.item].priority] >= RANK[fate.item.priority] for play in before)
        if fate.plays:
            assert begun - fate.item.due_at == sum(
                (play.end - max(play.start, fate.item.due_at) for play in before), timedelta()
            ), "it waits only while something else sounds"
            assert begun <= fate.item.latest_start


def _lawful(plan: DayPlan, spot: Spot) -> None:
    """Hours by what sounds, counted by another way; sessions by what is admitted."""
    quiet = {"xa-a": [(21, 30)], "xa-b": [(22, 28), (12, 13)], "xa-c": [(21, 30)]}[spot.areas[1]]
    for play in plan.timeline(spot.receiver):
        if plan.items[play.item].priority == "emergency":
            continue
        day = play.start.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        for begins, ends in quiet:
            for shift in (-24, 0, 24):
                low, high = day + timedelta(hours=begins + shift), day + timedelta(hours=ends + shift)
                assert play.end <= low or play.start >= high, (play, spot)
    admitted = [
        fate.item for fate in plan.at(spot.receiver) if fate.outcome != "skipped" and fate.item.priority != "emergency"
    ]
    by_day: dict[date, list[Item]] = {}
    for item in admitted:
        by_day.setdefault(item.due_at.astimezone(ZONE).date(), []).append(item)
    for held in by_day.values():
        sessions: list[list[Item]] = []
        until = None
        for item in sorted(held, key=lambda item: item.due_at):
            if until is None or item.due_at >= until + SESSION_PAUSE:
                sessions.append([])
                until = item.ends_at
            sessions[-1].append(item)
            until = max(until, item.ends_at)
        most, minutes = (6, 15) if spot.areas[1] == "xa-a" else (1000, 45)
        assert len(sessions) <= most
        assert all(sum((item.duration for item in one), timedelta()) <= timedelta(minutes=minutes) for one in sessions)


@settings(max_examples=30, deadline=None)
@given(days())
def test_properties_of_random_days(items: list[Item]) -> None:
    _check(plan_day(items, SPOTS, POLICIES), items)


@settings(max_examples=15, deadline=None)
@given(days(), st.randoms(use_true_random=False))
def test_replanning_gives_what_planning_anew_gives(items: list[Item], random: st.DataObject) -> None:
    plan = plan_day(items, SPOTS, POLICIES)
    taken = items[: len(items) // 10]
    late = Item(
        id="late",
        due_at=items[-1].due_at + timedelta(seconds=7),
        duration=timedelta(minutes=2),
        priority="emergency",
        receivers=SETS[3],
    )
    changed = plan.changed(added=[late], removed=[item.id for item in taken])
    rest = [*items[len(taken) :], late]
    anew = plan_day(rest, SPOTS, POLICIES)
    assert all(changed.at(spot.receiver) == anew.at(spot.receiver) for spot in SPOTS)
    assert changed.orders() == anew.orders()
    assert all(plan.at(spot.receiver) == plan_day(items, SPOTS, POLICIES).at(spot.receiver) for spot in SPOTS[:1])
