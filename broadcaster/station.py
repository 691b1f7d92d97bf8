"""Wiring: the one place that chooses adapters and starts and stops what a station is made of."""

import logging
import threading
import time
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

from audio.engines.port import Capabilities
from audio.render import Renderer, build_renderer
from audio.store import ClipMissingError, DiskStore
from broadcaster import audit, tracing
from broadcaster.absences import Absences
from broadcaster.accounts import People
from broadcaster.alerts.courier import Courier, Mail
from broadcaster.alerts.register import Register, Route, quiet_hours
from broadcaster.alerts.watch import Watch
from broadcaster.area_sounds import AreaSounds
from broadcaster.areas import day_of
from broadcaster.brokers import broker_side, reserved_names
from broadcaster.bulletins import Bulletins
from broadcaster.campaigns import Campaigns
from broadcaster.changes import Changes
from broadcaster.clock import Clock, SystemClock
from broadcaster.credentials import account_secrets
from broadcaster.dispatch import Dispatcher
from broadcaster.emergencies import Emergencies
from broadcaster.enrolment import Acceptance, Enrolments
from broadcaster.errors import InvalidError, SetupError
from broadcaster.expiries import Expiries
from broadcaster.founding import Founding
from broadcaster.groups import Groups
from broadcaster.identity import signatory
from broadcaster.ingestion import Ingestion
from broadcaster.lexicons import Lexicons
from broadcaster.lifecycle import Lifecycle
from broadcaster.logins import LogIns
from broadcaster.operating.lights import StationLights
from broadcaster.operating.today import Operating
from broadcaster.outlines import Outlines
from broadcaster.outside import OutsideLogIns
from broadcaster.overrides import Overrides
from broadcaster.people import Actor, Right
from broadcaster.planning import Planner
from broadcaster.policies import AreaPolicies
from broadcaster.programmes import Programmes
from broadcaster.proposals import Proposals
from broadcaster.provisions import Provisions
from broadcaster.readings import Readings
from broadcaster.receivers import Receivers, Standing
from broadcaster.recordings import Recordings
from broadcaster.releases import Releases
from broadcaster.rendering import Rendering
from broadcaster.reorganisation import rehoming
from broadcaster.reorganisation.plans import Reorganisations
from broadcaster.reports.deadlines import deadline
from broadcaster.reports.desk import Reports
from broadcaster.reports.documents import Documents
from broadcaster.reports.kept import Keeper
from broadcaster.settings import Settings
from broadcaster.sound import Sound
from broadcaster.speech import Speaking
from broadcaster.station_keys import KeyRing, KeyTimes
from broadcaster.stops import Stops
from broadcaster.storage.database import Database
from broadcaster.storage.models import Receiver
from broadcaster.unfinished import Unfinished
from broadcaster.week_copies import WeekCopies
from broadcaster.welcome import Welcome
from devices.brokers.embedded import EmbeddedBrokerError
from devices.brokers.port import BrokerAccountsError
from devices.links.timekeeping import ClockAnswers
from devices.receiver.provision import BrokerAccess, Provision
from devices.wire.enrolment import Wiped
from devices.wire.messages import Kind
from devices.wire.signing import PublicKey
from schedules.alarms import Alarms

log = logging.getLogger(__name__)
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
        self.secrets = account_secrets(settings.folder)
        self.keys = KeyRing(settings.folder, self.clock, self.signatory)
        self.changes = Changes()
        audit.keep(self.database, self.signatory, self.clock)
        self.people = People(self.database, self.clock, today=self.today)
        self.welcome = Welcome(self.database, self.clock, self.people)
        self.absences = Absences(self.database, self.clock, today=self.today)
        self.log_ins = LogIns(
            self.database,
            self.clock,
            session_length=settings.session_length,
            station=settings.station_name,
            today=self.today,
        )
        self.outside = OutsideLogIns(self.database, self.clock, self.log_ins, settings)
        self.receivers = Receivers(
            self.database,
            self.clock,
            self.signatory,
            self.secrets,
            zone=settings.zone,
            media_url=f"{settings.base_url}/api/v1/media",
            today=self.today,
            reserved=reserved_names(settings),
        )
        self.speaking = Speaking(_sound(settings), today=self.today)
        self.bulletins = Bulletins(
            self.database, self.clock, self.signatory, self.speaking, zone=settings.zone, changed=self._changed
        )
        self.week_copies = WeekCopies(self.database, self.clock, self.bulletins, zone=settings.zone)
        self.lexicons = Lexicons(self.database, self.clock, self.speaking, changed=self._changed)
        self.proposals = Proposals(self.database, self.clock, self.speaking, self.lexicons, changed=self._changed)
        self.readings = Readings(self.database, self.clock, self.speaking, self.lexicons, changed=self._changed)
        self.area_sounds = AreaSounds(self.database, self.clock, self.speaking, changed=self._changed)
        self.founding = Founding(self.database, self.clock, zone=settings.zone, changed=self._changed)
        self.outlines = Outlines(self.database, self.clock, zone=settings.zone)
        self.recordings = Recordings(self.database, self.clock, self.clips)
        self.policies = AreaPolicies(self.database, self.clock, zone=settings.zone, changed=self._changed)
        self.overrides = Overrides(self.database, self.clock, self.signatory, zone=settings.zone, changed=self._changed)
        self.programmes = Programmes(self.database, self.clock, zone=settings.zone, changed=self._changed)
        self.campaigns = Campaigns(self.database, self.clock, zone=settings.zone)
        self.groups = Groups(self.database, self.clock)
        self.reorganisations = Reorganisations(self.database, self.clock, zone=settings.zone, changed=self._changed)
        self.unfinished = Unfinished(self.database, self.clock)
        self.releases = Releases(self.database, self.clock, zone=settings.zone, changed=self._changed)
        self.reports = Reports(
            self.database, self.clock, zone=settings.zone, deadline=deadline(settings.report_deadline)
        )
        self.documents = Documents(self.database, self.clock, self.reports, folder=settings.folder)

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
        return day_of(self.clock.now(), self.settings.zone)

    def close(self) -> None:
        """Give back what was opened."""
        self.reports.counting.close()
        self.database.close()

    def _changed(self) -> None:
        self.changes.notify()


class Station(Core):
    """A station at work: broker, link, speech, planning, dispatch, ingestion."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        super().__init__(settings, clock=clock)
        self.broker = broker_side(settings, self.secrets)
        self._accounts_stand = False
        self._accounts_lock = threading.Lock()
        self.link = self.broker.link(self.broker.username)
        self._clock_answers = ClockAnswers(
            self.broker.link(f"{self.broker.username}~clock", clean_session=True),
            settings.station,
            sign=lambda document: self.signatory.sign(document).encode(),
            keys=self.receivers.keyring,
        )
        self.provisions = Provisions(
            self.clock,
            self.signatory,
            self.secrets,
            station_name=settings.station_name,
            station_keys=self.keys.public,
            broker=self.broker.address,
            media_url=f"{settings.base_url}/api/v1/media",
        )
        self.enrolments = Enrolments(
            self.database,
            self.clock,
            self.signatory,
            account_secrets=self.secrets,
            receivers=self.receivers,
            provisions=self.provisions,
        )
        self.lifecycle = Lifecycle(
            self.database, self.clock, self.signatory, receivers=self.receivers, provisions=self.provisions
        )
        self.expiries = Expiries(
            self.database, self.clock, keys=lambda: self.keys.times, certificates=_certificates(settings)
        )
        self._planner = Planner(
            self.database,
            self.clock,
            self.signatory,
            zone=settings.zone,
            plan_horizon=settings.plan_horizon,
            dispatch_horizon=settings.dispatch_horizon,
            late_limit=settings.late_limit,
        )
        self._dispatcher = Dispatcher(
            self.database,
            self.clock,
            self.receivers,
            self.link,
            late_limit=settings.late_limit,
            standing=lambda: [
                *(Standing(topic, document) for topic, document in self.keys.standing()),
                *self.lifecycle.standing(),
            ],
        )
        self.ingestion = Ingestion(
            self.database,
            self.clock,
            self.signatory,
            self.link,
            zone=settings.zone,
            changed=self.changes.notify,
            wiped=self._wiped,
        )
        self.stops = Stops(
            self.database,
            self.clock,
            self.signatory,
            zone=settings.zone,
            publish=self._dispatcher.publish_stops,
            changed=self._changed,
        )
        self.emergencies = Emergencies(
            self.database, self.clock, self.signatory, zone=settings.zone, changed=self._changed
        )
        self._rendering = Rendering(self.database, self.clock, self.speaking, self._renderer, changed=self._rendered)
        self._lights = StationLights(
            self.database,
            connected=lambda: self.link.connected,
            publishing_s=lambda: self._dispatcher.publishing_s,
            engines=lambda: tuple(self.engines),
            planned=self._planned,
        )
        self.operating = Operating(self.database, self.clock, zone=settings.zone, lights=self._lights.all)
        self.alerts = Register(self.database, self.clock, _route(settings), changed=self.changes.notify)
        self._alert_watch = Watch(
            self.database,
            self.clock,
            operating=self.operating,
            register=self.alerts,
            courier=_courier(settings, self.database, self.clock),
            expiries=self.expiries.pressing,
            lights=self._lights.all,
            owed=self.reports.reminders,
        )
        self._cycled: float | None = None
        """When orders were last made and sent, by a clock that is never set."""
        self._keeper = Keeper(self.database)
        self._alarms = Alarms(self._cycle, every_s=REGULAR_S)
        self._watch_stop = threading.Event()
        self._watch = threading.Thread(target=self._watch_link, name="link-watch", daemon=True)

    def start(self) -> None:
        """Migrate, start the broker, connect, and begin to plan. Raises SetupError."""
        self.database.migrate()
        audit.take_in(self.database)
        if self.broker.process is not None:
            self._synchronise_accounts()
            try:
                self.broker.process.start()
            except EmbeddedBrokerError as error:
                raise SetupError(f"Không khởi động được máy chủ MQTT: {error}", str(error)) from error
        self._plan_first()
        self.link.open()
        self.ingestion.start()
        self._clock_answers.start()
        self._rendering.start()
        self._alarms.start()
        self._watch.start()
        self._alert_watch.start()
        self._keeper.start()

    def _plan_first(self) -> None:
        """Plan before the first receipt is judged: a restored station makes orders anew that receivers hold already."""
        try:
            self._planner.run()
        except Exception:  # it is tried again at the first wake
            log.exception("planning failed")
        if self._planner.moved:
            self._accounts_stand = False

    def stop(self) -> None:
        """Stop in the order in which nothing is lost: no new work, then what is at hand, then the connections."""
        self.changes.close()
        self._watch_stop.set()
        self._alert_watch.stop()
        self._keeper.stop()
        self._alarms.stop()
        self._rendering.stop()
        self.ingestion.stop()
        self._clock_answers.stop()
        self.link.close()
        self.broker.accounts.close()
        if self.broker.process is not None:
            self.broker.process.stop()
        self.close()

    def enrol(
        self, *, receiver: str, name: str, kind: Kind, area: str, public_key: PublicKey, actor: Actor | None = None
    ) -> str:
        """Take a receiver into service, with its broker account and configuration at once; returns its secret."""
        secret = self.receivers.enrol(
            receiver=receiver, name=name, kind=kind, area=area, public_key=public_key, actor=actor
        )
        self.place_changed(receiver)
        return secret

    def accept(self, actor: Actor, acceptance: Acceptance) -> Receiver:
        """Take the device that shows a code into service, with its broker account and configuration at once."""
        row = self.enrolments.accept(actor, acceptance)
        self.place_changed(row.id)
        return row

    def place_changed(self, receiver: str) -> None:
        """A receiver is new, moved, renewed or gone: its account first, then what stands on the broker."""
        self._place_account(receiver)
        self._dispatcher.reconfigure()
        self._changed()

    def rotate_keys(self, actor: Actor, *, signs_in: timedelta, overlap: timedelta, stolen: bool) -> KeyTimes:
        """Announce the next signing key, or replace stolen ones at once. For administrators of the whole station."""
        actor.need(Right.ADMINISTER, None)
        actor.need_proof()
        key = self.keys.replace_stolen() if stolen else self.keys.rotate(signs_in=signs_in, overlap=overlap)
        with self.database.writing() as session:
            action = "station-keys-replaced" if stolen else "station-key-announced"
            audit.note(session, actor, action, key.kid, at=self.clock.now(), areas=[None])
        self.keys_changed()
        return key

    def keys_changed(self) -> None:
        """The station has a next key, or signs with another: everything that stands is signed anew where it must be."""
        rehoming.sign_anew(self.database, self.signatory, self.clock.now())
        self._dispatcher.reconfigure()
        self._changed()

    def _wiped(self, statement: Wiped) -> None:
        if self.lifecycle.wiped(statement):
            self.place_changed(statement.receiver)

    def provision(self, receiver: str, secret: str) -> Provision:
        """What the receiver needs to begin, for an enrolment by hand."""
        address = self.broker.address()
        return Provision(
            station=self.settings.station,
            receiver=receiver,
            station_keys=self.provisions.station_keys(),
            broker=BrokerAccess(
                host=address.host,
                port=address.port,
                username=receiver,
                secret=secret,
                tls=address.tls,
                ca_pem=address.ca_pem,
            ),
        )

    @property
    def engines(self) -> Mapping[str, Capabilities]:
        """What the speech engines offer, in the order in which they are tried; empty until they are up."""
        return self._rendering.engines

    def require_voices(self, *wanted: str | None) -> None:
        """Raise InvalidError for a voice, or a language in its place, that no engine of this station has."""
        offered = self.engines
        for voice in wanted:
            if voice is None or not offered:
                continue
            if not any(engine.offers(voice) or voice in engine.voices for engine in offered.values()):
                known = sorted({name for engine in offered.values() for name in engine.voices.get("vi", ())})
                raise InvalidError(
                    f"Không có giọng đọc '{voice}'. Các giọng tiếng Việt: {', '.join(known)}.",
                    f"No engine has the voice '{voice}'. Vietnamese voices: {', '.join(known)}.",
                    field="voice",
                )

    def _place_account(self, receiver: str) -> None:
        """Make one account at the broker what the database says; where that fails, all are made so soon."""
        with self._accounts_lock:
            try:
                if found := self.receivers.accounts(receiver):
                    self.broker.accounts.set(*found)
                else:
                    self.broker.accounts.remove(receiver)
            except BrokerAccountsError as error:
                self._accounts_stand = False
                log.error("the account of %s is not changed yet: %s", receiver, error)  # noqa: TRY400 - said in full

    def _synchronise_accounts(self) -> None:
        """Make the broker's accounts equal the database's; at each start, and after anything went wrong."""
        own = self.broker.own_account
        if own is None:
            return
        with self._accounts_lock:
            try:
                done = self.broker.accounts.synchronise([own, *self.receivers.accounts()])
            except BrokerAccountsError as error:
                self._accounts_stand = False
                log.error("the broker's accounts are not in order yet: %s", error)  # noqa: TRY400 - said in full
                return
            self._accounts_stand = True
        if done.withheld:
            log.warning("no account could be made for %s: their secrets must be renewed", ", ".join(done.withheld))

    def _changed(self) -> None:
        super()._changed()
        self._rendering.wake()
        self._alarms.now()

    def _rendered(self) -> None:
        self.changes.notify()
        self._alarms.now()  # an emergency may wait for its speech

    def _cycle(self) -> None:
        # Without a connection it may be that the broker lost its accounts, this station's own among them.
        lost = self.settings.broker == "mosquitto" and not self.link.connected
        if lost or not self._accounts_stand:
            self._synchronise_accounts()
        try:
            if self.keys.look():
                self.keys_changed()
            self.expiries.tell()
            with tracing.tracer.start_as_current_span("planning"):
                soonest = self._planner.run()
            if self._planner.moved:
                self._dispatcher.renew_configurations()
                self._synchronise_accounts()
            with tracing.tracer.start_as_current_span("dispatch"):
                complete = self._dispatcher.run()
        except Exception:  # the next wake tries again; the rows are as they were
            log.exception("planning failed")
            return
        self._cycled = time.monotonic()
        if soonest is not None:
            self._alarms.at(soonest)
        if complete:
            self.changes.notify()

    def _planned(self) -> tuple[timedelta | None, int]:
        cycled = self._cycled
        ago = None if cycled is None else timedelta(seconds=time.monotonic() - cycled)
        return ago, len(self._planner.failures) + len(self.receivers.failures)

    def _watch_link(self) -> None:
        """Wake the dispatcher when the link has come back: its broker may have lost what it retained."""
        seen = 0
        while not self._watch_stop.wait(0.2):
            if self.link.connected and self.link.connections != seen:
                seen = self.link.connections
                if self.settings.broker == "mosquitto":
                    self._accounts_stand = False  # it may have come back with accounts of another day
                self._alarms.now()

    def _renderer(self) -> Renderer:
        settings = self.settings
        return build_renderer(
            self.clips,
            engines=settings.engines,
            gtts_timeout_s=settings.gtts_timeout_s,
            piper_voice=settings.piper_voice,
            workers=settings.speech_workers,
            opus=settings.opus,
        )


def _sound(settings: Settings) -> Sound:
    """How the station sounds where no area and no bulletin says otherwise: everything is given."""
    return Sound(
        voice=settings.voice,
        rate_wpm=settings.speech_rate,
        pitch=settings.speech_pitch,
        equaliser=settings.equaliser,
        call=settings.station_call,
        repeats=settings.repeats,
        jingle="",
        jingle_in_place_of_chime=False,
    )


def _route(settings: Settings) -> Route:
    return Route(
        emails=settings.alert_emails,
        webhooks=settings.alert_webhooks,
        quiet=quiet_hours(settings.alert_quiet),
        zone=settings.zone,
    )


def _courier(settings: Settings, database: Database, clock: Clock) -> Courier:
    mail, secret = None, settings.alert_webhook_secret
    if settings.alert_smtp_host is not None:
        password = settings.alert_smtp_password
        mail = Mail(
            settings.alert_smtp_host,
            settings.alert_smtp_port,
            settings.alert_from,
            settings.alert_smtp_security,
            settings.alert_smtp_username,
            None if password is None else password.get_secret_value(),
        )
    return Courier(
        database,
        clock,
        mail=mail,
        secret=None if secret is None else secret.get_secret_value(),
        station=settings.station_name,
        zone=settings.zone,
    )


def _certificates(settings: Settings) -> list[Path]:
    """Certificates whose end is to be watched."""
    own = (settings.broker_certificate_file, settings.broker_ca_file)
    return [*(path for path in own if path is not None), *settings.certificate_files]
