"""Pages for people: logging in, the ladder of proof of the current airing, live, and taking devices into service."""

from fastapi import APIRouter

from api.web import enrolments, pages, welcome

router = APIRouter(include_in_schema=False)
router.include_router(pages.router)
router.include_router(enrolments.router)
router.include_router(welcome.router)

__all__ = ["router"]
