"""The example receiver at the end of a slow line: whatever the station sends reaches it only after LATENCY_S.

python -m tests.slow_receiver FOLDER --player COMMAND
"""

import queue
import sys
import time
from typing import Any

from tests.faulty_receiver import example

LATENCY_S = 1.3
"""More than the kit's first lead: what is published for an instant comes too late for it at the first attempt."""


class SlowQueue(queue.Queue[Any]):
    """Hands everything out in order, and messages only LATENCY_S after they came."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002, RUF100  as queue.Queue has it
        due = time.monotonic() + (LATENCY_S if item[0] == "message" else 0.0)
        super().put((due, item), block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002, RUF100
        with self.mutex:
            wait = self.queue[0][0] - time.monotonic() if self.queue else 0.0
        if wait > 0:
            time.sleep(min(wait, 0.005))
            raise queue.Empty
        return super().get(block, timeout)[1]


def main(folder: str, player: str) -> None:
    """Run until SIGTERM."""
    receiver = example().Receiver(folder, player)
    receiver.events = SlowQueue()
    receiver.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3])
