"""REST, version 1."""

from fastapi import APIRouter

from api.problems import RESPONSES
from api.v1 import airings, asrun, bulletins, media, receivers, releases, schedules, sessions

router = APIRouter(prefix="/api/v1", responses=RESPONSES)
for part in (sessions, bulletins, schedules, releases, airings, receivers, asrun, media):
    router.include_router(part.router)
