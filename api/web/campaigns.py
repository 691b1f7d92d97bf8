"""Campaigns: their period, content groups and goals, and how far they have come."""

from datetime import date
from typing import Annotated

from fastapi import Form, Request
from pydantic import BaseModel, Field, ValidationError
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.area_tree import tree_of
from broadcaster.campaigns import CampaignPlan, Goals
from broadcaster.errors import BroadcasterError, InvalidError
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import Campaign

router = pages.router()
GOALS = ("airings", "minutes", "communes")
MOST = 12
"""Campaigns that are on, whose progress the list shows."""


class CampaignForm(BaseModel):
    """What somebody typed."""

    name: Annotated[str, Field(max_length=200)] = ""
    starts_on: Annotated[str, Field(max_length=10)] = ""
    ends_on: Annotated[str, Field(max_length=10)] = ""
    content_groups: Annotated[str, Field(max_length=12000)] = ""
    airings: Annotated[str, Field(max_length=9)] = ""
    minutes: Annotated[str, Field(max_length=9)] = ""
    communes: Annotated[str, Field(max_length=9)] = ""
    area: Annotated[str, Field(max_length=64)] = ""

    @classmethod
    def of(cls, row: Campaign) -> "CampaignForm":
        """A campaign as it is typed."""
        goals = {name: str(row.goals.get(name) or "") for name in GOALS}
        return cls(
            name=row.name,
            starts_on=row.starts_on.isoformat(),
            ends_on=row.ends_on.isoformat(),
            content_groups="\n".join(row.content_groups),
            area=row.area_id or "",
            **goals,
        )

    def plan(self) -> CampaignPlan:
        """Raises InvalidError."""
        name = "starts_on"
        try:
            starts_on = date.fromisoformat(self.starts_on)
            name = "ends_on"
            ends_on = date.fromisoformat(self.ends_on)
            goals: dict[str, int] = {}
            for name in GOALS:
                if text := getattr(self, name).strip():
                    goals[name] = int(text)
            return CampaignPlan(
                name=self.name.strip(),
                starts_on=starts_on,
                ends_on=ends_on,
                content_groups=tuple(
                    dict.fromkeys(line.strip() for line in self.content_groups.splitlines() if line.strip())
                ),
                goals=Goals.model_validate(goals),
                area=self.area or None,
            )
        except ValidationError as error:
            where = error.errors()[0]["loc"]
            field = str(where[-1]) if where else "ends_on"
        except ValueError:
            field = name
        raise InvalidError(
            "Nhập tên, ngày bắt đầu và ngày kết thúc không trước ngày bắt đầu; chỉ tiêu là số từ 1.",
            "Enter a name, the first day and a last day not before it; a goal is a number from 1.",
            field=field,
        )


@router.get("/campaigns")
def campaigns(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """All campaigns, the latest first, with the progress of those that are on."""
    actor.need(Right.READ)
    today = station.today()
    rows = station.campaigns.all(actor)
    on = [row.id for row in rows if row.starts_on <= today <= row.ends_on][:MOST]
    return pages.page(
        request,
        "campaigns.html",
        actor=actor,
        rows=rows,
        today=today,
        progress={name: station.campaigns.progress(actor, name)[1] for name in on},
        tree=tree_of(station),
        may_change=actor.may(Right.EDIT),
    )


@router.get("/campaigns/new")
def new(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """The form of a new one."""
    actor.need(Right.EDIT)
    today = station.today()
    form = CampaignForm(
        starts_on=today.isoformat(), ends_on=date(today.year, 12, 31).isoformat(), area=actor.home or ""
    )
    return _form(request, station, actor, form)


@router.post("/campaigns/new")
def save_new(request: Request, station: StationDep, actor: ActorDep, form: Annotated[CampaignForm, Form()]) -> Response:
    """Save it."""
    return _save(request, station, actor, form, None)


@router.get("/campaigns/{campaign_id}")
def one(request: Request, station: StationDep, actor: ActorDep, campaign_id: str) -> Response:
    """One campaign and how far it is."""
    row, progress = station.campaigns.progress(actor, campaign_id)
    goals = [(name, row.goals.get(name), getattr(progress, name)) for name in GOALS]
    return pages.page(
        request,
        "campaign.html",
        actor=actor,
        row=row,
        progress=progress,
        goals=goals,
        today=station.today(),
        groups=[(name, progress.by_group.get(name, 0)) for name in row.content_groups],
        ungrouped=sum(number for name, number in progress.by_group.items() if name not in row.content_groups),
        tree=tree_of(station),
        may_change=actor.may(Right.EDIT, row.area_id),
    )


@router.get("/campaigns/{campaign_id}/form")
def form_of(request: Request, station: StationDep, actor: ActorDep, campaign_id: str) -> Response:
    """The form of one that stands."""
    actor.need(Right.EDIT)
    row, _ = station.campaigns.progress(actor, campaign_id)
    actor.need(Right.EDIT, row.area_id)
    return _form(request, station, actor, CampaignForm.of(row), campaign=row.id)


@router.post("/campaigns/{campaign_id}/form")
def save(
    request: Request, station: StationDep, actor: ActorDep, campaign_id: str, form: Annotated[CampaignForm, Form()]
) -> Response:
    """Save it."""
    return _save(request, station, actor, form, campaign_id)


def _save(request: Request, station: Station, actor: Actor, form: CampaignForm, campaign: str | None) -> Response:
    actor.need(Right.EDIT)
    try:
        made = station.campaigns.save(actor, form.plan(), campaign=campaign)
    except BroadcasterError as error:
        return _form(request, station, actor, form, campaign=campaign, problem=error)
    return RedirectResponse(f"/campaigns/{made}?done=campaign_saved", 303)


def _form(
    request: Request,
    station: Station,
    actor: Actor,
    form: CampaignForm,
    *,
    campaign: str | None = None,
    problem: BroadcasterError | None = None,
) -> Response:
    return pages.page(
        request,
        "campaign_form.html",
        actor=actor,
        problem=problem,
        form=form,
        campaign=campaign,
        goals=GOALS,
        areas=tree_of(station).options(actor.within(Right.EDIT)),
        whole=actor.may(Right.EDIT, None),
    )
