"""A change of an area's lexicon or sound speaks anew what waits and is concerned, nothing else. On SQLite and on PostgreSQL."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from audio.script import read
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.lexicons import Mention
from broadcaster.readings import Choice
from broadcaster.releases import find
from broadcaster.reorganisation.dependents import DEPENDENTS
from broadcaster.sound import Sound
from broadcaster.speech import line_of
from broadcaster.storage.models import Area, Bulletin
from broadcaster.targets import Targets
from schedules.rules import Once
from tests.commune import Commune


def _draft(commune: Commune, text: str, *areas: str, receivers: tuple[str, ...] = ()) -> str:
    at = Once(at=commune.clock.now() + timedelta(hours=1))
    given = commune.draft(None)
    plan = ((at, Targets(areas=areas, receivers=receivers)),) if areas or receivers else ()
    bulletin = commune.bulletins.write(
        commune.editor, type(given)(**{**vars(given), "text": text, "title": text[:20], "plan": plan})
    )
    commune.speak(bulletin)
    return bulletin


def _rendering(commune: Commune, bulletin: str) -> str:
    with commune.database.reading() as session:
        return find(session, bulletin).rendering


def _ids(mentions: tuple[Mention, ...]) -> set[str]:
    return {mention.id for mention in mentions}


def test_only_waiting_bulletins_that_contain_the_term_are_spoken_anew(commune: Commune) -> None:
    concerned = _draft(commune, "Sản phẩm OCOP của xã", "xa")
    for_one_village = _draft(commune, "ocop của thôn Đông", "thon-dong")
    everywhere = _draft(commune, "Hội chợ OCOP", "tinh")
    without_it = _draft(commune, "Hội chợ xuân", "xa")
    submitted = commune.written(Once(at=commune.clock.now() + timedelta(hours=2)), title="Tin OCOP")
    released = commune.released(Once(at=commune.clock.now() + timedelta(hours=3)), title="Tin cũ về OCOP")
    change = commune.lexicons.put(commune.editor, "xa", written="OCOP", reading="Ốc  cốp", note="như đài tỉnh")
    assert _ids(change.anew) == {concerned, for_one_village, submitted}
    assert _ids(change.unchanged) == {released}
    assert {name: _rendering(commune, name) for name in (everywhere, without_it, released)} == {
        everywhere: "done",
        without_it: "done",
        released: "done",
    }
    assert _rendering(commune, concerned) == "pending"
    commune.speak(concerned)
    same = commune.lexicons.put(commune.editor, "xa", written="OCOP", reading="ốc cốp", note="vẫn thế")
    assert concerned not in _ids(same.anew)
    assert same.version == change.version
    gone = commune.lexicons.remove(commune.editor, "xa", "OCOP")
    assert concerned in _ids(gone.anew)
    assert gone.version != change.version
    notes = [
        (row.reading, row.note, row.ended_at is None)
        for row in commune.lexicons.history(commune.editor, "xa", written="OCOP", limit=9)
    ]
    assert sorted(notes) == [("ốc cốp", "như đài tỉnh", False), ("ốc cốp", "vẫn thế", False)]


def test_the_deepest_area_wins_and_what_is_above_remains(commune: Commune) -> None:
    bulletin = _draft(commune, "Tin về OCOP và VNeID", "thon-dong")
    commune.lexicons.put(commune.editor, "tinh", written="OCOP", reading="mỗi xã một sản phẩm")
    commune.lexicons.put(commune.editor, "tinh", written="VNeID", reading="vi en i đê")
    commune.lexicons.put(commune.editor, "thon-dong", written="OCOP", reading="ốc cốp")
    with commune.database.reading() as session:
        speech = commune.speaking.of(session, find(session, bulletin))
    assert {entry.written: entry.spoken for entry in speech.lexicon.entries} == {
        "OCOP": "ốc cốp",
        "VNeID": "vi en i đê",
    }
    _, rows = commune.lexicons.of(commune.editor, "thon-dong")
    assert [(row.written, row.area_id) for row in rows] == [("OCOP", "thon-dong"), ("VNeID", "tinh")]
    commune.speak(bulletin)
    covered = commune.lexicons.put(commune.editor, "tinh", written="OCOP", reading="o xê o pê")
    assert _ids(covered.anew) == set()


def test_a_bulletin_has_the_lexicon_of_the_areas_that_its_targets_share(commune: Commune) -> None:
    both = _draft(commune, "Hai thôn", "thon-dong", "thon-doai")
    by_receiver = _draft(commune, "Một cụm loa", receivers=("loa-dong",))
    nowhere_yet = _draft(commune, "Chưa chọn nơi phát")
    with commune.database.reading() as session:
        places = commune.speaking.places(session)
        assert line_of(session, both, places) == ("tinh", "xa")
        assert line_of(session, by_receiver, places) == ("tinh", "xa", "thon-dong")
        assert line_of(session, nowhere_yet, places) == ("tinh", "xa")
    with commune.database.writing() as session:
        session.add(Area(id="xa-2", name="Xã", kind="commune", parent_id="tinh", valid_from=commune.clock.now().date()))
    with commune.database.reading() as session:
        assert line_of(session, nowhere_yet, commune.speaking.places(session)) == ("tinh",)


@pytest.mark.parametrize(
    ("written", "reading", "said"),
    [
        ("OCOP", "facebook", "“facebook”"),
        ("OCOP", " ", "để trống"),
        ("/x", "a", "mục từ"),
        ("x" * 81, "a", "mục từ"),
        ("9/4", "chín phần tư", "chữ cái"),
    ],
)
def test_what_cannot_be_spoken_is_refused(commune: Commune, written: str, reading: str, said: str) -> None:
    with pytest.raises(InvalidError) as refused:
        commune.lexicons.put(commune.editor, "xa", written=written, reading=reading)
    assert said in refused.value.vi


def test_rights_and_places(commune: Commune) -> None:
    with pytest.raises(ForbiddenError):
        commune.lexicons.put(commune.operator, "xa", written="OCOP", reading="ốc cốp")
    with pytest.raises(ForbiddenError):
        commune.area_sounds.put(commune.operator, "xa", Sound(pitch=60))
    with pytest.raises(NotFoundError):
        commune.lexicons.put(commune.editor, "sao-hoa", written="OCOP", reading="ốc cốp")
    with pytest.raises(NotFoundError):
        commune.lexicons.remove(commune.editor, "xa", "OCOP")


def test_a_change_waits_for_the_edit_that_is_under_way_and_sees_it(commune: Commune) -> None:
    """The edit brings the term in; whichever order they come in, no clip without the new reading stands."""
    for turn in range(5):
        bulletin = _draft(commune, f"Tin {turn} chưa có từ ấy", "xa")
        start = threading.Barrier(2)
        given = commune.draft(Once(at=commune.clock.now() + timedelta(hours=1)), title=f"Tin có TERM{turn}")

        def edit(bulletin: str = bulletin, start: threading.Barrier = start, given: object = given) -> None:
            start.wait()
            commune.bulletins.edit(commune.editor, bulletin, given, revision=1)  # type: ignore[arg-type]
            commune.speak(bulletin)

        def teach(turn: int = turn, start: threading.Barrier = start) -> None:
            start.wait()
            commune.lexicons.put(commune.editor, "xa", written=f"TERM{turn}", reading="từ ấy")

        threads = [threading.Thread(target=work) for work in (edit, teach)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with commune.database.reading() as session:
            row = session.scalars(select(Bulletin).where(Bulletin.id == bulletin)).one()
            assert (
                row.rendering == "pending" or (row.spoken or {})["sha256"] == commune.speaking.of(session, row).sha256
            )


def test_the_sound_of_an_area_is_inherited_and_speaks_anew_what_waits_there(commune: Commune) -> None:
    here = _draft(commune, "Tin của thôn Đông", "thon-dong")
    there = _draft(commune, "Tin của thôn Đoài", "thon-doai")
    assert [mention.id for mention in commune.area_sounds.put(commune.editor, "thon-dong", Sound(rate_wpm=130))] == [
        here
    ]
    assert (_rendering(commune, here), _rendering(commune, there)) == ("pending", "done")
    commune.area_sounds.put(commune.editor, "tinh", Sound(rate_wpm=170, voice="vi-vn-x-south", call="Đây là đài xã"))
    found = commune.area_sounds.of(commune.editor, "thon-dong")
    assert (found.own, found.effective.rate_wpm, found.effective.voice) == (Sound(rate_wpm=130), 130, "vi-vn-x-south")
    assert found.effective.call == "Đây là đài xã"
    with pytest.raises(InvalidError, match="QXZK"):
        commune.area_sounds.put(commune.editor, "xa", Sound(call="Đây là QXZK"))
    with pytest.raises(InvalidError, match="jingle"):
        commune.area_sounds.put(commune.editor, "xa", Sound(jingle="0" * 64))


def test_a_merger_takes_lexicon_and_sound_along_and_the_successors_own_stays(commune: Commune) -> None:
    with commune.database.writing() as session:
        session.add(
            Area(id="xa-moi", name="Xã", kind="commune", parent_id="tinh", valid_from=commune.clock.now().date())
        )
    for area, written, reading in (
        ("xa", "OCOP", "một"),
        ("xa", "OCOP", "hai"),
        ("xa", "VNeID", "ba"),
        ("xa-moi", "VNeID", "bốn"),
    ):
        commune.lexicons.put(commune.editor, area, written=written, reading=reading)
    commune.area_sounds.put(commune.editor, "xa", Sound(pitch=40))
    with commune.database.writing() as session:
        for dependent in DEPENDENTS:
            dependent.follow(session, "xa", "xa-moi", commune.clock.now())
    _, rows = commune.lexicons.of(commune.editor, "xa-moi")
    assert {(row.written, row.reading) for row in rows} == {("OCOP", "hai"), ("VNeID", "bốn")}
    assert commune.area_sounds.of(commune.editor, "xa-moi").own == Sound(pitch=40)
    assert commune.area_sounds.of(commune.editor, "xa").own == Sound(pitch=40)  # history stays


def test_changes_from_all_sides_come_to_an_end(commune: Commune) -> None:
    """Whoever holds several bulletins holds them in one order, so that nobody waits for ever."""
    bulletins = [_draft(commune, f"Tin {number} về TERM", "xa") for number in range(4)]
    proposed = read("TERM").tokens[0].reading
    start = threading.Barrier(4)
    faults: list[Exception] = []

    def work(turn: Callable[[int], object]) -> None:
        start.wait()
        for number in range(6):
            try:
                turn(number)
            except ConflictError:
                continue  # somebody else was first
            except Exception as error:  # noqa: BLE001  whatever it is, the test must see it
                faults.append(error)

    def settle(number: int) -> None:
        bulletin = bulletins[-1 - number % 4]
        with commune.database.reading() as session:
            revision = find(session, bulletin).revision
        taught = Choice("TERM", proposed, reading=f"một {'hai' if number % 2 else 'ba'}", area="xa")
        commune.readings.settle(commune.editor, bulletin, [taught], revision=revision)

    turns: list[Callable[[int], object]] = [
        lambda _: commune.lexicons.put(commune.editor, "tinh", written="TERM", reading="bốn năm"),
        settle,
        lambda number: commune.area_sounds.put(commune.editor, "xa", Sound(pitch=40 + number)),
        lambda number: commune.bulletins.edit(
            commune.editor, bulletins[number % 4], commune.draft(None, title="TERM"), revision=1
        ),
    ]
    threads = [threading.Thread(target=work, args=(turn,)) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert faults == []
