"""Verdicts: what became of one receiver's turn, by its own word and its own measurements."""

from dataclasses import dataclass
from statistics import median

from broadcaster.operating.courses import Course, Mark
from devices.wire.messages import Reason

SILENT_DBFS = -60.0
"""What was handed to the output was nothing that anybody hears, though the receiver says that it played."""
ODD_DB = 6.0
"""How far a receiver may be from the others that played the same clip, the gain that was ordered left out."""
COMPARED = 3
"""So many receivers at least must have played it: of two that differ nobody knows which is wrong."""
_NO_FAULT = frozenset({Reason.PREEMPTED, Reason.STOPPED, Reason.CANCELLED, Reason.DRILL, Reason.QUIET_HOURS})
"""Reasons that the station or its people gave themselves."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`code` is empty where the receiver did what it was ordered to."""

    code: str
    reason: str | None = None
    figure: float | None = None


WELL = Verdict("")


def verdicts(course: Course) -> dict[str, Verdict]:
    """Of each receiver that was to play, once the airing is over."""
    found = {receiver: _verdict(course.marks.get(receiver)) for receiver in course.receivers}
    loud = {
        receiver: mark.level_dbfs - mark.gain_db
        for receiver, mark in course.marks.items()
        if mark.level_dbfs is not None and "finished" in mark.states and not mark.drill
    }
    heard = {receiver: level for receiver, level in loud.items() if level > SILENT_DBFS}
    middle = median(heard.values()) if len(heard) >= COMPARED else None
    for receiver, level in loud.items():
        if receiver not in found:
            continue
        if (course.marks[receiver].level_dbfs or 0.0) <= SILENT_DBFS and not course.drill:
            found[receiver] = Verdict("silent", figure=course.marks[receiver].level_dbfs)
        elif middle is not None and abs(level - middle) > ODD_DB:
            found[receiver] = Verdict("volume", figure=round(level - middle, 1))
    return found


def _verdict(mark: Mark | None) -> Verdict:
    if mark is None:
        return Verdict("no_word")
    if "finished" in mark.states:
        return WELL
    if mark.clip_refused:
        return Verdict("clip_refused", Reason.CLIP_MISMATCH.value)
    ended = next((state for state in ("interrupted", "failed", "missed") if state in mark.states), None)
    if ended is not None:
        return WELL if mark.reason in _NO_FAULT else Verdict(ended, mark.reason)
    return _unended(mark)


def _unended(mark: Mark) -> Verdict:
    """Of a turn that was neither played nor given up."""
    if "cancelled" in mark.states:
        return WELL
    if "started" in mark.states:
        return Verdict("unfinished")
    refused = "refused" in mark.states and not mark.states & {"ready", "received"}
    return Verdict("refused", mark.reason) if refused else Verdict("no_word")
