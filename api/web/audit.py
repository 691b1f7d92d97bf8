"""The audit trail: who did what to what, when, why; the newest first."""

import json
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from pydantic import ValidationError
from sqlalchemy import select
from starlette.responses import Response

from api.auth import ActorDep, StationDep
from api.problems import Language, page_language
from api.web import page as pages
from broadcaster.people import Right
from broadcaster.storage.models import AuditEntry
from schedules.policies import Policy
from schedules.refusals import stated

router = pages.router()
ROWS = 50
_PAGES = {
    "policy": "/policies?area={}",
    "receiver": "/receivers/{}",
    "programme": "/programmes/{}",
}
"""Where what an entry is about can be looked at, by the first word of the action."""


@router.get("/audit")
def show(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    before: int | None = None,
    who: str = "",
    action: str = "",
) -> Response:
    """A page of entries, before the entry `before`, of one person or one action if asked for."""
    actor.need(Right.READ)
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(ROWS + 1)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    if who:
        query = query.where(AuditEntry.actor_id == who)
    if action:
        query = query.where(AuditEntry.action == action)
    with station.database.reading() as session:
        rows = session.scalars(query).all()
        people = session.execute(
            select(AuditEntry.actor_id, AuditEntry.actor_name).distinct().order_by(AuditEntry.actor_name)
        ).all()
        actions = session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()
    tongue = page_language(request)
    older = None
    if len(rows) > ROWS:
        older = "/audit?" + urlencode({"before": rows[ROWS - 1].id, "who": who, "action": action})
    return pages.page(
        request,
        "audit.html",
        actor=actor,
        rows=[(row, _page_of(row), _changes(row.details, tongue)) for row in rows[:ROWS]],
        people=[(name, called) for name, called in dict(people).items()],
        actions=actions,
        who=who,
        action=action,
        older=older,
        newest=before is None,
    )


def _page_of(row: AuditEntry) -> str | None:
    pattern = _PAGES.get(row.action.partition("-")[0])
    return pattern.format(row.subject) if pattern else None


def _changes(details: dict[str, Any] | None, tongue: Language) -> list[tuple[str, str | None, str]]:
    """What was before and after, field by field; what is only noted has no before."""
    given = dict(details or {})
    before, after = given.pop("before", None), given.pop("after", None)
    found: list[tuple[str, str | None, str]] = []
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = before or {}, after or {}
        changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        found += [(name, _said(old.get(name), tongue), _said(new.get(name), tongue)) for name in changed]
    elif before is not None or after is not None:
        found.append(("", _said(before, tongue), _said(after, tongue)))
    return found + [(name, None, _said(value, tongue)) for name, value in given.items()]


def _said(value: Any, tongue: Language) -> str:
    """A value as people read it; a policy's rules as sentences."""
    if value is None or value == []:
        return "—"
    if isinstance(value, str | int | float):
        return str(value)
    try:
        return ". ".join(stated(rule, tongue) for rule in Policy(rules=value).rules)
    except ValidationError:
        return json.dumps(value, ensure_ascii=False)
