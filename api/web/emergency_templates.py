"""Emergency templates: drafted by one person, released by another, retired."""

import re
from typing import Annotated, Any

from fastapi import Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep
from api.web import page as pages
from api.web.area_tree import tree_of
from api.web.emergencies import issuing, stretches
from api.web.fields import Fields, FieldsDep, SureDep, require_sure
from api.web.step_up import asks_code, proved
from broadcaster.emergencies import Blank, TemplateContent
from broadcaster.errors import BroadcasterError, InvalidError
from broadcaster.letters import plain
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import EmergencyTemplate, Person

router = pages.router()
_BRACES = re.compile(r"\{([^{}\n]{1,60})\}")
KINDS = ("words", "number", "choice")


@router.get("/emergencies/templates/new")
def new(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """The form of a new template."""
    actor.need(Right.EDIT)
    return _form(request, station, actor, Fields({"area": [actor.home or ""]}))


@router.post("/emergencies/templates/new")
def draft(request: Request, station: StationDep, actor: ActorDep, fields: FieldsDep) -> Response:
    """Save it as a draft, once it is said of every blank what may stand there."""
    try:
        actor.need(Right.EDIT)
        found = blanks_in(fields.one("title") + "\n" + fields.one("text"))
        if not all(fields.one(f"kind.{name}") for name in found):
            return _form(request, station, actor, fields, describe=True)
        made = station.emergencies.draft(
            actor, name=_name(fields), content=_content(fields, found), area=fields.one("area") or None
        )
    except BroadcasterError as error:
        return _form(request, station, actor, fields, problem=error)
    return RedirectResponse(f"/emergencies/templates/{made}?done=template_drafted", 303)


@router.get("/emergencies/templates/{template_id}")
def one(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    template_id: str,
    references: str = "",
    message: str = "alert",
) -> Response:
    """A released template as a form to fill in; a draft as its approver sees it."""
    fields = Fields({"references": [references], "message": [message]})
    return _one(request, station, actor, template_id, fields)


def _one(
    request: Request,
    station: Station,
    actor: Actor,
    template_id: str,
    fields: Fields,
    *,
    problem: BroadcasterError | None = None,
) -> Response:
    row = station.emergencies.template(actor, template_id)
    if row.state == "released":
        return issuing(request, station, actor, fields, row, problem=problem)
    return _shown(request, station, actor, row, problem=problem)


@router.post("/emergencies/templates/{template_id}/release")
def release(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    template_id: str,
    content_sha256: Annotated[str, Form(max_length=64)],
    code: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Another person's yes to exactly what was shown."""
    row = station.emergencies.template(actor, template_id)
    try:
        actor = proved(station, actor, token, code, address=address)
        station.emergencies.release(actor, template_id, content_sha256=content_sha256)
    except BroadcasterError as error:
        return _shown(request, station, actor, row, problem=error)
    return RedirectResponse("/emergencies?done=template_released", 303)


@router.post("/emergencies/templates/{template_id}/retirement")
def retire(request: Request, station: StationDep, actor: ActorDep, template_id: str, sure: SureDep = "") -> Response:
    """No message is made of it any more."""
    actor.need(Right.RELEASE)
    try:
        require_sure(sure)
    except InvalidError as error:
        return _one(request, station, actor, template_id, Fields(), problem=error)
    station.emergencies.retire(actor, template_id)
    return RedirectResponse("/emergencies?done=template_retired", 303)


def blanks_in(text: str) -> dict[str, str]:
    """The blanks of a text as people write them, {tên cơn bão}: by name, ten_con_bao, what was written."""
    return {_blank_name(written): written.strip() for written in _BRACES.findall(text)}


def _blank_name(written: str) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", plain(written)).strip("_")[:40]
    return name if name[:1].isalpha() else f"o_{name}"[:40].rstrip("_")


def _named(text: str) -> str:
    return _BRACES.sub(lambda found: "{" + _blank_name(found[1]) + "}", text)


def _name(fields: Fields) -> str:
    if not fields.one("name").strip():
        raise InvalidError("Đặt tên cho mẫu.", "Give the template a name.", field="name")
    return fields.one("name").strip()[:200]


def _content(fields: Fields, found: dict[str, str]) -> TemplateContent:
    try:
        blanks = tuple(_blank(fields, name, written) for name, written in found.items())
        return TemplateContent(
            title=_named(fields.one("title").strip()), text=_named(fields.one("text").strip()), blanks=blanks
        )
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0]) if error.errors()[0]["loc"] else "text"
        raise InvalidError(
            "Mẫu cần tiêu đề (đến 300 ký tự), nội dung (đến 5000 ký tự) và mô tả đúng từng chỗ trống.",
            "A template needs a title (up to 300 characters), a text (up to 5000) and each blank described rightly.",
            field=field,
        ) from error


def _blank(fields: Fields, name: str, written: str) -> Blank:
    kind = fields.one(f"kind.{name}")
    given: dict[str, Any] = {"name": name, "kind": kind, "label": written}
    if kind == "choice":
        given["choices"] = [each.strip() for each in fields.one(f"choices.{name}").split(";") if each.strip()]
        if not given["choices"]:
            raise InvalidError(
                f"Ghi các lựa chọn của “{written}”, cách nhau bằng dấu chấm phẩy.",
                f"Write the choices for “{written}”, with semicolons between.",
                field=f"choices.{name}",
            )
    if kind == "number":
        given |= {"lowest": fields.number(f"lowest.{name}"), "highest": fields.number(f"highest.{name}") or 1_000_000}
    return Blank.model_validate(given)


def _form(
    request: Request,
    station: Station,
    actor: Actor,
    fields: Fields,
    *,
    describe: bool = False,
    problem: BroadcasterError | None = None,
) -> Response:
    tree = tree_of(station)
    return pages.page(
        request,
        "emergency_template_new.html",
        actor=actor,
        problem=problem,
        fields=fields,
        blanks=blanks_in(fields.one("title") + "\n" + fields.one("text")),
        describe=describe,
        kinds=KINDS,
        areas=tree.options(actor.within(Right.EDIT)),
        whole=actor.may(Right.EDIT, None),
    )


def _shown(
    request: Request, station: Station, actor: Actor, row: EmergencyTemplate, *, problem: BroadcasterError | None = None
) -> Response:
    tree = tree_of(station)
    content = TemplateContent.model_validate(row.content)
    with station.database.reading() as session:
        author = session.get(Person, row.author_id)
    return pages.page(
        request,
        "emergency_template.html",
        actor=actor,
        problem=problem,
        row=row,
        content=content,
        headline=stretches(content, content.title),
        stretches=stretches(content, content.text),
        author=author.name if author else "",
        area_name=tree.said(row.area_id) if row.area_id else None,
        own=row.author_id == actor.id,
        may_release=row.state == "draft" and row.author_id != actor.id and actor.may(Right.RELEASE, row.area_id),
        asks_code=asks_code(actor, problem),
    )
