"""Areas: the effective-dated tree of province, commune and village."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from broadcaster.errors import InvalidError, NotFoundError
from broadcaster.storage.models import Area, AreaMove

KINDS = ("province", "commune", "village")


@dataclass(frozen=True, slots=True)
class AreaOn:
    """An area as it stands on a day."""

    id: str
    name: str
    kind: str
    parent_id: str | None


def day_of(instant: datetime, zone: str) -> date:
    """The station's day on which an instant falls: the one way to tell which areas stand then."""
    return instant.astimezone(ZoneInfo(zone)).date()


def areas_on(session: Session, day: date) -> dict[str, AreaOn]:
    """All areas that stand on a day, by id, each under the parent that it has on that day."""
    moves = select(AreaMove.area_id, AreaMove.parent_id).where(AreaMove.day <= day).order_by(AreaMove.day)
    parents = dict(session.execute(moves).all())
    rows = session.execute(
        select(Area.id, Area.name, Area.kind, Area.parent_id)
        .where(Area.valid_from <= day, or_(Area.valid_to.is_(None), Area.valid_to > day))
        .order_by(Area.id)
    )
    return {area: AreaOn(area, name, kind, parents.get(area, parent)) for area, name, kind, parent in rows}


def line(areas: Mapping[str, AreaOn], area_id: str) -> tuple[str, ...]:
    """The ids from the root down to `area_id`. Raises NotFoundError for an area that does not stand."""
    names: list[str] = []
    at: str | None = area_id
    while at is not None:
        area = areas.get(at)
        if area is None or at in names:
            raise NotFoundError(
                f"Không có địa bàn '{at}' vào ngày này.", f"There is no area '{at}' on this day.", area=at
            )
        names.append(at)
        at = area.parent_id
    return tuple(reversed(names))


def lines_of(areas: Mapping[str, AreaOn]) -> dict[str, tuple[str, ...]]:
    """The line of each area; none for one that stands under an area that has ended."""
    found: dict[str, tuple[str, ...]] = {}
    for name, area in areas.items():
        above = found.get(area.parent_id) if area.parent_id is not None else ()
        if above is not None:  # as a rule parents come first, so that each is one step
            found[name] = (*above, name)
            continue
        with suppress(NotFoundError):
            found[name] = line(areas, name)
    return found


def require(areas: Mapping[str, AreaOn], wanted: Iterable[str]) -> None:
    """Raise InvalidError, naming the areas that do not stand."""
    unknown = sorted(set(wanted) - set(areas))
    if unknown:
        names = ", ".join(unknown)
        raise InvalidError(
            f"Không có địa bàn: {names}. Chọn địa bàn trong danh sách.",
            f"There is no such area: {names}. Choose from the list of areas.",
            areas=unknown,
        )
