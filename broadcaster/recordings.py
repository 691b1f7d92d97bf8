"""Recordings: sounds that people upload, as speech in place of synthesis or as a jingle."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from audio.errors import RecordingError
from audio.recordings import JINGLE, SPEECH, import_sound
from audio.store import DiskStore
from broadcaster import audit
from broadcaster.clock import Clock
from broadcaster.errors import InvalidError, NotFoundError
from broadcaster.people import Actor, Right
from broadcaster.sound import Sound
from broadcaster.storage.database import Database
from broadcaster.storage.models import Recording

Kind = Literal["speech", "jingle"]
LIMITS = {"speech": SPEECH, "jingle": JINGLE}


class Recordings:
    """Taking in and listing uploaded sounds."""

    def __init__(self, database: Database, clock: Clock, folder: Path) -> None:
        """`folder` is that of the clip store, where the renderer finds them."""
        self._database = database
        self._clock = clock
        self._folder = folder

    def add(self, actor: Actor, data: bytes, *, name: str, kind: Kind) -> Recording:
        """Decode and keep an uploaded file; the same sound twice is kept once. Raises InvalidError for what cannot be used."""
        actor.need(Right.EDIT)
        try:
            sound = import_sound(data, DiskStore(self._folder), LIMITS[kind])
        except RecordingError as error:
            raise InvalidError(
                f"Không dùng được bản ghi: {error.vi}.", f"The recording cannot be used: {error.en}.", field="file"
            ) from error
        with self._database.writing() as session:
            known = session.get(Recording, (sound.sha256, kind))
            if known is not None:
                return known
            row = Recording(
                sha256=sound.sha256,
                kind=kind,
                name=name[:200],
                size=sound.size,
                duration_ms=sound.duration_ms,
                lufs=sound.lufs,
                true_peak_dbtp=sound.true_peak_dbtp,
                clipped=sound.clipped,
                person_id=actor.id,
                created_at=self._clock.now(),
            )
            session.add(row)
            session.flush()
            now, after = row.created_at, audit.state(row)
            areas = {grant.area for grant in actor.grants}
            audit.note(session, actor, "recording-uploaded", row.sha256, at=now, areas=areas, after=after)
        return row

    def of(self, actor: Actor, kind: Kind, sha256s: Iterable[str]) -> Sequence[Recording]:
        """Those of these hashes that were uploaded."""
        actor.need(Right.READ)
        wanted = Recording.sha256.in_(set(sha256s))
        with self._database.reading() as session:
            return session.scalars(select(Recording).where(Recording.kind == kind, wanted)).all()

    def newest(self, actor: Actor, *, kind: Kind | None, limit: int, after: str | None = None) -> Sequence[Recording]:
        """What was uploaded, the newest first, from behind `after` ("kind:hash") on. Raises NotFoundError."""
        actor.need(Right.READ)
        order = (Recording.created_at.desc(), Recording.sha256.desc(), Recording.kind.desc())
        query = select(Recording).order_by(*order).limit(limit)
        if kind is not None:
            query = query.where(Recording.kind == kind)
        with self._database.reading() as session:
            if after is not None:
                last = session.get(Recording, tuple(reversed(after.split(":"))))
                if last is None:
                    raise NotFoundError("Không có bản ghi này.", "There is no such recording.")
                key = tuple_(Recording.created_at, Recording.sha256, Recording.kind)
                query = query.where(key < (last.created_at, last.sha256, last.kind))
            return session.scalars(query).all()


def require_recordings(session: Session, sound: Sound, speech: Iterable[str | None]) -> None:
    """Raise InvalidError unless every recording and the jingle were uploaded as what they are to be."""
    wanted: list[tuple[str, Kind]] = [(sha256, "speech") for sha256 in sorted({each for each in speech if each})]
    if sound.jingle:
        wanted.append((sound.jingle, "jingle"))
    for sha256, kind in wanted:
        if session.get(Recording, (sha256, kind)) is None:
            raise InvalidError(
                f"Không có bản ghi '{sha256[:12]}…' loại '{kind}'. Tải tệp lên trước rồi lưu bản tin.",
                f"There is no {kind} recording {sha256[:12]}…. Upload the file first, then save.",
                recording=sha256,
            )
