"""Rules in plain words, before anything is saved."""

from datetime import date, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from api.auth import ActorDep, StationDep
from api.complaints import complaint
from api.v1.bulletins import PlanItem
from broadcaster.errors import InvalidError
from broadcaster.foresight import conflicts, simulation
from broadcaster.groups import areas_in, expanded
from broadcaster.people import Right
from broadcaster.releases import find
from broadcaster.storage.models import ClipRecord, Receiver
from broadcaster.whereabouts import need_sight
from schedules.recurrence import Moved, Recurring
from schedules.rules import Rule
from schedules.sentences import describe

router = APIRouter(tags=["schedules"])
NEXT = 5
LOOK_AHEAD = timedelta(days=366 * 5)


class RuleInput(BaseModel):
    """One rule."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"rule": {"kind": "recurring", "start": "2026-12-01T17:00:00", "rrule": "FREQ=DAILY"}}]
        },
    )
    rule: Rule


class RulePreview(BaseModel):
    """A rule as people say it, and the next instants at which it airs."""

    vi: str
    en: str
    next: list[AwareDatetime]


@router.post("/schedules/preview")
def preview_rule(station: StationDep, actor: ActorDep, body: RuleInput) -> RulePreview:
    """What a rule means: a sentence in Vietnamese and in English, and the next five airings."""
    actor.need(Right.READ)
    now, zone = station.clock.now(), station.settings.zone
    return RulePreview(
        vi=describe(body.rule, "vi", zone=zone),
        en=describe(body.rule, "en", zone=zone),
        next=list(islice(body.rule.instants(now, now + LOOK_AHEAD), NEXT)),
    )


class Shift(BaseModel):
    """One occurrence that airs at another time, both in wall-clock."""

    model_config = ConfigDict(extra="forbid")
    original: datetime
    to: datetime


class WeekCopy(BaseModel):
    """All that a rule airs in the week from `monday` on, also in the week from `to` on."""

    model_config = ConfigDict(extra="forbid")
    monday: date
    to: date


class RuleChange(BaseModel):
    """A recurring rule and what is to be changed of it."""

    model_config = ConfigDict(extra="forbid")
    rule: Recurring
    skip: Annotated[list[date], Field(max_length=100)] = Field(default_factory=list)
    move: Annotated[list[Shift], Field(max_length=100)] = Field(default_factory=list)
    copy_week: WeekCopy | None = None


class ChangedRule(RulePreview):
    """The changed rule, for the bulletin's next revision, and what it means."""

    rule: Recurring


@router.post("/schedules/change")
def change_rule(station: StationDep, actor: ActorDep, body: RuleChange) -> ChangedRule:
    """Skip dates, move single occurrences, copy a week: the rule that comes of it. Nothing is saved."""
    actor.need(Right.READ)
    changed: Recurring | None = body.rule
    try:
        for day in body.skip:
            changed = changed and changed.without(day)
        if changed is not None and body.move:
            moved = (*changed.moved, *(Moved(original=shift.original, to=shift.to) for shift in body.move))
            changed = Recurring.model_validate({**changed.model_dump(), "moved": moved})
        if changed is not None and body.copy_week is not None:
            changed = changed.with_week_copied(body.copy_week.monday, body.copy_week.to)
    except ValidationError as error:
        vi, en = complaint(error.errors()[0])
        raise InvalidError(f"Không đổi được lịch: {vi}.", f"The rule cannot be changed so: {en}.") from error
    if changed is None:
        raise InvalidError(
            "Tuần được chép không có lượt phát nào của lịch này.", "The rule airs nothing in the week that is copied."
        )
    said = preview_rule(station, actor, RuleInput(rule=changed))
    return ChangedRule(rule=changed, **said.model_dump())


class PlanWeekCopy(WeekCopy):
    """From which Monday to which; without an `area` all that aired."""

    model_config = ConfigDict(extra="forbid")
    area: str | None = None


class CopiedBulletin(BaseModel):
    """A draft that was made, and of which bulletin."""

    bulletin: str
    of: str


@router.post("/plan/week-copies", status_code=201)
def copy_week(station: StationDep, actor: ActorDep, body: PlanWeekCopy) -> list[CopiedBulletin]:
    """What aired in one week as drafts for the same times of another week, to be submitted and released as always.

    Programmes fill their slots themselves and are left out, as are emergencies, what was withdrawn, and what airs in that week anyway.
    """
    made = station.week_copies.copy(actor, body.monday, body.to, area=body.area)
    return [CopiedBulletin(**vars(copy)) for copy in made]


class ConflictsInput(BaseModel):
    """Times and places that are being considered, with the bulletin that they are for or its length."""

    model_config = ConfigDict(extra="forbid")
    plan: Annotated[list[PlanItem], Field(min_length=1, max_length=50)]
    bulletin: str | None = Field(None, description="Its clip's length counts, and its own airings do not clash.")
    duration_s: Annotated[float, Field(gt=0, le=7200)] = Field(120, description="Where there is no clip yet.")
    priority: Literal["routine", "priority"] = "routine"
    title: Annotated[str, Field(max_length=300)] = ""


class Conflicts(BaseModel):
    """What meets a policy or another airing, per receiver, with choices; empty: nothing does."""

    items: list[dict[str, Any]]


@router.post("/plan/conflicts")
def find_conflicts(station: StationDep, actor: ActorDep, body: ConflictsInput) -> Conflicts:
    """Before anything is submitted: which airings of the next two weeks a policy refuses or another airing overlaps, on which receivers,
    and what may be done about it."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        duration_ms = round(body.duration_s * 1000)
        title, priority = body.title, body.priority
        if body.bulletin is not None:
            row = find(session, body.bulletin)
            need_sight(session, actor, row)
            clip = session.get(ClipRecord, row.clip_sha256) if row.clip_sha256 else None
            duration_ms = clip.duration_ms if clip else duration_ms
            title = title or row.title
        content = {
            "title": title,
            "priority": priority,
            "clip": {"duration_ms": duration_ms},
            "schedules": [
                {
                    "id": f"draft-{number}",
                    "rule": item.rule.model_dump(mode="json"),
                    "targets": expanded(session, item.targets.model_dump(mode="json")),
                }
                for number, item in enumerate(body.plan)
            ],
        }
        actor.need(Right.READ, *areas_in(session, [item.targets for item in body.plan]))
        return Conflicts(
            items=conflicts(
                session, content, now=station.clock.now(), zone=station.settings.zone, bulletin=body.bulletin
            )
        )


class SimulatedPlay(BaseModel):
    """Sounding from `start` to `end`, beginning at `offset_s` into the clip."""

    start: AwareDatetime
    end: AwareDatetime
    offset_s: float


class SimulatedAiring(BaseModel):
    """What becomes of one airing on the receiver, and why."""

    airing: str
    title: str
    priority: str
    due_at: AwareDatetime
    outcome: str
    by: str | None = Field(description="The airing that ended it or held it up.")
    plays: list[SimulatedPlay]
    vi: str
    en: str


class LostAiring(BaseModel):
    """An airing that was withdrawn, skipped or missed by the station, and why."""

    airing: str
    title: str
    due_at: AwareDatetime
    state: str
    reason: str | None


class SimulatedDay(BaseModel):
    """One receiver's day."""

    receiver: str
    name: str
    day: date
    airings: list[SimulatedAiring]
    lost: list[LostAiring] = Field(description="What was to air there and stands no more.")


@router.get("/simulation")
def simulate_day(station: StationDep, actor: ActorDep, day: date, receiver: str) -> SimulatedDay:
    """For any day and any receiver: what plays from when to when, why, and what loses."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        row = session.get(Receiver, receiver)
        if row is not None:  # of one that is not there the simulation says so
            actor.need(Right.READ, row.area_id)
        found = simulation(
            session,
            receiver=receiver,
            day=day,
            now=station.clock.now(),
            zone=station.settings.zone,
            planned_to=station.settings.plan_horizon,
        )
    return SimulatedDay(
        receiver=receiver,
        name=found.receiver.name,
        day=day,
        airings=[
            SimulatedAiring(
                airing=fate.item.id,
                title=fate.item.title,
                priority=fate.item.priority,
                due_at=fate.item.due_at,
                outcome=fate.outcome,
                by=fate.by,
                plays=[
                    SimulatedPlay(start=play.start, end=play.end, offset_s=play.offset.total_seconds())
                    for play in fate.plays
                ],
                vi=found.explained(fate, "vi"),
                en=found.explained(fate, "en"),
            )
            for fate in found.fates
        ],
        lost=[
            LostAiring(airing=row.id, title=row.title, due_at=row.due_at, state=row.state, reason=row.state_reason)
            for row in found.lost
        ],
    )
