"""Wall-clock ranges, stops, drills, and documents of the station or receiver that is one minor version behind."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.wire.examples import (
    CONFIGURATION,
    DRILL,
    HEALTH,
    NOW,
    ORDER,
    PRESENCE,
    RECEIPTS,
    STATION,
    STOP,
    key,
    payload,
)
from devices.wire.messages import Configuration, Drill, Health, Hours, Order, Presence, Reason, Receipt, Receipts
from devices.wire.signing import Keyring, WrongTypeError, sign, verify

ADDED = {
    Order: (ORDER, {"alternatives", "tone", "gain_db", "interrupted"}),
    Configuration: (CONFIGURATION, {"quiet_hours", "gain_ceilings", "amplifier_lead_ms", "amplifier_tail_ms"}),
    Presence: (PRESENCE, {"supports"}),
    Health: (HEALTH, {"conditions", "stops", "temperature_c"}),
}
HANOI, BERLIN = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("kind", ADDED, ids=lambda kind: kind.__name__)
def test_documents_of_before_are_still_read(kind: type[Order]) -> None:
    example, added = ADDED[kind]
    before = {name: value for name, value in payload(example).items() if name not in added}
    found = kind.model_validate_json(json.dumps(before))
    assert {name: value for name, value in payload(found).items() if name in before} == before


def test_absent_fields_mean_what_was_done_before() -> None:
    before = {k: v for k, v in payload(ORDER).items() if k not in ADDED[Order][1]}
    order = Order.model_validate_json(json.dumps(before))
    assert (order.gain_db, order.interrupted, order.alternatives, order.is_drill) == (0.0, "drop", (), False)


def test_a_reason_of_a_later_version_costs_no_receipt() -> None:
    content = payload(RECEIPTS)
    content["receipts"][0]["reason"] = "struck_by_lightning"
    found = Receipts.model_validate_json(json.dumps(content))
    assert found.receipts[0].reason is Reason.OTHER
    with pytest.raises(ValueError, match="reason"):
        Receipt.model_validate_json(json.dumps(content["receipts"][0] | {"reason": 5}))


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        ("at", '"0001-01-01T00:00:00+14:00"', "outside of the years"),
        ("at", '"9999-12-31T23:59:59-14:00"', "outside of the years"),
        ("sequence", str(2**31), "2147483647"),
        ("revision", str(2**70), "2147483647"),
        ("detail", r'"a\u0000b"', "pattern"),
        ("evidence", '{"late_ms": NaN}', "finite"),
        ("evidence", '{"level_dbfs": -Infinity}', "finite"),
        ("evidence", '{"played_ms": 1e300}', "integer"),
    ],
)
def test_what_a_database_or_a_small_device_cannot_hold_is_malformed(where: str, value: str, said: str) -> None:
    receipt = payload(RECEIPTS)["receipts"][0]
    text = json.dumps({name: each for name, each in receipt.items() if name != where})
    with pytest.raises(ValueError, match=said):
        Receipt.model_validate_json(f'{text[:-1]}, "{where}": {value}}}')
    assert Receipt.model_validate_json(json.dumps(receipt | {"sequence": 2**31 - 1}))


def test_whoever_knows_no_drills_refuses_one() -> None:
    station = key("station-2026")
    data = sign(DRILL, station)
    with pytest.raises(WrongTypeError):
        verify(data, Keyring([station.public()]), Order)
    assert verify(data, Keyring([station.public()]), Order, Drill) == DRILL
    assert DRILL.is_drill
    assert not ORDER.is_drill


@pytest.mark.parametrize(
    ("hours", "local", "inside"),
    [
        (Hours(start="21:00", end="06:00"), "2026-11-23T20:59:59", False),
        (Hours(start="21:00", end="06:00"), "2026-11-23T21:00:00", True),
        (Hours(start="21:00", end="06:00"), "2026-11-24T05:59:59", True),
        (Hours(start="21:00", end="06:00"), "2026-11-24T06:00:00", False),
        (Hours(days=(7,), start="22:00", end="05:00"), "2026-11-30T04:00:00", True),  # Monday, begun on Sunday
        (Hours(days=(7,), start="22:00", end="05:00"), "2026-11-29T04:00:00", False),  # Sunday, begun on Saturday
        (Hours(days=(1,), start="11:30", end="13:30"), "2026-11-23T12:00:00", True),
        (Hours(days=(1,), start="11:30", end="13:30"), "2026-11-24T12:00:00", False),
        (Hours(days=(1,), start="00:00", end="00:00"), "2026-11-23T23:59:59", True),  # the whole day
        (Hours(days=(1,), start="00:00", end="00:00"), "2026-11-24T00:00:00", False),
    ],
)
def test_hours(hours: Hours, local: str, inside: bool) -> None:
    assert hours.includes(datetime.fromisoformat(local).replace(tzinfo=HANOI)) is inside


@given(
    minutes=st.integers(0, 7 * 24 * 60 - 1),
    start=st.integers(0, 1439),
    length=st.integers(1, 1440),
    days=st.sets(st.integers(1, 7), min_size=1),
)
def test_hours_are_so_many_minutes_from_their_start(minutes: int, start: int, length: int, days: set[int]) -> None:
    end = (start + length) % 1440
    hours = Hours(days=tuple(days), start=f"{start // 60:02}:{start % 60:02}", end=f"{end // 60:02}:{end % 60:02}")
    monday = datetime(2026, 11, 23, tzinfo=HANOI)
    expected = any(((minutes - ((day - 1) * 1440 + start)) % (7 * 1440)) < length for day in days)
    assert hours.includes(monday + timedelta(minutes=minutes)) is expected


def test_quiet_hours_follow_the_wall_clock_over_a_daylight_change() -> None:
    quiet = Hours(start="21:00", end="06:00")
    for day, offset in ((datetime(2026, 3, 28, tzinfo=UTC), 1), (datetime(2026, 3, 30, tzinfo=UTC), 2)):
        for local_hour, inside in ((5, True), (6, False), (20, False), (21, True)):
            instant = day + timedelta(hours=local_hour - offset)
            assert quiet.includes(instant.astimezone(BERLIN)) is inside


def test_a_stop_bars_all_but_later_emergencies() -> None:
    later = STOP.issued_at + timedelta(seconds=1)
    emergency = ORDER.model_copy(update={"priority": "emergency", "issued_at": STOP.issued_at})
    assert STOP.bars(ORDER, NOW)
    assert STOP.bars(ORDER.model_copy(update={"issued_at": later}), NOW)
    assert STOP.bars(emergency, NOW)
    assert not STOP.bars(emergency.model_copy(update={"issued_at": later}), NOW)
    assert not STOP.bars(ORDER, STOP.expires_at)
    assert not STOP.model_copy(update={"revision": 2, "lifted": True}).bars(ORDER, NOW)
    assert STOP.station == STATION
