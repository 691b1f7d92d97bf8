"""A small OpenID Connect service for tests: real keys, real codes, PKCE looked at; with faults to order."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import uvicorn
from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.responses import JSONResponse, RedirectResponse, Response

from tests.brokers import free_port, wait_for

CLIENT, SECRET = "dai-xa", "một bí mật của phép thử"


@dataclass
class Provider:
    """`who` are the claims of whoever is logged in there; `wrong` changes an id token's claims; `forged` signs with another key."""

    issuer: str
    who: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, Any] = field(default_factory=dict)
    forged: bool = False
    named: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "một", "use": "sig"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    ends: str = "/log-out"
    """Path of the address for logging out, if it says that it has one; or an address elsewhere."""
    left: list[str] = field(default_factory=list)
    """The subjects that logged out."""

    def id_token(self, asked: dict[str, str]) -> str:
        """A signed token for whoever is logged in."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        key = RSAKey.generate_key(2048) if self.forged else self.key
        return jwt.encode({"alg": "RS256", "kid": "một"}, {**claims, **self.who, **self.wrong}, key)

    def redeem(self, form: dict[str, str], authorization: str) -> str | None:
        """The token for a code, if everything about it is right; a code serves once."""
        asked = self.codes.pop(form.get("code", ""), None)
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or authorization != expected or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return self.id_token(asked) if secrets.compare_digest(challenge, asked["code_challenge"]) else None


def _application(provider: Provider) -> FastAPI:
    app = FastAPI()

    @app.get("/.well-known/openid-configuration")
    def described() -> dict[str, str]:
        at = provider.issuer
        ends = {"authorization_endpoint": f"{at}/log-in", "token_endpoint": f"{at}/token", "jwks_uri": f"{at}/keys"}
        if provider.ends:
            ends["end_session_endpoint"] = f"{at}{provider.ends}" if provider.ends[0] == "/" else provider.ends
        return {"issuer": provider.named or at, **ends}

    @app.get("/keys")
    def keys() -> dict[str, Any]:
        return {"keys": [provider.key.as_dict(private=False)]}

    @app.get("/log-in")
    def log_in(request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        provider.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    @app.get("/log-out")
    def log_out(id_token_hint: str, client_id: str, post_logout_redirect_uri: str) -> Response:
        hinted = jwt.decode(id_token_hint, provider.key, algorithms=["RS256"]).claims
        assert hinted["aud"] == client_id == CLIENT
        provider.left.append(hinted["sub"])
        provider.who = {}
        return RedirectResponse(post_logout_redirect_uri, 303)

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        made = provider.redeem(form, request.headers.get("authorization", ""))
        if made is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": made})

    return app


@contextmanager
def provider() -> Iterator[Provider]:
    """The service, served from a thread."""
    port = free_port()
    made = Provider(f"http://127.0.0.1:{port}")
    config = uvicorn.Config(_application(made), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started and httpx.get(f"{made.issuer}/keys", trust_env=False, timeout=30).is_success)
    try:
        yield made
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()
