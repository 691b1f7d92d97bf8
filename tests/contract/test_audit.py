"""The audit log: who did what, when, from where, before and after; chained, without secrets, and seen by whom it concerns."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from broadcaster import audit, ledger
from broadcaster.audit import AuditQuery
from broadcaster.errors import NotLoggedInError
from broadcaster.people import Actor, Grant, Role
from broadcaster.storage.database import Database
from broadcaster.storage.models import AuditEntry, EarlierAuditEntry, Person
from devices.wire.signing import Keyring
from tests.commune import PASSWORD, Commune
from tests.contract.test_planning import _once


@pytest.fixture
def administrator(commune: Commune) -> Actor:
    return commune.people.add(username="quan-tri", name="Quản trị", role=Role.ADMINISTRATOR, password=PASSWORD)


def _read(commune: Commune, actor: Actor, **query: object) -> Sequence[AuditEntry]:
    with commune.database.reading() as session:
        return audit.page(session, actor, AuditQuery(**query), after=None, limit=100)  # type: ignore[arg-type]  # of the test


def test_an_edit_says_who_when_from_where_and_what_changed(commune: Commune, administrator: Actor) -> None:
    mai = replace(commune.editor, address="192.0.2.7")
    bulletin = commune.bulletins.write(mai, commune.draft(_once(commune, hours=1)))
    commune.clock.move(minutes=3)
    commune.bulletins.edit(mai, bulletin, commune.draft(_once(commune, hours=1), title="Tin khác"), revision=1)
    (entry,) = _read(commune, administrator, action="bulletin-edited")
    assert (entry.actor_id, entry.actor_name, entry.address, entry.subject) == ("mai", "mai", "192.0.2.7", bulletin)
    assert (entry.at, entry.area_id) == (commune.clock.now(), "xa")
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["title"], entry.after["title"]) == ("Chuyển đổi số", "Tin khác")
    assert (entry.before["revision"], entry.after["revision"]) == (1, 2)
    assert "text" not in entry.before  # what stayed is not repeated


def test_log_ins_and_accounts_are_there_and_secrets_are_not(commune: Commune, administrator: Actor) -> None:
    with pytest.raises(NotLoggedInError):
        commune.log_ins.log_in("mai", "mật khẩu bị lộ", address="198.51.100.9")
    with pytest.raises(NotLoggedInError):
        commune.log_ins.log_in("mật khẩu gõ nhầm ô", "x", address="198.51.100.9")
    token, _, _ = commune.log_ins.log_in("mai", PASSWORD, address="198.51.100.9")
    commune.log_ins.log_out(token, address="198.51.100.9")
    made, password = commune.people.invite(
        administrator, username="lan", name="Lan", grants=[Grant(Role.EDITOR, "thon-dong")]
    )
    commune.people.change(administrator, made.id, name="Lan", grants=[Grant(Role.APPROVER, "xa")], disabled=False)
    commune.people.reset_password(administrator, made.id)
    entries = _read(commune, administrator, action="account")
    assert [entry.action for entry in reversed(entries)] == [
        "account-made",
        "account-log-in-refused",
        "account-log-in-refused",
        "account-log-in",
        "account-log-out",
        "account-made",
        "account-changed",
        "account-password-reset",
    ]
    assert [entry.subject for entry in reversed(entries)][1:3] == ["mai", ""]
    changed = next(entry for entry in entries if entry.action == "account-changed")
    assert changed.before == {"roles": [{"role": "editor", "area": "thon-dong"}]}
    assert changed.after == {"roles": [{"role": "approver", "area": "xa"}]}
    with commune.database.reading() as session:
        everything = "".join(str(audit.as_json(entry)) for entry in entries)
        digest = session.get_one(Person, made.id).password_hash
    for secret in ("mật khẩu bị lộ", "mật khẩu gõ nhầm ô", token, password, digest):
        assert secret not in everything


def test_entries_are_seen_where_they_concern(commune: Commune) -> None:
    def person(name: str, role: Role, area: str) -> Actor:
        commune.people.add(username=name, name=name, role=role, password=PASSWORD, area=area)
        return commune.log_ins.recognise(commune.log_ins.log_in(name, PASSWORD)[0], address="")

    village, admin = person("thon", Role.VIEWER, "thon-dong"), person("quan-tri-thon", Role.ADMINISTRATOR, "thon-dong")
    commune.bulletins.write(commune.editor, commune.draft(_once(commune, hours=1), areas=("thon-dong",)))
    commune.bulletins.write(commune.editor, commune.draft(_once(commune, hours=1), areas=("thon-doai",)))
    commune.stops.issue(commune.operator, None, reason="thử", lasts=timedelta(hours=1))
    assert {(entry.action, entry.area_id) for entry in _read(commune, village)} == {
        ("bulletin-written", "thon-dong"),
        ("account-log-in", "thon-dong"),  # one's own
    }
    accounts = [entry.subject for entry in _read(commune, admin, action="account-log-in")]
    assert len(accounts) == len(set(accounts)) == 2


def test_pages_follow_each_other(commune: Commune, administrator: Actor) -> None:
    for number in range(5):
        commune.stops.issue(commune.operator, None, reason=f"thử {number}", lasts=timedelta(hours=1))
    seen: list[int] = []
    with commune.database.reading() as session:
        while rows := audit.page(
            session, administrator, AuditQuery(action="stop"), after=seen[-1] if seen else None, limit=2
        ):
            seen += [row.seq for row in rows]
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)


def test_what_was_noted_before_there_was_a_chain_is_taken_into_it(commune: Commune, administrator: Actor) -> None:
    with commune.database.writing() as session:
        session.add(
            EarlierAuditEntry(
                at=commune.clock.now() - timedelta(days=1), actor_id="viet", actor_name="Việt", action="stop-issued", subject="s",
                reason="cũ", details={"x": 1},
            )
        )  # fmt: skip
    audit.take_in(commune.database)
    audit.take_in(commune.database)
    (entry,) = _read(commune, administrator, action="stop-issued")
    assert (entry.actor_name, entry.reason, entry.details) == ("Việt", "cũ", {"x": 1})
    with commune.database.reading() as session:
        assert ledger.verify(session, Keyring([commune.signatory.key.public()])).ok


def test_what_nobody_would_keep_is_refused(database: Database, commune: Commune) -> None:
    database.last_of_all.clear()
    with pytest.raises(RuntimeError, match="nobody keeps"), database.writing() as session:
        audit.note(session, commune.editor, "x", "y", at=commune.clock.now(), areas=[None])
