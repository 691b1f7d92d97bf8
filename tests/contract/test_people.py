"""Accounts and log-ins: guesses are limited, codes serve once, tokens have no more than their owner. On both databases."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from broadcaster.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    NotLoggedInError,
    TooManyError,
)
from broadcaster.guesses import line_of
from broadcaster.logins import id_of
from broadcaster.people import HASHER, Actor, Grant, Right, Role
from broadcaster.storage.models import LogInFailure
from broadcaster.welcome import Welcome
from tests.commune import PASSWORD, Commune
from tests.contract.test_planning import _once


@pytest.fixture
def administrator(commune: Commune) -> Actor:
    return commune.people.add(username="quan-tri", name="Quản trị", role=Role.ADMINISTRATOR, password=PASSWORD)


def test_log_ins_end(commune: Commune) -> None:
    token, actor, _ = commune.log_ins.log_in("mai", PASSWORD)
    assert commune.log_ins.recognise(token, address="") == actor == commune.editor
    for wrong in ("mai", "ai đó"):
        with pytest.raises(NotLoggedInError):
            commune.log_ins.log_in(wrong, "không phải mật khẩu")
    commune.clock.move(hours=11, minutes=59)
    commune.log_ins.recognise(token, address="")
    commune.clock.move(minutes=1)
    with pytest.raises(NotLoggedInError):
        commune.log_ins.recognise(token, address="")
    token, _, _ = commune.log_ins.log_in("mai", PASSWORD)
    commune.log_ins.log_out(token)
    with pytest.raises(NotLoggedInError):
        commune.log_ins.recognise(token, address="")


def test_one_of_ones_own_log_ins_is_ended_and_no_others(commune: Commune) -> None:
    here, actor, _ = commune.log_ins.log_in("mai", PASSWORD)
    phone, _, _ = commune.log_ins.log_in("mai", PASSWORD)
    (lost,) = [id_of(row) for row, current in commune.log_ins.open_log_ins(actor, here) if not current]
    with pytest.raises(NotFoundError):
        commune.log_ins.end_log_in(commune.approver, lost)
    commune.log_ins.end_log_in(actor, lost)
    with pytest.raises(NotLoggedInError):
        commune.log_ins.recognise(phone, address="")
    assert commune.log_ins.recognise(here, address="") == actor
    with pytest.raises(NotFoundError):
        commune.log_ins.end_log_in(actor, lost)


def test_accounts_need_a_name_of_their_own_and_a_long_password(commune: Commune) -> None:
    with pytest.raises(ConflictError):
        commune.people.add(username="mai", name="Mai", role=Role.EDITOR, password=PASSWORD)
    with pytest.raises(InvalidError):
        commune.people.add(username="lan", name="Lan", role=Role.EDITOR, password="ngắn quá")


def test_guesses_are_limited_for_the_guesser_and_not_for_the_owner(commune: Commune) -> None:
    for _ in range(5):
        with pytest.raises(NotLoggedInError):
            commune.log_ins.log_in("mai", "đoán bừa", address="203.0.113.9")
    with pytest.raises(TooManyError) as refused:
        commune.log_ins.log_in("mai", PASSWORD, address="203.0.113.9")
    assert refused.value.details["retry_after_s"] == pytest.approx(900, abs=2)
    commune.log_ins.log_in("mai", PASSWORD, address="198.51.100.2")
    commune.clock.move(minutes=15, seconds=1)
    commune.log_ins.log_in("mai", PASSWORD, address="203.0.113.9")


def test_one_address_cannot_try_many_names(commune: Commune) -> None:
    with commune.database.writing() as session:
        session.add_all(
            LogInFailure(username=f"tên {number}", address="203.0.113.9", at=commune.clock.now())
            for number in range(49)
        )
    with pytest.raises(NotLoggedInError):
        commune.log_ins.log_in("tên 50", "x", address="203.0.113.9")
    with pytest.raises(TooManyError):
        commune.log_ins.log_in("hoa", PASSWORD, address="203.0.113.9")


def test_a_right_password_forgets_the_failures_before_it(commune: Commune) -> None:
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(NotLoggedInError):
                commune.log_ins.log_in("mai", "x", address="203.0.113.9")
        commune.log_ins.log_in("mai", PASSWORD, address="203.0.113.9")


def test_who_knows_the_password_cannot_guess_the_code_for_ever(commune: Commune) -> None:
    """A log-in without a code, whose password is right, is no failure; it does not take back the guesses at codes before it."""
    secret, _ = commune.log_ins.begin_codes(commune.approver)
    commune.log_ins.confirm_codes(commune.approver, pyotp.TOTP(secret).at(commune.clock.now()))
    for _ in range(5):
        with pytest.raises(NotLoggedInError, match="6 digits"):
            commune.log_ins.log_in("hoa", PASSWORD, address="203.0.113.9")
        with pytest.raises(NotLoggedInError, match="wrong or was used"):
            commune.log_ins.log_in("hoa", PASSWORD, code="000000", address="203.0.113.9")
    for code in (None, "000000"):
        with pytest.raises(TooManyError):
            commune.log_ins.log_in("hoa", PASSWORD, code=code, address="203.0.113.9")


def test_a_line_of_ipv6_is_one_guesser(commune: Commune) -> None:
    for number in range(5):
        with pytest.raises(NotLoggedInError):
            commune.log_ins.log_in("mai", "đoán bừa", address=f"2001:db8:0:1::{number}")
    with pytest.raises(TooManyError):
        commune.log_ins.log_in("mai", PASSWORD, address="2001:db8:0:1:ffff::1")
    commune.log_ins.log_in("mai", PASSWORD, address="2001:db8:0:2::1")
    assert [line_of(each) for each in ("::1", "::ffff:192.0.2.7", "192.0.2.7", "nơi khác")] == [
        "::/64", "192.0.2.7", "192.0.2.7", "nơi khác",
    ]  # fmt: skip


def test_a_stolen_log_in_is_no_way_to_guess_the_password(commune: Commune) -> None:
    token, _, _ = commune.log_ins.log_in("mai", PASSWORD)
    thief = commune.log_ins.recognise(token, address="203.0.113.9")
    for _ in range(5):
        with pytest.raises(ForbiddenError):
            commune.people.change_password(thief, old="đoán bừa", new="một mật khẩu khác")
    with pytest.raises(TooManyError):
        commune.people.change_password(thief, old=PASSWORD, new="một mật khẩu khác")
    owner = commune.log_ins.recognise(token, address="198.51.100.2")
    commune.people.change_password(owner, old=PASSWORD, new="một mật khẩu khác")


def test_few_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 64 MiB: whoever sends forty log-ins at once must not take what the machine has."""
    turn = threading.Lock()
    at_once: list[int] = [0, 0]  # now, at most

    class Counting(Argon2Hasher):
        def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002  pwdlib's name
            with turn:
                at_once[0] += 1
                at_once[1] = max(at_once)
            time.sleep(0.005)
            with turn:
                at_once[0] -= 1
            return super().verify(password, hash)

    digest = HASHER.hash(PASSWORD)
    monkeypatch.setattr(HASHER, "hashers", (Counting(),))
    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(lambda _: HASHER.verify(PASSWORD, digest), range(20)))
    assert 1 <= at_once[1] <= 2


def test_a_release_wants_a_code_from_whoever_has_them_and_each_serves_once(commune: Commune) -> None:
    secret, address = commune.log_ins.begin_codes(commune.approver)
    assert address.startswith("otpauth://totp/")
    codes = pyotp.TOTP(secret)
    with pytest.raises(InvalidError):
        commune.log_ins.confirm_codes(commune.approver, "000000")
    commune.log_ins.confirm_codes(commune.approver, codes.at(commune.clock.now()))
    with pytest.raises(NotLoggedInError) as wanted:
        commune.log_ins.log_in("hoa", PASSWORD)
    assert wanted.value.details == {"proof": "totp"}
    with pytest.raises(NotLoggedInError):  # the code that confirmed has served
        commune.log_ins.log_in("hoa", PASSWORD, code=codes.at(commune.clock.now()))
    commune.clock.move(seconds=60)
    code = codes.at(commune.clock.now())
    token, actor, _ = commune.log_ins.log_in("hoa", PASSWORD, code=f"{code[:3]} {code[3:]}")
    bulletin = commune.written(_once(commune, hours=1))
    _, digest = commune.releases.preview(actor, bulletin)
    commune.clock.move(minutes=5)
    with pytest.raises(ForbiddenError) as wanted_again:
        commune.releases.release(commune.log_ins.recognise(token, address=""), bulletin, content_sha256=digest)
    assert wanted_again.value.details == {"proof": "totp"}
    with pytest.raises(ForbiddenError):
        commune.log_ins.prove(token, actor, "123")
    commune.log_ins.prove(token, actor, codes.at(commune.clock.now()))
    commune.releases.release(commune.log_ins.recognise(token, address=""), bulletin, content_sha256=digest)


def test_an_administrator_invites_resets_and_disables_but_one_remains(commune: Commune, administrator: Actor) -> None:
    made, password = commune.people.invite(administrator, username="lan", name="Lan", grants=[Grant(Role.EDITOR)])
    token, actor, _ = commune.log_ins.log_in("lan", password)
    with pytest.raises(ForbiddenError, match="Change it"):
        actor.need(Right.READ)
    with pytest.raises(ForbiddenError):
        commune.people.change_password(actor, old="sai rồi", new="một mật khẩu mới")
    commune.people.change_password(actor, old=password, new="một mật khẩu mới")
    with pytest.raises(NotLoggedInError):
        commune.log_ins.recognise(token, address="")
    token, actor, _ = commune.log_ins.log_in("lan", "một mật khẩu mới")
    actor.need(Right.EDIT)
    commune.people.change(administrator, made.id, name="Lan", grants=[Grant(Role.EDITOR)], disabled=True)
    with pytest.raises(NotLoggedInError):
        commune.log_ins.recognise(token, address="")
    with pytest.raises(NotLoggedInError):
        commune.log_ins.log_in("lan", "một mật khẩu mới")
    with pytest.raises(ConflictError, match="One administrator"):
        commune.people.change(
            administrator, administrator.id, name="Quản trị", grants=[Grant(Role.VIEWER)], disabled=False
        )
    again = commune.people.reset_password(administrator, "mai")
    with pytest.raises(NotLoggedInError):
        commune.log_ins.log_in("mai", PASSWORD)
    assert commune.log_ins.log_in("mai", again)[1].must_change_password
    with pytest.raises(ForbiddenError):
        commune.people.reset_password(commune.operator, "mai")


def test_a_token_has_no_more_than_its_owner_gave_it_and_ends(commune: Commune) -> None:
    token = commune.log_ins.make_token(commune.editor, name="cổng thông tin", rights=[Right.READ], days=30)
    program = commune.log_ins.recognise(token, address="")
    program.need(Right.READ)
    with pytest.raises(ForbiddenError, match="token"):
        program.need(Right.EDIT)
    with pytest.raises(ForbiddenError):
        commune.log_ins.make_token(commune.editor, name="quá quyền", rights=[Right.RELEASE], days=30)
    with pytest.raises(ForbiddenError):
        commune.log_ins.make_token(program, name="con", rights=[Right.READ], days=30)
    (row,) = commune.log_ins.tokens(commune.editor)
    with pytest.raises(NotFoundError):
        commune.log_ins.revoke_token(commune.operator, row.id)
    commune.clock.instant += timedelta(days=30)
    with pytest.raises(NotLoggedInError):
        commune.log_ins.recognise(token, address="")
    token = commune.log_ins.make_token(commune.editor, name="khác", rights=[Right.READ], days=30)
    (row,) = commune.log_ins.tokens(commune.editor)
    commune.log_ins.revoke_token(commune.editor, row.id)
    with pytest.raises(NotLoggedInError):
        commune.log_ins.recognise(token, address="")


def test_the_first_administrator_comes_by_a_link_that_serves_once(commune: Commune) -> None:
    welcome = Welcome(commune.database, commune.clock, commune.people)
    assert welcome.needed()
    worthless = welcome.link().rpartition("/")[2]
    token = welcome.link().rpartition("/")[2]

    def accept(token: str, password: str = PASSWORD, username: str = "quan-tri") -> Actor:
        return welcome.accept(token, username=username, name="Quản trị", password=password, address="192.0.2.1")

    with pytest.raises(NotFoundError):
        accept(worthless)
    with pytest.raises(InvalidError):
        accept(token, "ngắn quá")
    with pytest.raises(ConflictError):
        accept(token, username="mai")
    made = accept(token)
    assert made.may(Right.ADMINISTER, None)
    assert not welcome.needed()
    with pytest.raises(NotFoundError):
        accept(token, username="ke-den-sau")
    late = welcome.link().rpartition("/")[2]
    commune.clock.move(hours=24)
    with pytest.raises(NotFoundError):
        welcome.require(late)


def test_a_link_that_is_none_costs_no_hash(commune: Commune, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask for it, as often as they like; a hash takes a fifth of a second, and those who log in wait for it."""
    monkeypatch.setattr("broadcaster.welcome.digest_of", lambda _: pytest.fail("hashed"))
    welcome = Welcome(commune.database, commune.clock, commune.people)
    with pytest.raises(NotFoundError):
        welcome.accept("x", username="ai-do", name="Ai đó", password=PASSWORD, address="203.0.113.9")
