"""What becomes of an airing and why, as people read it."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from schedules.refusals import Language
from schedules.simulation import Fate


def explain(fate: Fate, language: Language, *, zone: ZoneInfo, titles: Mapping[str, str]) -> str:
    """One or more sentences. `titles` are the airings' titles by id; those missing are called by their id."""
    by = f"“{titles.get(fate.by, fate.by)}”" if fate.by else ""
    times = [f"{_clock(play.start, zone)} - {_clock(play.end, zone)}" for play in fate.plays]
    if language == "vi":
        return _vietnamese(fate, by, times)
    return _english(fate, by, times)


def _vietnamese(fate: Fate, by: str, times: list[str]) -> str:
    ended = f"Bị {by} ngắt lúc {times[0].split(' - ')[1]}" if times else ""
    again = ", ".join(times[1:])
    match fate.outcome:
        case "played":
            said = f"Phát {times[0]}."
        case "resumed":
            said = f"{ended}; phát tiếp {again}."
        case "restarted":
            said = f"{ended}; phát lại từ đầu {again}."
        case "moved":
            said = f"{ended}; chuyển sang sau buổi kế tiếp, {again}."
        case "dropped":
            said = f"{ended}; không phát lại."
        case "missed":
            cause = f": {by} đang phát" if by else ""
            said = f"Lỡ giờ{cause}; quá thời gian cho phép phát trễ."
        case "skipped":
            said = " ".join(refusal.said("vi") for refusal in fate.refusals)
    return said


def _english(fate: Fate, by: str, times: list[str]) -> str:
    ended = f"Ended by {by} at {times[0].split(' - ')[1]}" if times else ""
    again = ", ".join(times[1:])
    match fate.outcome:
        case "played":
            said = f"Plays {times[0]}."
        case "resumed":
            said = f"{ended}; goes on {again}."
        case "restarted":
            said = f"{ended}; begins anew {again}."
        case "moved":
            said = f"{ended}; moved behind the next session, {again}."
        case "dropped":
            said = f"{ended}; not played again."
        case "missed":
            cause = f": {by} was playing" if by else ""
            said = f"Missed{cause}; it may not begin so late."
        case "skipped":
            said = " ".join(refusal.said("en") for refusal in fate.refusals)
    return said


def _clock(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%H:%M:%S}"
