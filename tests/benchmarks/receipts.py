"""Receipts in: Mosquitto, paho, one signature each verified, written to SQLite, acknowledged to the broker.

The limit is the same link with manual acknowledgement whose consumer throws messages away, in the same run. Standard error has
the raw batched insert alone and raw Ed25519 verification alone.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

from joserfc.util import urlsafe_b64decode
from sqlalchemy import insert

from broadcaster.storage.database import Database
from broadcaster.storage.models import ReceiptEnvelope
from devices.wire.messages import Receipts
from devices.wire.signing import Keyring, SigningKey, verify
from tests.benchmarks import pipe
from tests.benchmarks.result import Result

RECEIVERS = 50
MESSAGES = 4000
ROUNDS = 3
"""In turn, and the best of each: what else runs on the machine comes and goes."""


def measure(database: Database, name: str, *, each: int = 1, count: int = MESSAGES) -> Result:
    """Both consumers over the same broker, in turn."""
    keys = {f"loa-{number}": SigningKey.generate() for number in range(RECEIVERS)}
    pipe.furnish(database, keys)
    everything = pipe.messages(keys, count * ROUNDS, each=each)
    limits, values = [], []
    with tempfile.TemporaryDirectory() as folder, pipe.mosquitto(Path(folder)) as broker:
        for number in range(ROUNDS):
            sent = everything[number * count : (number + 1) * count]
            limits.append(pipe.seconds(broker.port, "discard", sent, lambda link: pipe.discard(link, count)))
            values.append(pipe.seconds(broker.port, "station", sent, lambda link: pipe.ingest(database, link, count)))
    raw = _raw(database, keys, everything)
    total = count * each
    figures = {key: round(total / took) for key, took in raw.items()}
    sys.stderr.write(json.dumps({"name": name, "receipts/s": figures}) + "\n")
    return Result(name, total / min(values), "receipts/s", total / min(limits), ">= 0.5")


def _raw(database: Database, keys: dict[str, SigningKey], sent: list[pipe.Message]) -> dict[str, float]:
    rings = [Keyring([key.public()]) for key in keys.values()]
    some = sent[:MESSAGES]
    begin = time.perf_counter()
    for number, (_, payload) in enumerate(some):
        verify(payload, rings[number % len(rings)], Receipts)
    verified = time.perf_counter() - begin
    parts = [payload.rpartition(b".") for _, payload in some]
    signed = [(content, urlsafe_b64decode(signature)) for content, _, signature in parts]
    verifiers = [next(iter(ring.values())) for ring in rings]
    begin = time.perf_counter()
    good = [verifiers[n % len(rings)].signed(content, signature) for n, (content, signature) in enumerate(signed)]
    bare = time.perf_counter() - begin
    assert all(good)
    rows = [
        {"sha256": f"raw-{n}", "receiver_id": "loa-0", "document": payload.decode(), "received_at": pipe.SystemClock().now()}
        for n, (_, payload) in enumerate(some)
    ]  # fmt: skip
    begin = time.perf_counter()
    for start in range(0, len(rows), 1000):
        with database.writing() as session:
            session.execute(insert(ReceiptEnvelope), rows[start : start + 1000])
    inserted = time.perf_counter() - begin
    share = len(some) / MESSAGES
    return {
        "documents read and verified alone": verified / share,
        "Ed25519 alone": bare / share,
        "batched insert of the envelopes alone": inserted / share,
    }


def run() -> Result:
    """Into SQLite with synchronous=FULL."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/station.db")
        database.migrate()
        try:
            return measure(database, "receipts")
        finally:
            database.close()
