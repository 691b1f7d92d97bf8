"""Absences: an approver who is away says so, and may name who releases in their place meanwhile (decision 0022)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased

from broadcaster import audit
from broadcaster.areas import areas_on, require
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.identity import new_id
from broadcaster.people import Actor, Deputation, Grant, Right, Role, grant_rows, grants_of, grants_of_all
from broadcaster.reach import reach_of
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Absence, Person

LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class Away:
    """An absence with the names of whoever is away and of the deputy, and why the deputy cannot stand in, if so: the account was disabled, or
    the deputy is away too in some of that time."""

    row: Absence
    name: str
    deputy: str | None
    hindered: Literal["disabled", "away"] | None = None


def standing(at: datetime) -> list[ColumnElement[bool]]:
    """For a SELECT of absences: those that are in force at an instant."""
    return [Absence.begins_at <= at, Absence.ends_at > at, Absence.ended_at.is_(None)]


def deputy_grants(session: Session, person_id: str, *, now: datetime, today: date) -> tuple[Grant, ...]:
    """What this person has in others' places now: never more than those others have themselves at this moment, and nothing that they have as
    deputies."""
    query = (
        select(Absence, Person.name)
        .join(Person, Person.id == Absence.person_id)
        .where(Absence.deputy_id == person_id, Person.disabled_at.is_(None), *standing(now))
        .order_by(Absence.begins_at, Absence.id)
    )
    found = []
    for row, name in session.execute(query):
        deputy = Deputation(row.id, row.person_id, name, row.begins_at, row.ends_at)
        found += [replace(grant, deputy=deputy) for grant in _released_by(session, row.person_id, row.area_id, today)]
    return tuple(found)


def _released_by(session: Session, person_id: str, area: str | None, today: date) -> list[Grant]:
    """This person's own roles that release, as far as they reach in an area."""
    limit = None if area is None else Grant(Role.VIEWER, area, reach_of(session, area, today))
    within = (grant.within(limit) for grant in grants_of(session, person_id, today) if Right.RELEASE in grant.rights)
    return [grant for grant in within if grant is not None]


class Absences:
    """Said by whoever is away, or by an administrator of all of that person's roles."""

    def __init__(self, database: Database, clock: Clock, *, today: Callable[[], date]) -> None:
        self._database = database
        self._clock = clock
        self._today = today

    def say(
        self,
        actor: Actor,
        *,
        begins_at: datetime,
        ends_at: datetime,
        person: str | None = None,
        deputy: str | None = None,
        area: str | None = None,
        reason: str = "",
    ) -> str:
        """Note that somebody (without `person` oneself) is away; returns its id. `deputy` releases meanwhile, in `area` alone if one is given.

        Raises ForbiddenError, InvalidError, and ConflictError where the deputy is away too or the time is taken.
        """
        now = self._clock.now()
        begins_at = max(begins_at, now)
        if not timedelta(0) < ends_at - begins_at <= LONGEST or begins_at - now > LONGEST:
            raise InvalidError(
                f"Thời gian vắng phải kết thúc sau khi bắt đầu, sau lúc này, dài nhất {LONGEST.days} ngày và bắt đầu trong vòng {LONGEST.days} ngày.",
                f"An absence ends after it begins, after now, lasts at most {LONGEST.days} days and begins within as many.",
                field="ends_at",
            )
        actor.need_proof()
        with self._database.writing() as session:
            away = self._theirs(session, actor, person or actor.id, deputy)
            require(areas_on(session, self._today()), [] if area is None else [area])
            if not _released_by(session, away.id, area, self._today()):
                raise InvalidError(
                    f"{away.name} không có quyền duyệt ở địa bàn này, nên không cần người duyệt thay.",
                    f"{away.name} has no right to release in this area, so nobody has to do it in their place.",
                    field="area",
                )
            taken = session.scalars(select(Absence).where(Absence.person_id == away.id, *_overlap(begins_at, ends_at)))
            if any(row.area_id == area for row in taken):
                raise ConflictError(
                    f"{away.name} đã báo vắng trong thời gian này. Kết thúc lần đó trước, rồi báo lại.",
                    f"{away.name} is noted as away in that time already. End that first, then note it anew.",
                    field="begins_at",
                )
            if deputy is not None:
                self._require_deputy(session, away, deputy, begins_at, ends_at)
            row = Absence(
                id=new_id(),
                person_id=away.id,
                deputy_id=deputy,
                area_id=area,
                begins_at=begins_at,
                ends_at=ends_at,
                reason=reason.strip() or None,
                said_by=actor.id,
                said_at=now,
            )
            session.add(row)
            self._note(session, actor, "account-absence-noted", row)
        return row.id

    def end(self, actor: Actor, absence: str, *, person: str | None = None) -> None:
        """Whoever was away is back: the deputy's right ends at once. Ending what has ended is no error."""
        with self._database.writing() as session:
            row = session.get(Absence, absence, with_for_update=HELD)
            whose = person if person is not None or row is None else row.person_id
            if whose is not None:
                self._theirs(session, actor, whose)
            if row is None or whose != row.person_id:
                raise NotFoundError("Không có lần vắng mặt này.", "There is no such absence.")
            if row.ended_at is None and row.ends_at > self._clock.now():
                row.ended_at = self._clock.now()
                self._note(session, actor, "account-absence-ended", row)

    def person(self, actor: Actor, person: str) -> tuple[Person, tuple[Grant, ...]]:
        """A person in whose absences the actor has a say, with that person's own roles. Raises ForbiddenError, NotFoundError."""
        with self._database.reading() as session:
            _need(session, actor, person)
            found = session.get(Person, person)
            if found is None:
                raise _unknown()
            return found, grants_of(session, person, self._today())

    def coming(self, *people: str) -> list[Away]:
        """Absences in force and to come of these people and those whose deputies they are; of everybody without."""
        deputy = aliased(Person)
        query = (
            select(Absence, Person.name, deputy.name, deputy.disabled_at)
            .join(Person, Person.id == Absence.person_id)
            .outerjoin(deputy, deputy.id == Absence.deputy_id)
            .where(Absence.ends_at > self._clock.now(), Absence.ended_at.is_(None))
            .order_by(Absence.begins_at, Absence.id)
        )
        if people:
            query = query.where(or_(Absence.person_id.in_(people), Absence.deputy_id.in_(people)))
        with self._database.reading() as session:
            found = session.execute(query).all()
            return [
                Away(row, name, called, "disabled" if disabled else "away" if _away_too(session, row) else None)
                for row, name, called, disabled in found
            ]

    def seen_by(self, actor: Actor) -> list[Away]:
        """Who is or will be away, and who releases meanwhile, of those who release where this person serves."""
        actor.need(Right.READ)
        found = self.coming()
        seen = actor.sees()
        if seen is None:
            return found
        with self._database.reading() as session:
            grants = grants_of_all(session)
        own = {
            person for person, held in grants.items() if any(each.area is None or each.area in seen for each in held)
        }
        return [each for each in found if each.row.person_id in own]

    def candidates(self, person: str) -> list[tuple[str, str]]:
        """Who may be this person's deputy, as ids and names: whoever has a role where that person releases, above or below."""
        with self._database.reading() as session:
            return [(row.id, row.name) for row in self._near(session, person)]

    def _near(self, session: Session, person: str) -> Sequence[Person]:
        released = _released_by(session, person, None, self._today())
        near: set[str] | None = set()
        for grant in released:
            near = None if near is None or grant.reach is None else near | grant.reach.under | grant.reach.above
        everybody = grants_of_all(session)
        people = session.scalars(
            select(Person).where(Person.disabled_at.is_(None), Person.id != person).order_by(Person.name, Person.id)
        )
        return [row for row in people if near is None or _touches(everybody.get(row.id, ()), near)]

    def _require_deputy(self, session: Session, away: Person, deputy: str, begins: datetime, ends: datetime) -> None:
        if deputy == away.id:
            raise InvalidError("Không thể tự duyệt thay mình.", "Nobody is their own deputy.", field="deputy")
        found = next((row for row in self._near(session, away.id) if row.id == deputy), None)
        if found is None:
            raise InvalidError(
                "Người duyệt thay phải đang có tài khoản và một vai trò ở địa bàn đó. Chọn trong danh sách.",
                "A deputy needs an account and a role in that area. Choose from the list.",
                field="deputy",
            )
        # Whoever is away cannot stand in for others; so no circle can come about, of two or of more.
        theirs = session.scalar(select(Absence).where(Absence.person_id == deputy, *_overlap(begins, ends)).limit(1))
        if theirs is not None:
            raise ConflictError(
                f"{found.name} cũng vắng mặt trong thời gian này nên không duyệt thay được. Chọn người khác.",
                f"{found.name} is away in that time too and cannot stand in. Choose somebody else.",
                field="deputy",
            )

    def _theirs(self, session: Session, actor: Actor, person: str, deputy: str | None = None) -> Person:
        """Whoever is away. Both are held, so that no two absences cross."""
        _need(session, actor, person)
        both = (
            select(Person).where(Person.id.in_([person, deputy or person])).order_by(Person.id).with_for_update(**HELD)
        )
        found = next((row for row in session.scalars(both).all() if row.id == person), None)
        if found is None:
            raise _unknown()
        return found

    def _note(self, session: Session, actor: Actor, action: str, row: Absence) -> None:
        where = {row.area_id} if row.area_id else {grant.area_id for grant in grant_rows(session, row.person_id)}
        audit.note(
            session, actor, action, row.person_id, at=self._clock.now(), areas=where, reason=row.reason,
            details={"absence": row.id, "deputy": row.deputy_id, "area": row.area_id, "begins_at": row.begins_at.isoformat(), "ends_at": row.ends_at.isoformat()},
        )  # fmt: skip


def _unknown() -> NotFoundError:
    return NotFoundError("Không có người này.", "There is no such person.")


def _need(session: Session, actor: Actor, person: str) -> None:
    """Raise ForbiddenError unless the actor has a say in this person's absences: oneself with a right to release, or an administrator of all their roles."""
    if person == actor.id:
        actor.need_log_in()
        actor.alone().need(Right.RELEASE)
        return
    if not actor.may(Right.ADMINISTER):
        raise ForbiddenError(
            "Chỉ chính người đó hoặc người quản trị được báo vắng. Hãy nhờ người quản trị.",
            "Only that person or an administrator notes an absence. Ask an administrator.",
        )
    actor.need(Right.ADMINISTER, *(row.area_id for row in grant_rows(session, person)))


def _overlap(begins: datetime, ends: datetime) -> list[ColumnElement[bool]]:
    return [Absence.begins_at < ends, Absence.ends_at > begins, Absence.ended_at.is_(None)]


def _away_too(session: Session, row: Absence) -> bool:
    theirs = select(Absence.id).where(Absence.person_id == row.deputy_id, *_overlap(row.begins_at, row.ends_at))
    return row.deputy_id is not None and session.scalar(theirs.limit(1)) is not None


def _touches(grants: Iterable[Grant], near: set[str]) -> bool:
    return any(grant.area is None or grant.area in near for grant in grants)
