"""What will be heard: conflicts of what is being written, and any day of any receiver simulated."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import String, cast, or_, select
from sqlalchemy.orm import Session

from broadcaster.errors import NotFoundError
from broadcaster.lawful import REFUSED, judged, plan_with, planned, proposed, refusal, spot_of
from broadcaster.places import PlacesByDay
from broadcaster.reorganisation.rehoming import beginning
from broadcaster.slots import RESERVED, expected
from broadcaster.storage.models import Airing, Release
from broadcaster.targets import Place, Targets
from schedules.conflicts import choices, overlaps, said
from schedules.day_plan import plan_day
from schedules.explanations import explain
from schedules.priorities import Item
from schedules.rules import RULE, AtOnce
from schedules.simulation import Fate

MOST = 20
"""Airings whose conflicts are told of, the first ones."""


def conflicts(
    session: Session, content: Mapping[str, Any], *, now: datetime, zone: str, bulletin: str | None
) -> list[dict[str, Any]]:
    """For each airing that the content would make and that meets a policy or another airing: which, where, and the ways out."""
    places = PlacesByDay(session, zone)
    proposals = proposed(content, now=now, places=places)
    if not proposals:
        return []
    found: list[dict[str, Any]] = []
    verdicts = {each.item.id: each for each in judged(session, content, now=now, places=places, bulletin=bulletin)}
    plan = plan_with(session, places, proposals, now=now, without_bulletin=bulletin)
    titles = {item.id: item.title for item in plan.items.values()}
    local = ZoneInfo(zone)
    for item, _ in proposals:
        verdict = verdicts[item.id]
        if not verdict.verdict.lawful:
            found.append(
                {"kind": "policy", **refusal(verdict), "vi": verdict.sentences("vi"), "en": verdict.sentences("en")}
            )
            continue
        with_it = plan.changed(added=[item])
        names = {**titles, item.id: item.title}
        clashes = overlaps(with_it, of=item.id)
        if clashes:
            ways = [
                way
                for way in choices(with_it, item.id, not_before=now)
                # A slot of a programme is an approver's to change, not one airing's to take.
                if not any(change.item.startswith(RESERVED) for change in way.changes)
            ]
            found.append(
                {
                    "kind": "overlap",
                    "due_at": item.due_at.isoformat(),
                    "with": [
                        {
                            "airing": clash.yields if clash.keeps == item.id else clash.keeps,
                            "title": names.get(clash.yields if clash.keeps == item.id else clash.keeps),
                            "yields": clash.yields == item.id,
                            "receivers": sorted(clash.receivers),
                            "start": clash.start.isoformat(),
                            "end": clash.end.isoformat(),
                        }
                        for clash in clashes
                    ],
                    "choices": [
                        {
                            "kind": way.kind,
                            "vi": said(way, "vi", zone=local, titles=names),
                            "en": said(way, "en", zone=local, titles=names),
                            "changes": [
                                {
                                    "airing": change.item,
                                    "receivers": sorted(change.receivers),
                                    "due_at": change.due_at.isoformat() if change.due_at else None,
                                }
                                for change in way.changes
                            ],
                        }
                        for way in ways
                    ],
                }
            )
        plan = with_it
        if len(found) >= MOST:
            break
    return found


@dataclass(frozen=True)
class SimulatedDay:
    """What one receiver does on a day."""

    receiver: Place
    fates: tuple[Fate, ...]
    titles: dict[str, str]
    zone: ZoneInfo
    lost: tuple[Airing, ...] = ()  # rows that stand no more, which say why themselves

    def explained(self, fate: Fate, language: Any) -> str:
        """Why."""
        return explain(fate, language, zone=self.zone, titles=self.titles)


def simulation(
    session: Session, *, receiver: str, day: date, now: datetime, zone: str, planned_to: timedelta
) -> SimulatedDay:
    """What plays on a receiver on a day of the station, from when to when, why, and what loses; on days that are not planned yet too."""
    places = PlacesByDay(session, zone)
    start, end = beginning(day, zone), beginning(day + timedelta(days=1), zone)
    there = places.at(start)
    place = there.receivers.get(receiver)
    if place is None:
        raise NotFoundError(
            f"Không có thiết bị '{receiver}' vào ngày này.", f"There is no receiver '{receiver}' on this day."
        )
    # The whole week: rules on days a week count from Monday; the evening before may reach into the day.
    monday = beginning(day - timedelta(days=day.weekday()), zone)
    items = planned(session, places, monday - timedelta(days=1), end, receivers=[receiver], refused=True)
    if end > now + planned_to:
        known = {item.id for item in items}
        items += [item for item in _expected(session, places, place, start, end) if item.id not in known]
    items += expected(session, places, now, start, end, receiver=receiver)
    mine = [replace(item, receivers=frozenset([receiver])) for item in items]
    plan = plan_day(mine, [spot_of(place, there.lines)], places.policies)
    fates = tuple(fate for fate in plan.at(receiver) if start <= fate.item.due_at < end)
    lost = tuple(_lost(session, places, place, start, end))
    return SimulatedDay(place, fates, {item.id: item.title for item in items}, ZoneInfo(zone), lost)


def _lost(session: Session, places: PlacesByDay, place: Place, start: datetime, end: datetime) -> Iterator[Airing]:
    """What was to air there in [start, end) and does not: withdrawn, skipped, or missed by the station itself."""
    query = select(Airing).where(
        Airing.state.in_(("cancelled", "missed")),
        Airing.drill.is_(False),
        Airing.due_at >= start,
        Airing.due_at < end,
        Airing.targets.is_not(None),
    )
    there = places.at(start)
    stands = set(
        session.execute(
            select(Airing.bulletin_id, Airing.due_at).where(
                Airing.state.not_in(("cancelled", "missed")), Airing.due_at >= start, Airing.due_at < end
            )
        ).all()
    )
    for airing in session.scalars(query.order_by(Airing.due_at, Airing.id)):
        if (airing.bulletin_id, airing.due_at) in stands:  # released anew
            continue
        refused = airing.state == "missed" and (airing.state_reason or "").startswith(REFUSED)
        reached = there.resolve(Targets.model_validate(airing.targets)).receivers
        if not refused and any(each.id == place.id for each in reached):
            yield airing


def _expected(session: Session, places: PlacesByDay, place: Place, start: datetime, end: datetime) -> list[Item]:
    """What releases in force would air on a day that has no rows yet."""
    names = [*places.at(start).lines[place.area_id], place.id]
    text = cast(Release.content, String)
    rows = session.execute(
        select(Release.id, Release.content, Release.planned_until).where(
            Release.voided_at.is_(None), or_(*(text.contains(f'"{name}"') for name in names))
        )
    )
    taken = set(
        session.execute(
            select(Airing.release_id, Airing.due_at).where(Airing.due_at >= start, Airing.due_at < end)
        ).all()
    )
    found = []
    for release, raw, until in rows:
        content = json.loads(raw)
        for schedule in content["schedules"]:
            reached = places.at(start).resolve(Targets.model_validate(schedule["targets"])).receivers
            if all(each.id != place.id for each in reached):
                continue
            rule = RULE.validate_python(schedule["rule"])
            if isinstance(rule, AtOnce):
                continue  # planned with its release, or about to be
            for due in rule.instants(max(start, until or start), end):
                if (release, due) in taken:
                    continue
                found.append(
                    Item(
                        id=f"{schedule['id']}@{due.isoformat()}",
                        due_at=due,
                        duration=timedelta(milliseconds=content["clip"]["duration_ms"]),
                        priority=content["priority"],
                        receivers=frozenset([place.id]),
                        title=content["title"],
                        interrupted=content.get("interrupted", "drop"),
                    )
                )
    return found
