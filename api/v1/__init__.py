"""REST, version 1."""

from fastapi import APIRouter

from api.problems import RESPONSES
from api.v1 import (
    airings,
    areas,
    asrun,
    bulletins,
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
    schedules,
    sessions,
    sound,
    trust,
)

router = APIRouter(prefix="/api/v1", responses=RESPONSES)
for part in (
    sessions,
    people,
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
    emergencies,
    releases,
    airings,
    operations,
    receivers,
    enrolments,
    receiver_life,
    trust,
    asrun,
    media,
):
    router.include_router(part.router)
