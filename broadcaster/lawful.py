"""Whether something may air by the policies of its areas: asked at release, and again when its order is made or renewed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, String, and_, cast, or_, select
from sqlalchemy.orm import Session

from broadcaster.errors import ConflictError, NotFoundError
from broadcaster.groups import expanded
from broadcaster.places import PlacesByDay
from broadcaster.slots import reserved
from broadcaster.storage.models import Airing, Bulletin, ClipRecord, Schedule
from broadcaster.targets import Place, Resolution, Targets
from devices.wire.messages import Priority
from schedules.airtime import SEARCH, Airtime, Verdict, judge, said
from schedules.day_plan import DayPlan, plan_day
from schedules.hours import InForce
from schedules.policies import Spot
from schedules.priorities import Item
from schedules.rules import RULE

CHECKED_AHEAD = timedelta(days=14)
"""A rule's airings within so many days are judged before its release; those after them when their orders are made."""
MOST_CHECKED = 500
FEW = 40
REFUSED = "chính sách / policy: "
"""Begins the reason of an airing that no receiver may play by the policies of its areas."""


class PolicyError(ConflictError):
    """The policy of an area does not allow it."""

    code: ClassVar[str] = "policy"


@dataclass(frozen=True)
class Judged:
    """One airing that is proposed, and what the policies say of it."""

    item: Item
    targets: Targets
    verdict: Verdict
    zone: InForce | None

    def sentences(self, language: Any) -> list[str]:
        """The refusals and the nearest lawful times."""
        return said(self.verdict, language, in_force=self.zone) if self.zone is not None else []


def spot_of(place: Place, lines: Mapping[str, tuple[str, ...]]) -> Spot:
    """Where a receiver stands, for the policies."""
    return Spot(place.id, lines[place.area_id], place.kind, place.special)


class Permits:
    """Which receivers may play an order by hours and days, and how late it may begin. Keeps what many orders share."""

    def __init__(self, places: PlacesByDay) -> None:
        self._places = places
        self._standing: dict[tuple[date, int], list[tuple[InForce, list[Place]]]] = {}

    def check(
        self, resolution: Resolution, *, at: datetime, duration: timedelta, priority: Priority, late_limit: timedelta
    ) -> tuple[Resolution, timedelta, str | None]:
        """The resolution without the receivers where it may not sound, the late limit, and why it may not sound anywhere."""
        if priority == "emergency" or not resolution.receivers:
            return resolution, late_limit, None
        item = Item(id="", due_at=at, duration=duration, priority=priority, late_limit=late_limit)
        refused: list[Place] = []
        why: str | None = None
        for in_force, group in self._groups(resolution, at):
            airtime = Airtime(in_force)
            refusals = airtime.closed(item)
            if refusals:
                refused += group
                why = why or f"{REFUSED}{refusals[0].said('vi')} / {refusals[0].said('en')}"
            else:
                late_limit = min(late_limit, airtime.limits(item)[0])
        if not refused:
            return resolution, late_limit, None
        if len(refused) == len(resolution.receivers):
            return resolution, late_limit, why
        return resolution.without({place.id for place in refused}), late_limit, None

    def _groups(self, resolution: Resolution, at: datetime) -> list[tuple[InForce, list[Place]]]:
        places = self._places.at(at)
        key = (places.day, id(resolution))  # kept alive by `places`, which keeps its resolutions
        found = self._standing.get(key)
        if found is None:
            groups: dict[int, tuple[InForce, list[Place]]] = {}
            for place in resolution.receivers:
                in_force = self._places.policies.in_force(spot_of(place, places.lines))
                groups.setdefault(id(in_force), (in_force, []))[1].append(place)
            found = self._standing[key] = list(groups.values())
        return found


def proposed(
    content: Mapping[str, Any], *, now: datetime, places: PlacesByDay, days: timedelta = CHECKED_AHEAD
) -> list[tuple[Item, Targets]]:
    """The airings of a bulletin's content within some days, as items; the first ones if there are many. A schedule may say its own length."""
    found: list[tuple[Item, Targets]] = []
    for schedule in content["schedules"]:
        length = schedule["duration_ms"] if "duration_ms" in schedule else content["clip"]["duration_ms"]
        duration = timedelta(milliseconds=length)
        targets = Targets.model_validate(schedule["targets"])
        for due in RULE.validate_python(schedule["rule"]).instants(now, now + days):
            receivers = places.at(due).resolve(targets).receivers
            item = Item(
                id=f"{schedule['id']}@{due.isoformat()}",
                due_at=due,
                duration=duration,
                priority=content["priority"],
                receivers=frozenset(place.id for place in receivers),
                issued_at=now,
                title=content["title"],
                interrupted=content.get("interrupted", "drop"),
            )
            found.append((item, targets))
    return sorted(found, key=lambda pair: pair[0].due_at)[:MOST_CHECKED]


def planned(
    session: Session,
    places: PlacesByDay,
    start: datetime,
    end: datetime,
    *,
    receivers: Iterable[str] | None = None,
    without_bulletin: str | None = None,
    without_programme: str | None = None,
    refused: bool = False,
) -> list[Item]:
    """The airings that stand in [start, end) as items; those that concern `receivers`, if given. `refused`: those that a policy refused too."""
    stands: ColumnElement[bool] = Airing.state.in_(("planned", "dispatched", "closed"))
    if refused:
        stands = or_(stands, and_(Airing.state == "missed", Airing.state_reason.startswith(REFUSED)))
    query = select(Airing).where(
        stands,
        Airing.drill.is_(False),
        Airing.due_at >= start,
        Airing.due_at < end,
        Airing.targets.is_not(None),
    )
    if without_bulletin is not None:
        query = query.where(Airing.bulletin_id != without_bulletin)
    if without_programme is not None:
        query = query.where(or_(Airing.programme_id.is_(None), Airing.programme_id != without_programme))
    wanted = None if receivers is None else set(receivers)
    if wanted is not None:
        there = places.at(start)
        if not wanted:
            return []
        names = {name for name in wanted if name in there.receivers}
        names |= {area for name in tuple(names) for area in there.lines[there.receivers[name].area_id]}
        if len(names) <= FEW:
            text = cast(Airing.targets, String)
            query = query.where(or_(*(text.contains(f'"{name}"') for name in names)))
    found = []
    parsed: dict[str, Targets] = {}
    for airing in session.scalars(query.order_by(Airing.due_at, Airing.id)):
        key = repr(airing.targets)
        if key not in parsed:
            parsed[key] = Targets.model_validate(airing.targets)
        reached = frozenset(place.id for place in places.at(airing.due_at).resolve(parsed[key]).receivers)
        if wanted is None or wanted & reached:
            found.append(item_of(airing, reached))
    return found


def item_of(airing: Airing, receivers: frozenset[str]) -> Item:
    """An airing as the planning core sees it."""
    return Item(
        id=airing.id,
        due_at=airing.starts_at or airing.due_at,
        duration=timedelta(milliseconds=airing.duration_ms),
        priority=airing.priority,  # type: ignore[arg-type]  # one of the three
        receivers=receivers,
        title=airing.title,
        position=airing.position,
        interrupted=airing.interrupted,  # type: ignore[arg-type]  # one of those of the core
    )


def spots(places: PlacesByDay, at: datetime) -> list[Spot]:
    """Every receiver in service on a day."""
    there = places.at(at)
    return [spot_of(place, there.lines) for place in there.receivers.values()]


def plan_with(
    session: Session,
    places: PlacesByDay,
    proposals: Sequence[tuple[Item, Targets]],
    *,
    now: datetime,
    without_bulletin: str | None = None,
    without_programme: str | None = None,
) -> DayPlan:
    """What stands on the receivers of the proposals around them, and the slots that programmes own there. The proposals are not in it yet."""
    receivers = frozenset[str]().union(*(item.receivers for item, _ in proposals))
    first, last = proposals[0][0].due_at, proposals[-1][0].due_at + SEARCH  # as far as another time is looked for
    items = planned(
        session,
        places,
        first - timedelta(days=7),  # rules on days a week count from Monday
        last,
        receivers=receivers,
        without_bulletin=without_bulletin,
        without_programme=without_programme,
    )
    items += reserved(
        session, places, max(now, first - timedelta(days=7)), last, receivers=receivers, without=without_programme
    )
    there = places.at(first)
    return plan_day(
        items,
        [spot_of(there.receivers[name], there.lines) for name in receivers if name in there.receivers],
        places.policies,
    )


def judged(
    session: Session,
    content: Mapping[str, Any],
    *,
    now: datetime,
    places: PlacesByDay,
    bulletin: str | None = None,
    programme: str | None = None,
) -> list[Judged]:
    """What the policies say of each airing that a bulletin's content would make; those before count for those after them."""
    proposals = proposed(content, now=now, places=places)
    if not proposals:
        return []
    alone = _by_hours_alone(proposals, places, now)
    if alone is not None:
        return alone
    plan = plan_with(session, places, proposals, now=now, without_bulletin=bulletin, without_programme=programme)
    found: list[Judged] = []
    for item, targets in proposals:
        airtimes = plan.airtimes(item.receivers)
        verdict = judge(item, airtimes, not_before=now)
        found.append(Judged(item, targets, verdict, airtimes[0].in_force if airtimes else None))
        if verdict.lawful:
            plan = plan.changed(added=[item])
    return found


def _by_hours_alone(
    proposals: Sequence[tuple[Item, Targets]], places: PlacesByDay, now: datetime
) -> list[Judged] | None:
    """The answer without a look at what else airs, if all is lawful and nothing there is counted: in a province most of the time."""
    found: list[Judged] = []
    for item, targets in proposals:
        there = places.at(item.due_at)
        standing = (places.policies.in_force(spot_of(there.receivers[name], there.lines)) for name in item.receivers)
        in_forces = {id(each): each for each in standing}.values()
        if any(each.sessions_a_day or each.session_minutes or each.days_a_week for each in in_forces):
            return None
        verdict = judge(item, [Airtime(each) for each in in_forces], not_before=now)
        if not verdict.lawful:
            return None
        found.append(Judged(item, targets, verdict, next(iter(in_forces), None)))
    return found


def require_lawful(
    session: Session,
    content: Mapping[str, Any],
    *,
    now: datetime,
    zone: str,
    bulletin: str | None = None,
    programme: str | None = None,
) -> None:
    """Raise PolicyError for the first airing that a policy does not allow: which rule of which area, and when it might air.

    What airs of the bulletin or the programme itself already does not count.
    """
    if content["priority"] == "emergency":
        return
    places = PlacesByDay(session, zone)
    for found in judged(session, content, now=now, places=places, bulletin=bulletin, programme=programme):
        if not found.verdict.lawful:
            raise PolicyError(" ".join(found.sentences("vi")), " ".join(found.sentences("en")), **refusal(found))


def refused(session: Session, bulletin: Bulletin, clip: ClipRecord | None, *, now: datetime, zone: str) -> list[Judged]:
    """The airings of a bulletin that is being written which a policy does not allow; a minute long while it has no speech."""
    schedules = session.scalars(select(Schedule).where(Schedule.bulletin_id == bulletin.id).order_by(Schedule.id)).all()
    try:
        content = {
            "title": bulletin.title,
            "priority": bulletin.priority,
            "clip": {"duration_ms": clip.duration_ms if clip is not None else 60_000},
            "schedules": [
                {"id": row.id, "rule": row.rule, "targets": expanded(session, row.targets)} for row in schedules
            ],
        }
    except NotFoundError:  # a group that is gone: who releases it is told
        return []
    found = judged(session, content, now=now, places=PlacesByDay(session, zone), bulletin=bulletin.id)
    return [each for each in found if not each.verdict.lawful]


def refusal(found: Judged) -> dict[str, Any]:
    """The same for programs."""
    verdict = found.verdict
    return {
        "due_at": found.item.due_at.isoformat(),
        "refusals": [
            {"rule": each.kind, "area": each.standing.area, "vi": each.said("vi"), "en": each.said("en")}
            for each in verdict.refusals
        ],
        "before": verdict.before.isoformat() if verdict.before else None,
        "after": verdict.after.isoformat() if verdict.after else None,
    }
