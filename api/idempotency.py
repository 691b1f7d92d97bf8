"""Idempotency-Key: a creation that is sent again, after a line that dropped, is answered again and not done again.

For 24 hours, for each person apart. The same key with another request is refused (422), as is one whose first request is still being
answered (409). Only what succeeded is kept; it is sealed with the key itself, which is not kept: an answer may hold a password.
"""

import base64
import hashlib
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from nacl.secret import SecretBox
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from api.auth import actor_of_request, station_of
from api.uploads import LARGEST_BODY, body_of
from broadcaster.errors import ConflictError, InvalidError, NotLoggedInError
from broadcaster.recordings import LIMITS
from broadcaster.station import Station
from broadcaster.storage.database import HELD
from broadcaster.storage.models import IdempotentAnswer

HEADER = "Idempotency-Key"
LASTS = timedelta(hours=24)
ANSWERED_WITHIN = timedelta(minutes=2)
"""Whoever began to answer and did not end by then has been cut off: the key is free again."""
PARAMETER = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A name of your own for this request: sent again within 24 hours it is answered again, and not done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}
_LARGEST = max(limit.max_bytes for limit in LIMITS.values())
_KEPT = ("content-type", "location", "etag")


class Idempotent(APIRoute):
    """A route that makes something: a POST with status 201 may be sent with a key."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if options.get("status_code") == 201 and set(options.get("methods") or ()) == {"POST"}:
            extra = dict(options.get("openapi_extra") or {})
            extra["parameters"] = [*extra.get("parameters", ()), PARAMETER]
            options["openapi_extra"] = extra
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the key looked at before and the answer kept after."""
        answer = super().get_route_handler()
        if self.methods != {"POST"} or self.status_code != 201:
            return answer

        async def handler(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if key is None:
                return await answer(request)
            station = station_of(request)
            try:
                person = (await run_in_threadpool(actor_of_request, request)).id
            except NotLoggedInError:
                return await answer(request)
            if not 1 <= len(key) <= 200:
                raise InvalidError(f"{HEADER} dài 1 đến 200 ký tự.", f"{HEADER} has 1 to 200 characters.", field=HEADER)
            request._body = await body_of(request, _LARGEST if self.body_field is None else LARGEST_BODY)
            attempt = _Attempt(station, person, key, f"{request.method} {request.url}".encode() + b"\n" + request._body)
            kept = await run_in_threadpool(attempt.begin)
            if kept is not None:
                return kept
            try:
                response = await answer(request)
            except BaseException:
                await run_in_threadpool(attempt.forget)
                raise
            await run_in_threadpool(attempt.keep, response)
            return response

        return handler


class _Attempt:
    """One request with a key."""

    def __init__(self, station: Station, person: str, key: str, request: bytes) -> None:
        self._station, self._person = station, person
        self._key = hashlib.sha256(key.encode()).hexdigest()
        self._box = SecretBox(hashlib.sha256(b"idempotent answer\n" + key.encode()).digest())
        self._request = hashlib.sha256(request).hexdigest()

    def begin(self) -> Response | None:
        """The answer that was given before; None: it is to be answered now. Raises InvalidError, ConflictError."""
        now = self._station.clock.now()
        busy = ConflictError(
            f"Yêu cầu trước với {HEADER} này chưa xong. Đợi rồi gửi lại.",
            f"The request before with this {HEADER} is still being answered. Wait, then send it again.",
        )
        try:
            with self._station.database.writing() as session:
                session.execute(delete(IdempotentAnswer).where(IdempotentAnswer.at <= now - LASTS))
                row = session.get(IdempotentAnswer, (self._person, self._key), with_for_update=HELD)
                if row is None:
                    fresh = IdempotentAnswer(person_id=self._person, key=self._key)
                    fresh.request_sha256, fresh.at = self._request, now
                    session.add(fresh)
                    return None
                if row.request_sha256 != self._request:
                    raise InvalidError(
                        f"{HEADER} này đã dùng cho một yêu cầu khác. Dùng khóa mới.",
                        f"This {HEADER} was used for another request. Use a new one.",
                        field=HEADER,
                    )
                if row.status is not None:
                    body = self._box.decrypt(base64.b64decode(row.body or ""))
                    return Response(body, row.status, {**(row.headers or {}), "Idempotency-Replayed": "true"})
                if row.at > now - ANSWERED_WITHIN:
                    raise busy
                row.at = now
                return None
        except IntegrityError as error:  # two at once, both the first
            raise busy from error

    def forget(self) -> None:
        """It was not done: the key is free again."""
        with self._station.database.writing() as session:
            row = session.get(IdempotentAnswer, (self._person, self._key))
            if row is not None:
                session.delete(row)

    def keep(self, response: Response) -> None:
        """Keep the answer."""
        with self._station.database.writing() as session:
            row = session.get(IdempotentAnswer, (self._person, self._key))
            if row is not None:
                row.status = response.status_code
                row.headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
                row.body = base64.b64encode(self._box.encrypt(bytes(response.body))).decode()
