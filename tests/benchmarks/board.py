"""The board of a province: 6,000 simulated receivers, 10 % failing in every way that there is.

Every failing receiver must stand there with its own cause, and nobody else: the run fails otherwise. The value is one picture after
a second's receipts; the limit the same rows read by the same queries, and nothing done with them.
"""

import json
import resource
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, update

from broadcaster.operating.exceptions import CAUSES
from broadcaster.operating.today import Operating
from broadcaster.people import Actor, Grant, Role
from broadcaster.storage.database import Database
from broadcaster.storage.models import (
    Airing,
    AiringReceiver,
    Area,
    AsRun,
    Bulletin,
    LogHead,
    OrderRecord,
    Person,
    Receiver,
    Release,
)
from tests.benchmarks.result import Result

COMMUNES, VILLAGES, RECEIVERS = 300, 12, 20
NOW = datetime(2026, 11, 23, 9, 0, 30, tzinfo=UTC)
PAST = (-300, -180, -60)  # minutes from now at which airings were due
ON_AIR, NEXT = -1, 10
LENGTH = timedelta(minutes=2)
FAULTS = (
    *("lost", "mute", "missed", "failed", "interrupted", "unfinished", "no_word", "silent", "volume", "clip_refused"),
    *("forged", "refused", "not_ready", "disk_full", "disk_broken", "clock", "hot", "throttled", "output", "amplifier"),
)
DECOYS = ("recovered", "preempted", "replayed", "quiet_hours", "waiting")
"""What is no exception: a failure before a success, a higher priority, a repeated order, quiet hours, a receiver not yet in service."""
CAUSE = {"mute": "lost"}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> datetime:
        """The instant."""
        return self.instant


def names() -> list[tuple[str, str]]:
    """Every receiver and its village."""
    return [
        (f"loa-{commune}-{number}", f"thon-{commune}-{number % VILLAGES}")
        for commune in range(COMMUNES)
        for number in range(RECEIVERS)
    ]


def lots() -> dict[str, str]:
    """What each failing receiver and each decoy does; the others do well. One village has no power at all."""
    everybody = [name for name, village in names() if village != "thon-7-3"]
    chosen = everybody[3::10]  # every tenth, over all communes and villages
    found = dict(zip(chosen, cycle(FAULTS), strict=False))
    found |= dict(zip(everybody[6::40], cycle(DECOYS), strict=False))
    return found | {name: "lost" for name, village in names() if village == "thon-7-3"}


def _receiver(name: str, village: str, lot: str | None) -> dict[str, Any]:
    heard = NOW - timedelta(seconds=20)
    troubles = {
        "disk_full": {"disk_full": 1000}, "disk_broken": {"disk_broken": "…"}, "clock": {"clock": -7_200_000.0},
        "hot": {"hot": 88.0}, "throttled": {"throttled": "…"}, "output": {"output": "…"}, "amplifier": {"amplifier": "…"},
    }.get(lot or "")  # fmt: skip
    if lot == "mute":
        heard -= timedelta(minutes=30)
    return {
        "id": name, "name": f"Cụm loa {name[4:]}", "kind": "loudspeaker", "area_id": village, "public_key": {},
        "secret_sha256": "0" * 64, "secret_generation": 1, "enrolled_at": NOW - timedelta(days=30), "configuration_revision": 1,
        "presence": None if lot == "waiting" else "offline" if lot == "lost" else "online",
        "presence_at": None if lot == "waiting" else NOW - timedelta(hours=9),
        "health": None, "health_at": None if lot == "waiting" else heard, "troubles": troubles,
    }  # fmt: skip


def _told(lot: str | None, minutes: int) -> list[tuple[str, str | None, dict[str, Any] | None]]:
    """What a receiver said of an airing: states, reasons, evidence."""
    well: dict[str, Any] = {"level_dbfs": -18.5, "gain_db": 0.0}
    last = minutes == PAST[-1]
    if lot in ("waiting", "mute") or (lot == "lost" and last):
        return []
    if minutes == NEXT:
        return [("received", None, None)] + ([] if lot in ("not_ready", "lost") else [("ready", None, None)])
    before: list[tuple[str, str | None, dict[str, Any] | None]] = [("received", None, None), ("ready", None, None)]
    if minutes == ON_AIR:
        return [*before, ("started", None, None)]
    begun, done = [*before, ("started", None, None)], ("finished", None, well)
    if lot == "recovered":
        return [*before, ("missed", "too_late", None)] if not last else [*begun, done]
    if not last:
        return [*begun, done]
    return {
        "missed": [*before, ("missed", "too_late", None)],
        "failed": [*begun, ("failed", "sink_failed", None)],
        "interrupted": [*begun, ("interrupted", "restarted", None)],
        "unfinished": begun,
        "no_word": before,
        "silent": [*begun, ("finished", None, {"level_dbfs": -92.0})],
        "volume": [*begun, ("finished", None, {"level_dbfs": -33.0, "gain_db": 0.0})],
        "clip_refused": [before[0], ("refused", "clip_mismatch", None)],
        "forged": [*begun, done, ("refused", "bad_signature", None)],
        "refused": [("refused", "unsupported", None)],
        "preempted": [*begun, ("interrupted", "preempted", None)],
        "replayed": [*begun, done, ("refused", "replayed", None)],
        "quiet_hours": [*before, ("missed", "quiet_hours", None)],
    }.get(lot or "", [*begun, done])


def furnish(database: Database) -> int:
    """The province, its day so far and what is to come; returns the log's length."""
    by = lots()
    start = date(2025, 7, 1)
    area = {"valid_from": start, "valid_to": None}
    with database.writing() as session:
        session.add(Person(id="p", username="p", name="P", password_hash="x", created_at=NOW))
        session.flush()
        session.execute(insert(Area), [{"id": "tinh", "name": "Tỉnh", "kind": "province", "parent_id": None, **area}])
        session.execute(
            insert(Area),
            [
                {"id": f"xa-{c}", "name": f"Xã {c}", "kind": "commune", "parent_id": "tinh", **area}
                for c in range(COMMUNES)
            ],
        )
        session.execute(
            insert(Area),
            [
                {"id": f"thon-{c}-{v}", "name": f"Thôn {v}, xã {c}", "kind": "village", "parent_id": f"xa-{c}", **area}
                for c in range(COMMUNES)
                for v in range(VILLAGES)
            ],
        )
        session.execute(insert(Receiver), [_receiver(name, village, by.get(name)) for name, village in names()])
        session.add(
            Bulletin(
                id="b", title="Chuyển đổi số", text="…", card_text="…", field="chuyển đổi số", priority="routine",
                author_id="p", state="released", created_at=NOW, updated_at=NOW, rendering="done",
            )
        )  # fmt: skip
        session.flush()
        session.add(
            Release(
                id="r", bulletin_id="b", revision=1, content_sha256="0" * 64, content="{}", approver_id="p", released_at=NOW
            )
        )  # fmt: skip
        session.flush()
        times = [(commune, minutes) for commune in range(COMMUNES) for minutes in (*PAST, ON_AIR, NEXT)]
        session.execute(insert(Airing), [_airing(commune, minutes) for commune, minutes in times])
        session.execute(insert(OrderRecord), [_order(commune, minutes) for commune, minutes in times])
        session.execute(
            insert(AiringReceiver),
            [
                {
                    "airing_id": f"a-{commune}-{minutes}", "receiver_id": f"loa-{commune}-{n}",
                    "receiver_name": f"Cụm loa {commune}-{n}", "kind": "loudspeaker", "area_id": f"thon-{commune}-{n % VILLAGES}",
                }
                for commune, minutes in times
                for n in range(RECEIVERS)
            ],
        )  # fmt: skip
        seq = 0
        for minutes in (*PAST, ON_AIR, NEXT):
            rows = []
            for name, village in names():
                for state, reason, evidence in _told(by.get(name), minutes):
                    seq += 1
                    rows.append(_row(seq, name, village, minutes, state, reason, evidence))
            session.execute(insert(AsRun), rows)
        session.add(LogHead(id=1, seq=seq, hash="0" * 64))
    return seq


def _airing(commune: int, minutes: int) -> dict[str, Any]:
    return {
        "id": f"a-{commune}-{minutes}", "release_id": "r", "bulletin_id": "b", "due_at": NOW + timedelta(minutes=minutes),
        "state": "dispatched", "title": f"Bản tin của xã {commune}", "priority": "routine", "clip_sha256": "0" * 64,
        "duration_ms": LENGTH / timedelta(milliseconds=1), "drill": False, "position": 0, "interrupted": "drop",
    }  # fmt: skip


def _order(commune: int, minutes: int) -> dict[str, Any]:
    due = NOW + timedelta(minutes=minutes)
    return {
        "id": f"o-{commune}-{minutes}", "airing_id": f"a-{commune}-{minutes}", "revision": 1, "topics": [], "audience": {},
        "document": "", "cancelled": False, "play_at": due, "expires_at": due + timedelta(hours=1),
        "published_at": due - timedelta(hours=20),
    }  # fmt: skip


def _row(  # noqa: PLR0917 - a row has its columns
    seq: int, name: str, village: str, minutes: int, state: str, reason: str | None, evidence: dict[str, Any] | None
) -> dict[str, Any]:
    commune = name.split("-")[1]
    return {
        "seq": seq, "receipt_id": f"r{seq}", "receiver_id": name, "receiver_name": f"Cụm loa {name[4:]}", "receiver_seq": seq,
        "area_id": village, "area_name": village, "order_id": f"o-{commune}-{minutes}", "order_revision": 1,
        "airing_id": f"a-{commune}-{minutes}", "state": state, "at": NOW + timedelta(minutes=minutes), "reason": reason,
        "evidence": evidence, "envelope_sha256": "0" * 64, "received_at": NOW, "previous_hash": "", "hash": "",
    }  # fmt: skip


def _raw(database: Database, since: int) -> float:
    """The same rows by the same queries, and nothing done with them."""
    begin = time.perf_counter()
    with database.reading() as session:
        session.execute(select(Area.id, Area.name, Area.kind, Area.parent_id).order_by(Area.id)).all()
        columns = (Receiver.id, Receiver.name, Receiver.kind, Receiver.area_id, Receiver.presence, Receiver.presence_at)
        session.execute(select(*columns, Receiver.health_at, Receiver.troubles, Receiver.wipe_id)).all()
        session.execute(
            select(
                Airing.id, Airing.title, Airing.priority, Airing.bulletin_id, Airing.due_at, Airing.starts_at,
                Airing.duration_ms, Airing.drill, Airing.state, OrderRecord.published_at, OrderRecord.revision,
            ).outerjoin(OrderRecord, OrderRecord.airing_id == Airing.id)
        ).all()  # fmt: skip
        log = select(AsRun.airing_id, AsRun.receiver_id, AsRun.state, AsRun.reason, AsRun.evidence)
        session.execute(log.where(AsRun.seq > since)).all()
    return time.perf_counter() - begin


def check(operating: Operating) -> None:
    """Every exception has its true cause, and nobody else is on the list."""
    expected = {name: CAUSE.get(lot, lot) for name, lot in lots().items() if lot not in DECOYS}
    troubles, _, _ = operating.troubles()
    found = {each.receiver: each.cause for each in troubles}
    wrong = {name: (expected.get(name), found.get(name)) for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)}  # fmt: skip
    assert not wrong, Counter(wrong.values())
    assert set(expected.values()) >= set(CAUSES) - {"configuration", "documents_refused", "other"}


def run() -> Result:
    """Look once, check, then look again and again while receipts arrive."""
    with tempfile.TemporaryDirectory() as folder:
        database, clock = Database(f"sqlite:///{Path(folder) / 'station.db'}"), Clock()
        database.migrate()
        seq = furnish(database)
        operating = Operating(database, clock, zone="Asia/Ho_Chi_Minh")
        viewer = Actor("p", "p", "P", (Grant(Role.OPERATOR),))
        begin = time.perf_counter()
        operating.today(viewer)
        first = time.perf_counter() - begin
        check(operating)
        looks, raws = [], []
        by = lots()
        fine = [name for name, _ in names() if name not in by]
        for turn in range(7):
            some = fine[turn * 200 : turn * 200 + 200]
            with database.writing() as session:
                rows = [
                    _row(seq + n, name, f"thon-{name.split('-')[1]}-{int(name.split('-')[2]) % VILLAGES}", ON_AIR, "finished", None, {"level_dbfs": -18.5, "gain_db": 0.0})
                    for n, name in enumerate(some, 1)
                ]  # fmt: skip
                session.execute(insert(AsRun), rows)
                session.execute(update(LogHead).values(seq=seq + len(rows)))
            clock.instant += timedelta(seconds=1)
            begin = time.perf_counter()
            today = operating.today(viewer)
            looks.append(time.perf_counter() - begin)
            raws.append(_raw(database, seq))
            seq += len(rows)
            assert today.rows <= 100, today.rows
        check(operating)
        assert any(
            line.area == "thon-7-3" and line.cause == "lost" for line in operating.today(viewer, "xa-7").exceptions
        )
        database.close()
    said = {
        "first_s": round(first, 2),
        "rows_drawn": today.rows,
        "exceptions": sum(line.size for line in today.exceptions) + today.more.exceptions,
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "log_rows": seq,
    }
    sys.stderr.write(json.dumps(said) + "\n")
    return Result("board", sorted(looks)[3], "s for one picture of 6,000 receivers", sorted(raws)[3], "<= 3")
