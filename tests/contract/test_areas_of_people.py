"""Roles bound to areas: who may act where, before, on and after the day of a merger. On both databases."""

from datetime import timedelta

import pytest

from broadcaster.errors import ForbiddenError
from broadcaster.people import Actor, Grant, Right, Role
from broadcaster.reach import common, reach_of
from broadcaster.reorganisation.effects import Ending, Move, NewArea, ReorganisationPlan
from broadcaster.reorganisation.plans import find
from broadcaster.storage.models import Bulletin
from broadcaster.targets import Targets
from broadcaster.whereabouts import areas_of
from tests.commune import PASSWORD, Commune
from tests.contract.test_planning import _once


def _person(commune: Commune, name: str, role: Role, area: str | None) -> Actor:
    commune.people.add(username=name, name=name, role=role, password=PASSWORD, area=area)
    return commune.log_ins.recognise(commune.log_ins.log_in(name, PASSWORD)[0], address="")


def test_a_role_holds_in_its_area_and_below(commune: Commune) -> None:
    lan = _person(commune, "lan", Role.EDITOR, "xa")
    assert lan.within() == {"xa", "thon-dong", "thon-doai"}
    assert lan.sees() == {"tinh", "xa", "thon-dong", "thon-doai"}
    for areas, allowed in (
        (("thon-dong", "xa"), True),
        (("tinh",), False),
        (("xa", "tinh"), False),
        ((None,), False),
        ((), True),
    ):
        assert lan.may(Right.EDIT, *areas) is allowed, areas
    assert not lan.may(Right.RELEASE, "xa")


def test_two_roles_in_two_areas_do_not_mix(commune: Commune) -> None:
    admin = _person(commune, "quan-tri", Role.ADMINISTRATOR, None)
    grants = [Grant(Role.EDITOR, "thon-dong"), Grant(Role.OPERATOR, "thon-doai")]
    made, password = commune.people.invite(admin, username="lan", name="Lan", grants=grants)
    commune.people.change_password(made, old=password, new=PASSWORD)
    lan = commune.log_ins.recognise(commune.log_ins.log_in("lan", PASSWORD)[0], address="")
    assert lan.may(Right.EDIT, "thon-dong")
    assert lan.may(Right.OPERATE, "thon-doai")
    assert not lan.may(Right.EDIT, "thon-doai")
    assert not lan.may(Right.OPERATE, "thon-dong")
    assert lan.may(Right.READ, "thon-dong", "thon-doai")


def test_a_bulletin_lies_where_it_is_heard_and_whose_it_is(commune: Commune) -> None:
    lan = _person(commune, "lan", Role.EDITOR, "thon-dong")
    village = commune.bulletins.write(lan, commune.draft(_once(commune, hours=1), areas=("thon-dong",)))
    with pytest.raises(ForbiddenError):
        commune.bulletins.write(lan, commune.draft(_once(commune, hours=1), areas=("xa",)))
    with pytest.raises(ForbiddenError):
        commune.bulletins.edit(lan, village, commune.draft(_once(commune, hours=1), areas=("thon-doai",)), revision=1)
    with commune.database.reading() as session:
        assert areas_of(session, session.get_one(Bulletin, village)) == {"thon-dong"}
    # What the station's editor wrote for the village is released there, and not edited.
    above = commune.written(_once(commune, hours=1), areas=("thon-dong",))  # type: ignore[arg-type]  # content of the draft
    with pytest.raises(ForbiddenError):
        commune.bulletins.withdraw(lan, above, "không phải của tôi")
    head = _person(commune, "truong-thon", Role.APPROVER, "thon-dong")
    other = _person(commune, "thon-ben", Role.APPROVER, "thon-doai")
    _, digest = commune.releases.preview(head, above)
    with pytest.raises(ForbiddenError):
        commune.releases.preview(other, above)
    with pytest.raises(ForbiddenError):
        commune.releases.release(other, above, content_sha256=digest)
    commune.releases.release(head, above, content_sha256=digest)


def test_a_group_or_a_receiver_is_no_way_around(commune: Commune) -> None:
    lan = _person(commune, "lan", Role.EDITOR, "thon-dong")
    group = commune.groups.save(commune.operator, name="Cả xã", targets=Targets(areas=("xa",)))
    draft = commune.draft(_once(commune, hours=1))
    rule = draft.plan[0][0]
    for targets in (Targets(groups=(group,)), Targets(receivers=("loa-doai",))):
        with pytest.raises(ForbiddenError):
            commune.bulletins.write(lan, commune.draft(None).__class__(**{**vars(draft), "plan": ((rule, targets),)}))
    operator = _person(commune, "trong", Role.OPERATOR, "thon-dong")
    with pytest.raises(ForbiddenError):
        commune.groups.save(operator, name="Thôn tôi", targets=Targets(areas=("thon-dong",)), group=group)


def test_a_stop_without_targets_is_all_that_its_operator_serves(commune: Commune) -> None:
    operator = _person(commune, "trong", Role.OPERATOR, "thon-dong")
    commune.stops.issue(operator, None, reason="sự cố", lasts=timedelta(hours=1))
    assert [row.audience["areas"] for row in commune.stops.standing(operator)] == [["thon-dong"]]
    whole = commune.stops.issue(commune.operator, None, reason="sự cố", lasts=timedelta(hours=1))
    assert len(commune.stops.standing(operator)) == 2  # it is silent there too
    with pytest.raises(ForbiddenError):
        commune.stops.lift(operator, whole, reason="mở lại")


def test_an_administrator_makes_people_of_the_own_area_only(commune: Commune) -> None:
    admin = _person(commune, "quan-tri-xa", Role.ADMINISTRATOR, "xa")
    made, _ = commune.people.invite(admin, username="lan", name="Lan", grants=[Grant(Role.EDITOR, "thon-dong")])
    assert [person.username for person, _ in commune.people.all(admin)] == ["lan", "quan-tri-xa"]
    for grants in ([Grant(Role.EDITOR, "tinh")], [Grant(Role.EDITOR)], [Grant(Role.EDITOR, "xa"), Grant(Role.VIEWER)]):
        with pytest.raises(ForbiddenError):
            commune.people.invite(admin, username="moi", name="Mới", grants=grants)
        with pytest.raises(ForbiddenError):
            commune.people.change(admin, made.id, name="Lan", grants=grants, disabled=False)
    for refused in (
        lambda: commune.people.reset_password(admin, "mai"),
        lambda: commune.people.change(admin, "mai", name="Mai", grants=[Grant(Role.VIEWER, "xa")], disabled=True),
    ):
        with pytest.raises(ForbiddenError):
            refused()


def test_a_token_reaches_no_further_than_its_area_and_its_owner(commune: Commune) -> None:
    operator = _person(commune, "trong", Role.OPERATOR, "xa")
    token = commune.log_ins.make_token(
        operator, name="đèn", rights=[Right.READ, Right.OPERATE], days=1, area="thon-dong"
    )
    program = commune.log_ins.recognise(token, address="")
    assert program.within() == {"thon-dong"}
    assert program.may(Right.OPERATE, "thon-dong")
    assert not program.may(Right.OPERATE, "xa")
    with pytest.raises(ForbiddenError):
        commune.log_ins.make_token(operator, name="x", rights=[Right.READ], days=1, area="tinh")
    for refused in (
        lambda: commune.log_ins.begin_codes(program),
        lambda: commune.log_ins.revoke_token(program, "x"),
        lambda: commune.people.change_password(program, old=PASSWORD, new="một mật khẩu khác"),
    ):
        with pytest.raises(ForbiddenError):
            refused()


def test_a_merger_takes_nothing_from_those_who_serve_and_gives_nothing(commune: Commune) -> None:
    lan = _person(commune, "lan", Role.EDITOR, "xa")
    local = _person(commune, "trong", Role.OPERATOR, "xa")
    day = commune.clock.now().date() + timedelta(days=10)
    plan = ReorganisationPlan(
        title="Sáp nhập",
        day=day,
        areas=(NewArea(id="xa-moi", name="Xã Mới", kind="commune", parent="tinh"),),
        endings=(Ending(area="xa", into=("xa-moi",)),),
        moves=(Move(area="thon-dong", to="xa-moi"), Move(area="thon-doai", to="xa-moi")),
    )
    with pytest.raises(ForbiddenError):
        commune.reorganisations.plan(local, plan)
    made = commune.reorganisations.plan(commune.operator, plan)
    _, digest = commune.reorganisations.preview(commune.approver, made)
    commune.reorganisations.approve(commune.approver, made, preview_sha256=digest)
    commune.clock.move(days=11)
    with commune.database.reading() as session:
        assert find(session, made).state == "approved"
        today = commune.clock.now().date()
        assert reach_of(session, "xa", today).under == {"xa", "thon-dong", "thon-doai"}
        assert reach_of(session, "xa-moi", today).under == {"xa-moi", "thon-dong", "thon-doai"}
        assert common(session, ["thon-dong", "thon-doai"], today) == "xa-moi"
        assert common(session, ["thon-dong", None], today) is None
    again = commune.log_ins.recognise(commune.log_ins.log_in("lan", PASSWORD)[0], address="")
    assert again.may(Right.EDIT, "thon-dong")
    assert not again.may(Right.EDIT, "xa-moi")
    assert lan.id == again.id
    # Whoever serves the commune that has ended stops at once what they serve of it.
    local = commune.log_ins.recognise(commune.log_ins.log_in("trong", PASSWORD)[0], address="")
    assert local.homes(Right.OPERATE) == ("thon-doai", "thon-dong")
    commune.stops.issue(local, None, reason="sự cố", lasts=timedelta(hours=1))
    assert [row.audience["areas"] for row in commune.stops.standing(local)] == [["thon-doai", "thon-dong"]]
