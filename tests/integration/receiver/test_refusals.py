"""What a receiver refuses, and the receipt that says why: signed by the receiver, verified here, over real MQTT."""

import hashlib
from datetime import timedelta

import pytest

from devices.brokers.embedded import EmbeddedBroker
from devices.receiver.journal import REFUSALS_PER_MINUTE
from devices.wire import topics
from devices.wire.messages import Acknowledgement, Audience, Card, Order, Reason, Receipt, ReceiptState
from devices.wire.signing import SigningKey, sign
from tests.brokers import wait_for
from tests.media import Media
from tests.station import STATION, ReceiverProcess, Station, now, tone

pytestmark = pytest.mark.usefixtures("loa")
CLIP = tone(0.5)
TOPIC = "xa-tan-an"


def refused(station: Station, order: str, reason: Reason, document: bytes | None = None) -> Receipt:
    """Wait for the refusal; nothing of the order may have been played."""
    receipt = station.receipt("loa-1", order, ReceiptState.REFUSED)
    assert receipt.reason is reason
    assert receipt.detail
    if document is not None:
        assert receipt.document_sha256 == hashlib.sha256(document).hexdigest()
    assert not {"started", "finished"} & set(station.states("loa-1", order))
    return receipt


def forge(station: Station, order: Order, **changes: object) -> Order:
    return order.model_copy(update=changes)


def test_a_broken_signature(station: Station) -> None:
    order = station.order("broken", CLIP, publish=False)
    data = bytearray(sign(order, station.key))
    data[-10] = ord("A") if data[-10] != ord("A") else ord("B")
    station.publish(topics.area_order(TOPIC, "broken"), bytes(data), retain=True)
    refused(station, "broken", Reason.BAD_SIGNATURE, bytes(data))


def test_a_foreign_key(station: Station) -> None:
    order = station.order("foreign", CLIP, publish=False)
    data = station.publish(topics.area_order(TOPIC, "foreign"), order, key=SigningKey.generate("intruder"))
    refused(station, "foreign", Reason.UNKNOWN_KEY, data)


def test_a_foreign_key_under_the_name_of_a_pinned_one(station: Station) -> None:
    order = station.order("impostor", CLIP, publish=False)
    data = station.publish(topics.area_order(TOPIC, "impostor"), order, key=SigningKey.generate(station.key.kid))
    refused(station, "impostor", Reason.BAD_SIGNATURE, data)


@pytest.mark.parametrize("data", [b"x", b"{}", b"\x00\xff" * 40, b"a.b.c"])
def test_noise(station: Station, data: bytes) -> None:
    name = f"noise-{hashlib.sha256(data).hexdigest()[:8]}"
    station.publish(topics.area_order(TOPIC, name), data)
    refused(station, name, Reason.MALFORMED, data)


def test_a_signed_document_of_another_kind(station: Station) -> None:
    document = Acknowledgement(station=STATION, receiver="loa-1", at=now(), receipts=("r1",))
    data = station.publish(topics.area_order(TOPIC, "kind"), document)
    refused(station, "kind", Reason.WRONG_TYPE, data)


def test_another_audience(station: Station) -> None:
    order = station.order("elsewhere", CLIP, publish=False, audience=Audience(areas=("xa-binh-an",)))
    data = station.publish(topics.area_order(TOPIC, "elsewhere"), order, retain=True)
    refused(station, "elsewhere", Reason.WRONG_AUDIENCE, data)


def test_another_receivers_order_on_our_own_topic(station: Station) -> None:
    order = station.order("for-loa-2", CLIP, publish=False, audience=Audience(receivers=("loa-2",)))
    data = station.publish(topics.receiver_order("loa-1", "for-loa-2"), order)
    refused(station, "for-loa-2", Reason.WRONG_AUDIENCE, data)


def test_another_station(station: Station) -> None:
    order = station.order("station", CLIP, publish=False, station="binh-an")
    data = station.publish(topics.area_order(TOPIC, "station"), order)
    refused(station, "station", Reason.WRONG_STATION, data)


def test_another_topic(station: Station) -> None:
    order = station.order("moved", CLIP, publish=False)
    data = station.publish(topics.area_order(TOPIC, "to-here"), order)
    refused(station, "moved", Reason.WRONG_TOPIC, data)


def test_expired(station: Station) -> None:
    past = now() - timedelta(hours=3)
    order = station.order(
        "expired", CLIP, publish=False, issued_at=past, play_at=past, expires_at=past + timedelta(hours=1)
    )
    data = station.publish(topics.area_order(TOPIC, "expired"), order, retain=True)
    refused(station, "expired", Reason.EXPIRED, data)


def test_nothing_that_a_loudspeaker_can_play(station: Station) -> None:
    order = station.order("card-only", card=Card(text="Chuyển đổi số", duration_ms=1000), publish=False)
    data = station.publish(topics.area_order(TOPIC, "card-only"), order)
    refused(station, "card-only", Reason.UNSUPPORTED, data)


def test_a_clip_that_differs_by_one_byte(station: Station, media: Media) -> None:
    clip = tone(0.5, hertz=500)
    order = station.order("forged-clip", clip, publish=False)
    assert order.sound is not None
    media.clips[order.sound.sha256] = clip[:-1] + bytes([clip[-1] ^ 1])
    station.publish(topics.area_order(TOPIC, "forged-clip"), order, retain=True)
    receipt = refused(station, "forged-clip", Reason.CLIP_MISMATCH)
    assert "SHA-256" in (receipt.detail or "")
    assert station.states("loa-1", "forged-clip") == ["received", "refused"]


def test_a_clip_that_is_longer_than_the_released_one(station: Station, media: Media, loa: ReceiverProcess) -> None:
    clip = tone(0.5, hertz=550)
    order = station.order("long-clip", clip, publish=False)
    assert order.sound is not None
    media.clips[order.sound.sha256] = clip + b"more" * 1000
    station.publish(topics.area_order(TOPIC, "long-clip"), order)
    refused(station, "long-clip", Reason.CLIP_MISMATCH)
    assert not [path for path in (loa.folder / "clips").iterdir() if path.name.startswith(order.sound.sha256)]


def test_a_replayed_order_is_told_of_and_not_played_again(station: Station) -> None:
    station.order("again", CLIP, in_s=1)
    station.receipt("loa-1", "again", ReceiptState.FINISHED)
    topic = topics.area_order(TOPIC, "again")
    data = station._retained[topic]
    for _ in range(3):
        station.publish(topic, data)
    receipt = station.receipt("loa-1", "again", ReceiptState.REFUSED)
    assert receipt.reason is Reason.REPLAYED
    station.order("after-again", CLIP, in_s=1)
    station.receipt("loa-1", "after-again", ReceiptState.FINISHED)
    assert station.states("loa-1", "again") == ["received", "ready", "started", "finished", "refused"]


def test_a_lower_revision_is_a_replay(station: Station) -> None:
    first = station.order("lower", CLIP, in_s=60, publish=False)
    station.publish(topics.area_order(TOPIC, "lower"), first.model_copy(update={"revision": 2}), retain=True)
    station.receipt("loa-1", "lower", ReceiptState.READY)
    station.publish(topics.area_order(TOPIC, "lower"), first)
    receipt = station.receipt("loa-1", "lower", ReceiptState.REFUSED)
    assert (receipt.reason, receipt.revision) == (Reason.REPLAYED, 1)


def test_a_cancelled_order_does_not_come_back(station: Station) -> None:
    order = station.order("taken-back", CLIP, in_s=3)
    station.receipt("loa-1", "taken-back", ReceiptState.READY)
    station.cancel(order)
    assert station.receipt("loa-1", "taken-back", ReceiptState.CANCELLED).detail == "Bản tin được thu hồi."
    station.publish(topics.area_order(TOPIC, "taken-back"), order)
    assert station.receipt("loa-1", "taken-back", ReceiptState.REFUSED).reason is Reason.REPLAYED
    station.order("after-taken-back", CLIP, in_s=4)
    station.receipt("loa-1", "after-taken-back", ReceiptState.FINISHED)
    assert "started" not in station.states("loa-1", "taken-back")


def test_an_order_for_others_of_the_area_is_passed_over_in_silence(station: Station) -> None:
    station.order("screens", CLIP, audience=Audience(areas=(TOPIC,), kinds=("screen",)))
    station.order("not-me", CLIP, audience=Audience(areas=(TOPIC,), excluded=("loa-1",)))
    station.order("me", CLIP, in_s=1)
    station.receipt("loa-1", "me", ReceiptState.FINISHED)
    assert station.states("loa-1", "screens") == []
    assert station.states("loa-1", "not-me") == []


def test_a_forged_configuration_changes_nothing(station: Station, broker: EmbeddedBroker) -> None:
    forged = station.configure("loa-1", revision=1).model_copy(
        update={"revision": 99, "areas": ("evil",), "media_urls": ("http://evil.invalid",)}
    )
    topic = topics.of_receiver("loa-1", "configuration")
    station.publish(topic, forged, key=SigningKey.generate(station.key.kid))
    other = forged.model_copy(update={"receiver": "loa-2"})
    station.publish(topic, other)
    wait_for(lambda: any("refused" in text for text in station.health["loa-1"].problems), 20, "the health's problem")
    assert any(text.startswith("2 configurations") for text in station.health["loa-1"].problems)
    station.order("after-forgery", CLIP, in_s=1)
    station.receipt("loa-1", "after-forgery", ReceiptState.FINISHED)


def test_a_forged_acknowledgement_frees_no_receipt(station: Station) -> None:
    station.acknowledging = False
    try:
        station.order("unacknowledged", CLIP, in_s=60)
        receipts = [
            station.receipt("loa-1", "unacknowledged", state).id
            for state in (ReceiptState.RECEIVED, ReceiptState.READY)
        ]
        forged = Acknowledgement(station=STATION, receiver="loa-1", at=now(), receipts=tuple(receipts))
        topic = topics.of_receiver("loa-1", "acknowledgements")
        station.publish(topic, forged, key=SigningKey.generate(station.key.kid))
        station.publish(topic, forged.model_copy(update={"receiver": "loa-2"}))
        counts = {name: station.seen.count(name) for name in receipts}
        wait_for(lambda: all(station.seen.count(name) > counts[name] for name in receipts), 20, "the receipts again")
    finally:
        station.acknowledging = True
    wait_for(lambda: station.health["loa-1"].outbox == 0, 30, "an empty outbox")


def test_a_flood_of_forgeries_makes_few_receipts_and_stops_nothing(station: Station) -> None:
    """Last of the module: refusals of the next minute are not told of."""
    forger = SigningKey.generate("forger")
    template = station.order("flood", CLIP, publish=False)
    futures = [
        station.link.publish(
            topics.area_order(TOPIC, f"flood-{number}"),
            sign(template.model_copy(update={"id": f"flood-{number}"}), forger),
        )
        for number in range(1000)
    ]
    futures[-1].result(timeout=60)
    station.order("after-flood", CLIP, in_s=2)
    station.receipt("loa-1", "after-flood", ReceiptState.FINISHED, within_s=30)
    told = {r.order for r in station.receipts["loa-1"] if r.order.startswith("flood-")}
    assert len(told) <= REFUSALS_PER_MINUTE
