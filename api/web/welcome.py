"""The page behind the one-time link: whoever holds the station's machine becomes its first administrator."""

from typing import Annotated

from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import AddressDep, StationDep, same_origin
from api.web import page as pages
from broadcaster.errors import BroadcasterError, InvalidError, NotFoundError

router = pages.router()


def _form(
    request: Request,
    *,
    username: str = "",
    full_name: str = "",
    problem: BroadcasterError | None = None,
) -> Response:
    return pages.page(
        request,
        "welcome.html",
        problem=problem,
        username=username,
        full_name=full_name,
        gone=isinstance(problem, NotFoundError),
    )


@router.get("/welcome/{token}")
def welcome(request: Request, station: StationDep, token: str) -> Response:
    """The form, while the link serves."""
    try:
        station.welcome.require(token)
    except NotFoundError as error:
        return _form(request, problem=error)
    return _form(request)


@router.post("/welcome/{token}")
def accept(
    *,
    request: Request,
    station: StationDep,
    address: AddressDep,
    token: str,
    username: Annotated[str, Form(max_length=64)],
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    again: Annotated[str, Form(max_length=1000)],
) -> Response:
    """Make the administrator and go to the log-in, or say what is wrong and keep what was typed but the password."""
    try:
        same_origin(request)
        if password != again:
            raise InvalidError("Hai mật khẩu không giống nhau.", "The two passwords differ.", field="again")
        station.welcome.accept(token, username=username.strip(), name=name.strip(), password=password, address=address)
    except BroadcasterError as error:
        return _form(request, username=username, full_name=name, problem=error)
    return RedirectResponse("/login", 303)
