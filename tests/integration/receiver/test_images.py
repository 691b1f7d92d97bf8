"""A screen with pictures: fetched, verified and looked at before `ready`; shown from the receiver's own disk."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from devices.wire.messages import Card, Order, Reason, ReceiptState
from devices.wire.messages import Image as WireImage
from tests.brokers import free_port, wait_for
from tests.station import ReceiverProcess, Station, online


@pytest.fixture
def screen(station: Station, tmp_path: Path) -> Iterator[int]:
    """The port of a screen's page."""
    port = free_port()
    station.enrol(tmp_path, "led-1", kind="screen")
    made = ReceiverProcess(tmp_path, sink="none", page_port=port)
    made.start()
    online(station, "led-1")
    yield port
    assert made.stop() == 0, made.log()


def ordered(station: Station, name: str, data: bytes) -> Order:
    digest = hashlib.sha256(data).hexdigest()
    station.media.clips[digest] = data
    image = WireImage(sha256=digest, size=len(data), media_type="image/png")
    card = Card(kind="image", text="Cờ Tổ quốc", duration_ms=1500, image=image)
    return station.order(name, in_s=2.0, to="led-1", card=card)


def test_a_picture_is_shown_and_what_is_none_is_refused(station: Station, screen: int) -> None:
    out = io.BytesIO()
    Image.new("RGB", (96, 64), "red").save(out, "PNG")
    good = ordered(station, "picture", out.getvalue())
    ordered(station, "rubbish", b"\x89PNG\r\n\x1a\n and then nothing")
    refused = station.receipt("led-1", "rubbish", ReceiptState.REFUSED)
    assert refused.reason is Reason.UNSUPPORTED
    station.receipt("led-1", "picture", ReceiptState.STARTED)
    assert good.card is not None
    assert good.card.image is not None
    url = f"http://127.0.0.1:{screen}/image/{good.card.image.sha256}"
    shown = httpx.get(url, trust_env=False)
    assert (shown.headers["content-type"], shown.content) == ("image/png", out.getvalue())
    finished = station.receipt("led-1", "picture", ReceiptState.FINISHED)
    assert finished.evidence is not None
    assert finished.evidence.expected_ms == 1500
    assert station.states("led-1", "picture") == ["received", "ready", "started", "finished"]
    wait_for(lambda: httpx.get(url, trust_env=False).status_code == 404, what="the picture's end")
