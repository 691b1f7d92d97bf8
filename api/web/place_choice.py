"""Choosing places on a form: areas and groups as ticks."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import select

from api.web.area_tree import AreaTree, by_name
from broadcaster.areas import AreaOn, areas_on
from broadcaster.errors import InvalidError
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import ReceiverGroup
from broadcaster.targets import Targets

DRAWN = 150
"""Areas that are drawn; of a larger tree the villages are left out."""


@dataclass(frozen=True)
class PlaceChoice:
    """What there is to choose from."""

    tree: AreaTree
    nodes: Sequence[tuple[AreaOn, int]]
    groups: Sequence[ReceiverGroup]
    usual: tuple[str, ...]
    """What is ticked unless something else was chosen: one's own area, or the only commune."""


def choice_of(station: Station, actor: Actor, *rights: Right) -> PlaceChoice:
    """The areas in which this person has one of the rights, and the saved groups."""
    with station.database.reading() as session:
        tree = AreaTree(areas_on(session, station.today()))
        groups = sorted(session.scalars(select(ReceiverGroup)).all(), key=lambda row: by_name(row.name))
    within: set[str] | None = set()
    for right in rights:
        found = actor.within(right)
        within = None if within is None or found is None else within | found
    nodes = [(area, depth) for area, depth in tree.walk() if within is None or area.id in within]
    communes = [area.id for area, _ in nodes if area.kind == "commune"]
    if len(nodes) > DRAWN:
        nodes = [(area, depth) for area, depth in nodes if area.kind != "village"]
    least = min((depth for _, depth in nodes), default=0)
    usual = tuple(communes) if len(communes) == 1 else ()
    if actor.home is not None:
        usual = (actor.home,) if actor.home in tree.areas else actor.homes(Right.READ)
    return PlaceChoice(tree, [(area, depth - least) for area, depth in nodes], groups, usual)


def targets_of(areas: Sequence[str], groups: Sequence[str]) -> Targets:
    """What was chosen. Raises InvalidError for nothing."""
    try:
        return Targets(areas=tuple(areas), groups=tuple(groups))
    except ValidationError as error:
        raise InvalidError("Chọn ít nhất một nơi.", "Choose at least one place.", field="areas") from error


def said(tree: AreaTree, targets: Targets) -> str:
    """The names of the places."""
    names = [tree.areas[name].name if name in tree.areas else name for name in targets.areas]
    return ", ".join([*names, *targets.receivers])
