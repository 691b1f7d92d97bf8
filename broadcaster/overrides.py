"""One airing is changed by hand: it does not air, it airs at another time, or clashing priority items are put in order."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from broadcaster.groups import areas_in
from broadcaster.identity import Signatory
from broadcaster.lawful import Permits, PolicyError, item_of, plan_with
from broadcaster.orders import renewed, take_back
from broadcaster.people import Actor, Right
from broadcaster.places import PlacesByDay
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Airing, Bulletin, OrderRecord, Release
from broadcaster.targets import Targets
from broadcaster.whereabouts import heard_in
from schedules.airtime import judge, said
from schedules.day_plan import DayPlan
from schedules.priorities import Item, in_succession
from schedules.refusals import Language

LANGUAGES: tuple[Language, ...] = ("vi", "en")
LATE_LIMIT = timedelta(hours=1)
"""Longer than any order may be late, to find what closed hours leave of it."""
NOTICE = timedelta(seconds=10)
"""What begins so soon is not moved any more: a receiver may be about to begin it."""


class Overrides:
    """Changes of single airings; the rules that they came from stay as they are."""

    def __init__(
        self, database: Database, clock: Clock, signatory: Signatory, *, zone: str, changed: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._zone = zone
        self._changed = changed

    def skip(self, actor: Actor, airing_id: str, *, reason: str) -> None:
        """Let one airing not air; the others of its rule do."""
        now = self._clock.now()
        with self._database.writing() as session:
            airing, order = self._held(session, airing_id)
            where = _need_say(session, actor, airing)
            if order is not None:
                take_back(order, now=now, signatory=self._signatory, reason=reason)
            airing.state, airing.state_reason = "cancelled", reason
            right = actor.say(*where)
            audit.note(session, actor, "airing-skipped", airing.id, at=now, areas=where, right=right, reason=reason)
        self._changed()

    def move(self, actor: Actor, airing_id: str, *, to: datetime, reason: str) -> None:
        """Let one airing begin at another instant. A time is part of what was approved, so an approver who is not the author decides.

        Raises PolicyError where no policy allows that time, ConflictError for what has begun or is too near.
        """
        actor.need(Right.RELEASE)
        actor.need_proof()
        now = self._clock.now()
        with self._database.writing() as session:
            airing, order = self._held(session, airing_id)
            where = _heard_in(session, airing)
            actor.need(Right.RELEASE, *where)
            author = session.get_one(Bulletin, airing.bulletin_id).author_id
            if author == actor.id:
                raise ForbiddenError(
                    "Người soạn không được tự đổi giờ bản tin đã duyệt. Hãy nhờ người duyệt khác.",
                    "The author cannot move what was released. Ask another approver.",
                )
            actor = actor.second_to(author, Right.RELEASE, *where)
            if min(to, airing.starts_at or airing.due_at) < now + NOTICE:
                raise ConflictError("Giờ này quá gần hoặc đã qua.", "That time is too near, or over.", field="to")
            places = PlacesByDay(session, self._zone)
            item = self._item(places, airing, at=to)
            targets = Targets.model_validate(airing.targets)
            plan = plan_with(session, places, [(item, targets)], now=now).changed(removed=[airing.id])
            _require_lawful(plan, [item], now)
            self._retime(session, places, airing, order, to=to, now=now)
            details = {"due_at": airing.due_at.isoformat(), "to": to.isoformat()}
            audit.note(
                session,
                actor,
                "airing-moved",
                airing.id,
                at=now,
                areas=where,
                right=Right.RELEASE,
                reason=reason,
                details=details,
            )
        self._changed()

    def decide(self, actor: Actor, airings: Sequence[str]) -> list[tuple[str, datetime]]:
        """The commune's own order of clashing `priority` items (Thông tư 39/2020/TT-BTTTT): one begins after the other.

        Returns each airing's instant. Raises InvalidError for airings that are no `priority` items or do not clash, PolicyError where the last of
        them would come into closed hours or exceed a quota.
        """
        now = self._clock.now()
        if len(set(airings)) < 2 or len(set(airings)) < len(airings):
            raise InvalidError("Chọn ít nhất hai lượt phát khác nhau.", "Name at least two different airings.")
        with self._database.writing() as session:
            places = PlacesByDay(session, self._zone)
            releases = select(Airing.release_id).where(Airing.id.in_(airings))
            # In one order, whatever the order wanted: two who decide at once, or a planner, must not wait for each other.
            session.scalars(
                select(Release.id).where(Release.id.in_(releases)).order_by(Release.id).with_for_update(**HELD)
            ).all()
            held = [self._held(session, airing) for airing in airings]
            where = set[str | None]().union(*(_need_say(session, actor, airing) for airing, _ in held))
            wrong = [airing.title for airing, _ in held if airing.priority != "priority"]
            if wrong:
                names = ", ".join(wrong)
                raise InvalidError(f"Không phải tin ưu tiên: {names}.", f"No priority items: {names}.")
            for position, (airing, _) in enumerate(held, start=1):
                airing.position, airing.starts_at = position, None
            items = {airing.id: self._item(places, airing, at=airing.due_at) for airing, _ in held}
            settled = {item.id: item.due_at for item in in_succession(list(items.values()))}
            first = min(item.due_at for item in items.values())
            if settled[held[0][0].id] != first:
                raise InvalidError("Các lượt phát này không trùng nhau.", "These airings do not clash.")
            if min(settled.values()) < now + NOTICE:
                raise ConflictError("Có lượt phát sắp bắt đầu hoặc đã qua.", "One of them begins too soon, or is over.")
            proposals = [
                (replace(items[airing.id], due_at=settled[airing.id]), Targets.model_validate(airing.targets))
                for airing, _ in held
            ]
            plan = plan_with(session, places, sorted(proposals, key=lambda pair: pair[0].due_at), now=now)
            _require_lawful(plan.changed(removed=list(airings)), [item for item, _ in proposals], now)
            for airing, order in held:
                self._retime(session, places, airing, order, to=settled[airing.id], now=now)
            audit.note(
                session,
                actor,
                "clash-decided",
                airings[0],
                at=now,
                areas=where,
                right=actor.say(*where),
                details={"order": list(airings)},
            )
        self._changed()
        return [(airing, settled[airing]) for airing in airings]

    def _held(self, session: Session, airing_id: str) -> tuple[Airing, OrderRecord | None]:
        """The airing and its order while neither has begun; its release is held, as by whoever voids or renews."""
        row = session.get(Airing, airing_id)
        if row is None:
            raise NotFoundError(f"Không có lượt phát '{airing_id}'.", f"There is no airing '{airing_id}'.")
        session.scalar(select(Release.id).where(Release.id == row.release_id).with_for_update(**HELD))
        session.refresh(row)
        if row.state not in ("planned", "dispatched") or (row.starts_at or row.due_at) <= self._clock.now():
            raise ConflictError("Lượt phát đã qua hoặc đã hủy.", f"The airing is over ({row.state}).", state=row.state)
        return row, session.scalar(select(OrderRecord).where(OrderRecord.airing_id == row.id))

    @staticmethod
    def _item(places: PlacesByDay, airing: Airing, *, at: datetime) -> Item:
        reached = places.at(at).resolve(Targets.model_validate(airing.targets)).receivers
        return replace(item_of(airing, frozenset(place.id for place in reached)), due_at=at)

    def _retime(
        self,
        session: Session,
        places: PlacesByDay,
        airing: Airing,
        order: OrderRecord | None,
        *,
        to: datetime,
        now: datetime,
    ) -> None:
        airing.starts_at = None if to == airing.due_at else to
        if order is not None and order.play_at != to:
            resolution = places.at(to).resolve(Targets.model_validate(airing.targets))
            # What may begin late is cut anew: closed hours may be nearer to the new time.
            _, late_limit, _ = Permits(places).check(
                resolution,
                at=to,
                duration=timedelta(milliseconds=airing.duration_ms),
                priority=airing.priority,  # type: ignore[arg-type]  # one of the three
                late_limit=LATE_LIMIT,
            )
            limit = late_limit if late_limit < LATE_LIMIT else None
            values = renewed(order, resolution, now=now, signatory=self._signatory, play_at=to, late_limit=limit)
            session.execute(update(OrderRecord).where(OrderRecord.id == order.id).values(**values))
        session.flush()


def _require_lawful(plan: DayPlan, items: Sequence[Item], now: datetime) -> None:
    """Raise PolicyError for the first of the items, one after the other, that a policy does not allow in the plan."""
    for item in items:
        airtimes = plan.airtimes(item.receivers)
        verdict = judge(item, airtimes, not_before=now)
        if not verdict.lawful:
            vi, en = (" ".join(said(verdict, language, in_force=airtimes[0].in_force)) for language in LANGUAGES)
            raise PolicyError(vi, en)
        plan = plan.changed(added=[item])


def _heard_in(session: Session, airing: Airing) -> set[str | None]:
    if airing.targets is not None:
        return {*areas_in(session, [airing.targets])}
    return heard_in(session, session.get_one(Bulletin, airing.bulletin_id))


def _need_say(session: Session, actor: Actor, airing: Airing) -> set[str | None]:
    """Whoever releases or operates wherever it is heard has a say in when it airs."""
    areas = _heard_in(session, airing)
    actor.need(actor.say(*areas), *areas)
    return areas
