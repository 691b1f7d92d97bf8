"""Whether the station can do its work now, part by part."""

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from broadcaster.storage.models import LogCheckpoint

if TYPE_CHECKING:
    from broadcaster.station import Station

CLOCK_TOLERANCE = timedelta(minutes=1)


def readiness(station: "Station") -> dict[str, bool]:
    """`database` answers; `broker`: the link is up; `speech`: an engine is up; `clock`: it does not stand before what the log was told.

    A clock that was set back would make orders that receivers take for expired or for the past's.
    """
    database, clock = True, True
    try:
        with station.database.reading() as session:
            latest = session.scalar(select(func.max(LogCheckpoint.at)))
        clock = latest is None or station.clock.now() >= latest - CLOCK_TOLERANCE
    except SQLAlchemyError:
        database = clock = False
    return {"database": database, "broker": station.link.connected, "speech": bool(station.engines), "clock": clock}
