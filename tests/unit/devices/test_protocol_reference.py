"""The protocol's document, its AsyncAPI file and its vectors say what the code does."""

import base64
import hashlib
import itertools
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from devices.links.port import Delivery
from devices.receiver.intake import Intake
from devices.receiver.journal import Journal
from devices.receiver.place import Place
from devices.receiver.provision import BrokerAccess, Provision
from devices.receiver.trust import Pins, Trust
from devices.wire import asyncapi, topics
from devices.wire.enrolment import EnrolmentRequest, ProvisionDocument
from devices.wire.examples import AREA, AREAS, CONFIGURATION, KINDS, NOW, ORDER, RECEIVER, STATION, key, payload
from devices.wire.messages import ClockAnswer, Document, Reason, ReceiptState
from devices.wire.signing import Keyring, PublicKey, sign, verify
from devices.wire.trust_examples import DEVICE_KEY, OVER_HTTP, seal_key
from tests.unit.devices.test_intake import FixedClock, Plays, SoundOutput

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PROTOCOL = (REFERENCE / "protocol.md").read_text(encoding="utf-8")
VECTORS: dict[str, Any] = json.loads((REFERENCE / "protocol-vectors.json").read_text(encoding="utf-8"))
ASYNCAPI: dict[str, Any] = json.loads((REFERENCE / "asyncapi.json").read_text(encoding="utf-8"))
EXAMPLES = dict(re.findall(r"<!-- example: ([a-z-]+) -->\n```json\n(.*?)```", PROTOCOL, re.DOTALL))
TYPES: dict[str, type[Document]] = {kind.name: type(kind.example) for kind in KINDS}


@pytest.mark.parametrize("name", ["asyncapi.json", "protocol-vectors.json"])
def test_the_generated_files_are_current(name: str) -> None:
    assert (REFERENCE / name).read_text(encoding="utf-8") == asyncapi.files()[name], "run: make reference"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_document_has_an_example_that_is_one(kind: Any) -> None:
    assert json.loads(EXAMPLES[kind.name]) == payload(kind.example)
    assert type(kind.example).model_validate_json(EXAMPLES[kind.name]) == kind.example


def test_every_reason_state_and_topic_is_in_the_document() -> None:
    for word in [*Reason, *ReceiptState]:
        assert f"`{word.value}`" in PROTOCOL, word
    for kind in KINDS:
        for topic in kind.topics:
            assert f"`{topic}`" in PROTOCOL
            assert topic in {channel["address"] for channel in ASYNCAPI["channels"].values()}


def test_every_type_is_in_the_table_of_section_3() -> None:
    table = PROTOCOL.partition("## 3. Signed documents")[2].partition("## 4. Topics")[0]
    for kind in [*TYPES.values(), *(type(example) for _, example, _ in OVER_HTTP)]:
        assert f"`{kind.TYP}`" in table, kind


def test_sections_are_numbered_once_and_references_lead_somewhere() -> None:
    numbers = [int(number) for number in re.findall(r"^## ([0-9]+)\.", PROTOCOL, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert {int(number) for number in re.findall(r"section ([0-9]+)", PROTOCOL)} <= set(numbers)


def test_every_reference_in_asyncapi_leads_somewhere() -> None:
    def walk(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(target := node.get("$ref"), str):
                found: Any = ASYNCAPI
                for part in target.removeprefix("#/").split("/"):
                    found = found[part]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(ASYNCAPI)
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert set(ASYNCAPI["components"]["messages"]) == set(TYPES)


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: vector["name"])
def test_accepted_vectors_are_accepted(vector: dict[str, Any]) -> None:
    keys = Keyring(PublicKey.from_jwk(entry["jwk"]) for entry in VECTORS["keys"])
    head = vector["jws"].split(".")[0]
    typ = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["typ"]
    kind = next(kind for kind in TYPES.values() if typ == kind.TYP)
    found = verify(vector["jws"].encode(), keys, kind)
    assert payload(found).items() <= vector["payload"].items()
    assert topics.parse(vector["topic"]) is not None


class Fresh:
    """The receiver of the vectors, with an empty journal."""

    def __init__(self, path: Path) -> None:
        assert datetime.fromisoformat(VECTORS["receiver"]["now"]) == NOW
        self.journal = Journal(path / "journal.sqlite")
        self.clock = FixedClock()
        self.clock.instant = NOW
        self.changes: list[object] = []
        self.clock_answers: list[ClockAnswer] = []
        place = Place(STATION, RECEIVER)
        place.configuration = CONFIGURATION
        place.output = SoundOutput()
        assert place.areas == AREAS
        provision = Provision(
            station=STATION,
            receiver=RECEIVER,
            station_keys=tuple(entry["jwk"] for entry in VECTORS["keys"] if entry["pinned"]),
            broker=BrokerAccess(host="localhost", port=1, username=RECEIVER, secret="-" * 32),
        )
        pins = Pins(provision.pins(), self.clock)
        self.trust = Trust(
            path,
            provision,
            DEVICE_KEY,
            pins,
            journal=self.journal,
            clock=self.clock,
            repinned=lambda: self.changes.append("keys"),
        )
        self.intake = Intake(
            place,
            pins,
            self.journal,
            self.clock,
            Plays(),
            changed=lambda: None,
            configured=lambda *found: self.changes.append(found),
            rehomed=lambda *found: self.changes.append(found),
            clock_answered=lambda found, _ago: self.clock_answers.append(found),
        )

    def handle(self, topic: str, data: bytes, connection: int = 1) -> None:
        delivery = Delivery(topic, data, connection)
        if not self.trust.handle(delivery):
            self.intake.handle(delivery)

    def play(self, order: str) -> None:
        entry = self.journal.entry(order)
        assert entry is not None
        for before, state in itertools.pairwise(("received", "ready", "starting", "started", "finished")):
            self.journal.advance(entry.order, state, NOW, only_from=(before,))  # type: ignore[arg-type]  # states


@pytest.mark.parametrize("vector", VECTORS["sequences"], ids=lambda vector: vector["name"])
def test_sequences_bring_forth_their_receipts(vector: dict[str, Any], tmp_path: Path) -> None:
    fresh = Fresh(tmp_path)
    for message in vector["messages"]:
        if "played" in message:
            fresh.play(message["played"])
        else:
            fresh.handle(message["topic"], message["jws"].encode(), message["connection"])
    told = [f"{r.state}/{r.reason}" if r.reason else str(r.state) for r in fresh.journal.outbox()]
    assert [word for word in told if word not in {"ready", "started", "finished"}] == vector["receipts"]
    fresh.journal.close()


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_refused_vectors_are_refused_for_their_reason(vector: dict[str, Any], tmp_path: Path) -> None:
    fresh = Fresh(tmp_path)
    fresh.handle(vector["topic"], base64.b64decode(vector["bytes_base64"]) * vector.get("times", 1))
    assert [(r.state, r.reason) for r in fresh.journal.outbox()] == [(ReceiptState.REFUSED, Reason(vector["reason"]))]
    assert fresh.journal.entries("received", "ready") == []
    fresh.journal.close()


def test_ignored_vectors_change_nothing_and_bring_no_receipt(tmp_path: Path) -> None:
    fresh = Fresh(tmp_path)
    fresh.handle(topics.area_order(AREA, ORDER.id), sign(ORDER, key("station-2026")))
    (received,) = fresh.journal.outbox()
    for vector in VECTORS["ignored"]:
        fresh.handle(vector["topic"], base64.b64decode(vector["bytes_base64"]))
        assert fresh.journal.outbox() == [received], vector["name"]
        entry = fresh.journal.entry(ORDER.id)
        assert entry is not None
        assert (entry.state, entry.order) == ("received", ORDER), vector["name"]
        assert (fresh.changes, fresh.trust.wipe, fresh.journal.stops(NOW)) == ([], None, []), vector["name"]
    # A clock's answer that is rightly signed is for the clock to judge, by the probes that it sent.
    assert len(fresh.clock_answers) == 1
    fresh.journal.close()


def test_accepted_vectors_stand_where_a_receiver_believes_them(tmp_path: Path) -> None:
    fresh = Fresh(tmp_path)
    for vector in VECTORS["accepted"]:
        if vector["name"] in {"rehomings", "station-keys", "wipe", "stop", "clock-answer"}:
            fresh.handle(vector["topic"], vector["jws"].encode())
    assert fresh.trust.wipe is not None
    assert "keys" in fresh.changes
    assert len(fresh.changes) == 2  # and the re-homing
    assert fresh.clock_answers
    assert [stop.id for stop in fresh.journal.stops(NOW)]
    fresh.journal.close()


def test_every_reason_that_a_document_alone_can_give_has_a_vector() -> None:
    told = {Reason(vector["reason"]) for vector in VECTORS["refused"]}
    needs_history = {
        Reason.REPLAYED,
        Reason.CLIP_MISMATCH,
        Reason.CLIP_UNAVAILABLE,
        Reason.TOO_LATE,
        Reason.RESTARTED,
        Reason.SINK_FAILED,
        Reason.CANCELLED,
        Reason.PREEMPTED,
        Reason.DISK_FULL,
        Reason.STOPPED,
        Reason.DRILL,
        Reason.OTHER,
    }
    assert told == set(Reason) - needs_history


@pytest.mark.parametrize("entry", OVER_HTTP, ids=lambda entry: entry[0])
def test_every_document_over_http_has_an_example_that_is_one(entry: Any) -> None:
    name, example, _ = entry
    assert type(example).model_validate_json(EXAMPLES[name]) == example
    assert type(example).__name__ in ASYNCAPI["components"]["schemas"]


def test_the_enrolment_vector_is_a_conversation() -> None:
    vector = VECTORS["enrolment"]
    documents = {entry["name"]: entry["jws"].encode() for entry in vector["documents"]}
    for name, example, signer in OVER_HTTP:
        assert verify(documents[name], Keyring([signer.public()]), type(example)) == example
    request = verify(documents["enrolment-request"], Keyring([OVER_HTTP[0][2].public()]), EnrolmentRequest)
    assert hashlib.sha256(bytes.fromhex(vector["device_nonce"])).hexdigest() == request.commitment
    prefix = b"commune-broadcaster enrolment v1" + bytes(1)
    parts = [hashlib.sha256(documents[name]).digest() for name in ("enrolment-request", "enrolment-offer")]
    digest = hashlib.sha256(prefix + b"".join(parts) + bytes.fromhex(vector["device_nonce"])).digest()
    assert vector["code"] == f"{int.from_bytes(digest[:8], 'big') % 1_000_000:06d}"
    letters = base64.b32encode(digest[8:13]).decode()
    assert vector["fingerprint"] == f"{letters[:4]}-{letters[4:]}"
    provision = verify(documents["provision"], Keyring([OVER_HTTP[1][2].public()]), ProvisionDocument)
    assert seal_key().open(provision.sealed_secret).decode() == vector["secret"]
