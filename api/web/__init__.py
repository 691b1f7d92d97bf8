"""Pages for people: one module a page or a few that belong together; `navigation` says which are in the menu."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from api.problems import NOWHERE
from api.web import (
    absences,
    areas,
    audit,
    bulletins,
    campaigns,
    compose,
    emergencies,
    emergency_templates,
    enrolments,
    groups,
    lexicon,
    log,
    login,
    me,
    operations,
    outside,
    people,
    policies,
    programmes,
    receivers,
    receivers_map,
    releases,
    reorganisations,
    report,
    report_form,
    reports,
    schedule,
    schedule_airings,
    simulation,
    sound,
    stops,
    welcome,
)
from api.web import page as pages
from broadcaster.errors import NotFoundError

router = APIRouter(include_in_schema=False)
for part in (
    login,
    outside,
    operations,
    receivers_map,
    bulletins,
    compose,
    releases,
    areas,
    receivers,
    enrolments,
    groups,
    lexicon,
    sound,
    policies,
    reorganisations,
    people,
    me,
    absences,
    audit,
    welcome,
    schedule,
    schedule_airings,
    simulation,
    stops,
    emergency_templates,
    emergencies,
    programmes,
    campaigns,
    log,
    reports,
    report,
    report_form,
):
    router.include_router(part.router)

elsewhere = pages.router()
"""Included after all others: an address where nothing is says so as a page."""


@elsewhere.get(NOWHERE)
def nowhere(request: Request, path: str) -> Response:
    """Tell a person that there is no such page, or lead from where a form is sent to the page on which it stands; programs have their own answer."""
    if path.startswith("api/"):
        raise HTTPException(404)
    home = pages.home_of_form(request)
    if home is not None:
        return RedirectResponse(f"{home}?{request.url.query}" if request.url.query else home, 303)
    raise NotFoundError(
        "Không có trang này. Kiểm tra địa chỉ, hoặc chọn trong mục lục.",
        "There is no such page. Check the address, or choose from the menu.",
    )


__all__ = ["elsewhere", "router"]
