"""Deputies over HTTP and on the pages: named, seen where it matters, and written into what they released."""

from datetime import UTC, datetime, timedelta
from html import unescape

from tests.integration.permission_world import World


def _page(world: World, person: str, path: str, **form: str) -> str:
    """A page, or what a form leads to."""
    if form:
        answer = world.runner.run(world.send(person, "POST", path, data=form))
        assert answer.status_code == 303, answer.text
        path = answer.headers["location"]
    answer = world.runner.run(world.send(person, "GET", path))
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def test_a_deputy_releases_on_the_page_and_every_page_says_for_whom(world: World) -> None:
    """viewer-a stands in for approver-a, named on approver-a's own page."""
    now = datetime.now(UTC)
    bulletin = world.ids["a"]["submitted"]
    answer = world.runner.run(world.send("viewer-a", "GET", f"/releases/{bulletin}"))
    assert answer.status_code == 403
    form = {"ends": (now + timedelta(days=2)).date().isoformat(), "deputy": "viewer-a", "reason": "đi họp"}
    page = _page(world, "approver-a", "/me/absences", **form)
    assert "Người viewer-a duyệt thay Người approver-a, từ " in page
    assert "đang vắng" in page
    for person, path in (
        *(("approver-a", "/me"), ("viewer-a", "/me"), ("administrator-a", "/people")),
        ("administrator-a", "/people/approver-a"),
    ):
        assert "Người viewer-a duyệt thay Người approver-a, từ " in _page(world, person, path), (person, path)
    page = _page(world, "viewer-a", f"/releases/{bulletin}")
    assert "Bạn duyệt thay Người approver-a, từ " in page
    digest = world.ids["a"]["digest"]
    _page(world, "viewer-a", f"/releases/{bulletin}", content_sha256=digest)
    said = "Duyệt thay: Người viewer-a thay Người approver-a, từ "
    assert said in _page(world, "viewer-station", f"/bulletins/{bulletin}")
    assert said in _page(world, "administrator-a", "/audit?about=bulletin")
    audit = world.runner.run(
        world.send("administrator-a", "GET", "/api/v1/audit", params={"action": "bulletin-released"})
    )
    assert audit.json()[0]["details"]["in_place_of"][0]["person"] == "approver-a"
    release = world.runner.run(
        world.send("viewer-a", "GET", f"/api/v1/releases/{audit.json()[0]['details']['release']}")
    )
    assert release.json()["approver_id"] == "viewer-a"
    assert [each["name"] for each in release.json()["in_place_of"]] == ["Người approver-a"]
    world.restore()


def test_an_editor_is_told_at_submission_that_nobody_can_release(world: World) -> None:
    """approver-a is away; approver-station too, by the administrators' hands."""
    now = datetime.now(UTC)
    away = {"begins_at": now.isoformat(), "ends_at": (now + timedelta(days=3)).isoformat()}
    for admin, person in (("administrator-a", "approver-a"), ("administrator-station", "approver-station")):
        answer = world.runner.run(world.send(admin, "POST", f"/api/v1/people/{person}/absences", json=away))
        assert answer.status_code == 201, answer.text
    path = f"/api/v1/bulletins/{world.ids['a']['draft']}"
    answer = world.runner.run(world.send("editor-a", "POST", f"{path}/submission", json={"revision": 1}))
    assert answer.status_code == 200, answer.text
    assert "Người approver-a, Người approver-station đang vắng mặt" in answer.json()["unattended"]["vi"]
    assert "chưa cử người duyệt thay" in _page(world, "editor-a", f"/bulletins/{world.ids['a']['draft']}")
    listed = world.runner.run(world.send("editor-a", "GET", "/api/v1/absences")).json()
    absence = next(
        each["id"]
        for each in listed
        if each["person"] == "approver-a" and each["begins_at"][:10] == now.date().isoformat()
    )
    ended = world.runner.run(
        world.send("administrator-a", "POST", f"/api/v1/people/approver-a/absences/{absence}/ending")
    )
    assert ended.status_code == 204
    assert world.runner.run(world.send("editor-a", "GET", path)).json()["unattended"] is None
    world.restore()


def test_a_form_that_cannot_be_is_shown_again_with_the_reason(world: World) -> None:
    day = datetime.now(UTC).date()
    for form, reason in (
        ({"ends": (day - timedelta(days=3)).isoformat()}, "Ngày cuối không thể trước"),
        ({"ends": "mai"}, "không phải là ngày"),
        ({"ends": (day + timedelta(days=1)).isoformat(), "deputy": "approver-a"}, "tự duyệt thay mình"),
        ({"ends": (day + timedelta(days=1)).isoformat(), "deputy": "viewer-b"}, "một vai trò ở địa bàn đó"),
    ):
        answer = world.runner.run(world.send("approver-a", "POST", "/me/absences", data={**form, "reason": "đi họp"}))
        assert answer.status_code == 422, answer.text
        assert reason in unescape(answer.text)
        assert 'value="đi họp"' in unescape(answer.text)
