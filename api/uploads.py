"""Uploads: the body of a request as it comes, no longer than is taken, and only from who is known."""

from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.types import Message

from broadcaster.errors import InvalidError, TooLargeError

BINARY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""For OpenAPI: the file itself is the body."""


async def body_of(request: Request, limit: int, *, around: int = 0) -> bytes:
    """The body, at most `limit` bytes and what is put `around` them. Raises TooLargeError as soon as there are more, whatever its header says."""
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > limit + around:
            raise TooLargeError(
                f"Tệp lớn hơn {limit / 1e6:g} MB. Chọn tệp nhỏ hơn hoặc chia ra.",
                f"The file is larger than {limit / 1e6:g} MB. Choose a smaller one, or split it.",
                limit=limit,
            )
    return bytes(parts)


async def file_of(request: Request, limit: int) -> tuple[bytes, str]:
    """The file in the field `file` of a form, and its name. Raises TooLargeError before more than is taken was read, and InvalidError where there is none."""
    body = await body_of(request, limit, around=10_000)  # of the form

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    missing = InvalidError("Chọn một tệp rồi gửi lại.", "Choose a file and send it again.", field="file")
    try:
        async with Request(request.scope, receive).form(max_files=1, max_fields=20) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise missing
            return await file.read(), file.filename[:200]
    except MultiPartException as error:
        raise missing from error
