"""What a bulletin's speech is made from: its words, the lexicon of its area line, what was settled for it, its sound.

A rendering is kept only if this value is the same when it ends as when it began, so neither an edit nor a change of the lexicon can be overtaken by an older clip.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from audio.announcement import VIETNAMESE, Announcement, Recording, Text
from audio.script import Lexicon, LexiconEntry, LexiconError, Settled, kept, read
from broadcaster.areas import AreaOn, areas_on, line
from broadcaster.canonical import sha256_of
from broadcaster.errors import InvalidError, NotFoundError
from broadcaster.groups import expanded
from broadcaster.identity import new_id
from broadcaster.sound import Sound
from broadcaster.storage.models import (
    AreaSound,
    Bulletin,
    LexiconRecord,
    Schedule,
    SettlementRecord,
)
from broadcaster.targets import Places, Targets

log = logging.getLogger(__name__)
WAITING = ("draft", "submitted", "returned")
"""States in which a bulletin may still come to sound otherwise. A released one never does: its release binds to the clip."""


@dataclass(frozen=True)
class Version:
    """A language version that is heard after the bulletin's text: a text for an engine, or a recording by its SHA-256."""

    language: str
    text: str | None = None
    recording: str | None = None
    voice: str | None = None

    def as_kept(self) -> "Version":
        """The same with its text as every text is kept."""
        return self if self.text is None else replace(self, text=kept(self.text))

    def as_json(self) -> dict[str, Any]:
        """For the database and the release."""
        given = {"language": self.language, "text": self.text, "recording": self.recording, "voice": self.voice}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class Speech:
    """Everything that changes what is heard of a bulletin."""

    title: str
    text: str
    recording: str | None
    versions: tuple[Version, ...]
    lexicon: Lexicon  # only what the words mention
    sound: Sound  # the station's, the areas' and the bulletin's, one over the other

    def announcement(self) -> Announcement:
        """The same, as the renderer takes it. Raises RenderError."""
        sound = self.sound
        as_this = partial(Text, lexicon=self.lexicon, rate_wpm=sound.rate_wpm, pitch=sound.pitch)
        first: Text | Recording = (
            Recording(self.recording) if self.recording else as_this(read_out(self.title, self.text), voice=sound.voice)
        )
        further = [
            Recording(version.recording, version.language)
            if version.recording
            else as_this(
                version.text or "",
                version.language,
                voice=version.voice or (sound.voice if version.language == VIETNAMESE else version.language),
            )
            for version in self.versions
        ]
        return Announcement(
            (first, *further),
            title=self.title,
            jingle=sound.made_jingle(),
            call=sound.call,
            repeats=sound.repeats,
            equaliser=sound.made_equaliser(),
        )

    @property
    def sha256(self) -> str:
        """Differs if and only if something could be heard otherwise."""
        words = [self.title, self.text, self.recording, [version.as_json() for version in self.versions]]
        return sha256_of([words, self.lexicon.version, self.sound.given()])

    def facts(self) -> dict[str, Any]:
        """By what a clip was made, as it is kept with the clip."""
        return {"sha256": self.sha256, "lexicon": self.lexicon.version, "sound": self.sound.given()}


def read_out(title: str, text: str) -> str:
    """Title and text as one script. :func:`place` finds a token's part again."""
    return f"{title}.\n{text}"


def place(title: str, start: int, end: int) -> tuple[str, int, int]:
    """Whether a span of the script is of the title or of the text, and where in it."""
    before = len(title) + 2
    return ("title", start, end) if start < before else ("text", start - before, end - before)


class Speaking:
    """Finds what a bulletin's speech is made from. `station` is how it sounds where nothing else is said."""

    def __init__(self, station: Sound, *, today: Callable[[], date]) -> None:
        self._station = station
        self.today = today

    def areas(self, session: Session) -> dict[str, AreaOn]:
        """The areas of today."""
        return areas_on(session, self.today())

    def places(self, session: Session) -> Places:
        """The areas and receivers of today."""
        return Places(session, self.today())

    def of(self, session: Session, bulletin: Bulletin, places: Places | None = None) -> Speech:
        """The speech of a bulletin as its rows, flushed, say."""
        at = line_of(session, bulletin.id, places if places is not None else self.places(session))
        versions = tuple(Version(**version) for version in bulletin.versions)
        sound = Sound.model_validate(bulletin.sound).over(self.sound_of(session, at))
        words = "\n".join(
            (bulletin.title, bulletin.text, sound.call or "", *(version.text or "" for version in versions))
        )
        lexicon = lexicon_of(session, at).settling(decisions(settled(session, bulletin)))
        return Speech(
            title=bulletin.title,
            text=bulletin.text,
            recording=bulletin.recording_sha256,
            versions=versions,
            lexicon=lexicon.concerning(words),
            sound=sound,
        )

    def sound_of(self, session: Session, at: Sequence[str]) -> Sound:
        """How an area sounds, given its line: its own over those above it over the station's."""
        rows = {row.area_id: row for row in session.scalars(select(AreaSound).where(AreaSound.area_id.in_(at)))}
        sound = self._station
        for area in at:
            if area in rows:
                sound = Sound.model_validate(rows[area].sound).over(sound)
        return sound

    def lexicon(self, session: Session, area: str | None) -> Lexicon:
        """The lexicon of an area, or of the whole station. Raises NotFoundError for an area that does not stand."""
        areas = self.areas(session)
        return lexicon_of(session, _trunk(areas) if area is None else line(areas, area))

    def calls(self, session: Session) -> list[str]:
        """What the station and its areas say first."""
        return [self._station.call or "", *(row.get("call", "") for row in session.scalars(select(AreaSound.sound)))]


def require_certain_call(speech: Speech) -> None:
    """Raise InvalidError where the station's call cannot be read with certainty: nobody is asked about it again."""
    doubtful = [token.text for token in read(speech.sound.call or "", speech.lexicon).uncertain]
    if doubtful:
        raise InvalidError(
            f"Chưa chắc cách đọc “{doubtful[0][:40]}” trong lời xưng danh. Hãy viết rõ bằng lời hoặc thêm vào từ điển phát âm.",
            f"The reading of {doubtful[0][:40]!r} in the station's call is uncertain. Write it out in words or add it to the lexicon.",
            field="call",
        )


def is_of(bulletin: Bulletin, speech: Speech) -> bool:
    """Whether the bulletin's clip is one of this speech."""
    return bulletin.rendering == "done" and (bulletin.spoken or {}).get("sha256") == speech.sha256


def speak_anew(bulletin: Bulletin) -> None:
    """Its clip no longer is what would be spoken: it waits for another."""
    bulletin.rendering = "pending"
    bulletin.rendering_error_vi = bulletin.rendering_error_en = None
    bulletin.clip_sha256 = bulletin.script_sha256 = None
    bulletin.spoken = bulletin.quality = None


def line_of(session: Session, bulletin_id: str, places: Places) -> tuple[str, ...]:
    """The areas, from the root down, that all targets of a bulletin share: theirs are its lexicon and its sound.

    A bulletin without targets is taken as one for the whole station: from the root down to where it branches, and no deeper than a commune.
    """
    rows = session.scalars(select(Schedule.targets).where(Schedule.bulletin_id == bulletin_id)).all()
    return line_shared(session, rows, places)


def line_shared(session: Session, rows: Iterable[dict[str, Any]], places: Places) -> tuple[str, ...]:
    """The same for targets, as they are kept."""
    areas: set[str] = set()
    for row in rows:
        try:
            targets = Targets.model_validate(expanded(session, row))
        except NotFoundError:
            continue  # of a group that is gone: the release will say so
        areas.update(places.standing(targets.areas))
        areas.update(places.receivers[name].area_id for name in targets.receivers if name in places.receivers)
    lines = [places.lines[area] for area in sorted(areas)]
    return _common(lines) if lines else _trunk(places.areas)


def _common(lines: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    shared: list[str] = []
    for level in zip(*lines, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return tuple(shared)


def _trunk(areas: dict[str, AreaOn]) -> tuple[str, ...]:
    found: list[str] = []
    while True:
        below = [area for area in areas.values() if area.parent_id == (found[-1] if found else None)]
        if len(below) != 1 or below[0].kind == "village":
            return tuple(found)
        found.append(below[0].id)


def entries(session: Session, at: Iterable[str]) -> list[LexiconRecord]:
    """The entries in force of these areas, by term."""
    return list(
        session.scalars(
            select(LexiconRecord)
            .where(LexiconRecord.area_id.in_(at), LexiconRecord.ended_at.is_(None))
            .order_by(LexiconRecord.written, LexiconRecord.area_id)
        )
    )


def lexicon_of(session: Session, at: Sequence[str]) -> Lexicon:
    """The lexicon of a line of areas, the deepest before those above it, over the national data files."""
    rows = entries(session, at)
    return Lexicon.of(*(_entries_of([row for row in rows if row.area_id == area]) for area in at))


def _entries_of(rows: Iterable[LexiconRecord]) -> Iterator[LexiconEntry]:
    for row in rows:
        try:
            yield LexiconEntry(row.written, row.reading)
        except LexiconError:  # taken by an older version of the syllable rules
            log.warning("lexicon entry %s of %s is passed over: %r", row.written, row.area_id, row.reading)


def decisions(rows: Iterable[SettlementRecord]) -> Iterator[Settled]:
    """The rows as the reader takes them. One that cannot be spoken is passed over, so the reading is uncertain again."""
    for row in rows:
        try:
            yield Settled(row.written, row.proposed, row.reading)
        except LexiconError:
            log.warning("settled reading %s of %s is passed over: %r", row.written, row.bulletin_id, row.reading)


def settled(session: Session, bulletin: Bulletin) -> list[SettlementRecord]:
    """What was settled for a bulletin and still stands in its words."""
    rows = session.scalars(
        select(SettlementRecord)
        .where(SettlementRecord.bulletin_id == bulletin.id, SettlementRecord.ended_at.is_(None))
        .order_by(SettlementRecord.written, SettlementRecord.proposed)
    )
    words = "\n".join((bulletin.title, bulletin.text, *(str(version.get("text", "")) for version in bulletin.versions)))
    return [row for row in rows if row.written in words]


def settled_alike(session: Session, bulletin: Bulletin, other: Bulletin) -> list[SettlementRecord]:
    """What was settled for a bulletin, as rows for another one with its words; who settled it, and when, stays."""
    return [
        SettlementRecord(
            id=new_id(),
            bulletin_id=other.id,
            written=row.written,
            proposed=row.proposed,
            reading=row.reading,
            person_id=row.person_id,
            created_at=row.created_at,
        )
        for row in settled(session, bulletin)
    ]
