"""Overlaps are found per receiver; each choice that is offered does away with them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.conflicts import choices, chosen, overlaps, said
from schedules.day_plan import DayPlan, plan_day
from schedules.policies import Policies, Policy, Spot
from schedules.policy_rules import SessionMinutes
from schedules.priorities import Item, Priority

MORNING = datetime(2026, 11, 24, 0, tzinfo=UTC)  # 7:00 in Viet Nam
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SPOTS = [Spot(name, ("tinh", "xa")) for name in ("loa-1", "loa-2", "loa-3")]


def item(name: str, minute: float, minutes: float, *receivers: str, priority: Priority = "routine") -> Item:
    """An airing from 7:00 on."""
    at = MORNING + timedelta(minutes=minute)
    return Item(
        id=name,
        due_at=at,
        duration=timedelta(minutes=minutes),
        receivers=frozenset(receivers),
        priority=priority,
    )


def plan(*items: Item, policy: Policy | None = None) -> DayPlan:
    """A commune of three loudspeakers."""
    return plan_day(items, SPOTS, Policies({"xa": policy or Policy()}))


def at(minute: float) -> datetime:
    """So many minutes after 7:00."""
    return MORNING + timedelta(minutes=minute)


def test_the_same_commune_is_no_conflict_without_a_common_receiver() -> None:
    assert overlaps(plan(item("a", 0, 10, "loa-1"), item("b", 0, 10, "loa-2"))) == []


def test_an_overlap_names_its_receivers_and_who_yields() -> None:
    (found,) = overlaps(plan(item("a", 0, 10, "loa-1", "loa-2"), item("b", 8, 5, "loa-2", "loa-3")))
    assert (found.keeps, found.yields, found.receivers) == ("a", "b", {"loa-2"})
    assert (found.start, found.end) == (at(8), at(10))
    (found,) = overlaps(plan(item("a", 0, 10, "loa-1"), item("b", 8, 5, "loa-1", priority="priority")))
    assert (found.keeps, found.yields) == ("b", "a")


def test_touching_is_no_overlap() -> None:
    assert overlaps(plan(item("a", 0, 10, "loa-1"), item("b", 10, 5, "loa-1"))) == []


def test_the_choices_with_their_times() -> None:
    made = plan(item("a", 0, 10, "loa-1", "loa-2"), item("c", 11, 5, "loa-2"), item("b", 8, 3, "loa-2", "loa-3"))
    offered = {choice.kind: choice for choice in reversed(choices(made, "b", not_before=MORNING - timedelta(days=1)))}
    assert list(offered) == ["split", "replace", "move", "append"]
    assert offered["append"].changes[0].due_at == at(16)  # ten minutes would be free, but three do not fit before c
    assert offered["move"].changes[0].due_at == at(-3)
    assert [(change.item, change.receivers, change.due_at) for change in offered["replace"].changes] == [
        ("a", {"loa-2"}, None)
    ]
    assert [(change.receivers, change.due_at) for change in offered["split"].changes] == [({"loa-2"}, at(16))]
    for language in ("vi", "en"):
        sentences = [said(choice, language, zone=ZONE, titles={"b": "Tiêm chủng"}) for choice in offered.values()]
        assert len(set(sentences)) == 4
    assert said(offered["append"], "vi", zone=ZONE, titles={"b": "Tiêm chủng"}) == (
        "Phát “Tiêm chủng” nối tiếp, lúc 7 giờ 16 ngày 24/11."
    )


def test_appending_must_be_lawful() -> None:
    policy = Policy(rules=(SessionMinutes(most=12),))
    made = plan(item("a", 0, 10, "loa-1"), item("b", 8, 2, "loa-1"), policy=policy)
    assert "append" in {choice.kind for choice in choices(made, "b", not_before=MORNING)}
    made = plan(item("c", 0, 11, "loa-1"), item("b", 4, 1, "loa-1"), item("d", 30, 1, "loa-1"), policy=policy)
    longer = made.changed(added=[item("b", 4, 2, "loa-1")])
    assert longer.totals()["skipped"] == 1  # policy refuses it, so that nothing overlaps
    assert overlaps(longer) == []


def test_a_lower_class_replaces_nothing_higher_and_an_emergency_has_nothing_to_choose() -> None:
    made = plan(item("a", 0, 10, "loa-1", priority="priority"), item("b", 8, 5, "loa-1"))
    assert "replace" not in {choice.kind for choice in choices(made, "b", not_before=MORNING)}
    made = plan(item("a", 0, 10, "loa-1"), item("b", 8, 5, "loa-1", priority="emergency"))
    assert choices(made, "b", not_before=MORNING) == []
    assert "replace" not in {choice.kind for choice in choices(made, "a", not_before=MORNING)}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 90),
            st.integers(1, 20),
            st.sets(st.sampled_from(["loa-1", "loa-2", "loa-3"]), min_size=1),
            st.sampled_from(["routine", "routine", "priority"]),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_every_choice_ends_the_overlaps_of_the_item(drawn: list[tuple[int, int, set[str], Priority]]) -> None:
    made = plan(*(item(f"a{n}", *times, *who, priority=cls) for n, (*times, who, cls) in enumerate(drawn)))
    found = overlaps(made)
    for one in made.items.values():
        for other in made.items.values():
            both = one.receivers & other.receivers
            told = {
                name for each in found if {each.keeps, each.yields} == {one.id, other.id} for name in each.receivers
            }
            assert told == (both if one.id != other.id and one.overlaps(other) else set())
        for choice in choices(made, one.id, not_before=MORNING - timedelta(hours=1)):
            after = chosen(made, choice)
            mine = [name for name in after.items if name.split("~")[0] == one.id]
            assert mine
            assert not any(overlaps(after, of=name) for name in mine), choice
            assert frozenset().union(*(after.items[name].receivers for name in mine)) == one.receivers
            assert all(
                fate.outcome != "skipped" for spot in SPOTS for fate in after.at(spot.receiver) if fate.item.id in mine
            )
