"""Re-homing: on its day a reorganisation takes effect, and one signed document tells all receivers that it concerns."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from broadcaster.areas import AreaOn, areas_on, day_of, lines_of
from broadcaster.canonical import sha256_of
from broadcaster.identity import Signatory
from broadcaster.reorganisation.dependents import DEPENDENTS
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import (
    AreaMove,
    AreaSuccessor,
    Receiver,
    ReceiverMove,
    RehomingRecord,
    Reorganisation,
)
from devices.wire.areas import MAX_REHOMINGS, Rehoming, Rehomings
from devices.wire.signing import signed_with, unverified

LASTS = timedelta(days=400)
"""How long a re-homing is told of: longer than any configuration made before it may last."""


def beginning(day: date, zone: str) -> datetime:
    """The instant at which a day of the station begins."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def take_effect(session: Session, now: datetime, *, zone: str) -> None:
    """On the day: receivers stand where they were moved to, and the reorganisation can no longer be undone."""
    today = day_of(now, zone)
    due = session.scalars(
        select(Reorganisation)
        .where(Reorganisation.state == "approved", Reorganisation.day <= today)
        .order_by(Reorganisation.day, Reorganisation.id)
        .with_for_update(**HELD)
    ).all()
    for reorganisation in due:
        for move in session.scalars(
            select(ReceiverMove).where(ReceiverMove.reorganisation_id == reorganisation.id)
        ).all():
            session.execute(update(Receiver).where(Receiver.id == move.receiver_id).values(area_id=move.area_id))
        merged: dict[str, list[str]] = {}
        for area, into in session.execute(
            select(AreaSuccessor.area_id, AreaSuccessor.successor_id).where(
                AreaSuccessor.reorganisation_id == reorganisation.id
            )
        ):
            merged.setdefault(area, []).append(into)
        for area, successors in sorted(merged.items()):
            if len(successors) == 1:  # of a split, people say what goes where
                for dependent in DEPENDENTS:
                    dependent.follow(session, area, successors[0], now)
        reorganisation.state = "in_force"
        reorganisation.in_force_at = now
    session.flush()


def next_change(session: Session, *, zone: str) -> datetime | None:
    """The beginning of the day of the next reorganisation that is approved."""
    day = session.scalar(
        select(Reorganisation.day).where(Reorganisation.state == "approved").order_by(Reorganisation.day).limit(1)
    )
    return beginning(day, zone) if day is not None else None


def _told(now: datetime, *, zone: str, ahead: timedelta) -> Select[Reorganisation]:
    return (
        select(Reorganisation)
        .where(
            Reorganisation.state.in_(("approved", "in_force")),
            Reorganisation.day <= day_of(now + ahead, zone),
            Reorganisation.day > day_of(now - LASTS, zone),
        )
        .order_by(Reorganisation.day, Reorganisation.id)
    )


def told(session: Session, now: datetime, *, zone: str, ahead: timedelta) -> dict[str, tuple[Rehoming, ...]]:
    """What receivers have to be told now, by the area on whose topic it stands: one that all concerned have in their line."""
    found: dict[str, list[Rehoming]] = {}
    for reorganisation in session.scalars(_told(now, zone=zone, ahead=ahead)).all():
        areas = areas_on(session, reorganisation.day - timedelta(days=1))
        lines = lines_of(areas)
        entries = dict(_entries(session, reorganisation, areas, lines, beginning(reorganisation.day, zone)))
        for topic, names in _topics(entries, lines).items():
            found.setdefault(topic, []).extend(entries[name] for name in names)
    # What is too many for one document reaches its receivers by their configurations, on the day.
    return {topic: tuple(rehomings[:MAX_REHOMINGS]) for topic, rehomings in found.items()}


def _entries(
    session: Session,
    reorganisation: Reorganisation,
    before: Mapping[str, AreaOn],
    lines: Mapping[str, tuple[str, ...]],
    at: datetime,
) -> Iterator[tuple[str, Rehoming]]:
    after = lines_of(areas_on(session, reorganisation.day))
    successors: dict[str, list[str]] = {}
    for area, successor in session.execute(
        select(AreaSuccessor.area_id, AreaSuccessor.successor_id).where(
            AreaSuccessor.reorganisation_id == reorganisation.id
        )
    ):
        successors.setdefault(area, []).append(successor)
    implied: dict[str, str] = {}
    for area, into in successors.items():
        if len(into) == 1 and area in lines and into[0] in after:
            implied[area] = into[0]
            yield area, Rehoming(area=area, line=after[into[0]], at=at)
    for move in session.scalars(select(AreaMove).where(AreaMove.reorganisation_id == reorganisation.id)):
        parent = before[move.area_id].parent_id if move.area_id in before else None
        if move.area_id in after and (parent is None or implied.get(parent) != move.parent_id):
            yield move.area_id, Rehoming(area=move.area_id, line=after[move.area_id], at=at)


def _topics(entries: Mapping[str, Rehoming], before: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """The deepest area that all of them have in common; where they have none, each its own."""
    lines = [before[area] for area in entries if area in before]
    if not lines:
        return {}
    common = [level[0] for level in takewhile(lambda level: len(set(level)) == 1, zip(*lines, strict=False))]
    if common:
        return {common[-1]: list(entries)}
    return {area: [area] for area in entries}


def concerned(session: Session, now: datetime, *, zone: str, ahead: timedelta) -> tuple[tuple[str, str], ...]:
    """Which reorganisations are told of now, and their states: while this is the same, so is what is told."""
    rows = session.execute(
        _told(now, zone=zone, ahead=ahead).with_only_columns(Reorganisation.id, Reorganisation.state)
    )
    return tuple((row[0], row[1]) for row in rows)


def renew(session: Session, now: datetime, signatory: Signatory, *, zone: str, ahead: timedelta) -> None:
    """Sign anew what changed, and take back what is no longer told, so that the dispatcher publishes it."""
    standing = {row.area_id: row for row in session.scalars(select(RehomingRecord))}
    wanted = told(session, now, zone=zone, ahead=ahead)
    for area in sorted(wanted.keys() | standing.keys()):
        rehomings = wanted.get(area, ())
        digest = sha256_of([rehoming.model_dump(mode="json") for rehoming in rehomings])
        row = standing.get(area)
        if row is not None and (row.content_sha256 == digest or row.expires_at <= now):
            continue
        if row is None:
            row = RehomingRecord(area_id=area, revision=0)
            session.add(row)
        row.revision += 1
        row.content_sha256 = digest
        row.expires_at = now + LASTS + ahead
        row.published_at = None
        row.document = signatory.sign(
            Rehomings(
                station=signatory.station,
                area=area,
                revision=row.revision,
                issued_at=now,
                expires_at=row.expires_at,
                rehomings=rehomings,
            )
        )


def sign_anew(database: Database, signatory: Signatory, now: datetime) -> None:
    """After the station began to sign with another key: what stands of re-homings is signed with it, a revision higher."""
    with database.writing() as session:
        for row in session.scalars(select(RehomingRecord).where(RehomingRecord.expires_at > now)).all():
            if signed_with(row.document) == signatory.key.kid:
                continue
            document = unverified(row.document.encode(), Rehomings)  # from our own database
            document = document.model_copy(update={"revision": document.revision + 1, "issued_at": now})
            row.document, row.revision, row.published_at = signatory.sign(document), document.revision, None
