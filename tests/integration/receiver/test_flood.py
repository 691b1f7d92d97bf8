"""1,000 fuzzed messages a second: the receiver stays, its memory too, and orders still play. A minute of it is a benchmark."""

from devices.wire.messages import ReceiptState
from tests.brokers import wait_for
from tests.flood import Flood, messages, resident_bytes
from tests.station import ReceiverProcess, Station, tone


def test_orders_play_in_a_flood(station: Station, loa: ReceiverProcess) -> None:
    clip = tone(0.3, hertz=410)
    first = station.order("w-first", clip, in_s=0.5, to="loa-1")
    station.receipt("loa-1", "w-first", ReceiptState.FINISHED)
    before = resident_bytes(loa.pid)
    with Flood(station, messages(station, "loa-1", first, seed=5), per_s=1000) as flood:
        for number in range(2):
            order = station.order(f"w-{number}", clip, in_s=2, to="loa-1")
            started = station.receipt("loa-1", order.id, ReceiptState.STARTED, within_s=30)
            assert order.play_at <= started.at
        wait_for(lambda: flood.sent >= 4000, 30, "4,000 messages")
    station.order("w-last", clip, in_s=1, to="loa-1", late_limit_s=60)
    station.receipt("loa-1", "w-last", ReceiptState.FINISHED, within_s=60)
    assert resident_bytes(loa.pid) - before < 48 * 1024**2  # the inbox may hold 32 MiB
    assert "Traceback" not in loa.log()
