"""Areas: the effective-dated tree of province, commune and village."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from broadcaster.errors import InvalidError, NotFoundError
from broadcaster.storage.models import Area

KINDS = ("province", "commune", "village")


def areas_on(session: Session, day: date) -> dict[str, Area]:
    """All areas that stand on a day, by id."""
    rows = session.scalars(
        select(Area).where(Area.valid_from <= day, or_(Area.valid_to.is_(None), Area.valid_to > day)).order_by(Area.id)
    )
    return {area.id: area for area in rows}


def line(areas: dict[str, Area], area_id: str) -> tuple[str, ...]:
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


def require(areas: dict[str, Area], wanted: Iterable[str]) -> None:
    """Raise InvalidError, naming the areas that do not stand."""
    unknown = sorted(set(wanted) - set(areas))
    if unknown:
        names = ", ".join(unknown)
        raise InvalidError(
            f"Không có địa bàn: {names}. Chọn địa bàn trong danh sách.",
            f"There is no such area: {names}. Choose from the list of areas.",
            areas=unknown,
        )
