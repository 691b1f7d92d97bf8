"""The watch: looks at the station every few seconds, keeps the register, and sends the courier out."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy.orm import Session

from broadcaster.alerts import findings
from broadcaster.alerts.courier import Courier
from broadcaster.alerts.findings import Finding, Source
from broadcaster.alerts.register import Register
from broadcaster.clock import Clock
from broadcaster.expiries import Expiry
from broadcaster.operating.rows import Light
from broadcaster.operating.today import Operating
from broadcaster.reports.board import Owed
from broadcaster.storage.database import Database

T = TypeVar("T")
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
        self._failing: dict[Source, Exception] = {}  # at the last look
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
        """Find what there is to tell, and bring the register up to it. A source that fails is told of itself, and hides no other."""
        now = self._clock.now()
        before, self._failing = self._failing, {}
        lights = self._ask("station", lambda: list(self._lights())) or []
        seen = self._ask("receivers", self._operating.troubles)
        found: list[Finding] = []
        found += self._ask("expiries", lambda: findings.of_expiries(self._expiries(), now)) or []
        found += self._ask("messages", lambda: self._of_messages(now)) or []
        found += self._ask("reports", lambda: self._of_reports(now)) or []
        unknown = set(self._failing)
        if any(light.name == "broker" and light.cause == "away" for light in lights):
            unknown.add("receivers")  # without its broker the station knows nothing of them, and accuses none
        elif seen is None:
            unknown.add("station")  # some of its lights come of what receivers say
        else:
            troubles, areas, told = seen
            found += findings.of_receivers(troubles, areas)
            lights += told
        found += findings.of_station(lights)
        for source in self._failing.keys() - before.keys():  # once, and not at each look
            log.error("alerts: one source fails, the others go on: %s", source, exc_info=self._failing[source])
        self._register.take([*found, *findings.of_watch(self._failing)], unknown=unknown)

    def _ask(self, source: Source, step: Callable[[], T]) -> T | None:
        try:
            return step()
        except Exception as error:  # noqa: BLE001  whatever it was, it is told of and tried again
            self._failing[source] = error
            return None

    def _of_messages(self, now: datetime) -> list[Finding]:
        with self._database.reading() as session:
            return [*findings.of_forgeries(session, now), *findings.of_set_apart(session, now)]

    def _of_reports(self, now: datetime) -> list[Finding]:
        if self._reports_at is None or now - self._reports_at >= REPORTS_EVERY:
            with self._database.reading() as session:
                self._reports, self._reports_at = findings.of_reports(self._owed(session)), now
        return self._reports

    def _work(self, step: Callable[[], object]) -> None:
        while not self._stop.wait(EVERY_S):
            try:
                step()
            except Exception:  # whatever it was, it is tried again
                log.exception("alerts")
