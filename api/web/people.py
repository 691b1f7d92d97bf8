"""Accounts: who may log in and what they may do; made, changed and reset by administrators."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated, Any

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep
from api.problems import page_language
from api.web import page as pages
from api.web.absences import Standing
from api.web.area_tree import AreaTree, tree_of
from api.web.fields import SureDep, require_sure
from api.web.meanwhile import SeenDep, carried, changed_of
from api.web.step_up import asks_code, proved
from api.web.words import words
from broadcaster.absences import Away
from broadcaster.accounts import state_of
from broadcaster.errors import BroadcasterError, InvalidError, NotFoundError
from broadcaster.letters import plain
from broadcaster.people import RIGHTS, Actor, Grant, Right, Role, grant_rows
from broadcaster.station import Station
from broadcaster.storage.models import Person

router = pages.router()


@dataclass(frozen=True)
class Typed:
    """What stands in the form of an account; each role with its area, none for the whole station."""

    name: str
    grants: list[tuple[str, str]]
    disabled: bool


Account = tuple[Person, tuple[Grant, ...]]
ROWS = 200
"""At most so many accounts are drawn."""
CodeDep = Annotated[str, Form(max_length=20)]
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


@router.get("/people")
def everybody(request: Request, station: StationDep, actor: ActorDep, q: str = "") -> Response:
    """Every account, or those whose name, user name or area has what is looked for."""
    people, tree = station.people.all(actor), tree_of(station)
    wanted = plain(q)

    def said(person: Person, grants: Sequence[Grant]) -> str:
        return " · ".join((person.name, person.username, *(tree.said(grant.area) for grant in grants if grant.area)))

    found = [(person, grants) for person, grants in people if wanted in plain(said(person, grants))]
    away: dict[str, list[Away]] = {}
    for each in station.absences.coming():
        away.setdefault(each.row.person_id, []).append(each)
    return pages.page(
        request,
        "people.html",
        actor=actor,
        tree=tree,
        people=found[:ROWS],
        found=len(found),
        all=len(people),
        q=q,
        away=away,
    )


@router.get("/people/new")
def new(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """The form of a new account."""
    actor.need(Right.ADMINISTER)
    return _form(request, station, actor, {})


@router.post("/people/new")
def invite(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    username: Annotated[str, Form(max_length=100)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    area: Annotated[str, Form(max_length=64)] = "",
    code: CodeDep = "",
) -> Response:
    """Make an account; its first password is shown this once."""
    username = username.strip().lower()
    try:
        if not USERNAME.fullmatch(username):
            raise InvalidError(
                "Tên đăng nhập gồm 2 – 64 chữ không dấu, số, dấu chấm, gạch nối; bắt đầu bằng chữ hoặc số.",
                "A user name has 2 – 64 letters without diacritics, digits, dots and hyphens; it begins with a letter or digit.",
                field="username",
            )
        grants = _grants([role], [area])
        actor = proved(station, actor, token, code, address=address)
        made, password = station.people.invite(actor, username=username, name=_name(name), grants=grants)
    except BroadcasterError as error:
        typed = {"username": username, "name": name, "role": role, "area": area}
        return _form(request, station, actor, typed, problem=error)
    return _password(request, actor, name=made.name, username=made.username, password=password)


@router.get("/people/{person_id}")
def one(request: Request, station: StationDep, actor: ActorDep, person_id: str) -> Response:
    """One account."""
    return _one(request, station, actor, _find(station, actor, person_id))


@router.post("/people/{person_id}")
def change(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    person_id: str,
    name: Annotated[str, Form(max_length=200)] = "",
    roles: Annotated[list[str], Form(default_factory=list)],
    areas: Annotated[list[str], Form(default_factory=list)],
    disabled: Annotated[str, Form(max_length=3)] = "",
    seen: SeenDep = "",
    code: CodeDep = "",
) -> Response:
    """Set name and roles, or disable the account."""
    account = _find(station, actor, person_id)
    try:
        given = _grants(roles, areas)
        actor = proved(station, actor, token, code, address=address)
        station.people.change(actor, person_id, name=_name(name), grants=given, disabled=bool(disabled), seen=seen)
    except BroadcasterError as error:
        typed = Typed(name, [pair for pair in zip(roles, areas, strict=False) if pair[0]], bool(disabled))
        account = _find(station, actor, person_id)  # as it is by now
        return _one(request, station, actor, account, typed, problem=error, seen=seen)
    gone = person_id == actor.id and not any(Right.ADMINISTER in grant.rights for grant in given)
    return RedirectResponse(f"{'/me' if gone else f'/people/{person_id}'}?done=person_saved", 303)


@router.post("/people/{person_id}/password")
def reset(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    person_id: str,
    sure: SureDep = "",
    code: CodeDep = "",
) -> Response:
    """Give a new password, shown this once."""
    account = _find(station, actor, person_id)
    try:
        require_sure(sure)
        actor = proved(station, actor, token, code, address=address)
        password = station.people.reset_password(actor, person_id)
    except BroadcasterError as error:
        return _one(request, station, actor, account, problem=error)
    return _password(request, actor, name=account[0].name, username=account[0].username, password=password)


def _find(station: Station, actor: Actor, person_id: str) -> Account:
    found = next((each for each in station.people.all(actor) if each[0].id == person_id), None)
    if found is None:
        with station.database.reading() as session:
            actor.need(Right.ADMINISTER, *(row.area_id for row in grant_rows(session, person_id)))
        raise NotFoundError(
            "Không có người này. Chọn trong danh sách.", "There is no such person. Choose from the list."
        )
    return found


def _name(text: str) -> str:
    if not text.strip():
        raise InvalidError("Nhập họ và tên.", "Enter the person's name.", field="name")
    return text.strip()


def _grants(roles: Sequence[str], areas: Sequence[str]) -> list[Grant]:
    """Roles with the area of each, row by row; a row without a role is none. Raises InvalidError."""
    rows = [(role, area) for role, area in zip_longest(roles, areas, fillvalue="") if role]
    if not rows or any(role not in list(Role) for role, _ in rows):
        raise InvalidError("Chọn một vai trò.", "Choose a role.", field="role")
    return list(dict.fromkeys(Grant(Role(role), area or None) for role, area in rows))


def _places(station: Station, actor: Actor) -> list[tuple[str, str]]:
    """The areas in which this administrator gives roles."""
    return tree_of(station).options(actor.within(Right.ADMINISTER))


def _form(
    request: Request,
    station: Station,
    actor: Actor,
    typed: Mapping[str, str],
    *,
    problem: BroadcasterError | None = None,
) -> Response:
    return pages.page(
        request,
        "person_new.html",
        actor=actor,
        typed=typed,
        roles=RIGHTS,
        places=_places(station, actor),
        everywhere=actor.within(Right.ADMINISTER) is None,
        asks_code=asks_code(actor, problem),
        problem=problem,
    )


def _one(
    request: Request,
    station: Station,
    actor: Actor,
    account: Account,
    typed: Typed | None = None,
    *,
    problem: BroadcasterError | None = None,
    seen: str = "",
) -> Response:
    person, grants = account
    tree, said = tree_of(station), words(page_language(request))
    held = [(str(grant.role), grant.area or "") for grant in grants]
    return pages.page(
        request,
        "person.html",
        actor=actor,
        person=person,
        tree=tree,
        standing=Standing.of(station, person.id),
        releases=any(Right.RELEASE in grant.rights for grant in grants),
        typed=typed or Typed(person.name, held, person.disabled_at is not None),
        roles=RIGHTS,
        places=_places(station, actor),
        everywhere=actor.within(Right.ADMINISTER) is None,
        asks_code=asks_code(actor, problem),
        problem=problem,
        seen=carried(seen, problem, state_of(person, grants)),
        changed=[
            (_LABELS[name], *(_said(tree, said, each) for each in pair)) for name, pair in changed_of(problem).items()
        ],
    )


_LABELS = {"name": "person_name", "roles": "person_role", "disabled": "person_disable"}


def _said(tree: AreaTree, said: Mapping[str, str], value: Any) -> str:
    """A name, whether something is, or roles with their areas."""
    if isinstance(value, list):
        roles = [(said[f"role_{each['role']}"], each["area"]) for each in value]
        return ", ".join(f"{role} ({tree.said(area)})" if area else role for role, area in roles)
    return said["changed_yes" if value else "changed_no"] if isinstance(value, bool) else str(value or "")


def _password(request: Request, actor: Actor, *, name: str, username: str, password: str) -> Response:
    return pages.page(request, "person_password.html", actor=actor, name=name, username=username, password=password)
