"""Emergencies and stop-all: templates of two persons, break-glass, repetition, drills, silence. On both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import delete, select

from broadcaster.canonical import sha256_of
from broadcaster.emergencies import Sending, TemplateContent
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError
from broadcaster.storage.models import Airing, AuditEntry, Bulletin, Emergency, EmergencyTemplate, Schedule
from broadcaster.targets import Targets
from devices.wire import topics
from devices.wire.messages import Drill, Order, Stop
from devices.wire.signing import Keyring, WrongTypeError, verify
from schedules.policies import Policy
from schedules.rules import Once
from tests.commune import Commune

STORM = TemplateContent.model_validate(
    {
        "title": "Bão số {so}",
        "text": "Bão số {so} đổ bộ vào {noi}. Bà con {viec}.",
        "blanks": [
            {"name": "so", "kind": "number", "lowest": 1, "highest": 30},
            {"name": "noi", "kind": "words", "longest": 30},
            {"name": "viec", "kind": "choice", "choices": ["ở trong nhà", "đến nơi sơ tán"]},
        ],
    }
)
BLANKS = {"so": "5", "noi": "Quảng Ninh", "viec": "ở trong nhà"}


def _sending(**changes: Any) -> Sending:
    return Sending.model_validate({"targets": {"areas": ["xa"]}, **changes})


def _template(commune: Commune) -> str:
    made = commune.emergencies.draft(commune.editor, name="Bão", content=STORM)
    digest = sha256_of(STORM.model_dump(mode="json"))
    commune.emergencies.release(commune.approver, made, content_sha256=digest)
    return made


def _rows(commune: Commune) -> list[Emergency]:
    with commune.database.reading() as session:
        return list(session.scalars(select(Emergency).order_by(Emergency.asked_at, Emergency.message)))


def _said(commune: Commune, emergency: str) -> None:
    """Let the speech be made, and the station do what it does then."""
    (bulletin,) = (row.bulletin_id for row in _rows(commune) if row.id == emergency)
    commune.speak(bulletin)
    commune.planner.run()
    assert commune.dispatcher.run()


def _audit(commune: Commune) -> list[tuple[str, str, str | None]]:
    with commune.database.reading() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.seq))
        return [(row.action, row.actor_name, row.reason) for row in rows]


def test_a_template_is_released_by_two_persons_and_then_issued_by_one(commune: Commune) -> None:
    emergencies = commune.emergencies
    made = emergencies.draft(commune.approver, name="Bão", content=STORM)
    digest = sha256_of(STORM.model_dump(mode="json"))
    with pytest.raises(ForbiddenError, match="author"):
        emergencies.release(commune.approver, made, content_sha256=digest)
    with pytest.raises(ConflictError, match="not released"):
        emergencies.issue(commune.operator, made, blanks=BLANKS, sending=_sending())
    made = _template(commune)
    with pytest.raises(ForbiddenError):
        emergencies.issue(commune.editor, made, blanks=BLANKS, sending=_sending())
    issued = emergencies.issue(commune.operator, made, blanks=BLANKS, sending=_sending(every_minutes=None))
    commune.planner.run()
    assert commune.orders() == []  # nothing sounds before there is speech
    _said(commune, issued)
    (order,) = commune.orders()
    found = commune.read(order)
    assert (found.priority, found.title, found.play_at) == (
        "emergency",
        "Bão số 5",
        commune.clock.now() + timedelta(seconds=2),
    )
    assert found.late_limit_s == 900
    assert order.published_at is not None
    assert ("emergency-issued", "viet", None) in _audit(commune)
    commune.clock.move(minutes=10)  # a receiver that comes back may still begin, whatever the broker has forgotten
    commune.broker.stop(forget=True)
    commune.broker.start()
    assert commune.dispatcher.run()
    assert commune.broker.retained(order.topics[0]) == order.document.encode()


def test_impatient_clicks_say_one_message(commune: Commune) -> None:
    made = _template(commune)

    def click(turn: int) -> str:
        sending = _sending(every_minutes=30 if turn < 8 else 60)  # sent anew with something else, it is another message
        return commune.emergencies.issue(commune.operator, made, blanks=BLANKS, sending=sending, key="k")

    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(click, range(9)))
    assert found == {row.id for row in _rows(commune)}
    assert len(found) == 2

    def alone(key: str) -> str:
        words = {"title": "Vỡ đê", "text": "Lên chỗ cao ngay.", "reason": "Không kịp"}
        return commune.emergencies.issue_alone(commune.operator, **words, sending=_sending(drill=True), key=key)

    assert alone("k") == alone("k") != alone("l")


def test_an_emergency_that_cannot_be_issued_holds_up_no_other(commune: Commune) -> None:
    made = _template(commune)
    broken, issued = (
        commune.emergencies.issue(commune.operator, made, blanks=BLANKS, sending=_sending()) for _ in "12"
    )
    bulletins = {row.id: row.bulletin_id for row in _rows(commune)}
    with commune.database.writing() as session:
        session.execute(delete(Schedule).where(Schedule.bulletin_id == bulletins[broken]))
    for bulletin in bulletins.values():
        commune.speak(bulletin)
    commune.planner.run()
    assert {row.id: row.state for row in _rows(commune)} == {broken: "preparing", issued: "issued"}
    assert commune.planner.failures == (f"emergency {broken}",)
    with commune.database.reading() as session:
        assert set(session.scalars(select(Airing.bulletin_id))) == {bulletins[issued]}
    assert commune.orders()


WRONG = [
    {"so": "0"}, {"so": "５"}, {"so": ""}, {"viec": "chạy đi"}, {"noi": "x" * 31}, {"noi": "a. Hãy gọi 0900"}, {"khac": "x"},
]  # fmt: skip


def test_blanks_take_what_was_foreseen_and_nothing_else() -> None:
    assert STORM.filled(BLANKS)[0] == "Bão số 5"
    for wrong in WRONG:
        with pytest.raises(InvalidError):
            STORM.filled({**BLANKS, **wrong})


def test_what_is_seen_of_an_emergency_is_what_is_spoken(commune: Commune) -> None:
    """No mark in a template, or in what one person says alone, turns round what a screen shows."""
    content = TemplateContent(title="\u202e5 oãB", text="Bão đến lúc \u202e03:21\u202c.")
    made = commune.emergencies.draft(commune.editor, name="Bão", content=content)
    with commune.database.reading() as session:
        found = session.get_one(EmergencyTemplate, made).content
    assert (found["title"], found["text"]) == ("5 oãB", "Bão đến lúc 03:21.")
    for empty in ({"title": "\u202e"}, {"text": " \u2067"}):
        with pytest.raises(InvalidError, match="is empty"):
            commune.emergencies.draft(commune.editor, name="Bão", content=content.model_copy(update=empty))


def test_a_template_uses_the_blanks_that_it_declares() -> None:
    with pytest.raises(ValidationError, match="differ: noi"):
        TemplateContent.model_validate({"title": "Bão", "text": "Ở {noi}."})


def test_it_is_repeated_until_it_is_updated_or_its_time_is_over(commune: Commune) -> None:
    made = _template(commune)
    alert = commune.emergencies.issue(commune.operator, made, blanks=BLANKS, sending=_sending(hours=72))
    _said(commune, alert)
    first = commune.clock.now() + timedelta(seconds=2)
    assert [airing.due_at for airing in commune.airings()] == [first + n * timedelta(hours=2) for n in range(25)][:24]
    commune.clock.move(hours=5)
    commune.planner.run()
    assert len(commune.airings()) >= 26
    update = commune.emergencies.issue(
        commune.operator, made, blanks={**BLANKS, "so": "6"}, sending=_sending(message="update", references=alert)
    )
    commune.planner.run()
    assert [row.state for row in _rows(commune)] == ["issued", "preparing"]  # the old one is said until the new one is
    _said(commune, update)
    assert [row.state for row in _rows(commune)] == ["ended", "issued"]
    old, new = (row.bulletin_id for row in _rows(commune))
    assert {airing.state for airing in commune.airings(old) if airing.due_at > commune.clock.now()} == {"cancelled"}
    assert {airing.state for airing in commune.airings(new)} == {"dispatched"}
    end = commune.emergencies.issue(
        commune.operator, made, blanks=BLANKS, sending=_sending(message="cancel", references=update)
    )
    _said(commune, end)
    assert [row.state for row in _rows(commune)].count("issued") == 1
    commune.clock.move(hours=25)
    commune.planner.run()
    assert {row.state for row in _rows(commune)} == {"ended"}


def test_ended_by_hand_what_is_to_come_is_taken_back(commune: Commune) -> None:
    issued = commune.emergencies.issue(commune.operator, _template(commune), blanks=BLANKS, sending=_sending())
    _said(commune, issued)
    commune.emergencies.end(commune.approver, issued, reason="Báo nhầm")
    assert commune.dispatcher.run()
    assert {airing.state for airing in commune.airings()} == {"cancelled"}
    assert all(order.cancelled and order.published_at is not None for order in commune.orders())
    with pytest.raises(ConflictError):
        commune.emergencies.end(commune.approver, issued, reason="Lần nữa")


def test_one_person_alone_only_where_the_policy_allows_it_and_with_a_reason(commune: Commune) -> None:
    emergencies = commune.emergencies
    text: dict[str, Any] = {"title": "Vỡ đê", "text": "Đê vỡ ở thôn Đông, bà con lên đê chính."}
    with pytest.raises(ForbiddenError, match="policy of Địa bàn xa"):
        emergencies.issue_alone(commune.operator, **text, reason="Nước dâng", sending=_sending())
    commune.policies.set(commune.operator, "tinh", Policy(), revision=0, break_glass=True)
    commune.policies.set(commune.operator, "thon-dong", Policy(), revision=0, break_glass=False)
    with pytest.raises(ForbiddenError, match="thon-dong"):  # it would be heard there too
        emergencies.issue_alone(commune.operator, **text, reason="Nước dâng", sending=_sending())
    doai = _sending(targets={"areas": ["thon-doai"]}, every_minutes=None)
    with pytest.raises(InvalidError):
        emergencies.issue_alone(commune.operator, **text, reason="  ", sending=doai)
    issued = emergencies.issue_alone(commune.operator, **text, reason="Nước dâng", sending=doai)
    _said(commune, issued)
    assert len(commune.orders()) == 1
    assert ("emergency-issued-alone", "viet", "Nước dâng") in _audit(commune)


def test_a_drill_can_never_sound_live(commune: Commune) -> None:
    """It is signed under a type of its own, from its first airing to its last; and drill and truth do not mix."""
    made = _template(commune)
    issued = commune.emergencies.issue(commune.operator, made, blanks=BLANKS, sending=_sending(drill=True))
    _said(commune, issued)
    ring = Keyring([commune.signatory.key.public()])
    assert len(commune.orders()) == 12
    for order in commune.orders():
        assert verify(order.document.encode(), ring, Drill).is_drill
        with pytest.raises(WrongTypeError):
            verify(order.document.encode(), ring, Order)
    with pytest.raises(ConflictError, match="drill"):
        commune.emergencies.issue(
            commune.operator, made, blanks=BLANKS, sending=_sending(message="update", references=issued)
        )


def test_an_emergency_is_no_bulletin_to_edit(commune: Commune) -> None:
    issued = commune.emergencies.issue(commune.operator, _template(commune), blanks=BLANKS, sending=_sending())
    (bulletin,) = (row.bulletin_id for row in _rows(commune) if row.id == issued)
    with pytest.raises(ConflictError):
        commune.bulletins.edit(commune.editor, bulletin, commune.draft(None), revision=1)
    with pytest.raises(ConflictError):
        commune.bulletins.withdraw(commune.editor, bulletin, "Nhầm")


def test_speech_that_fails_is_said_and_issues_nothing(commune: Commune) -> None:
    issued = commune.emergencies.issue(commune.operator, _template(commune), blanks=BLANKS, sending=_sending())
    with commune.database.writing() as session:
        row = session.get_one(Bulletin, session.get_one(Emergency, issued).bulletin_id)
        row.rendering, row.rendering_error_vi = "failed", "không đọc được"
    commune.planner.run()
    assert [(row.state, row.end_reason) for row in _rows(commune)] == [("failed", "không đọc được")]


def test_a_stop_is_on_the_broker_when_the_call_returns_and_is_lifted_explicitly(commune: Commune) -> None:
    commune.released(Once(at=commune.clock.now() + timedelta(hours=1)))
    commune.planner.run()
    commune.dispatcher.run()
    ring = Keyring([commune.signatory.key.public()])
    with pytest.raises(ForbiddenError):
        commune.stops.issue(commune.editor, None, reason="Loa hú", lasts=timedelta(hours=1))
    with ThreadPoolExecutor(4) as pool:  # impatient clicks: one that stood twice would go on when it is lifted
        found = set(
            pool.map(
                lambda _: commune.stops.issue(commune.operator, None, reason="Loa hú", lasts=timedelta(hours=2)),
                range(4),
            )
        )
    (stop,) = found
    topic = topics.area_stop("tinh", stop)
    standing = verify(commune.broker.retained(topic) or b"", ring, Stop)  # nothing else was run
    (order,) = commune.orders()
    assert standing.bars(commune.read(order), commune.clock.now())
    assert [row.id for row in commune.stops.standing(commune.editor)] == [stop]
    with pytest.raises(InvalidError, match=r"U\+0000"):  # which one database would take and the other would not
        commune.stops.lift(commune.operator, stop, reason="Đã\0sửa")
    assert [row.id for row in commune.stops.standing(commune.editor)] == [stop]
    commune.stops.lift(commune.operator, stop, reason="Đã sửa")
    lifted = verify(commune.broker.retained(topic) or b"", ring, Stop)
    assert (lifted.id, lifted.revision, lifted.lifted) == (stop, 2, True)
    assert not lifted.bars(commune.read(order), commune.clock.now())
    with pytest.raises(ConflictError):
        commune.stops.lift(commune.operator, stop, reason="Lần nữa")
    assert [action for action, _, _ in _audit(commune) if action.startswith("stop-")] == ["stop-issued", "stop-lifted"]
    commune.broker.stop(forget=True)
    commune.broker.start()
    commune.dispatcher.run()
    assert commune.broker.retained(topic) is not None  # whoever was offline learns that it is lifted
    commune.clock.move(hours=2)
    commune.dispatcher.run()
    assert commune.broker.retained(topic) is None


def test_a_stop_for_a_part_and_what_cannot_be_stopped(commune: Commune) -> None:
    stop = commune.stops.issue(
        commune.operator,
        Targets(areas=("thon-dong",), receivers=("led-xa",)),
        reason="Sửa loa",
        lasts=timedelta(hours=1),
    )
    for topic in (topics.area_stop("thon-dong", stop), topics.receiver_stop("led-xa", stop)):
        assert commune.broker.retained(topic) is not None
    for reason, lasts in ((" ", timedelta(hours=1)), ("x", timedelta(days=8)), ("x", timedelta())):
        with pytest.raises(InvalidError):
            commune.stops.issue(commune.operator, None, reason=reason, lasts=lasts)
