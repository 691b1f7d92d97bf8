"""The first administrator: made by a one-time link that the station prints, for whoever holds its machine."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broadcaster.accounts import People, digest_of
from broadcaster.clock import Clock
from broadcaster.errors import NotFoundError
from broadcaster.people import Actor, Grant, Role
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import GrantRecord, Person, WelcomeLink

LASTS = timedelta(hours=24)


class Welcome:
    """Links that make an administrator of the whole station. One stands at a time."""

    def __init__(self, database: Database, clock: Clock, people: People) -> None:
        self._database = database
        self._clock = clock
        self._people = people

    def needed(self) -> bool:
        """Whether nobody administers the whole station."""
        with self._database.reading() as session:
            found = (
                select(GrantRecord.id)
                .join(Person, Person.id == GrantRecord.person_id)
                .where(
                    GrantRecord.role == Role.ADMINISTRATOR, GrantRecord.area_id.is_(None), Person.disabled_at.is_(None)
                )
            )
            return session.scalar(found.limit(1)) is None

    def link(self) -> str:
        """The path of a new link, for 24 hours; the one before is worth nothing from now on."""
        token, now = secrets.token_urlsafe(32), self._clock.now()
        with self._database.writing() as session:
            session.execute(delete(WelcomeLink).where(WelcomeLink.used_at.is_(None)))
            session.add(WelcomeLink(token_sha256=_digest(token), created_at=now, expires_at=now + LASTS))
        return f"/welcome/{token}"

    def require(self, token: str) -> None:
        """Raise NotFoundError unless the link serves now."""
        with self._database.reading() as session:
            self._find(session, token)

    def accept(self, token: str, *, username: str, name: str, password: str, address: str) -> Actor:
        """Make the administrator; the link serves no other. Raises NotFoundError, ConflictError, InvalidError: then it serves still."""
        self.require(token)  # first: to hash costs a fifth of a second, and anybody may ask
        digest = digest_of(password)
        with self._database.writing() as session:
            self._find(session, token).used_at = self._clock.now()
            whoever = Actor("", "", "", (), address=address)
            return self._people.make(
                session, whoever, username=username, name=name, grants=(Grant(Role.ADMINISTRATOR),), digest=digest
            )

    def _find(self, session: Session, token: str) -> WelcomeLink:
        row = session.get(WelcomeLink, _digest(token), with_for_update=HELD)
        if row is None or row.used_at is not None or row.expires_at <= self._clock.now():
            raise NotFoundError(
                "Đường dẫn này đã dùng hoặc đã hết hạn. Tại máy chủ, chạy 'broadcaster welcome' để có đường dẫn mới.",
                "This link was used, or has expired. Run 'broadcaster welcome' on the station's machine for another one.",
            )
        return row


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
