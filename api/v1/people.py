"""Accounts: made and changed by administrators; passwords, one-time codes and tokens by their owner."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.auth import ActorDep, AddressDep, StationDep
from api.idempotency import Idempotent
from api.preconditions import state_meant
from api.v1.sessions import OneTimeCode, Person, RoleInArea
from broadcaster.accounts import state_of
from broadcaster.people import Grant, Right
from broadcaster.storage.models import ApiToken
from broadcaster.storage.models import Person as PersonRow
from broadcaster.unchanged import tag_of
from devices.wire.messages import Identifier

router = APIRouter(tags=["people"], route_class=Idempotent)


Username = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$")]


class NewPerson(BaseModel):
    """An account to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"username": "mai", "name": "Nguyễn Thị Mai", "roles": [{"role": "editor", "area": "xa-tan-phong"}]}
            ]
        }
    )
    username: Username
    name: Annotated[str, Field(min_length=1, max_length=200)]
    roles: Annotated[list[RoleInArea], Field(min_length=1, max_length=50)]


class Invited(BaseModel):
    """The account, and the password that its owner must change at the first log-in; shown this once."""

    person: Person
    password: str


class Account(BaseModel):
    """An account as an administrator sees it."""

    id: str
    username: str
    name: str
    roles: list[RoleInArea]
    created_at: AwareDatetime
    disabled_at: AwareDatetime | None
    one_time_codes: bool
    etag: str = Field(description='For If-Match on an edit: `"…"`.')

    @classmethod
    def of(cls, row: PersonRow, grants: Iterable[Grant]) -> "Account":
        """From its row."""
        grants = list(grants)
        return cls(
            id=row.id,
            username=row.username,
            name=row.name,
            roles=[RoleInArea.of(grant) for grant in grants],
            created_at=row.created_at,
            disabled_at=row.disabled_at,
            one_time_codes=row.totp_confirmed_at is not None,
            etag=tag_of(state_of(row, grants)),
        )


class AccountChange(BaseModel):
    """What an administrator sets."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Nguyễn Thị Mai", "roles": [{"role": "approver", "area": "xa-tan-phong"}], "disabled": False}
            ]
        }
    )
    name: Annotated[str, Field(min_length=1, max_length=200)]
    roles: Annotated[list[RoleInArea], Field(min_length=1, max_length=50)]
    disabled: bool = False


class NewPassword(BaseModel):
    """A password shown this once."""

    password: str


class PasswordChange(BaseModel):
    """One's own password, present and new."""

    old: Annotated[str, Field(max_length=1000)]
    new: Annotated[str, Field(max_length=1000)]


class CodeSecret(BaseModel):
    """What an authenticator is set up with; codes are asked for once one was confirmed."""

    secret: str
    address: str = Field(description="otpauth:// address, to be shown as a QR code.")


class NewToken(BaseModel):
    """A token for a program."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "bảng điều khiển", "rights": ["read"], "days": 90}]}
    )
    name: Annotated[str, Field(min_length=1, max_length=100)]
    rights: list[Right]
    days: Annotated[int, Field(ge=1, le=366)] = 90
    area: Identifier | None = Field(None, description="In this area and below only; null: wherever its owner may.")


class MadeToken(BaseModel):
    """The token, shown this once; send it as `Authorization: Bearer …`."""

    token: str


class ProgramToken(BaseModel):
    """A token that serves."""

    id: str
    name: str
    rights: list[Right]
    area: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime

    @classmethod
    def of(cls, row: ApiToken) -> "ProgramToken":
        """From its row."""
        return cls(
            id=row.id,
            name=row.name,
            rights=[Right(name) for name in row.rights],
            area=row.area_id,
            created_at=row.created_at,
            expires_at=row.expires_at,
        )


class FirstAdministrator(BaseModel):
    """Who becomes administrator of the whole station, by the link that the station printed."""

    model_config = ConfigDict(extra="forbid")
    token: Annotated[str, Field(max_length=200, description="The end of the link.")]
    username: Username
    name: Annotated[str, Field(min_length=1, max_length=200)]
    password: Annotated[str, Field(max_length=1000)]


@router.post("/welcome", status_code=201)
def welcome(station: StationDep, address: AddressDep, body: FirstAdministrator) -> Person:
    """Become the first administrator. The link serves once; `broadcaster welcome` prints another."""
    made = station.welcome.accept(
        body.token, username=body.username, name=body.name, password=body.password, address=address
    )
    return Person.of(made)


@router.get("/people")
def list_people(station: StationDep, actor: ActorDep) -> list[Account]:
    """The accounts with a role in the administrator's area, by user name."""
    return [Account.of(row, grants) for row, grants in station.people.all(actor)]


@router.post("/people", status_code=201)
def invite(station: StationDep, actor: ActorDep, body: NewPerson) -> Invited:
    """Make an account."""
    grants = [role.grant() for role in body.roles]
    made, password = station.people.invite(actor, username=body.username, name=body.name, grants=grants)
    return Invited(person=Person.of(made), password=password)


@router.put("/people/{person_id}", status_code=204)
def change_person(
    request: Request, station: StationDep, actor: ActorDep, person_id: str, body: AccountChange
) -> Response:
    """Set name and roles, or disable the account: its log-ins end at once. With If-Match only if it is as it was read."""
    seen = state_meant(request)
    grants = [role.grant() for role in body.roles]
    station.people.change(actor, person_id, name=body.name, grants=grants, disabled=body.disabled, seen=seen)
    return Response(status_code=204)


@router.post("/people/{person_id}/password-reset")
def reset_password(station: StationDep, actor: ActorDep, person_id: str) -> NewPassword:
    """Give a new password, to be changed at the next log-in; one-time codes are switched off, log-ins end."""
    return NewPassword(password=station.people.reset_password(actor, person_id))


@router.put("/people/me/password", status_code=204)
def change_password(station: StationDep, actor: ActorDep, body: PasswordChange) -> Response:
    """Change one's own password; all log-ins end."""
    station.people.change_password(actor, old=body.old, new=body.new)
    return Response(status_code=204)


@router.post("/people/me/one-time-codes", status_code=201)
def begin_codes(station: StationDep, actor: ActorDep) -> CodeSecret:
    """A secret for an authenticator; confirm it with a code."""
    secret, address = station.log_ins.begin_codes(actor)
    return CodeSecret(secret=secret, address=address)


@router.put("/people/me/one-time-codes", status_code=204)
def confirm_codes(station: StationDep, actor: ActorDep, body: OneTimeCode) -> Response:
    """Switch one-time codes on: from now on a log-in, and a release, ask for one."""
    station.log_ins.confirm_codes(actor, body.code)
    return Response(status_code=204)


@router.get("/people/me/tokens")
def list_tokens(station: StationDep, actor: ActorDep) -> list[ProgramToken]:
    """One's own tokens that still serve."""
    return [ProgramToken.of(row) for row in station.log_ins.tokens(actor)]


@router.post("/people/me/tokens", status_code=201)
def make_token(station: StationDep, actor: ActorDep, body: NewToken) -> MadeToken:
    """A token for a program, with some of one's own rights."""
    return MadeToken(
        token=station.log_ins.make_token(actor, name=body.name, rights=body.rights, days=body.days, area=body.area)
    )


@router.delete("/people/me/tokens/{token_id}", status_code=204)
def revoke_token(station: StationDep, actor: ActorDep, token_id: str) -> Response:
    """Take a token back."""
    station.log_ins.revoke_token(actor, token_id)
    return Response(status_code=204)
