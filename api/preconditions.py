"""If-Match (RFC 9110): an edit says which revision it is of; another one is answered with 412 and changes nothing."""

import re

from fastapi import Request, Response

from broadcaster.errors import InvalidError

_ETAG = re.compile(r'"(\d{1,9})"')
_STATE = re.compile(r'"([0-9a-f]{32})"')


def tag(response: Response, revision: int) -> None:
    """Give the revision as the ETag of what is answered."""
    response.headers["ETag"] = f'"{revision}"'


def state_meant(request: Request) -> str | None:
    """Of what has no revision: the tag of what an edit has seen, if the client says it. Raises InvalidError for another If-Match."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    found = _STATE.fullmatch(header.strip())
    if found is None:
        raise _no_etag()
    return found[1]


def _no_etag() -> InvalidError:
    return InvalidError(
        "If-Match phải là một ETag mà máy chủ đã trả.", "If-Match must be an ETag that was answered.", field="If-Match"
    )


def revision_meant(request: Request, given: int | None) -> int:
    """The revision that an edit is of: `given`, or by If-Match. Raises InvalidError where neither says it, or both and differently."""
    header = request.headers.get("if-match")
    found = _ETAG.fullmatch(header.strip()) if header is not None else None
    if header is not None and found is None:
        raise _no_etag()
    meant = {int(found[1])} if found is not None else set()
    meant |= {given} if given is not None else set()
    if len(meant) != 1:
        raise InvalidError(
            "Cho biết bản đang sửa bằng `revision` hoặc If-Match, không khác nhau.",
            "Say which revision it is of, by `revision` or If-Match, and by both the same.",
            field="revision",
        )
    return meant.pop()
