"""The protocol's document, its AsyncAPI file and its vectors say what the code does."""

import base64
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
from devices.wire import asyncapi, topics
from devices.wire.examples import AREAS, CONFIGURATION, KINDS, NOW, RECEIVER, STATION, payload
from devices.wire.messages import Document, Reason, ReceiptState
from devices.wire.signing import Keyring, PublicKey, verify
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


def pinned() -> Keyring:
    return Keyring(PublicKey.from_jwk(entry["jwk"]) for entry in VECTORS["keys"] if entry["pinned"])


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: vector["name"])
def test_accepted_vectors_are_accepted(vector: dict[str, Any]) -> None:
    keys = Keyring(PublicKey.from_jwk(entry["jwk"]) for entry in VECTORS["keys"])
    kind = TYPES.get(vector["name"], TYPES["order"])
    found = verify(vector["jws"].encode(), keys, kind)
    assert payload(found).items() <= vector["payload"].items()
    assert topics.parse(vector["topic"]) is not None


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_refused_vectors_are_refused_for_their_reason(vector: dict[str, Any], tmp_path: Path) -> None:
    assert datetime.fromisoformat(VECTORS["receiver"]["now"]) == NOW
    journal = Journal(tmp_path / "journal.sqlite")
    clock = FixedClock()
    clock.instant = NOW
    place = Place(STATION, RECEIVER)
    place.configuration = CONFIGURATION
    place.output = SoundOutput()
    assert place.areas == AREAS
    intake = Intake(
        place,
        pinned(),
        journal,
        clock,
        Plays(),
        changed=lambda: None,
        configured=lambda *_: None,
        clock_answered=lambda *_: None,
    )
    intake.handle(Delivery(vector["topic"], base64.b64decode(vector["bytes_base64"]) * vector.get("times", 1), 1))
    assert [(r.state, r.reason) for r in journal.outbox()] == [(ReceiptState.REFUSED, Reason(vector["reason"]))]
    assert journal.entries("received", "ready") == []
    journal.close()


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
    }
    assert told == set(Reason) - needs_history
