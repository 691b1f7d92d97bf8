"""Where things lie: in which areas a bulletin, a group or an audience is heard. Whoever acts on it needs the right in all of them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from broadcaster.groups import areas_in
from broadcaster.people import Actor
from broadcaster.storage.models import Airing, Bulletin, BulletinArea, ProgrammeRecord, Receiver, Schedule
from devices.wire.messages import Audience


def place_bulletin(session: Session, bulletin: Bulletin) -> set[str]:
    """Write down where a bulletin is to be heard, from its schedules and its programme; returns these areas."""
    targets = list(session.scalars(select(Schedule.targets).where(Schedule.bulletin_id == bulletin.id)))
    if bulletin.programme_id is not None:
        targets.append(session.get_one(ProgrammeRecord, bulletin.programme_id).targets)
    found = areas_in(session, targets)
    session.execute(delete(BulletinArea).where(BulletinArea.bulletin_id == bulletin.id))
    session.add_all(BulletinArea(bulletin_id=bulletin.id, area_id=area) for area in sorted(found))
    session.flush()
    return found


def heard_in(session: Session, bulletin: Bulletin) -> set[str | None]:
    """Where a bulletin is to be heard; while it is addressed to nothing, the area whose it is."""
    found: set[str | None] = set(
        session.scalars(select(BulletinArea.area_id).where(BulletinArea.bulletin_id == bulletin.id))
    )
    return found or {bulletin.area_id}


def areas_of(session: Session, bulletin: Bulletin) -> set[str | None]:
    """Where it is to be heard, and whose it is: an edit needs the right in all of these."""
    return {bulletin.area_id, *heard_in(session, bulletin)}


def visible_to(actor: Actor) -> list[ColumnElement[bool]]:
    """For a SELECT of bulletins: those that are this person's area's own, or are to be heard there."""
    own, seen = actor.within(), actor.sees()
    if own is None or seen is None:
        return []
    heard = select(BulletinArea.area_id).where(BulletinArea.bulletin_id == Bulletin.id, BulletinArea.area_id.in_(seen))
    return [or_(Bulletin.area_id.in_(own), heard.exists())]


def airings_for(actor: Actor) -> list[ColumnElement[bool]]:
    """For a SELECT of airings: those of bulletins that this person may see."""
    visible = visible_to(actor)
    return [select(Bulletin.id).where(Bulletin.id == Airing.bulletin_id, *visible).exists()] if visible else []


def need_sight(session: Session, actor: Actor, bulletin: Bulletin) -> None:
    """Raise ForbiddenError unless the bulletin is this person's to see."""
    if bulletin.area_id is not None and actor.may_see_own(bulletin.area_id):
        return
    actor.need_sight(heard_in(session, bulletin))


def areas_of_audience(session: Session, audience: Mapping[str, Any]) -> set[str]:
    """The areas of a signed audience."""
    given = Audience.model_validate(audience, strict=False)
    found = set(given.areas)
    if given.receivers:
        found.update(session.scalars(select(Receiver.area_id).where(Receiver.id.in_(given.receivers))))
    return found
