"""Programmes fill their slots from a queue; sessions know their length."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schedules.priorities import Item, Priority
from schedules.programmes import Programme, Queued, Slot, empty_slots, fill, plan_slots, warning
from schedules.recurrence import Recurring
from schedules.sessions import SessionForm, run

START = datetime(2026, 11, 22, 17, tzinfo=UTC)  # Monday 23 November in Viet Nam
DAY = timedelta(days=1)
SLOT = Slot(
    rule=Recurring(start=datetime(2026, 11, 23, 17), rrule="FREQ=DAILY"),  # noqa: DTZ001  wall-clock
    seconds=300,
)


def programme(**more: object) -> Programme:
    """ "Chuyển đổi số", every day at 17:00, five minutes."""
    return Programme.model_validate({"id": "cds", "name": "Chuyển đổi số", "slots": [SLOT], **more})


def queued(
    name: str,
    *,
    days_ago: float = 1,
    seconds: int = 200,
    priority: Priority = "routine",
    until_days: float | None = None,
) -> Queued:
    """A bulletin released so long before START."""
    return Queued(
        bulletin=name,
        released_at=START - days_ago * DAY,
        duration=timedelta(seconds=seconds),
        priority=priority,
        expires_at=None if until_days is None else START + until_days * DAY,
    )


def aired(of: Programme, *queue: Queued, days: int = 4, others: dict[str, list[Queued]] | None = None, also: tuple[Programme, ...] = ()) -> list[tuple[str, ...]]:  # fmt: skip
    """What airs in the slots of so many days."""
    fillings = plan_slots([of, *also], {"cds": queue, **(others or {})}, START, START + days * DAY)
    return [tuple(item.bulletin for item in filling.bulletins) for filling in fillings if filling.programme == "cds"]


def test_in_the_order_of_release_one_a_slot_and_then_silence() -> None:
    assert aired(programme(), queued("b", days_ago=1), queued("a", days_ago=2)) == [("a",), ("b",), (), ()]


def test_what_fits_shares_a_slot_and_what_is_higher_goes_first() -> None:
    short = [queued(name, seconds=100, days_ago=3 - n) for n, name in enumerate("abc")]
    assert aired(programme(), *short, queued("d", days_ago=0, seconds=100, priority="priority")) == [
        ("d", "a", "b"),
        ("c",),
        (),
        (),
    ]


def test_what_does_not_fit_is_passed_over_and_what_never_fits_is_named() -> None:
    queue = [queued("a", seconds=200), queued("b", seconds=150), queued("c", seconds=100), queued("d", seconds=400)]
    assert aired(programme(), *queue, days=3) == [("a", "c"), ("b",), ()]
    filling = fill(programme(), SLOT, START + timedelta(hours=17), {"cds": queue}, {})
    assert filling.too_long == ("d",)
    assert filling.length == timedelta(seconds=300)


def test_repeats_come_after_what_has_not_aired() -> None:
    queue = [queued("a", days_ago=2), queued("b", days_ago=1)]
    assert aired(programme(airings=2), *queue, days=5) == [("a",), ("b",), ("a",), ("b",), ()]


def test_freshness_and_expiry() -> None:
    assert aired(
        programme(fresh_days=2), queued("old", days_ago=3), queued("a", days_ago=1), queued("b", days_ago=0)
    ) == [("a",), ("b",), (), ()]
    assert aired(programme(airings=9), queued("a", until_days=1.5)) == [("a",), (), (), ()]
    assert aired(programme(), queued("tomorrow", days_ago=-1)) == [(), ("tomorrow",), (), ()]


def test_fallbacks() -> None:
    assert aired(programme(fallback="repeat_last"), queued("a"), queued("b", days_ago=0)) == [
        ("a",),
        ("b",),
        ("b",),
        ("b",),
    ]
    assert aired(programme(fallback="repeat_last")) == [(), (), (), ()]
    other = Programme(id="yte", name="Y tế", airings=2)
    both = programme(fallback="programme", fallback_programme="yte")
    assert aired(both, queued("a"), others={"yte": [queued("y")]}, also=(other,)) == [("a",), ("y",), ("y",), ()]


def test_the_editor_is_told_of_an_empty_slot() -> None:
    fillings = plan_slots([programme(fallback="repeat_last")], {"cds": [queued("a")]}, START, START + 2 * DAY)
    (empty,) = empty_slots(fillings)
    assert empty.at == START + DAY + timedelta(hours=17)
    assert warning(empty, "Chuyển đổi số", "17 giờ ngày 24/11", "vi") == (
        "Chuyên mục “Chuyển đổi số” lúc 17 giờ ngày 24/11 chưa có bản tin nào; sẽ phát lại bản tin gần nhất."
    )
    (silent, _) = empty_slots(plan_slots([programme()], {}, START, START + 2 * DAY))
    assert warning(silent, "Digital", "17:00", "en") == "“Digital” at 17:00 has no bulletin yet; nothing will air."


@given(
    st.lists(st.tuples(st.integers(-3, 9), st.integers(20, 400), st.integers(0, 9) | st.none()), max_size=20),
    st.integers(1, 3),
    st.integers(1, 5) | st.none(),
)
def test_slots_are_never_overrun_and_no_bulletin_airs_too_often_late_or_early(
    drawn: list[tuple[int, int, int | None]], airings: int, fresh: int | None
) -> None:
    queue = [
        queued(f"b{n}", days_ago=ago, seconds=seconds, until_days=until)
        for n, (ago, seconds, until) in enumerate(drawn)
    ]
    fillings = plan_slots([programme(airings=airings, fresh_days=fresh)], {"cds": queue}, START, START + 7 * DAY)
    assert len(fillings) == 7
    counted = Counter(item.bulletin for filling in fillings for item in filling.bulletins)
    assert all(number <= airings for number in counted.values())
    for filling in fillings:
        assert filling.length <= timedelta(seconds=300)
        for item in filling.bulletins:
            assert item.released_at <= filling.at
            assert item.expires_at is None or filling.at + item.duration <= item.expires_at
            assert fresh is None or filling.at - item.released_at <= fresh * DAY
        if not filling.bulletins:  # then nothing could have aired
            assert filling.fallback == "silence"


@pytest.mark.parametrize(
    "wrong",
    [{"fallback": "programme"}, {"fallback_programme": "yte"}, {"fallback": "programme", "fallback_programme": "cds"}],
    ids=str,
)
def test_wrong_fallbacks_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        programme(**wrong)


def test_a_session_is_known_to_the_millisecond() -> None:
    def item(name: str, ms: int, priority: Priority = "routine", position: int = 0) -> Item:
        return Item(id=name, due_at=START, duration=timedelta(milliseconds=ms), priority=priority, position=position)

    items = [
        item("r", 60_250),
        item("p1", 30_000, "priority", 2),
        item("p2", 20_000, "priority", 1),
        item("e", 10_000, "emergency"),
    ]
    session = run(SessionForm(call_ms=8_000, closing_ms=4_000, pause_ms=500), START, items)
    assert session is not None
    assert [(entry.kind, entry.item) for entry in session.entries] == [
        ("call", None),
        ("item", "e"),
        ("item", "p2"),
        ("item", "p1"),
        ("item", "r"),
        ("closing", None),
    ]
    assert session.length == timedelta(milliseconds=8_000 + 10_000 + 20_000 + 30_000 + 60_250 + 4_000 + 5 * 500)
    assert [item.due_at - START for item in session.items][:2] == [timedelta(seconds=8.5), timedelta(seconds=19)]
    assert all(entry.start == item.due_at for entry, item in zip(session.entries[1:5], session.items, strict=True))
    assert run(SessionForm(), START, []) is None
