"""Rules in plain words, before anything is saved."""

from datetime import timedelta
from itertools import islice

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict

from api.auth import ActorDep, StationDep
from broadcaster.people import Right
from schedules.rules import Rule
from schedules.sentences import describe

router = APIRouter(tags=["schedules"])
NEXT = 5
LOOK_AHEAD = timedelta(days=366 * 5)


class RuleInput(BaseModel):
    """One rule."""

    model_config = ConfigDict(extra="forbid")
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
