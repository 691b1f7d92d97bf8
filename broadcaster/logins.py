"""Log-ins: passwords with a limit on guesses, one-time codes (RFC 6238), tokens for programs."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import pyotp
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.absences import deputy_grants
from broadcaster.areas import areas_on, require
from broadcaster.clock import Clock
from broadcaster.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    NotLoggedInError,
)
from broadcaster.guesses import Guesses
from broadcaster.identity import new_id
from broadcaster.people import HASHER, PROOF_HOLDS, Actor, Grant, Right, Role, grant_rows, grants_of
from broadcaster.reach import reach_of
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import ApiToken, LoginSession, Person

STEP_S = 30
TOKEN_PREFIX = "cb_"  # noqa: S105  tells a program's token from a log-in's


@cache
def _nobody() -> str:
    """Verified when the user name is unknown, so that the time of an answer does not tell which names exist."""
    return HASHER.hash(secrets.token_urlsafe(16))


class LogIns:
    """Who is there. A failure of any kind says the same, and costs the same time."""

    def __init__(
        self, database: Database, clock: Clock, *, session_length: timedelta, station: str, today: Callable[[], date]
    ) -> None:
        self._database = database
        self._clock = clock
        self._today = today
        self._session_length = session_length
        self._guesses = Guesses(database, clock)
        self._station = station

    def log_in(
        self, username: str, password: str, *, code: str | None = None, address: str = ""
    ) -> tuple[str, Actor, LoginSession]:
        """A new log-in: its token (shown once), the person, the session.

        Raises NotLoggedInError, with `proof` where a one-time code is wanted, and TooManyError after too many failures.
        """
        now = self._clock.now()
        attempt = self._guesses.attempt(username, address)
        nobody = _nobody()  # made by whoever comes first, known or not
        with self._database.reading() as session:
            person = session.scalar(select(Person).where(Person.username == username, Person.disabled_at.is_(None)))
        right = HASHER.verify(password, person.password_hash if person else nobody)
        if person is None or not right:
            self._refused(person, address)
            raise NotLoggedInError("Tên đăng nhập hoặc mật khẩu không đúng.", "The user name or the password is wrong.")
        proved = None
        if person.totp_confirmed_at is not None:
            if not code:
                with self._database.writing() as session:
                    self._guesses.forget_one(session, attempt)  # no more: guesses at codes before it still count
                raise NotLoggedInError(
                    "Nhập mã 6 số trong ứng dụng xác thực của bạn.",
                    "Enter the 6 digits that your authenticator shows.",
                    proof="totp",
                )
            if not self._take_code(person.id, code):
                self._refused(person, address)
                raise NotLoggedInError(
                    "Mã xác thực không đúng hoặc đã dùng.", "The one-time code is wrong or was used."
                )
            proved = now
        with self._database.writing() as session:
            self._guesses.forget(session, username, address)
            return self.open(session, person, proved=proved, address=address)

    def open(
        self, session: Session, person: Person, *, proved: datetime | None, address: str, by: str | None = None
    ) -> tuple[str, Actor, LoginSession]:
        """A log-in of somebody who is known, in the caller's transaction; `by` names another service that knew them."""
        now, token = self._clock.now(), secrets.token_urlsafe(32)
        login = LoginSession(
            token_sha256=_digest(token),
            person_id=person.id,
            created_at=now,
            expires_at=now + self._session_length,
            proved_at=proved,
        )
        session.execute(delete(LoginSession).where(LoginSession.expires_at <= now))
        session.add(login)
        actor = replace(self._actor(session, person, proved), address=address)
        self._note(session, actor, "account-log-in", person.id, details={"by": by} if by is not None else None)
        return token, actor, login

    def recognise(self, token: str | None, *, address: str) -> Actor:
        """Whose log-in or program's token this is, which came from `address`. Raises NotLoggedInError."""
        if token:
            now, digest = self._clock.now(), _digest(token)
            with self._database.reading() as session:
                if token.startswith(TOKEN_PREFIX):
                    found = session.execute(
                        select(Person, ApiToken)
                        .join(ApiToken, ApiToken.person_id == Person.id)
                        .where(
                            ApiToken.token_sha256 == digest,
                            ApiToken.expires_at > now,
                            ApiToken.revoked_at.is_(None),
                            Person.disabled_at.is_(None),
                        )
                    ).first()
                    if found is not None:
                        return replace(self._actor(session, found[0], None, found[1]), address=address)
                else:
                    login = session.execute(
                        select(Person, LoginSession.proved_at)
                        .join(LoginSession, LoginSession.person_id == Person.id)
                        .where(
                            LoginSession.token_sha256 == digest,
                            LoginSession.expires_at > now,
                            Person.disabled_at.is_(None),
                        )
                    ).first()
                    if login is not None:
                        return replace(self._actor(session, login[0], login[1]), address=address)
        raise NotLoggedInError(
            "Bạn chưa đăng nhập hoặc phiên đã hết hạn. Hãy đăng nhập.",
            "You are not logged in, or the session has ended. Log in.",
        )

    def log_out(self, token: str, *, address: str = "") -> None:
        """End this log-in; ending one that has ended is no error."""
        with self._database.writing() as session:
            login = session.get(LoginSession, _digest(token))
            if login is not None:
                person = session.get_one(Person, login.person_id)
                session.delete(login)
                actor = replace(self._actor(session, person, None), address=address)
                self._note(session, actor, "account-log-out", person.id)

    def open_log_ins(self, actor: Actor, token: str | None) -> list[tuple[LoginSession, bool]]:
        """One's own log-ins, the newest first, and whether it is the one of this token."""
        actor.need_log_in()
        own = _digest(token) if token else ""
        query = select(LoginSession).where(
            LoginSession.person_id == actor.id, LoginSession.expires_at > self._clock.now()
        )
        with self._database.reading() as session:
            rows = session.scalars(query.order_by(LoginSession.created_at.desc())).all()
        return [(row, row.token_sha256 == own) for row in rows]

    def end_log_in(self, actor: Actor, log_in: str) -> None:
        """End one of one's own log-ins, by what `id_of` calls it; it may be the present one. Raises NotFoundError."""
        actor.need_log_in()
        with self._database.writing() as session:
            rows = session.scalars(select(LoginSession).where(LoginSession.person_id == actor.id))
            row = next((each for each in rows if id_of(each) == log_in), None)
            if row is None:
                raise NotFoundError("Không có phiên đăng nhập này.", "There is no such log-in.")
            session.delete(row)
            self._note(session, actor, "account-log-out", actor.id, details={"log_in": log_in})

    def log_out_elsewhere(self, actor: Actor, token: str) -> None:
        """End all of one's own log-ins but that of this token."""
        actor.need_log_in()
        with self._database.writing() as session:
            session.execute(
                delete(LoginSession).where(
                    LoginSession.person_id == actor.id, LoginSession.token_sha256 != _digest(token)
                )
            )
            self._note(session, actor, "account-logged-out-elsewhere", actor.id)

    # ---- one-time codes

    def begin_codes(self, actor: Actor) -> tuple[str, str]:
        """A new secret (base32) and its otpauth address for an authenticator; asked for once `confirm_codes` took a code."""
        actor.need_log_in()
        secret = pyotp.random_base32()
        with self._database.writing() as session:
            person = session.get_one(Person, actor.id, with_for_update=HELD)
            if person.totp_confirmed_at is not None:
                raise ConflictError(
                    "Bạn đã bật mã xác thực. Người quản trị có thể đặt lại.",
                    "One-time codes are on already. An administrator can reset them.",
                )
            person.totp_secret, person.totp_last_step = secret, None
            self._note(session, actor, "account-codes-begun", actor.id)
        return secret, pyotp.TOTP(secret).provisioning_uri(name=actor.username, issuer_name=self._station)

    def confirm_codes(self, actor: Actor, code: str) -> None:
        """Switch one-time codes on by the first right one. Raises InvalidError."""
        actor.need_log_in()
        if not self._take_code(actor.id, code):
            raise InvalidError(
                "Mã không đúng. Kiểm tra đồng hồ của điện thoại rồi nhập mã mới.",
                "The code is wrong. Check the phone's clock and enter a new one.",
                field="code",
            )
        with self._database.writing() as session:
            session.get_one(Person, actor.id).totp_confirmed_at = self._clock.now()
            self._note(session, actor, "account-codes-switched-on", actor.id)

    def prove(self, token: str, actor: Actor, code: str, *, address: str = "") -> None:
        """Give a one-time code within a log-in, for what needs one. Raises ForbiddenError, TooManyError."""
        now = self._clock.now()
        self._guesses.attempt(actor.username, address)
        if not self._take_code(actor.id, code):
            with self._database.writing() as session:
                self._note(session, replace(actor, address=address), "account-code-refused", actor.id)
            raise ForbiddenError(
                "Mã xác thực không đúng hoặc đã dùng. Chờ mã mới rồi nhập lại.",
                "The one-time code is wrong or was used. Wait for a new one and enter it.",
            )
        with self._database.writing() as session:
            self._guesses.forget(session, actor.username, address)
            login = session.get(LoginSession, _digest(token))
            if login is not None:
                login.proved_at = now
            self._note(session, replace(actor, address=address), "account-code-given", actor.id)

    def _take_code(self, person_id: str, code: str) -> bool:
        """Whether the code is right, now or one step to either side; each serves once."""
        now = self._clock.now()
        with self._database.writing() as session:
            person = session.get_one(Person, person_id, with_for_update=HELD)
            if person.totp_secret is None:
                return False
            totp = pyotp.TOTP(person.totp_secret, interval=STEP_S)
            present = int(now.timestamp()) // STEP_S
            for step in (present, present - 1, present + 1):
                if (person.totp_last_step is None or step > person.totp_last_step) and secrets.compare_digest(
                    totp.generate_otp(step).encode(), code.strip().replace(" ", "").encode()
                ):
                    person.totp_last_step = step
                    return True
        return False

    # ---- tokens for programs

    def make_token(
        self, actor: Actor, *, name: str, rights: Iterable[Right], days: int, area: str | None = None
    ) -> str:
        """A token for a program, shown once, with some of one's own rights, in an area only if one is given. Raises ForbiddenError for
        more than one has."""
        actor.need_log_in()
        wanted = sorted(set(rights))
        for right in wanted:
            actor.alone().need(right, *([] if area is None else [area]))
        if not wanted:
            raise InvalidError("Chọn ít nhất một quyền.", "Choose at least one right.", field="rights")
        actor.need_proof()
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        now = self._clock.now()
        with self._database.writing() as session:
            require(areas_on(session, self._today()), [] if area is None else [area])
            row_id = new_id()
            details = {"name": name, "rights": [str(right) for right in wanted], "area": area, "days": days}
            self._note(session, actor, "account-token-made", row_id, details=details)
            session.add(
                ApiToken(
                    id=row_id,
                    person_id=actor.id,
                    name=name,
                    token_sha256=_digest(token),
                    rights=[str(right) for right in wanted],
                    area_id=area,
                    created_at=now,
                    expires_at=now + timedelta(days=days),
                )
            )
        return token

    def tokens(self, actor: Actor) -> Sequence[ApiToken]:
        """One's own tokens that still serve."""
        actor.need_log_in()
        with self._database.reading() as session:
            return session.scalars(
                select(ApiToken)
                .where(
                    ApiToken.person_id == actor.id,
                    ApiToken.revoked_at.is_(None),
                    ApiToken.expires_at > self._clock.now(),
                )
                .order_by(ApiToken.created_at, ApiToken.id)
            ).all()

    def revoke_token(self, actor: Actor, token_id: str) -> None:
        """Take back one's own token. Raises NotFoundError."""
        actor.need_log_in()
        with self._database.writing() as session:
            token = session.get(ApiToken, token_id)
            if token is None or token.person_id != actor.id:
                raise NotFoundError("Không có mã truy cập này.", "There is no such token.")
            token.revoked_at = token.revoked_at or self._clock.now()
            self._note(session, actor, "account-token-revoked", token_id, details={"name": token.name})

    # ---- the audit log

    def _refused(self, person: Person | None, address: str) -> None:
        """A log-in that failed. A name that nobody has is not written down: it may be a password, typed into the wrong field."""
        nobody = Actor("", "", "", (), address=address)
        with self._database.writing() as session:
            where = {None} if person is None else {row.area_id for row in grant_rows(session, person.id)}
            audit.note(
                session,
                nobody,
                "account-log-in-refused",
                person.id if person is not None else "",
                at=self._clock.now(),
                areas=where,
            )

    def _note(
        self, session: Session, actor: Actor, action: str, subject: str, *, details: dict[str, Any] | None = None
    ) -> None:
        where = {grant.area for grant in actor.grants}
        audit.note(session, actor, action, subject, at=self._clock.now(), areas=where, details=details)

    def _actor(
        self, session: Session, person: Person, proved_at: datetime | None, token: ApiToken | None = None
    ) -> Actor:
        grants: Iterable[Grant | None] = grants_of(session, person.id, self._today())
        if token is None:  # to be a deputy is personal: no program is
            deputed = deputy_grants(session, person.id, now=self._clock.now(), today=self._today())
            grants = (*grants, *deputed)
        elif token.area_id is not None:
            limit = Grant(Role.VIEWER, token.area_id, reach_of(session, token.area_id, self._today()))
            grants = [grant and grant.within(limit) for grant in grants]
        proved = None
        if person.totp_confirmed_at is not None:
            proved = proved_at is not None and proved_at > self._clock.now() - PROOF_HOLDS
        return Actor(
            person.id,
            person.username,
            person.name,
            tuple(grant for grant in grants if grant is not None),
            rights=None if token is None else frozenset(Right(name) for name in token.rights),
            proved=proved,
            must_change_password=person.must_change_password,
        )


def id_of(row: LoginSession) -> str:
    """What a log-in is called: nobody can log in with it, and it says nothing of the token."""
    return _digest(f"log-in {row.token_sha256}")[:16]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
