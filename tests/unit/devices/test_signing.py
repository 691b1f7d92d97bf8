"""Signatures: what is signed is read back; anything changed, foreign or of another kind is refused."""

import base64
import json
import pickle
import stat
import string
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.wire import signing
from devices.wire.messages import Acknowledgement, Health, Presence, Reason
from devices.wire.signing import Keyring, PublicKey, SigningKey, sign, verify

KEY = SigningKey.generate()
OTHER = SigningKey.generate()
RING = Keyring([KEY.public(), OTHER.public()])
NOW = datetime(2026, 11, 23, 5, tzinfo=UTC)
ALPHABET = string.ascii_letters + string.digits + "-_"
PRESENCE = Presence(station="tan-an", receiver="loa-1", state="online", session="s1", at=NOW, software="x 1")


def test_a_signed_document_is_read_back() -> None:
    data = sign(PRESENCE, KEY)
    assert data.isascii()
    assert verify(data, RING, Presence) == PRESENCE
    header = json.loads(base64.urlsafe_b64decode(data.split(b".")[0] + b"=="))
    assert header == {"alg": "EdDSA", "kid": KEY.kid, "typ": "presence+jws"}


@given(st.text(ALPHABET + "+/= \n", max_size=12).map(str.encode))
def test_a_value_has_one_text(segment: bytes) -> None:
    """RFC 4648, section 3.5: no padding, no other characters, no bits left over."""
    try:
        value = signing.decoded(segment)
    except ValueError:
        return
    assert base64.urlsafe_b64encode(value).rstrip(b"=") == segment


@given(st.binary(max_size=60))
def test_what_is_encoded_is_decoded(value: bytes) -> None:
    assert signing.decoded(base64.urlsafe_b64encode(value).rstrip(b"=")) == value


@given(st.data())
def test_a_signature_is_not_right_with_another_last_letter(data: st.DataObject) -> None:
    whole = sign(PRESENCE, KEY)
    letter = data.draw(st.sampled_from([each for each in ALPHABET.encode() if each != whole[-1]]))
    with pytest.raises(signing.RefusedError):
        verify(whole[:-1] + bytes([letter]), RING, Presence)


def test_several_kinds_may_be_expected() -> None:
    assert isinstance(verify(sign(PRESENCE, KEY), RING, Acknowledgement, Presence), Presence)


@settings(max_examples=200, deadline=None)
@given(position=st.integers(min_value=0), value=st.integers(0, 255))
def test_no_changed_byte_passes(position: int, value: int) -> None:
    data = bytearray(sign(PRESENCE, KEY))
    position %= len(data)
    if data[position] == value:
        value ^= 1
    data[position] = value
    with pytest.raises(signing.RefusedError):
        verify(bytes(data), RING, Presence)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400) | st.text(alphabet="abcXYZ019._-=").map(str.encode))
def test_noise_is_refused_and_never_crashes(data: bytes) -> None:
    with pytest.raises(signing.RefusedError):
        verify(data, RING, Presence)


@settings(max_examples=100, deadline=None)
@given(
    header=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "x"]), inner, max_size=5)
        ),
        max_leaves=8,
    )
)
def test_strange_headers_are_refused_and_never_crash(header: object) -> None:
    segment = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    with pytest.raises(signing.RefusedError):
        verify(segment + b".e30.AAAA", RING, Presence)


def test_a_key_that_is_not_pinned_is_named() -> None:
    with pytest.raises(signing.UnknownKeyError) as caught:
        verify(sign(PRESENCE, KEY), Keyring([OTHER.public()]), Presence)
    assert caught.value.reason is Reason.UNKNOWN_KEY


def test_another_key_under_a_pinned_id_is_a_bad_signature() -> None:
    impostor = SigningKey.generate(KEY.kid)
    with pytest.raises(signing.BadSignatureError):
        verify(sign(PRESENCE, impostor), RING, Presence)


@pytest.mark.parametrize("alg", ["none", "HS256", "Ed25519", "ES256", None])
def test_only_one_algorithm_counts(alg: str | None) -> None:
    _, payload, signature = sign(PRESENCE, KEY).split(b".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": alg, "kid": KEY.kid, "typ": Presence.TYP}).encode())
    with pytest.raises(signing.BadSignatureError):
        verify(b".".join([header.rstrip(b"="), payload, signature]), RING, Presence)


def test_a_document_of_another_kind_is_refused() -> None:
    with pytest.raises(signing.WrongTypeError):
        verify(sign(PRESENCE, KEY), RING, Health)


def test_a_type_in_the_header_does_not_make_the_content_fit() -> None:
    with pytest.raises(signing.MalformedError, match="uptime_s"):
        verify(KEY.sign_bytes(PRESENCE.model_dump_json().encode(), Health.TYP), RING, Health)


def test_what_is_too_long_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(signing.MalformedError, match="65537"):
        verify(b"a" * 65537, RING, Presence)


def test_unknown_fields_of_a_later_minor_version_are_ignored() -> None:
    payload = json.loads(PRESENCE.model_dump_json()) | {"later": {"more": 1}}
    assert verify(KEY.sign_bytes(json.dumps(payload).encode(), Presence.TYP), RING, Presence) == PRESENCE


def test_a_key_survives_its_file_and_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    KEY.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SigningKey.load(path).public() == KEY.public()
    with pytest.raises(signing.KeyFileError, match="exists"):
        OTHER.save(path)
    assert SigningKey.load(path).public() == KEY.public()
    assert [p.name for p in tmp_path.iterdir()] == ["key.json"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"kty":"OKP","crv":"X25519","x":"AA","d":"AA","kid":"k"}'])
def test_a_broken_key_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(content)
    with pytest.raises(signing.KeyFileError, match=str(path)):
        SigningKey.load(path)


def test_the_private_part_is_never_shown() -> None:
    secret = KEY._key.as_dict(private=True)["d"]
    assert isinstance(secret, str)
    assert secret not in repr(KEY) + str(KEY) + repr(KEY.public()) + json.dumps(KEY.public().to_jwk())
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


def test_a_keyring_is_read_back_from_jwk() -> None:
    again = Keyring(PublicKey.from_jwk(json.loads(json.dumps(key.to_jwk()))) for key in RING.values())
    assert dict(again) == dict(RING)
    with pytest.raises(ValueError, match="Two different keys"):
        Keyring([SigningKey.generate("a").public(), SigningKey.generate("a").public()])
    with pytest.raises(ValueError, match="public"):
        PublicKey.from_jwk(KEY._key.as_dict(private=True))
