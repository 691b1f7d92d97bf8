"""Outlines of areas for the map: GeoJSON geometries (RFC 7946), longitude before latitude."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select

from broadcaster import audit
from broadcaster.areas import areas_on, day_of, require
from broadcaster.clock import Clock
from broadcaster.people import Actor, Right
from broadcaster.storage.database import Database
from broadcaster.storage.models import AreaOutline
from schedules.unfit import UnfitError

MOST_POSITIONS = 20_000
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Ring = Annotated[tuple[tuple[Longitude, Latitude], ...], Field(min_length=4)]
PolygonRings = Annotated[tuple[Ring, ...], Field(min_length=1)]


class Outline(BaseModel):
    """A Polygon or MultiPolygon: rings that end where they begin, the first of each polygon around it, the others holes."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"type": "Polygon", "coordinates": [[[106.3, 20.9], [106.4, 20.9], [106.4, 21], [106.3, 20.9]]]}
            ]
        },
    )
    type: Literal["Polygon", "MultiPolygon"]
    coordinates: PolygonRings | Annotated[tuple[PolygonRings, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        first: Any = self.coordinates[0][0][0]
        if isinstance(first, float) == (self.type == "MultiPolygon"):
            raise UnfitError(f"Tọa độ này không phải của {self.type}.", f"These are no coordinates of a {self.type}.")
        if any(ring[0] != ring[-1] for ring in self.rings):
            raise UnfitError("Mỗi vòng của ranh giới phải kết thúc ở điểm bắt đầu.", "A ring must end where it begins.")
        if self.positions > MOST_POSITIONS:
            raise UnfitError(
                f"Ranh giới có hơn {MOST_POSITIONS} điểm: hãy giản lược.",
                f"More than {MOST_POSITIONS} positions: simplify it.",
            )
        return self

    @property
    def rings(self) -> tuple[Any, ...]:
        """All rings of all polygons."""
        polygons: Any = (self.coordinates,) if self.type == "Polygon" else self.coordinates
        return tuple(ring for polygon in polygons for ring in polygon)

    @property
    def positions(self) -> int:
        """How many corners it has."""
        return sum(len(ring) for ring in self.rings)


class Outlines:
    """Keeping and giving them."""

    def __init__(self, database: Database, clock: Clock, *, zone: str) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone

    def put(self, actor: Actor, area: str, outline: Outline | None) -> None:
        """Replace an area's outline; None takes it away. Raises InvalidError for an area that does not stand."""
        actor.need(Right.OPERATE, area)
        now = self._clock.now()
        with self._database.writing() as session:
            require(areas_on(session, day_of(now, self._zone)), [area])
            row = session.get(AreaOutline, area)
            if outline is None and row is not None:
                session.delete(row)
            elif outline is not None:
                geometry = outline.model_dump(mode="json")
                session.merge(AreaOutline(area_id=area, geometry=geometry, person_id=actor.id, changed_at=now))
            details = {"positions": outline.positions if outline is not None else 0}
            audit.note(session, actor, "area-outlined", area, at=now, areas=[area], details=details)

    def of(self, actor: Actor, areas: Collection[str] | None = None) -> Mapping[str, dict[str, Any]]:
        """The geometries that are known, of these areas or of all, by area."""
        actor.need(Right.READ)
        query = select(AreaOutline.area_id, AreaOutline.geometry)
        if areas is not None:
            query = query.where(AreaOutline.area_id.in_(areas))
        with self._database.reading() as session:
            return dict(session.execute(query.order_by(AreaOutline.area_id)).all())
