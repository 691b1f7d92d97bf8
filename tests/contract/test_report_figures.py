"""Figures of a report are sums over the exported log, to the millisecond, on both databases."""

import csv
import io
from collections import defaultdict
from dataclasses import fields
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from broadcaster import asrun
from broadcaster.log_search import COLUMNS, LogQuery, as_csv
from broadcaster.reports import kept
from broadcaster.reports.figures import Aired, Figures, Scope, Tally, airings, figures_of, measure
from broadcaster.storage.database import Database
from broadcaster.storage.models import AsRun, KeptAiring, KeptEnd, LogHead
from devices.links.port import Delivery
from devices.wire.messages import ReceiptState
from tests import year
from tests.commune import ZONE, Commune
from tests.contract.test_planning import _once

Row = dict[str, str]


@pytest.fixture
def logged(commune: Commune) -> Commune:
    """A whole year, and what lies just before and after it."""
    year.write(commune.database, commune.signatory, receivers=4)
    year.write(commune.database, commune.signatory, year=2027, days=3, receivers=2)
    return commune


def _exported(database: Database, query: LogQuery) -> list[Row]:
    with database.reading() as session:
        text = "".join(as_csv(session, query, zone=ZONE, tongue="vi"))
    _, *rows = csv.reader(io.StringIO(text[1:]))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def _sums(rows: list[Row]) -> tuple[Tally, dict[str, Tally]]:
    """The same figures in the plainest way from the table that people are given; in all, and by content group."""
    ends: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if row["airing_id"] and not row["drill"]:
            ends[row["airing_id"], row["receiver_id"]].setdefault(row["state"], row)
    groups = {next(iter(states.values()))["content_group"] for states in ends.values()}
    parts = {
        group: _of(
            {key: states for key, states in ends.items() if next(iter(states.values()))["content_group"] == group}
        )
        for group in groups
    }
    return _of(ends), parts


def _of(ends: dict[tuple[str, str], dict[str, Row]]) -> Tally:
    outcomes: dict[str, int] = defaultdict(int)
    played: dict[str, Row] = {}
    for states in ends.values():
        order = ("finished", "interrupted", "failed", "missed", "cancelled")
        refused = states.get("refused", {}).get("reason") == "clip_mismatch"
        reached = [state for state in ("started", "ready", "received", "refused") if state in states]
        outcomes[next((state for state in order if state in states), "refused" if refused else reached[0])] += 1
        if "finished" in states:
            played[states["finished"]["airing_id"]] = states["finished"]
    whole = {receiver: states["finished"] for (_, receiver), states in ends.items() if "finished" in states}
    return Tally(
        bulletins=len({row["bulletin_id"] for row in played.values()}),
        airings=len(played),
        unproved=len({airing for airing, _ in ends}) - len(played),
        airtime_ms=sum(int(row["duration_ms"]) for row in played.values()),
        played_ms=sum(
            max((int(row["played_ms"]) for row in states.values() if row["played_ms"]), default=0)
            for states in ends.values()
        ),
        receivers=len(whole),
        loudspeakers=sum(row["receiver_kind"] == "loudspeaker" for row in whole.values()),
        screens=sum(row["receiver_kind"] == "screen" for row in whole.values()),
        outcomes=dict(outcomes),
    )


def _figures(database: Database, scope: Scope) -> Figures:
    with database.reading() as session:
        counted = measure(session, scope, zone=ZONE)
        assert _kept_figures(session, scope) == counted
    return counted


def test_a_years_figures_are_the_sums_of_the_export(logged: Commune) -> None:
    assert not kept.Keeper(logged.database).step()
    whole = _exported(logged.database, LogQuery(area="xa"))
    of_2026 = [row for row in whole if row["due_at"].startswith("2026")]
    assert 9_000 < len(of_2026) < len(whole)
    total, by_group = _sums(of_2026)
    figures = _figures(logged.database, Scope(date(2026, 1, 1), date(2026, 12, 31), area="xa"))
    assert figures.total == total
    assert set(total.outcomes) == {"finished", "interrupted", "missed", "ready", "received", "refused", "failed"}
    assert min(total.bulletins, total.unproved, total.screens + total.loudspeakers) > 0
    assert {part.key: part.tally for part in figures.by_group} == by_group
    for part in figures.by_area:
        mine = [row for row in of_2026 if row["area_name"] == f"Địa bàn {part.key}"]
        assert part.tally == _sums(mine)[0], part.key
    for part in figures.by_month:
        assert part.tally == _sums([row for row in of_2026 if row["due_at"].startswith(part.key)])[0], part.key
    for part in figures.by_programme:
        assert part.tally == _sums([row for row in of_2026 if row["programme"] == part.key])[0], part.key
    assert [part.key for part in figures.by_area] == ["thon-doai", "thon-dong"]
    assert len(figures.by_month) == 12

    rows = _exported(logged.database, LogQuery(area="thon-dong", campaign="nq57"))
    rows = [row for row in rows if row["due_at"][:7] == "2026-03"]
    scope = Scope(date(2026, 3, 1), date(2026, 3, 31), area="thon-dong", campaign="nq57")
    march = _figures(logged.database, scope)
    assert march.total == _sums(rows)[0]
    assert march.total.airings > 20
    nothing = _figures(logged.database, Scope(date(2020, 1, 1), date(2020, 12, 31)))
    assert (nothing.total.airings, nothing.by_area, nothing.log_rows) == (0, (), figures.log_rows)


SCOPES = (
    Scope(date(2026, 1, 1), date(2026, 12, 31), area="xa"),
    Scope(date(2020, 1, 1), date(2030, 12, 31)),
    Scope(date(2026, 3, 1), date(2026, 3, 31), area="thon-dong", campaign="nq57"),
    Scope(date(2025, 12, 31), date(2026, 7, 4), area="tinh"),
    Scope(date(2026, 1, 1), date(2026, 12, 31), area="khong-co"),
)


def _differences(database: Database) -> list[str]:
    """Where what is kept, with what came since, is not what the log says now and said before: figures, and airings in their order."""
    found = []
    with database.reading() as session:
        head = session.scalar(select(LogHead.seq)) or 0
        for scope in SCOPES:
            if _kept_figures(session, scope) != measure(session, scope, zone=ZONE):
                found.append(f"figures of {scope}")
            for last in (None, head - 50, head * 2 // 3):
                both = (way(session, scope, zone=ZONE, last=last) for way in (kept.airings, airings))
                ours, logs = ([_plain(each) for each in some] for some in both)
                if ours != logs:
                    found.append(f"airings of {scope} up to {last}")
    return found


def _kept_figures(session: Session, scope: Scope) -> Figures:
    return figures_of(session, kept.airings(session, scope, zone=ZONE), zone=ZONE)


def _plain(aired: Aired) -> object:
    """All that is said of an airing, however its receivers are put together."""
    facts = tuple(getattr(aired, each.name) for each in fields(Aired) if each.name != "fared")
    played = sum(each.played_ms for each in aired.fared)
    each = sorted((name, fared.part, fared.kind, fared.outcome) for fared in aired.fared for name in fared.receivers)
    return facts, played, each


def test_what_is_kept_of_the_log_says_what_the_log_says_after_every_piece(
    commune: Commune, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "BATCH", 397)  # airings are cut anywhere
    keeper = kept.Keeper(commune.database)
    assert not keeper.step()  # an empty log
    year.write(commune.database, commune.signatory, days=30, airings=3, receivers=5)
    assert _differences(commune.database) == []
    steps = 0
    while keeper.step():
        steps += 1
        assert _differences(commune.database) == []
    assert steps > 1
    assert _differences(commune.database) == []
    # Receipts of an outage, months late: of airings that are kept, and of receivers that stand elsewhere by now.
    with commune.database.writing() as session:
        late = []
        for row in session.scalars(select(AsRun).where(AsRun.seq % 41 == 0)):
            fields = {column.key: getattr(row, column.key) for column in AsRun.__table__.columns}
            moved = {"area_id": "thon-doai", "area_line": ["tinh", "xa", "thon-doai"]} if row.seq % 2 else {}
            said = {"state": "finished", "evidence": {"played_ms": 600_000}}
            if row.seq % 3 == 0:  # it undoes nothing that was said before
                said = {"state": "received", "evidence": None}
            late.append({**fields, **said, **moved, "receipt_id": f"sau-{row.seq}"})
        asrun.append(session, late, signatory=commune.signatory, now=commune.clock.now())
    assert _differences(commune.database) == []
    while keeper.step():
        pass
    assert _differences(commune.database) == []
    with commune.database.reading() as session:
        assert (end := session.get(KeptEnd, 1)) is not None
        assert (end.seq, end.hash) == session.execute(select(LogHead.seq, LogHead.hash)).one()
        airings_kept = session.scalar(select(func.count()).select_from(KeptAiring))
    assert airings_kept is not None
    assert 80 < airings_kept <= 90  # an airing each, but for drills


def test_what_was_kept_of_another_log_counts_for_nothing(commune: Commune) -> None:
    keeper = kept.Keeper(commune.database)
    year.write(commune.database, commune.signatory, days=10, receivers=2)
    assert not keeper.step()
    with commune.database.writing() as session:  # as after a restore: the log went on otherwise
        session.execute(update(KeptEnd).values(hash="f" * 64))
        session.execute(update(KeptAiring).values(heard="[]"))
    assert _differences(commune.database) == []
    assert not keeper.step()
    assert _differences(commune.database) == []
    with commune.database.reading() as session:
        assert "[]" not in set(session.scalars(select(KeptAiring.heard)))


def test_what_a_report_counts_by_is_copied_when_receipts_arrive(commune: Commune) -> None:
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    order = commune.orders()[0].id
    commune.clock.instant = datetime(2026, 11, 23, 11, tzinfo=UTC)
    for name, state in (("loa-dong", ReceiptState.FINISHED), ("led-xa", ReceiptState.FINISHED)):
        commune.ingestion.take([Delivery(*commune.message(name, commune.receipt(name, order, state)))])
    figures = _figures(commune.database, Scope(date(2026, 11, 23), date(2026, 11, 23), area="tinh"))
    assert (figures.total.loudspeakers, figures.total.screens, figures.total.airtime_ms) == (1, 1, 20_000)
    assert [part.key for part in figures.by_area] == ["xa"]
