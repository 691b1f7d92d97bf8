"""Logging in by another service (OpenID Connect Core 1.0): authorization code flow with PKCE, state and nonce.

Whoever logs in so is a person who was invited here, known by the service's name for them (issuer and subject); nobody gets an account or a right
by it. A subject is linked once: at the first log-in of somebody who was invited and has not logged in yet, by the user name that the service tells,
or by a person who is logged in, on their own page. One-time codes are asked for as ever.

The parts are httpx and joserfc, which the station has already: what is left of the flow is the parameters of two requests.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, NotFoundError, NotLoggedInError
from broadcaster.logins import LogIns
from broadcaster.people import HASHER, Actor, grant_rows
from broadcaster.settings import Settings
from broadcaster.storage.database import Database
from broadcaster.storage.models import OutsideLogIn, Person

log = structlog.get_logger(__name__)
PATH = "/login/outside"
"""Where the service sends people back to, under the station's address."""
LASTS = timedelta(minutes=10)
KNOWN_FOR = timedelta(hours=1)
"""How long the service's description of itself is kept."""
LEEWAY_S = 60
ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")
"""Signatures by a key that the service alone has; a shared secret could be used by whoever else knows it."""
ANSWER_LIMIT = 1_000_000  # bytes


@dataclass(frozen=True)
class Service:
    """What the service says of itself (OpenID Connect Discovery 1.0)."""

    authorization: str
    token: str
    keys: str
    until: datetime


class OutsideLogIns:
    """Log-ins by another service; none where no issuer is set."""

    def __init__(self, database: Database, clock: Clock, log_ins: LogIns, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._log_ins = log_ins
        self._settings = settings
        self._issuer = settings.oidc_issuer
        self._service: Service | None = None

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
        service = self._described()
        state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
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
        asked = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": self._back,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(service.authorization).query else "?"
        return f"{service.authorization}{joint}{urlencode(asked)}", browser

    def finish(
        self, *, state: str, code: str, browser: str, address: str, issuer: str = ""
    ) -> tuple[str | None, Actor, str]:
        """The token of a new log-in, the person, and where it leads; no token where an account was linked.

        Raises NotLoggedInError for what did not begin here or is no proof, ForbiddenError for whoever is not invited.
        """
        with self._database.writing() as session:
            begun = session.get(OutsideLogIn, _digest(state), with_for_update=True)
            if begun is not None:
                session.delete(begun)  # it serves once, whatever comes of it
        if begun is None or begun.expires_at <= self._clock.now() or _digest(browser) != begun.browser_sha256:
            raise NotLoggedInError(
                "Lần đăng nhập này đã dùng, đã hết hạn hoặc bắt đầu ở trình duyệt khác. Hãy đăng nhập lại.",
                "This log-in was used, has expired, or was begun in another browser. Log in again.",
            )
        if not code or (issuer and issuer != self._issuer):
            raise self._unproved("the service sent no code, or another service did")
        claims = self._claims(begun, code)
        made: tuple[str | None, Actor, str] | None = None
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
                    made = None, Actor(person.id, person.username, person.name, (), address=address), begun.onward
                else:
                    opened = self._log_ins.open(session, person, proved=None, address=address, by=self._issuer)
                    made = opened[0], opened[1], begun.onward
        if made is None:
            raise ForbiddenError(
                "Bạn chưa được mời vào đài này, hoặc chưa gắn tài khoản. Nhờ người quản trị mời, hoặc đăng nhập bằng mật khẩu rồi gắn ở trang Tài khoản của tôi.",
                "You are not invited to this station, or your account is not linked. Ask an administrator, or log in by password and link it on My account.",
            )
        return made

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
            .with_for_update()
        )
        if begun.person_id is not None:
            if known is not None and known.id != begun.person_id:
                raise ConflictError(
                    "Tài khoản bên kia đã gắn với người khác ở đây.", "That account is linked to somebody else here."
                )
            person = session.get_one(Person, begun.person_id, with_for_update=True)
            return (person if person.disabled_at is None else None), True
        if known is not None:
            return (known if known.disabled_at is None else None), False
        username = self._username(claims)
        invited = session.scalar(select(Person).where(Person.username == username).with_for_update())
        # Only who was invited and has set no password yet: others have an account, which whoever chooses names there could take.
        if (
            invited is None
            or invited.disabled_at is not None
            or not invited.must_change_password
            or invited.outside_subject is not None
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

    # ---- the service

    @property
    def _back(self) -> str:
        return self._settings.base_url + PATH

    def _described(self) -> Service:
        now = self._clock.now()
        if self._issuer is None:
            raise NotFoundError("Đài này không có cách đăng nhập đó.", "This station has no such log-in.")
        if self._service is not None and self._service.until > now:
            return self._service
        found = self._fetched(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
        try:
            ends = [str(found[name]) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        except KeyError as error:
            raise self._unreachable(f"its description has no {error}") from error
        secure = self._issuer.startswith("https://")
        if found.get("issuer") != self._issuer or any(not end.startswith("https://") for end in ends if secure):
            raise self._unreachable("its description is another service's, or names an address without https")
        if origin_of(ends[0]) != origin_of(self._issuer):
            raise self._unreachable("it has people log in at another address than its own")
        self._service = Service(authorization=ends[0], token=ends[1], keys=ends[2], until=now + KNOWN_FOR)
        return self._service

    def _claims(self, begun: OutsideLogIn, code: str) -> dict[str, Any]:
        """What the service states of whoever logged in there, found to be its own word, for us, for this log-in, and fresh."""
        service = self._described()
        client, secret = self._settings.oidc_client_id or "", self._settings.oidc_client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": begun.verifier,
            **({"client_id": client} if secret is None else {}),
        }
        auth = None if secret is None else httpx.BasicAuth(client, secret.get_secret_value())
        answer = self._fetched(service.token, form, auth)
        try:
            keys = KeySet.import_key_set(self._fetched(service.keys))  # type: ignore[arg-type]  # joserfc looks at it
            token = jwt.decode(str(answer.get("id_token", "")), keys, algorithms=list(ALGORITHMS))
            registry = jwt.JWTClaimsRegistry(
                now=int(self._clock.now().timestamp()),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self._issuer or ""},
                aud={"essential": True, "value": client},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": begun.nonce},
            )
            registry.validate(token.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise self._unproved(str(error)) from error
        claims: dict[str, Any] = token.claims
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if not claims["sub"] or ((several or "azp" in claims) and claims.get("azp") != client):
            raise self._unproved("it was made for another party")
        return claims

    def _fetched(
        self, address: str, form: dict[str, str] | None = None, auth: httpx.Auth | None = None
    ) -> dict[str, Any]:
        """A JSON object; no redirect is followed."""
        try:
            with httpx.Client(timeout=10, auth=auth, headers={"Accept": "application/json"}) as client:
                answer = client.get(address) if form is None else client.post(address, data=form)
            found = answer.raise_for_status().json() if len(answer.content) <= ANSWER_LIMIT else None
        except (httpx.HTTPError, ValueError) as error:
            raise self._unreachable(str(error)) from error
        if not isinstance(found, dict):
            raise self._unreachable("its answer is no JSON object")
        return found

    def _unreachable(self, cause: str) -> ConflictError:
        log.warning("outside log-in service", issuer=self._issuer, cause=cause)
        return ConflictError(
            "Dịch vụ đăng nhập không trả lời hoặc trả lời sai. Thử lại sau, hoặc đăng nhập bằng mật khẩu.",
            "The log-in service does not answer, or not as it should. Try again later, or log in by password.",
        )

    def _unproved(self, cause: str) -> NotLoggedInError:
        log.warning("outside log-in is no proof", issuer=self._issuer, cause=cause)
        return NotLoggedInError(
            "Dịch vụ đăng nhập không xác nhận được bạn là ai. Hãy đăng nhập lại.",
            "The log-in service did not prove who you are. Log in again.",
        )


def origin_of(address: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
