"""The test vectors: what is read, what is refused and why, and what changes nothing and is answered by nothing."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

from devices.wire import topics
from devices.wire.enrolment import StationKeys, Wipe
from devices.wire.examples import (
    ACKNOWLEDGEMENT,
    AREA,
    AREAS,
    CANCELLATION,
    CLOCK_ANSWER,
    CONFIGURATION,
    DRILL,
    KINDS,
    NOW,
    ORDER,
    PHRASES,
    RECEIVER,
    REHOMINGS,
    SELF_TEST,
    STATION,
    STOP,
    Kind,
    key,
    payload,
)
from devices.wire.messages import Audience, Document, Order, Presence, Reason
from devices.wire.signing import MAX_SIZE, SigningKey, sign
from devices.wire.trust_examples import NEXT_PHRASE, STATION_KEYS, WIPE, enrolment_vectors

Refused = list[tuple[str, Reason, str, bytes]]
"""Name, reason, topic, bytes."""
LONG = b"A" * (MAX_SIZE + 1)
HERE = topics.area_order(AREA, ORDER.id)


def vectors() -> dict[str, Any]:
    """Everything that an implementer needs to check a receiver's reading and judging of documents."""
    keys = [(kid, phrase) for kid, phrase in PHRASES.items()] + [("station-2027", NEXT_PHRASE)]
    return {
        "protocol": 1,
        "note": "Seeds are the SHA-256 of the phrases; the keys are for tests and nothing else.",
        "receiver": {
            "station": STATION,
            "id": RECEIVER,
            "kind": "loudspeaker",
            "areas": list(AREAS),
            "zone": CONFIGURATION.zone,
            "quiet_hours": payload(CONFIGURATION)["quiet_hours"],
            "now": "2026-11-23T09:30:00.000Z",
        },
        "keys": [
            {"phrase": phrase, "pinned": kid == "station-2026", "jwk": key(kid, phrase).public().to_jwk()}
            for kid, phrase in keys
        ],
        "accepted": _accepted(),
        "refused": [
            {"name": name, "reason": reason.value, "topic": topic} | _bytes(data)
            for name, reason, topic, data in _unreadable() + _unfit() + _misplaced()
        ],
        "ignored": [{"name": name, "topic": topic} | _bytes(data) for name, topic, data in _ignored()],
        "enrolment": enrolment_vectors(),
    }


def _accepted() -> list[dict[str, Any]]:
    station, receiver = key("station-2026"), key(RECEIVER)
    signers = {"station-2026": station, RECEIVER: receiver}
    later = payload(ORDER) | {"colour": "a field of a later minor version"}
    lifted = STOP.model_copy(update={"revision": 2, "lifted": True})
    found = [
        {
            "name": kind.name,
            "topic": _topic(kind),
            "payload": payload(kind.example),
            "jws": sign(kind.example, signers[kind.signer]).decode(),
        }
        for kind in KINDS
    ]
    found.append(
        {
            "name": "a field of a later minor version is ignored",
            "topic": HERE,
            "payload": later,
            "jws": _sign(station, Order.TYP, later).decode(),
        }
    )
    for name, topic, document in (
        ("a self-test", topics.receiver_order(RECEIVER, SELF_TEST.id), SELF_TEST),
        ("a stop lifted", topics.area_stop(AREA, STOP.id), lifted),
    ):
        found.append(
            {"name": name, "topic": topic, "payload": payload(document), "jws": sign(document, station).decode()}
        )
    return found


def _topic(kind: Kind) -> str:
    return kind.topics[0].format(
        area=REHOMINGS.area if kind.example is REHOMINGS else AREA,
        order=DRILL.id if kind.example is DRILL else ORDER.id,
        stop=STOP.id,
        receiver=RECEIVER,
        kid="station-2026",
    )


def _unreadable() -> Refused:
    """Before anything is known of the content: section 3, steps 1 to 5."""
    station, intruder = key("station-2026"), key("intruder")
    good = sign(ORDER, station)
    head, body, signature = good.split(b".")

    def under(header: Any, mac: bytes = signature) -> bytes:
        return _segment(header) + b"." + body + b"." + mac

    plain = {"alg": "EdDSA", "kid": station.kid, "typ": Order.TYP}
    symmetric = _segment(plain | {"alg": "HS256"}) + b"." + body
    public = base64.urlsafe_b64decode(station.public().to_jwk()["x"] + "=")
    malformed: list[tuple[str, bytes]] = [
        ("a critical extension", under(plain | {"crit": ["exp"], "exp": 1})),
        ("an unencoded payload", under(plain | {"b64": False})),
        ("not a compact JWS", b"play this"),
        ("two parts", head + b"." + body),
        ("four parts", good + b"." + signature),
        ("a header that is a list", under(["EdDSA", station.kid, Order.TYP])),
        ("a padded payload", head + b"." + body + b"=" * (-len(body) % 4 or 4) + b"." + signature),
        ("a line break at the end", good + b"\n"),
        ("letters of the other base64", head + b"." + body[:-1] + b"+." + signature),
        ("not ASCII", good[:-1] + "é".encode()),
        ("longer than 64 KiB", LONG),
    ]
    return [
        (
            "one character of the payload changed",
            Reason.BAD_SIGNATURE,
            HERE,
            _flip(head + b"." + body, len(head) + 60) + b"." + signature,
        ),
        ("one character of the signature changed", Reason.BAD_SIGNATURE, HERE, _flip(good, len(good) - 40)),
        (
            "a signature of 60 bytes",
            Reason.BAD_SIGNATURE,
            HERE,
            head + b"." + body + b"." + _base64url(base64.urlsafe_b64decode(signature + b"==")[:60]),
        ),
        ("algorithm none", Reason.BAD_SIGNATURE, HERE, under(plain | {"alg": "none"}, b"")),
        (
            "HS256 with the public key for a secret",
            Reason.BAD_SIGNATURE,
            HERE,
            symmetric + b"." + _base64url(hmac.digest(public, symmetric, hashlib.sha256)),
        ),
        ("signed by nobody who is pinned", Reason.UNKNOWN_KEY, HERE, sign(ORDER, intruder)),
        ("no key named", Reason.UNKNOWN_KEY, HERE, under({"alg": "EdDSA", "typ": Order.TYP})),
        (
            "a stranger under a pinned key id",
            Reason.BAD_SIGNATURE,
            HERE,
            sign(ORDER, key("station-2026", PHRASES["intruder"])),
        ),
        *((name, Reason.MALFORMED, HERE, data) for name, data in malformed),
    ]


def _unfit() -> Refused:
    """Rightly signed, and not what may stand there: section 3, steps 6 and 7."""
    station, order = key("station-2026"), payload(ORDER)
    changes: list[tuple[str, dict[str, Any]]] = [
        ("an instant without a zone", {"play_at": "2026-11-23T10:00:00"}),
        ("a number as text", {"revision": "1"}),
        ("a boolean as a number", {"revision": True}),
        ("a number where a text belongs", {"title": 1}),
        ("a later major version", {"v": 2}),
        ("a required field that is null", {"play_at": None}),
        ("an identifier that leaves its folder", {"airing": "../airing"}),
        ("an identifier of 65 characters", {"airing": "a" * 65}),
        ("a priority that there is not", {"priority": "urgent"}),
        ("a lateness limit of more than a day", {"late_limit_s": 86_401}),
        ("a negative lateness limit", {"late_limit_s": -1}),
        ("a clip's hash in capitals", {"sound": order["sound"] | {"sha256": order["sound"]["sha256"].upper()}}),
        ("expired before its latest start", {"expires_at": order["play_at"]}),
        ("neither sound nor card nor tone", {"sound": None, "card": None}),
    ]
    return [
        (
            "a field is missing",
            Reason.MALFORMED,
            HERE,
            _sign(station, Order.TYP, {name: value for name, value in order.items() if name != "play_at"}),
        ),
        *((name, Reason.MALFORMED, HERE, _sign(station, Order.TYP, order | changed)) for name, changed in changes),
        ("a payload that is a list", Reason.MALFORMED, HERE, station.sign_bytes(b"[]", Order.TYP)),
        ("a payload that is not UTF-8", Reason.MALFORMED, HERE, station.sign_bytes(b'{"v":1,"x":"\xff"}', Order.TYP)),
        ("a configuration where orders stand", Reason.WRONG_TYPE, HERE, sign(CONFIGURATION, station)),
        ("an order whose typ says presence", Reason.WRONG_TYPE, HERE, _sign(station, Presence.TYP, order)),
        ("a typ in capitals", Reason.WRONG_TYPE, HERE, _sign(station, Order.TYP.upper(), order)),
    ]


def _misplaced() -> Refused:
    """An order as it should be, and not for here, or not for now: section 6."""
    station = key("station-2026")

    def order(**changes: Any) -> bytes:
        return sign(ORDER.model_copy(update=changes), station)

    past = NOW - timedelta(hours=3)
    night = NOW + timedelta(hours=6)  # 22:30 in its zone
    mine = Audience(receivers=(RECEIVER,))
    return [
        ("another station's", Reason.WRONG_STATION, HERE, order(station="dai-binh-an")),
        ("for another commune", Reason.WRONG_AUDIENCE, HERE, order(audience=Audience(areas=("xa-binh-an",)))),
        ("under another order's name", Reason.WRONG_TOPIC, topics.area_order(AREA, "another"), order()),
        ("on the topic of another of its areas", Reason.WRONG_TOPIC, topics.area_order(AREAS[2], ORDER.id), order()),
        ("for this receiver, on an area's topic", Reason.WRONG_TOPIC, HERE, order(audience=mine)),
        ("for its area, on its own topic", Reason.WRONG_TOPIC, topics.receiver_order(RECEIVER, ORDER.id), order()),
        (
            "expired",
            Reason.EXPIRED,
            HERE,
            order(play_at=past, expires_at=past + timedelta(hours=2), issued_at=past - timedelta(hours=2)),
        ),
        ("nothing for a loudspeaker in it", Reason.UNSUPPORTED, HERE, order(sound=None)),
        ("in quiet hours", Reason.QUIET_HOURS, HERE, order(play_at=night, expires_at=night + timedelta(hours=1))),
    ]


def _ignored() -> list[tuple[str, str, bytes]]:
    """Name, topic and bytes of what changes nothing and is answered by nothing."""
    station, intruder = key("station-2026"), key("intruder")
    impostor = key("station-2026", PHRASES["intruder"])  # under the station's key id
    past = NOW - timedelta(hours=1)

    def changed(document: Document, signer: SigningKey = station, **changes: Any) -> bytes:
        return sign(document.model_copy(update=changes), signer)

    own = {name: topics.of_receiver(RECEIVER, name) for name in ("configuration", "acknowledgements", "clock-answers")}
    wipe, stop = topics.of_receiver(RECEIVER, "wipe"), topics.area_stop(AREA, STOP.id)
    configuration, rehomings, keys = own["configuration"], topics.area_rehomings(REHOMINGS.area), topics.keys
    elsewhere: dict[str, Any] = {"revision": 9, "areas": ("tinh-long-an", "xa-binh-an")}
    excluding = Audience(areas=(AREA,), excluded=(RECEIVER,))
    return [
        ("a retained order that was cleared", HERE, b""),
        ("an order for others of its area", HERE, changed(ORDER, audience=excluding)),
        ("an order for screens", HERE, changed(ORDER, audience=Audience(areas=(AREA,), kinds=("screen",)))),
        ("an order on the topic of an area that is not its own", topics.area_order("xa-binh-an", ORDER.id), b"forged"),
        ("an order on another receiver's topic", topics.receiver_order("loa-thon-tay", ORDER.id), b"forged"),
        ("a topic that there is not", f"cb/v1/receivers/{RECEIVER}/volume", b"100"),
        ("a cancellation that has expired", HERE, changed(CANCELLATION, expires_at=past)),
        ("a stop by a stranger", stop, changed(STOP, impostor)),
        ("a stop under another's name", topics.area_stop(AREA, "another"), changed(STOP)),
        ("a stop for another area", stop, changed(STOP, audience=Audience(areas=("xa-binh-an",)))),
        ("a stop that has expired", stop, changed(STOP, expires_at=past)),
        ("an order where stops stand", stop, sign(ORDER, station)),
        ("a configuration by a stranger", configuration, changed(CONFIGURATION, impostor, **elsewhere)),
        ("another receiver's configuration", configuration, changed(CONFIGURATION, **elsewhere, receiver="loa-tay")),
        ("another station's configuration", configuration, changed(CONFIGURATION, **elsewhere, station="dai-binh-an")),
        ("an expired configuration", configuration, changed(CONFIGURATION, **elsewhere, expires_at=past)),
        ("an older configuration", configuration, changed(CONFIGURATION, **elsewhere | {"revision": 3})),
        (
            "another configuration of the revision that holds",
            configuration,
            changed(CONFIGURATION, **elsewhere | {"revision": 4}),
        ),
        (
            "a configuration with a zone that there is not",
            configuration,
            changed(CONFIGURATION, **elsewhere, zone="Asia/Tan_An"),
        ),
        ("re-homings by a stranger", rehomings, changed(REHOMINGS, impostor)),
        ("re-homings on another area's topic", topics.area_rehomings(AREA), changed(REHOMINGS)),
        ("re-homings that have expired", rehomings, changed(REHOMINGS, expires_at=past)),
        ("an acknowledgement by a stranger", own["acknowledgements"], changed(ACKNOWLEDGEMENT, impostor)),
        ("another receiver's acknowledgement", own["acknowledgements"], changed(ACKNOWLEDGEMENT, receiver="loa-tay")),
        ("a clock answer by a stranger", own["clock-answers"], changed(CLOCK_ANSWER, impostor)),
        ("an answer to a probe that was never sent", own["clock-answers"], changed(CLOCK_ANSWER)),
        ("station keys by a stranger", keys("intruder"), _changed_keys(intruder)),
        ("station keys by a stranger under the station's key id", keys("station-2026"), _changed_keys(impostor)),
        ("another station's keys", keys("station-2026"), _changed_keys(station, station="dai-binh-an")),
        ("a wipe by a stranger", wipe, _wipe(impostor)),
        ("a wipe of another receiver", wipe, _wipe(station, receiver="loa-tay")),
        ("a wipe of a device that stood here before", wipe, _wipe(station, key_thumbprint="A" * 43)),
        ("a wipe that has expired", wipe, _wipe(station, expires_at=past)),
    ]


def _changed_keys(signer: SigningKey, **changes: Any) -> bytes:
    found: StationKeys = STATION_KEYS.model_copy(update={"revision": 9, **changes})
    return sign(found, signer)


def _wipe(signer: SigningKey, **changes: Any) -> bytes:
    found: Wipe = WIPE.model_copy(update=changes)
    return sign(found, signer)


def _bytes(data: bytes) -> dict[str, Any]:
    if data is LONG:
        return {"bytes_base64": base64.b64encode(LONG[:1]).decode(), "times": len(LONG)}
    return {"bytes_base64": base64.b64encode(data).decode()}


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _segment(header: Any) -> bytes:
    return _base64url(json.dumps(header, separators=(",", ":")).encode())


def _sign(signer: SigningKey, typ: str, content: dict[str, Any]) -> bytes:
    return signer.sign_bytes(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), typ)


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :]
