"""The same as `permission_samples` for the pages about areas, receivers, rules and people."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.integration.permission_samples import OF_REST, Ids, Sample, approver_of

AWAY_ON = dict.fromkeys(("begins", "ends"), (datetime.now(UTC) + timedelta(days=10)).date().isoformat())
DAY = (datetime.now(UTC) + timedelta(days=60)).date().isoformat()

OF_PAGES: dict[tuple[str, str], Callable[[Ids], Sample]] = {
    ("GET", "/areas"): lambda _: Sample(shows="receiver"),
    ("POST", "/areas"): lambda _: Sample(data={"kind": "khác", "names": "Không hợp"}, answers=(422,)),
    ("POST", "/areas/{area_id}"): lambda _: Sample(data={"kind": "province", "names": "Không hợp"}, answers=(422,)),
    ("POST", "/areas/{area_id}/name"): lambda _: Sample(data={"name": " "}, answers=(422,)),
    ("POST", "/receivers/{receiver}/place"): lambda _: Sample(data={"name": "Loa"}),
    ("POST", "/receivers/{receiver}/loudness"): lambda _: Sample(data={"full_volume_dba": "90"}),
    ("GET", "/receivers/{receiver}/{step}"): lambda _: Sample(ids={"step": "revocation"}),
    ("POST", "/receivers/{receiver}/{step}"): lambda _: Sample(data={"sure": "yes"}, ids={"step": "revocation"}),
    ("POST", "/groups/new"): lambda ids: Sample(
        data={"name": "Nhóm mới", "areas": ids["area_id"], "kinds": "loudspeaker"}
    ),
    ("POST", "/groups/{group_id}"): lambda ids: Sample(
        data={"name": "Nhóm mới", "areas": ids["area_id"], "kinds": "loudspeaker"}
    ),
    ("POST", "/groups/{group_id}/removal"): lambda _: Sample(data={"sure": "yes"}),
    ("POST", "/lexicon"): lambda ids: Sample(data={"area": ids["area_id"], "written": "OCOP", "reading": "ốc cốp"}),
    ("POST", "/lexicon/removal"): lambda ids: Sample(
        data={"area": ids["area_id"], "written": "OCOP"}, answers=(303, 404)
    ),
    ("GET", "/lexicon/change"): lambda ids: Sample(
        params={"area": ids["area_id"], "written": "OCOP"}, answers=(200, 404)
    ),
    ("POST", "/lexicon/proposals/{proposal_id}/acceptance"): lambda _: Sample(data={"reason": "đúng"}),
    ("POST", "/lexicon/proposals/{proposal_id}/refusal"): lambda _: Sample(data={"reason": "không đúng"}),
    ("POST", "/sound"): lambda ids: Sample(params={"area": ids["area_id"]}, data={"repeats": "1"}),
    ("GET", "/policies/rule"): lambda ids: Sample(params={"area": ids["area_id"], "kind": "quiet_hours"}),
    ("POST", "/policies/rule"): lambda ids: Sample(
        data={"area": ids["area_id"], "revision": "0", "kind": "sessions_a_day", "most": "9"}
    ),
    ("POST", "/policies/removal"): lambda ids: Sample(
        data={"area": ids["area_id"], "revision": "0", "index": "0"}, answers=(409,)
    ),
    ("POST", "/policies/template"): lambda ids: Sample(
        data={"area": ids["area_id"], "revision": "0", "template": "hanoi-rural-2021"}
    ),
    ("POST", "/policies/emergency"): lambda ids: Sample(data={"area": ids["area_id"], "revision": "0", "alone": "no"}),
    ("POST", "/reorganisations/new"): lambda ids: Sample(
        data={
            "what": "merge",
            "title": "Gộp",
            "day": DAY,
            "ends": f"{ids['area_id']}-thon-2",
            "into": f"{ids['area_id']}-thon-1",
        },
        answers=(303, 409),
    ),
    ("POST", "/reorganisations/{reorganisation_id}/approval"): lambda ids: Sample(
        data={"preview_sha256": ids["preview_sha256"]}
    ),
    ("POST", "/reorganisations/{reorganisation_id}/undoing"): lambda _: Sample(data={"reason": "thử"}),
    ("GET", "/people"): lambda _: Sample(shows="person_id"),
    ("POST", "/people/new"): lambda ids: Sample(
        data={"username": "nguoi-moi", "name": "Mới", "role": "editor", "area": ids["area_id"]}
    ),
    ("POST", "/people/{person_id}"): lambda ids: Sample(
        data={"name": "Tên", "roles": "editor", "areas": ids["area_id"]}
    ),
    ("POST", "/people/{person_id}/password"): lambda _: Sample(data={"sure": "yes"}),
    ("GET", "/people/{person_id}/absences"): lambda ids: Sample(ids=approver_of(ids)),
    ("POST", "/people/{person_id}/absences"): lambda ids: Sample(data=AWAY_ON, ids=approver_of(ids)),
    ("POST", "/people/{person_id}/absences/{absence_id}/ending"): lambda ids: Sample(ids=approver_of(ids)),
    ("POST", "/me/log-ins/{log_in}/ending"): lambda _: Sample(ids={"log_in": "none"}, answers=(404,)),
    # No service is set: there is no such log-in.
    ("POST", "/login/outside"): lambda _: Sample(answers=(404,)),
    ("GET", "/login/outside"): lambda _: Sample(params={"state": "x", "code": "x"}, answers=(401,)),
    ("POST", "/me/outside"): lambda _: Sample(answers=(404,)),
    ("POST", "/me/absences"): lambda _: Sample(data=AWAY_ON),
    ("POST", "/me/password"): lambda _: Sample(data={"old": "x", "new": "y" * 12, "again": "y" * 12}, answers=(403,)),
    ("POST", "/me/codes/confirmation"): lambda _: Sample(
        data={"secret": "A", "otpauth": "otpauth://totp/x", "code": "000000"}, answers=(422,)
    ),
    ("POST", "/me/tokens"): lambda _: Sample(data={"name": "x", "rights": "read"}),
    ("POST", "/me/tokens/{token_id}/revocation"): lambda _: Sample(answers=(404,)),
}

SAMPLES = OF_REST | OF_PAGES
