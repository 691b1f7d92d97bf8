"""Composing a bulletin on one page."""

from api.web.compose.routes import router

__all__ = ["router"]
