"""Who may read and write what: MQTT's rules of matching, and the exact rules of stations and receivers."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.brokers.accounts import (
    Account,
    AccountsFile,
    AccountsFileError,
    covers,
    matches,
    new_secret,
    receiver_account,
    station_account,
)
from devices.wire import topics

SECRET = new_secret()
AREAS = ("tinh", "xa-tan-an", "thon-dong")
LOA = receiver_account("loa-1", AREAS, SECRET)
STATION = station_account(SECRET)

levels = st.lists(st.sampled_from(["a", "b", "", "loa-1"]), min_size=1, max_size=5)
filters = st.lists(st.sampled_from(["a", "b", "", "+"]), max_size=4).flatmap(
    lambda some: st.sampled_from([some or ["a"], [*some, "#"]])
)


@given(topic=levels.map("/".join), wide=filters.map("/".join), narrow=filters.map("/".join))
def test_what_is_covered_is_matched(topic: str, wide: str, narrow: str) -> None:
    if covers(wide, narrow) and matches(narrow, topic):
        assert matches(wide, topic)


@pytest.mark.parametrize(
    ("filter_", "topic", "expected"),
    [
        ("a/+/c", "a/b/c", True),
        ("a/+", "a/b/c", False),
        ("a/#", "a", True),
        ("#", "a/b", True),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("a/b", "a/b/", False),
        ("+", "", True),
    ],
)
def test_filters_match_as_mqtt_says(filter_: str, topic: str, expected: bool) -> None:
    assert matches(filter_, topic) is expected


def test_a_receiver_reads_what_is_for_it_and_nothing_else() -> None:
    allowed = [
        *(topics.area_order(area, "+") for area in AREAS),
        *(topics.area_stop(area, "+") for area in AREAS),
        topics.receiver_order("loa-1", "+"),
        topics.receiver_stop("loa-1", "+"),
        topics.of_receiver("loa-1", "configuration"),
        topics.of_receiver("loa-1", "acknowledgements"),
    ]
    assert all(LOA.may_subscribe(name) for name in allowed)
    assert topics.area_order("xa-tan-an", "o1") not in allowed
    assert LOA.may_subscribe(topics.area_order("xa-tan-an", "o1"))
    for name in (
        "#",
        "cb/#",
        "cb/v1/areas/+/orders/+",
        "cb/v1/areas/xa-tan-an/#",
        "cb/v1/areas/xa-binh-an/orders/+",
        "cb/v1/receivers/+/orders/+",
        "cb/v1/receivers/loa-1/#",
        "cb/v1/receivers/loa-2/orders/+",
        "cb/v1/areas/xa-binh-an/stops/+",
        "cb/v1/receivers/loa-2/stops/+",
        "cb/v1/receivers/loa-1/receipts",
        "cb/v1/receivers/loa-2/configuration",
        "$SYS/#",
    ):
        assert not LOA.may_subscribe(name), name


def test_a_receiver_writes_about_itself_and_nothing_else() -> None:
    for subject in ("receipts", "presence", "health"):
        assert LOA.may_publish(topics.of_receiver("loa-1", subject))
        assert not LOA.may_publish(topics.of_receiver("loa-2", subject))
    for subject in ("configuration", "acknowledgements"):
        assert not LOA.may_publish(topics.of_receiver("loa-1", subject))
    assert not LOA.may_publish(topics.area_order("xa-tan-an", "o1"))
    assert not LOA.may_publish(topics.receiver_order("loa-1", "o1"))
    assert not LOA.may_publish(topics.area_stop("xa-tan-an", "s1"))
    assert not LOA.may_publish(topics.receiver_stop("loa-1", "s1"))


def test_a_station_and_its_receivers_understand_each_other() -> None:
    for topic in (
        topics.area_order("xa-tan-an", "o1"),
        topics.receiver_order("loa-1", "o1"),
        topics.area_stop("xa-tan-an", "s1"),
        topics.receiver_stop("loa-1", "s1"),
        topics.of_receiver("loa-1", "configuration"),
        topics.of_receiver("loa-1", "acknowledgements"),
    ):
        assert STATION.may_publish(topic)
        assert LOA.may_read(topic)
    for subject in ("receipts", "presence", "health"):
        assert STATION.may_read(topics.of_receiver("loa-1", subject))
        assert not STATION.may_publish(topics.of_receiver("loa-1", subject))


def test_an_account_opens_to_its_secret_under_its_name_only() -> None:
    assert LOA.admits(SECRET, "loa-1")
    assert LOA.admits(SECRET, "loa-1~2")
    assert not LOA.admits(SECRET, "loa-12")
    assert not LOA.admits(SECRET, "loa-2")
    assert not LOA.admits("", "loa-1")
    assert not LOA.admits(LOA.secret_sha256, "loa-1")
    assert len({new_secret() for _ in range(100)}) == 100


def test_the_file_keeps_accounts_for_its_owner_only(tmp_path: Path) -> None:
    file = AccountsFile(tmp_path / "accounts.json")
    assert file.read() == {}
    file.set(LOA, STATION)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.read() == {"loa-1": LOA.stored(), "station": STATION.stored()}
    assert SECRET not in file.path.read_text()
    changed = LOA.model_copy(update={"subscribe": ()})
    file.set(changed)
    file.remove("station", "never-there")
    assert file.read() == {"loa-1": changed.stored()}
    assert [entry.name for entry in tmp_path.iterdir()] == ["accounts.json"]


@pytest.mark.parametrize("content", ["", "{", "{}", '[{"username": "../x"}]'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    file = AccountsFile(tmp_path / "accounts.json")
    file.path.write_text(content)
    with pytest.raises(AccountsFileError, match="damaged"):
        file.read()


def test_an_account_of_a_strange_name_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="username"):
        Account(username="a/b", secret_sha256="0" * 64, publish=(), subscribe=())
