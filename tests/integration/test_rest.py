"""What programs may rely on: ETags, keys for what must not be done twice, pages, messages in both languages, examples that are right."""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from api.app import create_app
from broadcaster.storage.models import Alert
from tests.integration.permission_pages import SAMPLES
from tests.integration.permission_world import World

EDITOR, STATION = "editor-a", "administrator-station"
BULLETINS = "/api/v1/bulletins"


def _send(world: World, person: str | None, method: str, path: str, **arguments: Any) -> httpx.Response:
    return world.runner.run(world.send(person, method, path, **arguments))


def _body(world: World) -> dict[str, Any]:
    body: dict[str, Any] = SAMPLES["POST", BULLETINS](world.ids["a"]).json
    return body


def test_an_edit_by_if_match_is_of_the_revision_that_was_read(world: World) -> None:
    path = f"{BULLETINS}/{world.ids['a']['draft']}"
    tag = _send(world, EDITOR, "GET", path).headers["etag"]
    edited = _send(world, EDITOR, "PUT", path, json=_body(world), headers={"If-Match": tag})
    assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
    stale = _send(world, EDITOR, "PUT", path, json=_body(world), headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "conflict")
    assert _send(world, EDITOR, "PUT", path, json=_body(world), params={"revision": 1}).status_code == 409
    for headers, params in (({}, {}), ({"If-Match": "*"}, {}), ({"If-Match": '"2"'}, {"revision": 3})):
        refused = _send(world, EDITOR, "PUT", path, json=_body(world), headers=headers, params=params)
        assert refused.status_code == 422, (headers, params)
    assert _send(world, EDITOR, "GET", path).headers["etag"] == '"2"'
    policy = "/api/v1/areas/a/policy"
    assert _send(world, "operator-a", "GET", policy).headers["etag"] == '"0"'
    body = {"policy": {"rules": []}, "revision": 0}
    changed = _send(world, "operator-a", "PUT", policy, json=body, headers={"If-Match": '"0"'})
    assert changed.headers["etag"] == '"1"'
    assert _send(world, "operator-a", "PUT", policy, json=body, headers={"If-Match": '"0"'}).status_code == 412


def test_what_has_no_revision_is_edited_by_if_match_too(world: World) -> None:
    ids = world.ids["a"]
    sound = "/api/v1/areas/a/sound"
    tag = _send(world, EDITOR, "GET", sound).headers["etag"]
    changed = _send(world, EDITOR, "PUT", sound, json={"rate_wpm": 130}, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] != tag
    assert _send(world, EDITOR, "GET", sound).headers["etag"] == changed.headers["etag"]
    stale = _send(world, EDITOR, "PUT", sound, json={}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "conflict")
    assert _send(world, EDITOR, "PUT", sound, json={}, headers={"If-Match": '"1"'}).status_code == 422
    group = next(
        row for row in _send(world, "operator-a", "GET", "/api/v1/groups").json() if row["id"] == ids["group_id"]
    )
    person = next(
        row for row in _send(world, "administrator-a", "GET", "/api/v1/people").json() if row["id"] == ids["person_id"]
    )
    for who, path, body, etag in (
        ("operator-a", f"/api/v1/groups/{group['id']}", {"name": "Khác", "targets": group["targets"]}, group["etag"]),
        (
            "administrator-a",
            f"/api/v1/people/{person['id']}",
            {"name": "Khác", "roles": person["roles"], "disabled": False},
            person["etag"],
        ),
    ):
        done = [_send(world, who, "PUT", path, json=body, headers={"If-Match": f'"{etag}"'}) for _ in range(2)]
        assert [answer.status_code for answer in done] == [204, 412], [answer.text for answer in done]


def test_a_creation_with_a_key_is_done_once(world: World) -> None:
    def count() -> int:
        return len(_send(world, EDITOR, "GET", BULLETINS, params={"limit": 100}).json()["items"])

    before = count()
    headers = {"Idempotency-Key": "một-khóa".encode().hex()}
    first = _send(world, EDITOR, "POST", BULLETINS, json=_body(world), headers=headers)
    again = _send(world, EDITOR, "POST", BULLETINS, json=_body(world), headers=headers)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert (again.headers["location"], again.headers["etag"]) == (first.headers["location"], first.headers["etag"])
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (None, "true")
    other = _send(world, EDITOR, "POST", BULLETINS, json={**_body(world), "title": "Khác"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "invalid")
    assert count() == before + 1
    # Another person's key is another key; and what was refused was not done, so the key is free.
    assert _send(world, "approver-a", "POST", BULLETINS, json=_body(world), headers=headers).status_code == 201
    fresh = {"Idempotency-Key": "khac"}
    assert _send(world, EDITOR, "POST", BULLETINS, json={"title": ""}, headers=fresh).status_code == 422
    assert _send(world, EDITOR, "POST", BULLETINS, json=_body(world), headers=fresh).status_code == 201


def test_two_at_once_with_one_key_make_one(world: World) -> None:
    async def both() -> list[httpx.Response]:
        asked = [
            world.send(EDITOR, "POST", BULLETINS, json=_body(world), headers={"Idempotency-Key": "cùng lúc".encode().hex()})
            for _ in range(4)
        ]  # fmt: skip
        return list(await asyncio.gather(*asked))

    answers = world.runner.run(both())
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1


def test_an_answer_that_is_kept_tells_nobody_its_password(world: World) -> None:
    body = {"username": "nguoi-moi", "name": "Mới", "roles": [{"role": "editor", "area": "a"}]}
    answers = [
        _send(world, STATION, "POST", "/api/v1/people", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    password = answers[0].json()["password"]
    assert password.encode() not in world.database.read_bytes()


def test_lists_that_grow_have_pages(world: World) -> None:
    with world.station.database.writing() as session:  # alerts that one look found began at one instant
        session.execute(update(Alert).values(opened_at=world.station.clock.now()))
    for path, person, of in (
        (BULLETINS, EDITOR, lambda page: [item["id"] for item in page["items"]]),
        ("/api/v1/airings", EDITOR, lambda page: [item["id"] for item in page]),
        ("/api/v1/audit", EDITOR, lambda page: [item["seq"] for item in page]),
        ("/api/v1/as-run", "viewer-station", lambda page: [item["seq"] for item in page["items"]]),
        ("/api/v1/receivers", "viewer-station", lambda page: [item["id"] for item in page]),
        ("/api/v1/recordings", EDITOR, lambda page: [item["sha256"] for item in page]),
        ("/api/v1/alerts", "viewer-station", lambda page: [item["id"] for item in page]),
    ):
        whole = of(_send(world, person, "GET", path, params={"limit": 100}).json())
        assert len(whole) >= 2, path
        seen: list[Any] = []
        there: str | None = f"{path}?limit=1"
        while there is not None:
            answer = _send(world, person, "GET", there)
            seen += of(answer.json())
            found = re.fullmatch(r'<(\S+)>; rel="next"', answer.headers.get("link", ""))
            there = found[1] if found else None
        assert seen == whole, path


@pytest.mark.parametrize(
    ("body", "vi", "en"),
    [
        ({"text": "x"}, "thiếu", "missing"),
        ({"title": 5, "text": "x"}, "phải là chữ", "must be text"),
        ({"title": "a" * 301, "text": "x"}, "tối đa 300 ký tự", "more than 300 characters"),
        ({"title": "a", "text": "x", "lạ": 1}, "không có trường này", "no such field"),
        ({"title": "a", "text": "x", "priority": "urgent"}, "một trong 'routine' or 'priority'", "one of 'routine'"),
        ({"title": "a", "text": "x", "plan": 1}, "danh sách", "a list"),
    ],
)
def test_what_is_wrong_is_said_in_the_reader_s_language(world: World, body: dict[str, Any], vi: str, en: str) -> None:
    for language, said in (("vi", vi), ("en", en)):
        answer = _send(world, EDITOR, "POST", BULLETINS, json=body, headers={"Accept-Language": language})
        assert answer.status_code == 422
        assert said in answer.json()["detail"]
        assert said in answer.json()["errors"][0]["problem"]


def test_examples_of_the_document_are_taken(world: World) -> None:
    """Each example of a body gets past the checks of its form: it may be refused for what it names, not for how it is written."""
    document = create_app(None).openapi()
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            for example in document["components"]["schemas"].get(name, {}).get("examples", ()):
                params = {"revision": 1} if method == "put" else {}
                url = path.format(**world.ids["a"]) if "{" in path else path
                for person in ("approver-station", "operator-station", STATION):
                    answer = _send(world, person, method.upper(), url, json=example, params=params)
                    formal = answer.status_code == 422 and any("problem" in one for one in answer.json()["errors"])
                    assert not formal, (method, path, answer.text)
                tried += 1
    assert tried >= 12


@pytest.mark.parametrize(
    ("header", "tongue"),
    [
        ("en", "en"),
        ("en-GB,en;q=0.9,vi;q=0.8", "en"),
        ("vi-VN,vi;q=0.9,en;q=0.8", "vi"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "en"),
        ("en;q=0.3, vi;q=0.7", "vi"),
        ("en;q=0", "vi"),
        ("vi;q=0.000,en; q=0.001", "en"),
        ("en;q=x", "vi"),
        ("eng, end", "vi"),
        ("*", "vi"),
        ("", "vi"),
    ],
)
def test_the_language_that_a_program_likes_better_is_spoken(world: World, header: str, tongue: str) -> None:
    answer = _send(world, EDITOR, "GET", f"{BULLETINS}/none", headers={"Accept-Language": header})
    assert (answer.status_code, answer.headers["content-language"]) == (404, tongue)


def test_a_method_that_an_address_does_not_have_is_told_with_those_that_it_has(world: World) -> None:
    """RFC 9110, 15.5.6; an address that there is not is 404 for every method."""
    for method, path, allowed in (
        ("DELETE", "/api/v1/areas", "GET, POST"),
        ("GET", "/api/v1/calendars/import", "POST"),
        ("PATCH", f"{BULLETINS}/{world.ids['a']['draft']}", "GET, PUT"),
        ("POST", "/healthz", "GET"),
    ):
        answer = _send(world, EDITOR, method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed), path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 405
    for method in ("GET", "POST", "PUT", "DELETE"):
        answer = _send(world, EDITOR, method, "/api/v1/bulletin")
        assert (answer.status_code, answer.json()["status"]) == (404, 404), method
        assert "allow" not in answer.headers


@pytest.mark.parametrize("media_type", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_json_that_is_not_said_to_be_json_is_told_so(world: World, media_type: str) -> None:
    """As programs send it that were told no more than the body; a page of another site can send nothing else."""
    headers = {"Accept-Language": "en", **({"Content-Type": media_type} if media_type else {})}
    answer = _send(world, EDITOR, "POST", BULLETINS, content=json.dumps(_body(world)), headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Content-Type")
    assert "Content-Type: application/json" in answer.json()["detail"]
