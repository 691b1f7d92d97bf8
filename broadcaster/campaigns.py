"""Campaigns (đợt tuyên truyền): a period, content groups and goals, and how far they have come by the as-run log."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.areas import areas_on, day_of, lines_of, require
from broadcaster.clock import Clock
from broadcaster.errors import NotFoundError
from broadcaster.identity import new_id
from broadcaster.people import Actor, Right
from broadcaster.reorganisation.rehoming import beginning
from broadcaster.storage.database import Database
from broadcaster.storage.models import Airing, AsRun, Campaign
from schedules.unfit import UnfitError


class Goals(BaseModel):
    """What the plan asks for, in all."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    airings: Annotated[int, Field(ge=1)] | None = None
    minutes: Annotated[int, Field(ge=1)] | None = None
    communes: Annotated[int, Field(ge=1)] | None = None


class CampaignPlan(BaseModel):
    """A campaign as it is planned."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"name": "Nghị quyết 57", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "goals": {"airings": 52}}
            ]
        },
    )
    name: Annotated[str, Field(min_length=1, max_length=200)]
    starts_on: date
    ends_on: date
    content_groups: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=50)
    ] = ()
    goals: Goals = Goals()
    area: str | None = Field(None, description="Whose it is; by default its author's own area, then as it was.")

    @model_validator(mode="after")
    def _in_order(self) -> "CampaignPlan":
        if self.ends_on < self.starts_on:
            raise UnfitError("ngày cuối (ends_on) trước ngày đầu (starts_on)", "ends_on lies before starts_on")
        return self


@dataclass(frozen=True)
class Progress:
    """How far a campaign is: airings that some receiver proved to have played, their minutes, the communes that heard one; and what is planned."""

    airings: int
    minutes: float
    communes: int
    planned: int
    by_group: dict[str, int]


class Campaigns:
    """The campaigns of a station."""

    def __init__(self, database: Database, clock: Clock, *, zone: str) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone

    def save(self, actor: Actor, plan: CampaignPlan, *, campaign: str | None = None) -> str:
        """A new campaign, or another plan for one; returns its id."""
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            row = self._find(session, campaign) if campaign is not None else Campaign(id=new_id(), area_id=actor.home)
            actor.need(Right.EDIT, row.area_id)
            before = audit.state(row) if campaign is not None else {}
            if plan.area is not None:
                actor.need(Right.EDIT, plan.area)
                require(areas_on(session, day_of(self._clock.now(), self._zone)), [plan.area])
                row.area_id = plan.area
            for name, value in plan.model_dump(mode="json", exclude={"area"}).items():
                setattr(row, name, value)
            row.starts_on, row.ends_on = plan.starts_on, plan.ends_on
            row.changed_by, row.changed_at = actor.id, self._clock.now()
            session.add(row)
            session.flush()
            after = audit.state(row)
            audit.note(
                session,
                actor,
                "campaign-saved",
                row.id,
                at=row.changed_at,
                areas=[row.area_id],
                before=before,
                after=after,
            )
            return row.id

    def progress(self, actor: Actor, campaign: str) -> tuple[Campaign, Progress]:
        """The campaign, and how far it is within its period."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            row = self._find(session, campaign)
            start = beginning(row.starts_on, self._zone)
            end = beginning(row.ends_on + timedelta(days=1), self._zone)
            mine = (Airing.campaign_id == row.id, Airing.drill.is_(False), Airing.due_at >= start, Airing.due_at < end)
            played = (
                select(Airing.id, Airing.duration_ms, Airing.content_group)
                .where(*mine, select(AsRun.seq).where(AsRun.airing_id == Airing.id, AsRun.state == "finished").exists())
                .subquery()
            )
            airings, length = session.execute(
                select(func.count(), func.coalesce(func.sum(played.c.duration_ms), 0))
            ).one()
            groups = session.execute(
                select(func.coalesce(played.c.content_group, ""), func.count()).group_by(played.c.content_group)
            )
            planned = session.scalar(
                select(func.count()).select_from(Airing).where(*mine, Airing.state.in_(("planned", "dispatched")))
            )
            heard = session.scalars(
                select(AsRun.area_id)
                .join(Airing, Airing.id == AsRun.airing_id)
                .where(*mine, AsRun.state == "finished")
                .distinct()
            )
            progress = Progress(
                airings,
                round(int(length) / 60_000, 1),
                self._communes(session, row, set(heard)),
                planned or 0,
                dict(groups.all()),
            )
        return row, progress

    def all(self, actor: Actor) -> list[Campaign]:
        """Campaigns, the latest first."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            return list(session.scalars(select(Campaign).order_by(Campaign.starts_on.desc(), Campaign.id)))

    def _communes(self, session: Session, row: Campaign, areas: set[str]) -> int:
        """In how many communes, as they stood on the campaign's first and last day, so that a merger takes none away."""
        found: set[str] = set()
        for day in (row.starts_on, row.ends_on):
            tree: dict[str, Any] = areas_on(session, day)
            lines = lines_of(tree)
            left = [area for area in areas if area in lines]
            found.update(name for area in left for name in lines[area] if tree[name].kind == "commune")
            areas = areas.difference(left)
        return len(found)

    @staticmethod
    def _find(session: Session, campaign: str) -> Campaign:
        row = session.get(Campaign, campaign)
        if row is None:
            raise NotFoundError(f"Không có đợt tuyên truyền '{campaign}'.", f"There is no campaign '{campaign}'.")
        return row
