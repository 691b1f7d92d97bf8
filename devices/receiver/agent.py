"""The agent: everything a receiver does, put together."""

import os
import shutil
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
from devices.receiver.clips import MAX_BYTES, Clips
from devices.receiver.downloads import Downloads
from devices.receiver.intake import Intake
from devices.receiver.journal import Journal
from devices.receiver.outbox import Outbox
from devices.receiver.outputs import LedScreen, Loudspeaker, Output
from devices.receiver.page import PageServer, Screen
from devices.receiver.place import Place
from devices.receiver.player import Player
from devices.receiver.provision import KEY_FILE, Provision
from devices.receiver.sinks import Sink
from devices.receiver.timekeeping import ClockProbes, Timekeeper
from devices.wire import topics
from devices.wire.messages import Configuration, Health, Presence
from devices.wire.signing import RefusedError, SigningKey, sign, verify

log = structlog.get_logger(__name__)

LinkFactory = Callable[[Callable[[], Will]], Link]
"""Makes the link, given what makes the last will of each connection."""
CONFIGURATION_NOTE = "configuration"
PRUNE_EVERY_S = 3600.0


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
        self._keys = self._provision.keyring()
        self._journal = Journal(folder / "journal.sqlite")
        self._clips = Clips(folder / "clips", max_bytes=cache_bytes)
        self._place = Place(self._provision.station, self._provision.receiver)
        self._began = time.monotonic()
        self._session: tuple[str, datetime] = (uuid.uuid4().hex, clock.now())
        self._stop = threading.Event()
        self._reconfigured = False  # health is told anew at once
        self._link = link(self._last_will)
        self._player = Player(self._journal, clock, self._receipts_changed)
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
        self._intake = Intake(
            self._place,
            self._keys,
            self._journal,
            clock,
            self._player,
            changed=self._taken_in,
            configured=self._configured,
            clock_answered=self._probes.answered,
        )

    def stop(self) -> None:
        """End `run`; may be called from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Go on alone until `stop`: with or without the broker, with or without the station."""
        self._restore_configuration()
        self._subscribe_to_own()
        self._player.start()
        self._downloads.start()
        self._outbox.start()
        self._probes.start()
        self._link.open()
        connection, health_at, prune_at = 0, 0.0, 0.0
        try:
            while not self._stop.is_set():
                deliveries = self._link.receive(limit=100, wait_s=0.2)
                self._take(deliveries)
                now = time.monotonic()
                if self._link.connected and self._link.connections != connection:
                    connection = self._link.connections
                    self._say_presence("online")
                    self._downloads.try_again_now()
                    self._outbox.changed()
                    health_at = now
                if self._link.connected and (now >= health_at or self._reconfigured):
                    self._reconfigured = False
                    self._say_health()
                    configuration = self._place.configuration
                    health_at = now + (configuration.health_every_s if configuration else 60)
                if now >= prune_at:
                    self._journal.prune(self._clock.now())
                    prune_at = now + PRUNE_EVERY_S
        finally:
            self._close()

    def _take(self, deliveries: list[Delivery]) -> None:
        """Handle and acknowledge; where the disk fails, try again until it does not: nothing is acknowledged unsaved."""
        for delivery in deliveries:
            while not self._stop.is_set():
                try:
                    self._intake.handle(delivery)
                    break
                except sqlite3.Error as error:
                    log.error("the journal cannot be written", error=str(error))  # noqa: TRY400 - said in full
                    self._stop.wait(2.0)
            else:
                return
            self._link.acknowledge([delivery])

    def _close(self) -> None:
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

    def _apply(self, configuration: Configuration) -> None:
        before, self._place.configuration = self._place.configuration, configuration
        output = self._output(configuration)
        self._place.output = output
        self._player.use(output)
        if self._page is not None:
            self._page.show(Screen(name=configuration.name, zone=configuration.zone))
        old = set() if before is None else {topics.area_order(area, "+") for area in before.areas}
        new = {topics.area_order(area, "+") for area in configuration.areas}
        if old - new:
            self._link.unsubscribe(*sorted(old - new))
        # Subscribed anew as a whole: what was passed over before this configuration is retained, and comes again.
        self._link.subscribe(*sorted(new), topics.receiver_order(self._provision.receiver, "+"))
        self._downloads.try_again_now()

    def _output(self, configuration: Configuration) -> Output | None:
        if configuration.kind == "screen":
            return None if self._page is None else LedScreen(self._page)
        return None if self._sink is None else Loudspeaker(self._sink, self._clips)

    def _subscribe_to_own(self) -> None:
        receiver = self._provision.receiver
        self._link.subscribe(
            topics.of_receiver(receiver, "configuration"),
            topics.of_receiver(receiver, "acknowledgements"),
            topics.of_receiver(receiver, "clock-answers"),
            topics.receiver_order(receiver, "+"),
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
            ),
            self._key,
        )

    def _say_presence(self, state: str) -> "Future[None]":
        topic = topics.of_receiver(self._provision.receiver, "presence")
        return self._link.publish(topic, self._presence(state), retain=True)

    def _say_health(self) -> None:
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:
            free = 0
        offset = self._clock.offset_s()
        health = Health(
            station=self._provision.station,
            receiver=self._provision.receiver,
            at=self._clock.now(),
            uptime_s=round(time.monotonic() - self._began),
            clock_offset_ms=None if offset is None else round(offset[0] * 1000, 3),
            clock_uncertainty_ms=None if offset is None else round(offset[1] * 1000, 3),
            cache_bytes=self._clips.size(),
            disk_free_bytes=free,
            outbox=self._journal.outbox_size(),
            orders=self._journal.still_to_play(),
            problems=tuple(self._problems(free)),
        )
        self._link.publish(topics.of_receiver(self._provision.receiver, "health"), sign(health, self._key))

    def _problems(self, free: int) -> list[str]:
        found = []
        configuration = self._place.configuration
        if configuration is None:
            found.append("There is no configuration yet.")
        else:
            if self._clock.now() >= configuration.expires_at:
                found.append("The configuration has expired; the station should renew it.")
            if self._place.output is None:
                lacking = "page port" if configuration.kind == "screen" else "sound output"
                found.append(f"It is configured as a {configuration.kind} and was started without a {lacking}.")
        if free < 100 * 1024 * 1024:
            found.append(f"Only {free // 1024 // 1024} MiB of the disk are free.")
        if self._intake.refused_configurations:
            found.append(f"{self._intake.refused_configurations} configurations were refused since the start.")
        if os.access(self._folder, os.W_OK) is False:
            found.append("The receiver's folder cannot be written.")
        return found
