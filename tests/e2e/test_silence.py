"""What is taken back a second before its instant is not heard; stop-all is silence within three seconds. The log says why."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.brokers import wait_for
from tests.e2e.station import StationRig

ENOUGH = "Thông báo của Ủy ban nhân dân xã. " + "Bà con giữ gìn vệ sinh chung. " * 8


def _sleep_until(instant: datetime) -> None:
    time.sleep(max(0.0, (instant - datetime.now(UTC)).total_seconds()))


def test_withdrawn_or_voided_one_second_before_its_instant(rig: StationRig) -> None:
    withdrawn, voided = rig.write("Họp thôn", "Tối nay họp thôn."), rig.write("Tiêm chủng", "Sáng mai tiêm chủng.")
    first = rig.release(withdrawn, lead_s=8)
    left_s = (first.due - datetime.now(UTC)).total_seconds()
    second = rig.release(voided, lead_s=left_s + 2)
    orders = (first.order, second.order)
    wait_for(lambda: all(r.state(order) == "ready" for r in rig.receivers for order in orders), 20, "everybody ready")
    _sleep_until(first.due - timedelta(seconds=1))
    rig.editor.post(f"/bulletins/{withdrawn['id']}/withdrawal", {"reason": "Hoãn họp vì mưa bão"})
    _sleep_until(second.due - timedelta(seconds=1))
    # An edit voids the release: what was approved is not what stands there now.
    rig.editor.edit(rig.editor.bulletin(voided["id"]), title="Tiêm chủng", text="Chiều mai tiêm chủng.", field="y tế")
    for aired, reason in ((first, "Hoãn họp vì mưa bão"), (second, "bản tin đã được sửa / edited")):
        rig.settle(aired)
        assert {climb["outcome"] for climb in rig.climbs(aired).values()} == {"cancelled"}
        log = rig.operator.log(aired.airing)
        for receiver in rig.receivers:
            states = {row["state"]: row for row in log if row["receiver_id"] == receiver.id}
            assert "started" not in states
            assert (states["cancelled"]["reason"], states["cancelled"]["detail"]) == ("cancelled", reason)
            assert datetime.fromisoformat(states["cancelled"]["at"]) < aired.due
        assert not any(loudspeaker.wav(aired.order).exists() for loudspeaker in rig.loudspeakers)


@pytest.fixture
def lifted(rig: StationRig) -> Iterator[list[str]]:
    """Stops that are lifted whatever happens: the commune goes on to be used."""
    stops: list[str] = []
    yield stops
    for stop in stops:
        rig.operator.post(f"/stops/{stop}/lifting", {"reason": "Xong"})


def test_stop_all_is_silence_within_three_seconds(rig: StationRig, lifted: list[str]) -> None:
    aired = rig.release(rig.write("Giữ vệ sinh", ENOUGH), lead_s=2)
    wait_for(lambda: all(loud.sounding(aired.order) > 0.3 for loud in rig.loudspeakers), 30, "sound")
    begin = time.monotonic()
    lifted.append(rig.operator.post("/stops", {"reason": "Loa hú"})["id"])
    wait_for(lambda: all(r.state(aired.order) == "interrupted" for r in rig.receivers), 20, "silence everywhere")
    assert time.monotonic() - begin <= 3
    rig.settle(aired)
    assert {climb["reason"] for climb in rig.climbs(aired).values()} == {"stopped"}
    # What is due while it stands is barred; it is withdrawn, or it would begin, within its late limit, once the stop is lifted.
    bulletin = rig.write("Trong lúc dừng", "Không ai nghe.")
    barred = rig.release(bulletin, lead_s=2)
    wait_for(lambda: datetime.now(UTC) > barred.due, 10)
    assert not any(loud.sounding(barred.order) for loud in rig.loudspeakers)
    rig.editor.post(f"/bulletins/{bulletin['id']}/withdrawal", {"reason": "Đã quá giờ"})
    rig.settle(barred)
    assert {climb["outcome"] for climb in rig.climbs(barred).values()} == {"cancelled"}
