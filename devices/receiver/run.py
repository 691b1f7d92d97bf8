"""Runs one receiver as a process: what `broadcaster receiver` calls."""

import signal
import ssl
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import structlog

from devices.links.mqtt import MqttLink
from devices.links.port import Link, Will
from devices.receiver.agent import Agent, LinkFactory
from devices.receiver.clips import MAX_BYTES
from devices.receiver.journal import JournalError
from devices.receiver.page import PageError, PageServer
from devices.receiver.provision import BrokerAccess, Provision, ProvisionError
from devices.receiver.sinks import Sink, WavSink
from devices.receiver.timekeeping import Timekeeper
from devices.wire.signing import KeyFileError

log = structlog.get_logger(__name__)

SWITCH_S = 0.0005
"""Python lets a thread hold the others up for 5 ms by default: too long for one that has an instant to keep."""
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


def mqtt_link(access: BrokerAccess) -> LinkFactory:
    """Links to the provisioned broker, with TLS where it says so."""

    def make(will: Callable[[], Will]) -> Link:
        context = ssl.create_default_context(cafile=access.ca_file) if access.tls else None
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
) -> int:
    """Run the receiver of `folder` until SIGTERM, SIGINT or `stop`; 0 when it ended as asked.

    Clips take at most `cache_bytes` of the disk; those of orders that are still to play are never evicted.

    Raises ReceiverError if it cannot start. Signals are taken only on the main thread.
    """
    stopped = stop or threading.Event()
    sys.setswitchinterval(SWITCH_S)
    page: PageServer | None = None
    try:
        output = make_sink(sink, folder)
        if page_port is not None:
            page = PageServer(page_port)
            page.start()
        with httpx.Client(timeout=httpx.Timeout(20.0, connect=10.0), follow_redirects=False, trust_env=False) as client:
            agent = Agent(
                folder,
                link=mqtt_link(Provision.load(folder).broker),
                clock=clock or Timekeeper(),
                client=client,
                sink=output,
                page=page,
                cache_bytes=cache_bytes,
            )
            if threading.current_thread() is threading.main_thread():
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, lambda *_: stopped.set())
            threading.Thread(target=_stop_when, args=(stopped, agent), daemon=True).start()
            agent.run()
    except (ProvisionError, KeyFileError, JournalError, PageError, ssl.SSLError, OSError) as error:
        raise ReceiverError(str(error)) from error
    finally:
        if page is not None:
            page.close()
    return 0


def _stop_when(stopped: threading.Event, agent: Agent) -> None:
    stopped.wait()
    agent.stop()
