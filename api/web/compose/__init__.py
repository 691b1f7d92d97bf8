"""Composing a bulletin on one page."""

from api.web import page as pages
from api.web.compose import listening, routes

router = pages.router()
router.include_router(listening.router)
router.include_router(routes.router)

__all__ = ["router"]
