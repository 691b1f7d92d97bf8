"""A session (buổi phát): a running order of station call, items by priority and closing, whose length is known before it airs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schedules.priorities import Item, running_order


class SessionForm(BaseModel):
    """What frames a session: the lengths of the station call and the closing, in milliseconds (0: none), and the pause between its parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    call_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 0
    closing_ms: Annotated[int, Field(ge=0, le=3_600_000)] = 0
    pause_ms: Annotated[int, Field(ge=0, le=60_000)] = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One part of a session; `item` is the airing's id."""

    kind: Literal["call", "item", "closing"]
    start: datetime
    duration: timedelta
    item: str | None = None


@dataclass(frozen=True, slots=True)
class RunningOrder:
    """A session from its first instant to its last."""

    entries: tuple[Entry, ...]
    items: tuple[Item, ...]  # with the instants at which they air

    @property
    def starts_at(self) -> datetime:
        """When the first part begins."""
        return self.entries[0].start

    @property
    def ends_at(self) -> datetime:
        """When the last part ends."""
        return self.entries[-1].start + self.entries[-1].duration

    @property
    def length(self) -> timedelta:
        """From the first instant to the last, pauses included."""
        return self.ends_at - self.starts_at


def run(form: SessionForm, start: datetime, items: Sequence[Item]) -> RunningOrder | None:
    """The session that begins at `start`; None if it has no items. Lengths are exact, so that no part waits for another."""
    if not items:
        return None
    pause = timedelta(milliseconds=form.pause_ms)
    at = start
    entries: list[Entry] = []
    placed: list[Item] = []

    def put(kind: Literal["call", "item", "closing"], duration: timedelta, item: str | None = None) -> None:
        nonlocal at
        entries.append(Entry(kind, at, duration, item))
        at += duration + pause

    if form.call_ms:
        put("call", timedelta(milliseconds=form.call_ms))
    for item in running_order(items):
        placed.append(replace(item, due_at=at))
        put("item", item.duration, item.id)
    if form.closing_ms:
        put("closing", timedelta(milliseconds=form.closing_ms))
    return RunningOrder(tuple(entries), tuple(placed))
