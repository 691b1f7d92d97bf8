"""Logging in by another service (OpenID Connect).

Whoever logs in so is a person who was invited here, known by the service's name for them (issuer and subject); nobody gets an account or a right
by it. A subject is linked once: at the first log-in of somebody who was invited and has not logged in yet, by the user name that the service tells,
or by a person who is logged in, on their own page. One-time codes are asked for as ever.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, NotFoundError, NotLoggedInError
from broadcaster.logins import LogIns
from broadcaster.oidc import OidcService, unproved
from broadcaster.people import HASHER, Actor, grant_rows
from broadcaster.settings import Settings
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import AuditEntry, OutsideLogIn, Person

PATH = "/login/outside"
"""Where the service sends people back to, under the station's address."""
LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Finished:
    """A log-in that came back: its token, none where an account was linked; where it leads; what logs out there too."""

    token: str | None
    onward: str
    id_token: str


class OutsideLogIns:
    """Log-ins by another service; none where no issuer is set."""

    def __init__(self, database: Database, clock: Clock, log_ins: LogIns, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._log_ins = log_ins
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._service = None
        if self._issuer is not None:
            self._service = OidcService(
                self._issuer,
                client=settings.oidc_client_id or "",
                secret=settings.oidc_client_secret,
                back=settings.base_url + PATH,
                clock=clock,
            )

    @property
    def label(self) -> str | None:
        """What the button says; None where there is no such service."""
        return self._settings.oidc_label if self._issuer is not None else None

    def linked(self, actor: Actor) -> bool:
        """Whether this person logs in so."""
        with self._database.reading() as session:
            person = session.get(Person, actor.id)
            return person is not None and person.outside_issuer == self._issuer and person.outside_subject is not None

    def begin(self, *, onward: str, actor: Actor | None = None) -> tuple[str, str]:
        """Where to send the browser, and what it must bring back in a cookie. With an actor it is to link their account.

        Raises NotFoundError without a service, ConflictError where it cannot be reached.
        """
        if actor is not None:
            actor.need_log_in()
            actor.need_proof()
        if self._service is None:
            raise NotFoundError("Đài này không có cách đăng nhập đó.", "This station has no such log-in.")
        state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        address = self._service.address(state=state, nonce=nonce, verifier=verifier)
        now = self._clock.now()
        with self._database.writing() as session:
            session.execute(delete(OutsideLogIn).where(OutsideLogIn.expires_at <= now))
            session.add(
                OutsideLogIn(
                    state_sha256=_digest(state),
                    browser_sha256=_digest(browser),
                    nonce=nonce,
                    verifier=verifier,
                    onward=onward,
                    person_id=actor.id if actor is not None else None,
                    expires_at=now + LASTS,
                )
            )
        return address, browser

    def finish(self, *, state: str, code: str, browser: str, address: str, issuer: str = "") -> Finished:
        """What comes of it. Raises NotLoggedInError for what did not begin here or is no proof, ForbiddenError for whoever is not invited."""
        with self._database.writing() as session:
            begun = session.get(OutsideLogIn, _digest(state), with_for_update=HELD)
            if begun is not None:
                session.delete(begun)  # it serves once, whatever comes of it
        if begun is None or begun.expires_at <= self._clock.now() or _digest(browser) != begun.browser_sha256:
            raise NotLoggedInError(
                "Lần đăng nhập này đã dùng, đã hết hạn hoặc bắt đầu ở trình duyệt khác. Hãy đăng nhập lại.",
                "This log-in was used, has expired, or was begun in another browser. Log in again.",
            )
        if self._service is None or self._issuer is None or not code or (issuer and issuer != self._issuer):
            raise unproved(str(self._issuer), "the service sent no code, or another service did")
        proof = self._service.proof(code=code, nonce=begun.nonce, verifier=begun.verifier)
        claims = proof.claims
        made: Finished | None = None
        with self._database.writing() as session:
            person, linking = self._person(session, claims, begun)
            if person is None:
                nobody, now = Actor("", "", "", (), address=address), self._clock.now()
                details = {"by": self._issuer}
                audit.note(session, nobody, "account-log-in-refused", "", at=now, areas=[None], details=details)
            else:
                if linking:
                    person.outside_issuer, person.outside_subject = self._issuer, str(claims["sub"])
                    session.flush()
                    self._note(session, person, "account-linked", address)
                if begun.person_id is not None:
                    made = Finished(None, begun.onward, proof.id_token)
                else:
                    token, _, _ = self._log_ins.open(session, person, proved=None, address=address, by=self._issuer)
                    made = Finished(token, begun.onward, proof.id_token)
        if made is None:
            raise ForbiddenError(
                "Bạn chưa được mời vào đài này, hoặc chưa gắn tài khoản. Nhờ người quản trị mời, hoặc đăng nhập bằng mật khẩu rồi gắn ở trang Tài khoản của tôi.",
                "You are not invited to this station, or your account is not linked. Ask an administrator, or log in by password and link it on My account.",
            )
        return made

    def leave(self, id_token: str) -> str | None:
        """Where a browser that was logged in by the service is sent to log out there too; None where that cannot be done."""
        if self._service is None:
            return None
        try:
            return self._service.end(id_token, onward=self._settings.base_url + "/login")
        except ConflictError:  # the log-in here has ended all the same
            return None

    def unlink(self, actor: Actor) -> None:
        """From now on this person logs in by password alone."""
        actor.need_log_in()
        with self._database.writing() as session:
            person = session.get_one(Person, actor.id)
            if person.outside_subject is not None:
                person.outside_issuer = person.outside_subject = None
                self._note(session, person, "account-unlinked", actor.address)

    # ---- the person

    def _person(self, session: Session, claims: dict[str, Any], begun: OutsideLogIn) -> tuple[Person | None, bool]:
        """Whom the service knows, if they may log in here, and whether they are to be linked now."""
        known = session.scalar(
            select(Person)
            .where(Person.outside_issuer == self._issuer, Person.outside_subject == str(claims["sub"]))
            .with_for_update(**HELD)
        )
        if begun.person_id is not None:
            if known is not None and known.id != begun.person_id:
                raise ConflictError(
                    "Tài khoản bên kia đã gắn với người khác ở đây.", "That account is linked to somebody else here."
                )
            person = session.get_one(Person, begun.person_id, with_for_update=HELD)
            return (person if person.disabled_at is None else None), True
        if known is not None:
            return (known if known.disabled_at is None else None), False
        username = self._username(claims)
        invited = session.scalar(select(Person).where(Person.username == username).with_for_update(**HELD))
        # Only who was invited and has never been here: others have an account, which whoever chooses names there could take, also while
        # its password is a given one again.
        if (
            invited is None
            or invited.disabled_at is not None
            or not invited.must_change_password
            or invited.outside_subject is not None
            or session.scalar(select(AuditEntry.seq).where(AuditEntry.actor_id == invited.id).limit(1)) is not None
        ):
            return None, False
        # The password that was given to them is worth nothing from now on.
        invited.password_hash, invited.must_change_password = HASHER.hash(secrets.token_urlsafe(32)), False
        return invited, True

    def _username(self, claims: dict[str, Any]) -> str | None:
        value = str(claims.get(self._settings.oidc_claim, "")).strip().lower()
        if self._settings.oidc_claim == "preferred_username":
            return value or None
        name, _, domain = value.rpartition("@")
        own = domain == (self._settings.oidc_email_domain or "").lower()
        return name if own and claims.get("email_verified") is True else None

    def _note(self, session: Session, person: Person, action: str, address: str) -> None:
        who = Actor(person.id, person.username, person.name, (), address=address)
        where = {row.area_id for row in grant_rows(session, person.id)}
        details = {"issuer": self._issuer}
        audit.note(session, who, action, person.id, at=self._clock.now(), areas=where, details=details)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
