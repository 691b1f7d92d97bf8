"""Communes merge and split on a day: planned, approved by a second person, undone until then; history stays. On both databases."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from broadcaster.areas import areas_on, line
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError
from broadcaster.reorganisation.effects import ReorganisationPlan
from broadcaster.storage.models import Area, LexiconRecord, Receiver
from devices.links.port import Delivery
from devices.wire import topics
from devices.wire.areas import Rehomings, line_at
from devices.wire.messages import Configuration, ReceiptState
from devices.wire.signing import Keyring, verify
from schedules.policies import Policy
from schedules.rules import Once
from tests.commune import Commune

DAY = date(2026, 12, 1)
MIDNIGHT = datetime(2026, 11, 30, 17, tzinfo=UTC)


def _plan(**changes: Any) -> ReorganisationPlan:
    """xa and xa-bac become xa-moi."""
    fields: dict[str, Any] = {
        "title": "Sáp nhập xã",
        "day": DAY,
        "areas": [{"id": "xa-moi", "name": "Xã mới", "kind": "commune", "parent": "tinh"}],
        "endings": [{"area": "xa", "into": ["xa-moi"]}, {"area": "xa-bac", "into": ["xa-moi"]}],
        **changes,
    }
    return ReorganisationPlan.model_validate(fields)


@pytest.fixture
def province(commune: Commune) -> Commune:
    """The commune with a neighbour that has a village of its own."""
    with commune.database.writing() as session:
        for area, kind, parent in (("xa-bac", "commune", "tinh"), ("thon-bac", "village", "xa-bac")):
            session.add(Area(id=area, name=f"Địa bàn {area}", kind=kind, parent_id=parent, valid_from=date(2025, 7, 1)))
            session.flush()
    return commune


def _approved(commune: Commune, plan: ReorganisationPlan) -> str:
    made = commune.reorganisations.plan(commune.operator, plan)
    _, digest = commune.reorganisations.preview(commune.approver, made)
    commune.reorganisations.approve(commune.approver, made, preview_sha256=digest)
    return made


def _settle(commune: Commune) -> None:
    commune.planner.run()
    if commune.planner.moved:
        commune.dispatcher.renew_configurations()
    assert commune.dispatcher.run()


def _lines(commune: Commune, day: date) -> dict[str, tuple[str, ...]]:
    with commune.database.reading() as session:
        areas = areas_on(session, day)
        return {area: line(areas, area) for area in areas}


def _rehomings(commune: Commune, area: str) -> Rehomings:
    payload = commune.broker.retained(topics.area_rehomings(area))
    assert payload is not None
    return verify(payload, Keyring([commune.signatory.key.public()]), Rehomings)


def test_a_merger_is_seen_approved_by_another_and_takes_effect_on_its_day(province: Commune) -> None:
    commune = province
    bulletin = commune.released(Once(at=MIDNIGHT + timedelta(hours=10)))
    _settle(commune)
    made = commune.reorganisations.plan(commune.operator, _plan())
    seen, digest = commune.reorganisations.preview(commune.approver, made)
    assert [(row["id"], row["before"], row["after"]) for row in seen["areas"]] == [
        ("thon-bac", "Địa bàn tinh › Địa bàn xa-bac › Địa bàn thon-bac", "Địa bàn tinh › Xã mới › Địa bàn thon-bac"),
        ("thon-doai", "Địa bàn tinh › Địa bàn xa › Địa bàn thon-doai", "Địa bàn tinh › Xã mới › Địa bàn thon-doai"),
        ("thon-dong", "Địa bàn tinh › Địa bàn xa › Địa bàn thon-dong", "Địa bàn tinh › Xã mới › Địa bàn thon-dong"),
        ("xa", "Địa bàn tinh › Địa bàn xa", None),
        ("xa-bac", "Địa bàn tinh › Địa bàn xa-bac", None),
        ("xa-moi", None, "Địa bàn tinh › Xã mới"),
    ]
    assert seen["receivers"]["rehomed"] == 3
    assert seen["receivers"]["moved"] == [{"id": "led-xa", "from": "xa", "to": "xa-moi"}]
    assert [(row["bulletin"], row["from"], row["to"]) for row in seen["schedules"]] == [(bulletin, ["xa"], ["xa-moi"])]
    commune.reorganisations.approve(commune.approver, made, preview_sha256=digest)
    assert _lines(commune, DAY - timedelta(days=1))["thon-dong"] == ("tinh", "xa", "thon-dong")
    assert _lines(commune, DAY)["thon-dong"] == ("tinh", "xa-moi", "thon-dong")
    assert "xa" not in _lines(commune, DAY)

    commune.clock.instant = MIDNIGHT - timedelta(hours=30)
    _settle(commune)  # the order of the day after goes out for where its receivers will be
    (order,) = commune.orders()
    assert order.topics == [topics.area_order("xa-moi", order.id)]
    told = _rehomings(commune, "tinh")
    assert {(entry.area, entry.line, entry.at) for entry in told.rehomings} == {
        ("xa", ("tinh", "xa-moi"), MIDNIGHT),
        ("xa-bac", ("tinh", "xa-moi"), MIDNIGHT),
    }
    with commune.database.reading() as session:
        assert session.get_one(Receiver, "led-xa").area_id == "xa"
    with pytest.raises(ConflictError):  # the same areas again
        commune.reorganisations.plan(commune.operator, _plan(areas=[], endings=[{"area": "xa", "into": ["xa-bac"]}]))

    commune.clock.instant = MIDNIGHT
    _settle(commune)
    with commune.database.reading() as session:
        assert session.get_one(Receiver, "led-xa").area_id == "xa-moi"
        assert session.scalars(select(Area.id).where(Area.valid_to == DAY).order_by(Area.id)).all() == ["xa", "xa-bac"]
    with pytest.raises(ConflictError, match="Its day has come"):
        commune.reorganisations.undo(commune.operator, made, "Nhầm")
    assert commune.orders()[0].revision == 1
    # Nobody's configuration had to change: the one document tells all of them.
    standing = [
        verify(item.document.encode(), Keyring([commune.signatory.key.public()]), Configuration)
        for item in commune.receivers.configurations()
    ]
    assert {document.revision for document in standing} == {1}
    assert {line_at(document.areas, told.rehomings, commune.clock.now())[1] for document in standing} == {"xa-moi"}
    for account in commune.receivers.accounts():
        assert account.may_subscribe(topics.area_order("xa-moi", "+"))
        assert not account.may_subscribe(topics.area_order("xa", "+"))
    # A receiver that comes into service later is told by its configuration alone, and re-homing it again changes nothing.
    assert line_at(("tinh", "xa-moi", "thon-dong"), told.rehomings, commune.clock.now()) == (
        "tinh",
        "xa-moi",
        "thon-dong",
    )


def test_the_log_before_the_day_still_names_the_old_commune(province: Commune) -> None:
    commune = province
    commune.released(Once(at=commune.clock.now() + timedelta(hours=1)))
    commune.released(Once(at=MIDNIGHT + timedelta(hours=1)))
    _settle(commune)
    _approved(commune, _plan())

    def heard(number: int) -> None:

        order = commune.orders()[number - 1]
        receipt = commune.receipt("led-xa", order.id, ReceiptState.FINISHED, number=number)
        commune.ingestion.take([Delivery(*commune.message("led-xa", receipt))])

    heard(1)
    commune.clock.instant = MIDNIGHT + timedelta(hours=1)
    _settle(commune)
    heard(2)
    assert [(row.area_id, row.area_name) for row in commune.log()] == [("xa", "Địa bàn xa"), ("xa-moi", "Xã mới")]
    # The tree of before can still be asked for.
    assert _lines(commune, DAY - timedelta(days=1))["thon-dong"] == ("tinh", "xa", "thon-dong")


def test_undone_before_its_day_nothing_was_ever_changed(province: Commune) -> None:
    commune = province
    commune.released(Once(at=MIDNIGHT + timedelta(hours=10)))
    commune.clock.instant = MIDNIGHT - timedelta(hours=30)
    _settle(commune)
    before = _lines(commune, DAY)
    made = _approved(commune, _plan())
    _settle(commune)
    (order,) = commune.orders()
    # Renewed for the new commune; where it stood, a cancellation takes it back from whoever would not go along.
    assert (order.revision, order.topics) == (3, [topics.area_order("xa-moi", order.id)])
    assert len(_rehomings(commune, "tinh").rehomings) == 2
    commune.reorganisations.undo(commune.operator, made, "Nghị quyết hoãn")
    _settle(commune)
    assert _lines(commune, DAY) == before
    (order,) = commune.orders()
    assert order.topics == [topics.area_order("xa", order.id)]
    assert order.left_topics == [topics.area_order("xa-moi", order.id)]
    told = _rehomings(commune, "tinh")
    assert (told.revision, told.rehomings) == (2, ())
    commune.clock.instant = MIDNIGHT + timedelta(hours=1)
    _settle(commune)
    with commune.database.reading() as session:
        assert session.get_one(Receiver, "led-xa").area_id == "xa"
    _approved(commune, _plan(day=DAY + timedelta(days=30)))  # and its identifiers are free again


def test_a_split_says_of_everything_where_it_goes(province: Commune) -> None:
    commune = province
    halves = [
        {"id": "xa-1", "name": "Xã 1", "kind": "commune", "parent": "tinh"},
        {"id": "xa-2", "name": "Xã 2", "kind": "commune", "parent": "tinh"},
    ]
    split: dict[str, Any] = {"areas": halves, "endings": [{"area": "xa", "into": ["xa-1", "xa-2"]}]}
    with pytest.raises(InvalidError, match="Địa bàn thon-doai, Địa bàn thon-dong"):
        commune.reorganisations.plan(commune.operator, _plan(**split))
    split["moves"] = [{"area": "thon-dong", "to": "xa-1"}, {"area": "thon-doai", "to": "xa-2"}]
    with pytest.raises(InvalidError, match="led-xa"):
        commune.reorganisations.plan(commune.operator, _plan(**split))
    split["receivers"] = [{"receiver": "led-xa", "to": "xa-2"}]
    commune.released(Once(at=MIDNIGHT + timedelta(hours=10)))
    _settle(commune)
    _approved(commune, _plan(**split))
    commune.clock.instant = MIDNIGHT
    _settle(commune)
    (order,) = commune.orders()
    assert order.topics == [topics.area_order("xa-1", order.id), topics.area_order("xa-2", order.id)]
    told = _rehomings(commune, "xa").rehomings
    configuration = {
        item.topic: verify(item.document.encode(), Keyring([commune.signatory.key.public()]), Configuration)
        for item in commune.receivers.configurations()
    }
    lines = {
        document.receiver: line_at(document.areas, told, commune.clock.now()) for document in configuration.values()
    }
    assert lines == {
        "loa-dong": ("tinh", "xa-1", "thon-dong"),
        "loa-doai": ("tinh", "xa-2", "thon-doai"),
        "led-xa": ("tinh", "xa-2"),
    }
    # Only the one that no rule for a whole area covers has a new configuration.
    assert {d.receiver: d.revision for d in configuration.values()} == {"loa-dong": 1, "loa-doai": 1, "led-xa": 2}


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"day": date(2026, 11, 23)}, "after today"),
    ({"endings": [], "areas": []}, "changes nothing"),
    ({"endings": [{"area": "sao-hoa", "into": ["xa-moi"]}]}, "no such area to end: sao-hoa"),
    ({"endings": [{"area": "xa", "into": ["sao-hoa"]}]}, "no such area to become: sao-hoa"),
    ({"areas": [{"id": "xa-bac", "name": "x", "kind": "commune", "parent": "tinh"}]}, "taken"),
    ({"moves": [{"area": "tinh", "to": "xa-moi"}]}, "nothing"),
    ({"moves": [{"area": "thon-dong", "to": "thon-doai"}]}, "narrower kind"),
    ({"receivers": [{"receiver": "no-such", "to": "xa-moi"}]}, "no such receiver"),
]


def test_a_plan_that_does_not_fit_is_refused_with_its_cause(province: Commune) -> None:
    for changes, said in FAULTS:
        with pytest.raises(InvalidError, match=said):
            province.reorganisations.plan(province.operator, _plan(**changes))


def test_two_persons_and_exactly_what_was_seen(province: Commune) -> None:
    commune, reorganisations = province, province.reorganisations
    made = reorganisations.plan(commune.operator, _plan())
    _, digest = reorganisations.preview(commune.approver, made)
    with pytest.raises(ForbiddenError):
        reorganisations.approve(commune.operator, made, preview_sha256=digest)
    commune.written(Once(at=MIDNIGHT + timedelta(hours=10)))  # one bulletin more would air elsewhere
    with pytest.raises(ConflictError, match="other things than you saw"):
        reorganisations.approve(commune.approver, made, preview_sha256=digest)
    _, digest = reorganisations.preview(commune.approver, made)
    reorganisations.approve(commune.approver, made, preview_sha256=digest)
    with pytest.raises(ConflictError):
        reorganisations.approve(commune.approver, made, preview_sha256=digest)


def test_lexicon_sound_and_policy_follow_and_the_old_ones_stay(province: Commune) -> None:
    commune = province
    quiet, later = (
        Policy.model_validate({"rules": [{"kind": "quiet_hours", "begins": begins, "ends": "05:00"}]})
        for begins in ("21:00", "22:00")
    )
    commune.policies.set(commune.operator, "xa", quiet, revision=0, break_glass=True)
    commune.policies.set(commune.operator, "xa-bac", later, revision=0)
    commune.lexicons.put(commune.editor, "xa", written="UBMT", reading="ủy ban mặt trận")
    commune.lexicons.put(commune.editor, "xa-bac", written="CCB", reading="cựu chiến binh")
    made = commune.reorganisations.plan(commune.operator, _plan())
    seen, digest = commune.reorganisations.preview(commune.approver, made)
    assert [(row["what"], row["area"], row["rows"]) for row in seen["follow"]] == [
        ("từ điển phát âm / lexicon", "xa", 1), ("từ điển phát âm / lexicon", "xa-bac", 1),
        ("chính sách / policy", "xa", 1), ("chính sách / policy", "xa-bac", 1),
    ]  # fmt: skip
    assert [(row["what"], row["areas"]) for row in seen["differ"]] == [("chính sách / policy", ["xa", "xa-bac"])]
    commune.reorganisations.approve(commune.approver, made, preview_sha256=digest)
    commune.clock.instant = MIDNIGHT
    _settle(commune)
    found = commune.policies.of(commune.editor, "xa-moi")
    assert (found.own, found.breaks_glass) == (quiet, True)
    _, entries = commune.lexicons.of(commune.editor, "xa-moi")
    assert [(entry.written, entry.area_id) for entry in entries] == [("CCB", "xa-moi"), ("UBMT", "xa-moi")]
    with commune.database.reading() as session:
        old = session.scalars(select(LexiconRecord.area_id).order_by(LexiconRecord.area_id)).all()
    assert old == ["xa", "xa-bac", "xa-moi", "xa-moi"]
