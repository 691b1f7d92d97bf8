"""Policies: inherited down the line of areas; refusals name the rule and the area; the nearest lawful time is lawful."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schedules.airtime import Airtime, judge, said
from schedules.policies import TEMPLATES, Policies, Policy, Spot
from schedules.policy_rules import (
    ClosedDays,
    DaysAWeek,
    PolicyRule,
    QuietHours,
    SessionMinutes,
    SessionsADay,
    VolumeCeiling,
    Weekdays,
)
from schedules.priorities import Item, Priority

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LINE = ("tinh", "xa", "thon")
NAMES = {"tinh": "Tỉnh Hải Dương", "xa": "Xã Cẩm Giàng", "thon": "Thôn Đông"}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def wall(text: str) -> datetime:
    """A time in Viet Nam, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def item(at: str, minutes: float = 3, priority: Priority = "routine", name: str = "new") -> Item:
    """An airing on the loudspeaker."""
    return Item(id=name, due_at=wall(at), duration=timedelta(minutes=minutes), priority=priority)


def airtime(
    by_area: dict[str, tuple[PolicyRule, ...]], *items: Item, national: Policy | None = None, spot: Spot | None = None
) -> Airtime:
    """What the rules leave on one receiver."""
    given_ = {area: Policy(rules=rules) for area, rules in by_area.items()}
    policies = Policies(given_, names=NAMES, **({} if national is None else {"national": national}))
    return Airtime(policies.in_force(spot or Spot("loa-1", LINE)), items)


def broken(on: Airtime, proposed: Item) -> list[tuple[str, str]]:
    """Kinds and areas of the refusals."""
    return [(refusal.kind, refusal.standing.area) for refusal in on.refusals(proposed)]


NOTHING = Policy()
QUIET_NOON = QuietHours(begins=time(11, 30), ends=time(13))


def test_the_national_night_is_a_default_that_crosses_midnight() -> None:
    on = airtime({})
    for at in ("2026-11-24T20:58", "2026-11-24T23:59", "2026-11-25T05:59"):
        assert broken(on, item(at)) == [("quiet_hours", "national")]
    for at in ("2026-11-24T20:57", "2026-11-25T06:00"):
        assert broken(on, item(at)) == []


def test_a_nearer_area_overrides_and_what_is_binding_holds_besides() -> None:
    looser = QuietHours(begins=time(22), ends=time(4, 30))
    assert broken(airtime({"xa": (looser,)}), item("2026-11-24T05:00")) == []
    assert broken(airtime({"xa": (looser,), "thon": (QUIET_NOON,)}), item("2026-11-24T23:00")) == []
    bound = QuietHours(begins=time(21), ends=time(5), binding=True)
    both = airtime({"tinh": (bound,), "xa": (looser,)})
    assert broken(both, item("2026-11-24T04:45")) == [("quiet_hours", "tinh")]
    assert broken(both, item("2026-11-24T23:00")) == [("quiet_hours", "tinh"), ("quiet_hours", "xa")]
    assert (
        broken(airtime({"tinh": (bound,)}), item("2026-11-24T05:30")) == []
    )  # it stands in the national default's place


def test_other_kinds_of_rules_are_not_overridden() -> None:
    on = airtime({"tinh": (SessionsADay(most=0),), "xa": (QUIET_NOON,)})
    assert broken(on, item("2026-11-24T07:00")) == [("sessions_a_day", "tinh")]


def test_special_places_and_kinds_of_receivers() -> None:
    lessons = QuietHours(begins=time(7), ends=time(11), weekdays=(0, 1, 2, 3, 4), places=("school",))
    at_school = Spot("loa-1", LINE, place="school")
    assert broken(airtime({"xa": (lessons,)}), item("2026-11-24T08:00")) == []
    assert broken(airtime({"xa": (lessons,)}, spot=at_school), item("2026-11-24T08:00")) == [("quiet_hours", "xa")]
    assert broken(airtime({"xa": (lessons,)}, spot=at_school), item("2026-11-28T08:00")) == []  # a Saturday
    assert broken(airtime({"xa": (lessons,)}, spot=at_school), item("2026-11-24T23:00")) == [
        ("quiet_hours", "national")
    ]
    assert broken(airtime({}, spot=Spot("led-1", LINE, kind="screen")), item("2026-11-24T23:00")) == []


def test_sessions_and_minutes_are_counted_as_they_are_heard() -> None:
    held = [item(f"2026-11-24T{at}", 5, name=at) for at in ("06:00", "06:05", "17:00")]
    rules = (SessionsADay(most=2), SessionMinutes(most=15))
    on = airtime({"xa": rules}, *held)
    assert broken(on, item("2026-11-24T06:10", 5)) == []
    assert broken(on, item("2026-11-24T06:19", 5)) == []  # nine minutes of pause: the same session
    assert broken(on, item("2026-11-24T06:10", 6)) == [("session_minutes", "xa")]
    assert broken(on, item("2026-11-24T06:20", 5)) == [("sessions_a_day", "xa")]
    assert broken(on, item("2026-11-24T06:10", 60, "emergency")) == []
    on.add(item("2026-11-24T09:00", 60, "emergency", name="bão"))
    assert broken(on, item("2026-11-24T17:05", 5)) == []  # an emergency takes nothing of the quota


def test_days() -> None:
    five = tuple(item(f"2026-11-{day}T17:00", name=str(day)) for day in range(23, 28))
    on = airtime({"xa": (DaysAWeek(most=5),)}, *five)
    assert broken(on, item("2026-11-27T06:00")) == []
    assert broken(on, item("2026-11-28T17:00")) == [("days_a_week", "xa")]
    assert broken(on, item("2026-11-30T17:00")) == []
    assert broken(airtime({"xa": (Weekdays(days=(0, 2)),)}), item("2026-11-24T17:00")) == [("weekdays", "xa")]
    closed = ClosedDays(days=("tet",), dates=(date(2026, 9, 3),))
    assert broken(airtime({"xa": (closed,)}), item("2026-02-17T17:00")) == [("closed_days", "xa")]
    assert broken(airtime({"xa": (closed,)}), item("2026-09-03T17:00")) == [("closed_days", "xa")]
    assert broken(airtime({"xa": (closed,)}), item("2026-02-20T17:00")) == []


def test_templates_of_ha_noi() -> None:
    urban = airtime({"tinh": TEMPLATES["hanoi-urban-2021"].rules}, item("2026-11-24T07:00", 15, name="a"))
    assert broken(urban, item("2026-11-24T07:15", 1)) == [("session_minutes", "tinh")]
    assert broken(urban, item("2026-11-24T17:00", 15)) == []
    rural = airtime({"tinh": TEMPLATES["hanoi-rural-2021"].rules, "xa": (SessionMinutes(most=60),)})
    assert broken(rural, item("2026-11-24T07:00", 46)) == [("session_minutes", "tinh")]  # binding


def test_ceilings_are_the_lowest_that_apply() -> None:
    quieter = VolumeCeiling(begins=time(12), ends=time(14), dba=60)
    policies = Policies({"xa": Policy(rules=(quieter,))})
    home, school = policies.in_force(Spot("a", LINE)), policies.in_force(Spot("b", LINE, place="school"))

    def dba(at: str, *, where: str = "home") -> int:
        found = (home if where == "home" else school).ceiling(wall(at), wall(at) + timedelta(minutes=5))
        assert found is not None
        return found[0]

    assert [dba(f"2026-11-24T{at}") for at in ("07:00", "11:58", "20:58", "03:00")] == [70, 60, 55, 55]
    assert [dba(f"2026-11-24T{at}", where="school") for at in ("07:00", "12:00", "22:00")] == [55, 55, 45]


def test_a_refusal_names_the_rule_the_area_and_the_nearest_lawful_times() -> None:
    on = airtime({"xa": (QuietHours(begins=time(11, 30), ends=time(13), source="QĐ 12/2026"),)})
    proposed = item("2026-11-24T12:00")
    verdict = judge(proposed, [on], not_before=LONG_AGO)
    assert (verdict.before, verdict.after) == (wall("2026-11-24T11:27"), wall("2026-11-24T13:00"))
    assert said(verdict, "vi", in_force=on.in_force) == [
        "Không phát trong giờ yên tĩnh, từ 11 giờ 30 đến 13 giờ (Xã Cẩm Giàng; QĐ 12/2026).",
        "Giờ hợp lệ gần nhất: 11 giờ 27 ngày 24/11 hoặc 13 giờ ngày 24/11.",
    ]
    assert said(verdict, "en", in_force=on.in_force) == [
        "Nothing airs in quiet hours, 11:30 to 13:00 (Xã Cẩm Giàng; QĐ 12/2026).",
        "The nearest lawful time: 11:27 on 24/11 or 13:00 on 24/11.",
    ]
    soon = judge(proposed, [on], not_before=wall("2026-11-24T11:30"))
    assert (soon.before, soon.after) == (None, wall("2026-11-24T13:00"))
    assert judge(item("2026-11-24T12:00", priority="emergency"), [on], not_before=LONG_AGO).lawful


@pytest.mark.parametrize(
    "rule",
    [
        SessionsADay(most=1),
        SessionMinutes(most=5),
        DaysAWeek(most=1),
        Weekdays(days=(6,)),
        ClosedDays(days=("full_moon",), dates=(date(2026, 11, 24),)),
        VolumeCeiling(begins=time(6), ends=time(21), dba=70),
    ],
    ids=lambda rule: rule.kind,
)
def test_every_rule_has_its_sentences(rule: PolicyRule) -> None:
    on = airtime(
        {"xa": (rule,)}, item("2026-11-23T17:00", name="a"), item("2026-11-24T07:00", name="b"), national=NOTHING
    )
    day = 25 if rule.kind == "days_a_week" else 24
    refusals = on.refusals(item(f"2026-11-{day}T17:00", 6))
    assert bool(refusals) == (rule.kind != "volume_ceiling")
    for refusal in refusals:
        assert refusal.said("vi").endswith("(Xã Cẩm Giàng).")
        assert refusal.said("vi") != refusal.said("en")


RULES = st.one_of(
    st.builds(
        QuietHours,
        begins=st.times().map(lambda at: at.replace(minute=0, second=0, microsecond=0)),
        ends=st.times().map(lambda at: at.replace(minute=30, second=0, microsecond=0)),
    ),
    st.builds(SessionsADay, most=st.integers(0, 3)),
    st.builds(SessionMinutes, most=st.integers(1, 30)),
    st.builds(DaysAWeek, most=st.integers(0, 7)),
    st.builds(Weekdays, days=st.lists(st.integers(0, 6), min_size=1, max_size=6).map(tuple)),
)


@settings(max_examples=100, deadline=None)
@given(
    rules=st.lists(RULES, max_size=4),
    held=st.lists(st.tuples(st.integers(0, 5 * 24 * 60), st.integers(1, 15)), max_size=12),
    at=st.integers(0, 5 * 24 * 60),
    minutes=st.integers(1, 20),
)
def test_the_nearest_lawful_time_is_lawful_free_and_no_minute_is_nearer(
    *, rules: list[PolicyRule], held: list[tuple[int, int]], at: int, minutes: int
) -> None:
    start = wall("2026-11-23T00:00")
    on = airtime({"xa": tuple(rules)}, national=NOTHING)
    for number, (begins, length) in enumerate(held):
        other = Item(id=f"a{number}", due_at=start + timedelta(minutes=begins), duration=timedelta(minutes=length))
        if not on.refusals(other) and on.free(other):
            on.add(other)
    proposed = Item(id="new", due_at=start + timedelta(minutes=at), duration=timedelta(minutes=minutes))
    verdict = judge(proposed, [on], not_before=start - timedelta(days=3))

    def good(when: datetime) -> bool:
        there = Item(id="new", due_at=when, duration=proposed.duration)
        return on.free(there) and not on.refusals(there)

    assert verdict.lawful == (not on.refusals(proposed))
    if verdict.lawful:
        return
    for found, step in ((verdict.before, -1), (verdict.after, 1)):
        assert found is None or good(found)
        for minute in range(1, 6 * 60):
            when = proposed.due_at + timedelta(minutes=step * minute)
            if found is not None and abs(when - proposed.due_at) >= abs(found - proposed.due_at):
                break
            assert not good(when), (found, when)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "quiet_hours", "begins": "21:00", "ends": "21:00"},
        {"kind": "quiet_hours", "begins": "21:00+07:00", "ends": "06:00"},
        {"kind": "weekdays", "days": []},
        {"kind": "weekdays", "days": [7]},
        {"kind": "volume_ceiling", "begins": "21:00", "ends": "06:00", "dba": 200},
        {"kind": "closed_days", "days": ["no_such_day"]},
        {"kind": "session_minutes", "most": 0},
        {"kind": "curfew"},
        {"kind": "sessions_a_day", "most": 2, "loud": True},
    ],
    ids=str,
)
def test_wrong_rules_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate({"rules": [wrong]})


def test_policies_survive_storage() -> None:
    for policy in TEMPLATES.values():
        assert Policy.model_validate(policy.model_dump(mode="json")) == policy
