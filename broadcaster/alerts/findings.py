"""Findings: what there is to be told of now, by rule and place. A village's power cut is one, however many receivers it has."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from broadcaster.areas import AreaOn
from broadcaster.expiries import Expiry
from broadcaster.operating.exceptions import Trouble, severity_of
from broadcaster.operating.rows import Light
from broadcaster.reports.board import Owed
from broadcaster.set_apart import Code
from broadcaster.storage.models import Json, Receiver, RejectedMessage

Severity = Literal["critical", "warning", "notice"]
Source = Literal["station", "receivers", "expiries", "messages", "reports", "watch"]
"""Where findings come of, each looked at apart."""
_SOURCES: dict[str, Source] = {
    "expiry": "expiries",
    "forged_receipts": "messages",
    "unknown_orders": "messages",
    "unwritable": "messages",
    "report": "reports",
    "watch": "watch",
}
AFTER = {
    "lost": timedelta(minutes=2),
    "broker": timedelta(minutes=1),
    "database": timedelta(minutes=1),
    "planning": timedelta(minutes=1),
    "watch": timedelta(minutes=1),
}
"""How long something must last before anybody is told: a line that comes back by itself is no news."""
FORGED_IN = timedelta(hours=24)
SET_APART_IN = timedelta(days=7)
NAMED = 20


@dataclass(frozen=True)
class Finding:
    """One thing to tell. `key` is the same as long as it is the same thing."""

    key: str
    rule: str
    severity: Severity
    area: str | None = None
    size: int = 0
    facts: Json = field(default_factory=dict)


def source_of(rule: str, area: str | None) -> Source:
    """Where an alert comes of. What has a place and no source of its own is of receivers."""
    return _SOURCES.get(rule, "station" if area is None else "receivers")


def of_watch(unknown: Iterable[Source]) -> list[Finding]:
    """What could not be looked at: there may be more to tell than is told."""
    return [Finding(f"watch:{source}", "watch", "critical", facts={"source": source}) for source in unknown]


def of_receivers(troubles: Iterable[Trouble], areas: Mapping[str, AreaOn]) -> list[Finding]:
    """Those of receivers, one for each cause and area."""
    groups: dict[tuple[str, str], list[Trouble]] = defaultdict(list)
    for trouble in troubles:
        groups[trouble.cause, trouble.area].append(trouble)
    found = []
    for (cause, area), members in groups.items():
        members.sort(key=lambda each: (each.name, each.receiver))
        since = [each.since for each in members if each.since is not None]
        facts: Json = {
            "area_name": areas[area].name if area in areas else area,
            "receivers": [each.name for each in members[:NAMED]],
            "ids": [each.receiver for each in members[:NAMED]],
            "since": min(since).isoformat() if since else None,
            "reason": members[0].reason,
            "title": members[0].title,
        }
        severity: Severity = "critical" if severity_of(cause) == "critical" else "warning"
        found.append(Finding(f"{cause}:{area}", cause, severity, area, len(members), facts))
    return found


def of_station(lights: Iterable[Light]) -> list[Finding]:
    """Those of the station itself: a light that is not green."""
    found = []
    for light in lights:
        if light.state == "good" or light.cause == "starting":
            continue
        severity: Severity = "critical" if light.state == "bad" else "warning"
        found.append(
            Finding(light.name, light.name, severity, facts={"cause": light.cause, "figure": light.figure})
        )  # fmt: skip
    return found


def of_expiries(expiries: Iterable[Expiry], now: datetime) -> list[Finding]:
    """Keys, certificates and configurations that end within 30 days."""
    found = []
    for item in expiries:
        if item.level is None or item.level > 30:
            continue
        severity: Severity = "critical" if item.level <= 7 else "warning"
        facts: Json = {"subject": item.subject, "name": item.name, "at": item.at.isoformat(), "days": item.days(now)}
        found.append(Finding(f"expiry:{item.subject}:{item.name}", "expiry", severity, facts=facts))
    return found


def of_forgeries(session: Session, now: datetime) -> list[Finding]:
    """Messages to the station that bear a receiver's name and not its signature."""
    rows = session.execute(
        select(Receiver.area_id, func.count(), func.min(Receiver.name))
        .join(RejectedMessage, RejectedMessage.receiver_id == Receiver.id)
        .where(
            RejectedMessage.code.in_([Code.BAD_SIGNATURE.value, Code.UNKNOWN_KEY.value]),
            RejectedMessage.received_at >= now - FORGED_IN,
        )
        .group_by(Receiver.area_id)
    )
    return [
        Finding(
            f"forged_receipts:{area}", "forged_receipts", "warning", area, 0, {"messages": count, "receivers": [name]}
        )
        for area, count, name in rows
    ]


def of_set_apart(session: Session, now: datetime) -> list[Finding]:
    """Receipts of orders that the station does not know: what came between a backup and its restoration is not in the log; and what it fails to write."""
    found = []
    for rule, code in (("unknown_orders", Code.UNKNOWN_ORDER), ("unwritable", Code.UNWRITABLE)):
        such = (RejectedMessage.code == code.value, RejectedMessage.received_at >= now - SET_APART_IN)
        count = session.scalar(select(func.count()).where(*such))
        if not count:
            continue
        names = session.scalars(
            select(Receiver.name)
            .join(RejectedMessage, RejectedMessage.receiver_id == Receiver.id)
            .where(*such)
            .distinct()
            .order_by(Receiver.name)
            .limit(NAMED)
        )
        found.append(Finding(rule, rule, "warning", facts={"messages": count, "receivers": list(names)}))
    return found


def of_reports(owed: Iterable[Owed]) -> list[Finding]:
    """Reports that are still owed 30, 7 and 1 days before a deadline, and after it: one for each deadline, however many communes owe one."""
    days: dict[date, list[Owed]] = defaultdict(list)
    for each in owed:
        if each.level is not None:
            days[each.due_on].append(each)
    found = []
    for due_on, all_owed in sorted(days.items()):
        owing: dict[str, Json] = {}
        for each in all_owed:
            mine = owing.setdefault(each.area, {"name": each.area_name, "size": 0, "level": each.level})
            mine["size"], mine["level"] = mine["size"] + 1, min(mine["level"], each.level)
        size, facts = _reports(due_on.isoformat(), owing)
        found.append(Finding(f"report:{due_on}", "report", "warning", size=size, facts=facts))
    return found


def _reports(due_on: str, owing: Mapping[str, Json]) -> tuple[int, Json]:
    facts: Json = {
        "due_on": due_on,
        "level": min(each["level"] for each in owing.values()),
        "areas": list(dict.fromkeys(each["name"] for each in owing.values()))[:NAMED],
        "owing": dict(owing),
    }
    return sum(each["size"] for each in owing.values()), facts


def reports_within(facts: Json, areas: Container[str]) -> tuple[int, Json] | None:
    """What of such an alert concerns these areas: how many reports, and the facts of those; None: nothing."""
    owing = {area: each for area, each in facts.get("owing", {}).items() if area in areas}
    return _reports(facts["due_on"], owing) if owing else None
