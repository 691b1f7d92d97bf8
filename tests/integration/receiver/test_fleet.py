"""Simulated receivers against the real broker: lines that are lost, clocks that are wrong, a forged clip."""

from pathlib import Path

from devices.fleet.simulation import Faults, Fleet
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
