"""REST, version 1."""

from fastapi import APIRouter

from api.problems import RESPONSES
from api.v1 import (
    absences,
    airings,
    areas,
    asrun,
    audit,
    bulletins,
    calendars,
    composing,
    emergencies,
    enrolments,
    lexicon,
    media,
    operations,
    people,
    policies,
    programmes,
    readings,
    receiver_life,
    receivers,
    recordings,
    releases,
    reports,
    schedules,
    sessions,
    sound,
    trust,
)

router = APIRouter(prefix="/api/v1", responses=RESPONSES)
for part in (
    sessions,
    people,
    absences,
    composing,
    bulletins,
    readings,
    recordings,
    lexicon,
    sound,
    schedules,
    areas,
    policies,
    programmes,
    calendars,
    emergencies,
    releases,
    airings,
    operations,
    receivers,
    enrolments,
    receiver_life,
    trust,
    asrun,
    reports,
    audit,
    media,
):
    router.include_router(part.router)
