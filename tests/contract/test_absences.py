"""Absences: a deputy releases in the place of whoever is away, in that time and area, and nothing is passed on. On both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pyotp
import pytest
from sqlalchemy import select

from broadcaster.approvers import Unattended, unattended
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.people import Actor, Grant, Right, Role
from broadcaster.storage.models import AuditEntry, Bulletin, Release
from tests.commune import PASSWORD, Commune
from tests.contract.test_planning import _once


def _person(commune: Commune, name: str, role: Role, area: str | None = None) -> Actor:
    return commune.people.add(username=name, name=f"Ông {name}", role=role, password=PASSWORD, area=area)


def _again(commune: Commune, who: Actor) -> Actor:
    """As the next request of theirs sees them."""
    return commune.log_ins.recognise(commune.log_ins.log_in(who.username, PASSWORD)[0], address="192.0.2.7")


@pytest.fixture
def head(commune: Commune) -> Actor:
    """The village's approver."""
    return _person(commune, "truong-thon", Role.APPROVER, "thon-dong")


@pytest.fixture
def deputy(commune: Commune) -> Actor:
    return _person(commune, "pho-thon", Role.VIEWER, "thon-dong")


def _away(commune: Commune, head: Actor, deputy: str | None, **more: object) -> str:
    now = commune.clock.now()
    period = {"begins_at": now, "ends_at": now + timedelta(days=3)}
    return commune.absences.say(head, deputy=deputy, **{**period, **more})  # type: ignore[arg-type]  # one of its own parameters


def _village(commune: Commune, by: Actor | None = None, **after: float) -> tuple[str, str]:
    """A bulletin that waits for the village's release, and the hash of what is seen."""
    draft = commune.draft(_once(commune, **(after or {"days": 9})), areas=("thon-dong",))
    bulletin = commune.bulletins.write(by or commune.editor, draft)
    commune.speak(bulletin)
    commune.bulletins.submit(by or commune.editor, bulletin, revision=1)
    return bulletin, commune.releases.preview(commune.editor, bulletin)[1]


def test_a_deputy_releases_in_that_time_and_the_release_says_for_whom(
    commune: Commune, head: Actor, deputy: Actor
) -> None:
    bulletin, digest = _village(commune)
    later, digest_later = _village(commune)
    with pytest.raises(ForbiddenError):
        commune.releases.release(_again(commune, deputy), bulletin, content_sha256=digest)
    begins = commune.clock.now() + timedelta(hours=1)
    absence = _away(commune, head, deputy.id, begins_at=begins, reason="đi họp")
    assert not _again(commune, deputy).may(Right.RELEASE)
    commune.clock.move(hours=1)
    acting = _again(commune, deputy)
    assert acting.may(Right.RELEASE, "thon-dong")
    assert not acting.may(Right.RELEASE, "thon-doai")
    assert not acting.may(Right.EDIT)
    assert acting.role == Role.VIEWER
    release = commune.releases.release(acting, bulletin, content_sha256=digest)
    with commune.database.reading() as session:
        (stood_in,) = session.get_one(Release, release).in_place_of or []
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "bulletin-released")).one()
        said = session.scalars(select(AuditEntry).where(AuditEntry.action == "account-absence-noted")).one()
    assert stood_in["name"] == "Ông truong-thon"
    assert stood_in["absence"] == absence
    assert stood_in["begins_at"] == begins.isoformat()
    assert noted.details is not None
    assert noted.details["in_place_of"] == [stood_in]
    assert (noted.actor_id, said.reason, said.subject) == (deputy.id, "đi họp", head.id)
    commune.clock.instant = begins + timedelta(days=3)
    with pytest.raises(ForbiddenError):
        commune.releases.release(_again(commune, deputy), later, content_sha256=digest_later)


def test_what_is_ones_own_right_is_done_in_nobodys_place(commune: Commune, head: Actor) -> None:
    _away(commune, head, commune.approver.id)
    bulletin, digest = _village(commune)
    release = commune.releases.release(_again(commune, commune.approver), bulletin, content_sha256=digest)
    with commune.database.reading() as session:
        assert session.get_one(Release, release).in_place_of is None


def test_neither_the_author_nor_whoever_stands_in_for_the_author_releases(commune: Commune, head: Actor) -> None:
    lan = _person(commune, "lan", Role.EDITOR, "thon-dong")
    _away(commune, head, lan.id)
    own, digest = _village(commune, lan)
    with pytest.raises(ForbiddenError, match="author cannot"):
        commune.releases.release(_again(commune, lan), own, content_sha256=digest)
    heads, digest = _village(commune, head)
    with pytest.raises(ForbiddenError, match="stand in for the author"):
        commune.releases.release(_again(commune, lan), heads, content_sha256=digest)


def test_it_is_never_more_than_whoever_is_away_has_and_is_not_passed_on(
    commune: Commune, head: Actor, deputy: Actor
) -> None:
    third = _person(commune, "ba", Role.VIEWER, "thon-dong")
    _away(commune, head, deputy.id)
    acting = _again(commune, deputy)
    with pytest.raises(ForbiddenError, match="no right to release"):
        _away(commune, acting, third.id)
    with pytest.raises(ForbiddenError):
        commune.log_ins.make_token(acting, name="x", rights=[Right.RELEASE], days=1)
    program = commune.log_ins.make_token(acting, name="x", rights=[Right.READ], days=1)
    assert not commune.log_ins.recognise(program, address="").may(Right.RELEASE)
    admin = _person(commune, "quan-tri", Role.ADMINISTRATOR)
    commune.people.change(admin, head.id, name="X", grants=[Grant(Role.EDITOR, "thon-dong")], disabled=False)
    assert not _again(commune, deputy).may(Right.RELEASE)


def test_a_deputy_has_one_area_of_several(commune: Commune) -> None:
    both = _person(commune, "hai-thon", Role.APPROVER, "xa")
    deputy = _person(commune, "pho-thon", Role.VIEWER, "thon-dong")
    _away(commune, both, deputy.id, area="thon-dong")
    acting = _again(commune, deputy)
    assert acting.may(Right.RELEASE, "thon-dong")
    assert not acting.may(Right.RELEASE, "xa")
    for area in ("thon-doai", "sao-hoa"):
        with pytest.raises(InvalidError):
            _away(commune, _person(commune, f"nguoi-{area}", Role.APPROVER, "thon-dong"), None, area=area)


def test_nobody_is_their_own_deputy_and_no_circle_comes_about(commune: Commune, head: Actor, deputy: Actor) -> None:
    second = _person(commune, "hai", Role.APPROVER, "thon-dong")
    third = _person(commune, "ba", Role.APPROVER, "thon-dong")
    with pytest.raises(InvalidError, match="own deputy"):
        _away(commune, head, head.id)
    with pytest.raises(InvalidError, match="role in that area"):
        _away(commune, head, _person(commune, "nguoi-ngoai", Role.VIEWER, "thon-doai").id)
    _away(commune, head, second.id)
    with pytest.raises(ConflictError, match="away in that time"):
        _away(commune, second, head.id)
    _away(commune, second, third.id)
    with pytest.raises(ConflictError, match="away in that time"):
        _away(commune, third, head.id)
    with pytest.raises(ConflictError, match="already"):
        _away(commune, head, deputy.id)
    after = commune.clock.now() + timedelta(days=3)
    _away(commune, third, head.id, begins_at=after, ends_at=after + timedelta(days=1))


def test_an_administrator_says_and_ends_it_for_another_and_nobody_else(
    commune: Commune, head: Actor, deputy: Actor
) -> None:
    admin = _person(commune, "quan-tri-thon", Role.ADMINISTRATOR, "thon-dong")
    elsewhere = _person(commune, "quan-tri-doai", Role.ADMINISTRATOR, "thon-doai")
    for other in (commune.editor, commune.approver, elsewhere):
        with pytest.raises(ForbiddenError):
            _away(commune, other, deputy.id, person=head.id)
    absence = _away(commune, admin, deputy.id, person=head.id)
    assert [each.row.id for each in commune.absences.seen_by(_again(commune, commune.editor))] == [absence]
    assert commune.absences.seen_by(elsewhere) == []
    for other in (deputy, elsewhere):
        with pytest.raises(ForbiddenError):
            commune.absences.end(other, absence)
    commune.absences.end(admin, absence)
    commune.absences.end(head, absence)
    assert not _again(commune, deputy).may(Right.RELEASE)
    assert commune.absences.coming(head.id) == []
    with pytest.raises(NotFoundError):
        commune.absences.end(admin, "không có")
    now = commune.clock.now()
    for begins, ends in (
        (now, now),
        (now, now + timedelta(days=367)),
        (now + timedelta(days=367), now + timedelta(days=368)),
        (datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=timezone(-timedelta(hours=12)))),
    ):
        with pytest.raises(InvalidError, match="lasts at most"):
            _away(commune, head, None, begins_at=begins, ends_at=ends)


def test_both_give_a_code_if_they_have_them(commune: Commune, head: Actor, deputy: Actor) -> None:
    _away(commune, head, deputy.id)
    secret, _ = commune.log_ins.begin_codes(deputy)
    commune.log_ins.confirm_codes(deputy, pyotp.TOTP(secret).at(commune.clock.now()))
    commune.clock.move(minutes=1)
    code = pyotp.TOTP(secret).at(commune.clock.now())
    token, _, _ = commune.log_ins.log_in(deputy.username, PASSWORD, code=code)
    commune.clock.move(minutes=6)
    bulletin, digest = _village(commune)
    acting = commune.log_ins.recognise(token, address="")
    with pytest.raises(ForbiddenError) as wanted:
        commune.releases.release(acting, bulletin, content_sha256=digest)
    assert wanted.value.details["proof"] == "totp"
    commune.log_ins.prove(token, acting, pyotp.TOTP(secret).at(commune.clock.now()))
    commune.releases.release(commune.log_ins.recognise(token, address=""), bulletin, content_sha256=digest)


def test_an_editor_is_told_where_nobody_can_release_in_time(commune: Commune, head: Actor, deputy: Actor) -> None:
    bulletin, _ = _village(commune, commune.approver, days=2)  # hoa wrote it: the village's head is left
    later, _ = _village(commune, commune.approver, days=4)

    def told(bulletin: str) -> Unattended | None:
        now = commune.clock.now()
        with commune.database.reading() as session:
            return unattended(session, session.get_one(Bulletin, bulletin), now=now, today=now.date())

    assert told(bulletin) is None
    absence = _away(commune, head, None)
    assert told(bulletin) == Unattended(away=("Ông truong-thon",))
    assert told(later) is None  # back the day before
    commune.absences.end(head, absence)
    assert told(bulletin) is None
    with_deputy = _away(commune, head, deputy.id)
    assert told(bulletin) is None
    commune.absences.end(head, with_deputy)
    admin = _person(commune, "quan-tri", Role.ADMINISTRATOR)
    commune.people.change(admin, head.id, name="X", grants=[Grant(Role.EDITOR, "thon-dong")], disabled=False)
    assert told(bulletin) == Unattended(away=())
