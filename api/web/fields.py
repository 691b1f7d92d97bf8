"""The fields of a form as it was posted: each may stand several times, none has to be there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Form, Request
from starlette.requests import ClientDisconnect

from api.uploads import LARGEST_BODY, body_of
from broadcaster.errors import InvalidError

LIMIT = LARGEST_BODY
"""Bytes of a form, as it comes; a text of 50,000 Vietnamese letters has half a million."""
MOST_FIELDS = 20_000


@dataclass(frozen=True)
class Fields:
    """What was posted."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        """The value of a field, the last one if it stands several times."""
        found = self.values.get(name)
        return found[-1] if found else default

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        return tuple(self.values.get(name, ()))

    def number(self, name: str) -> int:
        """The value as a whole number; 0 where there is none."""
        text = self.one(name).strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


async def fields_of(request: Request) -> Fields:
    """The form that came as the body. Raises TooLargeError, and InvalidError for what is no form."""
    try:
        body = await body_of(request, LIMIT)
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS, encoding="utf-8", errors="strict"
        )
    except (ValueError, ClientDisconnect) as error:  # the page that asked has asked anew, or is gone
        raise InvalidError(
            "Biểu mẫu gửi đến không đọc được. Hãy tải lại trang rồi gửi lại.",
            "The form cannot be read. Load the page again and send it once more.",
        ) from error
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return Fields(found)


FieldsDep = Annotated[Fields, Depends(fields_of)]

SureDep = Annotated[str, Form(max_length=3)]
"""The box that is ticked before what cannot be taken back; the page has it as `m.sure(…)`."""


def require_sure(sure: str) -> None:
    """Raise InvalidError unless the box was ticked: browsers ask for it, programs need not."""
    if not sure:
        raise InvalidError("Đánh dấu ô xác nhận trước khi thực hiện.", "Tick the box first.", field="sure")
