"""What expires, and how soon: keys, configurations, certificates. Said 60, 30 and 7 days before, and after."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from cryptography import x509
from sqlalchemy import select

from broadcaster.clock import Clock
from broadcaster.station_keys import KeyTimes
from broadcaster.storage.database import Database
from broadcaster.storage.models import Receiver

log = logging.getLogger(__name__)
THRESHOLDS = (60, 30, 7)
"""Days before the end at which somebody has to know."""


@dataclass(frozen=True)
class Expiry:
    """Something that ends. `level` is the threshold in days that was passed last: 60, 30, 7, or 0 when it is over."""

    subject: str  # station-key | retiring-station-key | configuration | certificate | unreadable-certificate
    name: str
    at: datetime
    level: int | None

    def days(self, now: datetime) -> int:
        """Whole days that are left; negative when it is over."""
        return (self.at - now).days


def level_of(at: datetime, now: datetime) -> int | None:
    """The lowest threshold that has been passed, 0 when it is over, None while there is time."""
    if at <= now:
        return 0
    return min((days for days in THRESHOLDS if at - now <= timedelta(days=days)), default=None)


class Expiries:
    """Looks at everything that ends. `tell` writes a line into the log for each threshold, once in this process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        keys: Callable[[], Iterable[KeyTimes]],
        certificates: Iterable[Path],
    ) -> None:
        self._database = database
        self._clock = clock
        self._keys = keys
        self._certificates = tuple(certificates)
        self._told: set[tuple[str, str, date, int]] = set()

    def all(self) -> list[Expiry]:
        """Everything that ends, the soonest first."""
        now = self._clock.now()
        found = [*self._station_keys(now), *self._configurations(now), *self._files(now)]
        return sorted(found, key=lambda item: (item.at, item.subject, item.name))

    def pressing(self) -> list[Expiry]:
        """What has passed a threshold."""
        return [item for item in self.all() if item.level is not None]

    def tell(self) -> None:
        """Log what has passed a threshold since it was last told."""
        now = self._clock.now()
        for item in self.pressing():
            mark = (item.subject, item.name, item.at.date(), item.level or 0)
            if mark not in self._told:
                self._told.add(mark)
                log.warning("%s %s expires on %s (%d days)", item.subject, item.name, item.at.date(), item.days(now))

    def _station_keys(self, now: datetime) -> Iterator[Expiry]:
        times = tuple(self._keys())
        newest = max(times, key=lambda key: key.signs_from)
        yield Expiry("station-key", newest.kid, newest.renew_by, level_of(newest.renew_by, now))
        for key in times:
            if key.retires_at is not None and key.believed(now):
                yield Expiry("retiring-station-key", key.kid, key.retires_at, level_of(key.retires_at, now))

    def _configurations(self, now: datetime) -> Iterator[Expiry]:
        query = select(Receiver.id, Receiver.configuration_expires_at).where(
            Receiver.revoked_at.is_(None), Receiver.configuration_expires_at.is_not(None)
        )
        with self._database.reading() as session:
            rows = session.execute(query).all()
        for name, at in rows:
            if at is not None:
                yield Expiry("configuration", name, at, level_of(at, now))

    def _files(self, now: datetime) -> Iterator[Expiry]:
        for path in self._certificates:
            try:
                chain = x509.load_pem_x509_certificates(path.read_bytes())
                at = min(certificate.not_valid_after_utc for certificate in chain)
            except (OSError, ValueError):
                yield Expiry("unreadable-certificate", str(path), now, 0)
                continue
            yield Expiry("certificate", str(path), at, level_of(at, now))
