"""An outbox that comes back after an outage: twenty receipts under one signature, of half an hour ago, counted in receipts.

Taken in is a message once its signature was verified, it is on disk and the broker was acknowledged; `in_log` counts receipts until each has its
row in the chained log, which goes on behind what is live.
"""

from datetime import timedelta

from tests.benchmarks.receipts import databases, measure
from tests.benchmarks.result import Result


def run() -> tuple[Result, ...]:
    """Into both databases."""
    with databases() as each:
        return tuple(
            measure(database, f"receipts_batched{name}", each=20, count=2000, goal=">= 0.7", age=timedelta(minutes=30))
            for name, database in each
        )
