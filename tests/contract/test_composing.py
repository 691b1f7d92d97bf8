"""Writing: the same form twice is one bulletin, revisions are kept, several are released in one act, places become targets. On SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from broadcaster import revisions
from broadcaster.errors import ConflictError, NotFoundError
from broadcaster.readings import Choice
from broadcaster.storage.models import Airing, Bulletin
from broadcaster.target_tree import Tree
from broadcaster.targets import Targets
from broadcaster.unfinished import MOST, Unfinished
from schedules.rules import AtOnce, Once
from tests.commune import Commune


def _once(commune: Commune, **after: float) -> Once:
    return Once(at=commune.clock.now() + timedelta(**after))


def test_one_key_is_one_bulletin_however_often_it_comes(commune: Commune) -> None:
    draft = commune.draft(_once(commune, hours=1))
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: commune.bulletins.write(commune.editor, draft, key="k"), range(24)))
    assert len(found) == 1
    with commune.database.reading() as session:
        assert len(session.scalars(select(Bulletin.id)).all()) == 1
    assert commune.bulletins.write(commune.approver, draft, key="k") not in found  # another person's key
    (bulletin,) = found
    assert commune.bulletins.save(commune.editor, bulletin, draft, revision=1) == 1
    spaced = replace(draft, title=f" {draft.title} ")
    assert commune.bulletins.save(commune.editor, bulletin, spaced, revision=1) == 1
    other = replace(draft, text="Nội dung khác.")
    assert commune.bulletins.save(commune.editor, bulletin, other, revision=1) == 2
    assert commune.bulletins.save(commune.editor, bulletin, other, revision=1) == 2  # the second click
    with pytest.raises(ConflictError):
        commune.bulletins.save(commune.editor, bulletin, draft, revision=1)


def test_revisions_that_somebody_saw_stay(commune: Commune) -> None:
    bulletin = commune.written(_once(commune, hours=1))  # submitted
    for number, text in enumerate(("Bản hai.", "Bản ba."), start=1):
        commune.bulletins.edit(
            commune.editor, bulletin, replace(commune.draft(_once(commune, hours=1)), text=text), revision=number
        )
    with commune.database.reading() as session:
        kept = revisions.history(session, bulletin)
        row = session.get_one(Bulletin, bulletin)
        asked = revisions.asked_before(session, row)
    # The second gave way to the third: one person wrote both at one sitting, and nobody was asked about it.
    assert [(each.revision, each.submitted_at is not None) for each, _ in kept] == [(3, False), (1, True)]
    assert asked is not None
    assert asked.revision == 1
    commune.clock.move(minutes=11)
    commune.bulletins.edit(commune.editor, bulletin, commune.draft(_once(commune, hours=1)), revision=3)
    with commune.database.reading() as session:
        assert [each.revision for each, _ in revisions.history(session, bulletin)] == [4, 3, 1]


def test_a_session_is_released_whole_or_not_at_all(commune: Commune) -> None:
    first, second = (commune.written(_once(commune, hours=hours)) for hours in (1, 2))
    seen = {name: commune.releases.preview(commune.approver, name)[1] for name in (first, second)}
    with pytest.raises(ConflictError) as caught:
        commune.releases.release_all(commune.approver, {**seen, second: "0" * 64})
    assert caught.value.details["bulletin"] == second
    with commune.database.reading() as session:
        assert {row.state for row in session.scalars(select(Bulletin))} == {"submitted"}
    assert len(set(commune.releases.release_all(commune.approver, seen))) == 2


def test_at_once_airs_once_two_minutes_after_its_release(commune: Commune) -> None:
    bulletin = commune.bulletins.write(commune.editor, commune.draft(AtOnce()))
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=1)
    commune.clock.move(minutes=40)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    released_at = commune.clock.now()
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    for minutes in (0, 5, 60, 24 * 60):
        commune.clock.move(minutes=minutes)
        commune.planner.run()
    with commune.database.reading() as session:
        (airing,) = session.scalars(select(Airing)).all()
    assert airing.due_at - released_at == timedelta(minutes=2)
    assert airing.bulletin_id == bulletin


def test_boxes_become_targets_and_targets_boxes(commune: Commune) -> None:
    with commune.database.reading() as session:
        tree = Tree(session, commune.speaking.places(session))
        drawn = [root.id for root in tree.roots] + [area.id for root in tree.roots for area in root.areas]
        whole = tree.chosen(["xa"], [], drawn=drawn)
        assert whole == Targets(areas=("xa",))
        assert tree.states(whole)["xa"] == "all"
        assert tree.count(session, whole).all == 3
        assert tree.count(session, whole).offline == 3
        # As a browser without JavaScript sends it: one village and its receivers are not ticked.
        but = tree.chosen(["xa", "thon-dong"], ["loa-dong", "led-xa"], drawn=drawn)
        assert but == Targets(areas=("xa",), excluded_areas=("thon-doai",))
        assert tree.states(but)["xa"] == "some"
        assert {place.id for place in tree.places.resolve(but).receivers} == {"loa-dong", "led-xa"}
        single = tree.chosen([], ["loa-dong"], drawn=drawn)
        assert single == Targets(receivers=("loa-dong",))
        assert tree.states(single)["thon-dong"] == "all"
        assert tree.chosen([], [], drawn=drawn) is None
        assert tree.chosen(["xa"], [], drawn=[]) == Targets(areas=("xa",))  # nothing of it was drawn
        assert tree.usual(session, commune.editor.id) == Targets(areas=("xa",))


def test_what_is_typed_is_kept_for_its_person(commune: Commune) -> None:
    unfinished = Unfinished(commune.database, commune.clock)
    for number in range(MOST + 3):
        commune.clock.move(seconds=1)
        unfinished.keep(commune.editor, f"k{number}", {"words": [f"Tin {number}"]})
    commune.clock.move(seconds=1)
    unfinished.keep(commune.editor, "k5", {"words": ["Tin 5 dài hơn"]})
    kept = unfinished.all(commune.editor)
    assert (len(kept), kept[0].form) == (MOST, {"words": ["Tin 5 dài hơn"]})
    assert unfinished.all(commune.approver) == []
    unfinished.forget(commune.editor, "k5")
    assert unfinished.of(commune.editor, "k5") is None


def test_readings_that_stand_are_not_settled_again(commune: Commune) -> None:
    with pytest.raises(NotFoundError):
        commune.readings.outstanding(commune.editor, "không có", [_choice()])
    draft = replace(commune.draft(_once(commune, hours=1)), text="Tổ TCNSCĐ mời họp.")
    bulletin = commune.bulletins.write(commune.editor, draft)
    assert commune.readings.outstanding(commune.editor, bulletin, [_choice()]) == [_choice()]
    commune.readings.settle(commune.editor, bulletin, [_choice()], revision=1)
    assert commune.readings.outstanding(commune.editor, bulletin, [_choice()]) == []
    assert commune.readings.outstanding(commune.editor, bulletin, [_choice(written="ABC")]) == []


def _choice(written: str = "TCNSCĐ") -> Choice:
    return Choice(written, "tê xê en ét xê đê", "tổ công nghệ số cộng đồng")
