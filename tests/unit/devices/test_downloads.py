"""When receivers begin to fetch a clip, so that a province does not do so in one second."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from devices.receiver.downloads import NOT_SPREAD, SPREAD_MOST, begin_at

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@given(left_s=st.floats(-3600, 48 * 3600), share=st.floats(0, 1))
def test_there_is_always_time_enough_left(left_s: float, share: float) -> None:
    left = timedelta(seconds=left_s)
    begin = begin_at(NOW + left, NOW, share)
    assert NOW <= begin <= NOW + SPREAD_MOST
    assert begin - NOW <= max(timedelta(), left) / 4
    if left <= NOT_SPREAD:
        assert begin == NOW


def test_a_province_spreads_over_half_an_hour() -> None:
    begins = [begin_at(NOW + timedelta(hours=12), NOW, number / 6000) for number in range(6000)]
    seconds = [round((begin - NOW).total_seconds()) for begin in begins]
    assert max(seconds.count(second) for second in set(seconds)) <= 4
