"""The watch: looks at the station every few seconds, keeps the register, and sends the courier out."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from broadcaster.alerts import findings
from broadcaster.alerts.courier import Courier
from broadcaster.alerts.findings import Finding
from broadcaster.alerts.register import Register
from broadcaster.clock import Clock
from broadcaster.expiries import Expiry
from broadcaster.operating.rows import Light
from broadcaster.operating.today import Operating
from broadcaster.reports.board import Owed
from broadcaster.storage.database import Database

log = logging.getLogger(__name__)
EVERY_S = 5.0
REPORTS_EVERY = timedelta(minutes=10)
"""Who owes a report is a matter of days, and a province has hundreds who may."""


class Watch:
    """Two threads: a mail server that does not answer must not keep anybody from looking."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        operating: Operating,
        register: Register,
        courier: Courier,
        expiries: Callable[[], Iterable[Expiry]],
        lights: Callable[[], Iterable[Light]],
        owed: Callable[[Session], Iterable[Owed]] = lambda _: (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._operating = operating
        self._register = register
        self._courier = courier
        self._expiries = expiries
        self._lights = lights
        self._owed = owed
        self._reports: list[Finding] = []
        self._reports_at: datetime | None = None
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(self.look,), name="alert-watch", daemon=True),
            threading.Thread(target=self._work, args=(self._courier.deliver,), name="alert-courier", daemon=True),
        ]

    def start(self) -> None:
        """Begin; the first look is after a few seconds, when receivers have come back to a broker that was restarted."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is at hand."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def look(self) -> None:
        """Find what there is to tell, and bring the register up to it."""
        now = self._clock.now()
        lights = list(self._lights())
        # Without its broker the station knows nothing of its receivers, and accuses none.
        known = not any(light.name == "broker" and light.cause == "away" for light in lights)
        troubles, areas, told = self._operating.troubles()
        found: list[Finding] = [
            *findings.of_station([*lights, *(told if known else ())]),
            *findings.of_expiries(self._expiries(), now),
        ]
        if known:
            found += findings.of_receivers(troubles, areas)
        with self._database.reading() as session:
            found += findings.of_forgeries(session, now)
            found += findings.of_set_apart(session, now)
            if self._reports_at is None or now - self._reports_at >= REPORTS_EVERY:
                self._reports, self._reports_at = findings.of_reports(self._owed(session)), now
        found += self._reports
        self._register.take(found, receivers_known=known)

    def _work(self, step: Callable[[], object]) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                step()
            except Exception:  # whatever it was, it is tried again
                log.exception("alerts")
