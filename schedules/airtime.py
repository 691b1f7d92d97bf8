"""Whether something may air, by which rule of which area it may not, and the nearest time at which it may."""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from schedules.hours import InForce
from schedules.priorities import Item
from schedules.refusals import Language, Refusal, clock
from schedules.zones import instant_of

SESSION_PAUSE = timedelta(minutes=10)
"""Airings whose pauses are shorter are heard as one session (buổi phát)."""
_MINUTE = timedelta(minutes=1)
SEARCH = timedelta(days=14)
"""How far before and after a lawful time is looked for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Nothing in `refusals`: it may air. Otherwise `before` and `after` are the nearest lawful and free starts, in UTC, if there are any."""

    refusals: tuple[Refusal, ...] = ()
    before: datetime | None = None
    after: datetime | None = None

    @property
    def lawful(self) -> bool:
        """Whether it may air as it stands."""
        return not self.refusals


@dataclass(frozen=True, slots=True)
class _Session:
    start: datetime
    end: datetime
    airtime: timedelta


class Airtime:
    """What is admitted on one receiver, or on several of the same standing and content, and what its rules leave."""

    def __init__(
        self, in_force: InForce, items: Iterable[Item] = (), *, days_used: frozenset[date] = frozenset()
    ) -> None:
        """`items` are taken as admitted; `days_used` are local dates of other airings there, of the week in question."""
        self.in_force = in_force
        self._items: list[Item] = []
        self._sessions: dict[date, list[_Session]] = {}
        self._days = set(days_used)
        for item in items:
            self.add(item)

    def add(self, item: Item) -> None:
        """Admit it. Emergencies take nothing of what the rules allow."""
        insort(self._items, item, key=_by_instant)
        if item.priority == "emergency":
            return
        day = self.in_force.day_of(item.due_at)
        self._days.add(day)
        self._sessions[day] = self._with(day, item)

    def refusals(self, item: Item) -> tuple[Refusal, ...]:
        """By which rules it may not air; none for an emergency."""
        if item.priority == "emergency":
            return ()
        return tuple(self._refusals(item))

    def closed(self, item: Item) -> tuple[Refusal, ...]:
        """The same by hours and days alone, without what else airs."""
        if item.priority == "emergency":
            return ()
        rules = self.in_force
        return tuple(Refusal(found.standing) for found in rules.closed(item.due_at, item.ends_at))

    def overlapping(self, item: Item) -> list[Item]:
        """What is admitted and overlaps it."""
        return [other for other in self._items if other.id != item.id and item.overlaps(other)]

    def free(self, item: Item) -> bool:
        """Whether nothing that is admitted overlaps it."""
        return not self.overlapping(item)

    def limits(self, item: Item) -> tuple[timedelta, datetime]:
        """Its late limit and its expiry, cut so that neither a late start nor going on after an interruption carries a lawful item into
        closed hours."""
        if item.priority == "emergency":
            return item.late_limit, item.expires_at
        last = max(item.latest_start + item.duration, item.expires_at if item.goes_on else item.ends_at)
        closed = min((found.start for found in self.in_force.closed(item.ends_at, last)), default=last)
        late = min(item.late_limit, closed - item.ends_at)
        return late, min(item.expires_at, closed) if item.goes_on else item.expires_at

    def edges(self, low: datetime, high: datetime) -> Iterator[datetime]:
        """Instants between which the answer changes: local midnights, closed times and what is admitted."""
        day, zone = self.in_force.day_of(low), self.in_force.zone
        while (midnight := instant_of(datetime.combine(day, time()), zone)) <= high:
            yield midnight
            day += timedelta(days=1)
        for found in self.in_force.closed(low, high):
            yield from (found.start, found.end)
        for item in self._items:
            if item.due_at < high and item.ends_at > low:
                yield from (item.due_at, item.ends_at)
                yield from (item.due_at - SESSION_PAUSE, item.ends_at + SESSION_PAUSE)

    def _refusals(self, item: Item) -> Iterator[Refusal]:
        rules = self.in_force
        yield from self.closed(item)
        if not (rules.sessions_a_day or rules.session_minutes or rules.days_a_week):
            return
        day = rules.day_of(item.due_at)
        if day not in self._days:
            monday = day - timedelta(days=day.weekday())
            used = sum(1 for other in self._days if monday <= other <= monday + timedelta(days=6))
            yield from (Refusal(each, used + 1) for most, each in rules.days_a_week if used >= most)
        sessions = self._with(day, item)
        yield from (Refusal(each, len(sessions)) for most, each in rules.sessions_a_day if len(sessions) > most)
        longest = max(session.airtime for session in sessions)
        for most, each in rules.session_minutes:
            if longest > timedelta(minutes=most):
                yield Refusal(each, -(-longest // timedelta(minutes=1)))

    def _with(self, day: date, item: Item) -> list[_Session]:
        """The day's sessions with the item among them."""
        start, end, airtime = item.due_at, item.ends_at, item.duration
        apart: list[_Session] = []
        for session in self._sessions.get(day, ()):
            if session.start < end + SESSION_PAUSE and start < session.end + SESSION_PAUSE:
                start, end = min(start, session.start), max(end, session.end)
                airtime += session.airtime
            else:
                apart.append(session)
        return [*apart, _Session(start, end, airtime)]


def _by_instant(item: Item) -> datetime:
    return item.due_at


def judge(item: Item, airtimes: Sequence[Airtime], *, not_before: datetime) -> Verdict:
    """Whether it may air on all of them, and else when: at `not_before` at the earliest, free of what is admitted there."""
    refusals = {
        (refusal.standing.area, refusal.standing.rule): refusal for each in airtimes for refusal in each.refusals(item)
    }
    if not refusals:
        return Verdict()
    before, after = nearest(item, airtimes, not_before=not_before)
    return Verdict(tuple(refusals.values()), before, after)


def nearest(
    item: Item, airtimes: Sequence[Airtime], *, not_before: datetime
) -> tuple[datetime | None, datetime | None]:
    """The last start before its instant, and the first from it on, at which it is lawful and free on all of them."""
    low, high = max(not_before, item.due_at - SEARCH), item.due_at + SEARCH
    edges = {edge for each in airtimes for edge in each.edges(low, high)}
    # Whether a start is good changes only where it, or the end, meets an edge; a minute to either side, for edges that count to one of them.
    starts = edges | {edge - item.duration for edge in edges} | {low}
    starts |= {start + step for start in starts for step in (_MINUTE, -_MINUTE)}

    def good(start: datetime) -> bool:
        there = replace(item, due_at=start)
        return all(each.free(there) and not each.refusals(there) for each in airtimes)

    before = next((start for start in sorted(starts, reverse=True) if low <= start < item.due_at and good(start)), None)
    after = next((start for start in sorted(starts) if max(low, item.due_at) <= start <= high and good(start)), None)
    return before, after


def said(verdict: Verdict, language: Language, *, in_force: InForce) -> list[str]:
    """The refusals and the next step, as sentences."""
    lines = [refusal.said(language) for refusal in verdict.refusals]
    times = [
        clock(instant, in_force.zone, language) for instant in (verdict.before, verdict.after) if instant is not None
    ]
    if lines and times:
        joined = (" hoặc " if language == "vi" else " or ").join(times)
        lines.append(f"Giờ hợp lệ gần nhất: {joined}." if language == "vi" else f"The nearest lawful time: {joined}.")
    return lines
