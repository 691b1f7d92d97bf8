"""The lexicon of areas: how a term is read in a province, a commune or a village. A change speaks anew what waits and mentions the term, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from audio.script import LexiconEntry, LexiconError, nfc
from audio.script.lexicon import mentions
from audio.script.syllables import not_syllables
from broadcaster import audit
from broadcaster.areas import line
from broadcaster.clock import Clock
from broadcaster.errors import InvalidError, NotFoundError
from broadcaster.identity import new_id
from broadcaster.people import Actor, Right
from broadcaster.speech import WAITING, Speaking, entries, is_of, lexicon_of, line_of, read_out, speak_anew
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Area, Bulletin, LexiconRecord, Release

NOTE_LIMIT = 500  # characters


@dataclass(frozen=True)
class Mention:
    """A bulletin that a change concerns."""

    id: str
    title: str


@dataclass(frozen=True)
class Change:
    """What a change of the lexicon brought about."""

    version: str
    """Of the area's lexicon now."""
    anew: tuple[Mention, ...]
    """Waiting bulletins that are spoken anew."""
    unchanged: tuple[Mention, ...]
    """Released bulletins that keep the old reading: they were approved as they sound. An edit would bring the new one."""


class Lexicons:
    """Reading and changing the lexicons of areas."""

    def __init__(self, database: Database, clock: Clock, speaking: Speaking, *, changed: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._speaking = speaking
        self._changed = changed

    def of(self, actor: Actor, area_id: str) -> tuple[str, list[LexiconRecord]]:
        """The version of an area's lexicon, and its entries with those above it that it does not override. Raises NotFoundError."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            at = line(self._speaking.areas(session), area_id)
            rows = entries(session, at)
            nearest: dict[str, LexiconRecord] = {}
            for row in sorted(rows, key=lambda row: at.index(row.area_id)):
                nearest[row.written] = row
            return lexicon_of(session, at).version, [nearest[written] for written in sorted(nearest)]

    def history(self, actor: Actor, area_id: str, *, written: str | None, limit: int) -> Sequence[LexiconRecord]:
        """What the area's own entries are and were, the newest first."""
        actor.need(Right.READ)
        query = select(LexiconRecord).where(LexiconRecord.area_id == area_id)
        if written is not None:
            query = query.where(LexiconRecord.written == nfc(written.strip()))
        with self._database.reading() as session:
            line(self._speaking.areas(session), area_id)
            return session.scalars(query.order_by(LexiconRecord.created_at.desc(), LexiconRecord.id).limit(limit)).all()

    def put(self, actor: Actor, area_id: str, *, written: str, reading: str | None, note: str = "") -> Change:
        """From now on ``written`` is read so in this area and below; without a reading its letters are named.

        Raises InvalidError for what cannot be an entry or is not made of well-formed syllables, NotFoundError for an area that does not stand.
        """
        actor.need(Right.PRONOUNCE, area_id)
        entry = entry_of(written, reading)
        with self._database.writing() as session:
            anew = self.change(session, actor, area_id, entry.written, entry, note=note)
        self._changed()
        return self.told(area_id, entry.written, anew)

    def remove(self, actor: Actor, area_id: str, written: str) -> Change:
        """The area's own entry ends; what stands above it holds again. Raises NotFoundError where there is none."""
        actor.need(Right.PRONOUNCE, area_id)
        written = nfc(written.strip())
        with self._database.writing() as session:
            anew = self.change(session, actor, area_id, written, None)
        self._changed()
        return self.told(area_id, written, anew)

    def told(self, area_id: str, written: str, anew: Sequence[Mention]) -> Change:
        """What a change that was made brought about."""
        with self._database.reading() as session:
            version = lexicon_of(session, line(self._speaking.areas(session), area_id)).version
        return Change(version, tuple(anew), self._released(area_id, written))

    def change(
        self,
        session: Session,
        actor: Actor,
        area_id: str,
        written: str,
        entry: LexiconEntry | None,
        *,
        note: str = "",
    ) -> list[Mention]:
        """Put or end an entry in the caller's transaction, which must hold no bulletin yet; returns what is spoken anew."""
        places = self._speaking.places(session)
        line(places.areas, area_id)
        session.get_one(Area, area_id, with_for_update=HELD)  # one change of an area's lexicon at a time
        # All that wait are held, in one order: an edit that is under way ends first, and is seen as it ends.
        waiting = session.scalars(
            select(Bulletin).where(Bulletin.state.in_(WAITING)).order_by(Bulletin.id).with_for_update(**HELD)
        ).all()
        called = any(mentions(call, (written,)) for call in self._speaking.calls(session))
        concerned = [
            bulletin
            for bulletin in waiting
            if (called or mentions(_words(bulletin), (written,))) and area_id in line_of(session, bulletin.id, places)
        ]
        self._write(session, actor, area_id, written, entry, note=note)
        changed = [
            bulletin for bulletin in concerned if not is_of(bulletin, self._speaking.of(session, bulletin, places))
        ]
        for bulletin in changed:
            speak_anew(bulletin)
        session.flush()
        return [Mention(bulletin.id, bulletin.title) for bulletin in changed]

    def _write(
        self, session: Session, actor: Actor, area_id: str, written: str, entry: LexiconEntry | None, *, note: str
    ) -> None:
        now = self._clock.now()
        old = session.scalar(
            select(LexiconRecord).where(
                LexiconRecord.area_id == area_id, LexiconRecord.written == written, LexiconRecord.ended_at.is_(None)
            )
        )
        reading = {} if entry is None else {"reading": entry.reading, "note": note.strip()[:NOTE_LIMIT]}
        audit.note(
            session,
            actor,
            "lexicon-changed",
            written,
            at=now,
            areas=[area_id],
            before={} if old is None else {"reading": old.reading, "note": old.note},
            after=reading,
            details={"area": area_id, "removed": entry is None},
        )
        if old is not None:
            old.ended_at, old.ended_by = now, actor.id
            session.flush()  # the index on entries in force is checked row by row
        elif entry is None:
            raise NotFoundError(
                f"Từ điển của địa bàn này không có mục “{written}”.",
                f"The lexicon of this area has no entry {written!r} of its own.",
            )
        if entry is not None:
            session.add(
                LexiconRecord(
                    id=new_id(),
                    area_id=area_id,
                    written=written,
                    reading=entry.reading,
                    note=note.strip()[:NOTE_LIMIT],
                    person_id=actor.id,
                    created_at=now,
                )
            )
        session.flush()

    def _released(self, area_id: str, written: str) -> tuple[Mention, ...]:
        """Released bulletins of the area that mention the term. Read apart: there may be many, and they do not change."""
        with self._database.reading() as session:
            places = self._speaking.places(session)
            rows = session.scalars(
                select(Bulletin)
                .join(Release, Release.bulletin_id == Bulletin.id)
                .where(Bulletin.state == "released", Release.voided_at.is_(None))
                .order_by(Bulletin.created_at.desc())
                .execution_options(yield_per=200)
            )
            found = [row for row in rows if mentions(_words(row), (written,))]
            return tuple(Mention(row.id, row.title) for row in found if area_id in line_of(session, row.id, places))


def _words(bulletin: Bulletin) -> str:
    further = (str(version.get("text", "")) for version in bulletin.versions)
    return "\n".join((read_out(bulletin.title, bulletin.text), *further, bulletin.sound.get("call", "")))


def spoken_form(reading: str) -> str:
    """A reading as people type it, as the lexicon keeps it: NFC, lower case, one space between syllables."""
    return " ".join(nfc(reading).lower().split())


def entry_of(written: str, reading: str | None) -> LexiconEntry:
    """An entry from what somebody typed. Raises InvalidError, naming the words that are no syllables."""
    written = nfc(written.strip())
    spoken = None if reading is None else spoken_form(reading)
    if written and not any(char.isalpha() for char in written):
        raise InvalidError(
            f"“{written[:80]}” không có chữ cái nên không làm mục từ được: nó sẽ bị đọc như vậy cả trong ngày tháng, số hiệu. Hãy chốt cách đọc trong từng bản tin.",
            f"The entry {written[:80]!r} has no letter: it would be read so inside dates and numbers too. Settle it in the bulletin instead.",
            field="written",
        )
    try:
        return LexiconEntry(written, spoken)
    except LexiconError as error:
        raise unusable(written, spoken, error) from error


def unusable(written: str, spoken: str | None, error: LexiconError) -> InvalidError:
    """Why a reading or an entry cannot be used, and what to write."""
    wrong = not_syllables(spoken or "")
    if spoken is not None and (wrong or not spoken):
        named = ", ".join(f"“{word}”" for word in wrong[:5]) or "để trống"
        return InvalidError(
            f"Cách đọc của “{written[:80]}” có phần không phải âm tiết tiếng Việt: {named}. Hãy viết đúng như khi đọc thành tiếng, ví dụ “ốc cốp”.",
            f"The {error}.",
            field="reading",
            not_syllables=list(wrong),
        )
    return InvalidError(
        f"“{written[:80]}” không làm mục từ được. Viết cụm từ dài 1 đến 80 ký tự, bắt đầu bằng chữ hoặc số.",
        f"The entry: {error}.",
        field="written",
    )
