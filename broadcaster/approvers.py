"""Who could release a bulletin: an editor is told plainly where nobody can before it is to air (decision 0022)."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.absences import standing
from broadcaster.people import RIGHTS, Right, Role
from broadcaster.reach import reach_of
from broadcaster.releases import schedules_of
from broadcaster.storage.models import Absence, Area, Bulletin, GrantRecord, Person
from broadcaster.whereabouts import heard_in
from schedules.rules import RULE, AtOnce

AHEAD = timedelta(days=366)
"""How far is looked for when it airs first."""


@dataclass(frozen=True)
class Unattended:
    """Nobody can release it in time: those who might are away without a deputy; none, if there is no other approver at all."""

    away: tuple[str, ...]

    @property
    def vi(self) -> str:
        """For an editor."""
        if not self.away:
            return "Chưa có ai khác được quyền duyệt ở nơi bản tin này phát. Hãy nhờ người quản trị giao vai trò người duyệt."
        return (
            f"Chưa có ai duyệt được bản tin này kịp giờ phát: {', '.join(self.away)} đang vắng mặt và chưa cử người duyệt thay. "
            "Hãy nhờ người quản trị cử người duyệt thay, hoặc chọn giờ phát muộn hơn."
        )

    @property
    def en(self) -> str:
        """The same in English."""
        if not self.away:
            return (
                "Nobody else may release where this bulletin is heard. Ask an administrator to make somebody approver."
            )
        return (
            f"Nobody can release this bulletin before it is to air: {', '.join(self.away)} is away and has named no deputy. "
            "Ask an administrator to name one, or choose a later time."
        )


def unattended(session: Session, bulletin: Bulletin, *, now: datetime, today: date) -> Unattended | None:
    """None if it does not wait, or somebody can release it now, or comes back before it is to air."""
    if bulletin.state != "submitted":
        return None
    until = _first(session, bulletin, now)
    where = heard_in(session, bulletin)
    covering = _Covering(session, where, today)
    approvers = {
        row.id: row.name
        for row in session.scalars(
            select(Person).where(Person.disabled_at.is_(None), Person.id != bulletin.author_id).order_by(Person.name)
        )
    }
    own = {person: areas for person, areas in covering.of_grants().items() if person in approvers}
    coming = session.scalars(select(Absence).where(Absence.ends_at > now, Absence.ended_at.is_(None))).all()
    instants = {now, *(row.ends_at for row in coming if until is not None and now < row.ends_at < until)}
    for at in sorted(instants):
        gone = set(session.scalars(select(Absence.person_id).where(*standing(at))))
        held = {person: set(areas) for person, areas in own.items() if person not in gone}
        for row in coming:
            stands = row.begins_at <= at < row.ends_at
            if stands and row.deputy_id in approvers and row.deputy_id not in gone and row.person_id in own:
                held.setdefault(row.deputy_id, set()).update(own[row.person_id] & covering.by(row.area_id))
        if any(areas >= where for areas in held.values()):
            return None
    return Unattended(tuple(approvers[person] for person in approvers if own.get(person, set()) >= where))


def _first(session: Session, bulletin: Bulletin, now: datetime) -> datetime | None:
    rules = [RULE.validate_python(schedule.rule) for schedule in schedules_of(session, bulletin.id)]
    dated = (next(iter(rule.instants(now, now + AHEAD)), None) for rule in rules if not isinstance(rule, AtOnce))
    return min((at for at in dated if at is not None), default=None)


class _Covering:
    """Which of some areas a role reaches, asked of the few areas and not of each of many roles."""

    def __init__(self, session: Session, where: Collection[str | None], today: date) -> None:
        self._session, self._where, self._today = session, set(where), today
        self._lines = {area: {area, *reach_of(session, area, today).above} for area in self._where if area is not None}
        # An area that has ended reaches what stood under it on its last day.
        self._ended = set(session.scalars(select(Area.id).where(Area.valid_to.is_not(None), Area.valid_to <= today)))

    def by(self, area: str | None) -> set[str | None]:
        """Those that a role in this area reaches."""
        if area is None:
            return set(self._where)
        if area in self._ended:
            return self._where & set(reach_of(self._session, area, self._today).under)
        return {name for name, line in self._lines.items() if area in line}

    def of_grants(self) -> dict[str, set[str | None]]:
        """By person, where they may release in their own right."""
        found: dict[str, set[str | None]] = {}
        for person, area in self._grants():
            found.setdefault(person, set()).update(self.by(area))
        return found

    def _grants(self) -> Iterator[tuple[str, str | None]]:
        roles = [role for role in Role if Right.RELEASE in RIGHTS[role]]
        query = select(GrantRecord.person_id, GrantRecord.area_id).where(GrantRecord.role.in_(roles))
        yield from ((person, area) for person, area in self._session.execute(query))
