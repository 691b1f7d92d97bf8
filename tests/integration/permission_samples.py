"""What to send to a route so that only a right is missing: `OF_REST[method, path](ids)`, with the ids of a commune's things.

A route that takes no more than its path needs none. `answers` are the answers to somebody who may; without, any below 400.
`shows` is, for a list, whose presence in the answer is looked at: a name of an id.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from devices.wire.signing import SigningKey
from tests.integration.permission_world import CODE, wav

Ids = dict[str, str]
V1 = "/api/v1"
SOON = datetime.now(UTC) + timedelta(hours=30)
YEAR = {"starts_on": "2026-01-01", "ends_on": "2026-12-31"}
MONDAY = SOON.date() - timedelta(days=SOON.weekday())
LATER = (SOON + timedelta(days=14)).date().isoformat()
AWAY = {"begins_at": SOON.isoformat(), "ends_at": (SOON + timedelta(days=1)).isoformat()}
EARLIER = (SOON - timedelta(hours=2)).isoformat()


@dataclass(frozen=True)
class Sample:
    """One request but for its path, whose ids may be others than usual."""

    json: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    data: dict[str, str] | None = None
    content: bytes | None = None
    ids: Ids = field(default_factory=dict)
    answers: tuple[int, ...] = tuple(range(200, 400))
    shows: str | None = None


def _bulletin(ids: Ids) -> dict[str, Any]:
    plan = [{"rule": {"kind": "once", "at": SOON.isoformat()}, "targets": {"areas": [ids["area_id"]]}}]
    return {"title": "Tin", "text": "Xin chào.", "plan": plan}


def approver_of(ids: Ids) -> Ids:
    return {"person_id": f"approver-{ids['area_id']}"}


def _targets(ids: Ids) -> dict[str, Any]:
    return {"areas": [ids["area_id"]]}


def _merger(ids: Ids) -> dict[str, Any]:
    day = (SOON + timedelta(days=60)).date().isoformat()
    side = ids["area_id"]
    return {"title": "Gộp", "day": day, "endings": [{"area": f"{side}-thon-2", "into": [f"{side}-thon-1"]}]}


OF_REST: dict[tuple[str, str], Callable[[Ids], Sample]] = {
    ("POST", f"{V1}/sessions"): lambda _: Sample({"username": "nobody", "password": "x"}, answers=(401, 429)),
    ("PUT", f"{V1}/sessions/current/proof"): lambda _: Sample({"code": "000000"}, answers=(403,)),
    ("PUT", f"{V1}/people/me/password"): lambda _: Sample({"old": "x", "new": "y" * 12}, answers=(403,)),
    ("PUT", f"{V1}/people/me/one-time-codes"): lambda _: Sample({"code": "000000"}, answers=(422,)),
    ("POST", f"{V1}/people/me/tokens"): lambda _: Sample({"name": "x", "rights": ["read"]}),
    ("DELETE", f"{V1}/people/me/tokens/{{token_id}}"): lambda _: Sample(answers=(404,)),
    ("POST", f"{V1}/welcome"): lambda _: Sample(
        {"token": "none", "username": "quan-tri", "name": "Q", "password": "x" * 12}, answers=(404,)
    ),
    ("GET", "/welcome/{token}"): lambda _: Sample(ids={"token": "none"}, answers=(404,)),
    ("POST", "/welcome/{token}"): lambda _: Sample(
        data={"username": "quan-tri", "name": "Q", "password": "x" * 12, "again": "x" * 12},
        ids={"token": "none"},
        answers=(404,),
    ),
    ("GET", f"{V1}/people"): lambda _: Sample(shows="person_id"),
    ("POST", f"{V1}/people"): lambda ids: Sample(
        {"username": "nguoi-moi", "name": "Mới", "roles": [{"role": "editor", "area": ids["area_id"]}]}
    ),
    ("PUT", f"{V1}/people/{{person_id}}"): lambda ids: Sample(
        {"name": "Tên", "roles": [{"role": "editor", "area": ids["area_id"]}]}
    ),
    ("POST", f"{V1}/areas/{{area_id}}/lexicon/proposals"): lambda _: Sample(
        {"written": "VNeID", "reading": "vi en ai đi"}
    ),
    ("POST", f"{V1}/lexicon-proposals/{{proposal_id}}/acceptance"): lambda _: Sample({"reason": "đúng"}),
    ("POST", f"{V1}/lexicon-proposals/{{proposal_id}}/refusal"): lambda _: Sample({"reason": "không đúng"}),
    ("DELETE", f"{V1}/sessions/{{session_id}}"): lambda _: Sample(ids={"session_id": "none"}, answers=(404,)),
    ("GET", f"{V1}/absences"): lambda _: Sample(shows="absence_id"),
    ("POST", f"{V1}/people/me/absences"): lambda _: Sample(AWAY),
    ("POST", f"{V1}/people/{{person_id}}/absences"): lambda ids: Sample(AWAY, ids=approver_of(ids)),
    ("POST", f"{V1}/people/{{person_id}}/absences/{{absence_id}}/ending"): lambda ids: Sample(ids=approver_of(ids)),
    ("POST", f"{V1}/bulletins/check"): lambda _: Sample({"text": "Xin chào."}),
    ("POST", f"{V1}/bulletins/script"): lambda _: Sample({"text": "Xin chào."}),
    ("POST", f"{V1}/bulletins/intake"): lambda _: Sample(content=b"Tin\n\nXin ch\xc3\xa0o.", params={"name": "a.txt"}),
    ("GET", f"{V1}/bulletins"): lambda _: Sample(shows="bulletin_id"),
    ("POST", f"{V1}/bulletins"): lambda ids: Sample(_bulletin(ids)),
    ("PUT", f"{V1}/bulletins/{{bulletin_id}}"): lambda ids: Sample(_bulletin(ids), params={"revision": 1}),
    ("POST", f"{V1}/bulletins/{{bulletin_id}}/rendering"): lambda _: Sample({"revision": 1}),
    ("POST", f"{V1}/bulletins/{{bulletin_id}}/submission"): lambda _: Sample({"revision": 1}),
    ("POST", f"{V1}/bulletins/{{bulletin_id}}/withdrawal"): lambda _: Sample({"reason": "thôi"}),
    ("PUT", f"{V1}/bulletins/{{bulletin_id}}/readings"): lambda _: Sample(
        {"revision": 1, "readings": [{"text": "không có", "proposed": "x"}]}, answers=(422,)
    ),
    ("DELETE", f"{V1}/bulletins/{{bulletin_id}}/readings/{{reading_id}}"): lambda _: Sample(params={"revision": 1}),
    ("POST", f"{V1}/recordings"): lambda _: Sample(content=wav(), params={"name": "a.wav"}),
    ("GET", f"{V1}/areas/{{area_id}}/lexicon"): lambda _: Sample(),
    ("PUT", f"{V1}/areas/{{area_id}}/lexicon"): lambda _: Sample({"written": "OCOP", "reading": "ốc cốp"}),
    ("DELETE", f"{V1}/areas/{{area_id}}/lexicon"): lambda _: Sample(params={"written": "OCOP"}, answers=(404,)),
    ("POST", f"{V1}/areas"): lambda ids: Sample(
        {"parent": ids["area_id"], "kind": "province", "names": ["Không hợp"]}, answers=(422,)
    ),
    ("PUT", f"{V1}/areas/{{area_id}}/name"): lambda _: Sample({"name": " "}, answers=(422,)),
    ("PUT", f"{V1}/areas/{{area_id}}/outline"): lambda _: Sample({"outline": None}),
    ("PUT", f"{V1}/areas/{{area_id}}/sound"): lambda _: Sample({}),
    ("POST", f"{V1}/schedules/preview"): lambda _: Sample({"rule": {"kind": "once", "at": EARLIER}}),
    ("POST", f"{V1}/schedules/change"): lambda _: Sample(
        {"rule": {"kind": "recurring", "start": "2026-12-01T17:00:00", "rrule": "FREQ=DAILY"}}
    ),
    ("POST", f"{V1}/plan/week-copies"): lambda _: Sample(
        {"monday": MONDAY.isoformat(), "to": (MONDAY + timedelta(days=7)).isoformat()}
    ),
    ("GET", "/{path:path}"): lambda _: Sample(ids={"path": "no-such-page"}, answers=(404,)),
    ("POST", f"{V1}/plan/conflicts"): lambda ids: Sample({"plan": _bulletin(ids)["plan"]}),
    ("GET", f"{V1}/simulation"): lambda ids: Sample(
        params={"receiver": ids["receiver"], "day": SOON.date().isoformat()}
    ),
    ("POST", f"{V1}/groups"): lambda ids: Sample({"name": "Nhóm mới", "targets": _targets(ids)}),
    ("PUT", f"{V1}/groups/{{group_id}}"): lambda ids: Sample({"name": "Nhóm mới", "targets": _targets(ids)}),
    ("POST", f"{V1}/reorganisations"): lambda ids: Sample(_merger(ids), answers=(201, 409)),
    ("POST", f"{V1}/reorganisations/{{reorganisation_id}}/approval"): lambda ids: Sample(
        {"preview_sha256": ids["preview_sha256"]}
    ),
    ("POST", f"{V1}/reorganisations/{{reorganisation_id}}/undoing"): lambda _: Sample({"reason": "thôi"}),
    ("PUT", f"{V1}/areas/{{area_id}}/policy"): lambda _: Sample({"policy": {"rules": []}, "revision": 0}),
    ("PUT", f"{V1}/receivers/{{receiver_id}}/place"): lambda _: Sample(
        {"special_place": "school", "full_volume_dba": None}
    ),
    ("PUT", f"{V1}/programmes"): lambda ids: Sample(
        {"programme": {"id": ids["programme_id"], "name": "Khác"}, "targets": _targets(ids), "revision": 1}
    ),
    ("POST", f"{V1}/campaigns"): lambda ids: Sample(
        {"name": "Đợt", "starts_on": "2026-01-01", "ends_on": "2026-02-01", "area": ids["area_id"]}
    ),
    ("PUT", f"{V1}/campaigns/{{campaign_id}}"): lambda _: Sample(
        {"name": "Đợt", "starts_on": "2026-01-01", "ends_on": "2026-02-01"}
    ),
    ("POST", f"{V1}/calendars/import"): lambda _: Sample(
        content=b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n"
    ),
    ("GET", f"{V1}/emergency-templates"): lambda _: Sample(shows="template_id"),
    ("POST", f"{V1}/emergency-templates"): lambda ids: Sample(
        {"name": "Mẫu", "content": {"title": "Lũ", "text": "Lũ về."}, "area": ids["area_id"]}
    ),
    ("POST", f"{V1}/emergency-templates/{{template_id}}/release"): lambda ids: Sample(
        {"content_sha256": ids["template_sha256"]}
    ),
    ("GET", f"{V1}/emergencies"): lambda _: Sample(shows="emergency_id"),
    ("POST", f"{V1}/emergencies"): lambda ids: Sample(
        {"template": ids["released_template"], "sending": {"targets": _targets(ids)}}
    ),
    ("POST", f"{V1}/emergencies/{{emergency_id}}/ending"): lambda _: Sample({"reason": "qua rồi"}),
    ("GET", f"{V1}/stops"): lambda _: Sample(shows="stop_id"),
    ("POST", f"{V1}/stops"): lambda ids: Sample({"reason": "thử", "targets": _targets(ids)}),
    ("POST", f"{V1}/stops/{{stop_id}}/lifting"): lambda _: Sample({"reason": "xong"}),
    ("GET", "/operations/map"): lambda _: Sample(shows="receiver"),
    ("POST", "/operations/stop"): lambda ids: Sample(data={"reason": "thử", "area": ids["area_id"]}),
    ("POST", "/operations/stops/{stop}/lifting"): lambda ids: Sample(ids={"stop": ids["stop_id"]}),
    ("GET", f"{V1}/alerts"): lambda _: Sample(shows="alert_id"),
    ("GET", "/alerts"): lambda _: Sample(),
    ("POST", f"{V1}/alerts/{{alert_id}}/acknowledgement"): lambda _: Sample({}),
    ("POST", f"{V1}/alerts/{{alert_id}}/deliveries"): lambda _: Sample(answers=(422,)),
    ("GET", f"{V1}/audit"): lambda _: Sample(shows="stop_id"),
    ("GET", f"{V1}/bulletins/{{bulletin_id}}/release-preview"): lambda _: Sample(),
    ("POST", f"{V1}/releases"): lambda ids: Sample({"bulletin": ids["submitted"], "content_sha256": ids["digest"]}),
    ("POST", f"{V1}/bulletins/{{bulletin_id}}/return"): lambda ids: Sample(
        {"reason": "sửa"}, ids={"bulletin_id": ids["submitted"]}
    ),
    ("GET", f"{V1}/airings"): lambda _: Sample(shows="airing_id"),
    ("POST", f"{V1}/airings/{{airing_id}}/skip"): lambda _: Sample({"reason": "thôi"}),
    ("POST", f"{V1}/airings/{{airing_id}}/move"): lambda _: Sample({"reason": "đổi giờ", "to": EARLIER}),
    ("PUT", f"{V1}/plan/precedence"): lambda ids: Sample({"airings": [ids["airing_1"], ids["airing_2"]]}),
    ("GET", f"{V1}/receivers"): lambda _: Sample(shows="receiver"),
    ("POST", f"{V1}/receivers"): lambda ids: Sample(
        {
            "receiver": "loa-moi",
            "name": "Loa mới",
            "kind": "loudspeaker",
            "area": ids["area_id"],
            "public_key": SigningKey.generate().public().to_jwk(),
        }
    ),
    ("POST", f"{V1}/enrolments"): lambda _: Sample(content=b"x", answers=(422,)),
    ("POST", f"{V1}/enrolments/{{enrolment}}/poll"): lambda _: Sample(content=b"x", answers=(403,)),
    ("POST", f"{V1}/receivers/{{receiver}}/renewal"): lambda _: Sample(content=b"x", answers=(403,)),
    ("POST", f"{V1}/enrolments/acceptance"): lambda ids: Sample(
        {
            "code": CODE[ids["area_id"]],
            "receiver": "loa-moi",
            "kind": "loudspeaker",
            "name": "Loa",
            "area": ids["area_id"],
        }
    ),
    ("PATCH", f"{V1}/receivers/{{receiver}}"): lambda _: Sample({"name": "Tên khác"}),
    ("POST", f"{V1}/station-keys"): lambda _: Sample({}, answers=(200, 201, 409)),  # 409: one waits already
    ("GET", f"{V1}/as-run"): lambda _: Sample(shows="receiver"),
    ("GET", f"{V1}/as-run.csv"): lambda _: Sample(shows="receiver"),
    ("GET", "/readyz"): lambda _: Sample(answers=(503,)),  # the station is not started
    ("GET", f"{V1}/reports"): lambda _: Sample(shows="report_id"),
    ("POST", f"{V1}/reports"): lambda ids: Sample({"area": ids["area_id"], **YEAR}),
    ("GET", f"{V1}/reports/figures"): lambda ids: Sample(params={"area": ids["area_id"], **YEAR}),
    ("GET", f"{V1}/reports/board"): lambda _: Sample(params={"year": 2026}, shows="campaign_id"),
    ("PUT", f"{V1}/reports/{{report_id}}/filled"): lambda _: Sample({"revision": 1, "filled": {}}),
    ("POST", f"{V1}/reports/{{report_id}}/submission"): lambda _: Sample({"revision": 1}),
    ("POST", f"{V1}/reports/{{report_id}}/reopening"): lambda ids: Sample(
        {"reason": "x"}, ids={"report_id": ids["submitted_report"]}
    ),
    ("GET", f"{V1}/reports/{{report_id}}/document.{{form}}"): lambda _: Sample(ids={"form": "docx"}),
    ("POST", "/login"): lambda _: Sample(data={"username": "nobody", "password": "x"}, answers=(401, 429)),
    ("POST", "/enrolments"): lambda ids: Sample(
        data={
            "code": CODE[ids["area_id"]],
            "fingerprint": "ABCD",
            "receiver": "loa-moi",
            "kind": "loudspeaker",
            "name": "Loa",
            "area": ids["area_id"],
        }
    ),
    ("POST", "/compose"): lambda ids: Sample(
        data={
            "key": "k",
            "words": "Tin\nXin chào.",
            "area": ids["area_id"],
            "kind": "loudspeaker",
            "when": "morning",
        }
    ),
    ("POST", "/compose/unfinished"): lambda _: Sample(data={"key": "k", "words": "Tin"}),
    ("POST", "/compose/discard"): lambda _: Sample(data={"key": "k"}),
    ("POST", "/compose/intake"): lambda _: Sample(content=b"x", answers=(422,)),
    ("GET", "/compose/card.png"): lambda _: Sample(params={"text": "Tin"}),
    ("GET", "/bulletins"): lambda _: Sample(shows="bulletin_id"),
    ("POST", "/bulletins/{bulletin_id}/anew"): lambda _: Sample(data={"revision": "1"}),
    ("POST", "/bulletins/{bulletin_id}/withdraw"): lambda _: Sample(data={"reason": "thôi"}),
    ("GET", "/releases"): lambda _: Sample(shows="submitted"),
    ("POST", "/releases"): lambda ids: Sample(data={"release": f"{ids['submitted']}:{ids['digest']}"}),
    ("GET", "/releases/{bulletin_id}"): lambda ids: Sample(ids={"bulletin_id": ids["submitted"]}),
    ("POST", "/releases/{bulletin_id}"): lambda ids: Sample(
        data={"content_sha256": ids["digest"]}, ids={"bulletin_id": ids["submitted"]}
    ),
    ("POST", "/releases/{bulletin_id}/return"): lambda ids: Sample(
        data={"reason": "sửa"}, ids={"bulletin_id": ids["submitted"]}
    ),
    ("GET", "/schedule"): lambda ids: Sample(params={"area": ids["area_id"]}),
    ("POST", "/schedule/copies"): lambda ids: Sample(
        data={"monday": "2026-01-05", "to": LATER, "area": ids["area_id"]}
    ),
    ("GET", "/schedule/simulation"): lambda ids: Sample(params={"receiver": ids["receiver"]}),
    ("POST", "/schedule/airings/{airing_id}/skip"): lambda _: Sample(data={"reason": "thôi"}),
    ("POST", "/schedule/airings/{airing_id}/move"): lambda _: Sample(
        data={"reason": "đổi giờ", "to": f"{SOON - timedelta(hours=2):%Y-%m-%dT%H:%M}"}
    ),
    ("POST", "/schedule/airings/{airing_id}/precedence"): lambda ids: Sample(
        data={"order": f"{ids['airing_2']},{ids['airing_1']}"}
    ),
    ("GET", "/emergencies"): lambda _: Sample(shows="emergency_id"),
    ("POST", "/emergencies/alone"): lambda ids: Sample(
        data={"title": "Lũ", "text": "Lũ về.", "reason": "gấp", "areas": ids["area_id"], "drill": "yes"}
    ),
    ("POST", "/emergencies/{emergency_id}/ending"): lambda _: Sample(data={"reason": "qua rồi"}),
    ("POST", "/emergencies/stops"): lambda ids: Sample(data={"reason": "thử", "area": ids["area_id"], "minutes": "60"}),
    ("POST", "/emergencies/stops/{stop_id}/lifting"): lambda _: Sample(data={"reason": "xong"}),
    ("POST", "/emergencies/templates/new"): lambda ids: Sample(
        data={"name": "Mẫu", "title": "Lũ", "text": "Lũ về.", "area": ids["area_id"]}
    ),
    ("POST", "/emergencies/templates/{template_id}/release"): lambda ids: Sample(
        data={"content_sha256": ids["template_sha256"]}
    ),
    ("POST", "/emergencies/templates/{template_id}/issue"): lambda ids: Sample(
        data={"areas": ids["area_id"]}, ids={"template_id": ids["released_template"]}
    ),
    ("POST", "/emergencies/templates/{template_id}/retirement"): lambda _: Sample(data={"sure": "yes"}),
    ("POST", "/programmes/new"): lambda ids: Sample(data={"name": "Mới", "areas": ids["area_id"]}),
    ("POST", "/programmes/{programme_id}/form"): lambda ids: Sample(
        data={"name": "Khác", "areas": ids["area_id"], "revision": "1"}
    ),
    ("POST", "/programmes/{programme_id}/ending"): lambda _: Sample(data={"sure": "yes"}),
    ("POST", "/campaigns/new"): lambda ids: Sample(
        data={"name": "Đợt", "starts_on": "2026-01-01", "ends_on": "2026-02-01", "area": ids["area_id"]}
    ),
    ("POST", "/campaigns/{campaign_id}/form"): lambda _: Sample(
        data={"name": "Đợt", "starts_on": "2026-01-01", "ends_on": "2026-02-01"}
    ),
    ("GET", "/log"): lambda _: Sample(shows="airing_id"),
    ("GET", "/reports"): lambda _: Sample(shows="report_id"),
    ("POST", "/reports"): lambda ids: Sample(data={"area": ids["area_id"], **YEAR}),
    ("GET", "/reports/figures"): lambda ids: Sample(params={"area": ids["area_id"], **YEAR}),
    ("GET", "/reports/figures/document.{form}"): lambda ids: Sample(
        params={"area": ids["area_id"], **YEAR}, ids={"form": "docx"}
    ),
    ("GET", "/reports/{report_id}/document.{form}"): lambda _: Sample(ids={"form": "pdf"}),
    ("POST", "/reports/{report_id}/form"): lambda _: Sample(data={"revision": "1", "zalo": "5"}),
    ("POST", "/reports/{report_id}/submission"): lambda _: Sample(data={"revision": "1"}),
    ("POST", "/reports/{report_id}/reopening"): lambda ids: Sample(
        data={"reason": "x"}, ids={"report_id": ids["submitted_report"]}
    ),
}
