"""Logging in by an OpenID Connect service that runs beside the test: who may, who may not, and what is no proof."""

import time
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, expect
from pydantic import SecretStr, ValidationError

from api.problems import Language
from broadcaster.outside import OutsideLogIns
from broadcaster.people import Actor, Grant, Role
from broadcaster.settings import Settings
from tests.brokers import free_port
from tests.integration.serving import ServedStation, serving
from tests.integration.visitor import BOTH, visiting
from tests.provider import CLIENT, SECRET, Provider, provider


@pytest.fixture(scope="module")
def service() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture(scope="module")
def served(service: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedStation]:
    settings = Settings(
        folder=tmp_path_factory.mktemp("station"),
        port=free_port(),
        broker_port=free_port(),
        engines=("espeak",),
        speech_workers=1,
        oidc_issuer=service.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SecretStr(SECRET),
        oidc_label="Cổng cán bộ tỉnh",
    )
    with pytest.MonkeyPatch.context() as patch, serving(settings) as running:
        patch.setenv("NO_PROXY", "127.0.0.1")
        running.station.people.add(
            username="quan-tri", name="Quản trị", role=Role.ADMINISTRATOR, password="mật khẩu của quan-tri"
        )
        yield running


@pytest.fixture(autouse=True)
def _right(service: Provider) -> None:
    service.who, service.wrong, service.forged, service.named, service.ends = {}, {}, False, "", "/log-out"


def _admin(served: ServedStation) -> Actor:
    return served.station.log_ins.recognise(
        served.as_person("quan-tri").headers["Authorization"].removeprefix("Bearer "), address=""
    )


def _invited(served: ServedStation, name: str) -> Actor:
    made, _ = served.station.people.invite(_admin(served), username=name, name=name, grants=[Grant(Role.APPROVER)])
    return made


def _out(served: ServedStation, browser: httpx.Client, path: str = "/login/outside", **form: str) -> str:
    """To the service; where that sends the browser back to."""
    headers = {"Origin": served.base}
    answer = browser.post(path, data=form, headers=headers)
    assert answer.status_code == 303, answer.text
    assert "code_challenge=" in answer.headers["location"]
    back = browser.get(answer.headers["location"])
    assert back.status_code == 303, back.text
    return back.headers["location"]


def _back(browser: httpx.Client, address: str, status: int = 303) -> httpx.Response:
    answer = browser.get(address)
    assert answer.status_code == status, unescape(answer.text)
    return answer


def _name(browser: httpx.Client) -> str | None:
    answer = browser.get("/api/v1/people/me")
    name: str | None = answer.json().get("username")
    return name


def test_who_was_invited_is_linked_at_the_first_log_in_and_known_from_then_on(
    served: ServedStation, service: Provider
) -> None:
    _invited(served, "le.an")
    browser = served.anonymous()
    page = browser.get("/login?next=/lexicon")
    assert "Cổng cán bộ tỉnh" in page.text
    assert f"form-action 'self' {service.issuer};" in page.headers["content-security-policy"]
    service.who = {"sub": "an-1", "preferred_username": "Le.An"}
    answer = _back(browser, _out(served, browser, next="/lexicon"))
    assert answer.headers["location"] == "/lexicon"
    assert _name(browser) == "le.an"
    assert browser.get("/lexicon").status_code == 200, "nothing has to be changed first"
    service.who = {"sub": "an-1", "preferred_username": "another-name-by-now"}
    again = served.anonymous()
    _back(again, _out(served, again))
    assert _name(again) == "le.an"
    audit = served.as_person("quan-tri").get("/api/v1/audit", params={"action": "account"}).json()
    assert {"account-linked", "account-log-in"} <= {each["action"] for each in audit}
    assert any((each["details"] or {}).get("by") == service.issuer for each in audit)
    out = again.post("/logout", headers={"Origin": served.base})
    assert _name(again) is None
    assert again.get(out.headers["location"]).headers["location"] == f"{served.base}/login"
    assert service.left == ["an-1"]
    # A log-in by password ends here alone.
    browser.post("/login", data={"username": "mai", "password": "mật khẩu của mai"}, headers={"Origin": served.base})
    assert browser.post("/logout", headers={"Origin": served.base}).headers["location"] == "/login"


@pytest.mark.parametrize("ends", ["", "https://evil.example/log-out"])
def test_where_the_service_has_no_address_of_its_own_to_log_out_it_ends_here_alone(
    served: ServedStation, service: Provider, ends: str
) -> None:
    service.who, service.ends = {"sub": "an-1"}, ends
    served.station.outside._service._described_as = None  # type: ignore[union-attr]  # there is one here
    browser = served.anonymous()
    _back(browser, _out(served, browser))
    assert browser.post("/logout", headers={"Origin": served.base}).headers["location"] == "/login"
    assert _name(browser) is None
    served.station.outside._service._described_as = None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "who",
    [
        {"sub": "x-1", "preferred_username": "nobody-here"},
        {"sub": "x-2"},
        # An account that is in use is not taken over by whoever calls themselves so elsewhere.
        {"sub": "x-3", "preferred_username": "hoa"},
        {"sub": "x-4", "preferred_username": "quan-tri"},
    ],
)
def test_a_stranger_is_refused_plainly(served: ServedStation, service: Provider, who: dict[str, str]) -> None:
    service.who = who
    browser = served.anonymous()
    answer = _back(browser, _out(served, browser), 403)
    assert "Bạn chưa được mời vào đài này" in unescape(answer.text)
    assert _name(browser) is None
    refused = served.as_person("quan-tri").get("/api/v1/audit", params={"action": "account-log-in-refused"}).json()
    assert (refused[0]["details"], refused[0]["address"]) == ({"by": service.issuer}, "127.0.0.1")


@pytest.mark.parametrize(
    ("wrong", "forged"),
    [
        ({}, True),
        ({"aud": "another-program"}, False),
        ({"aud": [CLIENT, "another-program"]}, False),
        ({"azp": "another-program"}, False),
        ({"iss": "https://evil.example"}, False),
        ({"exp": int(time.time()) - 600}, False),
        ({"nonce": "another"}, False),
        ({"nonce": None}, False),
        ({"sub": ""}, False),
    ],
)
def test_what_is_no_proof_logs_nobody_in(
    served: ServedStation, service: Provider, wrong: dict[str, Any], forged: bool
) -> None:
    service.who = {"sub": "an-1", "preferred_username": "le.an"}
    service.wrong, service.forged = wrong, forged
    browser = served.anonymous()
    answer = _back(browser, _out(served, browser), 401)
    assert "không xác nhận được bạn là ai" in unescape(answer.text)
    assert _name(browser) is None


def test_an_answer_serves_once_in_the_browser_that_asked_and_not_for_long(
    served: ServedStation, service: Provider
) -> None:
    service.who = {"sub": "an-1"}
    victim, attacker = served.anonymous(), served.anonymous()
    address = _out(served, attacker)
    _back(victim, address, 401)  # the attacker's log-in, put under somebody else
    assert _name(victim) is None
    _back(attacker, address, 401)  # the try has used it up
    address = _out(served, victim)
    _back(victim, address)
    replayed = _back(victim, address, 401)
    assert "đã dùng, đã hết hạn" in unescape(replayed.text)
    state = parse_qs(urlsplit(_out(served, victim)).query)["state"][0]
    _back(victim, f"/login/outside?state={state}&error=access_denied", 401)
    state = parse_qs(urlsplit(_out(served, victim)).query)["state"][0]
    _back(victim, f"/login/outside?state={state}&code=guessed", 409)


def test_it_leads_to_no_other_address(served: ServedStation, service: Provider) -> None:
    service.who = {"sub": "an-1"}
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        browser = served.anonymous()
        assert _back(browser, _out(served, browser, next=target)).headers["location"] == "/"
    answer = served.anonymous().post("/login/outside", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    service.named = "https://evil.example"
    served.station.outside._service._described_as = None  # type: ignore[union-attr]  # there is one here
    answer = served.anonymous().post("/login/outside", headers={"Origin": served.base})
    assert answer.status_code == 409
    assert "Dịch vụ đăng nhập không trả lời" in unescape(answer.text)


def test_who_has_an_account_links_it_on_the_own_page_and_codes_are_asked_for_as_before(
    served: ServedStation, service: Provider
) -> None:
    browser = served.anonymous()
    form = {"username": "lan", "password": "mật khẩu của lan"}
    assert browser.post("/login", data=form, headers={"Origin": served.base}).status_code == 303
    service.who = {"sub": "an-1"}
    assert _back(browser, _out(served, browser, "/me/outside"), 409), "somebody else's"
    service.who = {"sub": "lan-1", "preferred_username": "no matter"}
    answer = _back(browser, _out(served, browser, "/me/outside"))
    assert answer.headers["location"] == "/me?done=linked"
    assert "Đã gắn tài khoản." in browser.get("/me?done=linked").text
    actor = served.station.log_ins.recognise(browser.cookies["session"], address="")
    secret, _ = served.station.log_ins.begin_codes(actor)
    served.station.log_ins.confirm_codes(actor, pyotp.TOTP(secret).now())
    again = served.anonymous()
    _back(again, _out(served, again))
    known = served.station.log_ins.recognise(again.cookies["session"], address="")
    assert (known.username, known.proved) == ("lan", False)
    refused = again.post("/me/outside", headers={"Origin": served.base})
    assert refused.status_code == 403
    assert again.post("/me/outside/removal", headers={"Origin": served.base}).status_code == 303
    unknown = served.anonymous()
    _back(unknown, _out(served, unknown), 403)


def test_a_disabled_person_and_one_whose_password_was_reset_are_not_known(
    served: ServedStation, service: Provider
) -> None:
    made = _invited(served, "tran.ba")
    service.who = {"sub": "ba-1", "preferred_username": "tran.ba"}
    browser = served.anonymous()
    _back(browser, _out(served, browser))
    admin = _admin(served)
    served.station.people.change(admin, made.id, name="Ba", grants=[Grant(Role.VIEWER)], disabled=True)
    _back(browser, _out(served, browser), 403)
    served.station.people.change(admin, made.id, name="Ba", grants=[Grant(Role.VIEWER)], disabled=False)
    served.station.people.reset_password(admin, made.id)
    service.who = {"sub": "ba-1"}
    _back(browser, _out(served, browser), 403)
    service.who = {
        "sub": "ke-gian",
        "preferred_username": "tran.ba",
    }  # the name alone, while a given password waits to be changed
    _back(browser, _out(served, browser), 403)


def test_half_of_the_settings_is_refused_at_the_start() -> None:
    for given in (
        {"oidc_issuer": "http://sso.example", "oidc_client_id": "x"},
        {"oidc_issuer": "https://sso.example"},
        {"oidc_issuer": "https://sso.example", "oidc_client_id": "x", "oidc_claim": "email"},
        {"oidc_issuer": "javascript:alert(1)", "oidc_client_id": "x"},
    ):
        with pytest.raises(ValidationError):
            Settings(**given)  # type: ignore[arg-type]  # that is the point


def test_an_e_mail_address_names_somebody_only_in_the_own_domain_and_verified(
    served: ServedStation, service: Provider
) -> None:
    given = {"oidc_claim": "email", "oidc_email_domain": "Tinh.gov.vn"}
    station = served.station
    by_mail = OutsideLogIns(station.database, station.clock, station.log_ins, station.settings.model_copy(update=given))
    for address, verified, name in (
        ("Le.An@tinh.gov.vn", True, "le.an"),
        ("le.an@tinh.gov.vn", False, None),
        ("le.an@tinh.gov.vn", "true", None),
        ("le.an@evil.example", True, None),
        ("le.an@tinh.gov.vn@evil.example", True, None),
        ("", True, None),
    ):
        assert by_mail._username({"email": address, "email_verified": verified}) == name, address


@BOTH
def test_in_a_browser_one_is_refused_logged_in_and_logged_out_there_too(
    served: ServedStation, service: Provider, browser: Browser, tongue: Language
) -> None:
    """The content security policy is the browser's to apply: it blocks a form's redirect to an address that it does not name."""
    name = f"pham.tu.{tongue}"
    _invited(served, name)
    with visiting(served, browser, None, tongue, beside=service.issuer) as visitor:
        page, w = visitor.page, visitor.w
        page.goto("/me")
        service.who = {"sub": "x", "preferred_username": "stranger"}
        visitor.button("Cổng cán bộ tỉnh").click()
        visitor.refused({"vi": "Bạn chưa được mời vào đài này", "en": "You are not invited"}[tongue])
        visitor.fits()
        service.who = {"sub": f"tu-{tongue}", "preferred_username": name}
        visitor.button("Cổng cán bộ tỉnh").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        visitor.go("nav_me")
        expect(page.get_by_text(name).first).to_be_visible()
        visitor.button(w["me_outside_unlink"]).click()
        visitor.told(w["done_unlinked"])
        visitor.button(w["me_outside_link"]).click()
        visitor.told(w["done_linked"])
        visitor.fits()
        visitor.button(w["logout"], exact=True).first.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(w["login"])
        assert page.url == f"{served.base}/login"
    assert service.left[-1] == f"tu-{tongue}"
