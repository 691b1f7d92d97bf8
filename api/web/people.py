"""Accounts: who may log in and what they may do; made, changed and reset by administrators."""

import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.area_tree import plain
from broadcaster.errors import BroadcasterError, InvalidError, NotFoundError
from broadcaster.people import RIGHTS, Actor, Right, Role
from broadcaster.station import Station
from broadcaster.storage.models import Person

router = pages.router()
USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


@router.get("/people")
def everybody(request: Request, station: StationDep, actor: ActorDep, q: str = "") -> Response:
    """Every account."""
    people = station.people.all(actor)
    wanted = plain(q)
    found = [person for person in people if wanted in plain(f"{person.name} {person.username}")]
    return pages.page(request, "people.html", actor=actor, people=found, all=len(people), q=q)


@router.get("/people/new")
def new(request: Request, actor: ActorDep) -> Response:
    """The form of a new account."""
    actor.need(Right.ADMINISTER)
    return _form(request, actor, {})


@router.post("/people/new")
def invite(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    username: Annotated[str, Form(max_length=100)] = "",
    name: Annotated[str, Form(max_length=200)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
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
        made, password = station.people.invite(actor, username=username, name=_name(name), role=_role(role))
    except BroadcasterError as error:
        return _form(request, actor, {"username": username, "name": name, "role": role}, problem=error)
    return _password(request, actor, name=made.name, username=made.username, password=password)


@router.get("/people/{person_id}")
def one(request: Request, station: StationDep, actor: ActorDep, person_id: str) -> Response:
    """One account."""
    return _one(request, actor, _find(station, actor, person_id))


@router.post("/people/{person_id}")
def change(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    person_id: str,
    name: Annotated[str, Form(max_length=200)] = "",
    role: Annotated[str, Form(max_length=20)] = "",
    disabled: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Set name and role, or disable the account."""
    person = _find(station, actor, person_id)
    try:
        station.people.change(actor, person_id, name=_name(name), role=_role(role), disabled=bool(disabled))
    except BroadcasterError as error:
        return _one(request, actor, person, {"name": name, "role": role, "disabled": disabled}, problem=error)
    return RedirectResponse(f"/people/{person_id}?done=person_saved", 303)


@router.post("/people/{person_id}/password")
def reset(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    person_id: str,
    sure: Annotated[str, Form(max_length=3)] = "",
) -> Response:
    """Give a new password, shown this once."""
    person = _find(station, actor, person_id)
    if not sure:
        error = InvalidError("Đánh dấu ô xác nhận trước khi thực hiện.", "Tick the box first.", field="sure")
        return _one(request, actor, person, problem=error)
    password = station.people.reset_password(actor, person_id)
    return _password(request, actor, name=person.name, username=person.username, password=password)


def _find(station: Station, actor: Actor, person_id: str) -> Person:
    person = next((each for each in station.people.all(actor) if each.id == person_id), None)
    if person is None:
        raise NotFoundError(
            "Không có người này. Chọn trong danh sách.", "There is no such person. Choose from the list."
        )
    return person


def _name(text: str) -> str:
    if not text.strip():
        raise InvalidError("Nhập họ và tên.", "Enter the person's name.", field="name")
    return text.strip()


def _role(text: str) -> Role:
    if text not in list(Role):
        raise InvalidError("Chọn một vai trò.", "Choose a role.", field="role")
    return Role(text)


def _form(
    request: Request, actor: Actor, typed: Mapping[str, str], *, problem: BroadcasterError | None = None
) -> Response:
    return pages.page(request, "person_new.html", actor=actor, typed=typed, roles=RIGHTS, problem=problem)


def _one(
    request: Request,
    actor: Actor,
    person: Person,
    typed: Mapping[str, str] | None = None,
    *,
    problem: BroadcasterError | None = None,
) -> Response:
    shown = typed or {"name": person.name, "role": person.role, "disabled": "yes" if person.disabled_at else ""}
    return pages.page(request, "person.html", actor=actor, person=person, typed=shown, roles=RIGHTS, problem=problem)


def _password(request: Request, actor: Actor, *, name: str, username: str, password: str) -> Response:
    return pages.page(request, "person_password.html", actor=actor, name=name, username=username, password=password)
