"""Runs one receiver as a process: what `broadcaster receiver` calls."""

import gc
import random
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import structlog

from devices.links.mqtt import MqttLink
from devices.links.port import Link, Will
from devices.receiver.agent import Agent, LinkFactory, StalledError, software
from devices.receiver.amplifier import Amplifier, CommandSwitch, FileSwitch
from devices.receiver.clips import MAX_BYTES
from devices.receiver.enrolment import Enrolment, EnrolmentError, Shown, renew
from devices.receiver.enrolment_page import EnrolmentPage, tell
from devices.receiver.journal import JournalError
from devices.receiver.page import PageError, PageServer
from devices.receiver.provision import KEY_FILE, BrokerAccess, Provision, ProvisionError, initialise
from devices.receiver.sinks import Sink, WavSink
from devices.receiver.timekeeping import Timekeeper
from devices.receiver.wiping import finish, wipe
from devices.wire.messages import Kind
from devices.wire.signing import KeyFileError, SigningKey

log = structlog.get_logger(__name__)

SWITCH_S = 0.0005
"""Python lets a thread hold the others up for 5 ms by default: too long for one that has an instant to keep."""
REFUSED_FOR_S = 60.0
"""So long without a connection, a receiver asks whether its secret is still the right one."""
RENEWAL_EVERY_S = 600.0
SINKS = ("wav", "soundcard", "none")


class ReceiverError(Exception):
    """The receiver cannot start; the message says why and what to do."""


def make_sink(name: str, folder: Path) -> Sink | None:
    """The sink of that name: `wav` writes to `{folder}/played`, `none` is for a screen. Raises ReceiverError."""
    if name == "soundcard":
        try:
            from devices.receiver.soundcard import SoundCardSink  # noqa: PLC0415 - an extra of its own
        except ImportError as error:
            raise ReceiverError(
                "The sound card needs miniaudio: pip install 'commune-broadcaster[receiver,soundcard]'."
            ) from error
        return SoundCardSink()
    if name == "wav":
        return WavSink(folder / "played")
    if name == "none":
        return None
    raise ReceiverError(f"There is no sink {name!r}; choose one of {', '.join(SINKS)}.")


def make_amplifier(command: str | None, file: Path | None) -> Amplifier:
    """What switches the amplifier, if anything does. Raises ReceiverError."""
    if command is not None and file is not None:
        raise ReceiverError("The amplifier is switched by a command or by a file, not by both.")
    try:
        return Amplifier(CommandSwitch(command) if command is not None else FileSwitch(file) if file else None)
    except ValueError as error:
        raise ReceiverError(str(error)) from error


def mqtt_link(access: BrokerAccess) -> LinkFactory:
    """Links to the provisioned broker, with TLS where it says so."""

    def make(will: Callable[[], Will]) -> Link:
        context = ssl.create_default_context(cafile=access.ca_file, cadata=access.ca_pem) if access.tls else None
        return MqttLink(
            access.host, access.port, access.username, access.username, access.secret, will=will, tls=context
        )

    return make


def run_receiver(
    folder: Path,
    *,
    sink: str = "wav",
    page_port: int | None = None,
    stop: threading.Event | None = None,
    clock: Timekeeper | None = None,
    cache_bytes: int = MAX_BYTES,
    amplifier_command: str | None = None,
    amplifier_file: Path | None = None,
) -> int:
    """Run the receiver of `folder` until SIGTERM, SIGINT or `stop`; 0 when it ended as asked.

    Clips take at most `cache_bytes` of the disk; those of orders that are still to play are never evicted.

    Raises ReceiverError if it cannot start. Signals are taken only on the main thread.
    """
    stopped = stop or threading.Event()
    sys.setswitchinterval(SWITCH_S)
    page: PageServer | None = None
    try:
        finish(folder)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stopped.set())
        if page_port is not None:
            page = PageServer(page_port)
            page.start()
        with _client() as client:
            while not stopped.is_set():
                agent = Agent(
                    folder,
                    link=mqtt_link(Provision.load(folder).broker),
                    clock=clock or Timekeeper(),
                    client=client,
                    sink=make_sink(sink, folder),
                    page=page,
                    cache_bytes=cache_bytes,
                    amplifier=make_amplifier(amplifier_command, amplifier_file),
                )
                ended = threading.Event()
                watch = threading.Thread(target=_watch, args=(folder, agent, client, stopped, ended), daemon=True)
                watch.start()
                gc.freeze()  # what was loaded stays: no collection need look at it again
                try:
                    agent.run()
                finally:
                    ended.set()
                    watch.join(timeout=10)
                if agent.wiped:
                    log.warning("everything of this receiver is forgotten, as its station ordered")
                    wipe(folder)
                    break
    except (ProvisionError, KeyFileError, JournalError, PageError, StalledError, ssl.SSLError, OSError) as error:
        raise ReceiverError(str(error)) from error
    finally:
        if page is not None:
            page.close()
    return 0


def _watch(folder: Path, agent: Agent, client: httpx.Client, stopped: threading.Event, ended: threading.Event) -> None:
    """End the agent when it is to stop; and when the broker does not let it in for long, ask the station for its secret.

    A new secret, or another address of the broker, ends the agent too: the next one takes it up.
    """
    since, next_at = time.monotonic(), 0.0
    while not ended.is_set():
        if stopped.wait(0.5):
            agent.stop()
            return
        now = time.monotonic()
        if agent.connected:
            since = now
        elif now - since > REFUSED_FOR_S and now >= next_at:
            next_at = now + RENEWAL_EVERY_S * random.uniform(0.5, 1.5)  # noqa: S311 - spreading, not secrecy
            if _renewed(folder, client):
                agent.stop()
                return


def _renewed(folder: Path, client: httpx.Client) -> bool:
    """Whether the station had another provision for us."""
    try:
        before = Provision.load(folder)
        if before.station_url is None:
            return False
        return renew(folder, client).broker != before.broker
    except (EnrolmentError, ProvisionError, KeyFileError, OSError) as error:
        log.info("the provision could not be fetched anew", detail=str(error))
        return False


def renew_receiver(folder: Path, *, new_key: bool) -> None:
    """Change the receiver's secret at the broker, and its key too if wanted. Raises ReceiverError."""
    try:
        with _client() as client:
            renew(folder, client, change=True, new_key=new_key)
    except (EnrolmentError, ProvisionError, KeyFileError, OSError) as error:
        raise ReceiverError(str(error)) from error


def enrol_receiver(
    folder: Path,
    url: str,
    *,
    kind: Kind,
    name: str,
    page_port: int | None = None,
    stop: threading.Event | None = None,
) -> bool:
    """Have the receiver of `folder` taken into service by the station at `url`, showing its code meanwhile.

    True once it has its provision, False if it was stopped before. Raises ReceiverError where it was refused or
    cannot ask.
    """
    stopped = stop or threading.Event()
    served: EnrolmentPage | None = None

    def show(shown: Shown | None) -> None:
        tell(shown)
        if served is not None:
            served.shown = shown

    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        finish(folder)
        initialise(folder)
        if page_port is not None:
            served = EnrolmentPage(page_port)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stopped.set())
        with _client() as client:
            enrolment = Enrolment(
                *(folder, SigningKey.load(folder / KEY_FILE)),
                url=url,
                kind=kind,
                name=name,
                software=software(),
                client=client,
                show=show,
                stop=stopped,
            )
            return enrolment.run() is not None
    except (EnrolmentError, ProvisionError, KeyFileError, PageError, OSError) as error:
        raise ReceiverError(str(error)) from error
    finally:
        if served is not None:
            served.close()


def _client() -> httpx.Client:
    return httpx.Client(timeout=httpx.Timeout(20.0, connect=10.0), follow_redirects=False, trust_env=False)
