"""A receiver whose word of an interruption comes when its order is over hears the bulletin again too, once. On both databases."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event, text, update

from broadcaster import interruptions
from broadcaster.identity import id_of
from broadcaster.interruptions import FAULT
from broadcaster.releases import void
from broadcaster.storage.models import Airing
from broadcaster.targets import Places, Targets
from devices.wire.messages import Audience, ReceiptState
from schedules.policies import Policy
from schedules.rules import Once
from tests.brokers import wait_for
from tests.commune import RECEIVERS, Commune
from tests.contract.test_interruptions import AT, BEHIND, LENGTH, OVER, _released, _say, _told
from tests.contract.test_planning import _mended, _spoilt

SOON, FAR = AT + timedelta(days=1), AT + timedelta(days=5)
"""When the next session begins: what airs behind the one is sent at once, what airs behind the other waits."""
BEHIND_FAR = FAR + LENGTH + timedelta(seconds=1)
ENDED = timedelta(seconds=120 + 20 + 60)  # after its instant: late limit, length and afterglow
CUT, WHOLE = ReceiptState.INTERRUPTED, ReceiptState.FINISHED


def _interrupted(
    commune: Commune, *told: tuple[str, ReceiptState], session: datetime = SOON, **changes: object
) -> Airing:
    """An airing that is over, of which these receivers have told; the next session is at `session`."""
    _released(commune, Once(at=session), "Buổi sau", interrupted="drop")
    bulletin = _released(commune, Once(at=AT), **changes)
    _told(commune, bulletin, *told)
    return commune.airings(bulletin)[0]


def _further(commune: Commune, first: Airing) -> list[Airing]:
    found = [airing for airing in commune.airings(first.bulletin_id) if airing.schedule_id is None]
    return sorted(found, key=lambda airing: airing.id != id_of("airing", first.id, "moved"))


def _audiences(commune: Commune, *airings: Airing) -> list[Audience]:
    orders = {order.airing_id: order for order in commune.orders()}
    return [commune.read(orders[airing.id]).audience for airing in airings]


def _reason(commune: Commune, first: Airing) -> str:
    with commune.database.reading() as session:
        return str(session.get_one(Airing, first.id).state_reason)


def test_it_is_added_to_the_further_airing_that_waits(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", CUT), session=FAR)
    (waiting,) = _further(commune, first)
    assert (waiting.state, waiting.due_at, waiting.targets) == (
        "planned",
        BEHIND_FAR,
        Targets(receivers=("loa-dong",)).model_dump(mode="json"),
    )
    commune.clock.move(hours=3)
    _say(commune, "led-xa", CUT, first)
    for planner in (commune.planner, commune.new_planner()):
        planner.run()
        (waiting,) = _further(commune, first)
        assert (waiting.state, waiting.due_at) == ("planned", BEHIND_FAR)
        assert waiting.targets == Targets(receivers=("led-xa", "loa-dong")).model_dump(mode="json")
    commune.clock.instant = BEHIND_FAR - timedelta(hours=47)
    commune.planner.run()
    assert _audiences(commune, waiting) == [Audience(receivers=("led-xa", "loa-dong"))]


def test_one_that_was_excepted_is_excepted_no_more(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", CUT), ("led-xa", CUT), session=FAR)
    (waiting,) = _further(commune, first)
    assert waiting.targets == Targets(areas=("xa",), excluded=("loa-doai",)).model_dump(mode="json")
    _say(commune, "loa-doai", CUT, first)
    commune.planner.run()
    (waiting,) = _further(commune, first)
    assert waiting.targets == Targets(areas=("xa",)).model_dump(mode="json")


def test_where_the_one_that_waits_may_not_air_it_gets_its_own(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", CUT), session=FAR)
    quiet = [{"kind": "quiet_hours", "begins": "17:00", "ends": "18:00"}]
    commune.policies.set(commune.operator, "thon-doai", Policy.model_validate({"rules": quiet}), revision=0)
    for name in ("loa-doai", "led-xa"):
        _say(commune, name, CUT, first)
    commune.planner.run()
    waiting, own = _further(commune, first)
    assert waiting.targets == Targets(receivers=("led-xa", "loa-dong")).model_dump(mode="json")
    assert own.targets == Targets(receivers=("loa-doai",)).model_dump(mode="json")
    assert (waiting.due_at, own.due_at) == (BEHIND_FAR, FAR + timedelta(hours=1))


def test_when_the_other_is_out_it_gets_its_own(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", CUT))
    (out,) = _further(commune, first)
    assert (out.state, out.due_at) == ("dispatched", BEHIND)
    _say(commune, "led-xa", CUT, first)
    commune.planner.run()
    commune.clock.instant = BEHIND + timedelta(seconds=1)  # both have begun
    _released(commune, Once(at=FAR), "Về sau", interrupted="drop")
    _say(commune, "loa-doai", CUT, first)
    commune.planner.run()
    found = {airing.id: airing for airing in _further(commune, first)}
    ids = [id_of("airing", first.id, "moved", *number) for number in ([], ["2"], ["3"])]
    assert found.keys() == set(ids)
    assert [found[name].due_at for name in ids] == [BEHIND, BEHIND, BEHIND_FAR]
    assert [found[name].targets["receivers"] for name in ids] == [["loa-dong"], ["led-xa"], ["loa-doai"]]  # type: ignore[index]
    assert found[ids[2]].state == "planned"
    assert _audiences(commune, found[ids[1]]) == [Audience(receivers=("led-xa",))]
    assert _reason(commune, first) == (
        "bị ngắt; phát lại lúc 17 giờ ngày 25/11, 17 giờ ngày 29/11 / interrupted; airs again at 17:00 on 25/11, 17:00 on 29/11"
    )


def test_when_nobody_else_was_interrupted_it_is_the_first(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", WHOLE), ("led-xa", WHOLE))
    assert _further(commune, first) == []
    _say(commune, "loa-doai", CUT, first)
    commune.planner.run()
    (own,) = _further(commune, first)
    assert (own.id, own.due_at) == (id_of("airing", first.id, "moved"), BEHIND)
    assert _reason(commune, first) == (
        "bị ngắt; phát lại lúc 17 giờ ngày 25/11 / interrupted; airs again at 17:00 on 25/11"
    )


@pytest.mark.parametrize("session", [SOON, FAR])
def test_it_hears_it_once_whatever_comes_twice(commune: Commune, session: datetime) -> None:
    first = _interrupted(commune, ("loa-dong", CUT), session=session)
    _say(commune, "led-xa", CUT, first, number=70)
    commune.planner.run()
    before = [(airing.id, airing.targets) for airing in _further(commune, first)]
    _say(commune, "led-xa", CUT, first, number=70)  # sent again: it is in the log
    _say(commune, "led-xa", CUT, first, number=71)  # and in other words
    _say(commune, "loa-dong", CUT, first, number=72)
    for hours in (0, -4, 4, 1):  # a clock that is set back ends the first one again
        commune.clock.move(hours=hours)
        commune.new_planner().run()
    assert [(airing.id, airing.targets) for airing in _further(commune, first)] == before
    assert "airs again" in _reason(commune, first)


def test_a_word_that_comes_while_the_clock_is_set_back_is_answered_at_the_end(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", CUT))
    commune.clock.instant = AT
    commune.planner.run()
    assert commune.airings(first.bulletin_id)[0].state == "dispatched"
    _say(commune, "led-xa", CUT, first)
    commune.planner.run()
    assert len(_further(commune, first)) == 1
    commune.clock.instant = AT + OVER
    commune.planner.run()
    assert [airing.targets["receivers"] for airing in _further(commune, first)] == [["loa-dong"], ["led-xa"]]  # type: ignore[index]


@pytest.mark.parametrize("states", [(CUT, WHOLE), (WHOLE, CUT)])
def test_who_has_played_it_whole_does_not_hear_it_again(
    commune: Commune, states: tuple[ReceiptState, ReceiptState]
) -> None:
    first = _interrupted(commune)
    for state in states:
        _say(commune, "led-xa", state, first)
    commune.planner.run()
    assert _further(commune, first) == []
    assert commune.airings(first.bulletin_id)[0].state_reason is None


def test_a_day_is_waited_and_then_people_are_told(commune: Commune) -> None:
    first = _interrupted(commune, session=FAR)
    commune.clock.instant = AT + ENDED + timedelta(hours=24)
    _say(commune, "led-xa", CUT, first)
    commune.clock.move(seconds=1)
    for name in ("led-xa", "loa-dong"):
        _say(commune, name, CUT, first)
    commune.clock.move(days=1)  # the planner comes late: what counts is when the receiver's word came
    commune.planner.run()
    (own,) = _further(commune, first)
    assert own.targets == Targets(receivers=("led-xa",)).model_dump(mode="json")
    _say(commune, "loa-doai", CUT, first)
    commune.planner.run()
    assert len(_further(commune, first)) == 1
    assert _reason(commune, first) == (
        "bị ngắt; phát lại lúc 17 giờ ngày 29/11; không phát lại ở Máy loa-doai, Máy loa-dong: báo bị ngắt muộn hơn 24 giờ / "
        "interrupted; airs again at 17:00 on 29/11; not again at Máy loa-doai, Máy loa-dong: told of it more than 24 hours late"
    )


def test_it_does_not_air_after_the_bulletin_has_expired(commune: Commune) -> None:
    first = _interrupted(commune, expires_at=AT + timedelta(hours=20))
    _say(commune, "led-xa", CUT, first)
    commune.planner.run()
    assert _further(commune, first) == []
    assert _reason(commune, first) == (
        "bị ngắt; không phát lại ở Máy led-xa: không có buổi phát kế tiếp nào còn chỗ / "
        "interrupted; not again at Máy led-xa: no later session has room for it"
    )


def test_nor_when_the_bulletin_was_taken_back(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", CUT))
    commune.bulletins.withdraw(commune.editor, first.bulletin_id, "Thôi")
    _say(commune, "led-xa", CUT, first)
    commune.planner.run()
    assert [airing.state for airing in _further(commune, first)] == ["cancelled"]
    assert _reason(commune, first).endswith("interrupted; not again at Máy led-xa: its release is no longer in force")


def test_nor_when_it_is_being_taken_back_at_the_same_moment(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", CUT))
    _say(commune, "led-xa", CUT, first)
    planner = threading.Thread(target=commune.planner.run)
    with commune.database.writing() as session:
        void(session, first.bulletin_id, now=commune.clock.now(), signatory=commune.signatory, reason="Thôi")
        planner.start()
        if not commune.database.is_sqlite:  # there it cannot even begin
            waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            with commune.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
                wait_for(lambda: other.execute(waiting).scalar() == 1)
    planner.join()
    assert [airing.state for airing in _further(commune, first)] == ["cancelled"]


@pytest.mark.parametrize("changes", [{"interrupted": "drop"}, {"drill": True}])
def test_nor_what_is_not_to_be_moved(commune: Commune, changes: dict[str, object]) -> None:
    first = _interrupted(commune)
    with commune.database.writing() as session:
        session.execute(update(Airing).where(Airing.id == first.id).values(**changes))
    _say(commune, "led-xa", CUT, first)
    commune.planner.run()
    assert _further(commune, first) == []
    assert commune.airings(first.bulletin_id)[0].state_reason is None


def test_of_many_receivers_some_are_named(commune: Commune, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruptions, "NAMED", 1)
    first = _interrupted(commune, ("led-xa", CUT), ("loa-dong", CUT), expires_at=AT + timedelta(hours=20))
    assert _reason(commune, first) == (
        "bị ngắt; không phát lại ở Máy led-xa và 1 thiết bị khác: không có buổi phát kế tiếp nào còn chỗ / "
        "interrupted; not again at Máy led-xa and 1 more: no later session has room for it"
    )


def test_a_further_airing_is_moved_in_turn(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", CUT))
    (further,) = _further(commune, first)
    _released(commune, Once(at=FAR), "Về sau", interrupted="drop")
    commune.clock.instant = further.due_at
    commune.clock.move(minutes=5)
    commune.planner.run()
    _say(commune, "loa-dong", CUT, further)
    commune.planner.run()
    _, again = _further(commune, first)
    assert (again.id, again.due_at) == (id_of("airing", further.id, "moved"), BEHIND_FAR)
    assert again.targets == Targets(receivers=("loa-dong",)).model_dump(mode="json")


@pytest.mark.parametrize("late", [False, True])
def test_what_planning_fails_at_is_tried_for_a_day_and_holds_up_no_other(commune: Commune, late: bool) -> None:
    _released(commune, Once(at=SOON), "Buổi sau", interrupted="drop")
    bulletins = [_released(commune, Once(at=AT)), _released(commune, Once(at=AT + timedelta(minutes=1)))]
    first, other = (commune.airings(bulletin)[0] for bulletin in bulletins)
    content = _spoilt(commune, bulletins[0], expires_at="bao giờ")
    commune.clock.instant = AT + OVER
    if late:
        commune.planner.run()
    for airing in (first, other):
        _say(commune, "led-xa", CUT, airing)
    for _ in range(2):
        commune.planner.run()
        commune.dispatcher.run()
        assert (len(_further(commune, first)), len(_further(commune, other))) == (0, 1)
        assert commune.planner.failures == (f"airing {first.id}",)
        assert _reason(commune, first) == FAULT
    _mended(commune, bulletins[0], content)
    commune.planner.run()
    (own,) = _further(commune, first)
    assert own.targets == Targets(receivers=("led-xa",)).model_dump(mode="json")
    assert commune.airings(bulletins[0])[0].state == "closed"
    assert "airs again" in _reason(commune, first)
    # Of another one it is given up in the end.
    _spoilt(commune, bulletins[0], expires_at="bao giờ")
    _say(commune, "loa-dong", CUT, first)
    commune.planner.run()
    commune.clock.move(hours=24)
    for failures in ((f"airing {first.id}",), ()):
        commune.planner.run()
        assert commune.planner.failures == failures
    assert commune.airings(bulletins[0])[0].state == "closed"
    assert _reason(commune, first) == FAULT


@contextmanager
def _statements(commune: Commune) -> Iterator[list[str]]:
    """What is asked of the log meanwhile."""
    found: list[str] = []

    def note(_connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if "as_run" in statement:
            found.append(statement)

    event.listen(commune.database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(commune.database.engine, "before_cursor_execute", note)


def test_the_log_is_read_once_as_far_as_it_has_grown(commune: Commune) -> None:
    first = _interrupted(commune, ("loa-dong", WHOLE), ("led-xa", WHOLE))
    with _statements(commune) as asked:
        commune.planner.run()
        commune.new_planner().run()
    assert asked == []
    _say(commune, "loa-doai", WHOLE, first)
    with _statements(commune) as asked:
        commune.planner.run()
        commune.planner.run()
    assert len(asked) == 1


_STEPS = st.one_of(
    st.tuples(st.sampled_from([name for name, _, _ in RECEIVERS]), st.sampled_from([CUT, CUT, WHOLE])),
    st.sampled_from(["plan", "plan", "restart"]),
    st.integers(-240, 240),  # minutes by which the clock is moved
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ahead=st.sampled_from([1, 3, 5]), steps=st.lists(_STEPS, max_size=14))
def test_in_whatever_order_it_comes_nobody_is_left_out_and_nobody_hears_it_twice(
    commune: Commune, ahead: int, steps: list[tuple[str, ReceiptState] | str | int]
) -> None:
    at = commune.clock.instant = commune.clock.instant + timedelta(days=12)  # behind the example before
    _released(commune, Once(at=at + timedelta(days=ahead)), "Buổi sau", interrupted="drop")
    (first,) = commune.airings(_released(commune, Once(at=at + timedelta(minutes=1))))
    said: dict[str, set[ReceiptState]] = {}
    for step in (*steps, OVER, "plan"):
        if step == "restart":
            commune.planner = commune.new_planner()
        elif step == "plan":
            commune.planner.run()
        elif isinstance(step, int):
            commune.clock.instant = min(
                max(at, commune.clock.instant + timedelta(minutes=step)), at + timedelta(hours=20)
            )
        elif isinstance(step, timedelta):
            commune.clock.instant = max(commune.clock.instant, at + step)
        else:
            assert not isinstance(step, str)
            _say(commune, *step, first)
            said.setdefault(step[0], set()).add(step[1])
    with commune.database.reading() as session:
        there = Places(session, at.date())
        stand = Counter(
            place.id
            for airing in _further(commune, first)
            for place in there.resolve(Targets.model_validate(airing.targets)).receivers
        )
    for name, _, _ in RECEIVERS:
        states = said.get(name, set())
        assert stand[name] == (CUT in states) or (stand[name] == 0 and WHOLE in states), (name, stand)
