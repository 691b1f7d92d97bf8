"""Settling readings, and the gates of quality. On SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest

from audio.script import read
from broadcaster.bulletins import Draft
from broadcaster.errors import ConflictError, InvalidError, NotFoundError
from broadcaster.readings import Choice
from broadcaster.releases import find
from broadcaster.storage.models import AreaSound, Bulletin
from schedules.rules import Once
from tests.commune import Commune

TEXT = "Gửi QXZK báo cáo theo 57-NQ/T."
FAULT = {"fault": "loudness", "vi": "Độ to sai.", "en": "The loudness is wrong."}


def _draft(commune: Commune, text: str = TEXT) -> Draft:
    given = commune.draft(Once(at=commune.clock.now() + timedelta(hours=1)))
    return type(given)(**{**vars(given), "text": text, "title": "Thông báo"})


def _proposed(written: str) -> str:
    return next(token.reading for token in read(TEXT).tokens if token.text == written)


def _uncertain(commune: Commune) -> str:
    """A bulletin whose clip has two uncertain readings, as the rendering reports them."""
    bulletin = commune.bulletins.write(commune.editor, _draft(commune))
    doubts = [{"text": text, "reading": _proposed(text)} for text in ("QXZK", "57-NQ/T")]
    commune.speak(bulletin, *({"fault": "uncertain_reading", "vi": "v", "en": "e", **doubt} for doubt in doubts))
    with commune.database.writing() as session:
        row = find(session, bulletin)
        row.quality = {**(row.quality or {}), "uncertain": doubts}
    return bulletin


def _row(commune: Commune, bulletin: str) -> Bulletin:
    with commune.database.reading() as session:
        return find(session, bulletin)


def test_a_clip_with_a_fault_is_neither_submitted_nor_released(commune: Commune) -> None:
    bulletin = commune.bulletins.write(commune.editor, _draft(commune))
    commune.speak(bulletin, FAULT)
    with pytest.raises(ConflictError, match="loudness is wrong") as refused:
        commune.bulletins.submit(commune.editor, bulletin, revision=1)
    assert refused.value.details["faults"] == [FAULT]
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=1)
    commune.speak(bulletin, FAULT)  # as after a change of the lexicon while it waited for the approver
    _, digest = commune.releases.preview(commune.approver, bulletin)
    with pytest.raises(ConflictError, match="does not pass"):
        commune.releases.release(commune.approver, bulletin, content_sha256=digest)


def test_confirming_lets_it_pass_with_the_same_clip_and_is_bound(commune: Commune) -> None:
    bulletin = _uncertain(commune)
    clip = _row(commune, bulletin).clip_sha256
    with pytest.raises(ConflictError, match="does not pass"):
        commune.bulletins.submit(commune.editor, bulletin, revision=1)
    choices = [Choice(text, _proposed(text)) for text in ("QXZK", "57-NQ/T")]
    commune.readings.settle(commune.editor, bulletin, choices, revision=1)
    row = _row(commune, bulletin)
    assert (row.revision, row.rendering, row.clip_sha256) == (2, "done", clip)
    assert row.quality == {"uncertain": [], "faults": []}
    commune.bulletins.submit(commune.editor, bulletin, revision=2)
    content, digest = commune.releases.preview(commune.approver, bulletin)
    assert {(one["written"], one["reading"], one["person"]) for one in content["readings"]} == {
        ("QXZK", _proposed("QXZK"), "mai"),
        ("57-NQ/T", _proposed("57-NQ/T"), "mai"),
    }
    commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    with pytest.raises(ConflictError, match="its readings stand"):
        commune.readings.settle(commune.editor, bulletin, choices[:1], revision=2)


def test_another_reading_makes_another_clip_and_survives_edits_of_other_words(commune: Commune) -> None:
    bulletin = _uncertain(commune)
    chosen = Choice("57-NQ/T", _proposed("57-NQ/T"), reading="Năm mươi bảy của Trung ương")
    commune.readings.settle(commune.editor, bulletin, [chosen], revision=1)
    assert _row(commune, bulletin).rendering == "pending"
    commune.bulletins.edit(commune.editor, bulletin, _draft(commune, TEXT + " Xin cảm ơn."), revision=2)
    with commune.database.reading() as session:
        speech = commune.speaking.of(session, find(session, bulletin))
    said = read(TEXT, speech.lexicon)
    assert "năm mươi bảy của trung ương" in said.plain()
    assert [token.text for token in said.uncertain] == ["QXZK"]
    commune.readings.settle(commune.editor, bulletin, [Choice("QXZK", _proposed("QXZK"), spelled=True)], revision=3)
    commune.speak(bulletin)
    kept = Choice("57-NQ/T", _proposed("57-NQ/T"), reading="năm mươi bảy của trung ương")
    commune.readings.settle(commune.approver, bulletin, [kept], revision=4)
    row = _row(commune, bulletin)
    assert (row.rendering, row.author_id) == ("done", "hoa")  # the same again; and whoever settles cannot release
    history = commune.readings.of(commune.editor, bulletin)
    assert [(one.written, one.person_id, one.ended_by) for one in history if one.written == "57-NQ/T"] in (
        [("57-NQ/T", "hoa", None), ("57-NQ/T", "mai", "hoa")],
        [("57-NQ/T", "mai", "hoa"), ("57-NQ/T", "hoa", None)],
    )


def test_for_the_commune_it_goes_into_the_lexicon(commune: Commune) -> None:
    bulletin = _uncertain(commune)
    other = commune.bulletins.write(commune.editor, _draft(commune, "Cũng gửi QXZK."))
    commune.speak(other)
    commune.readings.settle(commune.editor, bulletin, [Choice("QXZK", _proposed("QXZK"))], revision=1)
    taught = Choice("QXZK", _proposed("QXZK"), reading="quỹ xóa nghèo", area="xa")
    anew = commune.readings.settle(commune.editor, bulletin, [taught], revision=2)
    assert [mention.id for mention in anew] == [other]
    assert (_row(commune, bulletin).rendering, _row(commune, other).rendering) == ("pending", "pending")
    with commune.database.reading() as session:
        speech = commune.speaking.of(session, find(session, bulletin))
    assert "quỹ xóa nghèo" in read(TEXT, speech.lexicon).plain()
    assert speech.lexicon.settled == ()
    elsewhere = Choice("57-NQ/T", _proposed("57-NQ/T"), area="thon-dong")
    with pytest.raises(InvalidError, match="does not lie within"):
        commune.readings.settle(commune.editor, bulletin, [elsewhere], revision=3)
    # Nothing is half-done: the village has only what it has from above.
    assert [row.written for row in commune.lexicons.of(commune.editor, "thon-dong")[1]] == ["QXZK"]


def test_a_confirmation_does_not_vouch_for_a_clip_that_is_out_of_date(commune: Commune) -> None:
    bulletin = _uncertain(commune)
    with commune.database.writing() as session:  # as on the day of a merger
        session.add(AreaSound(area_id="xa", sound={"pitch": 60}, person_id="mai", changed_at=commune.clock.now()))
    commune.readings.settle(commune.editor, bulletin, [Choice("QXZK", _proposed("QXZK"))], revision=1)
    assert _row(commune, bulletin).rendering == "pending"


def test_what_cannot_be_settled_says_why(commune: Commune) -> None:
    bulletin = _uncertain(commune)
    for choice, said in (
        (Choice("QXZK", "cách đọc khác"), "has no 'QXZK'"),
        (Choice("không có", "không có"), "has no"),
        (Choice("QXZK", _proposed("QXZK"), reading="facebook"), "facebook"),
        (Choice("QXZK", _proposed("QXZK"), reading=" "), "empty"),
    ):
        with pytest.raises(InvalidError, match=said):
            commune.readings.settle(commune.editor, bulletin, [choice], revision=1)
    with pytest.raises(ConflictError, match="revision 1"):
        commune.readings.settle(commune.editor, bulletin, [Choice("QXZK", _proposed("QXZK"))], revision=7)
    assert commune.readings.of(commune.editor, bulletin) == []
    assert _row(commune, bulletin).revision == 1


def test_a_decision_can_be_taken_back(commune: Commune) -> None:
    bulletin = _uncertain(commune)
    commune.readings.settle(commune.editor, bulletin, [Choice("QXZK", _proposed("QXZK"))], revision=1)
    (standing,) = commune.readings.of(commune.editor, bulletin)
    commune.readings.reopen(commune.editor, bulletin, standing.id, revision=2)
    assert _row(commune, bulletin).rendering == "pending"
    with pytest.raises(NotFoundError):
        commune.readings.reopen(commune.editor, bulletin, standing.id, revision=3)


def test_settling_what_was_submitted_makes_it_a_draft_again(commune: Commune) -> None:
    bulletin = commune.bulletins.write(commune.editor, _draft(commune))
    commune.speak(bulletin)
    commune.bulletins.submit(commune.editor, bulletin, revision=1)
    _, digest = commune.releases.preview(commune.approver, bulletin)
    commune.readings.settle(commune.editor, bulletin, [Choice("QXZK", _proposed("QXZK"))], revision=1)
    with pytest.raises(ConflictError):
        commune.releases.release(commune.approver, bulletin, content_sha256=digest)
    assert _row(commune, bulletin).state == "draft"
