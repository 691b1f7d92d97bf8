"""The demo's way to the station: the same REST API that everybody uses."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx

from broadcaster.errors import ConflictError

Json = dict[str, Any]


class StationClient:
    """One person at the API."""

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self._http = httpx.Client(
            base_url=f"{base_url}/api/v1", timeout=30, headers={"Accept-Language": "en"}, trust_env=False
        )
        token = self._call("POST", "/sessions", json={"username": username, "password": password})["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        response = self._http.request(method, path, **arguments)
        if response.is_error:
            try:
                detail = str(response.json()["detail"])
            except (ValueError, KeyError):
                detail = f"HTTP {response.status_code}"
            raise ConflictError(detail, detail)
        return response.json() if response.content else None

    def post(self, path: str, body: Json) -> Any:
        """Anything else that the API offers; the path begins after `/api/v1`."""
        return self._call("POST", path, json=body)

    def receivers(self) -> list[Json]:
        """All receivers."""
        return list(self._call("GET", "/receivers"))

    def enrol(self, **body: Any) -> Json:
        """Take a receiver into service; returns its provision."""
        return dict(self._call("POST", "/receivers", json=body))

    def accept(self, **body: Any) -> Json:
        """Take the device that shows a code into service."""
        return dict(self._call("POST", "/enrolments/acceptance", json=body))

    def write(self, **body: Any) -> Json:
        """Save a draft."""
        return dict(self._call("POST", "/bulletins", json=body))

    def edit(self, bulletin: Json, **body: Any) -> Json:
        """Replace a draft's content."""
        path = f"/bulletins/{bulletin['id']}"
        return dict(self._call("PUT", path, json=body, params={"revision": bulletin["revision"]}))

    def bulletin(self, bulletin_id: str) -> Json:
        """One bulletin."""
        return dict(self._call("GET", f"/bulletins/{bulletin_id}"))

    def settle(self, bulletin: Json) -> Json:
        """Confirm every reading that is uncertain, as it is proposed; returns the bulletin."""
        readings = {(each["text"], each["reading"]) for each in bulletin["quality"]["uncertain"]}
        body = {
            "revision": bulletin["revision"],
            "readings": [{"text": text, "proposed": reading} for text, reading in sorted(readings)],
        }
        return dict(self._call("PUT", f"/bulletins/{bulletin['id']}/readings", json=body)["bulletin"])

    def submit(self, bulletin: Json) -> None:
        """Ask for release."""
        self._call("POST", f"/bulletins/{bulletin['id']}/submission", json={"revision": bulletin["revision"]})

    def release(self, bulletin_id: str) -> Json:
        """Look, and release exactly that."""
        seen = self._call("GET", f"/bulletins/{bulletin_id}/release-preview")
        return dict(
            self._call("POST", "/releases", json={"bulletin": bulletin_id, "content_sha256": seen["content_sha256"]})
        )

    def airings(self, bulletin_id: str) -> list[Json]:
        """The airings of a bulletin."""
        return list(self._call("GET", "/airings", params={"bulletin": bulletin_id}))

    def airing(self, airing_id: str) -> Json:
        """One airing with its ladder of proof."""
        return dict(self._call("GET", f"/airings/{airing_id}"))

    def log(self, airing_id: str | None = None) -> list[Json]:
        """The as-run log's rows, of one airing or all."""
        rows: list[Json] = []
        wanted: Json = {"limit": 1000} | ({"airing": airing_id} if airing_id else {})
        while True:
            page = self._call("GET", "/as-run", params=wanted)
            rows += page["items"]
            if page["next"] is None:
                return rows
            wanted["after"] = page["next"]

    def verification(self) -> Json:
        """Whether the log's chain holds."""
        return dict(self._call("GET", "/as-run/verification"))

    def follow(self, airing_id: str, until: datetime, now: Any) -> Iterator[Json]:
        """The airing's state, again after each change that the server tells of, until an instant."""
        yield self.airing(airing_id)
        while now() < until:
            try:
                with self._http.stream("GET", "/now/events", timeout=httpx.Timeout(10, read=20)) as stream:
                    for line in stream.iter_lines():
                        if line.startswith("data:") and json.loads(line[5:]) is not None:
                            yield self.airing(airing_id)
                        elif not line.startswith(("event:", "id:", "retry:")):
                            yield {}  # a heartbeat: lets the caller look at the time
                        if now() >= until:
                            return
            except httpx.TransportError:
                continue  # the stream is opened anew
