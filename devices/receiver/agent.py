"""The agent: everything a receiver does, put together."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import httpx
import structlog

from devices.links.port import Delivery, Link, LinkError, Will
from devices.receiver.amplifier import Amplifier
from devices.receiver.clips import MAX_BYTES, Clips
from devices.receiver.downloads import Downloads
from devices.receiver.health import Account, Machine
from devices.receiver.intake import Intake
from devices.receiver.journal import Journal
from devices.receiver.outbox import Outbox
from devices.receiver.outputs import MEDIA_TYPES, LedScreen, Loudspeaker, Output
from devices.receiver.page import PageServer, Screen
from devices.receiver.place import Place
from devices.receiver.player import Player
from devices.receiver.provision import KEY_FILE, Provision
from devices.receiver.sinks import Sink
from devices.receiver.timekeeping import ClockProbes, Timekeeper
from devices.receiver.trust import Pins, Trust
from devices.receiver.watchdog import Watchdog
from devices.wire import topics
from devices.wire.areas import Rehomings
from devices.wire.enrolment import Wiped
from devices.wire.messages import Configuration, Health, Presence
from devices.wire.signing import RefusedError, SigningKey, sign, verify

log = structlog.get_logger(__name__)

LinkFactory = Callable[[Callable[[], Will]], Link]
"""Makes the link, given what makes the last will of each connection."""
CONFIGURATION_NOTE = "configuration"
REHOMINGS_NOTE = "rehomings/"
"""Followed by the area on whose topic they stand."""
PRUNE_EVERY_S = 3600.0
SUPPORTS = (*MEDIA_TYPES, "drills", "gain", "quiet-hours", "resume", "self-tests", "stops")


class StalledError(Exception):
    """The player does nothing any more; whoever supervises the process is to start it again."""


def software() -> str:
    """Name and version of this software, as presence tells it."""
    try:
        return f"commune-broadcaster {version('commune-broadcaster')}"
    except PackageNotFoundError:
        return "commune-broadcaster"


class Agent:
    """One receiver. `run` returns after `stop`, with everything written down."""

    def __init__(
        self,
        folder: Path,
        *,
        link: LinkFactory,
        clock: Timekeeper,
        client: httpx.Client,
        sink: Sink | None,
        page: PageServer | None,
        cache_bytes: int = MAX_BYTES,
        amplifier: Amplifier | None = None,
    ) -> None:
        """A loudspeaker needs a `sink`, a screen a `page`; which of them it is, its configuration says.

        Raises ProvisionError, KeyFileError, JournalError.
        """
        self._folder = folder
        self._clock = clock
        self._sink = sink
        self._page = page
        self._provision = Provision.load(folder)
        self._key = SigningKey.load(folder / KEY_FILE)
        self._keys = Pins(self._provision.pins(), clock)
        self._journal = Journal(folder / "journal.sqlite")
        self._clips = Clips(folder / "clips", max_bytes=cache_bytes)
        self._place = Place(self._provision.station, self._provision.receiver)
        self._began = time.monotonic()
        self._session: tuple[str, datetime] = (uuid.uuid4().hex, clock.now())
        self._stop = threading.Event()
        self._reconfigured = False  # health is told anew at once
        self._link = link(self._last_will)
        self._amplifier = amplifier or Amplifier(None)
        self._machine = Machine(folder)
        self._watchdog = Watchdog()
        self._told_stops: tuple[str, ...] = ()
        self._unhandled = self._journal.drop_unreadable(clock.now())  # documents at which this software failed
        self._player = Player(self._journal, clock, self._place, self._receipts_changed, self._amplifier)
        self._outbox = Outbox(
            station=self._provision.station,
            receiver=self._provision.receiver,
            key=self._key,
            journal=self._journal,
            link=self._link,
            clock=clock,
        )
        self._probes = ClockProbes(
            station=self._provision.station,
            receiver=self._provision.receiver,
            key=self._key,
            link=self._link,
            timekeeper=clock,
            next_start=self._player.next_start,
        )
        self._downloads = Downloads(
            place=self._place,
            clips=self._clips,
            journal=self._journal,
            clock=clock,
            player=self._player,
            client=client,
            fallback_urls=self._provision.media_urls,
            changed=self._receipts_changed,
        )
        self._trust = Trust(
            folder,
            self._provision,
            self._key,
            self._keys,
            journal=self._journal,
            clock=clock,
            repinned=self._repinned,
        )
        self.wiped = False
        """Whether `run` ended because everything is to be forgotten now."""
        self._intake = Intake(
            self._place,
            self._keys,
            self._journal,
            clock,
            self._player,
            changed=self._taken_in,
            configured=self._configured,
            rehomed=self._rehomed,
            clock_answered=self._probes.answered,
        )

    def stop(self) -> None:
        """End `run`; may be called from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Go on alone until `stop`: with or without the broker, with or without the station.

        Raises StalledError.
        """
        self._restore_configuration()
        self._subscribe_to_own()
        self._player.start()
        self._downloads.start()
        self._outbox.start()
        self._probes.start()
        self._link.open()
        self._watchdog.ready()
        connection, health_at, prune_at = 0, 0.0, 0.0
        try:
            while not self._stop.is_set():
                deliveries = self._link.receive(limit=100, wait_s=0.2)
                self._take(deliveries)
                if self._player.stalled():
                    raise StalledError("The player has stalled; its log says where.")
                self._watchdog.alive()
                self._forget_if_told()
                now = time.monotonic()
                if self._player.stops != self._told_stops:
                    self._told_stops, health_at = self._player.stops, now
                if self._link.connected and self._link.connections != connection:
                    connection = self._link.connections
                    self._say_presence("online")
                    self._downloads.try_again_now()
                    self._outbox.changed()
                    health_at = now
                if self._link.connected and (now >= health_at or self._reconfigured):
                    self._reconfigured = False
                    self._tell_health()
                    configuration = self._place.configuration
                    health_at = now + (configuration.health_every_s if configuration else 60)
                if now >= prune_at:
                    self._prune()
                    prune_at = now + PRUNE_EVERY_S
        finally:
            self._close()

    def _prune(self) -> None:
        try:
            self._journal.prune(self._clock.now())
        except sqlite3.Error as error:
            log.error("the journal cannot be pruned", error=str(error))  # noqa: TRY400 - said in full

    def _take(self, deliveries: list[Delivery]) -> None:
        """Handle and acknowledge; where the disk fails, try again until it does not: nothing is acknowledged unsaved."""
        for delivery in deliveries:
            while not self._stop.is_set():
                try:
                    if not self._trust.handle(delivery) and not self._passed_over(delivery):
                        self._intake.handle(delivery)
                    break
                except (sqlite3.Error, OSError) as error:
                    log.error("the journal cannot be written", error=str(error))  # noqa: TRY400 - said in full
                    self._stop.wait(2.0)
                except Exception:  # it would come again after each restart, and end the receiver each time
                    log.exception("a document is passed over", topic=delivery.topic)
                    self._unhandled += 1
                    break
            else:
                return
            self._link.acknowledge([delivery])

    def _passed_over(self, delivery: Delivery) -> bool:
        """A receiver that is to be wiped takes in nothing more to play."""
        return self._trust.wipe is not None and "/orders/" in delivery.topic

    def _forget_if_told(self) -> None:
        """When the station wants it wiped and every receipt is delivered: say so, and end."""
        wipe = self._trust.wipe
        if wipe is None or not self._trust.may_forget():
            return
        now, receiver = self._clock.now(), self._provision.receiver
        if self._link.connected:
            statement = Wiped(
                station=self._provision.station,
                receiver=receiver,
                wipe=wipe.id,
                at=now,
                undelivered=self._journal.outbox_size(),
            )
            try:
                self._link.publish(topics.of_receiver(receiver, "wiped"), sign(statement, self._key)).result(timeout=5)
            except (LinkError, FutureTimeoutError):
                return  # tried again
        elif now < wipe.deadline:
            return
        self.wiped = True
        self._stop.set()

    def _repinned(self) -> None:
        """Other keys of the station are believed: what was refused stands retained, and comes again."""
        self._subscribe_to_own()
        self._subscribe(set())

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection that is open now."""
        return self._link.connected

    def _close(self) -> None:
        self._watchdog.stopping()
        self._player.close()
        self._downloads.close()
        self._probes.close()
        self._outbox.close()
        if self._link.connected:
            try:
                self._say_presence("offline").result(timeout=3)
            except (LinkError, FutureTimeoutError):
                log.info("could not say goodbye")
        self._link.close()
        self._journal.close()

    # ---- configuration

    def _restore_configuration(self) -> None:
        """A receiver that starts without the broker lives by the configuration that it holds.

        It does so even when that has expired: a receiver whose station is silent for long goes on, and says so.
        """
        for name, document in self._journal.notes(REHOMINGS_NOTE).items():
            try:
                self._place.rehomings[name.removeprefix(REHOMINGS_NOTE)] = verify(document, self._keys, Rehomings)
            except RefusedError as error:
                log.warning("stored re-homings are no longer believed", detail=str(error))
        noted = self._journal.note(CONFIGURATION_NOTE)
        if noted is None:
            return
        try:
            self._apply(verify(noted, self._keys, Configuration))
        except RefusedError as error:
            log.warning("the stored configuration is no longer believed", detail=str(error))

    def _configured(self, configuration: Configuration, document: bytes) -> None:
        self._journal.set_note(CONFIGURATION_NOTE, document)
        self._apply(configuration)
        self._reconfigured = True
        log.info("configured", revision=configuration.revision, areas=configuration.areas, kind=configuration.kind)

    def _rehomed(self, rehomings: Rehomings, document: bytes) -> None:
        self._journal.set_note(f"{REHOMINGS_NOTE}{rehomings.area}", document)
        before = self._place.filters()
        self._place.rehomings[rehomings.area] = rehomings
        self._subscribe(before)
        log.info("re-homed", area=rehomings.area, revision=rehomings.revision, areas=self._place.areas)

    def _apply(self, configuration: Configuration) -> None:
        before = self._place.filters()
        self._place.configuration = configuration
        output = self._output(configuration)
        self._place.output = output
        self._player.use(output)
        if self._page is not None:
            self._page.show(Screen(name=configuration.name, zone=configuration.zone))
        self._subscribe(before)

    def _subscribe(self, before: set[str]) -> None:
        new = self._place.filters()
        if before - new:
            self._link.unsubscribe(*sorted(before - new))
        # Subscribed anew as a whole: what was passed over before this change of place is retained, and comes again.
        receiver = self._provision.receiver
        self._link.subscribe(*sorted(new), topics.receiver_order(receiver, "+"), topics.receiver_stop(receiver, "+"))
        self._downloads.try_again_now()

    def _output(self, configuration: Configuration) -> Output | None:
        if configuration.kind == "screen":
            return None if self._page is None else LedScreen(self._page, self._clips)
        return None if self._sink is None else Loudspeaker(self._sink, self._clips, self._clock)

    def _subscribe_to_own(self) -> None:
        receiver = self._provision.receiver
        self._link.subscribe(
            topics.of_receiver(receiver, "configuration"),
            topics.of_receiver(receiver, "acknowledgements"),
            topics.of_receiver(receiver, "clock-answers"),
            topics.of_receiver(receiver, "wipe"),
            topics.keys("+"),
            topics.receiver_order(receiver, "+"),
            topics.receiver_stop(receiver, "+"),
        )

    # ---- what it tells

    def _receipts_changed(self) -> None:
        self._outbox.changed()

    def _taken_in(self) -> None:
        self._outbox.changed()
        self._downloads.look()

    def _last_will(self) -> Will:
        self._session = (uuid.uuid4().hex, self._clock.now())
        return Will(topics.of_receiver(self._provision.receiver, "presence"), self._presence("offline"))

    def _presence(self, state: str) -> bytes:
        session, at = self._session
        return sign(
            Presence(
                station=self._provision.station,
                receiver=self._provision.receiver,
                state="online" if state == "online" else "offline",
                session=session,
                at=at,
                software=software(),
                supports=SUPPORTS,
            ),
            self._key,
        )

    def _say_presence(self, state: str) -> "Future[None]":
        topic = topics.of_receiver(self._provision.receiver, "presence")
        return self._link.publish(topic, self._presence(state), retain=True)

    def _tell_health(self) -> None:
        """Where the disk does not answer, health is told the next time: a receiver goes on playing what it can."""
        try:
            self._say_health()
        except (sqlite3.Error, OSError) as error:
            log.error("health cannot be told", error=str(error))  # noqa: TRY400 - said in full

    def _say_health(self) -> None:
        offset = self._clock.offset_s()
        account = self._account()
        health = Health(
            station=self._provision.station,
            receiver=self._provision.receiver,
            at=self._clock.now(),
            uptime_s=round(time.monotonic() - self._began),
            clock_offset_ms=None if offset is None else round(offset[0] * 1000, 3),
            clock_uncertainty_ms=None if offset is None else round(offset[1] * 1000, 3),
            cache_bytes=self._clips.size(),
            disk_free_bytes=self._machine.free_bytes(),
            outbox=self._journal.outbox_size(),
            orders=self._journal.still_to_play(),
            problems=tuple(account.problems),
            conditions=tuple(account.conditions),
            stops=self._player.stops,
            temperature_c=self._machine.temperature_c(),
        )
        self._link.publish(topics.of_receiver(self._provision.receiver, "health"), sign(health, self._key))

    def _account(self) -> Account:
        account = Account()
        configuration = self._place.configuration
        if configuration is None:
            account.add("unconfigured", "There is no configuration yet.")
        else:
            if self._clock.now() >= configuration.expires_at:
                account.add("configuration_expired", "The configuration has expired; the station should renew it.")
            if self._place.output is None:
                lacking = "page port" if configuration.kind == "screen" else "sound output"
                account.add(
                    "output_missing",
                    f"It is configured as a {configuration.kind} and was started without a {lacking}.",
                )
            if configuration.kind == "loudspeaker" and self._sink is not None:
                trouble = self._sink.trouble()
                if trouble is not None or self._player.output_failed:
                    account.add("output_failed", trouble or "The last bulletin could not be sounded.")
            if self._amplifier.failure is not None:
                account.add("amplifier_failed", self._amplifier.failure)
        self._machine.look(account)
        refused = (self._intake.refused_configurations, self._intake.refused_stops)
        if any(refused):
            account.add(
                "documents_refused", f"{refused[0]} configurations and {refused[1]} stops were refused since the start."
            )
        if self._unhandled:
            account.add("documents_refused", f"The software failed at {self._unhandled} documents; its log says where.")
        return account
