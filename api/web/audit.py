"""The audit log: who did what to what, when, why, before and after; the newest first."""

from datetime import date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Query, Request
from starlette.responses import Response

from api.auth import ActorDep, StationDep
from api.problems import page_language
from api.web import page as pages
from api.web.area_tree import tree_of
from api.web.audit_changes import changes_of
from api.web.audit_subjects import names_of
from api.web.days import day_of_text
from broadcaster import audit
from broadcaster.audit import AuditQuery
from broadcaster.errors import InvalidError
from broadcaster.people import Right
from broadcaster.storage.models import AuditEntry, Person
from schedules.zones import instant_of

router = pages.router()
ROWS = 50
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)
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
    since: Annotated[str, Query(max_length=20)] = "",
    until: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """A page of entries, from behind the entry `after` on, of one person, about one kind of thing or of some days if asked for."""
    actor.need(Right.READ)
    tongue, tree, zone = page_language(request), tree_of(station), ZoneInfo(station.settings.zone)
    asked = {"who": who, "about": about, "since": since, "until": until}
    problem: InvalidError | None = None
    rows: list[AuditEntry] = []
    with station.database.reading() as session:
        try:
            begins, ends = _days(since, until, zone)
        except InvalidError as error:
            problem = error
        else:
            query = AuditQuery(person=who or None, action=about or None, since=begins, until=ends)
            rows = audit.page(session, actor, query, after=after, limit=ROWS + 1)
        names = names_of(session, rows)
        person = session.get(Person, who) if who else None
    older = None
    if len(rows) > ROWS:
        older = "/audit?" + urlencode({"after": rows[ROWS - 1].seq, **asked})
    return pages.page(
        request,
        "audit.html",
        actor=actor,
        tree=tree,
        rows=[
            (row, audit.known_as(row.action), _page_of(row), list(changes_of(row, tree, tongue, zone)))
            for row in rows[:ROWS]
        ],
        addresses={row.seq for row in rows if row.actor_id == actor.id or actor.may(Right.ADMINISTER, row.area_id)},
        names=names,
        subjects=SUBJECTS,
        problem=problem,
        asked=asked,
        filtered=any(asked.values()),
        person=None if person is None else person.name,
        others={row.actor_id: urlencode({**asked, "who": row.actor_id}) for row in rows},
        everybody=urlencode({**asked, "who": ""}),
        older=older,
        newest=after is None,
    )


def _days(since: str, until: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """The instants at which the first day begins and the last one is over. Raises InvalidError."""
    first, last = (
        day_of_text(text, EARLIEST, field=field) if text.strip() else None
        for text, field in ((since, "since"), (until, "until"))
    )
    if any(day is not None and not EARLIEST <= day <= LATEST for day in (first, last)):
        raise InvalidError("Không có ngày như vậy trong nhật ký.", "The trail has no such day.", field="since")
    if first is not None and last is not None and last < first:
        raise InvalidError("Ngày cuối đứng trước ngày đầu.", "The last day comes before the first one.", field="until")
    return (
        None if first is None else instant_of(datetime.combine(first, time.min), zone),
        None if last is None else instant_of(datetime.combine(last + timedelta(days=1), time.min), zone),
    )


def _page_of(row: AuditEntry) -> str | None:
    pattern = _PAGES.get(audit.known_as(row.action).partition("-")[0])
    return pattern.format(row.subject) if pattern and row.subject and not row.action.endswith("-removed") else None
