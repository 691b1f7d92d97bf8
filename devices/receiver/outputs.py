"""What an order is played on: a loudspeaker's sink, or a screen's page. One port, so that both start alike."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from devices.receiver.clips import Clips
from devices.receiver.clock import Clock
from devices.receiver.page import PageServer, Screen
from devices.receiver.sinks import Decoded, Playback, Sink, Source, ToneSource
from devices.wire.messages import Card, Evidence, File, Order, Position, Sound

MEDIA_TYPES = ("audio/mpeg", "audio/ogg")
"""What this receiver decodes."""
DRILL_TEXT = "DIỄN TẬP"
"""All that a screen shows of a drill."""


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

    @property
    def audible(self) -> bool:
        """Whether it needs the amplifier."""

    def supports(self, order: Order) -> bool:
        """Whether the order holds anything for this kind of receiver."""

    def clip(self, order: Order) -> File | None:
        """The clip or picture that must be on the device first; None where none is needed."""

    def flaw(self, file: File) -> str | None:
        """Why what was fetched and verified can't be played or shown; None where it can, or where playing will tell."""

    def prepare(self, order: Order, *, from_ms: int = 0, gain_db: float = 0.0) -> Performance:
        """Get ready, so that the beginning needs no time. Raises ClipLostError, SinkError.

        `from_ms` is where to begin. Of a drill, whatever it holds, nothing is heard or shown.
        """


@dataclass(frozen=True, slots=True)
class Loudspeaker:
    """Plays the order's sound, or its tone."""

    sink: Sink
    clips: Clips
    clock: Clock
    audible: bool = True

    def supports(self, order: Order) -> bool:
        return self.clip(order) is not None or (order.sound is None and order.tone is not None)

    def clip(self, order: Order) -> Sound | None:
        """The smallest of those that can be decoded: lines are thin."""
        sounds = [] if order.sound is None else [order.sound, *order.alternatives]
        return min((s for s in sounds if s.media_type in MEDIA_TYPES), key=lambda s: s.size, default=None)

    def flaw(self, file: File) -> str | None:  # noqa: ARG002 - a sink says so when it begins
        return None

    def prepare(self, order: Order, *, from_ms: int = 0, gain_db: float = 0.0) -> Performance:
        gain = 0.0 if order.is_drill else 10 ** (gain_db / 20)
        sound = self.clip(order)
        source: Source
        if sound is None and order.tone is not None:
            source = ToneSource(order.tone, gain=gain)
        elif sound is None or not self.clips.verified(sound):
            raise ClipLostError
        else:
            source = Decoded(self.clips.path(sound), from_ms=from_ms, gain=gain)
        known = Evidence(
            clip_sha256=None if sound is None else sound.sha256,
            from_ms=from_ms or None,
            gain_db=None if order.is_drill else round(gain_db, 2),
            sink=self.sink.name,
        )
        return _Sounding(self.sink.prepare(order.id, source), self.clock, known)


@dataclass(frozen=True, slots=True)
class _Sounding:
    playback: Playback
    clock: Clock
    known: Evidence

    def run(self, stop: threading.Event, begun: Callable[[], None]) -> Evidence:
        played = self.playback.play(stop, begun)
        now, tick, before = self.clock.now(), time.monotonic(), self.known.from_ms or 0
        return self.known.model_copy(
            update={
                "played_ms": before + played.played_ms,
                "expected_ms": before + played.expected_ms,
                "level_dbfs": played.level_dbfs,
                "positions": tuple(
                    Position(at=now - timedelta(seconds=tick - at), position_ms=before + position)
                    for at, position in played.positions
                ),
            }
        )

    def close(self) -> None:
        self.playback.close()


@dataclass(frozen=True, slots=True)
class LedScreen:
    """Shows the order's card."""

    page: PageServer
    clips: Clips
    audible: bool = False

    def supports(self, order: Order) -> bool:
        return order.card is not None

    def clip(self, order: Order) -> File | None:
        card = order.card
        return card.image if card is not None and card.kind == "image" and not order.is_drill else None

    def flaw(self, file: File) -> str | None:
        from devices.cards import images  # noqa: PLC0415 - a loudspeaker needs no pictures
        from devices.cards.layout import CardError  # noqa: PLC0415

        try:
            images.read(self.clips.path(file).read_bytes())
        except (CardError, OSError) as error:
            return str(error)
        return None

    def prepare(self, order: Order, *, from_ms: int = 0, gain_db: float = 0.0) -> Performance:  # noqa: ARG002 - no sound
        if order.card is None:
            raise ClipLostError
        card, image = order.card, self.clip(order)
        if order.is_drill:
            card = Card(text=DRILL_TEXT, style="static", duration_ms=card.duration_ms)
        if image is not None and not self.clips.verified(image):
            raise ClipLostError
        return _Showing(self.page, card, from_ms, None if image is None else self.clips.path(image))


@dataclass(frozen=True, slots=True)
class _Showing:
    page: PageServer
    card: Card
    from_ms: int
    image: Path | None

    def run(self, stop: threading.Event, begun: Callable[[], None]) -> Evidence:
        idle = self.page.screen
        start = time.monotonic()
        self.page.show(
            Screen(name=idle.name, zone=idle.zone, card=self.card, image=self.image, began=start - self.from_ms / 1000)
        )
        begun()
        length = self.page.shows_ms(self.card)
        try:
            stop.wait(max(0, length - self.from_ms) / 1000)
        finally:
            self.page.show(Screen(name=idle.name, zone=idle.zone))
        shown = min(self.from_ms + round((time.monotonic() - start) * 1000), length)
        return Evidence(
            from_ms=self.from_ms or None,
            played_ms=shown,
            expected_ms=length,
            sink="page",
            viewers=self.page.viewers,
        )

    def close(self) -> None:
        pass
