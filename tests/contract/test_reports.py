"""Reports are begun, filled in, submitted and missed; on both databases."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import select

from broadcaster import asrun
from broadcaster.campaigns import CampaignPlan
from broadcaster.errors import ConflictError, CountingError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.ledger import hash_of
from broadcaster.people import Actor, Grant, Role
from broadcaster.reports import counting, kept
from broadcaster.reports.board import Owed, board, reminders
from broadcaster.reports.deadlines import Deadline
from broadcaster.reports.desk import Reports, scope_of
from broadcaster.reports.documents import Documents, Form
from broadcaster.reports.figures import Figures, Scope, airings, figures_of, measure
from broadcaster.reports.filled import Channels, Filled
from broadcaster.reports.kept import Keeper
from broadcaster.storage.models import Area, AsRun, AuditEntry, Campaign
from tests import year
from tests.brokers import wait_for
from tests.commune import PASSWORD, ZONE, Commune
from tests.held import WAIT_S, Held

DEADLINE = Deadline(12, 10)
DUE = date(2026, 12, 10)


@pytest.fixture
def reports(commune: Commune) -> Iterator[Reports]:
    """A campaign, a second commune, and a month of log."""
    with commune.database.writing() as session:
        session.add(Area(id="xa-hai", name="Xã Hai", kind="commune", parent_id="tinh", valid_from=date(2025, 7, 1)))
        session.add(
            Campaign(
                id="nq57",
                starts_on=date(2026, 1, 1),
                ends_on=date(2026, 12, 31),
                content_groups=[],
                goals={},
                name="Nghị quyết 57",
                changed_by="mai",
                changed_at=commune.clock.now(),
            )
        )
    year.write(commune.database, commune.signatory, days=30, receivers=3)
    made = Reports(commune.database, commune.clock, zone=ZONE, deadline=DEADLINE)
    yield made
    made.close()


@pytest.fixture
def documents(commune: Commune, reports: Reports) -> Iterator[Documents]:
    made = Documents(commune.database, commune.clock, reports, folder=Path("nowhere"))
    yield made
    made.close()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    with monkeypatch.context() as patch:
        made = Held(patch)
        yield made
        made.let_go()


def _late(commune: Commune, *, every: int) -> None:
    """Receipts of an outage: of airings that are in the log long since, receivers say now that they played them whole."""
    with commune.database.writing() as session:
        found = []
        for row in session.scalars(select(AsRun).where(AsRun.state == "ready", AsRun.seq % every == 0)):
            fields = {column.key: getattr(row, column.key) for column in AsRun.__table__.columns}
            said = {"state": "finished", "evidence": {"played_ms": 1000}, "receipt_id": f"sau-{row.seq}"}
            found.append({**fields, **said})
        assert found
        asrun.append(session, found, signatory=commune.signatory, now=commune.clock.now())


def _measured(commune: Commune, reports: Reports, report: str) -> Figures:
    """The figures of a report, each row of the log counted."""
    row = reports.read(commune.editor, report)
    with commune.database.reading() as session:
        return measure(session, scope_of(row), zone=ZONE)


def _sums(figures: Figures) -> dict[str, object]:
    """Without where the log stood: what people do stands in it too."""
    return figures.model_dump(exclude={"log_rows", "log_hash"})


def _submissions(commune: Commune) -> list[AuditEntry]:
    with commune.database.reading() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == "report-submitted")))


def _states(commune: Commune, today: date) -> dict[tuple[str, str], tuple[str, int | None]]:
    with commune.database.reading() as session:
        found = board(session, due_on=DUE, today=today, deadline=DEADLINE, zone=ZONE)
    return {(each.area, each.campaign): (each.state, each.level) for each in found}


def _begun(reports: Reports, editor: Actor, area: str = "xa") -> str:
    return reports.begin(editor, area=area, campaign="nq57", due_on=DUE)


def test_what_is_filled_in_is_kept_by_revision_and_only_once(commune: Commune, reports: Reports) -> None:
    report = _begun(reports, commune.editor)
    filled = Filled(channels=Channels(facebook=12), results="Tốt.")
    assert reports.fill(commune.editor, report, filled, revision=1) == 2
    with pytest.raises(ConflictError) as told:
        reports.fill(commune.approver, report, Filled(), revision=1)
    assert told.value.details == {"revision": 2}
    assert reports.fill(commune.editor, report, Filled(results="Rất tốt."), revision=2) == 3
    assert reports.read(commune.editor, report).filled["results"] == "Rất tốt."
    with commune.database.reading() as session:
        kept = session.scalars(select(AuditEntry).where(AuditEntry.action == "report-filled").order_by("seq")).all()
    assert [(entry.after or {})["results"] for entry in kept] == ["Tốt.", "Rất tốt."]
    with pytest.raises(ConflictError):
        _begun(reports, commune.editor)
    with pytest.raises(ForbiddenError):
        reports.fill(commune.operator, report, filled, revision=3)


def test_a_submitted_report_keeps_its_figures_and_their_airings_whatever_is_logged_later(
    commune: Commune, reports: Reports, documents: Documents
) -> None:
    report = _begun(reports, commune.editor)
    with pytest.raises(ForbiddenError):
        reports.submit(commune.editor, report, revision=1)
    before = reports.view(report).figures
    assert before == _measured(commune, reports, report)
    assert reports.submit(commune.approver, report, revision=1) == 2
    year.write(commune.database, commune.signatory, year=2025, days=365, airings=1, receivers=1)
    _late(commune, every=2)
    while Keeper(commune.database).step():
        pass
    assert reports.view(report).figures == before
    assert _sums(before) != _sums(_measured(commune, reports, report))
    with documents.of(commune.editor, report, "xlsx", wait_s=WAIT_S) as file:
        book = openpyxl.load_workbook(file)
    lines = list(book["Lượt phát"].iter_rows(min_row=2, values_only=True))
    assert sum(1 for line in lines if line[7]) == before.total.airings
    assert sum(line[7] for line in lines) == before.total.outcomes["finished"]
    assert sum(line[8] for line in lines) == sum(before.total.outcomes.values())
    assert [line[0] for line in lines] == sorted(line[0] for line in lines)
    totals = {line[0]: line[1] for line in book["Tổng hợp"].iter_rows(values_only=True)}
    assert totals["Lượt phát"] == before.total.airings
    assert round(totals["Tổng thời lượng phát sóng"].total_seconds() * 1000) == before.total.airtime_ms
    with pytest.raises(ConflictError):
        reports.fill(commune.editor, report, Filled(), revision=2)
    assert reports.reopen(commune.approver, report, reason="Thiếu số liệu Zalo") == 3
    assert reports.view(report).figures == _measured(commune, reports, report)


def test_what_is_handed_in_is_what_the_log_holds_then_and_not_what_was_looked_at(
    commune: Commune, reports: Reports, documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "LONG_S", -1.0)  # as a province's year: looks are served again
    report = _begun(reports, commune.editor)
    looked = reports.view(report).figures
    _late(commune, every=2)
    assert reports.view(report).figures == looked
    with documents.of(commune.editor, report, "xlsx", wait_s=WAIT_S) as file:
        book = openpyxl.load_workbook(file)
    lines = list(book["Lượt phát"].iter_rows(min_row=2, values_only=True))
    assert sum(line[7] for line in lines) == looked.total.outcomes["finished"]  # the figures' own airings
    assert reports.submit(commune.approver, report, revision=1, wait_s=WAIT_S) == 2
    submitted = reports.view(report).figures
    assert _sums(submitted) == _sums(_measured(commune, reports, report))
    assert submitted.total.outcomes["finished"] > looked.total.outcomes["finished"]
    reports.reopen(commune.approver, report, reason="Thiếu số liệu Zalo")
    assert reports.view(report).figures == submitted  # nobody is shown less than what was handed in


def test_a_report_is_handed_in_by_itself_once_its_figures_are_there(
    commune: Commune, reports: Reports, held: Held
) -> None:
    report = _begun(reports, commune.editor)
    asked_at = commune.clock.now()
    with pytest.raises(CountingError) as told:
        reports.submit(commune.approver, report, revision=1, wait_s=0)
    assert "handed in with them" in told.value.en
    held.reached()
    assert (reports.read(commune.approver, report).state, _submissions(commune)) == ("draft", [])
    _late(commune, every=2)
    commune.clock.move(minutes=3)
    with pytest.raises(CountingError):  # the same again, not another one
        reports.submit(commune.approver, report, revision=1, wait_s=0)
    held.let_go()
    assert reports.submit(commune.approver, report, revision=1, wait_s=WAIT_S) == 2
    assert reports.submit(commune.approver, report, revision=1, wait_s=0) == 2  # it is told again
    row, (entry,) = reports.read(commune.approver, report), _submissions(commune)
    assert (row.state, row.submitted_at, row.changed_at) == ("submitted", asked_at, commune.clock.now())
    assert (entry.details or {})["figures"] == row.figures
    figures = Figures.model_validate(row.figures)
    with commune.database.reading() as session:
        assert figures.log_hash == hash_of(session, figures.log_rows)
        found = airings(session, scope_of(row), zone=ZONE, last=figures.log_rows)
        assert figures_of(session, found, zone=ZONE).total == figures.total


def test_of_two_who_hand_in_at_once_one_does_and_the_other_is_told(
    commune: Commune, reports: Reports, held: Held
) -> None:
    commune.people.add(username="hue", name="Huệ", role=Role.APPROVER, password=PASSWORD)
    other = commune.log_ins.log_in("hue", PASSWORD)[1]
    report = _begun(reports, commune.editor)
    for actor in (commune.approver, other):
        with pytest.raises(CountingError):
            reports.submit(actor, report, revision=1, wait_s=0)
    held.let_go()
    came = []
    for actor in (commune.approver, other):
        try:
            came.append(reports.submission(actor, report, revision=1, wait_s=WAIT_S))
        except ConflictError as error:
            came.append(error.code)
    assert sorted(came, key=str) == [2, "conflict"]
    assert len(_submissions(commune)) == 1
    row = reports.read(commune.approver, report)
    assert row.submitted_by == (commune.approver, other)[came.index(2)].id


def test_what_is_changed_while_it_is_counted_is_not_handed_in(commune: Commune, reports: Reports, held: Held) -> None:
    report = _begun(reports, commune.editor)
    with pytest.raises(CountingError):
        reports.submit(commune.approver, report, revision=1, wait_s=0)
    held.reached()
    reports.fill(commune.editor, report, Filled(results="Tốt."), revision=1)
    held.let_go()
    with pytest.raises(ConflictError):
        reports.submission(commune.approver, report, revision=1, wait_s=WAIT_S)
    assert reports.submission(commune.approver, report, revision=1, wait_s=WAIT_S) is None
    assert (reports.read(commune.approver, report).state, _submissions(commune)) == ("draft", [])
    assert reports.submit(commune.approver, report, revision=2, wait_s=WAIT_S) == 3


def test_a_station_that_stops_while_it_counts_hands_nothing_in(
    commune: Commune, reports: Reports, documents: Documents, held: Held
) -> None:
    report = _begun(reports, commune.editor)
    with pytest.raises(CountingError):
        reports.submit(commune.approver, report, revision=1, wait_s=0)
    with pytest.raises(CountingError):
        documents.of(commune.editor, report, "xlsx", wait_s=0)
    held.reached()

    def stop() -> None:
        documents.close()
        reports.close()

    stopping = threading.Thread(target=stop)
    stopping.start()
    wait_for(lambda: _given_up(commune, reports, report), WAIT_S)
    held.let_go()
    stopping.join(WAIT_S)
    assert not stopping.is_alive()
    assert (reports.read(commune.approver, report).state, _submissions(commune)) == ("draft", [])
    again = Reports(commune.database, commune.clock, zone=ZONE, deadline=DEADLINE)
    assert again.submit(commune.approver, report, revision=1, wait_s=WAIT_S) == 2
    again.close()


def _given_up(commune: Commune, reports: Reports, report: str) -> bool:
    try:
        return reports.submission(commune.approver, report, revision=1, wait_s=0) is None
    except CountingError:
        return False
    except InterruptedError:
        return True


def test_documents_are_written_beside_and_given_to_who_asked(
    commune: Commune, reports: Reports, documents: Documents, held: Held
) -> None:
    Keeper(commune.database).step()
    report = _begun(reports, commune.editor)
    forms: tuple[Form, ...] = ("docx", "pdf", "xlsx")
    for form in forms:
        with pytest.raises(CountingError):
            documents.of(commune.editor, report, form, wait_s=0)
    held.reached()
    wait_for(lambda: _percent(documents, commune, report) > 0, WAIT_S)
    assert _percent(documents, commune, report) < 50  # figures are half of an annex, and its airings the other
    held.let_go()
    for form, head in zip(forms, (b"PK", b"%PDF", b"PK"), strict=True):
        with documents.of(commune.editor, report, form, wait_s=WAIT_S) as file:
            assert file.read(4).startswith(head)


def _percent(documents: Documents, commune: Commune, report: str) -> int:
    with pytest.raises(CountingError) as told:
        documents.of(commune.editor, report, "xlsx", wait_s=0)
    return told.value.percent


def test_what_takes_long_to_count_is_not_counted_for_each_look(
    commune: Commune, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = Scope(date(2025, 1, 1), date(2026, 12, 31))

    def rows() -> int:
        return reports.counting.figures(scope, wait_s=WAIT_S).log_rows

    first = rows()
    year.write(commune.database, commune.signatory, year=2024, days=1, airings=1, receivers=1)
    then = rows()
    assert then > first  # it did not take long
    monkeypatch.setattr(counting, "LONG_S", -1.0)
    assert rows() == then
    year.write(commune.database, commune.signatory, year=2023, days=1, airings=1, receivers=1)
    assert rows() == then
    commune.clock.move(minutes=10)
    assert rows() > then


def test_a_page_is_told_how_far_the_count_is_and_has_its_figures_in_the_end(
    commune: Commune, reports: Reports, held: Held
) -> None:
    scope = Scope(date(2025, 1, 1), date(2026, 12, 31))
    with commune.database.reading() as session:
        counted = measure(session, scope, zone=ZONE)
    Keeper(commune.database).step()
    with pytest.raises(CountingError):
        reports.counting.figures(scope, wait_s=0)
    held.reached()
    with pytest.raises(CountingError) as told:
        reports.counting.figures(scope, wait_s=0)
    number = counted.total.airings + counted.total.unproved
    assert f"{held.at * 100 // number}% is done" in told.value.en
    assert (told.value.details["done"], told.value.details["of"]) == (held.at, number)
    held.let_go()
    assert reports.counting.figures(scope, wait_s=WAIT_S) == counted


def test_a_count_that_fails_is_begun_anew_at_the_next_look(
    commune: Commune, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = Scope(date(2025, 1, 1), date(2026, 12, 31))
    monkeypatch.setattr(kept, "READ_AT_A_LOOK", 10)
    with pytest.raises(CountingError) as told:  # nothing of the log is kept yet
        reports.counting.figures(scope, wait_s=WAIT_S)
    assert "0% is done" in told.value.en
    monkeypatch.setattr(counting, "AGAIN_S", 0.01)
    report = _begun(reports, commune.editor)
    with pytest.raises(CountingError):  # it is handed in as soon as enough is kept
        reports.submit(commune.approver, report, revision=1, wait_s=0)
    while Keeper(commune.database).step():
        pass
    assert reports.counting.figures(scope, wait_s=WAIT_S).total.airings
    assert reports.submission(commune.approver, report, revision=1, wait_s=WAIT_S) == 2
    assert _sums(reports.view(report).figures) == _sums(_measured(commune, reports, report))


def test_the_board_shows_who_owes_what_and_reminders_come_thirty_seven_and_one_days_before(
    commune: Commune, reports: Reports
) -> None:
    report = _begun(reports, commune.editor)
    assert _states(commune, date(2026, 11, 9)) == {
        ("xa", "nq57"): ("draft", None),
        ("xa-hai", "nq57"): ("missing", None),
        ("tinh", "nq57"): ("missing", None),
    }
    days = {9: None, 10: 30, 30: 30}
    assert [_states(commune, date(2026, 11, day))["xa", "nq57"][1] for day in days] == list(days.values())
    assert [_states(commune, date(2026, 12, day))["xa", "nq57"][1] for day in (2, 3, 8, 9, 10, 11)] == [
        *(30, 7, 7, 1, 1, 0)
    ]
    reports.submit(commune.approver, report, revision=1)
    assert _states(commune, date(2026, 12, 3))["xa", "nq57"] == ("submitted", None)
    late = _begun(reports, commune.editor, "xa-hai")
    commune.clock.instant = datetime(2026, 12, 11, 3, tzinfo=UTC)
    reports.submit(commune.approver, late, revision=1)
    assert _states(commune, date(2026, 12, 11))["xa-hai", "nq57"] == ("late", None)

    def owed(today: date) -> list[Owed]:
        with commune.database.reading() as session:
            return reminders(session, today=today, deadline=DEADLINE, zone=ZONE)

    assert owed(date(2026, 11, 9)) == []
    assert [(each.area, each.level, each.days(date(2026, 12, 9))) for each in owed(date(2026, 12, 9))] == [
        ("tinh", 1, 1)
    ]
    assert [(each.area, each.due_on.year, each.level) for each in owed(date(2027, 1, 5))] == [("tinh", 2026, 0)]
    assert owed(date(2027, 6, 1)) == []


def test_a_province_sums_up_what_its_communes_submitted(commune: Commune, reports: Reports) -> None:
    for number, area in enumerate(("xa", "xa-hai"), 1):
        report = _begun(reports, commune.editor, area)
        filled = Filled(channels=Channels(facebook=10 * number, meetings=number if area == "xa" else None))
        reports.fill(commune.editor, report, filled, revision=1)
        if area == "xa":
            reports.submit(commune.approver, report, revision=2)
    whole = _begun(reports, commune.editor, "tinh")
    view = reports.view(whole)
    assert [(each.area, each.state) for each in view.below] == [("Địa bàn xa", "submitted"), ("Xã Hai", "draft")]
    assert [each.filled.channels.facebook for each in view.below if each.filled] == [10]
    assert [part.key for part in view.figures.by_area] == ["xa"]
    assert view.figures.by_area[0].tally == view.figures.total


def test_a_report_is_its_areas_own(commune: Commune, reports: Reports) -> None:
    report = _begun(reports, commune.editor)
    foreign = Actor("hoa", "hoa", "hoa", (Grant(Role.APPROVER, "xa-hai"),))
    for act in (
        lambda: reports.begin(foreign, area="xa", campaign="nq57", due_on=DUE),
        lambda: reports.fill(foreign, report, Filled(), revision=1),
        lambda: reports.submit(foreign, report, revision=1),
        lambda: reports.read(foreign, report),
    ):
        with pytest.raises(ForbiddenError):
            act()
    with commune.database.writing() as session:
        session.get_one(Campaign, "nq57").area_id = "xa-hai"
    assert set(_states(commune, date(2026, 11, 9))) == {("xa-hai", "nq57")}
    assert reports.begin(foreign, area="xa-hai", campaign="nq57", due_on=DUE)


def test_what_cannot_be_a_report_is_refused(commune: Commune, reports: Reports) -> None:
    for wrong in (
        {"area": "xa-la", "due_on": DUE},
        {"area": "xa", "campaign": "khong-co", "due_on": DUE},
        {"area": "xa", "due_on": date(2026, 12, 11)},
        {"area": "xa"},
        {"area": "xa", "due_on": DUE, "period": (DUE, DUE)},
        {"area": "xa", "period": (DUE, date(2026, 12, 9))},
    ):
        with pytest.raises(InvalidError):
            reports.begin(commune.editor, **wrong)  # type: ignore[arg-type]  # that is the test
    with pytest.raises(NotFoundError):
        reports.read(commune.editor, "khong-co")
    assert DEADLINE.period(DUE) == (date(2025, 12, 11), DUE)


def test_a_campaign_that_is_planned_is_owed(commune: Commune, reports: Reports) -> None:
    plan = CampaignPlan(name="An toàn giao thông", starts_on=date(2026, 12, 10), ends_on=date(2027, 3, 1))
    made = commune.campaigns.save(commune.editor, plan)
    assert ("xa", made) in _states(commune, date(2026, 11, 25))
