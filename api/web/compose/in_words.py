"""Instants, numbers of receivers and places as people say them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from api.problems import Language, said
from api.web.words import words
from broadcaster.errors import NotFoundError
from broadcaster.groups import expanded
from broadcaster.target_tree import Count, Tree
from broadcaster.targets import Targets

_WEEKDAYS = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


def moment_in_words(at: datetime, tongue: Language, zone: str, *, now: datetime) -> str:
    """05:00 thứ Ba 25/11; with the year where it is another."""
    local = at.astimezone(ZoneInfo(zone))
    year = "" if local.year == now.astimezone(ZoneInfo(zone)).year else f"/{local.year}"
    return f"{local:%H:%M} {_WEEKDAYS[tongue][local.weekday()]} {local.day}/{local.month}{year}"


def count_in_words(count: Count, tongue: Language) -> list[str]:
    """How many loudspeakers, how many screens; none of a kind is left out."""
    say = words(tongue)
    found = (("summary_loudspeakers", count.loudspeakers), ("summary_screens", count.screens))
    return [say[f"{name}_one"] if n == 1 else say[name] % {"count": n} for name, n in found if n]


def targets_in_words(targets: Mapping[str, Any], tree: Tree, session: Session, tongue: Language) -> str:
    """Where something airs: names of areas, groups' content expanded, and how many receivers that is; or that a group is gone."""
    say = words(tongue)
    try:
        found = Targets.model_validate(expanded(session, dict(targets)))
    except NotFoundError as error:
        return said(error, tongue)
    names = [tree.places.areas[area].name if area in tree.places.areas else area for area in found.areas]
    names += [tree.places.receivers[one].name if one in tree.places.receivers else one for one in found.receivers]
    but = [tree.places.areas[area].name for area in found.excluded_areas if area in tree.places.areas]
    but += [tree.places.receivers[one].name for one in found.excluded if one in tree.places.receivers]
    text = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
    if but:
        text += say["release_but_for"] % {"names": ", ".join(but[:8])}
    count = tree.count(session, found)
    counted = count_in_words(count, tongue)
    counted += [say["compose_offline"] % {"count": count.offline}] if count.offline else []
    return f"{text} ({', '.join(counted) or say['summary_nowhere']})"
