"""The real agent as a process, the real embedded broker, a file server: the ladder of proof from end to end."""

import wave

import pytest

from devices.wire.messages import ReceiptState
from tests.brokers import wait_for
from tests.punctuality import LATE_MS
from tests.station import ReceiverProcess, Station, tone


def test_an_order_climbs_the_ladder_and_sounds_on_time(station: Station, loa: ReceiverProcess) -> None:
    clip = tone(1.5)
    order = station.order("o1", clip, in_s=2)
    finished = station.receipt("loa-1", "o1", ReceiptState.FINISHED)
    assert station.states("loa-1", "o1") == ["received", "ready", "started", "finished"]
    started = station.receipt("loa-1", "o1", ReceiptState.STARTED)
    assert started.at >= order.play_at
    evidence = finished.evidence
    assert evidence is not None
    assert order.sound is not None
    assert evidence.clip_sha256 == order.sound.sha256
    assert evidence.late_ms is not None
    assert 0 <= evidence.late_ms <= LATE_MS
    assert evidence.played_ms is not None
    assert abs(evidence.played_ms - 1500) <= 50
    assert evidence.level_dbfs == pytest.approx(-15.1, abs=0.5)
    assert (
        -100 < (finished.at - started.at).total_seconds() * 1000 - 1500 <= LATE_MS
    )  # in real time, as a sound card would
    with wave.open(str(loa.folder / "played" / "o1.wav")) as file:
        assert abs(file.getnframes() / file.getframerate() - 1.5) <= 0.05
    wait_for(lambda: station.health["loa-1"].outbox == 0, 15, "an empty outbox")
    assert len(station.seen) == len(set(station.seen))


def test_it_knows_the_stations_time_and_how_well(station: Station, loa: ReceiverProcess) -> None:
    """Both run on this machine's clock, so that the offset that it finds is its error."""
    wait_for(lambda: station.health["loa-1"].clock_offset_ms is not None, 20, "an answered burst")
    health = station.health["loa-1"]
    assert health.clock_offset_ms is not None
    assert health.clock_uncertainty_ms is not None
    assert abs(health.clock_offset_ms) <= health.clock_uncertainty_ms + 0.5
    assert health.clock_uncertainty_ms < 50
