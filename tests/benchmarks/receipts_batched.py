"""The same as `receipts`, twenty receipts under one signature as an outbox sends them that comes back, counted in receipts."""

import tempfile
from dataclasses import replace

from broadcaster.storage.database import Database
from tests.benchmarks.receipts import measure
from tests.benchmarks.result import Result


def run() -> Result:
    """Into SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/station.db")
        database.migrate()
        try:
            return replace(measure(database, "receipts_batched", each=20, count=400), goal=">= 0.7")
        finally:
            database.close()
