"""Scheduling over real HTTP: what the contract tests decide about the domain, programs can ask for."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from devices.wire.signing import SigningKey
from tests.brokers import wait_for
from tests.integration.serving import ServedStation

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")


def _ok(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def _receiver(served: ServedStation, name: str) -> None:
    """One in the village; there may be one of a test before."""
    operator = served.as_person("viet")
    if name in {row["id"] for row in operator.get("/api/v1/receivers").json()}:
        return
    served.station.enrol(
        receiver=name,
        name=f"Loa {name}",
        kind="loudspeaker",
        area="thon-dong",
        public_key=SigningKey.generate().public(),
    )


def test_a_merger_from_plan_to_undoing(served: ServedStation) -> None:
    operator, approver = served.as_person("viet"), served.as_person("hoa")
    day = (datetime.now(LOCAL) + timedelta(days=30)).date()
    plan = {
        "title": "Đổi tên xã",
        "day": day.isoformat(),
        "areas": [{"id": "xa-moi", "name": "Xã mới", "kind": "commune", "parent": "tinh"}],
        "endings": [{"area": "xa", "into": ["xa-moi"]}],
    }
    made = _ok(operator.post("/api/v1/reorganisations", json=plan), 201)
    path = f"/api/v1/reorganisations/{made['id']}"
    seen = _ok(approver.get(f"{path}/preview"))
    assert [row["id"] for row in seen["content"]["areas"]] == ["thon-dong", "xa", "xa-moi"]
    body = {"preview_sha256": seen["preview_sha256"]}
    assert operator.post(f"{path}/approval", json=body).status_code == 403
    _ok(approver.post(f"{path}/approval", json=body), 204)

    def lines(on: str) -> dict[str, str]:
        return {area["id"]: area["parent_id"] for area in _ok(operator.get("/api/v1/areas", params={"day": on}))}

    assert lines(day.isoformat())["thon-dong"] == "xa-moi"
    assert lines(datetime.now(LOCAL).date().isoformat())["thon-dong"] == "xa"
    _ok(operator.post(f"{path}/undoing", json={"reason": "Hoãn"}), 204)
    assert lines(day.isoformat())["thon-dong"] == "xa"
    assert [row["state"] for row in _ok(operator.get("/api/v1/reorganisations"))] == ["undone"]


def test_groups_policies_conflicts_and_the_simulated_day(served: ServedStation) -> None:
    _receiver(served, "loa-mot")
    operator, editor = served.as_person("viet"), served.as_person("mai")
    group = _ok(operator.post("/api/v1/groups", json={"name": "Cả xã", "targets": {"areas": ["xa"]}}), 201)["id"]
    at = (datetime.now(LOCAL) + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    plan = [{"rule": {"kind": "once", "at": at.isoformat()}, "targets": {"groups": [group]}}]
    bulletin = served.released(title="Họp dân", plan=plan)
    wait_for(lambda: editor.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json())
    (clash,) = _ok(editor.post("/api/v1/plan/conflicts", json={"plan": plan, "title": "Mới"}))["items"]
    assert (clash["kind"], clash["with"][0]["title"]) == ("overlap", "Họp dân")
    day = {"day": at.date().isoformat(), "receiver": "loa-mot"}
    (airing,) = _ok(editor.get("/api/v1/simulation", params=day))["airings"]
    assert (airing["title"], airing["outcome"]) == ("Họp dân", "played")
    assert editor.get("/api/v1/simulation", params={**day, "receiver": "không-có"}).status_code == 404
    feed = editor.get("/api/v1/areas/thon-dong/plan.ics")
    assert feed.headers["content-type"].startswith("text/calendar")
    # A calendar program knows names and passwords; a token of a program is its password.
    made = _ok(editor.post("/api/v1/people/me/tokens", json={"name": "Lịch", "rights": ["read"], "days": 30}), 201)
    outside = served.anonymous()
    refused = outside.get("/api/v1/areas/thon-dong/plan.ics")
    assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
    assert "Họp dân" in outside.get("/api/v1/areas/thon-dong/plan.ics", auth=("lich", made["token"])).text
    assert outside.get("/api/v1/airings", auth=("lich", made["token"])).status_code == 401  # for calendars only
    read = _ok(editor.post("/api/v1/calendars/import", content=feed.content))
    assert "Họp dân" in [event["title"] for event in read["events"]]

    rules = [{"kind": "quiet_hours", "begins": "08:00", "ends": "10:00"}]
    body = {"policy": {"rules": rules}, "revision": 0}
    assert editor.put("/api/v1/areas/xa/policy", json=body).status_code == 403
    found = _ok(operator.put("/api/v1/areas/xa/policy", json=body))
    assert (found["revision"], found["in_force"][0]["area"]) == (1, "xa")
    wait_for(
        lambda: editor.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json()[0]["state"] == "cancelled"
    )
    lost = _ok(editor.get("/api/v1/simulation", params=day))["lost"]
    assert [(row["title"], row["state"]) for row in lost] == [("Họp dân", "cancelled")]
    assert "từ 8 giờ đến 10 giờ" in lost[0]["reason"]
    draft = served.written(title="Lúc yên tĩnh", plan=plan)
    assert "từ 8 giờ đến 10 giờ" in draft["warnings"][0]["vi"]
    editor.post(f"/api/v1/bulletins/{draft['id']}/submission", json={"revision": 1})
    approver = served.as_person("hoa")
    digest = _ok(approver.get(f"/api/v1/bulletins/{draft['id']}/release-preview"))["content_sha256"]
    refused = approver.post("/api/v1/releases", json={"bulletin": draft["id"], "content_sha256": digest})
    assert (refused.status_code, refused.json()["code"]) == (409, "policy")
    assert refused.json()["errors"][0]["refusals"][0]["area"] == "xa"
    _ok(operator.put("/api/v1/areas/xa/policy", json={"policy": {"rules": []}, "revision": 1}))


def test_a_rule_is_changed_by_days_and_weeks(served: ServedStation) -> None:
    editor = served.as_person("mai")
    rule = {"kind": "recurring", "start": "2026-12-07T17:00:00", "rrule": "FREQ=DAILY;UNTIL=20261213"}
    body = {
        "rule": rule,
        "skip": ["2026-12-08"],
        "move": [{"original": "2026-12-09T17:00:00", "to": "2026-12-09T18:30:00"}],
        "copy_week": {"monday": "2026-12-07", "to": "2026-12-14"},
    }
    changed = _ok(editor.post("/api/v1/schedules/change", json=body))
    assert changed["rule"]["rrule"] == rule["rrule"]  # the week that is copied airs still
    assert [at[8:16] for at in changed["rule"]["extra"]] == [
        "14T17:00", "16T18:30", "17T17:00", "18T17:00", "19T17:00", "20T17:00",
    ]  # fmt: skip
    assert changed["vi"].startswith(
        "Hằng ngày, 5 giờ chiều, đến hết ngày 13/12, trừ ngày 8/12, thêm 5 giờ chiều ngày 14/12"
    )
    body["skip"] = ["không phải ngày"]
    assert editor.post("/api/v1/schedules/change", json=body).status_code == 422


def test_a_week_is_copied_into_drafts(served: ServedStation) -> None:
    editor = served.as_person("mai")
    at = datetime.now(LOCAL) + timedelta(hours=2)
    plan = [{"rule": {"kind": "once", "at": at.isoformat()}, "targets": {"areas": ["thon-dong"]}}]
    bulletin = served.released(title="Tuần này", plan=plan)
    wait_for(lambda: editor.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json())
    monday = at.date() - timedelta(days=at.weekday())
    body = {"monday": monday.isoformat(), "to": (monday + timedelta(days=7)).isoformat(), "area": "thon-dong"}
    made = [copy["bulletin"] for copy in _ok(editor.post("/api/v1/plan/week-copies", json=body), 201) if copy["of"] == bulletin["id"]]  # fmt: skip
    (draft,) = (_ok(editor.get(f"/api/v1/bulletins/{name}")) for name in made)
    assert (draft["state"], draft["title"]) == ("draft", "Tuần này")
    copied = datetime.fromisoformat(draft["plan"][0]["rule"]["at"])
    assert abs(copied - at - timedelta(days=7)) < timedelta(milliseconds=1)


def test_programmes_and_campaigns(served: ServedStation) -> None:
    approver, editor = served.as_person("hoa"), served.as_person("mai")
    rule = {"kind": "recurring", "start": "2026-11-23T05:30:00", "rrule": "FREQ=DAILY"}
    programme = {"id": "cds", "name": "Chuyển đổi số", "slots": [{"rule": rule, "seconds": 300}]}
    body = {"programme": programme, "targets": {"areas": ["xa"]}}
    assert _ok(approver.put("/api/v1/programmes", json=body)) == {"revision": 1}
    assert [row["name"] for row in _ok(editor.get("/api/v1/programmes"))] == ["Chuyển đổi số"]
    today = datetime.now(LOCAL).date()
    plan = {
        "name": "Nghị quyết 57",
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=30)).isoformat(),
        "goals": {"airings": 12},
    }
    campaign = _ok(editor.post("/api/v1/campaigns", json=plan), 201)["id"]
    bulletin = served.released(title="Chữ ký số", programme="cds", campaign=campaign)
    wait_for(lambda: editor.get("/api/v1/airings", params={"bulletin": bulletin["id"]}).json())
    found = _ok(editor.get(f"/api/v1/campaigns/{campaign}"))
    assert (found["goals"]["airings"], found["progress"]["airings"], found["progress"]["planned"]) == (12, 0, 1)
    _ok(editor.get("/api/v1/programme-warnings"))
    (queued,) = _ok(editor.get("/api/v1/programmes/cds/queue"))
    assert (queued["title"], len(queued["aired"])) == ("Chữ ký số", 1)
    sessions = _ok(editor.get("/api/v1/programmes/cds/sessions", params={"days": 3}))
    assert [(each["planned"], len(each["parts"])) for each in sessions] == [(True, 1), (False, 0), (False, 0)]
    assert sessions[0]["length_s"] == queued["duration_s"]
    assert editor.get("/api/v1/programmes/khac/sessions").status_code == 404
    _ok(approver.delete("/api/v1/programmes/cds"), 204)


def test_an_emergency_is_on_air_as_soon_as_its_speech_is_made(served: ServedStation) -> None:
    operator, approver, editor = (served.as_person(name) for name in ("viet", "hoa", "mai"))
    content = {"title": "Bão", "text": "Bão vào {noi}.", "blanks": [{"name": "noi", "kind": "words"}]}
    made = _ok(editor.post("/api/v1/emergency-templates", json={"name": "Bão", "content": content}), 201)["id"]
    digest = {"content_sha256": _ok(approver.get("/api/v1/emergency-templates"))[0]["content_sha256"]}
    _ok(approver.post(f"/api/v1/emergency-templates/{made}/release", json=digest), 204)
    sending = {"targets": {"areas": ["xa"]}, "every_minutes": 120}
    body = {"template": made, "blanks": {"noi": "Quảng Ninh"}, "sending": sending}
    issued = _ok(operator.post("/api/v1/emergencies", json=body), 201)["id"]
    wait_for(lambda: _ok(operator.get("/api/v1/emergencies"))[0]["state"] == "issued", 30, "the speech")
    bulletin = _ok(operator.get("/api/v1/emergencies"))[0]["bulletin_id"]
    wait_for(lambda: len(operator.get("/api/v1/airings", params={"bulletin": bulletin}).json()) == 12)
    _ok(operator.post(f"/api/v1/emergencies/{issued}/ending", json={"reason": "Xong"}), 204)
    alone = {"title": "Vỡ đê", "text": "Vỡ đê.", "reason": "Gấp", "sending": sending}
    assert operator.post("/api/v1/emergencies", json=alone).status_code == 403
    stop = _ok(operator.post("/api/v1/stops", json={"reason": "Loa hú"}), 201)["id"]
    assert _ok(operator.get("/api/v1/stops"))[0]["published_at"] is not None
    _ok(operator.post(f"/api/v1/stops/{stop}/lifting", json={"reason": "Xong"}), 204)
    assert [row["action"] for row in _ok(editor.get("/api/v1/audit"))][:2] == ["stop-lifted", "stop-issued"]
