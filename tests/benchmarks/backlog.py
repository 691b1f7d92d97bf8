"""An outage's backlog comes in while live receipts do: how long the live ones take to reach the page.

5,000 messages of 100 receipts each (500,000) from receivers that were away, and 200 live receipts a second from others, over one
Mosquitto, into SQLite, with the picture of the day looked at once a second as the page's stream does. The value is the live
receipts' p95 from their publishing to a finished picture that has them; the limit the two seconds that people are promised.
`BACKLOG_MESSAGES` in the environment scales the backlog.
"""

import json
import os
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from broadcaster.clock import SystemClock
from broadcaster.operating.today import Operating
from broadcaster.people import Actor, Grant, Role
from broadcaster.storage.database import Database
from broadcaster.storage.models import AsRun
from devices.wire.signing import SigningKey
from tests.benchmarks import pipe
from tests.benchmarks.result import Result

MESSAGES = int(os.environ.get("BACKLOG_MESSAGES", "5000"))
EACH, PER_S = 100, 200
LIVE_S, MOST_S = 30, 300
"""Live ones come so long at least, and until the backlog is in the log."""
LIMIT_S = 2.0


class Page:
    """Looks once a second, as the stream of the page does; notes when each live receipt was in a finished picture."""

    def __init__(self, database: Database) -> None:
        self.seen: dict[str, float] = {}
        self._database = database
        self._operating = Operating(database, SystemClock(), zone="Asia/Ho_Chi_Minh")
        self._actor = Actor("p", "p", "P", (Grant(Role.OPERATOR),))
        self._seq = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Page":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(1.0):
            with self._database.reading() as session:  # what is committed before the look is in it
                rows = session.execute(
                    select(AsRun.seq, AsRun.receipt_id, AsRun.receiver_id).where(AsRun.seq > self._seq)
                ).all()
            self._operating.today(self._actor)
            now = time.perf_counter()
            for seq, receipt, receiver in rows:
                self._seq = max(self._seq, seq)
                if receiver.startswith("song-"):
                    self.seen[receipt] = now


def run() -> Result:
    """Backlog and live receipts at once."""
    away = {f"vang-{n}": SigningKey.generate() for n in range(max(1, MESSAGES // 10))}
    live = {f"song-{n}": SigningKey.generate() for n in range(50)}
    with tempfile.TemporaryDirectory() as folder, pipe.mosquitto(Path(folder)) as broker:
        database = Database(f"sqlite:///{folder}/station.db")
        database.migrate()
        pipe.furnish(database, away | live)
        old = datetime.now(UTC) - timedelta(hours=2)
        backlog = [
            pipe.message(key, name, range(turn * EACH + 1, turn * EACH + EACH + 1), old)
            for turn in range(10)
            for name, key in away.items()
        ]
        station = pipe.connected(broker.port, "station")
        ingestion = pipe.desk(database, station)
        ingestion.start()
        away_sender = pipe.Publisher(broker.port)
        away_sender.load(backlog)
        sender = pipe.connected(broker.port, "live", receives=False)
        sent: dict[str, float] = {}
        names = list(live)
        with Page(database) as page:
            begin = time.perf_counter()
            away_sender.go()
            number = 0
            while (elapsed := time.perf_counter() - begin) < LIVE_S or (ingestion.waiting and elapsed < MOST_S):
                while number < elapsed * PER_S:
                    name, turn = names[number % len(names)], number // len(names) + 1
                    made = pipe.message(live[name], name, (turn,), datetime.now(UTC))
                    sent[f"{name}.{turn}"] = time.perf_counter()
                    sender.publish(*made)
                    number += 1
                time.sleep(0.005)
            still, live_s = ingestion.waiting, time.perf_counter() - begin
            away_sender.wait()
            deadline = time.perf_counter() + 900
            total = len(backlog) * EACH + number
            while _count(database) < total and time.perf_counter() < deadline:
                time.sleep(0.5)
            took = time.perf_counter() - begin
            time.sleep(2)
        rows = _count(database)
        ingestion.stop()
        away_sender.close()
        sender.close()
        station.close()
        database.close()
    assert rows == total, f"{rows} of {total} receipts are in the log"
    late = sorted(page.seen[name] - at for name, at in sent.items())
    said = {
        "backlog_receipts": len(backlog) * EACH,
        "live_receipts": number,
        "live_s": round(live_s),
        "live_p50_s": round(late[len(late) // 2], 2),
        "live_max_s": round(late[-1], 2),
        "waiting_messages_when_live_ended": still,
        "all_written_after_s": round(took),
        "receipts_a_second": round(total / took),
    }
    sys.stderr.write(json.dumps(said) + "\n")
    return Result(
        "backlog", late[int(len(late) * 0.95)], "s until a live receipt is on the page (p95)", LIMIT_S, "<= 1"
    )


def _count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.max(AsRun.seq))) or 0
