"""The audit log: who did what to what, when, why, before and after; the newest first."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import Response

from api.auth import ActorDep, StationDep
from api.problems import Language, page_language
from api.web import page as pages
from api.web.area_tree import tree_of
from api.web.audit_subjects import names_of
from broadcaster import audit
from broadcaster.audit import AuditQuery
from broadcaster.people import Right
from broadcaster.storage.models import AuditEntry
from schedules.policies import Policy
from schedules.refusals import stated

router = pages.router()
ROWS = 50
SUBJECTS = (
    *("bulletin", "airing", "emergency", "template", "stop", "programme", "campaign", "report", "recording"),
    *("area", "receiver", "enrolment", "group", "lexicon", "sound", "policy", "reorganisation", "account", "station"),
)
"""The first words of actions: what entries are looked for by."""
_PAGES = {
    "area": "/areas/{}",
    "bulletin": "/bulletins/{}",
    "group": "/groups/{}",
    "policy": "/policies?area={}",
    "receiver": "/receivers/{}",
    "report": "/reports/{}",
    "reorganisation": "/reorganisations/{}",
    "sound": "/sound?area={}",
}
"""Where what an entry is about can be looked at, by the first word of the action."""


@router.get("/audit")
def show(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    after: int | None = None,
    who: str = "",
    about: str = "",
) -> Response:
    """A page of entries, from behind the entry `after` on, of one person or about one kind of thing if asked for."""
    actor.need(Right.READ)
    tongue = page_language(request)
    query = AuditQuery(person=who or None, action=about or None)
    with station.database.reading() as session:
        rows = audit.page(session, actor, query, after=after, limit=ROWS + 1)
        names = names_of(session, rows)
    older = None
    if len(rows) > ROWS:
        older = "/audit?" + urlencode({"after": rows[ROWS - 1].seq, "who": who, "about": about})
    return pages.page(
        request,
        "audit.html",
        actor=actor,
        tree=tree_of(station),
        rows=[(row, _page_of(row), list(_changes(row, tongue))) for row in rows[:ROWS]],
        addresses={row.seq for row in rows if row.actor_id == actor.id or actor.may(Right.ADMINISTER, row.area_id)},
        names=names,
        subjects=SUBJECTS,
        who=who,
        about=about,
        older=older,
        newest=after is None,
    )


def _page_of(row: AuditEntry) -> str | None:
    pattern = _PAGES.get(row.action.partition("-")[0])
    return pattern.format(row.subject) if pattern and not row.action.endswith("-removed") else None


def _changes(row: AuditEntry, tongue: Language) -> Iterator[tuple[str, str | None, str]]:
    """What was before and after, field by field; what is only noted has no before."""
    old, new = row.before or {}, row.after or {}
    for name in {**old, **new}:
        if old.get(name) != new.get(name):
            yield name, _said(old.get(name), tongue), _said(new.get(name), tongue)
    details = {name: value for name, value in (row.details or {}).items() if name != "in_place_of"}
    for name, value in details.items():
        yield name, None, _said(value, tongue)


def _said(value: Any, tongue: Language) -> str:
    """A value as people read it; a policy's rules as sentences."""
    if value is None or value == []:
        return "—"
    if isinstance(value, str | int | float):
        return str(value)
    rules = value.get("rules") if isinstance(value, dict) else value
    try:
        return ". ".join(stated(rule, tongue) for rule in Policy.model_validate({"rules": rules}).rules) or "—"
    except ValidationError:
        return json.dumps(value, ensure_ascii=False)
