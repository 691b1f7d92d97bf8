"""Re-homing on the receiver: whom it believes, which line holds when, and what it does with orders of before."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.receiver.journal import Journal
from devices.wire import topics
from devices.wire.areas import Rehoming, Rehomings, line_at
from devices.wire.messages import Audience, ReceiptState
from devices.wire.signing import SigningKey, sign
from tests.unit.devices.test_intake import AREA, KEY, NOW, TOPIC, Rig, order

MIDNIGHT = NOW + timedelta(hours=13)
NEW = ("tinh", "xa-moi")


def rehomings(revision: int = 1, *, station: str = "tan-an", area: str = "tinh", at: datetime = MIDNIGHT) -> Rehomings:
    return Rehomings(
        station=station,
        area=area,
        revision=revision,
        issued_at=NOW,
        expires_at=NOW + timedelta(days=400),
        rehomings=(Rehoming(area=AREA, line=NEW, at=at),),
    )


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "journal.sqlite")
    assert made.place.configuration is not None
    made.place.configuration = made.place.configuration.model_copy(update={"areas": ("tinh", AREA, "thon-dong")})
    made.intake._rehomed = lambda found, _: made.place.rehomings.update({found.area: found})
    yield made
    made.journal.close()


def test_it_stands_in_both_places_and_changes_over_by_its_own_clock(rig: Rig) -> None:
    rig.give(rehomings(), topics.area_rehomings("tinh"))
    assert rig.place.line(MIDNIGHT - timedelta(seconds=1)) == ("tinh", AREA, "thon-dong")
    assert rig.place.line(MIDNIGHT) == ("tinh", "xa-moi", "thon-dong")
    assert set(rig.place.areas) == {"tinh", AREA, "thon-dong", "xa-moi"}
    assert topics.area_order("xa-moi", "+") in rig.place.filters()
    # Orders are judged by the line at their instant.
    there = topics.area_order("xa-moi", "o2")
    early = order(name="o2").model_copy(update={"audience": Audience(areas=("xa-moi",))})
    rig.give(early, there)
    assert rig.journal.entry("o2") is None
    late = early.model_copy(
        update={"play_at": MIDNIGHT + timedelta(hours=1), "expires_at": MIDNIGHT + timedelta(hours=2), "revision": 2}
    )
    rig.give(late, there)
    assert rig.journal.entry("o2") is not None


def test_what_is_forged_foreign_expired_or_old_moves_nobody(rig: Rig) -> None:
    topic = topics.area_rehomings("tinh")
    rig.give(sign(rehomings(), SigningKey.generate(KEY.kid)), topic)
    rig.give(rehomings(station="khac"), topic)
    rig.give(rehomings(area="xa-khac"), topic)
    rig.give(rehomings().model_copy(update={"expires_at": NOW - timedelta(days=1)}), topic)
    rig.give(order(), topic)  # rightly signed, another type
    assert rig.place.rehomings == {}
    assert rig.intake.refused_configurations == 5
    assert rig.told() == []
    rig.give(rehomings(2), topic)
    rig.give(rehomings(1, at=NOW), topic)
    assert rig.place.line(NOW) == ("tinh", AREA, "thon-dong")
    undone = rehomings(3).model_copy(update={"rehomings": ()})
    rig.give(undone, topic)
    assert rig.place.line(MIDNIGHT) == ("tinh", AREA, "thon-dong")


def test_a_higher_revision_for_others_takes_back_the_one_that_is_held(rig: Rig) -> None:
    rig.give(order())
    elsewhere = Audience(areas=(AREA,), excluded=("loa-1",))
    rig.give(order(2).model_copy(update={"audience": elsewhere}))
    entry = rig.journal.entry("o1")
    assert entry is not None
    assert entry.state == "cancelled"
    assert [receipt.state for receipt in rig.journal.outbox()] == [ReceiptState.RECEIVED, ReceiptState.CANCELLED]
    assert rig.plays.stopped == [("o1", 2)]
    rig.give(order())  # and it never comes back in the old revision
    rig.give(order(3))  # but in a higher one
    entry = rig.journal.entry("o1")
    assert entry is not None
    assert (entry.order.revision, entry.state) == (3, "received")


def test_a_higher_revision_for_others_is_nothing_to_whoever_holds_none(rig: Rig) -> None:
    rig.give(order(2).model_copy(update={"audience": Audience(areas=(AREA,), excluded=("loa-1",))}), TOPIC)
    assert rig.told() == []


def test_notes_are_found_by_how_they_begin(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.set_note("rehomings/tinh", b"1")
    journal.set_note("configuration", b"2")
    assert journal.notes("rehomings/") == {"rehomings/tinh": b"1"}
    journal.close()


names = st.sampled_from(["a", "b", "c", "d", "e"])
lines = st.lists(names, min_size=1, max_size=4, unique=True).map(tuple)


@given(line=lines, area=names, to=lines)
def test_a_line_that_has_changed_is_not_changed_again(line: tuple[str, ...], area: str, to: tuple[str, ...]) -> None:
    moves = [Rehoming(area=area, line=to, at=NOW)]
    once = line_at(line, moves, NOW)
    if area in line:
        assert once == to + line[line.index(area) + 1 :]
    else:
        assert once == line
    if area not in once or to[-1] == area:
        assert line_at(once, moves, NOW) == once
    assert line_at(line, moves, NOW - timedelta(seconds=1)) == line


def test_of_one_instant_the_area_furthest_down_counts_and_instants_follow_each_other() -> None:
    moves = [
        Rehoming(area="xa", line=("tinh", "xa-1"), at=NOW),
        Rehoming(area="thon", line=("tinh", "xa-2", "thon"), at=NOW),
        Rehoming(area="xa-2", line=("tinh", "xa-3"), at=MIDNIGHT),
    ]
    assert line_at(("tinh", "xa", "thon"), moves, NOW) == ("tinh", "xa-2", "thon")
    assert line_at(("tinh", "xa", "khac"), moves, NOW) == ("tinh", "xa-1", "khac")
    assert line_at(("tinh", "xa", "thon"), moves, MIDNIGHT) == ("tinh", "xa-3", "thon")
