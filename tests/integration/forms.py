"""Pages by plain form posts, as a browser without JavaScript sends them."""

import re
from html import unescape
from urllib.parse import urljoin

import httpx


def sent(client: httpx.Client, path: str, *, to: str | None = None, **form: object) -> str:
    """The form is taken: the page that it leads to."""
    answer = client.post(path, data=form)
    if answer.status_code == 303:
        target = answer.headers["location"]
        assert to is None or target.startswith(to), target
        answer = client.get(target)
    else:
        assert to is None, answer.text
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def refused(client: httpx.Client, path: str, status: int, **form: object) -> str:
    """The form is refused, on a page that says why, and whose other language is a page too."""
    answer = client.post(path, data=form)
    assert answer.status_code == status, answer.text
    text = unescape(answer.text)
    assert 'class="problem"' in text
    with httpx.Client(base_url=client.base_url, cookies=dict(client.cookies), trust_env=False) as other:
        found = re.search(r'<a class="tongue" href="([^"]+)"', text)
        assert found is not None
        page = other.get(urljoin(path, unescape(found[1])))
        assert page.status_code in (200, 403) or (page.status_code == status == 404), page.text
        assert '<html lang="en"' in page.text
        assert other.get(path).status_code in (200, 303, 403, 404, 422)  # and so does the address itself
    return text


def seen(client: httpx.Client, path: str) -> str:
    """A page."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return found[1]
