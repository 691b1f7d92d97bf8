"""The REST API over real HTTP, with a real station behind it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from devices.wire.signing import SigningKey
from tests.brokers import wait_for
from tests.integration.serving import ServedStation

PROBLEM = "application/problem+json"


def _plan(**after: float) -> list[dict[str, Any]]:
    at = datetime.now(UTC) + timedelta(**after)
    return [{"rule": {"kind": "once", "at": at.isoformat()}, "targets": {"areas": ["xa"]}}]


def _problem(answer: httpx.Response, status: int, code: str) -> str:
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    return str(body["detail"])


def test_everything_but_the_door_needs_a_log_in(served: ServedStation) -> None:
    """Each route of the OpenAPI document is tried; a new one is tried too."""
    client = served.anonymous()
    document = client.get("/api/v1/openapi.json").json()
    tried = 0
    for path, operations in document["paths"].items():
        for method in operations:
            if path in ("/api/v1/sessions", "/api/v1/sessions/current", "/api/v1/welcome"):  # doors themselves
                continue
            if (
                path in BY_SIGNATURE and method == "post"
            ):  # a device has no log-in: what it sends must be signed, or names what is not there
                assert client.request(method, url_of(path), content=b"{}").status_code in (404, 422), path
                continue
            url = url_of(path)
            answer = client.request(method, url, json={})
            expected = {404} if path.endswith("{sha256}") else {401, 422}
            assert answer.status_code in expected, (method, path, answer.text)
            if answer.status_code == 422:  # said before who asks is looked at; so with a good body it must be 401
                body = client.request(method, url, json=_good_body(path), params={"revision": 1})
                _problem(body, 401, "not-logged-in")
            tried += 1
    assert tried >= 15


BY_SIGNATURE = (
    "/api/v1/enrolments",
    "/api/v1/enrolments/{enrolment}/poll",
    "/api/v1/receivers/{receiver}/renewal",
)


def url_of(path: str) -> str:
    return path.replace("{sha256}", "0" * 64).replace("{", "").replace("}", "")


def _good_body(path: str) -> dict[str, Any]:
    return (
        {
            "title": "a",
            "text": "b",
            "revision": 1,
            "reason": "c",
            "bulletin": "d",
            "content_sha256": "0" * 64,
            "receiver": "e",
            "name": "f",
            "kind": "screen",
            "area": "xa",
            "public_key": {},
            "rule": {"kind": "once", "at": "2026-01-01T00:00:00Z"},
        }
        | ({"code": "123456"} if "enrolments" in path else {})
        if "bulletins" not in path or path.endswith(("submission", "withdrawal", "return"))
        else {"title": "a", "text": "b"}
    )


def test_from_text_to_airing(served: ServedStation) -> None:
    bulletin = served.released(plan=_plan(hours=1))
    clip = bulletin["clip"]
    assert -16.5 <= clip["lufs"] <= -15.5
    assert clip["true_peak_dbtp"] <= -1
    assert (clip["engine"], clip["fallback"]) == ("espeak", False)
    client = served.as_person("viet")
    wait_for(lambda: client.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json())
    (airing,) = client.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json()
    assert (airing["state"], airing["clip_sha256"]) == ("dispatched", clip["sha256"])
    wait_for(lambda: client.get(f"/api/v1/airings/{airing['id']}").json()["sent_at"])


def test_drafts_are_silent_to_the_world_and_released_clips_come_in_ranges(served: ServedStation) -> None:
    world = served.anonymous()
    draft = served.written(text="Chưa duyệt thì chưa ai được nghe.")
    url = f"/api/v1/media/{draft['clip']['sha256']}"
    assert world.get(url).status_code == 404
    assert served.as_person("hoa").get(url).status_code == 200
    bulletin = served.released(text="Đã duyệt thì máy tải được.", plan=_plan(hours=2))
    url = f"/api/v1/media/{bulletin['clip']['sha256']}"
    wait_for(lambda: world.get(url).status_code == 200)
    whole = world.get(url)
    assert len(whole.content) == bulletin["clip"]["size"]
    part = world.get(url, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    rest = world.get(url, headers={"Range": f"bytes={len(whole.content) - 10}-"})
    assert (rest.status_code, rest.content) == (206, whole.content[-10:])
    beyond = world.get(url, headers={"Range": f"bytes={len(whole.content) + 1}-"})
    assert beyond.status_code == 416
    stale = world.get(url, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert stale.status_code == 200
    assert world.get("/api/v1/media/..%2f..%2fbroadcaster.db").status_code in (404, 422)


def test_the_author_is_refused_whatever_a_client_sends(served: ServedStation) -> None:
    bulletin = served.written(by="hoa", plan=_plan(hours=1))
    path = f"/api/v1/bulletins/{bulletin['id']}"
    served.as_person("hoa").post(f"{path}/submission", json={"revision": 1})
    digest = served.as_person("hoa").get(f"{path}/release-preview").json()["content_sha256"]
    body = {"bulletin": bulletin["id"], "content_sha256": digest}
    assert "author" in _problem(served.as_person("hoa").post("/api/v1/releases", json=body), 403, "forbidden")
    _problem(served.as_person("lan").post("/api/v1/releases", json=body), 403, "forbidden")
    _problem(served.as_person("hoa").post("/api/v1/releases", json={**body, "approver_id": "mai"}), 422, "invalid")


def test_an_edit_after_the_release_cancels_the_airing(served: ServedStation) -> None:
    bulletin = served.released(plan=_plan(hours=3))
    client = served.as_person("mai")
    wait_for(lambda: client.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json())
    changed = {"title": "Tin khác", "text": bulletin["text"], "plan": _plan(hours=3)}
    answer = client.put(f"/api/v1/bulletins/{bulletin['id']}", params={"revision": 1}, json=changed)
    assert (answer.json()["revision"], answer.json()["state"]) == (2, "draft")
    (airing,) = client.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json()
    assert airing["state"] == "cancelled"
    detail = _problem(
        client.put(f"/api/v1/bulletins/{bulletin['id']}", params={"revision": 1}, json=changed), 409, "conflict"
    )
    assert "revision 2" in detail


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"text": "x"}, "title"),
        ({"title": "", "text": "x"}, "title"),
        ({"title": "x", "text": "y" * 50_001}, "text"),
        ({"title": "x", "text": "y", "priority": "emergency"}, "priority"),
        ({"title": "x", "text": "y", "surprise": 1}, "surprise"),
        ({"title": "x", "text": "y", "plan": [{"rule": {"kind": "recurring"}, "targets": {"areas": ["xa"]}}]}, "plan.0.rule"),
        ({"title": "x", "text": "y", "plan": [{"rule": {"kind": "once", "at": "2026-01-01T00:00:00Z"}, "targets": {}}]}, "plan.0.targets"),
        ({"title": "x", "text": "y", "plan": [{"rule": {"kind": "once", "at": "2026-01-01T00:00:00Z"}, "targets": {"areas": ["sao-hoa"]}}]}, "sao-hoa"),
    ],
)  # fmt: skip
def test_bad_input_is_told_where_and_why(served: ServedStation, body: dict[str, Any], said: str) -> None:
    answer = served.as_person("mai").post("/api/v1/bulletins", json=body)
    assert said in _problem(answer, 422, "invalid")


def test_problems_speak_vietnamese_unless_english_is_asked_for(served: ServedStation) -> None:
    client = served.anonymous()
    assert "đăng nhập" in _problem(client.get("/api/v1/bulletins"), 401, "not-logged-in")
    english = client.get("/api/v1/bulletins", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert "Log in" in _problem(english, 401, "not-logged-in")
    assert english.headers["content-language"] == "en"
    _problem(client.get("/api/v1/nothing-here"), 404, "http")
    _problem(client.request("PATCH", "/api/v1/bulletins"), 405, "http")


def test_a_cookie_alone_changes_nothing_from_another_site(served: ServedStation) -> None:
    browser = served.anonymous()
    form = {"username": "mai", "password": "mật khẩu của mai"}
    assert browser.post("/login", data=form, headers={"Origin": "http://evil.example"}).status_code == 403
    assert browser.post("/login", data=form, headers={"Origin": served.base}).status_code == 303
    cookie = next(iter(browser.cookies.jar))
    assert cookie.has_nonstandard_attr("HttpOnly")
    body = {"title": "a", "text": "b"}
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        _problem(browser.post("/api/v1/bulletins", json=body, headers=headers), 403, "forbidden")
    assert browser.post("/api/v1/bulletins", json=body, headers={"Origin": served.base}).status_code == 201
    assert browser.get("/api/v1/people/me").json()["username"] == "mai"
    assert browser.post("/logout", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    _problem(browser.get("/api/v1/people/me"), 401, "not-logged-in")


def test_a_receiver_is_enrolled_once_with_its_own_key(served: ServedStation) -> None:
    body = {
        "receiver": "loa-1",
        "name": "Cụm loa 1",
        "kind": "loudspeaker",
        "area": "thon-dong",
        "public_key": SigningKey.generate().public().to_jwk(),
    }
    _problem(served.as_person("mai").post("/api/v1/receivers", json=body), 403, "forbidden")
    operator = served.as_person("viet")
    provision = operator.post("/api/v1/receivers", json=body)
    assert provision.status_code == 201, provision.text
    assert all("d" not in jwk for jwk in provision.json()["station_keys"])
    _problem(operator.post("/api/v1/receivers", json=body), 409, "conflict")
    _problem(operator.post("/api/v1/receivers", json={**body, "receiver": "loa-2"}), 422, "invalid")
    fresh = SigningKey.generate().public().to_jwk()
    _problem(
        operator.post("/api/v1/receivers", json={**body, "receiver": "loa-3", "public_key": {**fresh, "d": "x"}}),
        422,
        "invalid",
    )
    _problem(
        operator.post("/api/v1/receivers", json={**body, "receiver": "loa/4", "public_key": fresh}), 422, "invalid"
    )
    _problem(
        operator.post("/api/v1/receivers", json={**body, "receiver": "loa-5", "public_key": fresh, "area": "?"}),
        422,
        "invalid",
    )
    assert [row["id"] for row in operator.get("/api/v1/receivers").json()] == ["loa-1"]


def test_the_stream_tells_of_a_change_at_once(served: ServedStation) -> None:
    client = served.as_person("xem")
    with client.stream("GET", "/api/v1/now/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        states = (json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:"))
        next(states)
        served.released(title="Tin mới cho luồng", plan=_plan(seconds=600))
        assert any(state and state["title"] == "Tin mới cho luồng" for state in states)


def test_pages_of_bulletins_follow_each_other(served: ServedStation) -> None:
    client = served.as_person("mai")
    for number in range(5):
        client.post("/api/v1/bulletins", json={"title": f"Trang {number}", "text": "Nội dung."})
    seen: list[str] = []
    before: str | None = None
    while True:
        page = client.get("/api/v1/bulletins", params={"limit": 2, **({"after": before} if before else {})}).json()
        seen += [item["id"] for item in page["items"]]
        before = page["next"]
        if before is None:
            break
    assert len(seen) == len(set(seen)) >= 5


def test_what_cannot_be_spoken_is_told_with_the_bulletin(served: ServedStation) -> None:
    client = served.as_person("mai")
    path = client.post("/api/v1/bulletins", json={"title": "…", "text": "!!! ***"}).headers["location"]
    wait_for(lambda: client.get(path).json()["rendering"] != "pending")
    assert client.get(path).json()["rendering"] == "failed"
    assert client.get(path).json()["rendering_error"]


def test_a_rule_is_said_in_plain_words_with_its_next_dates(served: ServedStation) -> None:
    rule = {
        "kind": "recurring",
        "start": "2026-01-05T05:00:00",
        "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=5,17",
    }
    answer = served.as_person("xem").post("/api/v1/schedules/preview", json={"rule": rule}).json()
    assert answer["vi"] == "Thứ Hai đến thứ Sáu, 5 giờ sáng và 5 giờ chiều"
    assert answer["en"] == "Monday to Friday, 5:00 and 17:00"
    instants = [datetime.fromisoformat(instant) for instant in answer["next"]]
    assert len(instants) == 5
    assert instants == sorted(instants)
    assert instants[0] > datetime.now(UTC)


def test_headers_keep_pages_to_themselves(served: ServedStation) -> None:
    for path in ("/login", "/api/v1/bulletins", "/static/style.css", "/nothing"):
        headers = served.anonymous().get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
