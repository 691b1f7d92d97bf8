"""What one receiver does with its airings: what plays from when to when, and what becomes of the rest.

It does as receivers do by protocol version 1. Free, it takes, of what is due and not too late and of what was interrupted and may go on, the
first in precedence; a higher class ends what plays; what was ended goes on or begins anew if its order says so and what is left ends before
the order expires. Moving an airing behind the next session is the station's work: a further order, placed only where it delays nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Literal

from schedules.airtime import SESSION_PAUSE
from schedules.priorities import Item, displaces, precedence
from schedules.refusals import Refusal

Outcome = Literal["played", "resumed", "restarted", "moved", "dropped", "skipped", "missed"]
"""Exactly one of an airing on a receiver. `skipped`: policy does not permit it there. Resumed, restarted, moved and dropped were ended by a
higher class before."""

FINISHED_SHARE = 0.98
"""So much of it played counts as finished."""
RUN_BACK = timedelta(seconds=3)
"""How far before the place where it was ended an airing goes on, so that a listener finds the thread."""
CLEAR = timedelta(seconds=5)
"""Nothing goes on so shortly before something of a higher class is due."""


@dataclass(frozen=True, slots=True)
class Play:
    """Sounding from `start` to `end` (UTC), beginning at `offset` into the clip."""

    item: str
    start: datetime
    end: datetime
    offset: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one airing on one receiver. `by` is the airing that ended it or held it up."""

    item: Item
    outcome: Outcome
    plays: tuple[Play, ...] = ()
    by: str | None = None
    refusals: tuple[Refusal, ...] = ()


Permits = Callable[[Item], bool]
"""Whether policy permits a further order."""


@dataclass(slots=True)
class _Story:
    item: Item
    outcome: Outcome = "missed"
    plays: list[Play] = field(default_factory=list)
    by: str | None = None
    position: timedelta = timedelta()  # where it goes on
    ended_at: datetime | None = None  # by a higher class


def simulate(items: Iterable[Item], *, permits: Permits = lambda _item: True) -> tuple[Fate, ...]:
    """The fates of what is admitted on one receiver, in the order of its instants. Ids are unique."""
    return _Receiver(items, permits).run()


class _Receiver:
    def __init__(self, items: Iterable[Item], permits: Permits) -> None:
        self._future = sorted(items, key=_by_instant, reverse=True)  # the next one is last
        self._stories = {item.id: _Story(item) for item in self._future}
        self._waiting: list[tuple[tuple[int, datetime, datetime, str], Item]] = []
        self._paused: list[_Story] = []
        self._to_move: list[_Story] = []
        self._permits = permits
        self._session_from: datetime | None = None
        self._sounded_until: datetime | None = None

    def run(self) -> tuple[Fate, ...]:
        now = self._future[-1].due_at if self._future else None
        while now is not None:
            self._arrive(now)
            self._waiting = [pair for pair in self._waiting if pair[1].latest_start >= now]  # the others are missed
            heapify(self._waiting)
            story = self._next(now)
            following = self._future[-1].due_at if self._future else None
            now = following if story is None else self._play(story, now)
        return tuple(self._fate(story) for story in self._stories.values())[::-1]

    def _arrive(self, now: datetime) -> None:
        while self._future and self._future[-1].due_at <= now:
            item = self._future.pop()
            heappush(self._waiting, (precedence(item), item))

    def _next(self, now: datetime) -> _Story | None:
        goes_on = min(self._may_go_on(now), key=lambda story: precedence(story.item), default=None)
        if goes_on is not None and (not self._waiting or precedence(goes_on.item) < self._waiting[0][0]):
            self._paused.remove(goes_on)
            return goes_on
        if self._waiting:
            return self._stories[heappop(self._waiting)[1].id]
        return self._moved(now)

    def _may_go_on(self, now: datetime) -> list[_Story]:
        if not self._paused:
            return []
        self._paused = [
            story for story in self._paused if now + story.item.duration - story.position <= story.item.expires_at
        ]
        soon: list[Item] = []
        for item in reversed(self._future):
            if item.due_at > now + CLEAR:
                break
            soon.append(item)
        return [story for story in self._paused if not any(displaces(item, story.item) for item in soon)]

    def _play(self, story: _Story, start: datetime) -> datetime:
        """Play until its end, or until something higher is due; returns when."""
        item, higher = story.item, None
        end = start + item.duration - story.position
        while self._future and self._future[-1].due_at < end:
            coming = self._future.pop()
            heappush(self._waiting, (precedence(coming), coming))
            if displaces(coming, item):
                end = coming.due_at
                self._arrive(end)
                higher = self._waiting[0][1]
                break
        if self._sounded_until is None or start - self._sounded_until >= SESSION_PAUSE:
            self._session_from = start
        self._sounded_until = end
        story.plays.append(Play(item.id, start, end, story.position))
        for _, other in self._waiting:
            waits = self._stories[other.id]
            waits.by = waits.by or item.id
        heard = story.position + (end - start)
        if higher is None or heard >= FINISHED_SHARE * item.duration:
            story.outcome = _finished(story)
        else:
            self._end(story, higher.id, end, heard)
        return end

    def _end(self, story: _Story, by: str, at: datetime, heard: timedelta) -> None:
        story.outcome, story.by, story.ended_at, story.position = "dropped", by, at, timedelta()
        match story.item.interrupted:
            case "resume":
                story.position = max(timedelta(), heard - RUN_BACK)
                self._paused.append(story)
            case "restart":
                self._paused.append(story)
            case "move":
                self._to_move.append(story)

    def _moved(self, now: datetime) -> _Story | None:
        """What was ended in an earlier session than the one that is over now, if there is room for it."""
        room = self._future[-1].due_at - now if self._future else None
        if not self._to_move or self._session_from is None or (room is not None and room < SESSION_PAUSE):
            return None
        for story in sorted(self._to_move, key=lambda story: precedence(story.item)):
            earlier = story.ended_at is not None and story.ended_at < self._session_from
            if (
                earlier
                and (room is None or story.item.duration <= room)
                and self._permits(replace(story.item, due_at=now))
            ):
                self._to_move.remove(story)
                return story
        return None

    @staticmethod
    def _fate(story: _Story) -> Fate:
        return Fate(story.item, story.outcome, tuple(story.plays), None if story.outcome == "played" else story.by)


def _by_instant(item: Item) -> tuple[datetime, tuple[int, datetime, datetime, str]]:
    return (item.due_at, precedence(item))


def _finished(story: _Story) -> Outcome:
    if len(story.plays) == 1:
        return "played"
    outcomes: dict[str, Outcome] = {"resume": "resumed", "restart": "restarted", "move": "moved"}
    return outcomes[story.item.interrupted]
