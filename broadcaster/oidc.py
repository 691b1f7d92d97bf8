"""An OpenID Connect service (OpenID Connect Core 1.0 and Discovery 1.0) as a station asks it: authorization code flow with PKCE (RFC 7636),
and logging out there too where the service offers it (RP-Initiated Logout 1.0).

The parts are httpx and joserfc, which the station has already: what is left of the flow is the parameters of two requests.
"""

import hashlib
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
from pydantic import SecretStr

from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, NotLoggedInError

log = structlog.get_logger(__name__)
KNOWN_FOR = timedelta(hours=1)
"""How long the service's description of itself is kept."""
LEEWAY_S = 60
ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")
"""Signatures by a key that the service alone has; a shared secret could be used by whoever else knows it."""
ANSWER_LIMIT = 1_000_000  # bytes


@dataclass(frozen=True)
class Described:
    """What the service says of itself."""

    authorization: str
    token: str
    keys: str
    end: str | None
    """Where people are sent to log out there; None where the service has no such address, or it is not its own."""
    until: datetime


@dataclass(frozen=True)
class Proof:
    """What the service states of somebody, and the token in which it did."""

    claims: dict[str, Any]
    id_token: str


class OidcService:
    """One service, at which this station is the client `client`; `back` is where it sends people back to."""

    def __init__(self, issuer: str, *, client: str, secret: SecretStr | None, back: str, clock: Clock) -> None:
        self._issuer, self._client, self._secret, self._back = issuer, client, secret, back
        self._clock = clock
        self._described_as: Described | None = None

    def address(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where to send a browser. Raises ConflictError where the service does not answer."""
        at = self._described().authorization
        asked = {
            "response_type": "code",
            "client_id": self._client,
            "redirect_uri": self._back,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{at}{'&' if urlsplit(at).query else '?'}{urlencode(asked)}"

    def _described(self) -> Described:
        now = self._clock.now()
        if self._described_as is not None and self._described_as.until > now:
            return self._described_as
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
        end = str(found.get("end_session_endpoint", ""))
        # Forms lead to the service's own address alone (Content-Security-Policy), and the form that logs out is one.
        end_own = end if origin_of(end) == origin_of(self._issuer) else None
        self._described_as = Described(
            authorization=ends[0], token=ends[1], keys=ends[2], end=end_own, until=now + KNOWN_FOR
        )
        return self._described_as

    def end(self, id_token: str, *, onward: str) -> str | None:
        """Where to send a browser to log out there, from where it comes back to `onward`; None where the service has no such address.

        Raises ConflictError where the service does not answer.
        """
        at = self._described().end
        asked = {"client_id": self._client, "post_logout_redirect_uri": onward}
        if id_token:
            asked["id_token_hint"] = id_token
        return at and f"{at}{'&' if urlsplit(at).query else '?'}{urlencode(asked)}"

    def proof(self, *, code: str, nonce: str, verifier: str) -> Proof:
        """What the service states of whoever logged in there, found to be its own word, for us, for this log-in, and fresh.

        Raises NotLoggedInError for what is no proof, ConflictError where the service does not answer.
        """
        service = self._described()
        client, secret = self._client, self._secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": verifier,
            **({"client_id": client} if secret is None else {}),
        }
        auth = None if secret is None else httpx.BasicAuth(client, secret.get_secret_value())
        answer = self._fetched(service.token, form, auth)
        try:
            keys = KeySet.import_key_set(self._fetched(service.keys))  # type: ignore[arg-type]  # joserfc looks at it
            id_token = str(answer.get("id_token", ""))
            token = jwt.decode(id_token, keys, algorithms=list(ALGORITHMS))
            registry = jwt.JWTClaimsRegistry(
                now=int(self._clock.now().timestamp()),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self._issuer},
                aud={"essential": True, "value": client},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            )
            registry.validate(token.claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise unproved(self._issuer, str(error)) from error
        claims: dict[str, Any] = token.claims
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if not claims["sub"] or ((several or "azp" in claims) and claims.get("azp") != client):
            raise unproved(self._issuer, "it was made for another party")
        return Proof(claims, id_token)

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


def unproved(issuer: str, cause: str) -> NotLoggedInError:
    """Nobody is logged in by this; the log has the cause."""
    log.warning("outside log-in is no proof", issuer=issuer, cause=cause)
    return NotLoggedInError(
        "Dịch vụ đăng nhập không xác nhận được bạn là ai. Hãy đăng nhập lại.",
        "The log-in service did not prove who you are. Log in again.",
    )


def origin_of(address: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
