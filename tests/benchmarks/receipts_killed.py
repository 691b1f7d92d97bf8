"""The ingesting process is killed ten times while receipts come in; counted at the devices: those of which they have the station's word.

The limit is how many were sent. It fails too if one stands in the log twice, not in its receiver's order, or if the chain does not verify.
"""

import tempfile
import time
from pathlib import Path

from broadcaster.storage.database import Database
from devices.wire.signing import SigningKey
from tests import killing
from tests.benchmarks import pipe
from tests.benchmarks.result import Result

RECEIPTS = 40_001
KILLS = 10


def run() -> Result:
    """Into SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/station.db"
        database = Database(url)
        database.migrate()
        keys = {f"loa-{number}": SigningKey.generate() for number in range(500)}
        pipe.furnish(database, keys)
        sent = pipe.numbered(keys, RECEIPTS)
        begin = time.perf_counter()
        with pipe.mosquitto(Path(folder)) as broker:
            outcome = killing.survive(database, url, Path(folder), sent, port=broker.port, times=KILLS)
        took = time.perf_counter() - begin
        database.close()
    assert outcome.logged == outcome.once, "a receipt is in the log twice"
    assert outcome.in_order, "a receiver's receipts are not in its order"
    assert outcome.finding.ok, outcome.finding.faults
    unit = f"receipts acknowledged to the devices, {KILLS} kills in {took:.0f} s"
    return Result("receipts_killed", min(outcome.acknowledged, outcome.once), unit, RECEIPTS, ">= 1")
