"""What people are typing, kept every few seconds on the station: a closed browser loses nothing, another device goes on with it."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broadcaster.clock import Clock
from broadcaster.errors import TooLargeError
from broadcaster.people import Actor, Right
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import UnfinishedBulletin

MOST = 20
"""Of one person; the oldest give way."""
LONGEST = 400_000  # characters of a form, all fields together
Form = Mapping[str, Sequence[str]]


class Unfinished:
    """The forms that people have not saved yet, each person's own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def keep(self, actor: Actor, key: str, form: Form) -> None:
        """Keep the form as it stands; `key` is the bulletin's id, or what its id will be made of. Raises TooLargeError."""
        actor.need(Right.EDIT)
        if sum(len(value) for values in form.values() for value in values) > LONGEST:
            raise TooLargeError(
                "Nội dung quá dài để tự lưu. Hãy chia thành nhiều bản tin.",
                "This is too long to be kept. Split it into several bulletins.",
            )
        with self._database.writing() as session:
            row = session.get(UnfinishedBulletin, (actor.id, key), with_for_update=HELD)
            if row is None:
                row = UnfinishedBulletin(person_id=actor.id, key=key)
                session.add(row)
            row.form = {name: list(values) for name, values in form.items()}
            row.saved_at = self._clock.now()
            session.flush()
            others = (
                select(UnfinishedBulletin.key)
                .where(UnfinishedBulletin.person_id == actor.id)
                .order_by(UnfinishedBulletin.saved_at.desc(), UnfinishedBulletin.key)
                .offset(MOST)
            )
            if gone := session.scalars(others).all():
                session.execute(
                    delete(UnfinishedBulletin).where(
                        UnfinishedBulletin.person_id == actor.id, UnfinishedBulletin.key.in_(gone)
                    )
                )

    def of(self, actor: Actor, key: str) -> UnfinishedBulletin | None:
        """What this person was typing under this key, if anything."""
        with self._database.reading() as session:
            return session.get(UnfinishedBulletin, (actor.id, key))

    def all(self, actor: Actor) -> Sequence[UnfinishedBulletin]:
        """All that this person was typing, the latest first."""
        with self._database.reading() as session:
            return session.scalars(
                select(UnfinishedBulletin)
                .where(UnfinishedBulletin.person_id == actor.id)
                .order_by(UnfinishedBulletin.saved_at.desc(), UnfinishedBulletin.key)
            ).all()

    def forget(self, actor: Actor, key: str) -> None:
        """It was saved, or is not wanted any more."""
        with self._database.writing() as session:
            forget(session, actor, key)


def forget(session: Session, actor: Actor, key: str) -> None:
    """The same, in the transaction of what it became."""
    session.execute(
        delete(UnfinishedBulletin).where(UnfinishedBulletin.person_id == actor.id, UnfinishedBulletin.key == key)
    )
