"""Figures of a report, from the as-run log alone: its copied names count however much was deleted since.

Counted is what receivers stated. A receiver that never said a word of an airing is not in the log, and so not in here.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, String, and_, case, cast, func, select
from sqlalchemy.orm import Session

from broadcaster.ladder import outcome_of
from broadcaster.log_search import LogQuery
from broadcaster.reorganisation.rehoming import beginning
from broadcaster.storage.models import AsRun, LogHead
from devices.wire.messages import Reason, ReceiptState

_STATES = tuple(state.value for state in ReceiptState)
_PLAYED = ("finished", "interrupted", "failed")
"""States whose evidence says how much was played."""
AT_ONCE = 2000
PLAYED_MS = case((AsRun.state.in_(_PLAYED), AsRun.evidence["played_ms"].as_integer()))
"""Of a row of the log: how much was played, if it says so."""
CLIP_REFUSED = case((and_(AsRun.state == "refused", AsRun.reason == Reason.CLIP_MISMATCH.value), 1), else_=0)
"""Of a row of the log: 1 if it was the clip that was refused."""


@dataclass(frozen=True)
class Scope:
    """What a report is about: days of the station on which airings were due, the area with all that was under it then."""

    starts_on: date
    ends_on: date  # the last day
    area: str | None = None
    campaign: str | None = None

    def bounds(self, zone: str) -> tuple[datetime, datetime]:
        """The first instant, and the first one behind the last day."""
        return beginning(self.starts_on, zone), beginning(self.ends_on + timedelta(days=1), zone)

    def conditions(self, zone: str) -> list[ColumnElement[bool]]:
        """For a SELECT of the log; drills are no broadcasts."""
        first, behind = self.bounds(zone)
        return [
            AsRun.airing_id.is_not(None),
            AsRun.drill.is_(None),
            AsRun.due_at >= first,
            AsRun.due_at < behind,
            *LogQuery(area=self.area, campaign=self.campaign).conditions(),
        ]


@dataclass(frozen=True, slots=True)
class Fared:
    """Receivers of one kind that fared alike with one airing. `part` is the area right below the scope's in which they stood."""

    part: str
    kind: str | None
    outcome: str
    receivers: tuple[str, ...]
    played_ms: int  # all of them together


@dataclass(frozen=True, slots=True)
class Aired:
    """One airing with the receivers that spoke of it."""

    id: str
    due_at: datetime
    bulletin: str
    title: str
    field: str | None
    programme: str | None
    group: str | None
    priority: str | None
    duration_ms: int
    fared: tuple[Fared, ...]

    @property
    def finished(self) -> int:
        """How many receivers confirm that they played it whole."""
        return sum(len(each.receivers) for each in self.fared if each.outcome == "finished")

    @property
    def answered(self) -> int:
        """How many receivers spoke of it."""
        return sum(len(each.receivers) for each in self.fared)


class Tally(BaseModel):
    """Sums over airings. Played means: at least one receiver confirms that it played the airing whole."""

    model_config = ConfigDict(frozen=True)
    bulletins: int = Field(description="Bulletins of which an airing was played.")
    airings: int = Field(description="Airings that were played.")
    unproved: int = Field(description="Airings of which receivers spoke, but that none played whole.")
    airtime_ms: int = Field(description="Length of the clips of the airings that were played, each airing once.")
    played_ms: int = Field(description="What all receivers played together, whole airings and parts.")
    receivers: int = Field(description="Receivers that played an airing whole.")
    loudspeakers: int
    screens: int
    outcomes: dict[str, int] = Field(description="Receivers' airings by how they ended.")


class Part(BaseModel):
    """The sums of one group, programme, area or month."""

    model_config = ConfigDict(frozen=True)
    key: str = Field(description="Empty for what has none.")
    tally: Tally


class Figures(BaseModel):
    """All figures of a report, and where the log stood when they were taken."""

    model_config = ConfigDict(frozen=True)
    total: Tally
    by_group: tuple[Part, ...]
    by_programme: tuple[Part, ...]
    by_area: tuple[Part, ...] = Field(
        description="By the areas right below the report's. An airing for several counts in each."
    )
    by_month: tuple[Part, ...]
    log_rows: int = Field(description="The log's last row then.")
    log_hash: str = Field(description="Its hash: with it the log can be shown to have held this.")


@dataclass
class _Sum:
    bulletins: set[str] = field(default_factory=set)
    airings: int = 0
    unproved: int = 0
    airtime_ms: int = 0
    played_ms: int = 0
    receivers: dict[str, str | None] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    def take(self, aired: Aired, fared: Iterable[Fared]) -> None:
        whole = False
        for each in fared:
            self.outcomes[each.outcome] += len(each.receivers)
            self.played_ms += each.played_ms
            if each.outcome == "finished":
                whole = True
                self.receivers.update(dict.fromkeys(each.receivers, each.kind))
        if whole:
            self.airings += 1
            self.bulletins.add(aired.bulletin)
            self.airtime_ms += aired.duration_ms
        else:
            self.unproved += 1

    def add(self, other: "_Sum") -> None:
        self.bulletins |= other.bulletins
        self.airings += other.airings
        self.unproved += other.unproved
        self.airtime_ms += other.airtime_ms
        self.played_ms += other.played_ms
        self.receivers |= other.receivers
        self.outcomes.update(other.outcomes)

    def tally(self) -> Tally:
        kinds = Counter(self.receivers.values())
        return Tally(
            bulletins=len(self.bulletins),
            airings=self.airings,
            unproved=self.unproved,
            airtime_ms=self.airtime_ms,
            played_ms=self.played_ms,
            receivers=len(self.receivers),
            loudspeakers=kinds["loudspeaker"],
            screens=kinds["screen"],
            outcomes={name: self.outcomes[name] for name in sorted(self.outcomes)},
        )


class Count:
    """Takes airings one by one."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        # By what an airing has one of, all at once; added up at the end: each receiver is touched twice, not five times.
        self._sums: dict[tuple[str, str, str], _Sum] = {}
        self._areas: dict[str, _Sum] = {}

    def take(self, aired: Aired) -> None:
        """Add an airing."""
        day = aired.due_at.astimezone(self._zone)
        key = (aired.group or "", aired.programme or "", f"{day.year:04}-{day.month:02}")
        if (found := self._sums.get(key)) is None:
            found = self._sums[key] = _Sum()
        found.take(aired, aired.fared)
        parts: dict[str, list[Fared]] = {}
        for each in aired.fared:
            parts.setdefault(each.part, []).append(each)
        for part, fared in parts.items():
            if (found := self._areas.get(part)) is None:
                found = self._areas[part] = _Sum()
            found.take(aired, fared)

    def figures(self, session: Session) -> Figures:
        """What it came to."""
        total = _Sum()
        by: tuple[dict[str, _Sum], ...] = ({}, {}, {}, self._areas)
        for keys, found in self._sums.items():
            total.add(found)
            for sums, key in zip(by, keys, strict=False):
                sums.setdefault(key, _Sum()).add(found)
        groups, programmes, months, areas = (
            tuple(Part(key=key, tally=sums[key].tally()) for key in sorted(sums)) for sums in by
        )
        head = session.get(LogHead, 1)
        return Figures(
            total=total.tally(),
            by_group=groups,
            by_programme=programmes,
            by_area=areas,
            by_month=months,
            log_rows=head.seq if head else 0,
            log_hash=head.hash if head else "",
        )


def measure(session: Session, scope: Scope, *, zone: str) -> Figures:
    """The figures of a scope, each row of the log counted anew: what was kept (`reports.kept`) can be compared with it."""
    return figures_of(session, airings(session, scope, zone=zone), zone=zone)


def figures_of(session: Session, found: Iterable[Aired], *, zone: str) -> Figures:
    """The sums of these airings."""
    count = Count(zone)
    for aired in found:
        count.take(aired)
    return count.figures(session)


def airings(session: Session, scope: Scope, *, zone: str, last: int | None = None) -> Iterator[Aired]:
    """The airings of a scope as they were due, from the log itself, one at a time: a province's year does not fit into memory.

    `last`: the log's last row that counts.
    """
    of_airing = (
        *(AsRun.bulletin_id, AsRun.bulletin_title, AsRun.field, AsRun.programme, AsRun.content_group),
        *(AsRun.priority, AsRun.duration_ms),
    )
    # Grouped by the database: the receipts of one receiver become one row before Python sees them.
    query = (
        select(
            AsRun.airing_id,
            func.min(AsRun.due_at).label("due"),
            AsRun.receiver_id,
            func.max(AsRun.receiver_kind),
            func.max(cast(AsRun.area_line, String)),
            func.max(AsRun.area_id),
            func.max(PLAYED_MS),
            func.max(CLIP_REFUSED),
            *(func.max(column) for column in of_airing),
            *(func.max(case((AsRun.state == state, 1), else_=0)) for state in _STATES),
        )
        .where(*scope.conditions(zone), *((AsRun.seq <= last,) if last is not None else ()))
        .group_by(AsRun.airing_id, AsRun.receiver_id)
        .order_by("due", AsRun.airing_id, AsRun.receiver_id)
        .execution_options(yield_per=AT_ONCE)
    )
    part_of = cache(lambda line, own: part(json.loads(line) if line else None, own, scope.area))
    outcome = cache(
        lambda reached, clip: outcome_of(
            {state for state, there in zip(_STATES, reached, strict=True) if there}, clip_refused=bool(clip)
        )
    )
    for (airing, due_at), rows in groupby(session.execute(query), key=lambda row: (row[0], row[1])):
        fared: list[Fared] = []
        about: tuple[Any, ...] = ()
        for row in rows:
            values: tuple[Any, ...] = tuple(row)
            _, _, receiver, kind, line, own, played, clip = values[:8]
            about, reached = values[8 : 8 + len(of_airing)], values[8 + len(of_airing) :]
            fared.append(Fared(part_of(line, own), kind, outcome(reached, clip), (receiver,), played or 0))
        bulletin, title, topic, programme, group, priority, duration = about
        yield Aired(
            *(str(airing), due_at, bulletin or title or "", title or "", topic, programme, group, priority),
            duration_ms=duration or 0,
            fared=tuple(fared),
        )


def part(line: Sequence[str] | None, own: str, area: str | None) -> str:
    """The area right below `area` on the line down to `own`; itself where the receiver stands right in it."""
    names = list(line or [own])
    at = names.index(area) if area in names else -1
    return names[min(at + 1, len(names) - 1)]
