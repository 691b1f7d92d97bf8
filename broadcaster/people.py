"""People: accounts with one role each, log-ins, and what a role may do."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotLoggedInError
from broadcaster.identity import new_id
from broadcaster.storage.database import Database
from broadcaster.storage.models import LoginSession, Person

_HASHER = PasswordHash((Argon2Hasher(),))
# Verified when the user name is unknown, so that the time of an answer does not tell which names exist.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))


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


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.EDITOR: frozenset({Right.READ, Right.EDIT}),
    Role.APPROVER: frozenset({Right.READ, Right.EDIT, Right.RELEASE}),
    Role.OPERATOR: frozenset({Right.READ, Right.OPERATE}),
    Role.ADMINISTRATOR: frozenset({Right.READ, Right.OPERATE}),
}


@dataclass(frozen=True)
class Actor:
    """Somebody who is logged in."""

    id: str
    username: str
    name: str
    role: Role

    def need(self, right: Right) -> None:
        """Raise ForbiddenError unless this person's role has the right."""
        if right not in RIGHTS[self.role]:
            raise ForbiddenError(
                "Vai trò của bạn không được làm việc này. Hãy nhờ người có quyền.",
                f"Your role ({self.role}) has no right to {right}. Ask somebody whose role has it.",
            )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class People:
    """Accounts and log-ins."""

    def __init__(self, database: Database, clock: Clock, *, session_length: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._session_length = session_length

    def add(self, *, username: str, name: str, role: Role, password: str) -> Actor:
        """A new account. Raises ConflictError where the user name is taken, InvalidError for a short password."""
        if len(password) < 12:
            raise InvalidError(
                "Mật khẩu phải có ít nhất 12 ký tự.", "A password needs at least 12 characters.", field="password"
            )
        digest = _HASHER.hash(password)
        with self._database.writing() as session:
            if session.scalar(select(Person.id).where(Person.username == username)):
                raise ConflictError(
                    f"Tên đăng nhập '{username}' đã có người dùng.", f"The user name '{username}' is taken."
                )
            person = Person(
                id=new_id(), username=username, name=name, role=role, password_hash=digest, created_at=self._clock.now()
            )
            session.add(person)
        return _actor(person)

    def log_in(self, username: str, password: str) -> tuple[str, Actor, LoginSession]:
        """A new log-in: its token (shown once), the person, the session. Raises NotLoggedInError."""
        with self._database.reading() as session:
            person = session.scalar(select(Person).where(Person.username == username, Person.disabled_at.is_(None)))
        right = _HASHER.verify(password, person.password_hash if person else _NOBODY)
        if person is None or not right:
            raise NotLoggedInError("Tên đăng nhập hoặc mật khẩu không đúng.", "The user name or the password is wrong.")
        token = secrets.token_urlsafe(32)
        now = self._clock.now()
        login = LoginSession(
            token_sha256=_digest(token), person_id=person.id, created_at=now, expires_at=now + self._session_length
        )
        with self._database.writing() as session:
            session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
            session.add(login)
        return token, _actor(person), login

    def recognise(self, token: str | None) -> Actor:
        """Whose log-in this token is. Raises NotLoggedInError."""
        if token:
            with self._database.reading() as session:
                person = self._person_of(session, token)
            if person is not None:
                return _actor(person)
        raise NotLoggedInError(
            "Bạn chưa đăng nhập hoặc phiên đã hết hạn. Hãy đăng nhập.",
            "You are not logged in, or the session has ended. Log in.",
        )

    def log_out(self, token: str) -> None:
        """End this log-in; ending one that has ended is no error."""
        with self._database.writing() as session:
            session.execute(delete(LoginSession).where(LoginSession.token_sha256 == _digest(token)))

    def _person_of(self, session: Session, token: str) -> Person | None:
        return session.scalar(
            select(Person)
            .join(LoginSession, LoginSession.person_id == Person.id)
            .where(
                LoginSession.token_sha256 == _digest(token),
                LoginSession.expires_at > self._clock.now(),
                Person.disabled_at.is_(None),
            )
        )


def _actor(person: Person) -> Actor:
    return Actor(person.id, person.username, person.name, Role(person.role))
