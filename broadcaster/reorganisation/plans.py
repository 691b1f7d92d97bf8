"""Reorganisations: planned by one person, seen as a preview of all that changes, approved by another, undone until the day."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import String, cast, delete, or_, select, update
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.areas import day_of
from broadcaster.canonical import canonical_json, sha256_of
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.identity import new_id
from broadcaster.people import Actor, Right
from broadcaster.reorganisation.dependents import DEPENDENTS
from broadcaster.reorganisation.effects import Effects, ReorganisationPlan, effects_of
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import (
    Area,
    AreaMove,
    AreaSuccessor,
    Bulletin,
    Receiver,
    ReceiverMove,
    Reorganisation,
    Schedule,
)
from broadcaster.targets import Targets


class Reorganisations:
    """The merger tool of a station."""

    def __init__(self, database: Database, clock: Clock, *, zone: str, changed: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._changed = changed

    def plan(self, actor: Actor, plan: ReorganisationPlan) -> str:
        """Note down a plan that can be carried out; returns its id. Nothing changes yet."""
        actor.need(Right.OPERATE)
        now = self._clock.now()
        with self._database.writing() as session:
            effects_of(session, plan, today=day_of(now, self._zone))
            actor.need(Right.OPERATE, *_concerned(session, plan))
            row = Reorganisation(
                id=new_id(),
                title=plan.title,
                day=plan.day,
                plan=plan.model_dump(mode="json"),
                state="planned",
                planned_by=actor.id,
                planned_at=now,
            )
            session.add(row)
            session.flush()
            self._note(session, actor, "reorganisation-planned", row, details={"title": plan.title, "plan": row.plan})
            return row.id

    def preview(self, actor: Actor, reorganisation: str) -> tuple[dict[str, Any], str]:
        """All that would change if it were approved now, and the hash that `approve` wants back."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            row = find(session, reorganisation)
            if row.state != "planned":
                raise self._not_planned(row)
            found = self._preview(session, row)[0]
        return found, sha256_of(found)

    def approve(self, actor: Actor, reorganisation: str, *, preview_sha256: str) -> None:
        """Let it happen on its day. Raises ForbiddenError for whoever planned it, ConflictError if it is not what was seen."""
        actor.need(Right.RELEASE)
        now = self._clock.now()
        with self._database.writing() as session:
            row = find(session, reorganisation, changing=True)
            if row.state != "planned":
                raise self._not_planned(row)
            where = _concerned(session, ReorganisationPlan.model_validate(row.plan))
            actor.need(Right.RELEASE, *where)
            if row.planned_by == actor.id:
                raise ForbiddenError(
                    "Người lập kế hoạch không được tự duyệt. Hãy nhờ người duyệt khác.",
                    "Whoever planned it cannot approve it. Ask another approver.",
                )
            actor = actor.second_to(row.planned_by, Right.RELEASE, *where)
            seen, effects = self._preview(session, row)
            if sha256_of(seen) != preview_sha256:
                raise ConflictError(
                    "Kế hoạch sẽ thay đổi những thứ khác với bản bạn đã xem. Hãy xem lại rồi duyệt.",
                    "It would change other things than you saw. Look at the preview again, then approve.",
                )
            self._write(session, row, effects)
            row.state, row.approved_by, row.approved_at = "approved", actor.id, now
            row.preview, row.preview_sha256 = canonical_json(seen), preview_sha256
            self._note(session, actor, "reorganisation-approved", row, details={"preview_sha256": preview_sha256})
        self._changed()

    def undo(self, actor: Actor, reorganisation: str, reason: str) -> None:
        """Take it back, planned or approved. Raises ConflictError from its day on: what has happened stays."""
        actor.need(Right.OPERATE)
        if not reason.strip():
            raise InvalidError("Hãy ghi lý do hủy.", "Say why it is undone.", field="reason")
        now = self._clock.now()
        with self._database.writing() as session:
            row = find(session, reorganisation, changing=True)
            actor.need(Right.OPERATE, *_concerned(session, ReorganisationPlan.model_validate(row.plan)))
            if row.state not in ("planned", "approved") or row.day <= day_of(now, self._zone):
                raise ConflictError(
                    "Đã đến ngày có hiệu lực hoặc đã hủy; không hủy được nữa. Lập kế hoạch mới để đổi lại.",
                    "Its day has come, or it is undone already. Plan another one to change things back.",
                    state=row.state,
                )
            if row.state == "approved":
                self._unwrite(session, row)
            row.state, row.undone_by, row.undone_at, row.undone_reason = "undone", actor.id, now, reason.strip()
            self._note(session, actor, "reorganisation-undone", row, details={"reason": row.undone_reason})
        self._changed()

    def _note(
        self, session: Session, actor: Actor, action: str, row: Reorganisation, *, details: dict[str, Any]
    ) -> None:
        where = _concerned(session, ReorganisationPlan.model_validate(row.plan))
        right = Right.RELEASE if action == "reorganisation-approved" else None
        audit.note(session, actor, action, row.id, at=self._clock.now(), areas=where, right=right, details=details)

    @staticmethod
    def _not_planned(row: Reorganisation) -> ConflictError:
        return ConflictError(
            "Kế hoạch này đã có người xử lý.", f"Only a plan can be approved; this one is {row.state}.", state=row.state
        )

    def _preview(self, session: Session, row: Reorganisation) -> tuple[dict[str, Any], Effects]:
        plan = ReorganisationPlan.model_validate(row.plan)
        effects = effects_of(session, plan, today=day_of(self._clock.now(), self._zone), own=row.id)
        return preview_of(session, plan, effects), effects

    @staticmethod
    def _write(session: Session, row: Reorganisation, effects: Effects) -> None:
        plan = ReorganisationPlan.model_validate(row.plan)
        for area in plan.areas:
            # Its first parent may begin with it: rows go in one by one, parents first.
            session.add(Area(id=area.id, name=area.name, kind=area.kind, parent_id=None, valid_from=row.day))
        session.flush()
        for area in plan.areas:
            session.execute(update(Area).where(Area.id == area.id).values(parent_id=effects.after[area.id].parent_id))
        session.execute(update(Area).where(Area.id.in_(effects.successors)).values(valid_to=row.day))
        for name, parent in effects.parents.items():
            if name in effects.before.areas:
                session.add(AreaMove(area_id=name, day=row.day, parent_id=parent, reorganisation_id=row.id))
        for name, into in effects.successors.items():
            session.add_all(
                AreaSuccessor(area_id=name, successor_id=area, day=row.day, reorganisation_id=row.id) for area in into
            )
        for name, home in effects.homes.items():
            session.add(ReceiverMove(receiver_id=name, day=row.day, area_id=home, reorganisation_id=row.id))
        session.flush()

    @staticmethod
    def _unwrite(session: Session, row: Reorganisation) -> None:
        plan = ReorganisationPlan.model_validate(row.plan)
        ended = select(AreaSuccessor.area_id).where(AreaSuccessor.reorganisation_id == row.id)
        session.execute(
            update(Area).where(Area.id.in_(ended)).values(valid_to=None).execution_options(synchronize_session=False)
        )
        for table in (AreaMove, AreaSuccessor, ReceiverMove):
            session.execute(delete(table).where(table.reorganisation_id == row.id))
        new = [area.id for area in plan.areas]
        for dependent in DEPENDENTS:
            session.execute(delete(dependent.table).where(dependent.area.in_(new)))
        session.execute(update(Area).where(Area.id.in_(new)).values(parent_id=None))
        session.execute(delete(Area).where(Area.id.in_(new)))


def _concerned(session: Session, plan: ReorganisationPlan) -> set[str]:
    """The areas that it changes or changes into, as far as they are there before: whoever decides serves all of them."""
    named = {
        *(area.parent for area in plan.areas),
        *(name for ending in plan.endings for name in (ending.area, *ending.into)),
        *(name for move in plan.moves for name in (move.area, move.to)),
        *(move.to for move in plan.receivers),
    }
    receivers = [move.receiver for move in plan.receivers]
    homes = set(session.scalars(select(Receiver.area_id).where(Receiver.id.in_(receivers)))) if receivers else set()
    return (named | homes) - {area.id for area in plan.areas}


def find(session: Session, reorganisation: str, *, changing: bool = False) -> Reorganisation:
    """The reorganisation, or NotFoundError. Whoever is `changing` it holds it until the transaction ends."""
    row = session.get(Reorganisation, reorganisation, with_for_update=HELD if changing else None)
    if row is None:
        raise NotFoundError(
            f"Không có kế hoạch sáp nhập '{reorganisation}'.", f"There is no reorganisation '{reorganisation}'."
        )
    return row


def preview_of(session: Session, plan: ReorganisationPlan, effects: Effects) -> dict[str, Any]:
    """What people look at before they approve: areas, receivers, what airs where, and what else follows."""
    before, lines = effects.before, effects.lines
    names = {**{area.id: area.name for area in before.areas.values()}, **{a.id: a.name for a in effects.after.values()}}

    def said(line: tuple[str, ...]) -> str | None:
        return " › ".join(names[area] for area in line) or None

    touched = {*effects.successors, *effects.parents, *(area.id for area in plan.areas)}
    moving = [place for place in before.receivers.values() if before.lines[place.area_id] != effects.line_after(place)]
    merged: dict[str, list[str]] = {}
    for area, successors in sorted(effects.successors.items()):
        if len(successors) == 1:
            merged.setdefault(successors[0], []).append(area)
    return {
        "title": plan.title,
        "day": plan.day.isoformat(),
        "areas": [
            {
                "id": area,
                "before": said(before.lines.get(area, ())),
                "after": said(lines.get(area, ())),
                "becomes": list(effects.successors.get(area, ())),
            }
            for area in sorted(touched)
        ],
        "receivers": {
            "rehomed": len(moving),
            "told_one_by_one": sorted(place.id for place in moving if place.id in {r.receiver for r in plan.receivers}),
            "moved": [
                {"id": name, "from": before.receivers[name].area_id, "to": home}
                for name, home in sorted(effects.homes.items())
            ],
        },
        "schedules": _schedules(session, effects),
        "follow": [
            {"what": dependent.name, "area": area, "rows": count, "to": list(effects.successors[area])}
            for dependent in DEPENDENTS
            for area in sorted(effects.successors)
            if (count := len(dependent.rows(session, area)))
        ],
        # Where several areas become one and differ, that of the first goes along: look at it after the day.
        "differ": [
            {"what": dependent.name, "areas": areas, "to": into, "keys": keys}
            for into, areas in sorted(merged.items())
            for dependent in DEPENDENTS
            if (keys := dependent.clashes(session, areas))
        ],
    }


def _schedules(session: Session, effects: Effects) -> list[dict[str, Any]]:
    """Bulletins that name an area which ends: where they air from the day on, and how many receivers more or fewer."""
    ended = sorted(effects.successors)
    if not ended:
        return []
    text = cast(Schedule.targets, String)
    rows = session.execute(
        select(Bulletin.id, Bulletin.title, Bulletin.state, Schedule.targets)
        .join(Bulletin, Bulletin.id == Schedule.bulletin_id)
        .where(Bulletin.state != "withdrawn", or_(*(text.contains(f'"{area}"') for area in ended)))
        .order_by(Bulletin.id, Schedule.id)
    )
    homes: dict[str, set[str]] = {}
    for place in effects.before.receivers.values():
        for area in effects.line_after(place):
            homes.setdefault(area, set()).add(place.id)
    found = []
    for bulletin, title, state, raw in rows:
        targets = Targets.model_validate(raw)
        to = sorted({into for area in targets.areas for into in effects.successors.get(area, (area,))})
        before = {place.id for place in effects.before.resolve(targets).receivers} if not targets.groups else set()
        found.append(
            {
                "bulletin": bulletin,
                "title": title,
                "state": state,
                "from": list(targets.areas),
                "to": to,
                "receivers_before": len(before),
                "receivers_after": len(set().union(*(homes.get(area, set()) for area in to))),
            }
        )
    return found
