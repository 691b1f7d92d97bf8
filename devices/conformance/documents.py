"""Documents as nobody's library would write them: with more or less in them, or under other headers."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devices.wire.messages import Document
from devices.wire.signing import PublicKey, SigningKey


def content(document: Document) -> dict[str, Any]:
    """The JSON object that is signed."""
    found: dict[str, Any] = json.loads(document.model_dump_json(exclude_none=True))
    return found


def signed(fields: dict[str, Any], typ: str, key: SigningKey) -> bytes:
    """Any object as a compact JWS."""
    return key.sign_bytes(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(), typ)


def under(header: dict[str, Any], good: bytes, key: Ed25519PrivateKey | None) -> bytes:
    """The payload of a good document under another header, rightly signed, or with an empty signature."""
    signing_input = _segment(json.dumps(header, separators=(",", ":")).encode()) + b"." + good.split(b".")[1]
    return signing_input + b"." + (b"" if key is None else _segment(key.sign(signing_input)))


def keyed_with(public: PublicKey, typ: str, good: bytes) -> bytes:
    """The payload under HS256, with the bytes of the public key as the secret: the classic confusion of algorithms."""
    header = {"alg": "HS256", "kid": public.kid, "typ": typ}
    secret = base64.urlsafe_b64decode(public.to_jwk()["x"] + "=")
    head = _segment(json.dumps(header, separators=(",", ":")).encode())
    body = good.split(b".")[1]
    return b".".join([head, body, _segment(hmac.digest(secret, head + b"." + body, hashlib.sha256))])


def changed(good: bytes) -> bytes:
    """One character of the payload is another."""
    head, body, signature = good.split(b".")
    at = len(body) // 2
    return b".".join([head, body[:at] + (b"A" if body[at : at + 1] != b"A" else b"B") + body[at + 1 :], signature])


def _segment(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
