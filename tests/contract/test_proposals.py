"""Readings that are proposed for an area above. On SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.people import Actor, Grant, Role
from broadcaster.reach import reach_of
from broadcaster.readings import Choice
from broadcaster.storage.models import AuditEntry, Bulletin
from schedules.rules import Once
from tests.commune import Commune
from tests.contract.test_readings import TEXT, _proposed


def _editor(commune: Commune, area: str) -> Actor:
    """An editor of an area; an administrator would have made them."""
    made = commune._person(f"bien-tap-{area}", Role.EDITOR)
    with commune.database.reading() as session:
        grant = Grant(Role.EDITOR, area, reach_of(session, area, commune.clock.now().date()))
    return Actor(made.id, made.username, made.name, (grant,))


def _waiting(commune: Commune, by: Actor, areas: tuple[str, ...]) -> str:
    given = commune.draft(Once(at=commune.clock.now() + timedelta(hours=1)), areas=areas)
    draft = type(given)(**{**vars(given), "text": TEXT, "title": "Thông báo"})
    made = commune.bulletins.write(by, draft)
    commune.speak(made)
    return made


def _rendering(commune: Commune, bulletin: str) -> str:
    with commune.database.reading() as session:
        return session.get_one(Bulletin, bulletin).rendering


def test_what_is_proposed_holds_here_and_above_once_it_is_accepted(commune: Commune) -> None:
    village, commune_editor = _editor(commune, "thon-dong"), _editor(commune, "xa")
    own = _waiting(commune, village, ("thon-dong",))
    other = _waiting(commune, commune_editor, ("thon-doai",))
    choice = Choice("QXZK", _proposed("QXZK"), "quy xê dét ca", propose="xa")
    commune.readings.settle(village, own, [choice], revision=1)
    assert [row.reading for row in commune.readings.of(village, own)] == ["quy xê dét ca"]
    assert commune.readings.outstanding(village, own, [choice]) == []
    assert commune.lexicons.of(village, "xa")[1] == []
    ((waiting, name),) = commune.proposals.waiting(village, "xa")
    assert (waiting.written, waiting.reading, waiting.bulletin_id, name) == ("QXZK", "quy xê dét ca", own, village.name)
    commune.proposals.make(village, "xa", written="QXZK", reading="quy xê dét ca")
    assert len(commune.proposals.waiting(village, "xa")) == 1, "it is put once"
    for refused in (commune.proposals.accept, commune.proposals.decline):
        with pytest.raises(ForbiddenError):
            refused(village, waiting.id, reason="tự nhận")  # type: ignore[operator]  # both are methods
    assert _rendering(commune, other) == "done"
    _, change = commune.proposals.accept(commune_editor, waiting.id, reason="như đài tỉnh")
    assert other in {mention.id for mention in change.anew}
    assert _rendering(commune, other) == "pending"
    (entry,) = commune.lexicons.of(village, "xa")[1]
    assert (entry.reading, entry.person_id, entry.note) == ("quy xê dét ca", commune_editor.id, "như đài tỉnh")
    assert commune.proposals.waiting(village, "xa") == []
    with pytest.raises(ConflictError):
        commune.proposals.decline(commune_editor, waiting.id, reason="thôi")
    with commune.database.reading() as session:
        noted = session.scalars(
            select(AuditEntry).where(AuditEntry.action.startswith("lexicon")).order_by(AuditEntry.seq)
        )
        said = [(row.action, row.actor_id, row.reason) for row in noted]
    assert ("lexicon-proposed", village.id, None) in said
    assert ("lexicon-proposal-accepted", commune_editor.id, "như đài tỉnh") in said
    assert any(action == "lexicon-changed" for action, _, _ in said)


def test_it_is_declined_with_a_reason_and_the_lexicon_stays(commune: Commune) -> None:
    village, commune_editor = _editor(commune, "thon-dong"), _editor(commune, "xa")
    commune.proposals.make(village, "xa", written="OCOP", reading=None)
    ((waiting, _),) = commune.proposals.waiting(village, "xa")
    with pytest.raises(InvalidError):
        commune.proposals.decline(commune_editor, waiting.id, reason=" ")
    declined = commune.proposals.decline(commune_editor, waiting.id, reason="đọc là ốc cốp")
    assert (declined.decision, declined.reason) == ("declined", "đọc là ốc cốp")
    assert commune.lexicons.of(village, "xa")[1] == []
    with pytest.raises(NotFoundError):
        commune.proposals.accept(commune_editor, "không có")


def test_only_what_can_be_an_entry_of_an_area_that_the_bulletin_lies_in_is_proposed(commune: Commune) -> None:
    village = _editor(commune, "thon-dong")
    bulletin = _waiting(commune, village, ("thon-dong",))
    for wrong in (
        Choice("QXZK", _proposed("QXZK"), "quy xê", propose="thon-doai"),
        Choice("QXZK", _proposed("QXZK"), "xkcd", propose="xa"),
    ):
        with pytest.raises(InvalidError):
            commune.readings.settle(village, bulletin, [wrong], revision=1)
    with pytest.raises(InvalidError):
        commune.proposals.make(village, "xa", written="12", reading="mười hai")
    with pytest.raises(NotFoundError):
        commune.proposals.make(village, "sao-hoa", written="OCOP", reading="ốc cốp")
    with pytest.raises(ForbiddenError):
        commune.proposals.make(commune.operator, "xa", written="OCOP", reading="ốc cốp")
