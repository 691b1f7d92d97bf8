"""How areas want to sound. A change speaks anew what waits there, and leaves what was released as it was approved."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from broadcaster import audit
from broadcaster.areas import line
from broadcaster.clock import Clock
from broadcaster.lexicons import Mention
from broadcaster.people import Actor, Right
from broadcaster.recordings import require_recordings
from broadcaster.sound import Sound
from broadcaster.speech import WAITING, Speaking, Speech, is_of, lexicon_of, line_of, require_certain_call, speak_anew
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Area, AreaSound, Bulletin
from broadcaster.unchanged import require_unchanged


@dataclass(frozen=True)
class SoundOfArea:
    """An area's own settings, and what is in force there: its own over those above it over the station's."""

    own: Sound
    effective: Sound


def state_of(own: Sound) -> dict[str, Any]:
    """An area's own settings, as an edit has to have seen them."""
    return own.model_dump(mode="json")


class AreaSounds:
    """Reading and changing how areas sound."""

    def __init__(self, database: Database, clock: Clock, speaking: Speaking, *, changed: Callable[[], None]) -> None:
        self._database = database
        self._clock = clock
        self._speaking = speaking
        self._changed = changed

    def of(self, actor: Actor, area_id: str) -> SoundOfArea:
        """How an area sounds. Raises NotFoundError for one that does not stand."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            at = line(self._speaking.areas(session), area_id)
            row = session.get(AreaSound, area_id)
            return SoundOfArea(Sound.model_validate(row.sound if row else {}), self._speaking.sound_of(session, at))

    def put(self, actor: Actor, area_id: str, sound: Sound, *, seen: str | None = None) -> tuple[Mention, ...]:
        """Replace an area's own settings; returns the waiting bulletins that are spoken anew. `seen` is what was given before, when it was read.

        Raises InvalidError for a call that cannot be read with certainty or a jingle that was not uploaded, StaleError where it is another by now.
        """
        actor.need(Right.PRONOUNCE, area_id)
        with self._database.writing() as session:
            places = self._speaking.places(session)
            at = line(places.areas, area_id)
            require_recordings(session, sound, ())
            if sound.call:
                require_certain_call(Speech("", "", None, (), lexicon_of(session, at).concerning(sound.call), sound))
            session.get_one(Area, area_id, with_for_update=HELD)
            waiting = session.scalars(
                select(Bulletin).where(Bulletin.state.in_(WAITING)).order_by(Bulletin.id).with_for_update(**HELD)
            ).all()
            row = session.get(AreaSound, area_id)
            before = {} if row is None else {"sound": row.sound}
            require_unchanged(seen, state_of(Sound.model_validate(row.sound if row else {})))
            if row is None:
                row = AreaSound(area_id=area_id)
                session.add(row)
            row.sound, row.person_id, row.changed_at = sound.given(), actor.id, self._clock.now()
            session.flush()
            now, after = row.changed_at, {"sound": row.sound}
            audit.note(session, actor, "sound-changed", area_id, at=now, areas=[area_id], before=before, after=after)
            anew = [
                bulletin
                for bulletin in waiting
                if area_id in line_of(session, bulletin.id, places)
                and not is_of(bulletin, self._speaking.of(session, bulletin, places))
            ]
            for bulletin in anew:
                speak_anew(bulletin)
        self._changed()
        return tuple(Mention(bulletin.id, bulletin.title) for bulletin in anew)
