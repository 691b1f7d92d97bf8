"""Emergencies: what is said now, saying something from a template or alone, updating it, calling it off."""

import secrets
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from fastapi import Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep
from api.web import page as pages
from api.web.fields import Fields, FieldsDep
from api.web.place_choice import choice_of, said, targets_of
from api.web.step_up import asks_code, proved
from broadcaster.emergencies import Message, Sending, TemplateContent
from broadcaster.errors import BroadcasterError, ForbiddenError, InvalidError
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import EmergencyTemplate
from broadcaster.targets import Targets
from devices.wire.messages import Audience

router = pages.router()
EVERY = (0, 15, 30, 60, 120, 240)
"""Minutes between repetitions to choose from; 0: once."""
HOURS = (1, 6, 12, 24, 48, 72, 168)
MINUTES = (15, 60, 180, 720, 1440)
ISSUERS = (Right.OPERATE, Right.RELEASE)


def may_issue(actor: Actor) -> bool:
    """Whether this person may say an emergency anywhere."""
    return any(actor.may(right) for right in ISSUERS)


def need_issue(actor: Actor) -> None:
    """Raise ForbiddenError otherwise."""
    if not actor.may(Right.RELEASE):
        actor.need(Right.OPERATE)


@router.get("/emergencies")
def emergencies(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """What stands: stops, messages; the templates to say something from."""
    actor.need(Right.READ)
    return shown(request, station, actor)


def shown(
    request: Request,
    station: Station,
    actor: Actor,
    *,
    problem: BroadcasterError | None = None,
    refused: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The page; `refused` is the form that `problem` is about, "stop" or a stop to be lifted, and `typed` what stood in it."""
    choice = choice_of(station, actor, Right.OPERATE)
    stops = []
    for row in station.stops.standing(actor):
        audience = Audience.model_validate(row.audience, strict=False)
        where = [choice.tree.areas[each].name if each in choice.tree.areas else each for each in audience.areas]
        stops.append((row, ", ".join([*where, *audience.receivers])))
    templates = station.emergencies.templates(actor)
    return pages.page(
        request,
        "emergencies.html",
        actor=actor,
        problem=problem,
        tree=choice.tree,
        stops=stops,
        standing=[
            (row, bulletin, said(choice.tree, Targets.model_validate(row.targets)))
            for row, bulletin in station.emergencies.standing(actor)
        ],
        released=[row for row in templates if row.state == "released"],
        drafts=[row for row in templates if row.state == "draft"],
        may_issue=may_issue(actor),
        may_stop=actor.may(Right.OPERATE),
        may_draft=actor.may(Right.EDIT),
        whole=actor.may(Right.OPERATE, None),
        areas=choice.tree.options(actor.within(Right.OPERATE)),
        minutes=MINUTES,
        refused=refused if refused in ("stop", *(row.id for row, _ in stops)) else "",
        typed=typed or {},
    )


@router.get("/emergencies/alone")
def alone(
    *, request: Request, station: StationDep, actor: ActorDep, references: str = "", message: str = "alert"
) -> Response:
    """The form for words that nobody approved beforehand."""
    need_issue(actor)
    fields = Fields({"references": [references], "message": [message]})
    return issuing(request, station, actor, fields, None)


@router.post("/emergencies/alone")
def issue_alone(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    fields: FieldsDep,
) -> Response:
    """Say it, with a reason, where every area allows that."""
    try:
        need_issue(actor)
        sending = _sending(station, actor, fields)
        actor = proved(station, actor, token, fields.one("code"), address=address)
        made = station.emergencies.issue_alone(
            actor,
            title=fields.one("title")[:300],
            text=fields.one("text")[:5000],
            reason=fields.one("reason")[:1000],
            sending=sending,
            key=_key(fields),
        )
    except BroadcasterError as error:
        return issuing(request, station, actor, fields, None, problem=error)
    return RedirectResponse(f"/emergencies/{made}?done=emergency_issued", 303)


@router.post("/emergencies/templates/{template_id}/issue")
def issue(*, request: Request, station: StationDep, actor: ActorDep, template_id: str, fields: FieldsDep) -> Response:
    """Say a released template with its blanks filled."""
    row = station.emergencies.template(actor, template_id)
    content = TemplateContent.model_validate(row.content)
    try:
        need_issue(actor)
        blanks = {blank.name: fields.one(f"blank.{blank.name}") for blank in content.blanks}
        sending = _sending(station, actor, fields)
        made = station.emergencies.issue(actor, row.id, blanks=blanks, sending=sending, key=_key(fields))
    except BroadcasterError as error:
        return issuing(request, station, actor, fields, row, problem=error)
    return RedirectResponse(f"/emergencies/{made}?done=emergency_issued", 303)


@router.get("/emergencies/{emergency_id}")
def message(request: Request, station: StationDep, actor: ActorDep, emergency_id: str) -> Response:
    """One message, and what may be done about it."""
    return _message(request, station, actor, emergency_id)


@router.post("/emergencies/{emergency_id}/ending")
def end(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    emergency_id: str,
    reason: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Say it no more."""
    try:
        if not reason.strip():
            raise InvalidError("Hãy ghi lý do thôi phát.", "Say why it ends.", field="reason")
        station.emergencies.end(actor, emergency_id, reason=reason.strip())
    except ForbiddenError:
        raise
    except BroadcasterError as error:
        return _message(request, station, actor, emergency_id, problem=error)
    return RedirectResponse(f"/emergencies/{emergency_id}?done=emergency_ended", 303)


def _message(
    request: Request, station: Station, actor: Actor, emergency_id: str, *, problem: BroadcasterError | None = None
) -> Response:
    row, bulletin = station.emergencies.message(actor, emergency_id)
    tree = choice_of(station, actor, Right.READ).tree
    stands = row.state in ("preparing", "issued")
    templates = station.emergencies.templates(actor) if stands else []
    return pages.page(
        request,
        "emergency.html",
        actor=actor,
        problem=problem,
        row=row,
        bulletin=bulletin,
        where=said(tree, Targets.model_validate(row.targets)),
        stands=stands,
        may_issue=may_issue(actor),
        templates=[each for each in templates if each.state == "released"],
    )


def _key(fields: Fields) -> str | None:
    return fields.one("key")[:64] or None


def _sending(station: Station, actor: Actor, fields: Fields) -> Sending:
    """To whom and how. An update or an all-clear goes where the message went that it is of."""
    references = fields.one("references")
    if references:
        old, _ = station.emergencies.message(actor, references)
        targets, drill = Targets.model_validate(old.targets), old.drill
    else:
        targets, drill = targets_of(fields.all("areas"), fields.all("groups")), bool(fields.one("drill"))
    try:
        return Sending.model_validate(
            {
                "targets": targets,
                "message": fields.one("message", "alert"),
                "references": references or None,
                "drill": drill,
                "every_minutes": fields.number("every") or None,
                "hours": fields.number("hours") or 24,
            }
        )
    except ValidationError as error:
        raise InvalidError(
            "Cách phát chưa đúng. Chọn lại khoảng lặp và thời hạn.",
            "How it is to be said is not right. Choose the repetition and its end again.",
        ) from error


def issuing(
    request: Request,
    station: Station,
    actor: Actor,
    fields: Fields,
    template: EmergencyTemplate | None,
    *,
    problem: BroadcasterError | None = None,
) -> Response:
    """The form, from a template or for words of one's own, as it was filled in."""
    references = fields.one("references")
    old: Any = station.emergencies.message(actor, references) if references else None
    choice = choice_of(station, actor, *ISSUERS)
    kind: str = fields.one("message", "alert")
    content = TemplateContent.model_validate(template.content) if template is not None else None
    if old and old[0].blanks:  # a storm has the same number in the message that says it is over
        fields = Fields({**{f"blank.{name}": [value] for name, value in old[0].blanks.items()}, **fields.values})
    chosen = fields.all("areas") if problem is not None and fields.values else choice.usual
    return pages.page(
        request,
        "emergency_issue.html",
        actor=actor,
        problem=problem,
        source=template,
        content=content,
        stretches=stretches(content, content.text) if content else [],
        fields=fields,
        key=_key(fields) or secrets.token_hex(16),
        old=old,
        message=kind if old and kind in get_args(Message) else "alert",
        where=said(choice.tree, Targets.model_validate(old[0].targets)) if old else "",
        choice=choice,
        chosen=chosen,
        every=EVERY,
        hours=HOURS,
        asks_code=template is None and asks_code(actor, problem),
        may_issue=may_issue(actor),
        may_retire=template is not None and actor.may(Right.RELEASE, template.area_id),
    )


def stretches(content: TemplateContent, text: str) -> list[tuple[str, str]]:
    """The title or the text in pieces: of each its words and, for a blank, its name."""
    labels = {blank.name: blank.label or blank.name.replace("_", " ") for blank in content.blanks}
    found: list[tuple[str, str]] = []
    rest = text
    while "{" in rest:
        before, _, after = rest.partition("{")
        name, closed, behind = after.partition("}")
        if not closed or name not in labels:
            found.append((before + "{", ""))
            rest = after
            continue
        found += [(before, ""), (labels[name], name)]
        rest = behind
    return [*found, (rest, "")]
