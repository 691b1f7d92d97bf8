"""A release binds to a hash, by a second person; any edit voids it. On SQLite and on PostgreSQL."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from broadcaster.errors import ConflictError, ForbiddenError, InvalidError
from broadcaster.people import Actor, Grant, Role
from broadcaster.speech import Version
from broadcaster.storage.models import Bulletin, Release
from schedules.rules import Once
from tests.commune import Commune


def _once(commune: Commune, **after: float) -> Once:
    return Once(at=commune.clock.now() + timedelta(**after))


def test_the_author_cannot_release_even_with_the_right(commune: Commune) -> None:
    bulletin = commune.bulletins.write(commune.approver, commune.draft(_once(commune, hours=1)))
    commune.speak(bulletin)
    commune.bulletins.submit(commune.approver, bulletin, revision=1)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    with pytest.raises(ForbiddenError, match="author"):
        commune.releases.release(commune.approver, bulletin, content_sha256=digest)


def test_an_approver_who_edits_becomes_the_author(commune: Commune) -> None:
    bulletin = commune.written(_once(commune, hours=1))
    commune.bulletins.edit(commune.approver, bulletin, commune.draft(_once(commune, hours=2)), revision=1)
    commune.bulletins.submit(commune.approver, bulletin, revision=2)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    with pytest.raises(ForbiddenError):
        commune.releases.release(commune.approver, bulletin, content_sha256=digest)


def test_an_editor_has_no_right_to_release(commune: Commune) -> None:
    bulletin = commune.written(_once(commune, hours=1))
    _, digest = commune.releases.preview(commune.editor, bulletin)
    with pytest.raises(ForbiddenError):
        commune.releases.release(commune.editor, bulletin, content_sha256=digest)


def test_only_what_was_seen_is_released(commune: Commune) -> None:
    bulletin = commune.written(_once(commune, hours=1))
    _, digest = commune.releases.preview(commune.approver, bulletin)
    commune.bulletins.edit(commune.editor, bulletin, commune.draft(_once(commune, hours=2)), revision=1)
    commune.bulletins.submit(commune.editor, bulletin, revision=2)
    with pytest.raises(ConflictError, match="not what you saw"):
        commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    assert commune.airings() == []


def test_silence_can_neither_be_submitted_nor_released(commune: Commune) -> None:
    bulletin = commune.bulletins.write(commune.editor, commune.draft(_once(commune, hours=1)))
    with pytest.raises(ConflictError, match="speech is not made"):
        commune.bulletins.submit(commune.editor, bulletin, revision=1)
    with pytest.raises(ConflictError, match="speech is not made"):
        commune.releases.preview(commune.approver, bulletin)


def test_a_release_is_made_once(commune: Commune) -> None:
    bulletin, other = commune.written(_once(commune, hours=1)), commune.written(_once(commune, hours=2))
    seen = {each: commune.releases.preview(commune.approver, each)[1] for each in (bulletin, other)}
    with ThreadPoolExecutor(4) as pool:  # impatient clicks
        found = set(pool.map(lambda _: tuple(commune.releases.release_all(commune.approver, seen)), range(8)))
    assert len(found) == 1
    assert commune.releases.release(commune.approver, other, content_sha256=seen[other]) in found.pop()
    with commune.database.reading() as session:
        assert len(session.scalars(select(Release.id).where(Release.bulletin_id.in_(seen))).all()) == 2
    with pytest.raises(ConflictError):
        commune.releases.release(commune.approver, bulletin, content_sha256=seen[other])
    second = Actor("lan", "lan", "Lan", (Grant(Role.APPROVER),))
    with pytest.raises(ConflictError):
        commune.releases.release(second, bulletin, content_sha256=seen[bulletin])
    commune.bulletins.withdraw(commune.editor, bulletin, "hết hạn")
    with pytest.raises(ConflictError):
        commune.releases.release(commune.approver, bulletin, content_sha256=seen[bulletin])


def test_edit_release_and_planning_racing_never_air_what_was_not_seen(commune: Commune) -> None:
    """Whichever comes first, what was released is exactly what the approver saw, and after the edit nothing of it stands."""
    for turn in range(int(os.environ.get("RACES", "10"))):
        bulletin = commune.written(_once(commune, hours=1, minutes=turn))
        _, digest = commune.releases.preview(commune.approver, bulletin)
        start = threading.Barrier(3)

        def edit(bulletin: str = bulletin, start: threading.Barrier = start) -> None:
            start.wait()
            commune.bulletins.edit(
                commune.editor, bulletin, commune.draft(_once(commune, hours=9), title="Sửa"), revision=1
            )

        def release(bulletin: str = bulletin, digest: str = digest, start: threading.Barrier = start) -> None:
            start.wait()
            with suppress(ConflictError):
                commune.releases.release(commune.approver, bulletin, content_sha256=digest)

        def plan(start: threading.Barrier = start) -> None:
            start.wait()
            commune.planner.run()

        with ThreadPoolExecutor(3) as threads:
            for done in [threads.submit(work) for work in (edit, release, plan)]:
                done.result()
        commune.planner.run()
        with commune.database.reading() as session:
            assert set(session.scalars(select(Release.content_sha256).where(Release.bulletin_id == bulletin))) <= {
                digest
            }
        airings = commune.airings(bulletin)
        assert all(row.state == "cancelled" and row.title != "Sửa" for row in airings), [row.state for row in airings]
        mine = {row.id for row in airings}
        assert all(order.cancelled for order in commune.orders() if order.airing_id in mine)


def test_returned_with_a_reason_and_submitted_again(commune: Commune) -> None:
    bulletin = commune.written(_once(commune, hours=1))
    with pytest.raises(InvalidError):
        commune.releases.send_back(commune.approver, bulletin, "  ")
    commune.releases.send_back(commune.approver, bulletin, "Sai ngày")
    commune.releases.send_back(commune.approver, bulletin, "Sai ngày ")  # the second click
    with pytest.raises(ConflictError):
        commune.releases.send_back(commune.approver, bulletin, "Sai giờ")
    commune.bulletins.submit(commune.editor, bulletin, revision=1)


def test_two_editors_do_not_overwrite_each_other(commune: Commune) -> None:
    bulletin = commune.bulletins.write(commune.editor, commune.draft(None))
    assert commune.bulletins.edit(commune.editor, bulletin, commune.draft(None, title="Một"), revision=1) == 2
    with pytest.raises(ConflictError, match="revision 2"):
        commune.bulletins.edit(commune.editor, bulletin, commune.draft(None, title="Hai"), revision=1)


def test_unknown_areas_and_empty_texts_leave_nothing_behind(commune: Commune) -> None:
    with pytest.raises(InvalidError, match="no such area: sao-hoa"):
        commune.bulletins.write(commune.editor, commune.draft(_once(commune, hours=1), areas=("xa", "sao-hoa")))
    with pytest.raises(InvalidError, match="title is empty"):
        commune.bulletins.write(commune.editor, commune.draft(None, title="   "))
    with commune.database.reading() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM bulletins").scalar() == 0


def test_text_is_kept_in_nfc(commune: Commune) -> None:
    import unicodedata  # noqa: PLC0415

    title = "Hội nghị về chuyển đổi số ở xã"
    bulletin = commune.written(_once(commune, hours=1), title=unicodedata.normalize("NFD", title))
    content, _ = commune.releases.preview(commune.approver, bulletin)
    assert content["title"] == title


def test_what_is_seen_is_what_is_spoken_in_whatever_direction_it_was_written(commune: Commune) -> None:
    """With such marks a screen shows 12:30 where 03:21 is read out; they are gone before anybody approves."""
    text = "Họp lúc \u202e03:21\u202c, xóm \u2067Đông\u2069\u200f. \u061c"
    version = Version("en", text="At \u202e03:21\u202c.")
    draft = replace(
        commune.draft(_once(commune, hours=1), title="\u202dHọp\u202c"),
        text=text, card_text="Lúc \u202e03:21", versions=(version,),
    )  # fmt: skip
    bulletin = commune.bulletins.write(commune.editor, draft)
    with commune.database.reading() as session:
        row = session.get_one(Bulletin, bulletin)
        found = (row.title, row.text, row.card_text, row.versions[0]["text"])
    assert found == ("Họp", "Họp lúc 03:21, xóm Đông.", "Lúc 03:21", "At 03:21.")
    with pytest.raises(InvalidError, match="title is empty"):
        commune.bulletins.write(commune.editor, replace(draft, title="\u202e"))


def test_a_card_that_no_screen_can_show_is_refused_when_it_is_written(commune: Commune) -> None:
    for text, word in (("Chúc mừng năm mới 🎆", "🎆"), ("dài " * 400, "quá dài")):
        with pytest.raises(InvalidError) as raised:
            commune.bulletins.write(commune.editor, replace(commune.draft(None), card_text=text))
        assert word in raised.value.vi
