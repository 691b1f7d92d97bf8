"""Logging in and out."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, Field

from api.auth import ActorDep, StationDep, TokenDep
from broadcaster.people import Role

router = APIRouter(tags=["sessions"])


class LogIn(BaseModel):
    """User name and password."""

    username: Annotated[str, Field(max_length=100)]
    password: Annotated[str, Field(max_length=1000)]


class Person(BaseModel):
    """Somebody who is logged in."""

    id: str
    username: str
    name: str
    role: Role


class Session(BaseModel):
    """A log-in. The token is shown this once; send it as `Authorization: Bearer …`."""

    token: str
    expires_at: AwareDatetime
    person: Person


@router.post("/sessions", status_code=201)
def log_in(station: StationDep, body: LogIn) -> Session:
    """Log in."""
    token, actor, login = station.people.log_in(body.username, body.password)
    person = Person(id=actor.id, username=actor.username, name=actor.name, role=actor.role)
    return Session(token=token, expires_at=login.expires_at, person=person)


@router.delete("/sessions/current", status_code=204)
def log_out(station: StationDep, token: TokenDep) -> Response:
    """Log out; doing it twice is no error."""
    if token:
        station.people.log_out(token)
    return Response(status_code=204)


@router.get("/people/me")
def me(actor: ActorDep) -> Person:
    """Who is logged in."""
    return Person(id=actor.id, username=actor.username, name=actor.name, role=actor.role)
