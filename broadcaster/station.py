"""Wiring: the one place that chooses adapters and starts and stops what a station is made of."""

import logging
import threading
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from audio.render import Renderer, build_renderer
from audio.store import ClipMissingError, DiskStore
from broadcaster.bulletins import Bulletins
from broadcaster.changes import Changes
from broadcaster.clock import Clock, SystemClock
from broadcaster.dispatch import Dispatcher
from broadcaster.errors import SetupError
from broadcaster.identity import signatory
from broadcaster.ingestion import Ingestion
from broadcaster.people import People
from broadcaster.planning import Planner
from broadcaster.receivers import Receivers
from broadcaster.releases import Releases
from broadcaster.rendering import Rendering
from broadcaster.settings import Settings
from broadcaster.storage.database import Database
from devices.brokers.accounts import Account, new_secret, station_account
from devices.brokers.embedded import EmbeddedBroker, EmbeddedBrokerError
from devices.links.mqtt import MqttLink
from devices.links.timekeeping import ClockAnswers
from devices.receiver.provision import BrokerAccess, Provision
from devices.wire.messages import Kind
from devices.wire.signing import PublicKey
from schedules.alarms import Alarms

log = logging.getLogger(__name__)
STATION_ACCOUNT = "station"
REGULAR_S = 30.0
"""Seconds between regular wakes; releases, new connections and the next instant wake at once."""


class Core:
    """What needs only the database and the keys: enough for the command line; nothing runs by itself."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.database = Database(settings.database)
        self.signatory = signatory(settings.folder, settings.station)
        self.changes = Changes()
        self.people = People(self.database, self.clock, session_length=settings.session_length)
        self.receivers = Receivers(
            self.database,
            self.clock,
            self.signatory,
            zone=settings.zone,
            media_url=f"{settings.base_url}/api/v1/media",
            today=self.today,
        )
        self.bulletins = Bulletins(self.database, self.clock, self.signatory, changed=self._changed)
        self.releases = Releases(self.database, self.clock, changed=self._changed)

    @property
    def clips(self) -> Path:
        """The folder of the clip store."""
        return self.settings.folder / "clips"

    def clip_path(self, sha256: str) -> Path | None:
        """Where a clip is, or None if the store does not have it."""
        try:
            return DiskStore(self.clips).path(sha256)
        except ClipMissingError:
            return None

    def today(self) -> date:
        """The date at the station."""
        return self.clock.now().astimezone(ZoneInfo(self.settings.zone)).date()

    def close(self) -> None:
        """Give back what was opened."""
        self.database.close()

    def _changed(self) -> None:
        self.changes.notify()


class Station(Core):
    """A station at work: broker, link, speech, planning, dispatch, ingestion."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        super().__init__(settings, clock=clock)
        self._broker: EmbeddedBroker | None = None
        self._account: Account | None = None
        if settings.broker == "embedded":
            folder = settings.folder / "broker"
            folder.mkdir(exist_ok=True, mode=0o700)
            # Made anew at each start: nobody but this process and its child needs it.
            username, password = STATION_ACCOUNT, new_secret()
            self._account = station_account(password, username=username)
            self._broker = EmbeddedBroker(settings.broker_host, settings.broker_port, folder=folder)
        elif settings.broker_password is not None:
            username, password = settings.broker_username, settings.broker_password.get_secret_value()
        else:
            raise SetupError(
                "Máy chủ MQTT bên ngoài cần mật khẩu. Đặt BROADCASTER_BROKER_PASSWORD.",
                "An external broker needs a password. Set BROADCASTER_BROKER_PASSWORD.",
            )
        self.link = MqttLink(settings.broker_host, settings.broker_port, username, username, password)
        self._clock_answers = ClockAnswers(
            MqttLink(
                *(settings.broker_host, settings.broker_port, f"{username}~clock", username, password),
                clean_session=True,
            ),
            settings.station,
            sign=lambda document: self.signatory.sign(document).encode(),
            keys=self.receivers.keyring,
        )
        self._planner = Planner(
            self.database,
            self.clock,
            self.signatory,
            plan_horizon=settings.plan_horizon,
            dispatch_horizon=settings.dispatch_horizon,
            late_limit=settings.late_limit,
        )
        self._dispatcher = Dispatcher(
            self.database, self.clock, self.receivers, self.link, late_limit=settings.late_limit
        )
        self.ingestion = Ingestion(self.database, self.clock, self.signatory, self.link, changed=self.changes.notify)
        self._rendering = Rendering(self.database, self.clock, self._renderer, changed=self.changes.notify)
        self._alarms = Alarms(self._cycle, every_s=REGULAR_S)
        self._watch_stop = threading.Event()
        self._watch = threading.Thread(target=self._watch_link, name="link-watch", daemon=True)

    def start(self) -> None:
        """Migrate, start the broker, connect, and begin to plan. Raises SetupError."""
        self.database.migrate()
        if self._broker is not None:
            self.refresh_accounts()
            try:
                self._broker.start()
            except EmbeddedBrokerError as error:
                raise SetupError(f"Không khởi động được máy chủ MQTT: {error}", str(error)) from error
        self.link.open()
        self.ingestion.start()
        self._clock_answers.start()
        self._rendering.start()
        self._alarms.start()
        self._watch.start()

    def stop(self) -> None:
        """Stop in the order in which nothing is lost: no new work, then what is at hand, then the connections."""
        self.changes.close()
        self._watch_stop.set()
        self._alarms.stop()
        self._rendering.stop()
        self.ingestion.stop()
        self._clock_answers.stop()
        self.link.close()
        if self._broker is not None:
            self._broker.stop()
        self.close()

    def enrol(self, *, receiver: str, name: str, kind: Kind, area: str, public_key: PublicKey) -> str:
        """Take a receiver into service, with its broker account and configuration at once; returns its secret."""
        secret = self.receivers.enrol(receiver=receiver, name=name, kind=kind, area=area, public_key=public_key)
        self.refresh_accounts()
        self._dispatcher.reconfigure()
        self._changed()
        return secret

    def provision(self, receiver: str, secret: str) -> Provision:
        """What the receiver needs to begin."""
        settings = self.settings
        return Provision(
            station=settings.station,
            receiver=receiver,
            station_keys=(self.signatory.key.public().to_jwk(),),
            broker=BrokerAccess(
                host=settings.broker_public_host or settings.broker_host,
                port=settings.broker_port,
                username=receiver,
                secret=secret,
            ),
        )

    def refresh_accounts(self) -> None:
        """Give the embedded broker the accounts that the database says."""
        if self._broker is None or self._account is None:
            return
        accounts = {account.username: account for account in self.receivers.accounts()}
        self._broker.accounts.write({STATION_ACCOUNT: self._account, **accounts})

    def _changed(self) -> None:
        super()._changed()
        self._rendering.wake()
        self._alarms.now()

    def _cycle(self) -> None:
        try:
            soonest = self._planner.run()
            complete = self._dispatcher.run()
        except Exception:  # the next wake tries again; the rows are as they were
            log.exception("planning failed")
            return
        if soonest is not None:
            self._alarms.at(soonest)
        if complete:
            self.changes.notify()

    def _watch_link(self) -> None:
        """Wake the dispatcher when the link has come back: its broker may have lost what it retained."""
        seen = 0
        while not self._watch_stop.wait(0.2):
            if self.link.connected and self.link.connections != seen:
                seen = self.link.connections
                self._alarms.now()

    def _renderer(self) -> Renderer:
        settings = self.settings
        return build_renderer(
            self.clips,
            engines=settings.engines,
            gtts_timeout_s=settings.gtts_timeout_s,
            workers=settings.speech_workers,
        )
