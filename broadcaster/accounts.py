"""Accounts: made, changed and reset by administrators; a password by its owner."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.areas import areas_on, require
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.guesses import Guesses
from broadcaster.identity import new_id
from broadcaster.people import (
    HASHER,
    SHORTEST_PASSWORD,
    Actor,
    Grant,
    Right,
    Role,
    grant_rows,
    grants_of,
    grants_of_all,
)
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import ApiToken, GrantRecord, LogInFailure, LoginSession, Person
from broadcaster.unchanged import require_unchanged


class People:
    """Accounts. An administrator makes and changes those whose roles all lie in the administrator's own area, with a one-time code if they have one:
    otherwise whoever finds their log-in open gives themselves an account, or another's."""

    def __init__(self, database: Database, clock: Clock, *, today: Callable[[], date]) -> None:
        self._database = database
        self._clock = clock
        self._today = today
        self._guesses = Guesses(database, clock)

    def add(self, *, username: str, name: str, role: Role, password: str, area: str | None = None) -> Actor:
        """A new account by whoever holds the station's folder. Raises ConflictError where the user name is taken, InvalidError for a short
        password or an area that does not stand."""
        digest = digest_of(password)
        with self._database.writing() as session:
            return self.make(session, None, username=username, name=name, grants=(Grant(role, area),), digest=digest)

    def invite(self, actor: Actor, *, username: str, name: str, grants: Sequence[Grant]) -> tuple[Actor, str]:
        """An account that an administrator makes: the person, and a password that must be changed at the first log-in."""
        actor.need(Right.ADMINISTER, *(grant.area for grant in grants))
        actor.need_proof()
        password = secrets.token_urlsafe(12)
        digest = digest_of(password)
        with self._database.writing() as session:
            made = self.make(session, actor, username=username, name=name, grants=grants, digest=digest)
            session.get_one(Person, made.id).must_change_password = True
        return made, password

    def all(self, actor: Actor) -> Sequence[tuple[Person, tuple[Grant, ...]]]:
        """The accounts with a role in the administrator's area, by user name, with all their roles."""
        actor.need(Right.ADMINISTER)
        own = actor.within(Right.ADMINISTER)
        with self._database.reading() as session:
            found = grants_of_all(session)
            people = session.scalars(select(Person).order_by(Person.username)).all()
        grants = {person.id: tuple(found.get(person.id, ())) for person in people}
        return [
            (person, grants[person.id])
            for person in people
            if own is None or any(grant.area in own for grant in grants[person.id])
        ]

    def change(
        self,
        actor: Actor,
        person_id: str,
        *,
        name: str,
        grants: Sequence[Grant],
        disabled: bool,
        seen: str | None = None,
    ) -> None:
        """Set name, roles, and whether the account is disabled; a disabled person's log-ins end. One administrator of the whole station
        always remains, and nobody locks themselves out. `seen` is what it was when it was read (`state_of`): raises StaleError where it is another by now."""
        with self._database.writing() as session:
            person, rows = self._theirs(session, actor, person_id)
            actor.need(Right.ADMINISTER, *(grant.area for grant in grants))
            if disabled and person_id == actor.id:
                raise ConflictError(
                    "Bạn không khóa được tài khoản của chính mình. Hãy nhờ người quản trị khác.",
                    "You cannot disable your own account. Ask another administrator.",
                )
            actor.need_proof()
            held = [Grant(Role(row.role), row.area_id) for row in rows]
            require_unchanged(seen, state_of(person, held))
            before = _state(person, rows)
            person.name = name
            rows = self._grant(session, person_id, grants, held=held)
            person.disabled_at = (person.disabled_at or self._clock.now()) if disabled else None
            session.flush()
            left = (
                select(func.count())
                .select_from(GrantRecord)
                .join(Person, Person.id == GrantRecord.person_id)
                .where(
                    GrantRecord.role == Role.ADMINISTRATOR, GrantRecord.area_id.is_(None), Person.disabled_at.is_(None)
                )
            )
            if not session.scalar(left):
                raise ConflictError(
                    "Phải còn ít nhất một người quản trị toàn đài. Giao vai trò này cho người khác trước.",
                    "One administrator of the whole station must remain. Give that role to somebody else first.",
                )
            if disabled:
                _end_log_ins(session, person_id)
            self._note(session, actor, "account-changed", person_id, rows, before=before, after=_state(person, rows))

    def reset_password(self, actor: Actor, person_id: str) -> str:
        """A new password, shown once, that must be changed at the next log-in. One-time codes are forgotten, log-ins and tokens end, and failed log-ins
        no longer count: whoever is locked out is told to ask for this."""
        password = secrets.token_urlsafe(12)
        with self._database.writing() as session:
            person, rows = self._theirs(session, actor, person_id)
            actor.need_proof()
            person.password_hash = digest_of(password)
            person.must_change_password = True
            person.totp_secret = person.totp_confirmed_at = person.totp_last_step = None
            person.outside_issuer = person.outside_subject = None
            _end_log_ins(session, person_id)
            session.execute(delete(LogInFailure).where(LogInFailure.username == person.username))
            session.execute(
                update(ApiToken)
                .where(ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None))
                .values(revoked_at=self._clock.now())
            )
            self._note(session, actor, "account-password-reset", person_id, rows)
        return password

    def change_password(self, actor: Actor, *, old: str, new: str) -> None:
        """Change one's own password; all log-ins end. Raises ForbiddenError where `old` is wrong, TooManyError after too many that were."""
        actor.need_log_in()
        digest = digest_of(new)
        with self._database.reading() as session:
            present = session.get_one(Person, actor.id).password_hash
        # A log-in that was stolen is no way to guess the password behind it; and nobody else waits while it is looked at.
        self._guesses.attempt(actor.username, actor.address)
        if not HASHER.verify(old, present):
            raise ForbiddenError("Mật khẩu hiện tại không đúng.", "The present password is wrong.")
        with self._database.writing() as session:
            self._guesses.forget(session, actor.username, actor.address)
        if old == new:
            raise InvalidError("Mật khẩu mới phải khác.", "The new password must be another.", field="new")
        with self._database.writing() as session:
            person = _find(session, actor.id)
            if person.password_hash != present:
                raise ForbiddenError("Mật khẩu hiện tại không đúng.", "The present password is wrong.")
            person.password_hash = digest
            person.must_change_password = False
            _end_log_ins(session, actor.id)
            self._note(session, actor, "account-password-changed", actor.id, grant_rows(session, actor.id))

    def make(
        self,
        session: Session,
        actor: Actor | None,
        *,
        username: str,
        name: str,
        grants: Sequence[Grant],
        digest: str,
    ) -> Actor:
        """An account in the caller's transaction; `digest` is its password's. Raises ConflictError, InvalidError."""
        if session.scalar(select(Person.id).where(Person.username == username)):
            raise ConflictError(
                f"Tên đăng nhập '{username}' đã có người dùng.", f"The user name '{username}' is taken."
            )
        person = Person(id=new_id(), username=username, name=name, password_hash=digest, created_at=self._clock.now())
        session.add(person)
        session.flush()
        rows = self._grant(session, person.id, grants)
        self._note(session, actor, "account-made", person.id, rows, after=_state(person, rows))
        return Actor(person.id, username, name, grants_of(session, person.id, self._today()))

    def _grant(
        self, session: Session, person_id: str, grants: Sequence[Grant], *, held: Sequence[Grant] = ()
    ) -> list[GrantRecord]:
        """Give these roles in the place of those that are held. An area that has ended is no reason to take a role away."""
        if not grants:
            raise InvalidError("Chọn ít nhất một vai trò.", "Choose at least one role.", field="roles")
        require(areas_on(session, self._today()), {grant.area for grant in grants if grant.area and grant not in held})
        session.execute(delete(GrantRecord).where(GrantRecord.person_id == person_id))
        rows = []
        for grant in dict.fromkeys(grants):
            rows.append(GrantRecord(person_id=person_id, role=grant.role, area_id=grant.area))
            session.add(rows[-1])
            session.flush()
        return rows

    def _note(
        self,
        session: Session,
        actor: Actor | None,
        action: str,
        person_id: str,
        rows: Sequence[GrantRecord],
        *,
        before: dict[str, object] | None = None,
        after: dict[str, object] | None = None,
    ) -> None:
        where = {row.area_id for row in rows}
        audit.note(session, actor, action, person_id, at=self._clock.now(), areas=where, before=before, after=after)

    def _theirs(self, session: Session, actor: Actor, person_id: str) -> tuple[Person, Sequence[GrantRecord]]:
        """The account and its roles, if all its roles lie where the actor administers. Raises NotFoundError, ForbiddenError."""
        actor.need(Right.ADMINISTER)
        person = _find(session, person_id)
        rows = grant_rows(session, person_id)
        actor.need(Right.ADMINISTER, *(row.area_id for row in rows))
        return person, rows


def state_of(person: Person, grants: Sequence[Grant]) -> dict[str, Any]:
    """What an administrator sets of an account, as an edit has to have seen it."""
    found = sorted((str(grant.role), grant.area or "") for grant in grants)
    roles = [{"role": role, "area": area or None} for role, area in found]
    return {"name": person.name, "roles": roles, "disabled": person.disabled_at is not None}


def _state(person: Person, rows: Iterable[GrantRecord]) -> dict[str, object]:
    roles = [{"role": row.role, "area": row.area_id} for row in rows]
    return {**(audit.state(person) or {}), "roles": roles}


def digest_of(password: str) -> str:
    """The password's Argon2id hash (RFC 9106). Raises InvalidError for a short one."""
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidError(
            f"Mật khẩu phải có ít nhất {SHORTEST_PASSWORD} ký tự.",
            f"A password needs at least {SHORTEST_PASSWORD} characters.",
            field="password",
        )
    return HASHER.hash(password)


def _find(session: Session, person_id: str) -> Person:
    person = session.get(Person, person_id, with_for_update=HELD)
    if person is None:
        raise NotFoundError("Không có người này.", "There is no such person.")
    return person


def _end_log_ins(session: Session, person_id: str) -> None:
    session.execute(delete(LoginSession).where(LoginSession.person_id == person_id))
