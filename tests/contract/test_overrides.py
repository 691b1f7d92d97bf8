"""Single airings changed by hand, conflicts before submission, any day simulated. On both databases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from broadcaster.bulletins import Draft
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError
from broadcaster.foresight import conflicts, simulation
from broadcaster.lawful import PolicyError
from broadcaster.storage.models import Airing, AuditEntry
from schedules.policies import Policy
from schedules.recurrence import Recurring
from schedules.rules import Once
from tests.commune import ZONE, Commune

AT = datetime(2026, 11, 24, 1, tzinfo=UTC)  # 8:00 in Viet Nam


def _priority(commune: Commune, at: datetime, title: str) -> str:
    """An airing of a `priority` bulletin."""
    bulletin = commune.released(Once(at=at), title=title)
    commune.planner.run()
    with commune.database.writing() as session:
        session.execute(update(Airing).where(Airing.bulletin_id == bulletin).values(priority="priority"))
    return commune.airings(bulletin)[0].id


def _simulated(commune: Commune, receiver: str, day: date) -> list[tuple[str, str, str]]:
    with commune.database.reading() as session:
        found = simulation(
            session, receiver=receiver, day=day, now=commune.clock.now(), zone=ZONE, planned_to=timedelta(days=14)
        )
    return [(fate.item.title, fate.outcome, found.explained(fate, "vi")) for fate in found.fates]


def test_one_airing_is_skipped_and_the_others_are_not(commune: Commune) -> None:
    bulletin = commune.released(Recurring(start=datetime(2026, 11, 24, 8), rrule="FREQ=DAILY"))  # noqa: DTZ001  wall-clock
    commune.planner.run()
    commune.dispatcher.run()
    first = commune.airings(bulletin)[0]
    with pytest.raises(ForbiddenError):
        commune.overrides.skip(commune.editor, first.id, reason="Lễ tang")
    commune.overrides.skip(commune.operator, first.id, reason="Lễ tang")
    commune.planner.run()
    commune.dispatcher.run()
    states = [airing.state for airing in commune.airings(bulletin)]
    assert states[:2] == ["cancelled", "dispatched"]
    assert commune.orders()[0].cancelled
    assert commune.broker.retained(commune.orders()[0].topics[0]) == commune.orders()[0].document.encode()
    with pytest.raises(ConflictError):
        commune.overrides.skip(commune.operator, first.id, reason="Lần nữa")


def test_one_airing_is_moved_by_an_approver_within_policy(commune: Commune) -> None:
    bulletin = commune.released(Once(at=AT))
    commune.planner.run()
    (airing,) = commune.airings(bulletin)
    later = AT + timedelta(hours=2)
    with pytest.raises(ForbiddenError):
        commune.overrides.move(commune.operator, airing.id, to=later, reason="x")
    commune.overrides.move(commune.approver, airing.id, to=later, reason="Mất điện")
    (order,) = commune.orders()
    document = commune.read(order)
    assert (document.play_at, document.revision, order.published_at) == (later, 2, None)
    assert document.expires_at == order.expires_at == later + timedelta(seconds=120 + 20 + 60)
    assert len(commune.airings()) == 1
    quiet = Policy.model_validate({"rules": [{"kind": "quiet_hours", "begins": "21:00", "ends": "06:00"}]})
    commune.policies.set(commune.operator, "xa", quiet, revision=0)
    with pytest.raises(PolicyError, match="quiet hours"):
        commune.overrides.move(commune.approver, airing.id, to=AT + timedelta(hours=14), reason="x")
    with pytest.raises(ConflictError):
        commune.overrides.move(commune.approver, airing.id, to=commune.clock.now(), reason="x")
    commune.clock.instant = AT + timedelta(hours=1)
    commune.planner.run()  # its first instant is over; it still is to come
    assert [row.state for row in commune.airings()] == ["dispatched"]


def test_what_is_moved_before_it_was_sent_is_sent_for_its_new_time(commune: Commune) -> None:
    bulletin = commune.released(Once(at=AT + timedelta(days=5)))
    commune.planner.run()
    (airing,) = commune.airings(bulletin)
    assert airing.state == "planned"
    commune.overrides.move(commune.approver, airing.id, to=AT, reason="Gấp")
    commune.planner.run()
    assert commune.read(commune.orders()[0]).play_at == AT


def test_the_commune_puts_clashing_priority_items_in_order(commune: Commune) -> None:
    first, second = _priority(commune, AT, "Một"), _priority(commune, AT + timedelta(seconds=5), "Hai")
    other = _priority(commune, AT + timedelta(hours=2), "Khác")
    with pytest.raises(ForbiddenError):
        commune.overrides.decide(commune.editor, [second, first])
    assert commune.overrides.decide(commune.operator, [second, first]) == [
        (second, AT),
        (first, AT + timedelta(seconds=20)),
    ]
    orders = {order.airing_id: commune.read(order) for order in commune.orders()}
    assert orders[second].play_at == AT
    assert orders[first].play_at == AT + timedelta(seconds=20)
    assert commune.overrides.decide(commune.operator, [first, second])[0] == (first, AT)
    with pytest.raises(InvalidError, match="do not clash"):
        commune.overrides.decide(commune.operator, [other, first])
    # From a minute after the first begins it is quiet: no order of airings may lead into that, nor a late start.
    quiet = Policy.model_validate({"rules": [{"kind": "quiet_hours", "begins": "08:01", "ends": "09:00"}]})
    commune.policies.set(commune.operator, "thon-dong", quiet, revision=0)
    third, fourth = (_priority(commune, AT + timedelta(seconds=30), title) for title in ("Ba", "Bốn"))
    with pytest.raises(PolicyError, match="quiet hours"):
        commune.overrides.decide(commune.operator, [first, second, third, fourth])
    commune.overrides.decide(commune.operator, [second, first])
    document = commune.read(next(order for order in commune.orders() if order.airing_id == first))
    assert document.play_at == AT + timedelta(seconds=20)
    assert document.late_limit_s == 20  # not into the quiet hours
    routine = commune.airings(commune.released(Once(at=AT)))
    assert routine == []
    with commune.database.reading() as session:
        assert session.scalars(select(AuditEntry.action)).all().count("clash-decided") == 3


def test_two_who_decide_at_once_do_not_wait_for_each_other(commune: Commune) -> None:
    first, second = _priority(commune, AT, "Một"), _priority(commune, AT + timedelta(seconds=5), "Hai")
    for _ in range(5):
        start = threading.Barrier(2)

        def decide(*airings: str, start: threading.Barrier = start) -> None:
            start.wait()
            commune.overrides.decide(commune.operator, airings)

        with ThreadPoolExecutor(2) as threads:
            for done in [threads.submit(decide, first, second), threads.submit(decide, second, first)]:
                done.result()
        starts = sorted(commune.read(order).play_at for order in commune.orders())
        assert starts == [AT, AT + timedelta(seconds=20)]


def test_conflicts_are_told_per_receiver_with_choices(commune: Commune) -> None:
    commune.released(Once(at=AT), areas=("thon-dong",), title="Đã có")  # type: ignore[arg-type]
    commune.planner.run()

    def found(*areas: str, at: datetime = AT + timedelta(seconds=10)) -> list[dict[str, Any]]:
        schedule = {"id": "x", "rule": {"kind": "once", "at": at.isoformat()}, "targets": {"areas": list(areas)}}
        content = {"title": "Mới", "priority": "routine", "clip": {"duration_ms": 20_000}, "schedules": [schedule]}
        with commune.database.reading() as session:
            return conflicts(session, content, now=commune.clock.now(), zone=ZONE, bulletin=None)

    assert found("thon-doai") == []
    assert found("xa", at=AT + timedelta(seconds=20)) == []
    (clash,) = found("xa")
    assert (clash["kind"], clash["with"][0]["title"], clash["with"][0]["receivers"]) == (
        "overlap",
        "Đã có",
        ["loa-dong"],
    )
    assert {way["kind"] for way in clash["choices"]} == {"append", "move", "replace", "split"}
    assert any("nối tiếp" in way["vi"] for way in clash["choices"])
    quiet = Policy.model_validate({"rules": [{"kind": "quiet_hours", "begins": "07:00", "ends": "09:00"}]})
    commune.policies.set(commune.operator, "xa", quiet, revision=0)
    (refused,) = found("thon-doai")
    assert (refused["kind"], refused["refusals"][0]["area"]) == ("policy", "xa")


def test_any_day_of_any_receiver_is_simulated(commune: Commune) -> None:
    commune.released(Once(at=AT), title="Một")
    commune.released(Once(at=AT + timedelta(seconds=5)), areas=("thon-dong",), title="Hai")  # type: ignore[arg-type]
    daily = Recurring(start=datetime(2026, 11, 24, 17), rrule="FREQ=DAILY")  # noqa: DTZ001  wall-clock
    commune.released(daily, title="Hằng ngày")
    commune.planner.run()
    day = date(2026, 11, 24)
    assert [(title, outcome) for title, outcome, _ in _simulated(commune, "loa-dong", day)] == [
        ("Một", "played"), ("Hai", "played"), ("Hằng ngày", "played"),
    ]  # fmt: skip
    assert [title for title, _, _ in _simulated(commune, "loa-doai", day)] == ["Một", "Hằng ngày"]
    assert _simulated(commune, "loa-dong", day)[0][2] == "Phát 08:00:00 - 08:00:20."
    # Weeks ahead, where no rows are yet, the rules tell.
    assert [title for title, _, _ in _simulated(commune, "loa-dong", date(2027, 3, 1))] == ["Hằng ngày"]


def test_what_becomes_of_an_interrupted_airing_is_released_with_it_and_stands_in_its_order(commune: Commune) -> None:
    draft = commune.draft(Once(at=AT))
    bulletin = commune.bulletins.write(commune.editor, Draft(**{**vars(draft), "interrupted": "resume"}))
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=1)
    content, digest = commune.releases.preview(commune.approver, bulletin)
    assert content["interrupted"] == "resume"
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    commune.planner.run()
    assert commune.read(commune.orders()[0]).interrupted == "resume"
    _priority(commune, AT + timedelta(seconds=5), "Ưu tiên")
    day = _simulated(commune, "loa-dong", date(2026, 11, 24))
    assert [(title, outcome) for title, outcome, _ in day] == [("Chuyển đổi số", "resumed"), ("Ưu tiên", "played")]
