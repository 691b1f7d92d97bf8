"""The real agent as a process, the real embedded broker, a file server: the ladder of proof from end to end."""

import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.brokers.embedded import EmbeddedBroker
from devices.wire.messages import ReceiptState
from tests.brokers import free_port, wait_for
from tests.media import Media
from tests.station import ReceiverProcess, Station, tone


@pytest.fixture
def media() -> Iterator[Media]:
    made = Media()
    yield made
    made.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    made = EmbeddedBroker(port=free_port(), folder=tmp_path / "broker")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def station(broker: EmbeddedBroker, media: Media) -> Iterator[Station]:
    made = Station(broker.port, broker.accounts, media)
    made.open()
    wait_for(lambda: made.link.connected, what="the station's connection")
    yield made
    made.close()


@pytest.fixture
def loa(station: Station, tmp_path: Path) -> Iterator[ReceiverProcess]:
    folder = tmp_path / "loa-1"
    station.enrol(folder, "loa-1")
    made = ReceiverProcess(folder)
    made.start()
    wait_for(lambda: _ready(station), 20, "loa-1")
    yield made
    made.stop()


def _ready(station: Station) -> bool:
    return station.presence.get("loa-1") is not None and station.presence["loa-1"].state == "online"


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
    assert 0 <= evidence.late_ms < 50
    assert evidence.played_ms is not None
    assert abs(evidence.played_ms - 1500) <= 50
    assert evidence.level_dbfs == pytest.approx(-15.1, abs=0.5)
    assert abs((finished.at - started.at).total_seconds() - 1.5) < 0.1  # in real time, as a sound card would
    with wave.open(str(loa.folder / "played" / "o1.wav")) as file:
        assert abs(file.getnframes() / file.getframerate() - 1.5) <= 0.05
    wait_for(lambda: station.health["loa-1"].outbox == 0, 15, "an empty outbox")
    assert len(station.seen) == len(set(station.seen))
