"""Policies of areas in the database: what may air where and when, inherited down the tree."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.areas import areas_on, day_of, line
from broadcaster.clock import Clock
from broadcaster.errors import NotFoundError, StaleError
from broadcaster.people import Actor, Right
from broadcaster.positions import Position
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import AreaPolicy, Receiver
from devices.wire.messages import GainCeiling, Hours
from schedules.airtime import Airtime, Verdict, judge
from schedules.hours import InForce, Standing
from schedules.policies import NATIONAL, NATIONAL_POLICY, Policies, Policy, Spot
from schedules.policy_rules import QuietHours, SpecialPlace, VolumeCeiling, Weekdays
from schedules.priorities import Item

LOWEST_GAIN_DB = -60.0


def load(session: Session, names: Mapping[str, str], zone: str) -> Policies:
    """The policies of all areas, by their names as people read them, with the national defaults unless the station has its own."""
    rows = {
        area: Policy.model_validate(policy)
        for area, policy in session.execute(select(AreaPolicy.area_id, AreaPolicy.policy))
    }
    national = rows.pop(NATIONAL, NATIONAL_POLICY)
    return Policies(rows, names=names, national=national, zone=zone)


def breaks_glass(session: Session, area_line: Iterable[str]) -> bool:
    """Whether one person may issue an emergency there: what the nearest area says that says anything; else no."""
    said = dict(session.execute(select(AreaPolicy.area_id, AreaPolicy.break_glass)).all())
    return next(
        (value for area in (*reversed(tuple(area_line)), NATIONAL) if (value := said.get(area)) is not None), False
    )


def quiet_hours(in_force: InForce) -> tuple[Hours, ...]:
    """Hours and weekdays on which nothing sounds, as a receiver checks them again by itself."""
    found: list[Hours] = []
    for standing in in_force.standing:
        rule = standing.rule
        if isinstance(rule, QuietHours):
            days = tuple(day + 1 for day in sorted(rule.weekdays)) or (1, 2, 3, 4, 5, 6, 7)
            found.append(Hours(days=days, start=_wall(rule.begins), end=_wall(rule.ends)))
        elif isinstance(rule, Weekdays) and (closed := tuple(day + 1 for day in range(7) if day not in rule.days)):
            found.append(Hours(days=closed, start="00:00", end="00:00"))
    return tuple(dict.fromkeys(found))


def gain_ceilings(in_force: InForce, full_volume_dba: int | None) -> tuple[GainCeiling, ...]:
    """Volume ceilings as gains; none for a receiver whose loudness was never measured, which nobody can turn down rightly."""
    if full_volume_dba is None:
        return ()
    ceilings = [standing.rule for standing in in_force.standing if isinstance(standing.rule, VolumeCeiling)]
    return tuple(
        dict.fromkeys(
            GainCeiling(
                start=_wall(rule.begins),
                end=_wall(rule.ends),
                gain_db=max(LOWEST_GAIN_DB, min(0.0, float(rule.dba - full_volume_dba))),
            )
            for rule in ceilings
        )
    )


def _wall(at: time) -> str:
    return f"{at:%H:%M}"


@dataclass(frozen=True)
class PolicyOf:
    """The policy of one area: its own, and what is in force at a loudspeaker right under it."""

    own: Policy
    revision: int  # 0 while it has none
    break_glass: bool | None
    in_force: tuple[Standing, ...]
    breaks_glass: bool


class AreaPolicies:
    """Reading and changing the policies of areas."""

    def __init__(self, database: Database, clock: Clock, *, zone: str, changed: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._zone = zone
        self._changed = changed

    def of(self, actor: Actor, area: str) -> PolicyOf:
        """The policy of an area, or of `national`. Raises NotFoundError."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            areas = areas_on(session, day_of(self._clock.now(), self._zone))
            where = () if area == NATIONAL else line(areas, area)
            row = session.get(AreaPolicy, area)
            own = Policy.model_validate(row.policy) if row else (NATIONAL_POLICY if area == NATIONAL else Policy())
            return PolicyOf(
                own,
                row.revision if row else 0,
                row.break_glass if row else None,
                load(session, {each.id: each.name for each in areas.values()}, self._zone)
                .in_force(Spot("", where))
                .standing,
                breaks_glass(session, where),
            )

    def judge(self, actor: Actor, area: str, *, at: datetime, duration: timedelta) -> tuple[Verdict, InForce]:
        """Whether something of this length could air at a loudspeaker right under an area, by its rules alone. Raises NotFoundError."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            areas = areas_on(session, day_of(self._clock.now(), self._zone))
            where = () if area == NATIONAL else line(areas, area)
            names = {each.id: each.name for each in areas.values()}
            in_force = load(session, names, self._zone).in_force(Spot("", where))
        item = Item(id="", due_at=at, duration=duration)
        return judge(item, [Airtime(in_force)], not_before=self._clock.now()), in_force

    def set(self, actor: Actor, area: str, policy: Policy, *, revision: int, break_glass: bool | None = None) -> int:
        """Replace the policy of `revision`; returns the new revision. Orders that stand are checked against it at once."""
        actor.need(Right.OPERATE, None if area == NATIONAL else area)
        now = self._clock.now()
        with self._database.writing() as session:
            if area != NATIONAL:
                line(areas_on(session, day_of(now, self._zone)), area)
            row = session.get(AreaPolicy, area, with_for_update=HELD)
            if (row.revision if row else 0) != revision:
                raise StaleError(
                    "Chính sách vừa được người khác sửa. Hãy tải lại rồi sửa.",
                    "Somebody else has changed the policy. Load it again, then change it.",
                )
            before = audit.state(row)
            if row is None:
                row = AreaPolicy(area_id=area, revision=0)
                session.add(row)
            row.policy, row.break_glass = policy.model_dump(mode="json"), break_glass
            row.revision += 1
            row.changed_by, row.changed_at = actor.id, now
            audit.note(
                session,
                actor,
                "policy-changed",
                area,
                at=now,
                areas=[None if area == NATIONAL else area],
                before=before or {},
                after=audit.state(row),
            )
            made = row.revision
        self._changed()
        return made

    def place(
        self,
        actor: Actor,
        receiver: str,
        *,
        special: SpecialPlace | None,
        full_volume_dba: int | None,
        position: Position | None = None,
    ) -> None:
        """Say where a receiver stands, whether that is a special place, and how loud it is there at full volume."""
        actor.need(Right.OPERATE)
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get(Receiver, receiver, with_for_update=HELD)
            if row is None:
                raise NotFoundError(f"Không có thiết bị '{receiver}'.", f"There is no receiver '{receiver}'.")
            actor.need(Right.OPERATE, row.area_id)
            before = audit.state(row)
            row.special_place, row.full_volume_dba = special, full_volume_dba
            row.latitude, row.longitude = (position.latitude, position.longitude) if position else (None, None)
            audit.note(
                session,
                actor,
                "receiver-placed",
                receiver,
                at=now,
                areas=[row.area_id],
                before=before,
                after=audit.state(row),
            )
        self._changed()
