"""The map: receivers where they stand, which changes seldom and is fetched once, and how each is now, which is one digit of each."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.area_tree import tree_of
from api.web.operations import stream_of
from broadcaster.operating.spots import ORDER, Spot
from broadcaster.people import Actor, Right
from broadcaster.station import Station

router = pages.router()
ROWS = 40
AreaQuery = Annotated[str | None, Query(max_length=64)]


@dataclass(frozen=True)
class Drawn:
    """What the map is drawn of: by area its name and its receivers, of each id, name, latitude and longitude; in the same order a digit of each, its place in `ORDER`."""

    places: list[tuple[str, list[tuple[str, str, float, float]]]]
    now: str

    @property
    def name(self) -> str:
        """The same for the same places, whichever process is asked."""
        return hashlib.sha256(json.dumps(self.places).encode()).hexdigest()[:16]


def drawn_of(spots: Sequence[Spot]) -> Drawn:
    """Of those with a position."""
    areas: dict[str, tuple[str, list[tuple[str, str, float, float]]]] = {}
    digits: dict[str, list[str]] = {}
    for spot in sorted(spots, key=lambda each: (each.area, each.receiver)):
        if spot.position is None:
            continue
        row = (spot.receiver, spot.name, round(spot.position.latitude, 5), round(spot.position.longitude, 5))  # to 1 m
        areas.setdefault(spot.area, (spot.area_name, []))[1].append(row)
        digits.setdefault(spot.area, []).append(str(ORDER.index(spot.standing)))
    return Drawn(list(areas.values()), "".join("".join(each) for each in digits.values()))


@router.get("/operations/map")
def on_the_map(request: Request, station: StationDep, actor: ActorDep, area: AreaQuery = None) -> Response:
    """Receivers on a map, and the same in words; the map's library is fetched on this page alone.

    The page's script is given what is live of it alone, and nothing if that is what it has.
    """
    spots = station.operating.spots(actor, area or None)
    live = _live(spots, actor)
    if request.headers.get("hx-request") == "true":
        answer = pages.page(request, "_map_spots.html", actor=actor, **live)
        answer.headers["ETag"] = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
        if request.headers.get("if-none-match") == answer.headers["ETag"]:
            return Response(status_code=304, headers={"ETag": answer.headers["ETag"], "Cache-Control": "no-store"})
        return answer
    tree = tree_of(station)
    query = f"?{urlencode({'area': area})}" if area else ""
    return pages.page(
        request,
        "map.html",
        actor=actor,
        outlines=_outlines(station, actor, spots),
        tree=tree,
        area=area or None,
        query=query,
        stream=stream_of(area),
        **live,
    )


@router.get("/operations/map/places")
def places(station: StationDep, actor: ActorDep, area: AreaQuery = None) -> Response:
    """What the map is drawn of."""
    drawn = drawn_of(station.operating.spots(actor, area or None))
    content = {"name": drawn.name, "now": drawn.now, "places": drawn.places}
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _live(spots: Sequence[Spot], actor: Actor) -> dict[str, Any]:
    placed = [each for each in spots if each.position is not None]
    return {
        "drawn": drawn_of(spots),
        "counts": Counter(each.standing for each in placed),
        "standings": ORDER,
        "failing": [each for each in placed if each.standing in ("lost", "trouble")][:ROWS],
        "unplaced": [each for each in spots if each.position is None],
        "rows": ROWS,
        "may_operate": actor.may(Right.OPERATE),
    }


def _outlines(station: Station, actor: Actor, spots: Sequence[Spot]) -> list[Any]:
    """Those of the areas above what is drawn; the province's would frame everything."""
    tree = tree_of(station)
    at = {spot.area for spot in spots if spot.position is not None and spot.area in tree.areas}
    around = {above.id for each in at for above in tree.way(each)}
    return list(
        station.outlines.of(actor, around - {root.id for root in tree.roots if root.kind == "province"}).values()
    )
