"""What an order is played on: a loudspeaker's sink, or a screen's page. One port, so that both start alike."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from devices.receiver.clips import Clips
from devices.receiver.page import PageServer, Screen
from devices.receiver.sinks import Playback, Sink
from devices.wire.messages import Card, Evidence, Order


class ClipLostError(Exception):
    """The clip that was ready is gone from the disk or damaged."""


class Performance(Protocol):
    """One order, ready to begin."""

    def run(self, stop: threading.Event, begun: Callable[[], None]) -> Evidence:
        """Begin now; return at the end or soon after `stop`. Raises SinkError."""

    def close(self) -> None:
        """Free what was held. Idempotent."""


class Output(Protocol):
    """Where a kind of receiver plays."""

    def supports(self, order: Order) -> bool:
        """Whether the order holds anything for this kind of receiver."""

    def needs_clip(self, order: Order) -> bool:
        """Whether its clip must be on the device first."""

    def prepare(self, order: Order) -> Performance:
        """Get ready, so that the beginning needs no time. Raises ClipLostError, SinkError."""


@dataclass(frozen=True, slots=True)
class Loudspeaker:
    """Plays the order's sound."""

    sink: Sink
    clips: Clips

    def supports(self, order: Order) -> bool:
        return order.sound is not None

    def needs_clip(self, order: Order) -> bool:
        return order.sound is not None

    def prepare(self, order: Order) -> Performance:
        if order.sound is None or not self.clips.verified(order.sound):
            raise ClipLostError
        playback = self.sink.prepare(order.id, self.clips.path(order.sound))
        return _Sounding(playback, order.sound.sha256, self.sink.name)


@dataclass(frozen=True, slots=True)
class _Sounding:
    playback: Playback
    sha256: str
    sink: str

    def run(self, stop: threading.Event, begun: Callable[[], None]) -> Evidence:
        played = self.playback.play(stop, begun)
        return Evidence(
            clip_sha256=self.sha256,
            played_ms=played.played_ms,
            expected_ms=played.expected_ms,
            level_dbfs=played.level_dbfs,
            sink=self.sink,
        )

    def close(self) -> None:
        self.playback.close()


@dataclass(frozen=True, slots=True)
class LedScreen:
    """Shows the order's card."""

    page: PageServer

    def supports(self, order: Order) -> bool:
        return order.card is not None

    def needs_clip(self, order: Order) -> bool:  # noqa: ARG002 - a card travels within its order
        return False

    def prepare(self, order: Order) -> Performance:
        if order.card is None:
            raise ClipLostError
        return _Showing(self.page, order.card)


@dataclass(frozen=True, slots=True)
class _Showing:
    page: PageServer
    card: Card

    def run(self, stop: threading.Event, begun: Callable[[], None]) -> Evidence:
        idle = self.page.screen
        self.page.show(replace(idle, showing=True, text=self.card.text, style=self.card.style))
        start = time.monotonic()
        begun()
        try:
            stop.wait(self.card.duration_ms / 1000)
        finally:
            self.page.show(Screen(name=idle.name, zone=idle.zone))
        shown = min(round((time.monotonic() - start) * 1000), self.card.duration_ms)
        return Evidence(played_ms=shown, expected_ms=self.card.duration_ms, sink="page", viewers=self.page.viewers)

    def close(self) -> None:
        pass
