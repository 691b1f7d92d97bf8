"""Last week's plan once more, as drafts. On both databases."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from broadcaster.errors import ForbiddenError, InvalidError
from broadcaster.identity import new_id
from broadcaster.people import Actor, Grant, Role
from broadcaster.reach import Reach
from broadcaster.storage.models import Bulletin, Schedule, SettlementRecord
from schedules.recurrence import Recurring
from schedules.rules import RULE, Once
from tests.commune import Commune

MONDAY, NEXT = date(2026, 11, 23), date(2026, 11, 30)
TUESDAY = datetime(2026, 11, 24, 10, tzinfo=UTC)  # 17:00 in Viet Nam


def _copied(commune: Commune) -> dict[str, list[tuple[str, list[datetime]]]]:
    """Of each draft that was made: its areas and instants, by title."""
    found: dict[str, list[tuple[str, list[datetime]]]] = {}
    with commune.database.reading() as session:
        for row in session.scalars(select(Bulletin).where(Bulletin.state == "draft").order_by(Bulletin.title)):
            found[row.title] = [
                (
                    ",".join(schedule.targets["areas"]),
                    list(RULE.validate_python(schedule.rule).instants(TUESDAY, TUESDAY + timedelta(days=90))),
                )
                for schedule in session.scalars(select(Schedule).where(Schedule.bulletin_id == row.id))
            ]
    return found


def test_a_week_is_copied_as_drafts(commune: Commune) -> None:
    twice = Recurring(
        start=datetime(2026, 11, 24, 17),  # noqa: DTZ001  wall-clock
        rrule="FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20261129",
    )
    first = commune.released(twice, title="Hai lần")
    commune.released(Recurring(start=datetime(2026, 11, 24, 5), rrule="FREQ=DAILY"), title="Hằng ngày")  # noqa: DTZ001  wall-clock
    commune.released(Once(at=TUESDAY + timedelta(hours=1)), areas=("thon-doai",), title="Thôn Đoài")  # type: ignore[arg-type]
    gone = commune.released(Once(at=TUESDAY), title="Đã rút")
    skipped = commune.released(Once(at=TUESDAY + timedelta(hours=2)), title="Đã bỏ")
    commune.planner.run()
    commune.bulletins.withdraw(commune.editor, gone, "Sai")
    commune.overrides.skip(commune.operator, commune.airings(skipped)[0].id, reason="Lễ tang")
    with commune.database.writing() as session:
        session.add(SettlementRecord(id=new_id(), bulletin_id=first, written="57-NQ/TW", proposed="x", reading="y", person_id="mai", created_at=commune.clock.now()))  # fmt: skip
    commune.clock.move(days=7)
    with pytest.raises(ForbiddenError):
        commune.week_copies.copy(commune.operator, MONDAY, NEXT)
    with pytest.raises(InvalidError, match="Monday"):
        commune.week_copies.copy(commune.editor, MONDAY, date(2026, 12, 1))
    with pytest.raises(InvalidError, match="come after"):
        commune.week_copies.copy(commune.editor, NEXT, MONDAY)
    made = commune.week_copies.copy(commune.editor, MONDAY, NEXT, area="thon-dong")
    assert [copy.of for copy in made] == [first]
    assert _copied(commune) == {"Hai lần": [("xa", [TUESDAY + timedelta(days=7), TUESDAY + timedelta(days=9)])]}
    with commune.database.reading() as session:
        (settled,) = session.scalars(select(SettlementRecord).where(SettlementRecord.bulletin_id == made[0].bulletin))
        assert (settled.written, settled.person_id) == ("57-NQ/TW", "mai")
    assert len(commune.week_copies.copy(commune.editor, MONDAY, date(2026, 12, 7))) == 2  # now all areas, a later week
    assert _copied(commune)["Thôn Đoài"] == [("thon-doai", [TUESDAY + timedelta(days=14, hours=1)])]
    # Whoever edits for one village copies what airs there, not what airs in the whole commune.
    reach = Reach(frozenset({"thon-doai"}), frozenset({"xa", "tinh"}))
    of_village = Actor("mai", "mai", "Mai", (Grant(Role.EDITOR, "thon-doai", reach),))
    (copy,) = commune.week_copies.copy(of_village, MONDAY, date(2026, 12, 14))
    with commune.database.reading() as session:
        assert session.get_one(Bulletin, copy.bulletin).title == "Thôn Đoài"
