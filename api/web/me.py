"""One's own account: password, one-time codes, tokens for programs, log-ins."""

from typing import Annotated

import segno
from fastapi import Form, Request
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep, cookie_name, set_cookie
from api.web import page as pages
from api.web.absences import Standing
from api.web.area_tree import tree_of
from api.web.outside import sent_out
from api.web.step_up import proved
from broadcaster.errors import BroadcasterError, ConflictError, InvalidError, NotLoggedInError
from broadcaster.logins import id_of
from broadcaster.people import SHORTEST_PASSWORD, Actor, Right
from broadcaster.station import Station

router = pages.router()
LONGEST_DAYS = 366


@router.get("/me")
def show(request: Request, station: StationDep, actor: ActorDep, token: TokenDep) -> Response:
    """The page; of somebody who must change the password it has only that."""
    return _shown(request, station, actor, token)


@router.post("/me/password")
def change_password(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    old: Annotated[str, Form(max_length=1000)] = "",
    new: Annotated[str, Form(max_length=1000)] = "",
    again: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Change it. All log-ins end; this browser is logged in anew, unless that needs a one-time code."""
    try:
        if new != again:
            raise InvalidError(
                "Hai lần nhập mật khẩu mới không giống nhau.",
                "The new password was not typed twice alike.",
                field="again",
            )
        station.people.change_password(actor, old=old, new=new)
    except BroadcasterError as error:
        return _shown(request, station, actor, token, problem=error, at="password")
    try:
        fresh, _, _ = station.log_ins.log_in(actor.username, new, address=address)
    except NotLoggedInError:
        response = RedirectResponse("/login?done=password", 303)
        response.delete_cookie(cookie_name(station), path="/", secure=cookie_name(station).startswith("__Host-"))
        return response
    response = RedirectResponse("/me?done=password_changed", 303)
    set_cookie(response, station, fresh)
    return response


@router.post("/me/codes")
def begin_codes(request: Request, station: StationDep, actor: ActorDep, token: TokenDep) -> Response:
    """A secret for an authenticator, as a QR code; it counts once a code was confirmed."""
    try:
        secret, otpauth = station.log_ins.begin_codes(actor)
    except ConflictError as error:
        return _shown(request, station, actor, token, problem=error, at="codes")
    return _codes(request, actor, secret, otpauth)


@router.post("/me/codes/confirmation")
def confirm_codes(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    secret: Annotated[str, Form(max_length=64)] = "",
    otpauth: Annotated[str, Form(max_length=400)] = "",
    code: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Switch one-time codes on by the first right one; a wrong one is asked for again with the same picture."""
    try:
        station.log_ins.confirm_codes(actor, code)
    except InvalidError as error:
        return _codes(request, actor, secret, otpauth, problem=error)
    return RedirectResponse("/me?done=codes_on", 303)


@router.post("/me/tokens")
def make_token(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    name: Annotated[str, Form(max_length=100)] = "",
    rights: Annotated[list[str], Form(default_factory=list)],
    days: Annotated[str, Form(max_length=5)] = "90",
    area: Annotated[str, Form(max_length=64)] = "",
    code: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """A token for a program, shown this once."""
    try:
        if not name.strip():
            raise InvalidError(
                "Đặt tên để sau này nhận ra.", "Give it a name, to know it by later.", field="token_name"
            )
        if not days.isdigit() or not 1 <= int(days) <= LONGEST_DAYS:
            raise InvalidError(
                f"Thời hạn từ 1 đến {LONGEST_DAYS} ngày.", f"It lasts 1 to {LONGEST_DAYS} days.", field="days"
            )
        actor = proved(station, actor, token, code, address=address)
        wanted = [Right(right) for right in rights if right in list(Right)]
        made = station.log_ins.make_token(actor, name=name.strip(), rights=wanted, days=int(days), area=area or None)
    except BroadcasterError as error:
        return _shown(
            request,
            station,
            actor,
            token,
            problem=error,
            at="token",
            token_name=name,
            chosen=rights,
            days=days,
            area=area,
        )
    return _shown(request, station, actor, token, made=made)


@router.post("/me/tokens/{token_id}/revocation")
def revoke_token(station: StationDep, actor: ActorDep, token_id: str) -> Response:
    """Take a token back."""
    station.log_ins.revoke_token(actor, token_id)
    return RedirectResponse("/me?done=token_revoked", 303)


@router.post("/me/outside")
def link_outside(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    token: TokenDep,
    address: AddressDep,
    code: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """To the service by which one wants to log in from now on."""
    try:
        actor = proved(station, actor, token, code, address=address)
        return sent_out(station, *station.outside.begin(onward="/me", actor=actor))
    except BroadcasterError as error:
        return _shown(request, station, actor, token, problem=error, at="outside")


@router.post("/me/outside/removal")
def unlink_outside(station: StationDep, actor: ActorDep) -> Response:
    """Log in by password alone from now on."""
    station.outside.unlink(actor)
    return RedirectResponse("/me?done=unlinked", 303)


@router.post("/me/log-ins/elsewhere")
def log_out_elsewhere(station: StationDep, actor: ActorDep, token: TokenDep) -> Response:
    """End all log-ins but this one."""
    if token:
        station.log_ins.log_out_elsewhere(actor, token)
    return RedirectResponse("/me?done=logged_out_elsewhere", 303)


@router.post("/me/log-ins/{log_in}/ending")
def end_log_in(station: StationDep, actor: ActorDep, log_in: str) -> Response:
    """End one log-in, such as that of a phone that was lost."""
    station.log_ins.end_log_in(actor, log_in)
    return RedirectResponse("/me?done=logged_out_there", 303)


def _codes(
    request: Request, actor: Actor, secret: str, otpauth: str, *, problem: BroadcasterError | None = None
) -> Response:
    if not otpauth.startswith("otpauth://totp/"):
        raise ConflictError("Bắt đầu lại từ trang tài khoản.", "Begin again on the page of your account.")
    picture = segno.make(otpauth, error="m").svg_data_uri(scale=5, border=3, dark="#000", light="#fff")
    return pages.page(
        request, "me_codes.html", actor=actor, secret=secret, otpauth=otpauth, picture=picture, problem=problem
    )


def _shown(
    request: Request,
    station: Station,
    actor: Actor,
    token: str | None,
    *,
    problem: BroadcasterError | None = None,
    at: str = "",
    made: str | None = None,
    token_name: str = "",
    chosen: list[str] | None = None,
    days: str = "90",
    area: str = "",
) -> Response:
    tree = tree_of(station)
    return pages.page(
        request,
        "me.html",
        actor=actor,
        problem=problem,
        at=at,
        made=made,
        token_name=token_name,
        chosen=chosen or [],
        days=days,
        area=area,
        rights=[right for right in Right if actor.alone().may(right)],
        tree=tree,
        places=tree.options(actor.within()),
        own_grants=actor.alone().grants,
        standing=Standing.of(station, actor.id),
        releases=actor.alone().may(Right.RELEASE),
        tokens=station.log_ins.tokens(actor),
        log_ins=[(row, id_of(row), here) for row, here in station.log_ins.open_log_ins(actor, token)],
        shortest=SHORTEST_PASSWORD,
        outside=station.outside.label,
        linked=station.outside.linked(actor),
    )
