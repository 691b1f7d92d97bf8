"""Errors over HTTP: RFC 9457 problem details, in the reader's language, with the cause and the next step."""

import re
from functools import cache
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from api.complaints import complaint
from broadcaster.errors import (
    BroadcasterError,
    ConflictError,
    CountingError,
    FaultError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    NotLoggedInError,
    StaleError,
    TooLargeError,
    TooManyError,
)

Language = Literal["vi", "en"]
MEDIA_TYPE = "application/problem+json"
NOWHERE = "/{path:path}"
"""The route that answers wherever there is none."""
_WEIGHT = re.compile(r"[01](\.[0-9]{0,3})?")

_STATUS: dict[type[BroadcasterError], int] = {
    NotFoundError: 404,
    TooLargeError: 413,
    InvalidError: 422,
    ConflictError: 409,
    ForbiddenError: 403,
    NotLoggedInError: 401,
    TooManyError: 429,
    CountingError: 503,
}
_TITLES = {
    400: ("Yêu cầu không đúng", "Bad request"),
    401: ("Chưa đăng nhập", "Not logged in"),
    403: ("Không có quyền", "Forbidden"),
    404: ("Không tìm thấy", "Not found"),
    405: ("Không hỗ trợ", "Method not allowed"),
    409: ("Không còn phù hợp", "Conflict"),
    412: ("Đã có người sửa", "Precondition failed"),
    413: ("Quá lớn", "Too large"),
    416: ("Khoảng dữ liệu không có", "Range not satisfiable"),
    422: ("Dữ liệu không đúng", "Invalid input"),
    429: ("Quá nhiều lần", "Too many requests"),
    500: ("Lỗi hệ thống", "Server error"),
    503: ("Chưa sẵn sàng", "Not ready yet"),
}


class Problem(BaseModel):
    """RFC 9457 problem details; `code` names the kind of problem for programs."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[dict[str, Any]] = Field(default_factory=list, description="What is wrong where, for invalid input.")


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A problem, with its cause and the next step.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


def chosen_language(request: Request) -> Language | None:
    """What the person chose on a page, if anything."""
    chosen = request.query_params.get("lang") or request.cookies.get("lang")
    return {"vi": "vi", "en": "en"}.get(chosen or "")  # type: ignore[return-value]  # one of the two, or None


def page_language(request: Request) -> Language:
    """Vietnamese unless the person chose English: a commune's old PC often has an English browser."""
    return chosen_language(request) or "vi"


def language(request: Request) -> Language:
    """Vietnamese unless the person chose English, or the program would rather have English."""
    return chosen_language(request) or _accepted(request.headers.get("accept-language", ""))


def _accepted(header: str) -> Language:
    """Which of the two an Accept-Language likes better (RFC 9110, 12.5.4); of two liked alike the one that is named first."""
    liked: dict[Language, float] = {}
    for part in header.lower().split(","):
        tag, _, weight = part.replace(" ", "").partition(";q=")
        named: Language | None = {"vi": "vi", "en": "en"}.get(tag.partition("-")[0])  # type: ignore[assignment]  # one of the two, or None
        if named is not None:
            liked.setdefault(named, float(weight) if _WEIGHT.fullmatch(weight) else float(not weight))
    return max((each for each in liked if liked[each]), key=lambda each: liked[each], default="vi")


def said(error: BroadcasterError, tongue: Language) -> str:
    """The error in one of the two languages."""
    return error.en if tongue == "en" else error.vi


def status_of(error: BroadcasterError) -> int:
    """The HTTP status of an error of the domain."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


def problem(
    request: Request, status: int, code: str, *, vi: str, en: str, errors: list[dict[str, Any]] | None = None
) -> JSONResponse:
    """One problem as a response."""
    tongue = language(request)
    titles = _TITLES.get(status, _TITLES[500] if status >= 500 else _TITLES[400])
    body = Problem(
        title=titles[1] if tongue == "en" else titles[0],
        status=status,
        detail=en if tongue == "en" else vi,
        code=code,
        errors=errors or [],
    )
    headers: dict[str, str] = {"Content-Language": tongue}
    if status == 401:
        # Calendar programs ask their user for a name and a password, and only if they are told to.
        calendar = request.url.path.endswith(".ics")
        headers["WWW-Authenticate"] = 'Basic realm="lich-phat", charset="UTF-8"' if calendar else "Bearer"
    return JSONResponse(body.model_dump(), status, headers, media_type=MEDIA_TYPE)


@cache
def _routes(app: FastAPI) -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
    """What the addresses of routes look like, and their methods; without the one that answers wherever there is none."""
    return tuple(
        (compile_path(str(each.path))[0], frozenset(each.methods or ()))
        for each in iter_route_contexts(app.routes)
        if getattr(each, "methods", None) and each.path != NOWHERE
    )


def methods_of(request: Request) -> list[str]:
    """What may be asked of the address of a request; nothing where there is no such address."""
    return sorted(
        {each for pattern, named in _routes(request.app) if pattern.match(request.url.path) for each in named}
    )


def install(app: FastAPI) -> None:
    """Let every error of this application leave as problem details, and its description name them once."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's way to extend it

    @app.exception_handler(BroadcasterError)
    def _ours(request: Request, error: BroadcasterError) -> JSONResponse:
        if isinstance(error, StaleError) and "if-match" in request.headers:
            return problem(request, 412, error.code, vi=error.vi, en=error.en, errors=[error.details])
        answer = problem(
            request,
            status_of(error),
            error.code,
            vi=error.vi,
            en=error.en,
            errors=[error.details] if error.details else None,
        )
        if isinstance(error, TooManyError | CountingError):
            answer.headers["Retry-After"] = str(error.details["retry_after_s"])
        return answer

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        kind = request.headers.get("content-type", "")
        if any(item["loc"] == ("body",) and item["type"] == "model_attributes_type" for item in error.errors()) and (
            "json" not in kind.lower()
        ):
            return problem(
                request,
                422,
                "invalid",
                vi="Nội dung gửi lên chưa được khai là JSON. Gửi lại với Content-Type: application/json.",
                en="What was sent is not said to be JSON. Send it again with Content-Type: application/json.",
                errors=[{"field": "Content-Type", "problem": kind}],
            )
        found = [(".".join(str(part) for part in item["loc"][1:]), *complaint(item)) for item in error.errors()]
        field, vi, en = found[0] if found else ("", *complaint({}))
        field = field or "body"
        english = language(request) == "en"
        return problem(
            request,
            422,
            "invalid",
            vi=f"Trường '{field}' không đúng: {vi}. Sửa rồi gửi lại.",
            en=f"Field '{field}' is wrong: {en}. Correct it and send again.",
            errors=[{"field": name, "problem": in_en if english else in_vi} for name, in_vi, in_en in found],
        )

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, BroadcasterError):
            return _ours(request, error.__cause__)
        status, allowed = error.status_code, methods_of(request)
        if status in (404, 405) and request.method not in allowed:
            status = 405 if allowed else 404
        titles = _TITLES.get(status, _TITLES[400])
        answer = problem(
            request, status, "http", vi=f"{titles[0]}: {request.url.path}", en=f"{titles[1]}: {request.url.path}"
        )
        if status == 405:
            answer.headers["Allow"] = ", ".join(allowed)
        return answer

    @app.exception_handler(Exception)
    def _fault(request: Request, _error: Exception) -> JSONResponse:
        fault = FaultError()
        return problem(request, status_of(fault), fault.code, vi=fault.vi, en=fault.en)
