"""Uploads: the body of a request as it comes, no longer than is taken, and only from who is known."""

from typing import Any

from fastapi import Request

from broadcaster.errors import TooLargeError

BINARY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""For OpenAPI: the file itself is the body."""


async def body_of(request: Request, limit: int) -> bytes:
    """The body, at most `limit` bytes. Raises TooLargeError as soon as there are more, whatever its header says."""
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > limit:
            raise TooLargeError(
                f"Tệp lớn hơn {limit / 1e6:g} MB. Chọn tệp nhỏ hơn hoặc chia ra.",
                f"The file is larger than {limit / 1e6:g} MB. Choose a smaller one, or split it.",
                limit=limit,
            )
    return bytes(parts)
