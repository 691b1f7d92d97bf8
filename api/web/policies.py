"""The policy of an area in plain sentences: what is in force and whose rule it is, its own rules, templates, and a try."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.problems import page_language
from api.web import page as pages
from api.web.area_tree import tree_of
from api.web.policy_forms import KINDS, NAMED_DAYS, PLACES, RuleForm
from broadcaster.errors import BroadcasterError, ConflictError, InvalidError, NotFoundError
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from schedules.airtime import said
from schedules.named_days import name_of
from schedules.policies import NATIONAL, TEMPLATES, Policy
from schedules.policy_rules import PolicyRule
from schedules.refusals import stated
from schedules.zones import instant_of

router = pages.router()
Area = Annotated[str, Form(max_length=64)]
Revision = Annotated[int, Form(ge=0)]
LONGEST = 600
"""Minutes of a try, at most."""
USUAL = "5"


@router.get("/policies")
def show(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: str = "",
    at: str = "",
    minutes: str = USUAL,
) -> Response:
    """What is in force in an area; `at` is a time that is tried."""
    actor.need(Right.READ)
    return _shown(request, station, actor, area, at=at, minutes=minutes)


@router.get("/policies/rule")
def rule(
    *, request: Request, station: StationDep, actor: ActorDep, area: str, kind: str = "", index: int | None = None
) -> Response:
    """The form of a new rule of a kind, or of one that is to be changed."""
    _need(actor, area)
    of = station.policies.of(actor, area)
    if index is not None:
        form = RuleForm.of(_rule_at(of.own, index), index)
    elif kind in KINDS:
        form = RuleForm(kind=kind)
    else:
        raise NotFoundError("Không có loại quy định này.", "There is no such kind of rule.")
    form = form.model_copy(update={"area": area, "revision": of.revision})
    return _form(request, station, actor, form)


@router.post("/policies/rule")
def save(request: Request, station: StationDep, actor: ActorDep, form: Annotated[RuleForm, Form()]) -> Response:
    """Add a rule, or put it in the place of another."""
    _need(actor, form.area)
    try:
        made = form.rule()
        rules = list(station.policies.of(actor, form.area).own.rules)
        if form.index is None:
            rules.append(made)
        else:
            _rule_at(Policy(rules=tuple(rules)), form.index)
            rules[form.index] = made
        _set(station, actor, form.area, form.revision, rules)
    except BroadcasterError as error:
        return _form(request, station, actor, form, problem=error)
    return _saved(form.area)


@router.post("/policies/removal")
def remove(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: Area,
    revision: Revision,
    index: Annotated[int, Form()],
) -> Response:
    """Take a rule away; what stands above holds again."""
    _need(actor, area)
    try:
        rules = list(station.policies.of(actor, area).own.rules)
        rules.remove(_rule_at(Policy(rules=tuple(rules)), index))
        _set(station, actor, area, revision, rules)
    except (InvalidError, ConflictError) as error:
        return _shown(request, station, actor, area, problem=error, at_form="own")
    return _saved(area)


@router.post("/policies/template")
def take_over(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: Area,
    revision: Revision,
    template: Annotated[str, Form(max_length=64)],
) -> Response:
    """Put the rules of a template in the place of the area's own of the same kinds."""
    _need(actor, area)
    if template not in TEMPLATES:
        raise NotFoundError("Không có mẫu này.", "There is no such template.")
    wanted = TEMPLATES[template].rules
    kinds = {each.kind for each in wanted}
    kept = [each for each in station.policies.of(actor, area).own.rules if each.kind not in kinds]
    try:
        _set(station, actor, area, revision, [*kept, *wanted])
    except (InvalidError, ConflictError) as error:
        return _shown(request, station, actor, area, problem=error, at_form="templates")
    return _saved(area)


@router.post("/policies/emergency")
def break_glass(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: Area,
    revision: Revision,
    alone: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """Whether one person may issue an emergency there."""
    own = station.policies.of(actor, area).own
    value = {"yes": True, "no": False}.get(alone)
    try:
        station.policies.set(actor, area, own, revision=revision, break_glass=value)
    except (InvalidError, ConflictError) as error:
        return _shown(request, station, actor, area, alone=alone, problem=error, at_form="alone")
    return _saved(area)


def _need(actor: Actor, area: str) -> None:
    actor.need(Right.OPERATE, None if area == NATIONAL else area)


def _set(station: Station, actor: Actor, area: str, revision: int, rules: list[PolicyRule]) -> None:
    kept = station.policies.of(actor, area).break_glass
    station.policies.set(actor, area, Policy(rules=tuple(rules)), revision=revision, break_glass=kept)


def _saved(area: str) -> Response:
    return RedirectResponse(f"/policies?area={area}&done=policy_saved", 303)


def _rule_at(policy: Policy, index: int) -> PolicyRule:
    if not 0 <= index < len(policy.rules):
        raise ConflictError(
            "Quy định này vừa được người khác sửa hoặc bỏ. Hãy tải lại trang.",
            "Somebody else has just changed or removed this rule. Load the page again.",
        )
    return policy.rules[index]


def _form(
    request: Request, station: Station, actor: Actor, form: RuleForm, *, problem: BroadcasterError | None = None
) -> Response:
    tongue = page_language(request)
    tree = tree_of(station)
    return pages.page(
        request,
        "policy_rule.html",
        actor=actor,
        form=form,
        area_name=tree.areas[form.area].name if form.area in tree.areas else None,
        named_days=[(name, _capital(name_of(name, tongue))) for name in NAMED_DAYS],
        places=PLACES,
        problem=problem,
    )


def _shown(
    request: Request,
    station: Station,
    actor: Actor,
    area: str,
    *,
    at: str = "",
    minutes: str = USUAL,
    alone: str | None = None,
    problem: BroadcasterError | None = None,
    at_form: str = "try",
) -> Response:
    """The page; `at_form` is the part of it that `problem` is about."""
    tongue = page_language(request)
    tree = tree_of(station)
    chosen = area or tree.first(actor) or NATIONAL
    of = station.policies.of(actor, chosen)
    tried: dict[str, Any] | None = None
    if at:
        try:
            instant, duration = _instant(at, station.settings.zone), _minutes(minutes)
            verdict, in_force = station.policies.judge(actor, chosen, at=instant, duration=duration)
            tried = {"lawful": verdict.lawful, "sentences": said(verdict, tongue, in_force=in_force)}
        except BroadcasterError as error:
            problem = error
    soon = station.clock.now().astimezone(ZoneInfo(station.settings.zone)) + timedelta(days=1)
    return pages.page(
        request,
        "policies.html",
        actor=actor,
        tree=tree,
        area=tree.areas.get(chosen),
        area_id=chosen,
        of=of,
        in_force=[(each, stated(each.rule, tongue)) for each in of.in_force],
        own=[(each, stated(each, tongue)) for each in of.own.rules],
        templates=[(name, [stated(each, tongue) for each in policy.rules]) for name, policy in TEMPLATES.items()],
        kinds=KINDS,
        tried=tried,
        at=at or f"{soon:%Y-%m-%dT}17:00",
        minutes=minutes,
        problem=problem,
        at_form=at_form,
        alone={None: "", True: "yes", False: "no"}[of.break_glass] if alone is None else alone,
        may_change=actor.may(Right.OPERATE, None if chosen == NATIONAL else chosen),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _instant(at: str, zone: str) -> datetime:
    try:
        return instant_of(datetime.fromisoformat(at).replace(tzinfo=None), ZoneInfo(zone))
    except ValueError as error:
        raise InvalidError("Nhập ngày và giờ muốn thử.", "Enter the date and time to try.", field="at") from error


def _minutes(text: str) -> timedelta:
    if not text.isdigit() or not 1 <= int(text) <= LONGEST:
        raise InvalidError(
            f"Thời lượng từ 1 đến {LONGEST} phút.", f"A length is 1 to {LONGEST} minutes.", field="minutes"
        )
    return timedelta(minutes=int(text))
