"""The tree of areas as pages show it: in the order in which people look for names, with the way down to each area."""

import re
from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import select

from broadcaster.areas import AreaOn, areas_on, line
from broadcaster.letters import plain
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import Area

Areas = Mapping[str, AreaOn]


def by_name(name: str) -> list[tuple[int, int, str]]:
    """For sorting: Thôn 2 stands before Thôn 10, Thôn Đoài beside Thôn Đông."""
    parts = re.split(r"(\d+)", plain(name))
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part]


class AreaTree:
    """The areas of one day; `ended` has names of those that stood before."""

    def __init__(self, areas: Areas, ended: Mapping[str, str] | None = None) -> None:
        self.areas = areas
        self._ended = ended or {}
        self._below: dict[str | None, list[AreaOn]] = {}
        for area in sorted(areas.values(), key=lambda area: by_name(area.name)):
            parent = area.parent_id if area.parent_id in areas else None
            self._below.setdefault(parent, []).append(area)

    @property
    def roots(self) -> list[AreaOn]:
        """The areas above which nothing stands."""
        return self._below.get(None, [])

    def below(self, area_id: str) -> list[AreaOn]:
        """The areas right under one."""
        return self._below.get(area_id, [])

    def walk(self, top: str | None = None, depth: int = 0) -> Iterator[tuple[AreaOn, int]]:
        """An area and all under it, or all areas, each with its depth, as one reads a table of contents."""
        for area in self.roots if top is None else [self.areas[top]]:
            yield area, depth
            for child in self.below(area.id):
                yield from self.walk(child.id, depth + 1)

    def way(self, area_id: str) -> list[AreaOn]:
        """From the root down to an area. Raises NotFoundError for one that does not stand."""
        return [self.areas[name] for name in line(self.areas, area_id)]

    def said(self, area_id: str) -> str:
        """The name with those above it, but without the topmost where there is only one; for one that is gone, its last name or its identifier."""
        if area_id not in self.areas:
            return self._ended.get(area_id, area_id)
        names = [area.name for area in self.way(area_id)]
        return ", ".join(reversed(names[1:] if len(self.roots) == 1 and len(names) > 1 else names))

    def options(self, within: Collection[str] | None = None) -> list[tuple[str, str]]:
        """For a list to choose from, of all areas or of some: what lies under another is set in."""
        shown = [(area, depth) for area, depth in self.walk() if within is None or area.id in within]
        least = min((depth for _, depth in shown), default=0)
        return [(area.id, "\u2003" * (depth - least) + area.name) for area, depth in shown]

    def options_ever(self, within: Collection[str] | None, ended: str) -> list[tuple[str, str]]:
        """The same, and behind them those that stand no more, with the word `ended`: what aired there is still looked for."""
        gone = [(area, f"{name} {ended}") for area, name in self._ended.items() if within is None or area in within]
        return [*self.options(within), *sorted(gone, key=lambda each: by_name(each[1]))]

    def first(self, actor: Actor) -> str | None:
        """The area that a page is about unless another is asked for: the person's own, or for whom the whole station is the first commune."""
        if actor.home in self.areas:
            return actor.home
        if actor.within() is not None:
            return next((home for home in actor.homes(Right.READ) if home in self.areas), None)
        communes = (area.id for area, _ in self.walk() if area.kind == "commune")
        return next(communes, self.roots[0].id if self.roots else None)


def tree_of(station: Station) -> AreaTree:
    """The areas as they stand today, with the names of those that stand no more: roles, the log and the audit trail still name them."""
    today = station.today()
    with station.database.reading() as session:
        ended = session.execute(select(Area.id, Area.name).where(Area.valid_to <= today)).all()
        return AreaTree(areas_on(session, today), dict(ended))
