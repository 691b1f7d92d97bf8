"""People: accounts with one role each, and what a role may do."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.identity import new_id
from broadcaster.storage.database import Database
from broadcaster.storage.models import LoginSession, Person

HASHER = PasswordHash((Argon2Hasher(),))
SHORTEST_PASSWORD = 12  # characters
PROOF_HOLDS = timedelta(minutes=5)
"""How long a one-time code that was given counts for what needs one."""


class Role(StrEnum):
    """What somebody does here."""

    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What can be asked of the station."""

    READ = "read"
    EDIT = "edit"
    RELEASE = "release"
    OPERATE = "operate"
    PRONOUNCE = "pronounce"  # the lexicon and the sound of areas
    ADMINISTER = "administer"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.EDITOR: frozenset({Right.READ, Right.EDIT, Right.PRONOUNCE}),
    Role.APPROVER: frozenset({Right.READ, Right.EDIT, Right.PRONOUNCE, Right.RELEASE}),
    Role.OPERATOR: frozenset({Right.READ, Right.OPERATE}),
    Role.ADMINISTRATOR: frozenset({Right.READ, Right.OPERATE, Right.PRONOUNCE, Right.ADMINISTER}),
}


@dataclass(frozen=True)
class Actor:
    """Somebody who is logged in, or a program with a token of somebody's.

    `rights` narrows what the role allows (a program's token); `proved` tells whether a one-time code was given
    lately, None where the person has none; `must_change_password` bars everything but that.
    """

    id: str
    username: str
    name: str
    role: Role
    rights: frozenset[Right] | None = None
    proved: bool | None = None
    must_change_password: bool = False

    def may(self, right: Right) -> bool:
        """Whether this person's role, and the token, have the right: for what is shown; `need` decides."""
        return right in RIGHTS[self.role] and (self.rights is None or right in self.rights)

    def need(self, right: Right) -> None:
        """Raise ForbiddenError unless this person's role, and the token, have the right."""
        if self.must_change_password:
            raise ForbiddenError(
                "Mật khẩu của bạn do người quản trị cấp. Hãy đổi mật khẩu trước khi làm việc khác.",
                "Your password was given by an administrator. Change it before anything else.",
            )
        if right not in RIGHTS[self.role]:
            raise ForbiddenError(
                "Vai trò của bạn không được làm việc này. Hãy nhờ người có quyền.",
                f"Your role ({self.role}) has no right to {right}. Ask somebody whose role has it.",
            )
        if self.rights is not None and right not in self.rights:
            raise ForbiddenError(
                f"Mã truy cập này không có quyền '{right}'. Hãy tạo mã khác.",
                f"This token has no right to {right}. Make another one.",
            )

    def need_proof(self) -> None:
        """Raise ForbiddenError if this person has one-time codes and gave none lately."""
        if self.proved is False:
            raise ForbiddenError(
                "Việc này cần mã xác thực. Nhập mã 6 số trong ứng dụng xác thực của bạn.",
                "This needs a one-time code. Enter the 6 digits that your authenticator shows.",
                proof="totp",
            )


class People:
    """Accounts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, *, username: str, name: str, role: Role, password: str) -> Actor:
        """A new account. Raises ConflictError where the user name is taken, InvalidError for a short password."""
        digest = digest_of(password)
        with self._database.writing() as session:
            if session.scalar(select(Person.id).where(Person.username == username)):
                raise ConflictError(
                    f"Tên đăng nhập '{username}' đã có người dùng.", f"The user name '{username}' is taken."
                )
            person = Person(
                id=new_id(), username=username, name=name, role=role, password_hash=digest, created_at=self._clock.now()
            )
            session.add(person)
        return Actor(person.id, person.username, person.name, role)

    def invite(self, actor: Actor, *, username: str, name: str, role: Role) -> tuple[Actor, str]:
        """An account that an administrator makes: the person, and a password that must be changed at the first log-in."""
        actor.need(Right.ADMINISTER)
        password = secrets.token_urlsafe(12)
        made = self.add(username=username, name=name, role=role, password=password)
        with self._database.writing() as session:
            session.get_one(Person, made.id).must_change_password = True
        return made, password

    def all(self, actor: Actor) -> Sequence[Person]:
        """Every account, by user name."""
        actor.need(Right.ADMINISTER)
        with self._database.reading() as session:
            return session.scalars(select(Person).order_by(Person.username)).all()

    def change(self, actor: Actor, person_id: str, *, name: str, role: Role, disabled: bool) -> None:
        """Set name, role, and whether the account is disabled; a disabled person's log-ins end. One administrator always remains."""
        actor.need(Right.ADMINISTER)
        with self._database.writing() as session:
            person = _find(session, person_id)
            person.name, person.role = name, role
            person.disabled_at = (person.disabled_at or self._clock.now()) if disabled else None
            session.flush()
            left = select(func.count()).where(Person.role == Role.ADMINISTRATOR, Person.disabled_at.is_(None))
            if not session.scalar(left):
                raise ConflictError(
                    "Phải còn ít nhất một người quản trị. Giao vai trò này cho người khác trước.",
                    "One administrator must remain. Give that role to somebody else first.",
                )
            if disabled:
                _end_log_ins(session, person_id)

    def reset_password(self, actor: Actor, person_id: str) -> str:
        """A new password, shown once, that must be changed at the next log-in. One-time codes are forgotten, log-ins end."""
        actor.need(Right.ADMINISTER)
        password = secrets.token_urlsafe(12)
        with self._database.writing() as session:
            person = _find(session, person_id)
            person.password_hash = digest_of(password)
            person.must_change_password = True
            person.totp_secret = person.totp_confirmed_at = person.totp_last_step = None
            _end_log_ins(session, person_id)
        return password

    def change_password(self, actor: Actor, *, old: str, new: str) -> None:
        """Change one's own password; all log-ins end. Raises ForbiddenError where `old` is wrong."""
        digest = digest_of(new)
        with self._database.writing() as session:
            person = _find(session, actor.id)
            if not HASHER.verify(old, person.password_hash):
                raise ForbiddenError("Mật khẩu hiện tại không đúng.", "The present password is wrong.")
            if old == new:
                raise InvalidError("Mật khẩu mới phải khác.", "The new password must be another.", field="new")
            person.password_hash = digest
            person.must_change_password = False
            _end_log_ins(session, actor.id)


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
    person = session.get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFoundError("Không có người này.", "There is no such person.")
    return person


def _end_log_ins(session: Session, person_id: str) -> None:
    session.execute(delete(LoginSession).where(LoginSession.person_id == person_id))
