"""What an emergency ended airs again behind the next session, where it was ended. On both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

from broadcaster.bulletins import Draft
from broadcaster.storage.models import Airing
from devices.links.port import Delivery
from devices.wire.messages import Audience, Reason, Receipt, ReceiptState
from schedules.policies import Policy
from schedules.recurrence import Recurring
from schedules.rules import Once
from tests.commune import Commune

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)  # 17:00 in Viet Nam
LENGTH = timedelta(seconds=20)
OVER = timedelta(minutes=5)  # after its instant, its order has expired
BEHIND = AT + timedelta(days=1) + LENGTH + timedelta(seconds=1)


def _released(commune: Commune, rule: Once | Recurring, title: str = "Bị ngắt", **changes: Any) -> str:
    draft = Draft(**{**vars(commune.draft(rule, title=title)), "interrupted": "move", **changes})
    bulletin = commune.bulletins.write(commune.editor, draft)
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=1)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    commune.planner.run()
    return bulletin


def _say(commune: Commune, name: str, state: ReceiptState, airing: Airing, *, number: int | None = None) -> None:
    """A receipt of an airing comes in now."""
    order = next(order for order in commune.orders() if order.airing_id == airing.id)
    number = number or len(commune.log()) + 1
    receipt: Receipt = commune.receipt(name, order.id, state, number=number, at=airing.due_at)
    if state is ReceiptState.INTERRUPTED:
        receipt = receipt.model_copy(update={"reason": Reason.PREEMPTED})
    commune.ingestion.take([Delivery(*commune.message(name, receipt))])


def _told(commune: Commune, bulletin: str, *states: tuple[str, ReceiptState]) -> None:
    """Receipts of an airing, and its end."""
    first = commune.airings(bulletin)[0]
    commune.clock.instant = first.due_at
    for name, state in states:
        _say(commune, name, state, first)
    commune.clock.instant = first.due_at + OVER
    commune.planner.run()


def test_it_airs_behind_the_next_session_where_it_was_ended(commune: Commune) -> None:
    _released(commune, Once(at=AT + timedelta(days=1)), "Ngày mai", interrupted="drop")
    bulletin = _released(commune, Once(at=AT))
    (order,) = [order for order in commune.orders() if order.play_at == AT]
    assert commune.read(order).interrupted == "drop"  # the receiver gives it up; the station goes on with it
    _told(
        commune,
        bulletin,
        ("loa-dong", ReceiptState.INTERRUPTED),
        ("loa-doai", ReceiptState.FINISHED),
        ("led-xa", ReceiptState.INTERRUPTED),
    )
    first, again = commune.airings(bulletin)
    assert (first.state, again.due_at, again.state) == ("closed", BEHIND, "dispatched")
    assert first.state_reason == ("bị ngắt; phát lại lúc 17 giờ ngày 25/11 / interrupted; airs again at 17:00 on 25/11")
    document = commune.read(next(order for order in commune.orders() if order.airing_id == again.id))
    assert document.audience == Audience(areas=("xa",), excluded=("loa-doai",))
    for hours in (-1, 1):  # a clock that is set back, and right again, ends the first one twice
        commune.clock.move(hours=hours)
        commune.planner.run()
    assert [airing.state for airing in commune.airings(bulletin)] == ["closed", "dispatched"]
    # It stands and falls with its release.
    commune.bulletins.withdraw(commune.editor, bulletin, "Thôi")
    assert [airing.state for airing in commune.airings(bulletin)] == ["closed", "cancelled"]


def test_only_what_was_ended_by_a_higher_class_airs_again(commune: Commune) -> None:
    _released(commune, Once(at=AT + timedelta(days=1)), "Ngày mai", interrupted="drop")
    bulletin = _released(commune, Once(at=AT))
    _told(commune, bulletin, ("loa-dong", ReceiptState.FINISHED), ("led-xa", ReceiptState.MISSED))
    assert [airing.state for airing in commune.airings(bulletin)] == ["closed"]


def test_it_waits_until_it_is_lawful_and_is_given_up_when_there_is_no_time(commune: Commune) -> None:
    rules = [{"kind": "quiet_hours", "begins": "17:00", "ends": "19:00", "weekdays": [2]}]  # on Wednesday
    bulletin = _released(commune, Once(at=AT))
    wednesday = AT + timedelta(days=1, minutes=-1)
    _released(commune, Once(at=wednesday), "Thứ Tư", interrupted="drop")
    commune.policies.set(commune.operator, "xa", Policy.model_validate({"rules": rules}), revision=0)
    _told(commune, bulletin, ("loa-dong", ReceiptState.INTERRUPTED))
    again = commune.airings(bulletin)[1]
    # Right behind the session, and over before it is quiet.
    assert again.due_at == wednesday + LENGTH + timedelta(seconds=1)
    late = _released(commune, Once(at=AT + timedelta(hours=1)), "Có hạn", expires_at=AT + timedelta(hours=20))
    _told(commune, late, ("loa-doai", ReceiptState.INTERRUPTED))
    (given_up,) = commune.airings(late)
    assert "no later session has room" in str(given_up.state_reason)


def test_what_was_taken_back_when_it_was_over_airs_no_more(commune: Commune) -> None:
    _released(commune, Once(at=AT + timedelta(days=1)), "Ngày mai", interrupted="drop")
    bulletin = _released(commune, Once(at=AT))
    (first,) = commune.airings(bulletin)
    commune.clock.instant = AT
    _say(commune, "loa-dong", ReceiptState.INTERRUPTED, first)
    commune.clock.instant = AT + OVER
    commune.bulletins.withdraw(commune.editor, bulletin, "Thôi")
    commune.planner.run()
    (first,) = commune.airings(bulletin)
    assert first.state == "closed"
    assert first.state_reason == (
        "bị ngắt; không phát lại ở Máy loa-dong: bản phê duyệt không còn hiệu lực / "
        "interrupted; not again at Máy loa-dong: its release is no longer in force"
    )
