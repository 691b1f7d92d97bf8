"""Pages for people: logging in, and the ladder of proof of the current airing, live."""

from api.web.pages import router

__all__ = ["router"]
