"""Programmes (chuyên mục): a standing column owns slots and a queue; released bulletins fill a slot in order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schedules.priorities import RANK, Priority
from schedules.refusals import Language
from schedules.rules import Rule
from schedules.unfit import UnfitError

Fallback = Literal["repeat_last", "programme", "silence"]
"""What airs in a slot for which nothing is queued."""


class Slot(BaseModel):
    """When a programme airs, and the most that may air then, in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rule: Rule
    seconds: Annotated[int, Field(ge=10, le=3600)]


class Programme(BaseModel):
    """A standing column. A bulletin airs at most `airings` times, and no later than `fresh_days` after its release (None: however late).

    `call` and `closing` are bulletins that open and close its sessions; they stand in no queue.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    name: Annotated[str, Field(min_length=1, max_length=200)]
    slots: Annotated[tuple[Slot, ...], Field(max_length=50)] = ()
    airings: Annotated[int, Field(ge=1, le=100)] = 1
    fresh_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    fallback: Fallback = "silence"
    fallback_programme: str | None = None
    call: str | None = None
    closing: str | None = None

    @property
    def frame(self) -> tuple[str, ...]:
        """The bulletins that open and close its sessions."""
        return tuple(name for name in (self.call, self.closing) if name is not None)

    @model_validator(mode="after")
    def _names_another(self) -> "Programme":
        if (self.fallback == "programme") != (self.fallback_programme is not None):
            raise UnfitError(
                "fallback_programme chỉ đi với fallback là 'programme', và phải có khi ấy",
                "fallback_programme goes with the fallback 'programme', and only with it",
            )
        if self.fallback_programme == self.id:
            raise UnfitError("chuyên mục không thể tự thay chính nó", "a programme can't fall back on itself")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A released bulletin in a programme's queue; `aired` are the instants at which it aired or is planned to."""

    bulletin: str
    released_at: datetime
    duration: timedelta
    priority: Priority = "routine"
    expires_at: datetime | None = None
    aired: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Filling:
    """What airs in the slot at `at`, in order, `length` in all. `fallback` says how it came about if nothing was queued; `too_long` are
    bulletins that no airing of the slot can hold."""

    programme: str
    at: datetime
    bulletins: tuple[Queued, ...]
    fallback: Fallback | None = None
    too_long: tuple[str, ...] = ()

    @property
    def length(self) -> timedelta:
        """The airtime."""
        return sum((queued.duration for queued in self.bulletins), timedelta())


Queues = Mapping[str, Sequence[Queued]]
"""Of programmes by id."""


def fill(
    programme: Programme,
    slot: Slot,
    at: datetime,
    queues: Queues,
    others: Mapping[str, Programme],
    *,
    framed: timedelta = timedelta(),
) -> Filling:
    """What airs at that instant. `others` are the programmes on which this one may fall back; `framed` is what call and closing take of the slot.

    What has aired least goes first, then the higher class, then the earlier release; what does not fit any more is passed over for what does.
    """
    limit = timedelta(seconds=slot.seconds) - framed
    queue = queues.get(programme.id, ())
    due = sorted((queued for queued in queue if _due(programme, queued, at)), key=_in_queue)
    too_long = tuple(queued.bulletin for queued in due if queued.duration > limit)
    chosen = _fitting(due, limit)
    if chosen:
        return Filling(programme.id, at, chosen, None, too_long)
    if programme.fallback == "repeat_last":
        aired = [queued for queued in queue if _before(queued, at) and _stands(queued, at) and queued.duration <= limit]
        last = max(aired, key=lambda queued: (max(_before(queued, at)), queued.bulletin), default=None)
        return Filling(programme.id, at, () if last is None else (last,), "repeat_last", too_long)
    other = others.get(programme.fallback_programme or "")
    if other is not None:
        # Of the other programme what it would air itself; its own fallback is not followed: silence rather than a circle.
        borrowed = sorted((queued for queued in queues.get(other.id, ()) if _due(other, queued, at)), key=_in_queue)
        return Filling(programme.id, at, _fitting(borrowed, limit), "programme", too_long)
    return Filling(programme.id, at, (), programme.fallback, too_long)


def plan_slots(
    programmes: Iterable[Programme],
    queues: Queues,
    start: datetime,
    end: datetime,
    *,
    taken: AbstractSet[tuple[str, datetime]] = frozenset(),
    framed: Mapping[str, timedelta] | None = None,
    settled: Callable[[Filling], bool] = lambda _filling: True,
) -> list[Filling]:
    """All slots in [start, end) but those `taken`, in the order of instants, each filled with what the earlier ones have left.

    `framed`: what call and closing take, by programme. A filling that is not `settled` yet leaves everything to the others.
    """
    by_id = {programme.id: programme for programme in programmes}
    left = {name: list(queue) for name, queue in queues.items()}
    slots = [
        (at, name, slot)
        for name, programme in by_id.items()
        for slot in programme.slots
        for at in slot.rule.instants(start, end)
        if (name, at) not in taken
    ]
    fillings = []
    for at, name, slot in sorted(slots, key=lambda found: (found[0], found[1])):
        filling = fill(by_id[name], slot, at, left, by_id, framed=(framed or {}).get(name, timedelta()))
        fillings.append(filling)
        if not settled(filling):
            continue
        aired = {queued.bulletin for queued in filling.bulletins}
        for other, queue in left.items():
            left[other] = [
                replace(queued, aired=(*queued.aired, at)) if queued.bulletin in aired else queued for queued in queue
            ]
    return fillings


def empty_slots(fillings: Iterable[Filling]) -> list[Filling]:
    """Those for which nothing was queued: their editor is to be told the day before, whatever airs instead."""
    return [filling for filling in fillings if filling.fallback is not None]


def warning(filling: Filling, name: str, when: str, language: Language) -> str:
    """For the editor of an empty slot; `name` is the programme's, `when` the instant as people read it."""
    if language == "vi":
        instead = {
            "repeat_last": "sẽ phát lại bản tin gần nhất",
            "programme": "sẽ phát chuyên mục thay thế",
            "silence": "sẽ không phát gì",
        }
        said = instead["silence"] if not filling.bulletins else instead[filling.fallback or "silence"]
        return f"Chuyên mục “{name}” lúc {when} chưa có bản tin nào; {said}."
    instead = {
        "repeat_last": "the last bulletin will be repeated",
        "programme": "another programme will air",
        "silence": "nothing will air",
    }
    said = instead["silence"] if not filling.bulletins else instead[filling.fallback or "silence"]
    return f"“{name}” at {when} has no bulletin yet; {said}."


def _due(programme: Programme, queued: Queued, at: datetime) -> bool:
    if not _stands(queued, at) or len(queued.aired) >= programme.airings or at in queued.aired:
        return False
    return programme.fresh_days is None or at - queued.released_at <= timedelta(days=programme.fresh_days)


def _stands(queued: Queued, at: datetime) -> bool:
    return queued.released_at <= at and (queued.expires_at is None or at + queued.duration <= queued.expires_at)


def _before(queued: Queued, at: datetime) -> list[datetime]:
    return [instant for instant in queued.aired if instant < at]


def _in_queue(queued: Queued) -> tuple[int, int, datetime, str]:
    return (len(queued.aired), -RANK[queued.priority], queued.released_at, queued.bulletin)


def _fitting(queue: Iterable[Queued], limit: timedelta) -> tuple[Queued, ...]:
    chosen: list[Queued] = []
    for queued in queue:
        if queued.duration <= limit:
            chosen.append(queued)
            limit -= queued.duration
    # Within a session the class decides again.
    return tuple(sorted(chosen, key=lambda queued: -RANK[queued.priority]))
