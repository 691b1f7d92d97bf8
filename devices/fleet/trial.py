"""A fleet through airings with faults to order, and what became of every order at every receiver."""

import resource
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from devices.fleet.faults import Faults
from devices.fleet.scratch import Broker, ScratchStation
from devices.fleet.simulation import Fleet

QUIET_S = 15.0
"""After the last end: how long receipts that were sent twice, or held up, are waited for at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many receivers, and what they are to go through."""

    receivers: int
    airings: int = 1
    seconds: float = 2.0  # of an airing
    every_s: float = 4.0  # from the beginning of one to that of the next; longer than an airing
    first_in_s: float = 4.0  # after all are connected
    late_limit_s: int = 30
    forged: int = 0  # orders that a stranger signed
    faults: Faults = field(default_factory=Faults)
    broker: Broker = "auto"  # embedded up to 300 receivers, Mosquitto for more, where it is installed
    connect_per_s: float = 200.0
    within_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of it."""

    receivers: int
    broker: str
    connected_in_s: float
    ends: dict[str, int]  # how orders ended, all receivers and airings together, such as "missed disk_full"
    with_fault: dict[str, dict[str, int]]  # the same for the receivers with each fault
    lost: int  # orders at receivers of which no end was told, and receipts that never came
    doubled: int  # orders that a receiver began more than once
    forged_played: int
    refused: dict[str, int]
    repeated: int  # receipts that came more than once, and were written once
    late_ms: dict[str, float]  # behind the instant, by the receivers' clocks
    memory_mb: float
    took_s: float

    @property
    def good(self) -> bool:
        """Nothing lost, doubled or forged."""
        return not (self.lost or self.doubled or self.forged_played)

    def to_json(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self) | {"good": self.good}


def run(plan: Plan, *, say: Callable[[str], None] = lambda _text: None) -> Summary:
    """Make a scratch station, connect the fleet, air, and count. Raises EmbeddedBrokerError, LinkError, OSError."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(name)
        station = ScratchStation(folder, plan.receivers, broker=plan.broker)
        per_s = min(plan.connect_per_s, 50.0) if station.broker_name == "embedded" else plan.connect_per_s
        whole = plan.receivers / per_s + plan.first_in_s + (plan.airings - 1) * plan.every_s + plan.seconds
        faults = replace(plan.faults, within_s=(0.5, whole))  # so that they fall before, into and after airings
        fleet = Fleet(station.members(), folder / "clips", faults=faults)
        try:
            station.start()
            say(f"broker: {station.broker_name}")
            fleet.start(per_s=per_s)
            connected_in = _connect(fleet, plan, begin, say)
            _air(station, plan)
            _wait(station, fleet, plan, say)
            return _count(station, fleet, plan, connected_in, begin)
        finally:
            fleet.stop()
            station.close()


def _connect(fleet: Fleet, plan: Plan, begin: float, say: Callable[[str], None]) -> float:
    """Until each has been there once: some lose the line meanwhile, which is what they are for."""
    deadline = begin + plan.within_s
    while time.monotonic() < deadline:
        there = sum(receiver.link.connections > 0 for receiver in fleet.receivers)
        say(f"connected: {there} of {plan.receivers}")
        if there == plan.receivers:
            break
        time.sleep(0.2)
    return round(time.monotonic() - begin, 2)


def _air(station: ScratchStation, plan: Plan) -> None:
    for number in range(plan.airings):
        at = plan.first_in_s + number * plan.every_s
        station.air(f"luot-{number + 1}", in_s=at, seconds=plan.seconds, late_limit_s=plan.late_limit_s)
    for number in range(plan.forged):
        station.forge(f"gia-mao-{number + 1}", in_s=plan.first_in_s)


def _wait(station: ScratchStation, fleet: Fleet, plan: Plan, say: Callable[[str], None]) -> None:
    last = plan.first_in_s + (plan.airings - 1) * plan.every_s + plan.seconds + plan.late_limit_s
    deadline = time.monotonic() + last + QUIET_S + plan.faults.offline_s[1] * bool(plan.faults.offline_share)
    while time.monotonic() < deadline:
        told = sum(len(station.ends(order.id)) for order in station.orders)
        waiting = sum(receiver.journal.outbox_size() for receiver in fleet.receivers)
        say(f"ended: {told} of {plan.receivers * plan.airings}, receipts on their way: {waiting}")
        if told == plan.receivers * plan.airings and not waiting:
            return
        time.sleep(0.25)


def _count(station: ScratchStation, fleet: Fleet, plan: Plan, connected_in: float, begin: float) -> Summary:
    ends: Counter[str] = Counter()
    by_fault: dict[str, Counter[str]] = {}
    late: list[float] = []
    doubled = 0
    for order in station.orders:
        told = station.ends(order.id)
        for receiver in fleet.receivers:
            receipt = told.get(receiver.name)
            word = "lost" if receipt is None else f"{receipt.state} {receipt.reason or ''}".strip()
            ends[word] += 1
            for fault in receiver.lot.faults:
                by_fault.setdefault(fault, Counter())[word] += 1
        begun = station.begun(order.id)
        late += [r.evidence.late_ms for r in begun if r.evidence is not None and r.evidence.late_ms is not None]
    doubled = sum(
        times - 1
        for name in station.names
        for times in Counter(
            r.order for r in station.receipts[name].values() if r.state == "started" and r.evidence is not None
        ).values()
    )
    late.sort()
    return Summary(
        receivers=plan.receivers,
        broker=station.broker_name,
        connected_in_s=connected_in,
        ends=dict(ends),
        with_fault={fault: dict(found) for fault, found in by_fault.items()},
        lost=ends["lost"] + station.gaps() + station.unreadable,
        doubled=doubled,
        forged_played=sum(len(station.begun(name)) for name in station.forged),
        refused=dict(station.refused()),
        repeated=station.copies,
        late_ms={
            "p50": round(statistics.median(late), 1) if late else 0.0,
            "p99": round(late[min(len(late) - 1, int(len(late) * 0.99))], 1) if late else 0.0,
        },
        memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        took_s=round(time.monotonic() - begin, 1),
    )
