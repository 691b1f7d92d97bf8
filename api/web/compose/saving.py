"""From the compose form to the bulletin: saved once however often the form comes, submitted once."""

from api.web.compose.form import Form
from broadcaster.bulletins import Draft, draft_of, written_as
from broadcaster.errors import ConflictError
from broadcaster.people import Actor
from broadcaster.releases import find
from broadcaster.station import Station
from broadcaster.storage.models import Bulletin
from broadcaster.whereabouts import need_sight

_TRIES = 3


def before(station: Station, actor: Actor, form: Form, blank: Draft) -> Draft:
    """What the bulletin is now; a blank one if there is none yet."""
    if not form.bulletin:
        return blank
    with station.database.reading() as session:
        row = find(session, form.bulletin)
        need_sight(session, actor, row)
        return draft_of(session, row)


def saved(station: Station, actor: Actor, form: Form, draft: Draft) -> tuple[str, int]:
    """The bulletin's id and revision, with the readings that were settled on the page.

    The same form a second time changes nothing. Raises ConflictError where somebody else has edited it.
    """
    station.require_voices(draft.sound.voice)
    bulletin, revision = form.bulletin, form.revision
    if not bulletin:
        # Another tab may have saved other words under this key: the form has seen no revision of it.
        bulletin, revision = station.bulletins.write(actor, draft, key=form.key), 0
    choices = [each.choice() for each in form.settlings]
    for tried in range(_TRIES):
        revision = station.bulletins.save(actor, bulletin, draft, revision=revision)
        left = station.readings.outstanding(actor, bulletin, choices)
        if not left:
            break
        try:
            station.readings.settle(actor, bulletin, left, revision=revision)
        except ConflictError:  # the same form came twice at once, and the other was first
            if tried == _TRIES - 1:
                raise
    for key in {form.key, bulletin}:
        station.unfinished.forget(actor, key)
    with station.database.reading() as session:
        return bulletin, find(session, bulletin).revision


def submitted(station: Station, actor: Actor, bulletin: str, revision: int) -> None:
    """Ask for release; asking for the same revision again is no error. Raises ConflictError as `Bulletins.submit` does."""
    try:
        station.bulletins.submit(actor, bulletin, revision=revision)
    except ConflictError:
        with station.database.reading() as session:
            row = find(session, bulletin)
            if row.state != "submitted" or row.revision != revision:
                raise


def is_written(station: Station, actor: Actor, key: str) -> bool:
    """Whether what was typed under this key has become a bulletin."""
    with station.database.reading() as session:
        return session.get(Bulletin, written_as(actor, key)) is not None
