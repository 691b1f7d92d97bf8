"""Logging in and out."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.auth import ActorDep, AddressDep, StationDep, TokenDep
from broadcaster.logins import id_of
from broadcaster.people import Actor, Grant, Role
from devices.wire.messages import Identifier

router = APIRouter(tags=["sessions"])


class LogIn(BaseModel):
    """User name and password."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "mai", "password": "…"}]})
    username: Annotated[str, Field(max_length=100)]
    password: Annotated[str, Field(max_length=1000)]
    code: Annotated[str | None, Field(max_length=20, description="One-time code, of whoever has switched them on.")] = (
        None
    )


class OneTimeCode(BaseModel):
    """A one-time code (RFC 6238), 6 digits."""

    code: Annotated[str, Field(max_length=20)]


class RoleInArea(BaseModel):
    """A role in an area and what is under it; without an area in the whole station."""

    model_config = ConfigDict(extra="forbid")
    role: Role
    area: Identifier | None = None

    @classmethod
    def of(cls, grant: Grant) -> "RoleInArea":
        """From the domain's object."""
        return cls(role=grant.role, area=grant.area)

    def grant(self) -> Grant:
        """The same, for the domain."""
        return Grant(self.role, self.area)


class Person(BaseModel):
    """Somebody who is logged in."""

    id: str
    username: str
    name: str
    roles: list[RoleInArea]
    must_change_password: bool
    one_time_codes: bool

    @classmethod
    def of(cls, actor: Actor) -> "Person":
        """From the domain's object."""
        return cls(
            id=actor.id,
            username=actor.username,
            name=actor.name,
            roles=[RoleInArea.of(grant) for grant in actor.grants],
            must_change_password=actor.must_change_password,
            one_time_codes=actor.proved is not None,
        )


class Session(BaseModel):
    """A log-in. The token is shown this once; send it as `Authorization: Bearer …`."""

    token: str
    expires_at: AwareDatetime
    person: Person


class OpenLogIn(BaseModel):
    """A log-in that has not ended."""

    id: str
    created_at: AwareDatetime
    expires_at: AwareDatetime
    current: bool = Field(description="Whether it is the one that asks.")


@router.post("/sessions", status_code=201)
def log_in(station: StationDep, address: AddressDep, body: LogIn) -> Session:
    """Log in. After five failures from one address at one user name the answer is 429 for a quarter of an hour."""
    token, actor, login = station.log_ins.log_in(body.username, body.password, code=body.code, address=address)
    return Session(token=token, expires_at=login.expires_at, person=Person.of(actor))


@router.get("/sessions")
def list_log_ins(station: StationDep, actor: ActorDep, token: TokenDep) -> list[OpenLogIn]:
    """One's own log-ins, the newest first."""
    actor.need_log_in()
    return [
        OpenLogIn(id=id_of(row), created_at=row.created_at, expires_at=row.expires_at, current=current)
        for row, current in station.log_ins.open_log_ins(actor, token)
    ]


@router.put("/sessions/current/proof", status_code=204)
def prove(station: StationDep, actor: ActorDep, token: TokenDep, address: AddressDep, body: OneTimeCode) -> Response:
    """Give a one-time code within this log-in; it counts for five minutes, for releasing and the like."""
    actor.need_log_in()
    station.log_ins.prove(token or "", actor, body.code, address=address)
    return Response(status_code=204)


@router.delete("/sessions/current", status_code=204)
def log_out(station: StationDep, token: TokenDep, address: AddressDep) -> Response:
    """Log out; doing it twice is no error."""
    if token:
        station.log_ins.log_out(token, address=address)
    return Response(status_code=204)


@router.delete("/sessions/{session_id}", status_code=204)
def end_log_in(station: StationDep, actor: ActorDep, session_id: str) -> Response:
    """End one of one's own log-ins, such as that of a phone that was lost."""
    station.log_ins.end_log_in(actor, session_id)
    return Response(status_code=204)


@router.get("/people/me")
def me(actor: ActorDep) -> Person:
    """Who is logged in."""
    return Person.of(actor)
