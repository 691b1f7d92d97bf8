"""A broker in foreign hands: whoever may publish anything still cannot make a loudspeaker speak."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broadcaster.demo.client import Json
from broadcaster.demo.commune import COMMUNE
from broadcaster.identity import signatory
from devices.brokers.accounts import AccountsFile, new_secret, station_account
from devices.links.mqtt import MqttLink
from devices.receiver.provision import KEY_FILE
from devices.wire import topics
from devices.wire.areas import Rehoming, Rehomings
from devices.wire.enrolment import StationKey, StationKeys, Wipe
from devices.wire.messages import Audience, Cancellation, Card, Configuration, GainCeiling, Hours, Order, Sound, Stop
from devices.wire.signing import SigningKey, sign, thumbprint
from tests.brokers import wait_for
from tests.e2e.station import Aired, ReceiverProgram, StationRig

ATTACKER = "ke-gian"


class Attacker:
    """Somebody who got an account at the broker with all the rights of the station, but not the station's key."""

    def __init__(self, rig: StationRig) -> None:
        secret = new_secret()
        AccountsFile(rig.folder / "broker" / "broker-accounts.json").set(station_account(secret, username=ATTACKER))
        self._link = MqttLink(
            "127.0.0.1", rig.broker_port, ATTACKER, ATTACKER, secret, backoff_s=(0.05, 0.2), clean_session=True
        )
        self._link.open()
        wait_for(lambda: self._link.connected, what="the attacker's connection")

    def publish(self, topic: str, document: str | bytes) -> None:
        """Retained, as the station does it."""
        self._link.publish(topic, document if isinstance(document, bytes) else document.encode(), retain=True).result(
            timeout=10
        )

    def close(self) -> None:
        self._link.close()


@pytest.fixture
def attacker(rig: StationRig) -> Iterator[Attacker]:
    made = Attacker(rig)
    yield made
    made.close()


def test_nothing_that_the_station_did_not_order_is_played(rig: StationRig, attacker: Attacker) -> None:
    aired = rig.release(rig.write("Thông báo", "Tối nay thôn họp tại nhà văn hóa."), lead_s=2)
    rig.settle(aired)
    before = _wavs(rig)
    clip = Sound(**{name: aired.clip[name] for name in ("sha256", "size", "duration_ms")})
    station = signatory(rig.folder, "station")
    # The key bears the station's name for its key, so that it is the signature itself that gives it away.
    own_key = SigningKey.generate(station.key.kid)

    attacker.publish(topics.area_order(COMMUNE, "gia-mao"), sign(_order("gia-mao", clip), own_key))
    attacker.publish(topics.area_order(COMMUNE, "la"), sign(_order("la", clip), SigningKey.generate("la")))
    # These three the station did sign; the attacker caught them earlier, or elsewhere.
    old = _order("cu", clip, play_at=datetime.now(UTC) - timedelta(days=2))
    attacker.publish(topics.area_order(COMMUNE, "cu"), station.sign(old))
    elsewhere = _order("noi-khac", clip, audience=Audience(areas=("xa-khac",)))
    attacker.publish(topics.area_order(COMMUNE, "noi-khac"), station.sign(elsewhere))
    attacker.publish(topics.area_order(COMMUNE, aired.order), _document(rig, aired))

    # Nor can it silence them, turn them down, or move them away.
    attacker.publish(topics.area_stop(COMMUNE, "im"), sign(_stop("im"), own_key))
    attacker.publish(
        topics.area_stop(COMMUNE, "im-2"), station.sign(_stop("im-2", audience=Audience(areas=("xa-khac",))))
    )
    for receiver in rig.receivers:
        attacker.publish(topics.of_receiver(receiver.id, "configuration"), sign(_turned_down(receiver.id), own_key))
        attacker.publish(topics.of_receiver(receiver.id, "wipe"), sign(_wipe(receiver), own_key))
    attacker.publish(topics.area_rehomings(COMMUNE), sign(_moved(), own_key))
    for key in (own_key, SigningKey.generate("la")):
        attacker.publish(topics.keys(key.kid), sign(_keys(key), key))

    expected = {
        "gia-mao": "bad_signature",
        "la": "unknown_key",
        "cu": "expired",
        "noi-khac": "wrong_audience",
        aired.order: "replayed",
    }
    everybody = {receiver.id for receiver in rig.receivers}
    for order, reason in expected.items():
        wait_for(lambda: {row["receiver_id"] for row in _refusals(rig, order)} == everybody, 20, order)  # noqa: B023  called within the turn
        rows = _refusals(rig, order)
        assert len(rows) == len(everybody), order
        assert {row["reason"] for row in rows} == {reason}, order
        assert all(row["detail"] for row in rows), order

    # What an honest bulletin after all of them does, they did not: their instants have passed.
    honest = rig.release(rig.write("Thông báo", "Đã kiểm tra, mọi việc bình thường."), lead_s=3)
    attacker.publish(topics.area_order(COMMUNE, honest.order), sign(_taken_back(honest), own_key))
    rig.settle(honest)
    assert {climb["outcome"] for climb in rig.climbs(honest).values()} == {"finished"}
    for loudspeaker in rig.loudspeakers:
        evidence = rig.climbs(honest)[loudspeaker.id]["evidence"]
        assert evidence["gain_db"] == 0
        assert evidence["level_dbfs"] > -40
    assert _wavs(rig) - before == {loudspeaker.wav(honest.order) for loudspeaker in rig.loudspeakers}
    assert before <= _wavs(rig)
    for receiver in rig.receivers:
        assert all(receiver.state(order) is None for order in expected if order != aired.order), receiver.id
        assert "refused a wipe" in receiver.said()
        assert "refused re-homings" in receiver.said()
        assert "station keys that are not for us to believe" in receiver.said()
    # A refused copy takes nothing back from what was confirmed.
    assert {climb["outcome"] for climb in rig.climbs(aired).values()} == {"finished"}


def test_a_clip_that_differs_by_one_byte_is_not_played(rig: StationRig) -> None:
    bulletin = rig.write("Thông báo", "Nhà văn hóa đóng cửa để sửa chữa.")
    path = rig.clip_path(bulletin)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    aired = rig.release(bulletin, lead_s=2)
    rig.settle(aired)
    climbs = rig.climbs(aired)
    for loudspeaker in rig.loudspeakers:
        assert climbs[loudspeaker.id]["outcome"] == "refused"
        assert climbs[loudspeaker.id]["reason"] == "clip_mismatch"
        assert not loudspeaker.wav(aired.order).exists()
    assert climbs[rig.screen.id]["outcome"] == "finished"  # it shows the card, which travels within the signed order


def _order(name: str, clip: Sound, **changes: Any) -> Order:
    now = datetime.now(UTC)
    play_at: datetime = changes.pop("play_at", now + timedelta(seconds=1))
    fields: Json = {
        "station": "station",
        "id": name,
        "revision": 1,
        "airing": name,
        "audience": Audience(areas=(COMMUNE,)),
        "priority": "emergency",
        "title": "Giả",
        "issued_at": now,
        "play_at": play_at,
        "late_limit_s": 60,
        "expires_at": play_at + timedelta(hours=1),
        "sound": clip,
        "card": Card(text="Giả", duration_ms=clip.duration_ms),
        **changes,
    }
    return Order(**fields)


def _stop(name: str, **changes: Any) -> Stop:
    now = datetime.now(UTC)
    fields: Json = {
        "station": "station",
        "id": name,
        "revision": 1,
        "audience": Audience(areas=(COMMUNE,)),
        "issued_at": now,
        "expires_at": now + timedelta(hours=1),
        "reason": "Giả",
        **changes,
    }
    return Stop(**fields)


def _turned_down(receiver: str) -> Configuration:
    now = datetime.now(UTC)
    return Configuration(
        station="station",
        receiver=receiver,
        revision=1_000_000,
        issued_at=now,
        expires_at=now + timedelta(days=1),
        kind="loudspeaker",
        name="Giả",
        areas=("xa-khac",),
        media_urls=("http://127.0.0.1:9",),
        gain_ceilings=(GainCeiling(start="00:00", end="00:00", gain_db=-60.0, emergencies=True),),
        quiet_hours=(Hours(start="00:00", end="00:00"),),
    )


def _wipe(receiver: ReceiverProgram) -> Wipe:
    now = datetime.now(UTC)
    return Wipe(
        station="station",
        receiver=receiver.id,
        id="quen",
        key_thumbprint=thumbprint(SigningKey.load(receiver.folder / KEY_FILE).public().to_jwk()),
        issued_at=now,
        expires_at=now + timedelta(days=1),
        deadline=now,
    )


def _moved() -> Rehomings:
    now = datetime.now(UTC)
    moved = Rehoming(area=COMMUNE, line=("xa-khac",), at=now)
    return Rehomings(
        station="station",
        area=COMMUNE,
        revision=1_000_000,
        issued_at=now,
        expires_at=now + timedelta(days=1),
        rehomings=(moved,),
    )


def _keys(key: SigningKey) -> StationKeys:
    found = StationKey(jwk=key.public().to_jwk())
    return StationKeys(station="station", revision=1_000_000, issued_at=datetime.now(UTC), keys=(found,))


def _taken_back(aired: Aired) -> Cancellation:
    now = datetime.now(UTC)
    return Cancellation(
        station="station",
        order=aired.order,
        revision=1_000_000,
        audience=Audience(areas=(COMMUNE,)),
        issued_at=now,
        expires_at=now + timedelta(hours=1),
        reason="Giả",
    )


def _document(rig: StationRig, aired: Aired) -> str:
    """The station's own signed order, byte for byte."""
    return str(rig.stored("SELECT document FROM orders WHERE id = ?", aired.order)[0][0])


def _refusals(rig: StationRig, order: str) -> list[Json]:
    return [row for row in rig.operator.log() if row["order_id"] == order and row["state"] == "refused"]


def _wavs(rig: StationRig) -> set[Path]:
    return {path for loudspeaker in rig.loudspeakers for path in (loudspeaker.folder / "played").glob("*.wav")}
