"""Programmes fill their slots from a queue, campaigns count what was proved, the plan is a calendar. On both databases."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from broadcaster.bulletins import Draft
from broadcaster.calendars import import_calendar, plan_feed
from broadcaster.campaigns import CampaignPlan
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError
from broadcaster.foresight import conflicts, simulation
from broadcaster.lawful import PolicyError
from broadcaster.slots import Columns
from broadcaster.storage.models import ProgrammeRecord, Release
from broadcaster.targets import Targets
from devices.links.port import Delivery
from devices.wire.messages import ReceiptState
from schedules.icalendar import read
from schedules.policies import Policy
from schedules.programmes import Programme
from schedules.recurrence import Recurring
from schedules.rules import Once
from tests.commune import ZONE, Commune

FIRST = datetime(2026, 11, 24, 10, tzinfo=UTC)  # 17:00 in Viet Nam


def _programme(**changes: Any) -> Programme:
    rule = {"kind": "recurring", "start": "2026-11-24T17:00:00", "rrule": "FREQ=DAILY"}
    fields = {"id": "cds", "name": "Chuyển đổi số", "slots": [{"rule": rule, "seconds": 60}], **changes}
    return Programme.model_validate(fields)


def _queued(commune: Commune, title: str, **belonging: Any) -> str:
    draft = commune.draft(None, title=title)
    made = Draft(**{**vars(draft), "programme": "cds", **belonging})
    bulletin = commune.bulletins.write(commune.editor, made)
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=1)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    commune.clock.move(seconds=1)
    return bulletin


def _aired(commune: Commune) -> list[tuple[str, datetime]]:
    return [(airing.title, airing.due_at) for airing in commune.airings() if airing.state != "cancelled"]


@pytest.fixture
def column(commune: Commune) -> Commune:
    commune.programmes.save(commune.approver, _programme(), Targets(areas=("xa",)), revision=0)
    return commune


def test_what_is_released_fills_the_slots_in_order(column: Commune) -> None:
    commune = column
    for title in ("Một", "Hai", "Ba"):
        _queued(commune, title)
    commune.planner.run()
    # Clips of twenty seconds, with a breath between them.
    wanted = [("Một", FIRST), ("Hai", FIRST + timedelta(seconds=21)), ("Ba", FIRST + timedelta(seconds=42))]
    assert _aired(commune) == wanted
    commune.planner.run()
    assert _aired(commune) == wanted
    assert all(airing.targets is not None and airing.targets["areas"] == ["xa"] for airing in commune.airings())


def test_a_programme_that_cannot_be_read_leaves_all_others_their_slots(column: Commune) -> None:
    commune = column
    commune.programmes.save(commune.approver, _programme(id="cu"), Targets(areas=("thon-dong",)), revision=0)
    with commune.database.writing() as session:
        row = session.get_one(ProgrammeRecord, "cu")
        row.rules = {**row.rules, "slots": [{"rule": {"kind": "moon"}, "seconds": 60}]}
    _queued(commune, "Một")
    commune.planner.run()
    assert _aired(commune) == [("Một", FIRST)]
    assert commune.planner.failures == ("programme cu",)


def test_a_programme_that_fails_after_it_was_read_leaves_all_others_their_slots(column: Commune) -> None:
    commune = column
    for name, fields in {
        "mua": {"slots": ()},
        "cu": {},
        "moi": {"fallback": "programme", "fallback_programme": "mua"},
    }.items():
        commune.programmes.save(
            commune.approver, _programme(id=name, **fields), Targets(areas=("thon-dong",)), revision=0
        )
    broken = _queued(commune, "Hỏng", programme="cu")
    _queued(commune, "Mùa vụ", programme="mua")
    _queued(commune, "Một")
    with commune.database.writing() as session:
        which = Release.bulletin_id == broken
        content = session.scalars(select(Release.content).where(which)).one()
        unheard = {name: value for name, value in json.loads(content).items() if name != "clip"}
        session.execute(update(Release).where(which).values(content=json.dumps(unheard)))
    commune.clock.move(seconds=(FIRST - timedelta(hours=3) - commune.clock.now()).total_seconds())
    for _ in range(2):
        commune.planner.run()
        aired = sorted((airing.programme_id, airing.title, airing.due_at) for airing in commune.airings())
        assert aired == [("cds", "Một", FIRST), ("moi", "Mùa vụ", FIRST)]  # which falls back on another
        assert commune.planner.failures == ("programme cu",)
    with commune.database.writing() as session:
        session.execute(update(Release).where(which).values(content=content))
    commune.planner.run()
    assert ("cu", "Hỏng", FIRST) in {(airing.programme_id, airing.title, airing.due_at) for airing in commune.airings()}
    assert commune.planner.failures == ()


def test_a_programme_that_has_ended_keeps_the_call_that_another_uses_too(column: Commune) -> None:
    commune = column
    call = _queued(commune, "Mở đầu")
    commune.programmes.save(commune.approver, _programme(call=call), Targets(areas=("xa",)), revision=1)
    commune.programmes.save(commune.approver, _programme(id="cu", call=call), Targets(areas=("xa",)), revision=0)
    _queued(commune, "Một", programme="cu")
    commune.planner.run()
    assert [title for title, _ in _aired(commune)] == ["Mở đầu", "Một"]
    commune.programmes.end(commune.approver, "cu")
    commune.planner.run()
    assert [title for title, _ in _aired(commune)] == ["Mở đầu", "Một"]


def test_a_withdrawn_bulletin_makes_room_for_the_next(column: Commune) -> None:
    commune = column
    first = _queued(commune, "Một")
    commune.planner.run()
    assert _aired(commune) == [("Một", FIRST)]
    commune.bulletins.withdraw(commune.editor, first, "Sai")
    _queued(commune, "Hai")
    commune.planner.run()
    assert _aired(commune) == [("Hai", FIRST)]


def test_a_session_is_a_running_order_of_call_items_and_closing(column: Commune) -> None:
    commune = column
    call, closing = _queued(commune, "Mở đầu"), _queued(commune, "Kết thúc")
    framed = _programme(call=call, closing=closing)
    framed = framed.model_copy(update={"slots": (framed.slots[0].model_copy(update={"seconds": 85}),)})
    with pytest.raises(InvalidError, match="no bulletin 'khac'"):
        commune.programmes.save(commune.approver, _programme(call="khac"), Targets(areas=("xa",)), revision=1)
    commune.programmes.save(commune.approver, framed, Targets(areas=("xa",)), revision=1)
    first = _queued(commune, "Một")
    second = _queued(commune, "Hai", expires_at=FIRST + timedelta(days=1))
    _queued(commune, "Ba", expires_at=FIRST + timedelta(days=1))
    # 85 s less call and closing of twenty seconds each leave room for two.
    seen, following = commune.programmes.sessions(commune.editor, "cds", ahead=timedelta(hours=60))
    assert ([part.title for part in seen.parts], seen.planned) == (["Mở đầu", "Một", "Hai", "Kết thúc"], False)
    assert (seen.length, following.parts) == (timedelta(seconds=83), ())  # the third would have expired
    assert [title for _, title in commune.programmes.queue(commune.editor, "cds")] == ["Một", "Hai", "Ba"]
    commune.planner.run()
    wanted = [
        (title, FIRST + timedelta(seconds=21 * n)) for n, title in enumerate(("Mở đầu", "Một", "Hai", "Kết thúc"))
    ]
    assert _aired(commune) == wanted
    (planned, _) = commune.programmes.sessions(commune.editor, "cds", ahead=timedelta(hours=60))
    assert (planned.planned, [part.kind for part in planned.parts]) == (True, ["call", "item", "item", "closing"])
    assert planned.length == timedelta(seconds=83)
    # A call does not air around nothing; what comes after it is a session again.
    for bulletin in (first, second):
        commune.bulletins.withdraw(commune.editor, bulletin, "Sai")
    commune.planner.run()
    assert [title for title, _ in _aired(commune)] == ["Mở đầu", "Ba", "Kết thúc"]
    for queued, _ in commune.programmes.queue(commune.editor, "cds"):
        commune.bulletins.withdraw(commune.editor, queued.bulletin, "Sai")
    commune.planner.run()
    assert _aired(commune) == []
    assert all(order.cancelled for order in commune.orders())


def test_slots_are_checked_by_policy_and_reserved_for_their_programme(commune: Commune) -> None:
    rules = [
        {"kind": "quiet_hours", "begins": "16:00", "ends": "17:30"},
        {"kind": "sessions_a_day", "most": 1},
    ]
    commune.policies.set(commune.operator, "xa", Policy.model_validate({"rules": rules}), revision=0)
    targets = Targets(areas=("xa",))
    with pytest.raises(PolicyError, match=r"16:00 to 17:30.*nearest lawful time: .*17:30 on 24/11") as refused:
        commune.programmes.save(commune.approver, _programme(), targets, revision=0)
    assert refused.value.details["refusals"][0]["area"] == "xa"  # type: ignore[index]  # of a refusal
    rule = {"kind": "recurring", "start": "2026-11-24T18:00:00", "rrule": "FREQ=DAILY"}
    later = _programme(slots=[{"rule": rule, "seconds": 60}])
    commune.programmes.save(commune.approver, later, targets, revision=0)
    commune.programmes.save(commune.approver, later, targets, revision=1)  # its own slots are no second session
    # Nothing is queued, nothing is planned, and yet the hour is taken: by the day's only session, and on air.
    six = FIRST + timedelta(days=5, hours=1)
    schedule = {"id": "x", "rule": {"kind": "once", "at": six.isoformat()}, "targets": {"areas": ["thon-dong"]}}
    content = {"title": "Mới", "priority": "routine", "clip": {"duration_ms": 20_000}, "schedules": [schedule]}

    def met() -> list[dict[str, Any]]:
        with commune.database.reading() as session:
            return conflicts(session, content, now=commune.clock.now(), zone=ZONE, bulletin=None)

    (clash,) = met()
    assert (clash["with"][0]["title"], clash["with"][0]["receivers"]) == ("Chuyên mục Chuyển đổi số", ["loa-dong"])
    assert "replace" not in {way["kind"] for way in clash["choices"]}
    schedule["rule"] = {"kind": "once", "at": (six - timedelta(hours=6)).isoformat()}
    (second,) = met()
    assert (second["kind"], second["refusals"][0]["rule"]) == ("policy", "sessions_a_day")
    # Any day is foreseen with what its slots would air.
    _queued(commune, "Một")
    with commune.database.reading() as session:
        day = simulation(session, receiver="loa-dong", day=date(2026, 11, 24), now=commune.clock.now(), zone=ZONE, planned_to=timedelta(days=14))  # fmt: skip
    assert [(fate.item.title, fate.outcome) for fate in day.fates] == [("Một", "played")]


def test_an_empty_slot_warns_the_day_before_and_falls_back(commune: Commune) -> None:
    programme = _programme(fallback="repeat_last")
    commune.programmes.save(commune.approver, programme, Targets(areas=("xa",)), revision=0)
    _queued(commune, "Một")
    commune.planner.run()
    commune.clock.instant = FIRST + timedelta(hours=1)
    commune.planner.run()
    assert [(row.programme_id, row.slot_at) for row in commune.programmes.warnings(commune.editor)] == [
        ("cds", FIRST + timedelta(days=1))
    ]
    assert "sẽ phát lại bản tin gần nhất" in commune.programmes.warnings(commune.editor)[0].vi
    assert len(_aired(commune)) == 1  # it waits for a bulletin as long as there is time
    commune.clock.instant = FIRST + timedelta(hours=19)
    commune.planner.run()
    assert _aired(commune) == [("Một", FIRST), ("Một", FIRST + timedelta(days=1))]
    assert commune.programmes.warnings(commune.editor) == []


def test_slots_are_an_approvers_and_bulletins_name_what_there_is(commune: Commune) -> None:
    with pytest.raises(ForbiddenError):
        commune.programmes.save(commune.editor, _programme(), Targets(areas=("xa",)), revision=0)
    assert commune.programmes.save(commune.approver, _programme(), Targets(areas=("xa",)), revision=0) == 1
    with pytest.raises(ConflictError):
        commune.programmes.save(commune.approver, _programme(), Targets(areas=("xa",)), revision=0)
    commune.programmes.end(commune.approver, "cds")
    with pytest.raises(InvalidError, match="no programme"):
        _queued(commune, "Một")


def test_a_campaign_counts_what_was_proved_to_have_played(column: Commune) -> None:
    commune = column
    plan = CampaignPlan(
        name="Nghị quyết 57",
        starts_on=date(2026, 11, 1),
        ends_on=date(2026, 12, 10),
        content_groups=("Chủ trương", "Gương điển hình"),
    )
    campaign = commune.campaigns.save(commune.editor, plan)
    with pytest.raises(InvalidError, match="content group"):
        _queued(commune, "Một", campaign=campaign, content_group="Khác")
    _queued(commune, "Một", campaign=campaign, content_group="Chủ trương")
    _queued(commune, "Hai", campaign=campaign)
    commune.planner.run()
    order = commune.orders()[0]
    commune.clock.instant = FIRST
    receipts = [
        commune.receipt(name, order.id, ReceiptState.FINISHED, number=1, at=FIRST) for name in ("loa-dong", "loa-doai")
    ]
    for receipt, name in zip(receipts, ("loa-dong", "loa-doai"), strict=True):
        commune.ingestion.take([Delivery(*commune.message(name, receipt))])
    _, progress = commune.campaigns.progress(commune.editor, campaign)
    assert (progress.airings, progress.minutes, progress.communes, progress.planned) == (1, 0.3, 1, 2)
    assert progress.by_group == {"Chủ trương": 1}


def test_the_plan_of_an_area_is_a_calendar_that_reads_back(commune: Commune) -> None:
    commune.released(Once(at=FIRST), title="Toàn xã")
    commune.released(Once(at=FIRST + timedelta(hours=1)), areas=("thon-dong",), title="Thôn Đông")  # type: ignore[arg-type]
    commune.planner.run()
    with commune.database.reading() as session:
        found = {
            area: read(plan_feed(session, area, now=commune.clock.now(), zone=ZONE, ahead=timedelta(days=2)), zone=ZONE)
            for area in ("tinh", "thon-dong", "thon-doai")
        }
    assert [event.title for event in found["thon-doai"].events] == ["Toàn xã"]
    assert [event.title for event in found["thon-dong"].events] == ["Toàn xã", "Thôn Đông"]
    assert [event.title for event in found["tinh"].events] == ["Toàn xã", "Thôn Đông"]
    assert found["tinh"].events[0].duration == timedelta(seconds=20)
    with pytest.raises(InvalidError):
        import_calendar(b"no calendar", zone=ZONE)


def test_a_feed_tells_what_stands_no_more_and_what_is_not_planned_yet(commune: Commune) -> None:
    weekly = Recurring(start=datetime(2026, 11, 24, 17), rrule="FREQ=WEEKLY")  # noqa: DTZ001  wall-clock
    bulletin = commune.released(weekly, title="Hằng tuần")
    commune.planner.run()
    commune.overrides.skip(commune.operator, commune.airings(bulletin)[0].id, reason="Lễ tang")

    def entries() -> list[str]:
        with commune.database.reading() as session:
            data = plan_feed(session, "xa", now=commune.clock.now(), zone=ZONE, ahead=timedelta(days=30))
        return [line for line in data.decode().splitlines() if line.startswith(("UID", "STATUS", "DESCRIPTION"))]

    before = entries()
    assert [line for line in before if not line.startswith("UID")] == [
        *("DESCRIPTION:Lễ tang", "STATUS:CANCELLED"), *["STATUS:CONFIRMED"] * 4,
    ]  # fmt: skip
    assert len(commune.airings()) == 2  # the plan reaches two weeks ahead, the feed further
    commune.clock.move(hours=12)
    commune.planner.run()
    commune.clock.move(days=14)
    commune.planner.run()
    assert set(entries()) >= {
        line for line in before[4:] if line.startswith("UID")
    }  # the same airings by the same names


def test_only_what_can_air_in_an_open_slot_is_read_of_a_queue(commune: Commune) -> None:
    fallbacks = {
        "cds": {"fallback": "repeat_last", "fresh_days": 6},
        "mua": {"slots": ()},
        "nong": {"fallback": "programme", "fallback_programme": "mua", "airings": 2},
    }
    call = None
    for name, fields in fallbacks.items():
        commune.programmes.save(commune.approver, _programme(id=name, **fields), Targets(areas=("xa",)), revision=0)
    seen: set[str | None] = set()
    read: list[int] = []

    def alike(ahead: timedelta) -> None:
        """What would air by all that is queued, and by what was read for the slots that are open."""
        now = commune.clock.now()
        with commune.database.reading() as session:
            whole, some = Columns(session), Columns(session)
            taken = whole.taken(now)
            openings = list(some.open(now, now + ahead, taken=taken))
            whole.read_queues()
            if openings:
                some.read_queues(openings)
            planned = whole.sessions(now, now + ahead, taken=taken, now=now)
            assert some.sessions(now, now + ahead, taken=taken, now=now) == planned
            seen.update(each.filling.fallback for each in planned)
            read.append(len(some.contents))

    for day in range(16):
        if day == 3:
            call = _queued(commune, "Mở đầu")
            framed = _programme(fallback="repeat_last", fresh_days=6, call=call)
            commune.programmes.save(commune.approver, framed, Targets(areas=("xa",)), revision=1)
        if day < 7:
            soon = commune.clock.now() + timedelta(days=4 if day % 4 else 30)
            _queued(commune, f"Tin {day}", expires_at=soon if day % 3 == 0 else None)
            _queued(commune, f"Mùa vụ {day}", programme=("nong", "mua", "cds")[day % 3])
        alike(timedelta(hours=48))
        commune.planner.run()
        for ahead in (timedelta(hours=48), timedelta(days=5)):
            alike(ahead)
        commune.clock.move(days=1)
    assert seen == {None, "repeat_last", "programme"}
    assert max(read[-4:]) <= 4, "of fifteen bulletins"


def test_what_fits_no_slot_is_not_submitted(column: Commune) -> None:
    commune = column
    short = _programme(slots=[{**_programme().slots[0].model_dump(mode="json"), "seconds": 15}])
    commune.programmes.save(commune.approver, short, Targets(areas=("xa",)), revision=1)
    with pytest.raises(ConflictError, match="takes 20 s, the programme's longest slot has 15 s"):
        _queued(commune, "Dài")
