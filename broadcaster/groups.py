"""Groups: targets saved under a name. A release binds to what a group is when it is released, not to its name."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError, NotFoundError
from broadcaster.identity import new_id
from broadcaster.people import Actor, Right
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Area, Receiver, ReceiverGroup
from broadcaster.targets import Targets
from broadcaster.unchanged import require_unchanged


def expanded(session: Session, targets: dict[str, Any]) -> dict[str, Any]:
    """The targets with what their groups hold in place of the groups. Raises NotFoundError for a group that is gone."""
    given = Targets.model_validate(targets)
    if not given.groups:
        return targets
    areas, receivers, excluded, without = (
        dict.fromkeys(names) for names in (given.areas, given.receivers, given.excluded, given.excluded_areas)
    )
    for group in given.groups:
        row = session.get(ReceiverGroup, group)
        if row is None:
            raise NotFoundError(
                "Nhóm đã chọn làm nơi phát không còn. Chọn lại nơi phát.",
                "The group that was chosen is gone. Choose again where it airs.",
                group=group,
            )
        held = Targets.model_validate(row.targets)
        for names, more in (
            (areas, held.areas),
            (receivers, held.receivers),
            (excluded, held.excluded),
            (without, held.excluded_areas),
        ):
            names.update(dict.fromkeys(more))
    found = Targets(
        areas=tuple(areas),
        receivers=tuple(receivers),
        excluded=tuple(excluded),
        excluded_areas=tuple(without),
        kinds=given.kinds,
    )
    return found.model_dump(mode="json")


class Groups:
    """The saved groups of a station."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def save(
        self, actor: Actor, *, name: str, targets: Targets, group: str | None = None, seen: str | None = None
    ) -> str:
        """A new group, or another content for `group`; returns its id. `seen` is what it was when it was read (`state_of`).

        Raises ConflictError where the name is taken, StaleError where it is another by now.
        """
        actor.need(Right.OPERATE)
        if targets.groups:
            raise InvalidError("Nhóm không chứa nhóm khác.", "A group holds no other groups.", field="targets")
        with self._database.writing() as session:
            same = session.scalar(select(ReceiverGroup.id).where(ReceiverGroup.name == name))
            if same is not None and same != group:
                raise ConflictError(f"Đã có nhóm tên '{name}'.", f"There is a group named '{name}'.")
            known = set(session.scalars(select(Area.id)))
            unknown = sorted({*targets.areas, *targets.excluded_areas} - known)
            unknown += [name for name in (*targets.receivers, *targets.excluded) if session.get(Receiver, name) is None]
            if unknown:
                names = ", ".join(unknown)
                raise InvalidError(f"Không có: {names}.", f"There is no such area or receiver: {names}.")
            row = self._find(session, group) if group is not None else ReceiverGroup(id=new_id())
            _need_all(session, actor, targets.model_dump(mode="json"), *([row.targets] if group is not None else []))
            before = audit.state(row) if group is not None else None
            if group is not None:
                require_unchanged(seen, state_of(row))
            row.name, row.targets = name, targets.model_dump(mode="json")
            row.changed_by, row.changed_at = actor.id, self._clock.now()
            session.add(row)
            session.flush()
            where, now = areas_in(session, [targets]), self._clock.now()
            after = audit.state(row)
            audit.note(session, actor, "group-saved", row.id, at=now, areas=where, before=before or {}, after=after)
            return row.id

    def remove(self, actor: Actor, group: str) -> None:
        """Forget a group; what was released with it stands."""
        actor.need(Right.OPERATE)
        with self._database.writing() as session:
            row = self._find(session, group)
            _need_all(session, actor, row.targets)
            where, now = areas_in(session, [row.targets]), self._clock.now()
            audit.note(session, actor, "group-removed", row.id, at=now, areas=where, before=audit.state(row))
            session.delete(row)

    @staticmethod
    def _find(session: Session, group: str) -> ReceiverGroup:
        row = session.get(ReceiverGroup, group, with_for_update=HELD)
        if row is None:
            raise NotFoundError(f"Không có nhóm '{group}'.", f"There is no group '{group}'.")
        return row


def state_of(row: ReceiverGroup) -> dict[str, Any]:
    """What a group is, as an edit has to have seen it."""
    return {"name": row.name, **Targets.model_validate(row.targets).model_dump(mode="json", exclude={"groups"})}


def areas_in(session: Session, targets: Iterable[Targets | Mapping[str, Any]]) -> set[str]:
    """The areas that targets name, by themselves, by their groups and by where their receivers stand. Raises NotFoundError."""
    found: set[str] = set()
    receivers: set[str] = set()
    for each in targets:
        raw = each.model_dump(mode="json") if isinstance(each, Targets) else dict(each)
        given = Targets.model_validate(expanded(session, raw))
        found.update(given.areas)
        receivers.update(given.receivers)
    if receivers:
        found.update(session.scalars(select(Receiver.area_id).where(Receiver.id.in_(receivers))))
    return found


def _need_all(session: Session, actor: Actor, *targets: dict[str, Any]) -> None:
    actor.need(Right.OPERATE, *areas_in(session, targets))
