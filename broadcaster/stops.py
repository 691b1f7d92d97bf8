"""Stop-all: silence for an audience at once, by one signed document, until it is lifted or expires (decision 0010)."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError, NotFoundError
from broadcaster.identity import Signatory, new_id
from broadcaster.people import Actor, Right
from broadcaster.places import PlacesByDay
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Person, StopRecord
from broadcaster.targets import Targets
from broadcaster.whereabouts import areas_of_audience
from devices.wire import topics
from devices.wire.messages import Audience, Stop

LONGEST = timedelta(days=7)
AGAIN = timedelta(minutes=1)
"""Within it the same stop by the same person is an impatient second click."""


class Stops:
    """Issuing and lifting stops. `publish` sends them at once, without waiting for the planner."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signatory: Signatory,
        *,
        zone: str,
        publish: Callable[[], object],
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._signatory = signatory
        self._zone = zone
        self._publish = publish
        self._changed = changed

    def issue(self, actor: Actor, targets: Targets | None, *, reason: str, lasts: timedelta) -> str:
        """Silence for the targets, or without them for all that the operator serves; returns the stop's id. On air at once, an emergency too.

        Asked for again within a minute it is the same stop: one that stood twice would go on when it is lifted.
        """
        actor.need(Right.OPERATE)
        if not reason.strip():
            raise InvalidError("Hãy ghi lý do dừng.", "Say why it is stopped.", field="reason")
        if not timedelta(minutes=1) <= lasts <= LONGEST:
            raise InvalidError(
                "Thời gian dừng từ 1 phút đến 7 ngày.", "A stop lasts from a minute to seven days.", field="minutes"
            )
        now = self._clock.now()
        with self._database.writing() as session:
            if targets is None and not actor.may(Right.OPERATE, None):
                targets = Targets(areas=actor.homes(Right.OPERATE))  # all that is theirs
            audience = self._audience(session, targets)
            where = areas_of_audience(session, audience.model_dump(mode="json"))
            actor.need(Right.OPERATE, *where)
            session.get(Person, actor.id, with_for_update=HELD)  # of two at once the second finds what the first made
            lately = select(StopRecord).where(
                StopRecord.issued_by == actor.id, StopRecord.issued_at > now - AGAIN, StopRecord.lifted_at.is_(None)
            )
            for twin in session.scalars(lately):
                same = (audience.model_dump(mode="json"), reason.strip()[:300], lasts)
                if (twin.audience, twin.reason, twin.expires_at - twin.issued_at) == same:
                    return twin.id
            row = StopRecord(
                id=new_id(),
                revision=1,
                audience=audience.model_dump(mode="json"),
                reason=reason.strip()[:300],
                issued_by=actor.id,
                issued_at=now,
                expires_at=now + lasts,
            )
            row.topics = [topics.area_stop(area, row.id) for area in audience.areas]
            row.topics += [topics.receiver_stop(receiver, row.id) for receiver in audience.receivers]
            row.document = self._signed(row, audience)
            session.add(row)
            details = {"audience": row.audience, "expires_at": row.expires_at.isoformat()}
            audit.note(session, actor, "stop-issued", row.id, at=now, areas=where, reason=row.reason, details=details)
        self._publish()
        self._changed()
        return row.id

    def lift(self, actor: Actor, stop: str, *, reason: str) -> None:
        """Let it sound again. Raises ConflictError for a stop that no longer stands."""
        actor.need(Right.OPERATE)
        now = self._clock.now()
        with self._database.writing() as session:
            row = session.get(StopRecord, stop, with_for_update=HELD)
            if row is None:
                raise NotFoundError(f"Không có lệnh dừng '{stop}'.", f"There is no stop '{stop}'.")
            where = areas_of_audience(session, row.audience)
            actor.need(Right.OPERATE, *where)
            if row.lifted_at is not None or row.expires_at <= now:
                raise ConflictError("Lệnh dừng này đã hết hiệu lực.", "This stop no longer stands.")
            row.revision += 1
            row.lifted_by, row.lifted_at, row.published_at = actor.id, now, None
            row.document = self._signed(row, Audience.model_validate(row.audience, strict=False))
            audit.note(session, actor, "stop-lifted", row.id, at=now, areas=where, reason=reason)
        self._publish()
        self._changed()

    def standing(self, actor: Actor) -> Sequence[StopRecord]:
        """Stops in force where this person serves, the newest first."""
        actor.need(Right.READ)
        seen = actor.sees()
        with self._database.reading() as session:
            rows = session.scalars(
                select(StopRecord)
                .where(StopRecord.lifted_at.is_(None), StopRecord.expires_at > self._clock.now())
                .order_by(StopRecord.issued_at.desc())
            ).all()
            return [row for row in rows if seen is None or seen & areas_of_audience(session, row.audience)]

    def _audience(self, session: Session, targets: Targets | None) -> Audience:
        places = PlacesByDay(session, self._zone).at(self._clock.now())
        if targets is None:
            roots = tuple(sorted(area.id for area in places.areas.values() if area.parent_id is None))
            return Audience(areas=roots)
        found = places.resolve(targets)
        if found.nowhere:
            raise InvalidError("Không có nơi nào để dừng.", "There is nothing there to stop.", field="targets")
        return found.audience

    def _signed(self, row: StopRecord, audience: Audience) -> str:
        return self._signatory.sign(
            Stop(
                station=self._signatory.station,
                id=row.id,
                revision=row.revision,
                audience=audience,
                issued_at=row.issued_at,
                expires_at=row.expires_at,
                reason=row.reason,
                lifted=row.lifted_at is not None,
            )
        )


def unsettled(session: Session, now: datetime, *, everything: bool) -> Sequence[StopRecord]:
    """Stops that have to be published or cleared; with `everything` all that stand."""
    query = select(StopRecord).where(StopRecord.cleared_at.is_(None))
    if not everything:
        query = query.where(or_(StopRecord.published_at.is_(None), StopRecord.expires_at <= now))
    return session.scalars(query.order_by(StopRecord.issued_at)).all()
