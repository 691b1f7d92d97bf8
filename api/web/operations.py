"""Vận hành hôm nay, one airing's ladder of proof, and the alerts."""

from datetime import timedelta
from itertools import groupby
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Form, Query, Request
from sqlalchemy import select
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.problems import page_language
from api.v1.airings import airing_with_proof
from api.v1.operations import Alert
from api.web import page as pages
from broadcaster.errors import BroadcasterError
from broadcaster.expiries import Expiry
from broadcaster.ladder import RUNGS
from broadcaster.log_search import LogQuery, latest
from broadcaster.operating.rows import PlaceRow
from broadcaster.people import Actor, Right
from broadcaster.quality import blocked_bulletins
from broadcaster.set_apart import Code, listed
from broadcaster.station import Station
from broadcaster.storage.models import Receiver
from broadcaster.targets import Targets

router = pages.router()
LOG_ROWS = 30
BLOCKED_ROWS = 5
ALERT_ROWS = 50
MOST_ALERTS = 5_000
"""So many are looked through for the worst."""
EXPIRY_ROWS = 20
TOLD_ROWS = 5
APART_ROWS = 50
ON_THE_PAGE = ("watch", "unknown_orders", "unwritable", "forged_receipts", "expiry", "report")
"""Alerts that no receiver's line and no light of the page tells of."""
STOP_LASTS = timedelta(hours=1)


def stream_of(area: str | None) -> str:
    """The address of what tells a live page of an area, or of all, that something has changed."""
    return f"/api/v1/operations/events?{urlencode({'brief': 'true', **({'area': area} if area else {})})}"


def _runs(row: PlaceRow) -> list[tuple[str, int]]:
    """The strip's hours, those that are alike together: what, and how many."""
    return [(state, len(list(hours))) for state, hours in groupby(row.strip)]


def _today(
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: str | None,
    *,
    problem: BroadcasterError | None = None,
    stopping: str | None = None,
) -> Response:
    """The page; `stopping`: the reason in the form of the stop that was refused."""
    today = station.operating.today(actor, area, version=station.changes.version)
    with station.database.reading() as session:
        blocked = blocked_bulletins(session, actor, limit=BLOCKED_ROWS)
    query = f"?{urlencode({'area': area})}" if area else ""
    told = [row for row in station.alerts.listed(actor, standing=True) if row.rule in ON_THE_PAGE]
    return pages.page(
        request,
        "operations.html",
        actor=actor,
        problem=problem,
        stopping=stopping,
        today=today,
        blocked=blocked,
        told=[Alert.of(row) for row in told if row.acknowledged_at is None][:TOLD_ROWS],
        may_see_apart=actor.may(Right.OPERATE, None),
        runs=_runs,
        stream=stream_of(area),
        query=query,
        may_operate=actor.may(Right.OPERATE),
        may_release=actor.may(Right.RELEASE),
    )


@router.get("/operations")
def operations(
    request: Request, station: StationDep, actor: ActorDep, area: Annotated[str | None, Query(max_length=64)] = None
) -> Response:
    """Emergencies, lights, on air, what needs somebody's hand, the next hours, places, waiting, totals."""
    return _today(request, station, actor, area or None)


@router.post("/operations/stop")
def stop_all(
    request: Request,
    station: StationDep,
    actor: ActorDep,
    reason: Annotated[str, Form(max_length=300)] = "",
    area: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Silence for an hour, or until it is lifted: of the area that is looked at, or of all that this person serves."""
    actor.need(Right.OPERATE)
    try:
        targets = Targets(areas=(area,)) if area else None
        station.stops.issue(actor, targets, reason=reason, lasts=STOP_LASTS)
    except BroadcasterError as error:
        return _today(request, station, actor, area or None, problem=error, stopping=reason)
    return _done("stopped", area)


@router.post("/operations/stops/{stop}/lifting")
def lift(
    request: Request, station: StationDep, actor: ActorDep, stop: str, area: Annotated[str, Form(max_length=64)] = ""
) -> Response:
    """Let it sound again."""
    try:
        tongue = page_language(request)
        station.stops.lift(actor, stop, reason="Lifted on the page of today" if tongue == "en" else "Bỏ dừng tại trang Vận hành hôm nay")  # fmt: skip
    except BroadcasterError as error:
        return _today(request, station, actor, area or None, problem=error)
    return _done("lifted", area)


def _done(word: str, area: str) -> Response:
    return RedirectResponse(f"/operations?{urlencode({'done': word, **({'area': area} if area else {})})}", 303)


@router.get("/airings/{airing_id}")
def airing(request: Request, station: StationDep, actor: ActorDep, airing_id: str) -> Response:
    """The ladder of proof of one airing, and what its receivers said."""
    proof = airing_with_proof(station, actor, airing_id)
    with station.database.reading() as session:
        rows = latest(session, LogQuery(airing=airing_id, within=actor.within()), limit=LOG_ROWS)
    return pages.page(request, "airing.html", actor=actor, airing=proof, rungs=RUNGS[2:], rows=rows)


@router.get("/alerts")
def alerts(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """What somebody has to know of, and what has resolved itself lately."""
    return _alerts(request, station, actor)


def _alerts(
    request: Request, station: StationDep, actor: ActorDep, problem: BroadcasterError | None = None
) -> Response:
    standing = [Alert.of(row) for row in station.alerts.listed(actor, standing=True, limit=MOST_ALERTS)]
    rank = {"critical": 0, "warning": 1, "notice": 2}
    standing.sort(key=lambda each: (each.acknowledged_at is not None, rank[each.severity]))
    shown = standing[:ALERT_ROWS]
    over = [Alert.of(row) for row in station.alerts.listed(actor, standing=False, limit=ALERT_ROWS - len(shown) // 2)]
    return pages.page(
        request,
        "alerts.html",
        actor=actor,
        problem=problem,
        standing=shown,
        more=len(standing) - len(shown),
        over=over,
        expiries=_expiries(station, actor),
        may_see_apart=actor.may(Right.OPERATE, None),
    )


def _expiries(station: Station, actor: Actor) -> list[tuple[Expiry, int]]:
    """Keys, certificates and configurations that end soon, for whom the whole station is."""
    if actor.within() is not None:
        return []
    now = station.clock.now()
    return [(item, item.days(now)) for item in station.expiries.pressing()[:EXPIRY_ROWS]]


@router.post("/alerts/{alert_id}/acknowledgement")
def acknowledge(
    request: Request,
    station: StationDep,
    actor: ActorDep,
    alert_id: str,
    note: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Somebody has it in hand."""
    try:
        station.alerts.acknowledge(actor, alert_id, note=note)
    except BroadcasterError as error:
        return _alerts(request, station, actor, problem=error)
    return RedirectResponse("/alerts?done=acknowledged", 303)


@router.get("/set-apart")
def set_apart(
    request: Request,
    station: StationDep,
    actor: ActorDep,
    code: Code | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> Response:
    """What arrived and does not fit, the latest first; for operators of the whole station."""
    actor.need(Right.OPERATE, None)
    with station.database.reading() as session:
        rows = listed(session, code=code, receiver=None, before=before, limit=APART_ROWS + 1)
        names = dict(
            session.execute(
                select(Receiver.id, Receiver.name).where(Receiver.id.in_({row.receiver_id for row in rows}))
            ).all()
        )
    older = None
    if len(rows) > APART_ROWS:
        older = "/set-apart?" + urlencode({"before": rows[APART_ROWS - 1].id, **({"code": code} if code else {})})
    return pages.page(
        request,
        "set_apart.html",
        actor=actor,
        rows=rows[:APART_ROWS],
        names=names,
        codes=list(Code),
        code=code,
        older=older,
        newest=before is None,
    )
