"""Readings that are proposed for an area above: whoever keeps the lexicon there accepts or declines them."""

from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from audio.script import LexiconEntry
from broadcaster import audit
from broadcaster.areas import line
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError, NotFoundError
from broadcaster.identity import new_id
from broadcaster.lexicons import Change, Lexicons, entry_of
from broadcaster.people import Actor, Right
from broadcaster.speech import Speaking
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import LexiconProposal, Person


def propose(
    session: Session, actor: Actor, area_id: str, entry: LexiconEntry, *, clock: Clock, bulletin: str | None
) -> None:
    """Put it before whoever keeps the area's lexicon, in the caller's transaction; what waits there already is not put twice."""
    open_ = select(LexiconProposal).where(
        LexiconProposal.area_id == area_id,
        LexiconProposal.written == entry.written,
        LexiconProposal.decided_at.is_(None),
    )
    if any(row.reading == entry.reading for row in session.scalars(open_)):
        return
    row = LexiconProposal(
        id=new_id(),
        area_id=area_id,
        written=entry.written,
        reading=entry.reading,
        bulletin_id=bulletin,
        person_id=actor.id,
        created_at=clock.now(),
    )
    session.add(row)
    _note(session, actor, "lexicon-proposed", row, clock=clock)
    session.flush()


class Proposals:
    """What is proposed for an area's lexicon and waits for its answer."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        speaking: Speaking,
        lexicons: Lexicons,
        *,
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._speaking = speaking
        self._lexicons = lexicons
        self._changed = changed

    def make(self, actor: Actor, area_id: str, *, written: str, reading: str | None) -> None:
        """Propose an entry; without a reading its letters are named. Raises as `Lexicons.put` does."""
        actor.need(Right.PRONOUNCE)
        entry = entry_of(written, reading)
        with self._database.writing() as session:
            line(self._speaking.areas(session), area_id)
            propose(session, actor, area_id, entry, clock=self._clock, bulletin=None)

    def waiting(self, actor: Actor, area_id: str) -> Sequence[tuple[LexiconProposal, str]]:
        """What waits for an answer in an area, the oldest first, with the names of those who proposed it."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            line(self._speaking.areas(session), area_id)
            found = session.execute(
                select(LexiconProposal, Person.name)
                .join(Person, Person.id == LexiconProposal.person_id)
                .where(LexiconProposal.area_id == area_id, LexiconProposal.decided_at.is_(None))
                .order_by(LexiconProposal.created_at, LexiconProposal.id)
            )
            return [(row, name) for row, name in found]

    def area_of(self, proposal: str) -> str:
        """The area that it is proposed for. Raises NotFoundError."""
        with self._database.reading() as session:
            return _of(session.get(LexiconProposal, proposal)).area_id

    def accept(self, actor: Actor, proposal: str, *, reason: str = "") -> tuple[LexiconProposal, Change]:
        """Make it an entry of the area: what waits and mentions the term is spoken anew. Raises NotFoundError, ConflictError."""
        actor.need(Right.PRONOUNCE)
        with self._database.writing() as session:
            row = self._decided(session, actor, proposal, "accepted", reason)
            entry = LexiconEntry(row.written, row.reading)
            anew = self._lexicons.change(session, actor, row.area_id, row.written, entry, note=reason)
            made = row.area_id, row.written
        self._changed()
        return row, self._lexicons.told(*made, anew)

    def decline(self, actor: Actor, proposal: str, *, reason: str) -> LexiconProposal:
        """Leave the area's lexicon as it is, with a reason. Raises NotFoundError, ConflictError."""
        actor.need(Right.PRONOUNCE)
        if not reason.strip():
            raise InvalidError("Hãy ghi lý do không nhận.", "Say why it is declined.", field="reason")
        with self._database.writing() as session:
            return self._decided(session, actor, proposal, "declined", reason)

    def _decided(self, session: Session, actor: Actor, proposal: str, decision: str, reason: str) -> LexiconProposal:
        row = _of(session.get(LexiconProposal, proposal, with_for_update=HELD))
        actor.need(Right.PRONOUNCE, row.area_id)
        if row.decided_at is not None:
            raise ConflictError("Đề xuất này đã có người trả lời.", "The proposal is answered already.")
        row.decision, row.reason = decision, reason.strip() or None
        row.decided_at, row.decided_by = self._clock.now(), actor.id
        _note(session, actor, f"lexicon-proposal-{decision}", row, clock=self._clock)
        session.flush()
        return row


def _of(row: LexiconProposal | None) -> LexiconProposal:
    if row is None:
        raise NotFoundError("Không có đề xuất này.", "There is no such proposal.")
    return row


def _note(session: Session, actor: Actor, action: str, row: LexiconProposal, *, clock: Clock) -> None:
    details = {"area": row.area_id, "reading": row.reading, "proposal": row.id, "bulletin": row.bulletin_id}
    where = [row.area_id]
    audit.note(session, actor, action, row.written, at=clock.now(), areas=where, reason=row.reason, details=details)
