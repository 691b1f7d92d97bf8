"""The map: receivers where they stand, and how each is now; the worst first."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.operating.exceptions import RANK
from broadcaster.operating.picture import Picture
from broadcaster.positions import Position
from broadcaster.storage.models import Receiver

Standing = Literal["lost", "trouble", "waiting", "well"]
ORDER: tuple[Standing, ...] = ("lost", "trouble", "waiting", "well")


@dataclass(frozen=True, slots=True)
class Spot:
    """One receiver. `standing`: waiting is one that was never heard of; `cause`: its worst trouble."""

    receiver: str
    name: str
    kind: str
    area: str
    area_name: str
    position: Position | None
    standing: Standing
    cause: str | None


def spots_of(session: Session, picture: Picture, scope: frozenset[str] | None) -> Sequence[Spot]:
    """Of the areas in `scope` (None: all), with a position or without."""
    causes = {trouble.receiver: trouble.cause for trouble in picture.troubles}
    query = select(
        Receiver.id, Receiver.name, Receiver.kind, Receiver.area_id, Receiver.latitude, Receiver.longitude
    ).where(Receiver.revoked_at.is_(None))
    if scope is not None:
        query = query.where(Receiver.area_id.in_(scope))
    found = []
    for name, called, kind, area, latitude, longitude in session.execute(query):
        cause = causes.get(name)
        standing: Standing = "well" if name in picture.receivers else "waiting"
        if cause is not None:
            standing = "lost" if cause == "lost" else "trouble"
        found.append(
            Spot(
                *(name, called, kind, area, picture.areas[area].name if area in picture.areas else area),
                position=Position(latitude, longitude) if latitude is not None and longitude is not None else None,
                standing=standing,
                cause=cause,
            )
        )
    return sorted(
        found, key=lambda each: (ORDER.index(each.standing), RANK.get(each.cause or "", 99), each.name, each.receiver)
    )
