"""Policies of areas: inherited, judged when editing, at release, in the order and by the receiver. On both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broadcaster.errors import ConflictError, ForbiddenError
from broadcaster.lawful import PolicyError, judged
from broadcaster.places import PlacesByDay
from devices.wire.messages import Configuration
from devices.wire.signing import Keyring, verify
from schedules.policies import NATIONAL, NATIONAL_POLICY, Policy
from schedules.recurrence import Recurring
from schedules.rules import Once
from tests.commune import ZONE, Commune

EVENING = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)  # 21:30 in Viet Nam


def _policy(*rules: dict[str, Any]) -> Policy:
    return Policy.model_validate({"rules": rules})


QUIET = {"kind": "quiet_hours", "begins": "21:00", "ends": "06:00"}


@pytest.fixture
def quiet(commune: Commune) -> Commune:
    """The national defaults hold."""
    commune.policies.set(commune.operator, NATIONAL, NATIONAL_POLICY, revision=1)
    return commune


def _release(commune: Commune, bulletin: str) -> None:
    _, digest = commune.releases.preview(commune.approver, bulletin)
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)


def test_a_release_in_quiet_hours_is_refused_by_rule_and_area_with_the_nearest_time(quiet: Commune) -> None:
    commune = quiet
    bulletin = commune.written(Once(at=EVENING))
    with pytest.raises(PolicyError) as refused:
        _release(commune, bulletin)
    error = refused.value
    assert error.vi == (
        "Không phát trong giờ yên tĩnh, từ 21 giờ đến 6 giờ (quy định chung; QCVN 26:2010/BTNMT). "
        "Giờ hợp lệ gần nhất: 20 giờ 59 ngày 23/11 hoặc 6 giờ ngày 24/11."
    )
    assert "national default" in error.en
    assert [(row["rule"], row["area"]) for row in error.details["refusals"]] == [("quiet_hours", "national")]  # type: ignore[attr-defined]
    assert error.details["after"] == "2026-11-23T23:00:00+00:00"
    commune.bulletins.edit(
        commune.editor, bulletin, commune.draft(Once(at=datetime(2026, 11, 23, 23, tzinfo=UTC))), revision=1
    )
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=2)
    _release(commune, bulletin)


def test_a_commune_may_be_looser_than_a_default_and_not_than_what_binds(quiet: Commune) -> None:
    commune = quiet
    commune.policies.set(commune.operator, "xa", _policy({**QUIET, "begins": "22:00"}), revision=0)
    _release(commune, commune.written(Once(at=EVENING)))
    commune.policies.set(commune.operator, "tinh", _policy({**QUIET, "binding": True}), revision=0)
    with pytest.raises(PolicyError, match="Địa bàn tinh"):
        _release(commune, commune.written(Once(at=EVENING + timedelta(minutes=5))))


def test_what_stands_already_counts_for_sessions_and_minutes(commune: Commune) -> None:
    at = datetime(2026, 11, 24, 1, tzinfo=UTC)
    rules = ({"kind": "sessions_a_day", "most": 1}, {"kind": "session_minutes", "most": 1})
    commune.policies.set(commune.operator, "xa", _policy(*rules), revision=0)
    for second in (0, 20, 40):  # three clips of twenty seconds are a minute
        _release(commune, commune.written(Once(at=at + timedelta(seconds=second))))
        commune.planner.run()
    with pytest.raises(PolicyError, match="At most 1 minutes"):
        _release(commune, commune.written(Once(at=at + timedelta(seconds=60))))
    with pytest.raises(PolicyError, match="At most 1 sessions a day"):
        _release(commune, commune.written(Once(at=at + timedelta(hours=3))))
    twice = Recurring(start=datetime(2026, 11, 25, 7), rrule="FREQ=DAILY;BYHOUR=7,9")  # noqa: DTZ001  wall-clock
    with pytest.raises(PolicyError, match="At most 1 sessions a day"):  # its own airings count for each other
        _release(commune, commune.written(twice))


def test_an_order_goes_out_only_to_where_it_is_allowed(commune: Commune) -> None:
    """The village's own quiet hours came after the release: its loudspeakers are left out, the others play."""
    commune.released(Once(at=EVENING))
    commune.policies.set(commune.operator, "thon-dong", _policy(QUIET), revision=0)
    commune.planner.run()
    (order,) = commune.orders()
    assert commune.read(order).audience.excluded == ("loa-dong",)
    assert order.topics == [f"cb/v1/areas/xa/orders/{order.id}"]


def test_the_late_limit_ends_where_quiet_hours_begin(commune: Commune) -> None:
    commune.released(Once(at=EVENING - timedelta(seconds=1830)))
    commune.policies.set(commune.operator, "xa", _policy(QUIET), revision=0)
    commune.planner.run()
    assert commune.read(commune.orders()[0]).late_limit_s == 10


def test_a_policy_that_changes_takes_orders_back_and_gives_them_again(commune: Commune) -> None:
    commune.released(Once(at=EVENING))
    commune.released(Once(at=EVENING + timedelta(days=1)))
    commune.planner.run()
    commune.policies.set(commune.operator, "xa", _policy({**QUIET, "kinds": ["loudspeaker", "screen"]}), revision=0)
    commune.released(Once(at=EVENING + timedelta(hours=12)))
    commune.planner.run()
    first, day, second = commune.airings()
    assert (first.state, day.state, second.state) == ("cancelled", "dispatched", "cancelled")
    assert "Nothing airs in quiet hours" in (first.state_reason or "")
    assert [order.cancelled for order in commune.orders()] == [True, False, True]


def test_what_a_policy_refused_before_it_was_sent_is_sent_when_it_is_allowed(commune: Commune) -> None:
    commune.released(Once(at=EVENING))
    everything = _policy({**QUIET, "kinds": ["loudspeaker", "screen"]})
    commune.policies.set(commune.operator, "xa", everything, revision=0)
    commune.planner.run()
    (airing,) = commune.airings()
    assert airing.state == "missed"
    assert "từ 21 giờ đến 6 giờ (Địa bàn xa)" in (airing.state_reason or "")
    assert commune.orders() == []
    commune.policies.set(commune.operator, "xa", _policy(), revision=1)
    commune.planner.run()
    assert [airing.state for airing in commune.airings()] == ["dispatched"]


def test_what_was_too_far_ahead_at_its_release_is_counted_when_its_order_is_made(commune: Commune) -> None:
    once_a_day = _policy({"kind": "sessions_a_day", "most": 1})
    commune.policies.set(commune.operator, "thon-dong", once_a_day, revision=0)
    commune.released(Recurring(start=datetime(2026, 11, 24, 8), rrule="FREQ=DAILY"), title="Sáng")  # noqa: DTZ001  wall-clock
    far = datetime(2026, 12, 14, 8, tzinfo=UTC)  # in three weeks, 15:00
    both = commune.released(Once(at=far), title="Chiều, cả xã")
    only = commune.released(Once(at=far + timedelta(hours=2)), areas=("thon-dong",), title="Chiều, thôn Đông")  # type: ignore[arg-type]
    commune.clock.instant = far - timedelta(hours=30)
    commune.planner.run()
    (sent,) = commune.airings(both)
    document = commune.read(next(order for order in commune.orders() if order.airing_id == sent.id))
    assert (document.audience.areas, document.audience.excluded) == (("xa",), ("loa-dong",))
    (refused,) = commune.airings(only)
    assert refused.state == "missed"
    assert "Mỗi ngày phát nhiều nhất 1 buổi; thêm lượt này thành 2 buổi (Địa bàn thon-dong)." in str(
        refused.state_reason
    )
    assert {airing.state for airing in commune.airings() if airing.title == "Sáng"} <= {
        "missed",
        "dispatched",
        "planned",
    }
    assert sum(airing.state == "dispatched" and airing.title == "Sáng" for airing in commune.airings()) == 2
    # Allowed again, it is sent.
    commune.policies.set(commune.operator, "thon-dong", _policy(), revision=1)
    commune.planner.run()
    assert commune.airings(only)[0].state == "dispatched"


def test_emergencies_are_bound_by_none_of_it(quiet: Commune) -> None:
    content = {"clip": {"duration_ms": 20_000}, "priority": "emergency", "title": "Bão", "schedules": []}
    schedule = {
        "id": "s",
        "rule": {"kind": "once", "at": EVENING.isoformat()},
        "targets": {"areas": ["xa"]},
    }
    with quiet.database.reading() as session:
        (found,) = judged(
            session, {**content, "schedules": [schedule]}, now=quiet.clock.now(), places=PlacesByDay(session, ZONE)
        )
    assert found.verdict.lawful


def test_receivers_are_told_what_they_check_again(commune: Commune) -> None:
    def told(receiver: str) -> Configuration:
        ring = Keyring([commune.signatory.key.public()])
        documents = [verify(item.document.encode(), ring, Configuration) for item in commune.receivers.configurations()]
        return next(document for document in documents if document.receiver == receiver)

    assert told("loa-dong").quiet_hours == ()
    commune.policies.set(commune.operator, NATIONAL, NATIONAL_POLICY, revision=1)
    commune.policies.set(commune.operator, "xa", _policy({"kind": "weekdays", "days": [0, 1, 2, 3, 4]}), revision=0)
    commune.policies.place(commune.operator, "loa-dong", special="school", full_volume_dba=75)
    found = told("loa-dong")
    assert [(hours.days, hours.start, hours.end) for hours in found.quiet_hours] == [
        ((1, 2, 3, 4, 5, 6, 7), "21:00", "06:00"),
        ((6, 7), "00:00", "00:00"),
    ]
    # Both the ceiling of everywhere and that of schools stand; the lowest that applies holds.
    assert sorted((c.start, c.gain_db) for c in found.gain_ceilings) == [
        ("06:00", -20.0), ("06:00", -5.0), ("21:00", -30.0), ("21:00", -20.0),
    ]  # fmt: skip
    assert told("loa-doai").gain_ceilings == ()  # never measured
    assert told("led-xa").quiet_hours == ()


def test_policies_are_read_by_all_and_changed_by_those_who_operate_one_after_another(commune: Commune) -> None:
    with pytest.raises(ForbiddenError):
        commune.policies.set(commune.editor, "xa", _policy(QUIET), revision=0)
    assert commune.policies.set(commune.operator, "xa", _policy(QUIET), revision=0, break_glass=True) == 1
    with pytest.raises(ConflictError):
        commune.policies.set(commune.operator, "xa", _policy(), revision=0)
    found = commune.policies.of(commune.editor, "thon-dong")
    assert (found.own, found.revision, found.break_glass, found.breaks_glass) == (Policy(), 0, None, True)
    assert [(standing.rule.kind, standing.area) for standing in found.in_force] == [("quiet_hours", "xa")]
