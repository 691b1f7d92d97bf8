"""How far a role reaches: an area and what is under it, by the tree as it stands (decision 0020).

An area that has ended reaches what stood under it on its last day: a merger takes nothing from those who serve there,
and gives them nothing new. An area that begins later counts by the parent that it will have.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from broadcaster.storage.models import Area, AreaMove


@dataclass(frozen=True, slots=True)
class Reach:
    """An area with all under it, and the line above it. Of one that has ended `left` is what still stands, without what is under another of
    these; None while it stands itself."""

    under: frozenset[str]
    above: frozenset[str]
    left: tuple[str, ...] | None = None


def reach_of(session: Session, area_id: str, today: date) -> Reach:
    """How far a role in this area reaches. An unknown area reaches itself alone."""
    row = session.get(Area, area_id)
    if row is None:
        return Reach(frozenset({area_id}), frozenset())
    day = min(today, row.valid_to - timedelta(days=1)) if row.valid_to is not None else today
    under, fresh = {area_id}, {area_id}
    while fresh:
        fresh = _children(session, fresh, day) - under
        under |= fresh
    left = None if row.valid_to is None or row.valid_to > today else _left(session, under, today)
    return Reach(frozenset(under), frozenset(_above(session, area_id, day)), left)


def _left(session: Session, under: set[str], today: date) -> tuple[str, ...]:
    standing = (Area.valid_from <= today, or_(Area.valid_to.is_(None), Area.valid_to > today))
    parents = dict(session.execute(select(Area.id, Area.parent_id).where(Area.id.in_(under), *standing)).all())
    moves = select(AreaMove.area_id, AreaMove.parent_id).where(AreaMove.area_id.in_(parents), AreaMove.day <= today)
    parents |= dict(session.execute(moves.order_by(AreaMove.day)).all())
    return tuple(sorted(area for area, parent in parents.items() if parent not in parents))


def common(session: Session, areas: Iterable[str | None], today: date) -> str | None:
    """The lowest area that has all of these under it; None where only the whole station has."""
    shared: list[str] | None = None
    for area in sorted({area or "" for area in areas}):
        if not area:
            return None
        line = [*reversed(_above(session, area, today)), area]
        shared = line if shared is None else [a for a, b in zip(shared, line, strict=False) if a == b]
    return shared[-1] if shared else None


def _children(session: Session, parents: set[str], day: date) -> set[str]:
    born = set(session.scalars(select(Area.id).where(Area.parent_id.in_(parents))))
    came = select(AreaMove.area_id).where(AreaMove.parent_id.in_(parents), AreaMove.day <= day)
    candidates = born | set(session.scalars(came))
    moves = select(AreaMove.area_id, AreaMove.parent_id).where(AreaMove.area_id.in_(candidates), AreaMove.day <= day)
    last = dict(session.execute(moves.order_by(AreaMove.day)).all())
    return {area for area in candidates if last.get(area) in parents or (area not in last and area in born)}


def _above(session: Session, area_id: str, day: date) -> list[str]:
    """From the parent up to the root."""
    line: list[str] = []
    at = area_id
    while True:
        move = select(AreaMove.parent_id).where(AreaMove.area_id == at, AreaMove.day <= day)
        parent = session.scalar(move.order_by(AreaMove.day.desc()).limit(1))
        if parent is None:
            parent = session.scalar(select(Area.parent_id).where(Area.id == at))
        if parent is None or parent in line:
            return line
        line.append(parent)
        at = parent
