"""The same as `receipts`, twenty receipts under one signature as an outbox sends them that comes back, counted in receipts."""

from tests.benchmarks.receipts import databases, measure
from tests.benchmarks.result import Result


def run() -> tuple[Result, ...]:
    """Into both databases."""
    with databases() as each:
        return tuple(
            measure(database, f"receipts_batched{name}", each=20, count=400, goal=">= 0.7") for name, database in each
        )
