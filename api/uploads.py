"""Uploads: the body of a request as it comes, no longer than is taken, and only from who is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broadcaster.errors import InvalidError, TooLargeError

BINARY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""For OpenAPI: the file itself is the body."""
LARGEST_BODY = 4_000_000
"""Bytes of a body that is read as a whole, before anybody knows who sent it: a form, or JSON."""
_LIFTED = "body-limit-lifted"
_AROUND = 10_000
"""Bytes of a form beside its file."""


class Bounded:
    """No body is longer than `LARGEST_BODY`, unless the route reads it piece by piece and looks itself (`body_of`, `posted_of`).

    Otherwise whoever sends the station some hundreds of megabytes of JSON takes its memory, and all others wait while it is read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes, and break off where it is too much."""
        taken, lifted = 0, set[str]()

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > LARGEST_BODY and _LIFTED not in lifted:
                # FastAPI answers 400 to whatever else is raised while it reads a body.
                raise HTTPException(413) from _too_large(LARGEST_BODY)
            return message

        scope[_LIFTED] = lifted
        await self._app(scope, bounded, send)


async def body_of(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises TooLargeError as soon as there are more, whatever its header says."""
    body, whole = await _read(request, limit)
    if not whole:
        raise _too_large(limit)
    return body


@dataclass(frozen=True)
class Posted:
    """A form with a file: what was typed, which is there whatever became of the file; the file and its name, None where none was chosen; why it was not taken."""

    fields: Mapping[str, str]
    file: tuple[bytes, str] | None = None
    refused: InvalidError | None = None

    def chosen(self) -> tuple[bytes, str]:
        """The file. Raises what it was refused for, and InvalidError where there is none."""
        if self.refused is not None:
            raise self.refused
        if self.file is None:
            raise InvalidError("Chọn một tệp rồi gửi lại.", "Choose a file and send it again.", field="file")
        return self.file


async def posted_of(request: Request, limit: int) -> Posted:
    """A form whose field `file`, the last one, has at most `limit` bytes; no more than that is read."""
    body, whole = await _read(request, limit + _AROUND)
    if not whole:  # the other fields come first; what there is of the file is ended
        boundary = request.headers.get("content-type", "").rpartition("boundary=")[2].strip('"')
        body = body[:_AROUND] + f"\r\n--{boundary}--\r\n".encode()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        async with Request(request.scope, receive).form(max_files=1, max_fields=20) as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            if not whole:
                return Posted(fields, refused=_too_large(limit))
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                return Posted(fields)
            return Posted(fields, (await file.read(), file.filename[:200]))
    except MultiPartException as error:
        unreadable = InvalidError(
            "Biểu mẫu gửi đến không đọc được. Hãy tải lại trang rồi gửi lại.",
            "The form cannot be read. Load the page again and send it once more.",
            field="file",
        )
        raise unreadable from error


async def _read(request: Request, limit: int) -> tuple[bytes, bool]:
    """The body as far as it is taken, and whether that is all of it."""
    request.scope.get(_LIFTED, set()).add(_LIFTED)
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > limit:
            return bytes(parts), False
    return bytes(parts), True


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        f"Tệp lớn hơn {limit / 1e6:g} MB. Chọn tệp nhỏ hơn hoặc chia ra.",
        f"The file is larger than {limit / 1e6:g} MB. Choose a smaller one, or split it.",
        limit=limit,
    )
