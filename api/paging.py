"""Pages of lists that grow: `after` is the last one seen, and the Link header (RFC 8288) says where the next page is."""

from urllib.parse import urlencode

from fastapi import Request, Response


def link_next(request: Request, response: Response, *, after: str | int) -> None:
    """Say in the answer that there is more, and where."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    response.headers["Link"] = f'<{request.url.path}?{urlencode([*asked, ("after", str(after))])}>; rel="next"'
