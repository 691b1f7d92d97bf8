"""The ingesting process is killed ten times while receipts come in: a device that counts finds all of them acknowledged and in the log once."""

from pathlib import Path

from broadcaster.storage.database import Database
from devices.wire.signing import SigningKey
from tests import killing
from tests.benchmarks import pipe

TIMES, COUNT = 10, 1101


def test_nothing_is_lost_or_written_twice_when_ingestion_is_killed_ten_times(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    keys = {f"loa-{number}": SigningKey.generate() for number in range(20)}
    pipe.furnish(database, keys)
    sent = pipe.numbered(keys, COUNT)
    with pipe.mosquitto(tmp_path) as broker:
        outcome = killing.survive(database, database_url, tmp_path, sent, port=broker.port, times=TIMES)
    assert outcome.kills == TIMES
    assert (outcome.acknowledged, outcome.logged, outcome.once) == (COUNT, COUNT, COUNT)
    assert outcome.in_order
    assert outcome.apart == 0
    assert outcome.finding.ok, outcome.finding.faults
