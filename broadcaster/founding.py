"""Founding a station's areas: the first tree is entered by its administrator, who also mends a name that was mistyped.

Communes that merge, split or move later do so by a reorganisation, which two people decide and which has its day.
"""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import date

from sqlalchemy import select

from audio.script import nfc
from broadcaster import audit
from broadcaster.areas import KINDS, AreaOn, areas_on, day_of, require
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError
from broadcaster.letters import plain
from broadcaster.people import Actor, Right
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Area

LONGEST_NAME = 200
MOST_AT_ONCE = 500


def identifier_of(name: str, day: date, taken: Collection[str]) -> str:
    """xa-tan-phong; xa-tan-phong-2027 where that is or was another's."""
    base = re.sub(r"[^a-z0-9]+", "-", plain(name)).strip("-")[:50].strip("-") or "dia-ban"
    candidates = (base, f"{base}-{day.year}", *(f"{base}-{day.year}-{number}" for number in range(2, 1000)))
    return next(candidate for candidate in candidates if candidate not in taken)


class Founding:
    """Adding areas and mending their names."""

    def __init__(self, database: Database, clock: Clock, *, zone: str, changed: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._changed = changed

    def add(self, actor: Actor, *, parent: str | None, kind: str, names: Sequence[str]) -> list[str]:
        """Areas under `parent` (None: at the top) that stand from today on; returns their ids. All are added, or none.

        Raises ForbiddenError, InvalidError for names that are empty or too long and kinds that do not go there, ConflictError for a name that
        stands there already.
        """
        actor.need(Right.ADMINISTER, parent)
        wanted = [nfc(" ".join(name.split())) for name in names]
        if not wanted or not all(wanted):
            raise InvalidError("Ghi tên địa bàn.", "Give the area's name.", field="names")
        if len(wanted) > MOST_AT_ONCE:
            raise InvalidError(
                f"Thêm nhiều nhất {MOST_AT_ONCE} địa bàn một lần.",
                f"Add at most {MOST_AT_ONCE} at once.",
                field="names",
            )
        _require_short(wanted)
        now = self._clock.now()
        day = day_of(now, self._zone)
        made: list[str] = []
        with self._database.writing() as session:
            areas = areas_on(session, day)
            require(areas, [] if parent is None else [parent])
            _require_fit(kind, areas[parent] if parent is not None else None)
            _require_free(areas, parent, wanted)
            taken = set(session.scalars(select(Area.id)))
            for name in wanted:
                made.append(identifier_of(name, day, taken))
                taken.add(made[-1])
                session.add(Area(id=made[-1], name=name, kind=kind, parent_id=parent, valid_from=day))
            session.flush()
            details = {"areas": dict(zip(made, wanted, strict=True)), "kind": kind}
            audit.note(session, actor, "area-added", parent or "", at=now, areas=[parent], details=details)
        self._changed()
        return made

    def rename(self, actor: Actor, area: str, name: str) -> None:
        """Mend a name. What was logged keeps the name that stood then. Raises ForbiddenError, InvalidError, ConflictError."""
        actor.need(Right.ADMINISTER, area)
        wanted = nfc(" ".join(name.split()))
        if not wanted:
            raise InvalidError("Ghi tên địa bàn.", "Give the area's name.", field="name")
        _require_short([wanted])
        now = self._clock.now()
        with self._database.writing() as session:
            areas = areas_on(session, day_of(now, self._zone))
            require(areas, [area])
            row = session.get_one(Area, area, with_for_update=HELD)
            if row.name == wanted:
                return
            _require_free(areas, areas[area].parent_id, [wanted])
            before, row.name = {"name": row.name}, wanted
            audit.note(
                session, actor, "area-renamed", area, at=now, areas=[area], before=before, after={"name": wanted}
            )
        self._changed()


def _require_short(names: Sequence[str]) -> None:
    if any(len(name) > LONGEST_NAME for name in names):
        raise InvalidError(
            f"Tên địa bàn dài nhất {LONGEST_NAME} ký tự.",
            f"An area's name has at most {LONGEST_NAME} characters.",
            field="names",
        )


def _require_fit(kind: str, parent: AreaOn | None) -> None:
    if kind not in KINDS or (parent is not None and KINDS.index(kind) <= KINDS.index(parent.kind)):
        raise InvalidError(
            "Cấp địa bàn không hợp: dưới tỉnh là xã, dưới xã là thôn.",
            "That kind does not go there: communes lie in a province, villages in a commune.",
            field="kind",
        )


def _require_free(areas: dict[str, AreaOn], parent: str | None, names: Sequence[str]) -> None:
    there = {area.name.casefold() for area in areas.values() if area.parent_id == parent}
    for name in names:
        if name.casefold() in there:
            raise ConflictError(
                f"Ở đây đã có địa bàn tên “{name}”.", f"There is an area named “{name}” here already.", field="names"
            )
        there.add(name.casefold())
