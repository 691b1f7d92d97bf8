"""Settling readings: a person confirms or chooses how an uncertain part of one bulletin is read, or teaches it to the area's lexicon."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from audio.announcement import VIETNAMESE
from audio.script import Lexicon, LexiconError, Settled, Token, nfc, read
from audio.script.letters import names_of
from broadcaster import audit, revisions
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, InvalidError, NotFoundError, StaleError
from broadcaster.identity import new_id
from broadcaster.lexicons import Lexicons, Mention, entry_of, spoken_form, unusable
from broadcaster.people import Actor, Right
from broadcaster.proposals import propose
from broadcaster.quality import without
from broadcaster.releases import find
from broadcaster.speech import WAITING, Speaking, Speech, entries, is_of, line_of, read_out, settled, speak_anew
from broadcaster.storage.database import Database
from broadcaster.storage.models import Bulletin, SettlementRecord
from broadcaster.whereabouts import areas_of, heard_in, need_sight

LONGEST = 500  # characters of one token


@dataclass(frozen=True)
class Choice:
    """What an editor decides on one reading: on all places of the bulletin where `written` is read as `proposed`."""

    written: str
    proposed: str
    reading: str | None = None
    """What is to be said; None confirms what is proposed."""
    spelled: bool = False
    """Its letters are named one by one."""
    area: str | None = None
    """An area whose lexicon is to have it from now on; None: it is for this bulletin alone."""
    propose: str | None = None
    """For this bulletin, and an area to whose lexicon it is proposed."""


class Readings:
    """Settling the readings of bulletins. It is an edit: a new revision, by whoever settles; but only another reading makes another clip."""

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

    def of(self, actor: Actor, bulletin_id: str) -> Sequence[SettlementRecord]:
        """All decisions on a bulletin's readings that were ever made, the newest first."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            need_sight(session, actor, find(session, bulletin_id))
            return session.scalars(
                select(SettlementRecord)
                .where(SettlementRecord.bulletin_id == bulletin_id)
                .order_by(SettlementRecord.created_at.desc(), SettlementRecord.id)
            ).all()

    def settle(
        self, actor: Actor, bulletin_id: str, choices: Sequence[Choice], *, revision: int
    ) -> tuple[Mention, ...]:
        """Settle readings; those settled before stay. Returns other waiting bulletins that a lexicon entry made here speaks anew.

        Raises InvalidError for a reading that cannot be spoken or a place that the bulletin does not have, ConflictError for another
        revision or a bulletin that no longer waits.
        """
        actor.need(Right.EDIT)
        taught = [choice for choice in choices if choice.area is not None]
        if taught:
            actor.need(Right.PRONOUNCE, *(choice.area for choice in taught))
        if any(choice.propose is not None for choice in choices):
            actor.need(Right.PRONOUNCE)
        with self._database.writing() as session:
            others: dict[str, Mention] = {}
            for choice in taught:  # first, since a change of the lexicon holds bulletins in an order of its own
                assert choice.area is not None  # noqa: S101  they were chosen so
                entry = entry_of(choice.written, _said(choice) if not choice.spelled else None)
                found = self._lexicons.change(session, actor, choice.area, entry.written, entry)
                others |= {mention.id: mention for mention in found}
            bulletin = self._waiting(session, actor, bulletin_id, revision)
            places = self._speaking.places(session)
            shared = line_of(session, bulletin.id, places)
            for area in {each for choice in choices for each in (choice.area, choice.propose) if each is not None}:
                if area not in shared:
                    raise InvalidError(
                        f"Bản tin này không chỉ phát trong địa bàn '{area}', nên từ điển ở đó không áp dụng. Chọn địa bàn chung của các nơi phát.",
                        f"The bulletin does not lie within the area '{area}', so its lexicon would not count. Choose an area that all targets share.",
                        field="area",
                    )
            for choice in taught:
                self._end(session, actor, bulletin, choice.written, None)
            speech = self._speaking.of(session, bulletin, places)
            tokens = unsettled_tokens(speech)
            otherwise = not is_of(bulletin, speech)
            for choice in choices:
                if choice.area is None:
                    otherwise |= self._decide(session, actor, bulletin, choice, tokens)
                if choice.area is None and choice.propose is not None:
                    entry = entry_of(choice.written, _said(choice) if not choice.spelled else None)
                    propose(session, actor, choice.propose, entry, clock=self._clock, bulletin=bulletin.id)
            self._count(session, actor, bulletin, otherwise=otherwise)
        self._changed()
        return tuple(mention for mention in others.values() if mention.id != bulletin_id)

    def outstanding(self, actor: Actor, bulletin_id: str, choices: Sequence[Choice]) -> list[Choice]:
        """Of these, what is not settled so yet and concerns something that stands in the bulletin: settling again what was settled would be an edit."""
        actor.need(Right.READ)
        if not choices:
            return []
        with self._database.reading() as session:
            bulletin = find(session, bulletin_id)
            need_sight(session, actor, bulletin)
            chosen = {(row.written, row.proposed): row.reading for row in settled(session, bulletin)}
            taught = {
                (row.area_id, row.written): row.reading for row in entries(session, {c.area for c in choices if c.area})
            }
            there = {(token.text, token.reading) for token in unsettled_tokens(self._speaking.of(session, bulletin))}
        return [
            choice
            for choice in choices
            if (
                taught.get((choice.area, choice.written)) != _said(choice)
                if choice.area is not None
                else chosen.get((choice.written, choice.proposed)) != _said(choice)
            )
            and (choice.written, choice.proposed) in there
        ]

    def reopen(self, actor: Actor, bulletin_id: str, settlement_id: str, *, revision: int) -> None:
        """Take a decision back: the reading is the reader's again, and uncertain. Raises NotFoundError for one that does not stand."""
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            bulletin = self._waiting(session, actor, bulletin_id, revision)
            row = session.get(SettlementRecord, settlement_id)
            if row is None or row.bulletin_id != bulletin_id or row.ended_at is not None:
                raise NotFoundError(
                    "Không có cách đọc đã chốt này. Hãy tải lại bản tin.",
                    "There is no such settled reading. Load the bulletin again.",
                )
            row.ended_at, row.ended_by = self._clock.now(), actor.id
            session.flush()
            # Spoken again even where the sound is the same: the report must have the uncertain reading again.
            self._count(session, actor, bulletin, otherwise=True)
        self._changed()

    def _waiting(self, session: Session, actor: Actor, bulletin_id: str, revision: int) -> Bulletin:
        bulletin = find(session, bulletin_id, changing=True)
        actor.need(Right.EDIT, *areas_of(session, bulletin))
        if bulletin.revision != revision:
            raise StaleError(
                f"Bản tin đã được sửa thành bản {bulletin.revision}. Hãy tải lại rồi chọn cách đọc.",
                f"The bulletin is at revision {bulletin.revision} by now. Load it again, then settle.",
                revision=bulletin.revision,
            )
        if bulletin.state not in WAITING:
            raise ConflictError(
                "Bản tin đã duyệt hoặc đã rút, không đổi cách đọc được. Hãy sửa bản tin để có bản nháp mới.",
                f"The bulletin is {bulletin.state}: its readings stand. Edit it for a new draft.",
                state=bulletin.state,
            )
        return bulletin

    def _decide(
        self,
        session: Session,
        actor: Actor,
        bulletin: Bulletin,
        choice: Choice,
        tokens: Iterable[Token],
    ) -> bool:
        """Write one decision down; True if another reading is heard from now on."""
        written = nfc(choice.written)
        if len(written) > LONGEST or not any(
            token.text == written and token.reading == choice.proposed for token in tokens
        ):
            raise InvalidError(
                f"Bản tin không có chỗ “{written[:40]}” đang đọc là “{choice.proposed[:80]}”. Hãy tải lại bản tin.",
                f"The bulletin has no {written[:40]!r} that is read as {choice.proposed[:80]!r}. Load it again.",
                field="written",
            )
        said = names_of(written) if choice.spelled else _said(choice)
        try:
            decision = Settled(written, choice.proposed, said)
        except LexiconError as error:
            raise unusable(written, said, error) from error
        before = self._end(session, actor, bulletin, written, choice.proposed)
        session.add(
            SettlementRecord(
                id=new_id(),
                bulletin_id=bulletin.id,
                written=written,
                proposed=decision.proposed,
                reading=decision.reading,
                person_id=actor.id,
                created_at=self._clock.now(),
            )
        )
        session.flush()
        return decision.reading != (before if before is not None else decision.proposed)

    def _end(
        self, session: Session, actor: Actor, bulletin: Bulletin, written: str, proposed: str | None
    ) -> str | None:
        """End the decisions on a text, or on a text with one proposal; returns what was said by the last."""
        query = select(SettlementRecord).where(
            SettlementRecord.bulletin_id == bulletin.id,
            SettlementRecord.written == written,
            SettlementRecord.ended_at.is_(None),
        )
        if proposed is not None:
            query = query.where(SettlementRecord.proposed == proposed)
        said = None
        for row in session.scalars(query):
            row.ended_at, row.ended_by = self._clock.now(), actor.id
            said = row.reading
        session.flush()
        return said

    def _count(self, session: Session, actor: Actor, bulletin: Bulletin, *, otherwise: bool) -> None:
        """Make it a new revision by whoever settled, spoken anew if anything is heard otherwise."""
        bulletin.revision += 1
        bulletin.author_id = actor.id
        bulletin.updated_at = self._clock.now()
        decided = [{"written": row.written, "reading": row.reading} for row in settled(session, bulletin)]
        audit.note(
            session,
            actor,
            "bulletin-readings-settled",
            bulletin.id,
            at=bulletin.updated_at,
            areas=heard_in(session, bulletin),
            details={"revision": bulletin.revision, "settled": decided},
        )
        if bulletin.state == "submitted":
            bulletin.state = "draft"
        if otherwise:
            speak_anew(bulletin)
        elif bulletin.rendering == "done":
            bulletin.spoken = self._speaking.of(session, bulletin).facts()
            bulletin.quality = without(
                bulletin.quality, {(row.written, row.proposed) for row in settled(session, bulletin)}
            )
        session.flush()
        revisions.keep(session, bulletin, at=bulletin.updated_at)


def _said(choice: Choice) -> str:
    return choice.proposed if choice.reading is None else spoken_form(choice.reading)


def unsettled_tokens(speech: Speech) -> list[Token]:
    """All tokens of a speech as the reader and the areas' lexicon propose them, without what was settled."""
    lexicon = Lexicon(speech.lexicon.entries)
    texts = [] if speech.recording else [read_out(speech.title, speech.text)]
    texts += [version.text for version in speech.versions if version.text and version.language == VIETNAMESE]
    return [token for text in texts for token in read(text, lexicon).tokens]
