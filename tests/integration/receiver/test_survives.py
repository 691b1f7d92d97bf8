"""SIGKILL at every step of the ladder, a broker that dies, a line that breaks: nothing lost, nothing played twice."""

import base64
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.brokers.accounts import Account
from devices.brokers.embedded import EmbeddedBroker
from devices.wire import topics
from devices.wire.messages import Audience, Card, Reason, ReceiptState, Stop
from devices.wire.signing import SigningKey, sign
from tests.brokers import wait_for
from tests.line import Line
from tests.media import Media
from tests.station import ReceiverProcess, Station, now, online, tone

CLIP = tone(1.0, hertz=300)


@pytest.fixture
def receiver(station: Station, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ReceiverProcess]:
    """A loudspeaker of its own for each test, which may do with it what it likes."""
    folder = tmp_path / "receiver"
    station.enrol(folder, _name(request))
    made = ReceiverProcess(folder)
    made.start()
    online(station, _name(request))
    yield made
    made.stop()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return _name(request)


def _name(request: pytest.FixtureRequest) -> str:
    return f"loa-{abs(hash(request.node.name)) % 100000}"


def restart(station: Station, receiver: ReceiverProcess, name: str) -> None:
    receiver.kill()
    station.health.pop(name, None)
    receiver.start()
    online(station, name)


def once(station: Station, name: str, order: str) -> None:
    """Each state was told once, and the receipts' sequence has no gap."""
    states = station.states(name, order)
    assert len(states) == len(set(states)), states
    sequence = sorted(r.sequence for r in station.receipts[name])
    assert sequence == list(range(1, len(sequence) + 1))


def test_killed_when_received(station: Station, media: Media, receiver: ReceiverProcess, name: str) -> None:
    media.down = True
    try:
        station.order("k-received", to=name, clip=CLIP, in_s=6)
        station.receipt(name, "k-received", ReceiptState.RECEIVED)
        restart(station, receiver, name)
    finally:
        media.down = False
    station.receipt(name, "k-received", ReceiptState.FINISHED, within_s=25)
    assert station.states(name, "k-received") == ["received", "ready", "started", "finished"]
    once(station, name, "k-received")


def test_killed_when_ready(station: Station, receiver: ReceiverProcess, name: str) -> None:
    station.order("k-ready", to=name, clip=CLIP, in_s=3)
    station.receipt(name, "k-ready", ReceiptState.READY)
    restart(station, receiver, name)
    station.receipt(name, "k-ready", ReceiptState.FINISHED, within_s=25)
    assert station.states(name, "k-ready") == ["received", "ready", "started", "finished"]
    once(station, name, "k-ready")


def test_killed_when_started(station: Station, receiver: ReceiverProcess, name: str) -> None:
    station.order("k-started", to=name, clip=tone(5.0, hertz=350), in_s=1)
    station.receipt(name, "k-started", ReceiptState.STARTED)
    restart(station, receiver, name)
    receipt = station.receipt(name, "k-started", ReceiptState.INTERRUPTED)
    assert receipt.reason is Reason.RESTARTED
    station.order("k-started-next", to=name, clip=CLIP, in_s=1)
    station.receipt(name, "k-started-next", ReceiptState.FINISHED)
    assert station.states(name, "k-started") == ["received", "ready", "started", "interrupted"]
    assert not (receiver.folder / "played" / "k-started.wav").exists()
    once(station, name, "k-started")


def test_killed_when_finished(station: Station, receiver: ReceiverProcess, name: str) -> None:
    station.acknowledging = False
    try:
        station.order("k-finished", to=name, clip=CLIP, in_s=1)
        station.receipt(name, "k-finished", ReceiptState.FINISHED)
        restart(station, receiver, name)
    finally:
        station.acknowledging = True
    wait_for(lambda: station.health[name].outbox == 0, 30, "an empty outbox")
    assert station.states(name, "k-finished") == ["received", "ready", "started", "finished"]
    assert len([i for i in station.seen if i == station.receipts[name][-1].id]) > 1  # it was sent again
    once(station, name, "k-finished")


def test_stopped_in_good_order_while_playing(station: Station, receiver: ReceiverProcess, name: str) -> None:
    station.order("k-stopped", to=name, clip=tone(8.0, hertz=380), in_s=1)
    station.receipt(name, "k-stopped", ReceiptState.STARTED)
    assert receiver.stop() == 0
    receipt = station.receipt(name, "k-stopped", ReceiptState.INTERRUPTED)
    assert receipt.reason is Reason.RESTARTED
    assert receipt.evidence is not None
    assert 0 < (receipt.evidence.played_ms or 0) < 8000
    wait_for(lambda: station.presence[name].state == "offline", what="the goodbye")


def test_a_download_goes_on_after_a_kill(station: Station, media: Media, receiver: ReceiverProcess, name: str) -> None:
    clip = tone(60.0, hertz=210)
    media.bytes_per_s = 60_000
    try:
        order = station.order("k-download", to=name, clip=clip, in_s=15)
        assert order.sound is not None
        part = receiver.folder / "clips" / f"{order.sound.sha256}.part"
        wait_for(lambda: part.exists() and part.stat().st_size > 100_000, 15, "a part of the clip")
        receiver.kill()
        size = part.stat().st_size
        receiver.start()
        wait_for(lambda: (order.sound.sha256, size) in media.requests, 15, "a request for the rest")  # type: ignore[union-attr]  # checked above
    finally:
        media.bytes_per_s = None
    station.receipt(name, "k-download", ReceiptState.READY)
    assert [first for sha, first in media.requests if sha == order.sound.sha256] == [0, size]
    station.receipt(name, "k-download", ReceiptState.STARTED, within_s=20)


def test_a_download_over_a_line_that_breaks(
    station: Station, media: Media, receiver: ReceiverProcess, name: str
) -> None:
    clip = tone(20.0, hertz=215)
    media.break_after = 65536
    try:
        order = station.order("k-breaks", to=name, clip=clip, in_s=30)
        station.receipt(name, "k-breaks", ReceiptState.READY, within_s=25)
    finally:
        media.break_after = None
    assert order.sound is not None
    firsts = [first for sha, first in media.requests if sha == order.sound.sha256]
    assert firsts[0] == 0
    assert len(firsts) >= 3
    assert firsts == sorted(set(firsts))
    station.cancel(order)


def test_orders_that_share_a_clip_fetch_it_once(
    station: Station, media: Media, receiver: ReceiverProcess, name: str
) -> None:
    clip = tone(0.4, hertz=220)
    orders = [station.order(f"k-share-{n}", to=name, clip=clip, in_s=1 + n) for n in range(3)]
    for order in orders:
        station.receipt(name, order.id, ReceiptState.FINISHED)
    assert orders[0].sound is not None
    assert [sha for sha, _ in media.requests].count(orders[0].sound.sha256) == 1


def test_the_second_file_server_serves_when_the_first_is_away(
    station: Station, media: Media, receiver: ReceiverProcess, name: str
) -> None:
    configuration = station.configure(name, revision=2)
    dead = configuration.model_copy(update={"revision": 3, "media_urls": ("http://127.0.0.1:9", media.url)})
    station.publish(topics.of_receiver(name, "configuration"), dead, retain=True)
    station.order("k-second", to=name, clip=tone(0.4, hertz=225), in_s=2)
    station.receipt(name, "k-second", ReceiptState.FINISHED)


def test_a_clip_damaged_on_the_disk_is_fetched_again(station: Station, receiver: ReceiverProcess, name: str) -> None:
    order = station.order("k-damaged", to=name, clip=tone(0.5, hertz=230), in_s=4)
    assert order.sound is not None
    station.receipt(name, "k-damaged", ReceiptState.READY)
    path = receiver.folder / "clips" / f"{order.sound.sha256}.mp3"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    station.receipt(name, "k-damaged", ReceiptState.FINISHED)
    assert path.read_bytes() != bytes(data)


def test_a_clip_that_never_comes(station: Station, media: Media, receiver: ReceiverProcess, name: str) -> None:
    media.down = True
    try:
        station.order("k-never", to=name, clip=tone(0.4, hertz=235), in_s=1, late_limit_s=2)
        receipt = station.receipt(name, "k-never", ReceiptState.MISSED)
    finally:
        media.down = False
    assert receipt.reason is Reason.CLIP_UNAVAILABLE


def test_an_order_that_comes_too_late(station: Station, receiver: ReceiverProcess, name: str) -> None:
    station.order("k-late", to=name, clip=CLIP, in_s=-10, late_limit_s=5)
    assert station.receipt(name, "k-late", ReceiptState.MISSED).reason in {Reason.TOO_LATE, Reason.CLIP_UNAVAILABLE}
    assert "started" not in station.states(name, "k-late")


def test_the_broker_dies_while_an_order_waits(
    station: Station, broker: EmbeddedBroker, receiver: ReceiverProcess, name: str
) -> None:
    order = station.order("k-broker", to=name, clip=tone(2.0, hertz=240), in_s=4)
    station.receipt(name, "k-broker", ReceiptState.READY)
    before, connections = broker.pid, station.link.connections
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: station.link.connections > connections, 30, "the new broker")
    started = station.receipt(name, "k-broker", ReceiptState.STARTED, within_s=20)
    assert started.at >= order.play_at
    assert started.evidence is not None
    assert (started.evidence.late_ms or 0) < 1000
    station.receipt(name, "k-broker", ReceiptState.FINISHED, within_s=20)
    assert station.states(name, "k-broker") == ["received", "ready", "started", "finished"]
    once(station, name, "k-broker")


def test_it_starts_and_plays_without_a_broker(
    station: Station, broker: EmbeddedBroker, tmp_path: Path, name: str
) -> None:
    line = Line(broker.port)
    folder = tmp_path / "offline"
    station.enrol(folder, name, port=line.port)
    receiver = ReceiverProcess(folder)
    receiver.start()
    try:
        online(station, name)
        station.order("k-offline", to=name, clip=CLIP, in_s=5)
        station.receipt(name, "k-offline", ReceiptState.READY)
        line.cut()
        receiver.kill()
        receiver.start()
        wait_for((folder / "played" / "k-offline.wav").exists, 15, "what it played alone")
        assert "started" not in station.states(name, "k-offline")
        line.mend()
        station.receipt(name, "k-offline", ReceiptState.FINISHED, within_s=20)
        assert station.states(name, "k-offline") == ["received", "ready", "started", "finished"]
        once(station, name, "k-offline")
    finally:
        receiver.stop()
        line.close()


def test_a_line_that_breaks_again_and_again(
    station: Station, broker: EmbeddedBroker, tmp_path: Path, name: str
) -> None:
    line = Line(broker.port)
    folder = tmp_path / "shaky"
    station.enrol(folder, name, port=line.port)
    receiver = ReceiverProcess(folder)
    receiver.start()
    try:
        online(station, name)
        for number in range(5):
            station.order(f"k-shaky-{number}", to=name, clip=CLIP, in_s=2 + 1.5 * number)
            line.break_connections()
        for number in range(5):
            station.receipt(name, f"k-shaky-{number}", ReceiptState.FINISHED, within_s=30)
            assert station.states(name, f"k-shaky-{number}") == ["received", "ready", "started", "finished"]
    finally:
        receiver.stop()
        line.close()


def test_a_cancellation_stops_what_plays(station: Station, receiver: ReceiverProcess, name: str) -> None:
    order = station.order("k-cancel", to=name, clip=tone(8.0, hertz=250), in_s=1)
    station.receipt(name, "k-cancel", ReceiptState.STARTED)
    station.cancel(order)
    receipt = station.receipt(name, "k-cancel", ReceiptState.INTERRUPTED, within_s=5)
    assert receipt.reason is Reason.CANCELLED
    assert receipt.evidence is not None
    assert 0 < (receipt.evidence.played_ms or 0) < 8000


def test_a_higher_priority_displaces_what_plays(station: Station, receiver: ReceiverProcess, name: str) -> None:
    station.order("k-routine", to=name, clip=tone(8.0, hertz=260), in_s=1)
    station.receipt(name, "k-routine", ReceiptState.STARTED)
    station.order("k-emergency", to=name, clip=tone(0.5, hertz=265), in_s=0, priority="emergency")
    assert station.receipt(name, "k-routine", ReceiptState.INTERRUPTED).reason is Reason.PREEMPTED
    station.receipt(name, "k-emergency", ReceiptState.FINISHED)


def test_a_stop_holds_over_a_kill_and_is_not_brought_back(
    station: Station, receiver: ReceiverProcess, name: str
) -> None:
    station.order("k-loud", to=name, clip=tone(8.0, hertz=266), in_s=0.5)
    station.receipt(name, "k-loud", ReceiptState.STARTED)
    topic = topics.receiver_stop(name, "k-stop")
    document = station.stop_all("k-stop", to=name)
    asked = now()
    stopped = station.receipt(name, "k-loud", ReceiptState.INTERRUPTED, within_s=5)
    assert stopped.reason is Reason.STOPPED
    assert (stopped.at - asked).total_seconds() < 3
    restart(station, receiver, name)
    wait_for(lambda: station.health[name].stops == ("k-stop",), 15, "the stop in its health")
    station.order("k-waits", to=name, clip=CLIP, in_s=0)
    station.receipt(name, "k-waits", ReceiptState.READY)
    station.stop_all("k-stop", to=name, revision=2, lifted=True)
    station.receipt(name, "k-waits", ReceiptState.FINISHED)
    station.publish(topic, document)  # as a broker that is not to be trusted might
    station.publish(topic, sign(Stop.model_validate_json(_payload(document)), SigningKey.generate("intruder")))
    wait_for(lambda: "documents_refused" in station.health[name].conditions, 15, "the forged one counted")
    assert station.health[name].stops == ()
    station.order("k-after", to=name, clip=CLIP, in_s=0)
    station.receipt(name, "k-after", ReceiptState.FINISHED)


def _payload(document: bytes) -> bytes:
    middle = document.split(b".")[1]
    return base64.urlsafe_b64decode(middle + b"=" * (-len(middle) % 4))


def test_of_equal_priority_the_later_waits_or_is_missed(station: Station, receiver: ReceiverProcess, name: str) -> None:
    station.order("k-first", to=name, clip=tone(3.0, hertz=270), in_s=1)
    station.order("k-waits", to=name, clip=tone(0.5, hertz=275), in_s=2)
    station.order("k-missed", to=name, clip=tone(0.5, hertz=275), in_s=2, late_limit_s=1)
    assert station.receipt(name, "k-missed", ReceiptState.MISSED).reason is Reason.TOO_LATE
    waits = station.receipt(name, "k-waits", ReceiptState.FINISHED)
    first = station.receipt(name, "k-first", ReceiptState.FINISHED)
    assert waits.evidence is not None
    assert (waits.evidence.late_ms or 0) > 1500
    assert waits.at > first.at


def test_a_renewed_order_plays_at_its_new_instant(station: Station, receiver: ReceiverProcess, name: str) -> None:
    station.order("k-renewed", to=name, clip=CLIP, in_s=2)
    station.receipt(name, "k-renewed", ReceiptState.READY)
    order = station.order("k-renewed", to=name, clip=CLIP, in_s=4, revision=2)
    started = station.receipt(name, "k-renewed", ReceiptState.STARTED)
    assert started.revision == 2
    assert started.at >= order.play_at


def test_a_receiver_moves_to_another_commune(
    station: Station, broker: EmbeddedBroker, receiver: ReceiverProcess, name: str
) -> None:
    account = broker.accounts.read()[name]
    broker.accounts.set(
        Account(
            username=name,
            secret_sha256=account.secret_sha256,
            publish=account.publish,
            subscribe=(*account.subscribe, topics.area_order("xa-moi", "+")),
        )
    )
    station.configure(name, areas=("tinh-long-an", "xa-moi"), revision=2)
    order = station.order("k-moved", clip=CLIP, in_s=4, audience=Audience(areas=("xa-moi",)), publish=False)
    station.publish(topics.area_order("xa-moi", "k-moved"), order, retain=True)
    station.receipt(name, "k-moved", ReceiptState.FINISHED)
    station.order("k-old-place", clip=CLIP, in_s=1)
    station.order("k-own", clip=CLIP, in_s=1, to=name)
    station.receipt(name, "k-own", ReceiptState.FINISHED)
    assert station.states(name, "k-old-place") == []


def test_a_screen_shows_its_card(station: Station, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "screen"
    station.enrol(folder, name, kind="screen")
    receiver = ReceiverProcess(folder, sink="none", page_port=0)
    receiver.start()
    try:
        online(station, name)
        card = Card(text="Chuyển đổi số là nhiệm vụ trọng tâm", duration_ms=1200)
        order = station.order("k-card", to=name, clip=CLIP, in_s=1, card=card)
        finished = station.receipt(name, "k-card", ReceiptState.FINISHED)
        assert station.states(name, "k-card") == ["received", "ready", "started", "finished"]
        assert finished.evidence is not None
        assert finished.evidence.viewers == 0
        assert finished.evidence.played_ms == 1200
        assert station.receipt(name, "k-card", ReceiptState.STARTED).at >= order.play_at
        assert not (folder / "played").exists()
    finally:
        assert receiver.stop() == 0
