"""Operating over HTTP: the day once and as a stream that is taken up again, alerts, what was set apart."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.serving import ServedStation
from tests.integration.test_api import _plan


def _events(stream: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in stream.iter_lines():
        if line.startswith("id:"):
            name = line[3:].strip()
        elif line.startswith("data:"):
            yield name, json.loads(line[5:])


def test_the_day_is_streamed_and_a_stream_is_taken_up_where_it_broke(served: ServedStation) -> None:
    client = served.as_person("xem")
    once = client.get("/api/v1/operations/today").json()
    assert {"alarms", "lights", "playing", "exceptions", "coming", "places", "waiting", "totals", "more"} <= set(once)
    assert "database" in {light["name"] for light in once["lights"]}
    with client.stream("GET", "/api/v1/operations/events") as stream:
        events = _events(stream)
        last, state = next(events)
        assert not any(row["title"] == "Tin chờ duyệt" for row in state["waiting"])
        made = served.written(title="Tin chờ duyệt", plan=_plan(seconds=3000))
        answer = served.as_person("mai").post(
            f"/api/v1/bulletins/{made['id']}/submission", json={"revision": made["revision"]}
        )
        assert answer.status_code < 300, answer.text
        # Five rows at most stand there: the newest may be among those that are only counted.
        last, state = next(
            (name, told) for name, told in events
            if any(row["title"] == "Tin chờ duyệt" for row in told["waiting"]) or told["more"]["waiting"]
        )  # fmt: skip
    with client.stream("GET", "/api/v1/operations/events", headers={"Last-Event-ID": "of another day"}) as stream:
        again, told = next(_events(stream))
    assert {**told, "at": None, "lights": None} == {**state, "at": None, "lights": None}
    if again == last:
        with client.stream("GET", "/api/v1/operations/events", headers={"Last-Event-ID": last}) as stream:
            first = next(line for line in stream.iter_lines() if line)
        assert first.startswith(":"), "whoever has the state already is not sent it again"


def test_alerts_and_what_was_set_apart_are_listed_to_whom_they_concern(served: ServedStation) -> None:
    operator, viewer = served.as_person("viet"), served.as_person("xem")
    assert isinstance(viewer.get("/api/v1/alerts", params={"standing": True}).json(), list)
    assert viewer.post("/api/v1/alerts/none/acknowledgement", json={}).status_code == 404
    assert operator.get("/api/v1/set-apart", params={"code": "bad_signature"}).json() == []
    assert viewer.get("/api/v1/set-apart").status_code == 403
    assert viewer.get("/api/v1/operations/today", params={"area": "nowhere"}).status_code in (200, 404)


@pytest.mark.parametrize("path", ["/api/v1/operations/events", "/api/v1/now/events"])
def test_a_stream_ends_with_the_log_in_that_it_was_begun_by(served: ServedStation, path: str) -> None:
    """Whoever was logged out everywhere, or lost the role, is told no more."""
    client = served.anonymous()
    given = client.post("/api/v1/sessions", json={"username": "xem", "password": "mật khẩu của xem"}).json()
    client.headers["Authorization"] = f"Bearer {given['token']}"
    with client.stream("GET", path) as stream:
        lines = stream.iter_lines()
        assert any(line.startswith("id:") for line in lines)
        assert client.delete("/api/v1/sessions/current").status_code == 204
        served.station.changes.notify()
        until = time.monotonic() + 90
        for _ in lines:
            assert time.monotonic() < until, "the stream goes on"
    assert client.get(path).status_code == 401
