"""Simulated receivers against the real broker: lines that are lost, clocks that are wrong, a forged clip."""

import json
import subprocess
import sys
from pathlib import Path

from devices.fleet.faults import draw
from devices.fleet.simulation import Faults, Fleet
from devices.fleet.trial import Plan, run
from devices.wire.messages import Reason, ReceiptState
from tests.brokers import wait_for
from tests.media import Media
from tests.station import Station, tone

NAMES = [f"gia-lap-{number}" for number in range(30)]
LADDER = ["received", "ready", "started", "finished"]


def test_every_receiver_of_a_fleet_proves_what_it_played(station: Station, media: Media, tmp_path: Path) -> None:
    faults = Faults(offline_share=0.3, offline_s=(1.0, 3.0), skew_s=0.3)
    fleet = Fleet(station.enrol_fleet(NAMES), tmp_path, faults=faults)
    fleet.start()
    try:
        wait_for(lambda: fleet.connected == len(NAMES), 30, "all connections")
        clip, other = tone(0.5), tone(0.4, hertz=900)
        played = station.order("f-played", clip, in_s=3)
        cancelled = station.order("f-cancelled", clip, in_s=30)
        forged = station.order("f-forged", other, in_s=5, publish=False)
        assert forged.sound is not None
        media.clips[forged.sound.sha256] = other[:-1] + b"!"
        station.order("f-forged", other, in_s=5)
        for name in NAMES:
            station.receipt(name, "f-cancelled", ReceiptState.READY, within_s=30)
        station.cancel(cancelled)
        for name in NAMES:
            finished = station.receipt(name, "f-played", ReceiptState.FINISHED, within_s=30)
            assert finished.evidence is not None
            assert finished.evidence.clip_sha256 == (played.sound.sha256 if played.sound else None)
            refused = station.receipt(name, "f-forged", ReceiptState.REFUSED, within_s=30)
            assert refused.reason is Reason.CLIP_MISMATCH
            station.receipt(name, "f-cancelled", ReceiptState.CANCELLED, within_s=30)
            assert station.states(name, "f-played") == LADDER
            sequence = sorted(r.sequence for r in station.receipts[name])
            assert sequence == list(range(1, len(sequence) + 1))
        assert [sha for sha, _ in media.requests].count(played.sound.sha256 if played.sound else "") == 1
    finally:
        fleet.stop()


def test_two_hundred_receivers_with_every_fault_lose_nothing() -> None:
    faults = Faults(
        offline_share=0.1,
        offline_s=(0.5, 2.0),
        power_share=0.1,
        power_s=(0.5, 1.5),
        slow_share=0.1,
        slow_s=(0.1, 0.5),
        full_share=0.05,
        skew_s=0.2,
    )
    summary = run(
        Plan(
            200,
            seconds=0.6,
            first_in_s=3,
            late_limit_s=20,  # a machine may be busy: what is late is played, and no receiver may lose it
            forged=3,
            faults=faults,
            broker="mosquitto",
            connect_per_s=300,
        )
    )
    assert summary.good, summary
    assert set(summary.with_fault) == {"offline", "power", "slow", "full"}
    assert set(summary.with_fault["full"]) == {"missed disk_full"}
    assert sum(summary.ends.values()) == 200
    assert summary.refused["bad_signature"] == 3 * 200
    assert summary.ends["finished"] >= 150


def test_the_same_seed_draws_the_same_faults() -> None:
    faults = Faults(offline_share=0.5, power_share=0.5, slow_share=0.5, full_share=0.5, skew_s=1.0)
    lots = [draw(faults, number) for number in range(100)]
    assert lots == [draw(faults, number) for number in range(100)]
    assert 20 < sum(lot.full for lot in lots) < 80
    assert draw(Faults(), 1).faults == ()


def test_the_command_says_what_became_of_every_order() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "broadcaster", "fleet", "--receivers", "3", "--seconds", "0.2", "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["good"]
    assert found["ends"] == {"finished": 3}
    assert found["broker"] == "embedded"
